package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gatehouse/store"
)

// logBuffer is a log that servers write to.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are those that hold a text.
func (l *logBuffer) lines(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatComesOnRecordIsLoggedOnce(t *testing.T) {
	t.Setenv("API_TOKENS", "0123456789abcdef")
	var log logBuffer
	a := New(options(t), slog.New(slog.NewTextHandler(&log, nil)))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	send := func(method, path, body, key string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Addr()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-API-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	send("PUT", "/metrics/job/x", "a 1\n", "0123456789abcdef")
	send("PUT", "/metrics/job/x", "a{\n", "0123456789abcdef")
	send("PUT", "/metrics/job/x", "a{\n", "0123456789abcdef")
	send("DELETE", "/metrics/job/x?key=query-secret", "", "0123456789abcdef")
	send("DELETE", "/metrics/job/x?key=query-secret", "", "wrong-secret")
	stop(t, a) // writes what was summed up
	recorded := log.lines(`msg=Activity`)
	if len(recorded) != 2 {
		t.Fatalf("%d lines: %q", len(recorded), recorded)
	}
	for i, parts := range [][]string{
		{"kind=delete", "by=API_TOKENS[1]", "id=token:API_TOKENS[1]", "via=api_token", "from=127.0.0.1", `what="{job=\"x\"}"`, "count=1", "operation="},
		{"kind=refusal", "by=API_TOKENS[1]", "via=api_token", "count=2", "reason=syntax", `message="line 1: metric \"a\": the labels have no closing brace"`},
	} {
		for _, part := range parts {
			if !strings.Contains(recorded[i], part) {
				t.Errorf("%s is not in %s", part, recorded[i])
			}
		}
	}
	if refused := log.lines("Denied a request"); len(refused) != 1 || !strings.Contains(refused[0], "path=/metrics/job/x") {
		t.Errorf("%q", refused)
	}
	if secrets := log.lines("secret"); len(secrets) != 0 || len(log.lines("0123456789abcdef")) != 0 {
		t.Errorf("a secret is logged: %q", secrets)
	}
}

func TestNamesCannotForgeLinesOfTheLog(t *testing.T) {
	const evil = "ana\nlevel=INFO msg=Activity kind=wipe\r\x1b[2K\u2028"
	e := store.Entry{
		Kind: store.EntryDelete, Origin: store.Origin{By: evil, ID: evil, From: "::1", Via: "session"},
		What: evil + strings.Repeat("ü", 5000), Count: 1, Operation: "0-0", Message: evil, Reason: "x", Undoes: "1-1",
	}
	for name, handler := range map[string]func(*logBuffer) slog.Handler{
		"text": func(b *logBuffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *logBuffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log logBuffer
		a := &App{log: slog.New(handler(&log))}
		a.recorded(e)
		a.recorded(store.Entry{Kind: store.EntryDenial, What: "GET /"}) // was logged as it happened
		text := log.b.String()
		if strings.Count(text, "\n") != 1 || strings.ContainsAny(strings.TrimSuffix(text, "\n"), "\r\x1b\u2028") && name == "text" || len(text) > 6000 {
			t.Errorf("%s: %q", name, text)
		}
		if name == "JSON" {
			var got map[string]any
			if err := json.Unmarshal([]byte(text), &got); err != nil || got["by"] != evil || got["kind"] != "delete" {
				t.Errorf("%v, %v", err, got)
			}
		}
	}
}
