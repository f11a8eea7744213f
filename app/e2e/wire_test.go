package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/webconfig/certtest"
)

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
	if status, why := over(s, ca.ClientTLS(), "/health"); status != 200 {
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

func TestCurlLearnsWhyBeforeItSendsABody(t *testing.T) {
	token := harness.Secret("token")
	s := harness.StartEnv(t, []string{"API_TOKENS=" + token, "AUTH_LOCALHOST_BYPASS=false"})
	curl := func(args ...string) string {
		cmd := exec.Command(harness.Tool(t, "curl"), append([]string{"-sv", "-X", "PUT", "-H", "Expect: 100-continue", "--data-binary", "@-"}, args...)...)
		cmd.Stdin = strings.NewReader(strings.Repeat("# comment\n", 100_000) + "a 1\n")
		out, err := cmd.CombinedOutput()
		harness.Must(t, err)
		return string(out)
	}
	target := s.URL + "/metrics/job/x"
	if out := curl(target); strings.Contains(out, "100 Continue") || !strings.Contains(out, "401 Unauthorized") ||
		!strings.Contains(out, "Www-Authenticate: Bearer") || !strings.Contains(out, "authentication is required\n") {
		t.Errorf("without a credential:\n%.3000s", out)
	}
	if out := curl("-H", "Authorization: Bearer "+token, target); !strings.Contains(out, "100 Continue") || !strings.Contains(out, "200 OK") {
		t.Errorf("with one:\n%.3000s", out)
	}
}

func TestOneSlashTooManyIsNoMistake(t *testing.T) {
	s := harness.Start(t, "--web.external-url=http://gate.example/pg")
	for _, target := range []string{"/pg//metrics/job/x", "//pg/metrics/job/x", "//pg//metrics/job/x"} {
		c := s.Dial()
		c.Write("PUT " + target + " HTTP/1.1\r\nHost: gate.example\r\nContent-Length: 4\r\n\r\na 1\n")
		if a := c.Read(); a.Status != 200 {
			t.Errorf("%s: %v", target, a)
		}
	}
	if a := s.Do("GET", "/pg?q=1", ""); a.Status != 308 || a.Header.Get("Location") != "/pg/?q=1" {
		t.Errorf("%v %v", a, a.Header)
	}
}
