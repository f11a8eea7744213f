package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheOutputOfAnImportIsSafeForATerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics")
	if err := os.WriteFile(file, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	const done = `{"status":"success","data":{"imported":1,"left_out":1,"groupings":[
		{"grouping":"{job=\u001b]0;x}","imported":true,"families_refused":[{"family":"f\tg","reason":"r\u0007"}]},{"grouping":"{job=y}","reason":"held\u202e"}]}}`
	for _, test := range []struct {
		name, answer string
		status, code int
		out, message string
	}{
		{"names with escapes", done, 200, 0, "imported {job=\uFFFD]0;x}\nleft out f\uFFFDg of {job=\uFFFD]0;x}: r\uFFFD\nleft out {job=y}: held\uFFFD\n", "imported: 1; left out: 1."},
		{"no such route", `{"status":"error","error":"not found"}`, 404, 1, "", "--web.enable-admin-api"},
		{"a refusal", `{"status":"error","error":"a\u001b[31m"}`, 403, 1, "", "the server refuses: a\uFFFD[31m (status 403)"},
		{"another server", "<html>", 200, 1, "", "is it a Gatehouse server?"},
	} {
		s := answering(t, test.status, test.answer)
		var out, messages bytes.Buffer
		code := runRemote(t.Context(), []string{"import", file, "--server=" + s.URL}, func(string) string { return "" }, &out, &messages)
		if code != test.code || out.String() != test.out || !strings.Contains(messages.String(), test.message) || strings.Count(messages.String(), "\n") != 1 {
			t.Errorf("%s: %d %q %q, want %d %q %q", test.name, code, &out, &messages, test.code, test.out, test.message)
		}
	}
}
