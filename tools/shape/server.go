package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// request is one whose way through the program is traced.
type request struct {
	name, method, path, body string
	header                   map[string]string
	status                   int
}

const user, password = "somebody", "correct horse"

var requests = []request{
	push(0),
	{name: "scrape", method: "GET", path: "/metrics", status: 200},
	{name: "list", method: "GET", path: "/", header: map[string]string{"Accept": "text/html"}, status: 200},
	{
		name: "login", method: "POST", path: "/login", status: 303,
		body:   url.Values{"name": {user}, "password": {password}}.Encode(),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
	},
}

func push(i int) request {
	return request{
		name: "push", method: "PUT", status: 200, path: fmt.Sprintf("/metrics/job/shape/instance/%d", i),
		body: fmt.Sprintf("# TYPE work_seconds gauge\nwork_seconds %d\n", i),
	}
}

// server is a traced program that runs.
type server struct {
	command *exec.Cmd
	address string
	trail   string // the file that it writes what it enters to
}

// listening matches the line of the log with the address.
var listening = regexp.MustCompile(`msg=Listening address=(\S+)`)

func start(ctx context.Context, program, dir string) (*server, error) {
	s := &server{trail: filepath.Join(dir, "trail")}
	if err := os.WriteFile(s.trail, nil, 0o600); err != nil {
		return nil, err
	}
	s.command = exec.CommandContext(ctx, program, "--web.listen-address=127.0.0.1:0", "--storage.path="+filepath.Join(dir, "data"))
	s.command.Env = append(os.Environ(), "SHAPE_TRACE="+s.trail, "PUSHGATEWAY_AUTH_USER="+user, "PUSHGATEWAY_AUTH_PASS="+password)
	log, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	var said strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			s.address = found[1]
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("the traced program does not listen:\n%s", said.String())
}

func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
}

// trace sends a request and returns what the program has entered until its answer.
func (s *server) trace(ctx context.Context, r request) ([]string, error) {
	before, err := os.Stat(s.trail)
	if err != nil {
		return nil, err
	}
	call, err := http.NewRequestWithContext(ctx, r.method, "http://"+s.address+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.header {
		call.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(call)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != r.status {
		return nil, fmt.Errorf("%s %s is answered by %d, want %d", r.method, r.path, answer.StatusCode, r.status)
	}
	trail, err := os.ReadFile(s.trail)
	if err != nil {
		return nil, err
	}
	return strings.Split(string(bytes.TrimSpace(trail[before.Size():])), "\n"), nil
}
