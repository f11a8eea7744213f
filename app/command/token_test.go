package command

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command against a server.
func run(t *testing.T, server string, args ...string) (code int, out, messages string) {
	t.Helper()
	environment := map[string]string{"GATEHOUSE_SERVER": server, "GATEHOUSE_TOKEN": "the-secret"}
	var o, m bytes.Buffer
	code = runRemote(t.Context(), append([]string{"token"}, args...), func(name string) string { return environment[name] }, &o, &m)
	return code, o.String(), m.String()
}

// answering is a server that always answers the same.
func answering(t *testing.T, status int, body string, headers ...string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestStrangeAnswersAreErrors(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the credential %q went elsewhere", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	for _, test := range []struct {
		name   string
		server *httptest.Server
		want   string
	}{
		{"a redirect", answering(t, 307, "", "Location", elsewhere.URL), "the server leads to " + elsewhere.URL},
		{"a page", answering(t, 200, "<html>"), "is it a Gatehouse server?"},
		{"nothing", answering(t, 204, ""), "is it a Gatehouse server?"},
		{"another envelope", answering(t, 200, `{}`), "is it a Gatehouse server?"},
		{"another content", answering(t, 200, `{"status":"success","data":{"tokens":5}}`), "is it a Gatehouse server?"},
		{"a flood", answering(t, 200, strings.Repeat(" ", maxAnswer+1)), "the answer is too long"},
		{"an error with escapes", answering(t, 500, `{"status":"error","error":"a\u001b[31mb\nc"}`), "a\uFFFD[31mb\uFFFDc (status 500)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, messages := run(t, test.server.URL, "list")
			if code != 1 || out != "" || !strings.Contains(messages, test.want) || strings.Count(messages, "\n") != 1 || strings.Contains(messages, "the-secret") {
				t.Errorf("%d %q %q, want %q", code, out, messages, test.want)
			}
		})
	}
	if code, out, _ := run(t, answering(t, 201, `{"status":"success","data":{"token":{}}}`).URL, "create", "x", "--role=admin"); code != 1 || out != "" {
		t.Errorf("without a secret: %d %q", code, out)
	}
}

func TestNamesOfAServerDoNothingToATerminal(t *testing.T) {
	s := answering(t, 200, `{"status":"success","data":{"tokens":[{"id":"i","name":"a\u001b]0;x\u0007\tb\u202ec","role":"reader"}]}}`)
	_, out, _ := run(t, s.URL, "list")
	if strings.ContainsAny(out, "\x1b\x07\t\u202e") || !strings.Contains(out, "a\uFFFD]0;x\uFFFD\uFFFDb\uFFFDc") {
		t.Errorf("%q", out)
	}
}

func TestANameThatIsAnIDIsAmbiguous(t *testing.T) {
	s := answering(t, 200, `{"status":"success","data":{"tokens":[{"id":"one","name":"two"},{"id":"two","name":"three"}]}}`)
	code, _, messages := run(t, s.URL, "revoke", "two")
	if code != 1 || !strings.Contains(messages, `"two" is the name of one token and the ID of another`) {
		t.Errorf("%d %q", code, messages)
	}
}

func TestAServerIsTrustedByTheAuthorityThatIsGiven(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"tokens":[{"name":%q}]}}`, r.Header.Get("Authorization"))
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, messages := run(t, s.URL, "list"); code != 1 || !strings.Contains(messages, "certificate") {
		t.Errorf("%d %q", code, messages)
	}
	if code, out, messages := run(t, s.URL, "list", "--ca-file="+file); code != 0 || !strings.Contains(out, "Bearer the-secret") {
		t.Errorf("%d %q", code, messages)
	}
}
