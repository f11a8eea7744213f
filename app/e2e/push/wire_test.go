package push

import (
	"os/exec"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

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
