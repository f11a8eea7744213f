//go:build unix

package command

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAnImportOfANamedPipeDoesNotWait(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, messages bytes.Buffer
	code := runRemote(t.Context(), []string{"import", pipe}, func(string) string { return "" }, &out, &messages)
	if code != 1 || !strings.Contains(messages.String(), "is not a regular file") {
		t.Errorf("%d %q", code, &messages)
	}
}
