package packaging

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gatehouse/app/e2e/harness"
)

// startLoggingTo runs Gatehouse with a pipe as its log and returns the end to read
// from, after it has said where it listens.
func startLoggingTo(t *testing.T, args ...string) (*harness.Server, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	harness.Must(t, err)
	t.Cleanup(func() { _ = read.Close() })
	cmd := exec.Command(harness.Binary, append([]string{harness.Loopback, "--storage.path=" + filepath.Join(t.TempDir(), "store")}, args...)...)
	cmd.Stderr = write
	harness.Must(t, cmd.Start())
	harness.Must(t, write.Close())
	c := &harness.Child{T: t, Cmd: cmd, Log: &harness.Output{}, Ended: make(chan struct{})}
	go func() {
		defer close(c.Ended)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(c.Kill)
	listens := regexp.MustCompile(`msg=Listening address=(\S+)`)
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			return &harness.Server{Child: c, Addr: found[1], URL: "http://" + found[1]}, read
		}
	}
	t.Fatal("its log ended before it listened")
	return nil, nil
}

// logsMoreThanAPipeHolds has the server log 64 KiB and more.
func logsMoreThanAPipeHolds(s *harness.Server) {
	s.T.Helper()
	target := "/metrics/job/" + strings.Repeat("x", 1000)
	for range 70 {
		s.Put(target, "m 1\n")
		s.Want(202, "DELETE", target, "")
	}
}

func TestTheServerGoesOnWhenItsLogIsNoLongerRead(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*os.File) error{
		"the reader is gone":     (*os.File).Close,
		"the reader has stopped": func(*os.File) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log := startLoggingTo(t)
			harness.Must(t, leave(log))
			s.Put("/metrics/job/a", "m 1\n")
			logsMoreThanAPipeHolds(s)
			s.Holds("m{instance=\"\",job=\"a\"} 1\n")
			s.Stop()
		})
	}
	t.Run("what is lost is counted", func(t *testing.T) {
		t.Parallel()
		s, log := startLoggingTo(t)
		harness.Must(t, log.Close())
		s.Put("/metrics/job/a", "m 1\n")
		s.Want(202, "DELETE", "/metrics/job/a", "") // goes on record
		lost := regexp.MustCompile(`(?m)^gatehouse_log_lines_lost_total [1-9]`)
		harness.Until(t, "lost lines", func() string {
			if lost.MatchString(s.Want(200, "GET", "/metrics/self", "").Body) {
				return ""
			}
			return "none is counted"
		})
	})
	t.Run("there is no log", func(t *testing.T) {
		t.Parallel()
		socket := filepath.Join(t.TempDir(), "s")
		c := harness.Launch(t, nil, "/bin/sh", "-c", `exec "$0" "$@" >&- 2>&-`, harness.Binary,
			"--web.listen-address=unix://"+socket, "--storage.path="+filepath.Join(t.TempDir(), "store"))
		harness.Until(t, "an answer", func() string {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				return err.Error()
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "GET /health HTTP/1.0\r\nHost: x\r\n\r\n")
			harness.Must(t, err)
			answer, err := io.ReadAll(conn)
			if harness.Must(t, err); !strings.Contains(string(answer), " 200 OK") {
				return string(answer)
			}
			return ""
		})
		c.Stop()
	})
}

const users = "basic_auth_users:\n  %s: %s\n"

func TestAHangupReloadsAndEndsNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/a", "m 1\n")
	s.Signal(syscall.SIGHUP)
	s.Wrote("Nothing to reload")
	s.Holds("m{instance=\"\",job=\"a\"} 1\n")

	// While it starts, and several at once.
	hashed, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.MinCost)
	harness.Must(t, err)
	file := filepath.Join(t.TempDir(), "web.yml")
	harness.Must(t, os.WriteFile(file, fmt.Appendf(nil, users, "one", hashed), 0o600))
	c := harness.Launch(t, nil, harness.Binary, harness.Loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"), "--web.config.file="+file,
		"--auth.localhost-bypass=false")
	c.Wrote("Starting Gatehouse")
	for range 3 {
		c.Signal(syscall.SIGHUP)
	}
	s = harness.Listening(c, `msg=Listening address=(\S+)`)
	c.Wrote("The web configuration is up to date")
	harness.Must(t, os.WriteFile(file, fmt.Appendf(nil, users, "two", hashed), 0o600))
	s.Signal(syscall.SIGHUP)
	harness.Until(t, "the new user", func() string {
		if a := s.Do("GET", "/metrics/self", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("two:pw"))); a.Status != 200 {
			return a.String()
		}
		return ""
	})
	harness.Must(t, os.WriteFile(file, []byte("nonsense: true\n"), 0o600))
	s.Signal(syscall.SIGHUP)
	c.Wrote("Cannot reload the web configuration|Asked to reload the web configuration, which is still not good")
	s.Stop()
}

func TestAStalledClientHoldsTheEndUpForTheShutdownTimeout(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--web.shutdown-timeout=300ms")
	upload := s.Dial()
	upload.Write("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if a := upload.Read(); a.Status != 100 {
		t.Fatal(a)
	}
	began := time.Now()
	s.Signal(syscall.SIGTERM)
	s.Wrote("Not everything in flight could be finished")
	if code := s.Exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took < 300*time.Millisecond || took > 8*time.Second {
		t.Errorf("it took %v to end, want little more than 300ms", took)
	}
}

// endsBySignal sends SIGTERM to a program that starts and checks that it ends.
func endsBySignal(c *harness.Child) {
	c.T.Helper()
	c.Signal(syscall.SIGTERM)
	code := c.Exit()
	if state := c.Cmd.ProcessState.Sys().(syscall.WaitStatus); code != 0 && (!state.Signaled() || state.Signal() != syscall.SIGTERM) {
		c.T.Errorf("it ended with %v", c.Cmd.ProcessState)
	}
}

func TestASignalEndsTheProgramInEveryPhaseOfItsStart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/a", "m 1\n")
	s.Kill()
	for _, phase := range []string{
		"", "Starting Gatehouse", "pebble: ", "Loaded the store", "msg=Authentication", "msg=Listening",
	} {
		c := harness.Launch(t, nil, harness.Binary, harness.Loopback, "--log.level=debug", "--storage.path="+s.Dir)
		c.Wrote(phase)
		endsBySignal(c)
	}
	harness.StartOn(t, s.Dir).Holds("m{instance=\"\",job=\"a\"} 1\n")

	pipe := filepath.Join(t.TempDir(), "pipe") // opening it waits for a writer
	harness.Must(t, syscall.Mkfifo(pipe, 0o600))
	t.Run("while it waits for a secret", func(t *testing.T) {
		c := harness.Launch(t, []string{"API_TOKENS_FILE=" + pipe}, harness.Binary, harness.Loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"))
		endsBySignal(c)
	})
}
