package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// blocks returns the indented blocks of a Markdown file.
func blocks(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	must(t, err)
	var found []string
	inside := false
	for line := range strings.Lines(string(b)) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && inside:
			found[len(found)-1] += code
		case indented:
			found = append(found, code)
		}
		inside = indented
	}
	return found
}

// block returns the first block of a Markdown file that has all the texts.
func block(t *testing.T, file string, texts ...string) string {
	t.Helper()
next:
	for _, b := range blocks(t, file) {
		for _, text := range texts {
			if !strings.Contains(b, text) {
				continue next
			}
		}
		return b
	}
	t.Fatalf("%s has no block with %q", file, texts)
	return ""
}

// paste runs commands of the documentation in a shell, against s.
func (s *server) paste(commands string) string {
	s.t.Helper()
	if !strings.Contains(commands, "localhost:9091") {
		s.t.Fatalf("nothing speaks to localhost:9091 in\n%s", commands)
	}
	_, port, _ := strings.Cut(s.addr, ":")
	cmd := exec.CommandContext(s.t.Context(), "sh", "-e", "-c", strings.ReplaceAll(commands, "localhost:9091", "localhost:"+port))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s\n%v\n%s%s", commands, err, &out, &errs)
	}
	return out.String()
}

func TestTheReadmesCommandsWorkAsTheyStandThere(t *testing.T) {
	t.Parallel()
	tool(t, "curl")
	s := start(t)
	lines := strings.SplitAfter(block(t, "README.md", "curl -X PUT", "curl -X DELETE"), "\n")
	if len(lines) < 3 {
		t.Fatalf("%q", lines)
	}
	const pushed = `cpu_usage{instance="server1",job="my_job"} 0.85` + "\n"
	if out := s.paste(lines[0]); out != "" {
		t.Errorf("the push answers %q", out)
	}
	s.holds(pushed)
	if out := s.paste(lines[1]); !strings.Contains(out, pushed) {
		t.Errorf("the metric is not in\n%s", out)
	}
	if out := s.paste(lines[2]); out != "" {
		t.Errorf("the delete answers %q", out)
	}
	s.holds("")
}

// curl runs curl with a body on its standard input, and returns the status.
func (s *server) curl(body []byte, args ...string) string {
	s.t.Helper()
	args = append([]string{"-sS", "-o", os.DevNull, "-w", "%{http_code}", "--data-binary", "@-"}, args...)
	cmd := exec.CommandContext(s.t.Context(), tool(s.t, "curl"), args...)
	cmd.Stdin = bytes.NewReader(body)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("curl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestCurlPushesWhateverAFileLooksLike(t *testing.T) {
	t.Parallel()
	runs(t, curlPeer)
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
		{"a body in gzip", gzipOf("m 1\n"), []string{"-H", "Content-Encoding: gzip"}, "200", "m 1\n"},
		{"an unknown encoding", "m 1\n", []string{"-H", "Content-Encoding: br"}, "415", ""},
		{"a large body after Expect: 100-continue", large, []string{"-H", "Expect: 100-continue"}, "200", large},
		{"a large body in chunks", large, []string{"-H", "Transfer-Encoding: chunked"}, "200", large},
		{"a large body over HTTP 1.0", large, []string{"--http1.0"}, "200", large},
		{"a body that is too large", string(comments(17_000_000)), nil, "413", ""},
		{"a body that is too large, without waiting", string(comments(17_000_000)), []string{"-H", "Expect:"}, "413", ""},
		{"lines that -d would have joined", "m 1n 2", nil, "400", ""},
		{"nothing", "", []string{"-X", "PUT"}, "200", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if got := s.curl([]byte(test.body), append(test.args, s.url+"/metrics/job/x/instance/i")...); got != test.status {
				t.Errorf("status %s, want %s", got, test.status)
			}
			s.holds(strings.NewReplacer("m{", `m{instance="i",job="x",`, "m ", `m{instance="i",job="x"} `).Replace(test.want))
		})
	}
}
