package access

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/webconfig/certtest"
)

// webConfig writes a web configuration file in one step, as editors do, and
// returns its path.
func webConfig(t *testing.T, path, text string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "web.yml")
	}
	harness.Must(t, os.WriteFile(path+".new", []byte(text), 0o600))
	harness.Must(t, os.Rename(path+".new", path))
	return path
}

// startTLS runs a server that speaks TLS.
func startTLS(t *testing.T, config string, env []string, args ...string) *harness.Server {
	t.Helper()
	s := harness.StartEnv(t, env, append([]string{"--web.config.file=" + config}, args...)...)
	s.Wrote(`msg=Listening .*tls=true`)
	s.URL = "https://" + s.Addr
	return s
}

// statusOver sends a request over a connection of its own. It returns what it was
// answered, or why not.
func statusOver(s *harness.Server, config *tls.Config, target string, headers ...string) (int, string) {
	s.T.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(s.T.Context(), "GET", s.URL+target, nil)
	harness.Must(s.T, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Transport: transport, Timeout: harness.Patience}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 1 || resp.Header.Get("Strict-Transport-Security") == "" {
		s.T.Errorf("%s %v", resp.Proto, resp.Header)
	}
	return resp.StatusCode, ""
}

func TestClientCertificatesAreChecked(t *testing.T) {
	right, wrong := certtest.NewCA(t, "right"), certtest.NewCA(t, "wrong")
	server := right.Server(t, "gatehouse")
	config := func(kind string) string {
		return webConfig(t, "", fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n  client_ca_file: %s\n  client_auth_type: %s\n  client_allowed_sans: [pusher.test]\n",
			server.CertFile, server.KeyFile, right.CertFile, kind))
	}
	clients := map[string]*tls.Config{
		"none":       right.ClientTLS(),
		"right":      right.ClientTLS(right.Client(t, "batch", "pusher.test")),
		"wrong name": right.ClientTLS(right.Client(t, "batch", "other.test")),
		"expired":    right.ClientTLS(right.ExpiredClient(t, "batch", "pusher.test")),
		"wrong CA":   right.ClientTLS(wrong.Client(t, "batch", "pusher.test")),
		"old TLS":    right.ClientTLS(right.Client(t, "batch", "pusher.test")),
	}
	clients["old TLS"].MinVersion, clients["old TLS"].MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	token := harness.Secret("token")
	for _, test := range []struct {
		name, kind string
		env, args  []string
		headers    []string
		none, good int // 0: no connection
	}{
		{"optional, as a credential", "VerifyClientCertIfGiven", nil, []string{"--auth.client-certificate-role=reader"}, nil, 401, 200},
		{"required, as a credential", "RequireAndVerifyClientCert", nil, []string{"--auth.client-certificate-role=reader"}, nil, 0, 200},
		{"required, beside a token that is missing", "RequireAndVerifyClientCert", []string{"API_TOKENS=" + token}, nil, nil, 0, 401},
		{"required, beside a token", "RequireAndVerifyClientCert", []string{"API_TOKENS=" + token}, nil, []string{"X-API-Key", token}, 0, 200},
		{"required, and nothing else", "RequireAndVerifyClientCert", nil, nil, nil, 0, 200},
		{"optional, beside a token", "VerifyClientCertIfGiven", []string{"API_TOKENS=" + token}, nil, []string{"X-API-Key", token}, 200, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startTLS(t, config(test.kind), test.env, test.args...)
			for range 2 { // what is refused must not end the server
				for name, client := range clients {
					want := 0
					switch name {
					case "none":
						want = test.none
					case "right":
						want = test.good
					}
					if got, why := statusOver(s, client, "/", test.headers...); got != want {
						t.Errorf("certificate %s: got %d (%s), want %d", name, got, why, want)
					}
				}
			}
		})
	}
}

func TestTheRoleOfACertificateHolds(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	server := ca.Server(t, "gatehouse")
	s := startTLS(t, webConfig(t, "", fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s, client_ca_file: %s, client_auth_type: RequireAndVerifyClientCert}\n",
		server.CertFile, server.KeyFile, ca.CertFile)), nil, "--auth.client-certificate-role=pusher")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(ca.Client(t, "batch"))}}
	do := func(method, target, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, strings.NewReader(body))
		harness.Must(t, err)
		resp, err := client.Do(req)
		harness.Must(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for _, test := range []struct {
		method, target, body string
		want                 int
	}{
		{"PUT", "/metrics/job/x", "a 1\n", 200},
		{"GET", "/metrics", "", 200},
		{"DELETE", "/api/v1/groupings?match[]={job=%22x%22}", "", 403},
		{"PUT", "/-/quit", "", 403},
	} {
		if got := do(test.method, test.target, test.body); got != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.target, got, test.want)
		}
	}
}

// hash is the bcrypt hash of a password, of the least cost.
func hash(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	harness.Must(t, err)
	harness.KeepSecret("a hash", string(h))
	return string(h)
}

