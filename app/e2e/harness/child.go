package harness

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Child is a program that a test runs.
type Child struct {
	T     *testing.T
	Cmd   *exec.Cmd
	Log   *Output
	Ended chan struct{} // closed when it has ended, for whatever reason
}

// Output holds what a program writes.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Launch runs a program for the time of a test. What it wrote is shown when
// the test fails.
func Launch(t *testing.T, env []string, path string, args ...string) *Child {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	return LaunchCommand(t, cmd)
}

// LaunchCommand runs a program that Launch does not know how to run.
func LaunchCommand(t *testing.T, cmd *exec.Cmd) *Child {
	t.Helper()
	c := &Child{T: t, Cmd: cmd, Log: &Output{}, Ended: make(chan struct{})}
	c.Cmd.Dir = t.TempDir()
	c.Cmd.Stdout, c.Cmd.Stderr = c.Log, c.Log
	if slices.Contains(cmd.Args, Binary) {
		KeepLog(c.Log)
	}
	Must(t, c.Cmd.Start())
	go func() {
		defer close(c.Ended)
		_ = c.Cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		c.Kill()
		if t.Failed() {
			t.Logf("%s %q wrote:\n%s", filepath.Base(cmd.Path), cmd.Args[1:], Tail(c.Log.String()))
		}
	})
	return c
}

// Tail returns the end of a text that may be long.
func Tail(s string) string { return s[max(0, len(s)-6000):] }

// Kill ends it at once, by its id, if it still runs.
func (c *Child) Kill() {
	_ = c.Cmd.Process.Kill() // fails only for one that has ended
	<-c.Ended
}

// Signal sends it a signal, unless it has ended.
func (c *Child) Signal(s os.Signal) {
	c.T.Helper()
	if err := c.Cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.T.Fatal(err)
	}
}

// Exit waits for its end and returns the exit code, -1 after a signal.
func (c *Child) Exit() int {
	c.T.Helper()
	select {
	case <-c.Ended:
		return c.Cmd.ProcessState.ExitCode()
	case <-time.After(Patience):
		c.T.Fatalf("still running after %v", Patience)
		return 0
	}
}

// Stop ends it gracefully.
func (c *Child) Stop() {
	c.T.Helper()
	c.Signal(syscall.SIGTERM)
	if code := c.Exit(); code != 0 {
		c.T.Fatalf("exit code %d after SIGTERM, want 0", code)
	}
}

// Wrote waits until it has written what matches, and returns the groups of the
// match.
func (c *Child) Wrote(pattern string) []string {
	c.T.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	Until(c.T, "output like "+pattern, func() string {
		ended := false
		select {
		case <-c.Ended:
			ended = true
		default:
		}
		if found = re.FindStringSubmatch(c.Log.String()); found != nil {
			return ""
		}
		if ended {
			c.T.Fatalf("ended with exit code %d without output like %s", c.Cmd.ProcessState.ExitCode(), pattern)
		}
		return "not yet"
	})
	return found
}

// Finish runs the program with what makes it end by itself.
func Finish(t *testing.T, env []string, args ...string) (code int, wrote string) {
	t.Helper()
	c := Launch(t, env, Binary, args...)
	return c.Exit(), c.Log.String()
}

// Refuses runs the program with what it must refuse: in one go, with a text that
// says what is wrong, and without a trace of its inside.
func Refuses(t *testing.T, env, args []string, want ...string) {
	t.Helper()
	code, wrote := Finish(t, env, args...)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, text := range want {
		if !strings.Contains(wrote, text) {
			t.Errorf("it does not say %q:\n%s", text, wrote)
		}
	}
	if strings.Contains(wrote, "goroutine ") || strings.Contains(wrote, "panic") {
		t.Errorf("it shows a stack trace:\n%s", wrote)
	}
}
