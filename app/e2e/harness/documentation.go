package harness

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
	b, err := os.ReadFile(filepath.Join(Root, file))
	Must(t, err)
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

// Block returns the first block of a Markdown file that has all the texts.
func Block(t *testing.T, file string, texts ...string) string {
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

// Paste runs commands of the documentation in a shell, against s.
func (s *Server) Paste(commands string) string {
	s.T.Helper()
	if !strings.Contains(commands, "localhost:9091") {
		s.T.Fatalf("nothing speaks to localhost:9091 in\n%s", commands)
	}
	_, port, _ := strings.Cut(s.Addr, ":")
	cmd := exec.CommandContext(s.T.Context(), "sh", "-e", "-c", strings.ReplaceAll(commands, "localhost:9091", "localhost:"+port))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.T.Fatalf("%s\n%v\n%s%s", commands, err, &out, &errs)
	}
	return out.String()
}