func TestCertificatesAndUsersChangeWithoutARestart(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	old, renewed := ca.Server(t, "old"), ca.Server(t, "new")
	alice, bob := harness.Secret("password"), harness.Secret("password")
	config := func(p certtest.Pair, users string) string {
		return fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\nbasic_auth_users: {%s}\n", p.CertFile, p.KeyFile, users)
	}
	path := webConfig(t, "", config(old, fmt.Sprintf("alice: %q", hash(t, alice))))
	s := startTLS(t, path, []string{"AUTH_LOCALHOST_BYPASS=false"})
	serves := func() string {
		conn, err := tls.Dial("tcp", s.Addr, ca.ClientTLS())
		harness.Must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	status := func(name, password string) int {
		got, why := statusOver(s, ca.ClientTLS(), "/", "Authorization", harness.BasicAuth(name, password))
		if why != "" {
			t.Fatal(why)
		}
		return got
	}
	if name := serves(); name != "old" {
		t.Fatalf("serves the certificate %q", name)
	}
	if status("alice", alice) != 200 || status("bob", bob) != 401 {
		t.Fatal("the users are not those of the file")
	}
	webConfig(t, path, config(renewed, fmt.Sprintf("bob: %q", hash(t, bob))))
	harness.Until(t, "the new certificate", func() string {
		if name := serves(); name != "new" {
			return "serves " + name
		}
		return ""
	})
	harness.Until(t, "the new users", func() string { // they follow at once, but not in the same instant
		if got := status("bob", bob); got != 200 {
			return fmt.Sprint(got)
		}
		return ""
	})
	if got := status("alice", alice); got != 401 {
		t.Errorf("who was removed got %d", got)
	}
	webConfig(t, path, "tls_server_config: {cert_file: /nowhere, key_file: /nowhere}\n")
	s.Wrote(`level=ERROR .*Cannot reload the web configuration`)
	if name := serves(); name != "new" || status("bob", bob) != 200 {
		t.Errorf("a broken file has taken effect: serves %s", name)
	}
	webConfig(t, path, config(old, ""))
	harness.Until(t, "the old certificate", func() string {
		if name := serves(); name != "old" {
			return "serves " + name
		}
		return ""
	})
	harness.Until(t, "everybody to be kept out", func() string {
		if got := status("bob", bob); got != 401 && got != 429 {
			return fmt.Sprint(got)
		}
		return ""
	})
	if got, _ := statusOver(s, ca.ClientTLS(), "/"); got != 401 {
		t.Errorf("without users a stranger got %d", got)
	}
}

func TestHeadersOfTheWebConfigurationAreSent(t *testing.T) {
	s := harness.Start(t, "--web.config.file="+webConfig(t, "", "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=1\n"))
	a := s.Want(200, "GET", "/health", "")
	if a.Header.Get("X-Frame-Options") != "deny" || a.Header.Get("Strict-Transport-Security") != "max-age=1" {
		t.Errorf("headers %v", a.Header)
	}
}

// TestHTTPWithoutTLSIsAnswered holds for what people's clients send to a port that
// takes TLS only.
func TestHTTPWithoutTLSIsAnswered(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	pair := ca.Server(t, "gatehouse")
	s := startTLS(t, webConfig(t, "", fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\n", pair.CertFile, pair.KeyFile)), nil)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "GET http://x", "PUT http://x"} {
		c := s.Dial()
		if !strings.Contains(method, " ") {
			method += " "
		}
		c.Write(method + "/metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a 1\n", 25_000))
		if a := c.Read(); a.Status != 400 || a.Body != "this port takes TLS only: use https://\n" {
			t.Errorf("%s: %v", method, a)
		}
		if !c.Ended() {
			t.Errorf("%s: the connection doesn't end in order", method)
		}
	}
	c := s.Dial()
	c.Write("SSH-2.0-x\r\n")
	if left, err := io.ReadAll(c.In); strings.Contains(string(left), "HTTP") || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("another protocol is answered %q, %v", left, err)
	}
	if status, why := statusOver(s, ca.ClientTLS(), "/health"); status != 200 {
		t.Errorf("TLS: %d %s", status, why)
	}
	conn, err := tls.Dial("tcp", s.Addr, ca.ClientTLS())
	harness.Must(t, err)
	defer conn.Close()
	harness.Must(t, conn.SetDeadline(time.Now().Add(harness.Patience)))
	_, err = io.WriteString(conn, "GET /health HTTP/1.1\nHost: x\n\n") // as openssl s_client sends it
	harness.Must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	harness.Must(t, err)
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("bare LF by TLS: %+v", resp)
	}
	client := exec.Command(harness.Tool(t, "openssl"), "s_client", "-quiet", "-connect", s.Addr)
	client.Stdin = strings.NewReader("GET /health HTTP/1.1\nHost: x\n\n")
	if out, err := client.Output(); !strings.HasPrefix(string(out), "HTTP/1.1 200 ") {
		t.Errorf("openssl: %q, %v", out, err)
	}
}
