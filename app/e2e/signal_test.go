package e2e

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
)

// startLoggingTo runs Gatehouse with a pipe as its log and returns the end to read
// from, after it has said where it listens.
func startLoggingTo(t *testing.T, args ...string) (*server, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { _ = read.Close() })
	cmd := exec.Command(binary, append([]string{loopback, "--storage.path=" + filepath.Join(t.TempDir(), "store")}, args...)...)
	cmd.Stderr = write
	must(t, cmd.Start())
	must(t, write.Close())
	c := &child{t: t, cmd: cmd, log: &output{}, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(c.kill)
	listens := regexp.MustCompile(`msg=Listening address=(\S+)`)
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			return &server{child: c, addr: found[1], url: "http://" + found[1]}, read
		}
	}
	t.Fatal("its log ended before it listened")
	return nil, nil
}

// logsMoreThanAPipeHolds has the server log 64 KiB and more.
func (s *server) logsMoreThanAPipeHolds() {
	s.t.Helper()
	target := "/metrics/job/" + strings.Repeat("x", 1000)
	for range 70 {
		s.put(target, "m 1\n")
		s.want(202, "DELETE", target, "")
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
			must(t, leave(log))
			s.put("/metrics/job/a", "m 1\n")
			s.logsMoreThanAPipeHolds()
			s.holds("m{instance=\"\",job=\"a\"} 1\n")
			s.stop()
		})
	}
	t.Run("what is lost is counted", func(t *testing.T) {
		t.Parallel()
		s, log := startLoggingTo(t)
		must(t, log.Close())
		s.put("/metrics/job/a", "m 1\n")
		s.want(202, "DELETE", "/metrics/job/a", "") // goes on record
		lost := regexp.MustCompile(`(?m)^gatehouse_log_lines_lost_total [1-9]`)
		until(t, "lost lines", func() string {
			if lost.MatchString(s.want(200, "GET", "/metrics/self", "").body) {
				return ""
			}
			return "none is counted"
		})
	})
	t.Run("there is no log", func(t *testing.T) {
		t.Parallel()
		socket := filepath.Join(t.TempDir(), "s")
		c := launch(t, nil, "/bin/sh", "-c", `exec "$0" "$@" >&- 2>&-`, binary,
			"--web.listen-address=unix://"+socket, "--storage.path="+filepath.Join(t.TempDir(), "store"))
		until(t, "an answer", func() string {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				return err.Error()
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "GET /health HTTP/1.0\r\nHost: x\r\n\r\n")
			must(t, err)
			answer, err := io.ReadAll(conn)
			if must(t, err); !strings.Contains(string(answer), " 200 OK") {
				return string(answer)
			}
			return ""
		})
		c.stop()
	})
}

const users = "basic_auth_users:\n  %s: %s\n"

func TestAHangupReloadsAndEndsNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/metrics/job/a", "m 1\n")
	s.signal(syscall.SIGHUP)
	s.wrote("Nothing to reload")
	s.holds("m{instance=\"\",job=\"a\"} 1\n")

	// While it starts, and several at once.
	hashed, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.MinCost)
	must(t, err)
	file := filepath.Join(t.TempDir(), "web.yml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, users, "one", hashed), 0o600))
	c := launch(t, nil, binary, loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"), "--web.config.file="+file,
		"--auth.localhost-bypass=false")
	c.wrote("Starting Gatehouse")
	for range 3 {
		c.signal(syscall.SIGHUP)
	}
	s = listening(c, `msg=Listening address=(\S+)`)
	c.wrote("The web configuration is up to date")
	must(t, os.WriteFile(file, fmt.Appendf(nil, users, "two", hashed), 0o600))
	s.signal(syscall.SIGHUP)
	until(t, "the new user", func() string {
		if a := s.do("GET", "/metrics/self", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("two:pw"))); a.status != 200 {
			return a.String()
		}
		return ""
	})
	must(t, os.WriteFile(file, []byte("nonsense: true\n"), 0o600))
	s.signal(syscall.SIGHUP)
	c.wrote("Cannot reload the web configuration|Asked to reload the web configuration, which is still not good")
	s.stop()
}

func TestAStalledClientHoldsTheEndUpForTheShutdownTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, "--web.shutdown-timeout=300ms")
	upload := s.dial()
	upload.write("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if a := upload.read(); a.status != 100 {
		t.Fatal(a)
	}
	began := time.Now()
	s.signal(syscall.SIGTERM)
	s.wrote("Not everything in flight could be finished")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took < 300*time.Millisecond || took > 8*time.Second {
		t.Errorf("it took %v to end, want little more than 300ms", took)
	}
}

// endsBySignal sends SIGTERM to a program that starts and checks that it ends.
func (c *child) endsBySignal() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	code := c.exit()
	if state := c.cmd.ProcessState.Sys().(syscall.WaitStatus); code != 0 && (!state.Signaled() || state.Signal() != syscall.SIGTERM) {
		c.t.Errorf("it ended with %v", c.cmd.ProcessState)
	}
}

func TestASignalEndsTheProgramInEveryPhaseOfItsStart(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/metrics/job/a", "m 1\n")
	s.kill()
	for _, phase := range []string{
		"", "Starting Gatehouse", "pebble: ", "Loaded the store", "msg=Authentication", "msg=Listening",
	} {
		c := launch(t, nil, binary, loopback, "--log.level=debug", "--storage.path="+s.dir)
		c.wrote(phase)
		c.endsBySignal()
	}
	startOn(t, s.dir).holds("m{instance=\"\",job=\"a\"} 1\n")

	pipe := filepath.Join(t.TempDir(), "pipe") // whoever opens it waits for a writer
	must(t, syscall.Mkfifo(pipe, 0o600))
	t.Run("while it waits for a secret", func(t *testing.T) {
		c := launch(t, []string{"API_TOKENS_FILE=" + pipe}, binary, loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"))
		c.endsBySignal()
	})
}
