package harness

import (
	"path/filepath"
	"strings"
	"testing"
)

// Server is a running server on a free port.
type Server struct {
	*Child
	Addr string // host:port
	URL  string
	Dir  string // its store
}

// Loopback has Gatehouse, and Debian's servers, listen on a free port.
const Loopback = "--web.listen-address=127.0.0.1:0"

// Start runs Gatehouse on a new store.
func Start(t *testing.T, args ...string) *Server {
	t.Helper()
	return StartOn(t, filepath.Join(t.TempDir(), "store"), args...)
}

// StartOn runs Gatehouse on the store in dir.
func StartOn(t *testing.T, dir string, args ...string) *Server {
	t.Helper()
	c := Launch(t, nil, Binary, append([]string{Loopback, "--storage.path=" + dir}, args...)...)
	s := Listening(c, `msg=Listening address=(\S+)`)
	s.Dir = dir
	return s
}

// StartEnv runs Gatehouse on a new store, with variables in its environment.
func StartEnv(t *testing.T, env []string, args ...string) *Server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	c := Launch(t, env, Binary, append([]string{Loopback, "--storage.path=" + dir}, args...)...)
	s := Listening(c, `msg=Listening address=(\S+)`)
	s.Dir = dir
	return s
}

// PushgatewayEnd is the flag with which Quit ends a Pushgateway.
const PushgatewayEnd = "--web.enable-lifecycle"

// StartPushgateway runs Debian's Pushgateway, which otherwise has a file in
// /var/lib.
func StartPushgateway(t *testing.T, file string, args ...string) *Server {
	t.Helper()
	return StartDebian(t, "prometheus-pushgateway", append([]string{"--persistence.file=" + file, PushgatewayEnd}, args...)...)
}

// Quit ends a Pushgateway gracefully. It answers before it handles signals: one that
// comes too early would end it at once. Its answer may be cut off by the end that it
// announces, so that only the exit code decides.
func (s *Server) Quit() {
	s.T.Helper()
	if a, err := Send("PUT", s.URL, "/-/quit", strings.NewReader("")); err == nil && a.Status != 200 {
		s.T.Fatalf("%v, want 200", a)
	}
	if code := s.Exit(); code != 0 {
		s.T.Fatalf("exit code %d after /-/quit, want 0", code)
	}
}

// StartDebian runs one of Debian's servers and waits until it listens.
func StartDebian(t *testing.T, name string, args ...string) *Server {
	t.Helper()
	return Listening(Launch(t, nil, Tool(t, name), append([]string{Loopback}, args...)...), `msg="Listening on" address=(\S+)`)
}

// Listening waits until a server says in its log where it listens: the first group of
// the pattern.
func Listening(c *Child, pattern string) *Server {
	c.T.Helper()
	addr := c.Wrote(pattern)[1]
	return &Server{Child: c, Addr: addr, URL: "http://" + addr}
}
