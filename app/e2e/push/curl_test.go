package push

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

func TestTheReadmesCommandsWorkAsWritten(t *testing.T) {
	t.Parallel()
	harness.Tool(t, "curl")
	s := harness.Start(t)
	lines := strings.SplitAfter(harness.Block(t, "README.md", "curl -X PUT", "curl -X DELETE"), "\n")
	if len(lines) < 3 {
		t.Fatalf("%q", lines)
	}
	const pushed = `cpu_usage{instance="server1",job="my_job"} 0.85` + "\n"
	if out := s.Paste(lines[0]); out != "" {
		t.Errorf("the push answers %q", out)
	}
	s.Holds(pushed)
	if out := s.Paste(lines[1]); !strings.Contains(out, pushed) {
		t.Errorf("the metric is not in\n%s", out)
	}
	if out := s.Paste(lines[2]); out != "" {
		t.Errorf("the delete answers %q", out)
	}
	s.Holds("")
}

// curl runs curl with a body on its standard input, and returns the status.
func curl(s *harness.Server, body []byte, args ...string) string {
	s.T.Helper()
	args = append([]string{"-sS", "-o", os.DevNull, "-w", "%{http_code}", "--data-binary", "@-"}, args...)
	cmd := exec.CommandContext(s.T.Context(), harness.Tool(s.T, "curl"), args...)
	cmd.Stdin = bytes.NewReader(body)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.T.Fatalf("curl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestCurlPushesWhateverAFileLooksLike(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Curl)
	large := series(50_000)
	for _, test := range []struct {
		name, body string
		args       []string
		status     string
		want       string // "": nothing; otherwise samples
	}{
		{"POST as form data", "m 1\n", nil, "200", "m 1\n"},
		{"a file without a final newline", "# TYPE m gauge\nm 1", nil, "200", "m 1\n"},
		{"CRLF line ends", "# TYPE m gauge\r\nm{a=\"b\"} 1\r\n", nil, "200", "m{a=\"b\"} 1\n"},
		{"CRLF line ends but the last", "# TYPE m gauge\r\nm 1", nil, "200", "m 1\n"},
		{"blanks behind values", "m 1 \t\n", nil, "200", "m 1\n"},
		{"a body in gzip", harness.Gzip("m 1\n"), []string{"-H", "Content-Encoding: gzip"}, "200", "m 1\n"},
		{"an unknown encoding", "m 1\n", []string{"-H", "Content-Encoding: br"}, "415", ""},
		{"a large body after Expect: 100-continue", large, []string{"-H", "Expect: 100-continue"}, "200", large},
		{"a large body in chunks", large, []string{"-H", "Transfer-Encoding: chunked"}, "200", large},
		{"a large body over HTTP 1.0", large, []string{"--http1.0"}, "200", large},
		{"a body that is too large", string(harness.Comments(17_000_000)), nil, "413", ""},
		{"a body that is too large, without waiting", string(harness.Comments(17_000_000)), []string{"-H", "Expect:"}, "413", ""},
		{"lines that -d would have joined", "m 1n 2", nil, "400", ""},
		{"nothing", "", []string{"-X", "PUT"}, "200", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			if got := curl(s, []byte(test.body), append(test.args, s.URL+"/metrics/job/x/instance/i")...); got != test.status {
				t.Errorf("status %s, want %s", got, test.status)
			}
			s.Holds(strings.NewReplacer("m{", `m{instance="i",job="x",`, "m ", `m{instance="i",job="x"} `).Replace(test.want))
		})
	}
}
