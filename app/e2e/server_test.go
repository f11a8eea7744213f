package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a program that a test runs.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   *output
	ended chan struct{} // closed when it has ended, for whatever reason
}

// output holds what a program writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// launch runs a program for the time of a test. What it wrote is shown when
// the test fails.
func launch(t *testing.T, env []string, path string, args ...string) *child {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	return launchCommand(t, cmd)
}

// launchCommand runs a program that launch can't tell how to run.
func launchCommand(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{t: t, cmd: cmd, log: &output{}, ended: make(chan struct{})}
	c.cmd.Dir = t.TempDir()
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if slices.Contains(cmd.Args, binary) {
		keepLog(c.log)
	}
	must(t, c.cmd.Start())
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("%s %q wrote:\n%s", filepath.Base(cmd.Path), cmd.Args[1:], tail(c.log.String()))
		}
	})
	return c
}

func tail(s string) string { return s[max(0, len(s)-6000):] }

// kill ends it at once, by its id, if it still runs.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // fails only for one that has ended
	<-c.ended
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Fatal(err)
	}
}

// exit waits for its end and returns the exit code, -1 after a signal.
func (c *child) exit() int {
	c.t.Helper()
	select {
	case <-c.ended:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		c.t.Fatalf("still running after %v", patience)
		return 0
	}
}

// stop ends it gracefully.
func (c *child) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	if code := c.exit(); code != 0 {
		c.t.Fatalf("exit code %d after SIGTERM, want 0", code)
	}
}

// wrote waits until it has written what matches, and returns the groups of the
// match.
func (c *child) wrote(pattern string) []string {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	until(c.t, "output like "+pattern, func() string {
		ended := false
		select {
		case <-c.ended:
			ended = true
		default:
		}
		if found = re.FindStringSubmatch(c.log.String()); found != nil {
			return ""
		}
		if ended {
			c.t.Fatalf("ended with exit code %d without output like %s", c.cmd.ProcessState.ExitCode(), pattern)
		}
		return "not yet"
	})
	return found
}

// server is a running server on a free port.
type server struct {
	*child
	addr string // host:port
	url  string
	dir  string // its store
}

const loopback = "--web.listen-address=127.0.0.1:0"

// start runs Gatehouse on a new store.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startOn(t, filepath.Join(t.TempDir(), "store"), args...)
}

// startOn runs Gatehouse on the store in dir.
func startOn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	c := launch(t, nil, binary, append([]string{loopback, "--storage.path=" + dir}, args...)...)
	s := listening(c, `msg=Listening address=(\S+)`)
	s.dir = dir
	return s
}

// startPushgateway runs Debian's Pushgateway, which otherwise has a file in
// /var/lib.
func startPushgateway(t *testing.T, file string, args ...string) *server {
	t.Helper()
	return startDebian(t, "prometheus-pushgateway", append([]string{"--persistence.file=" + file}, args...)...)
}

// startDebian runs one of Debian's servers and waits until it listens.
func startDebian(t *testing.T, name string, args ...string) *server {
	t.Helper()
	return listening(launch(t, nil, tool(t, name), append([]string{loopback}, args...)...), `msg="Listening on" address=(\S+)`)
}

func listening(c *child, pattern string) *server {
	c.t.Helper()
	addr := c.wrote(pattern)[1]
	return &server{child: c, addr: addr, url: "http://" + addr}
}
