package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startLimit = time.Minute            // for a server to become ready
	stopLimit  = 2 * time.Minute        // for a server to end after SIGTERM; the peer writes its file then
	readyPoll  = 2 * time.Millisecond   // between two questions whether it is ready
	logTail    = 2 << 10                // bytes of a server's log shown with a failure
	readyPath  = "/-/ready"             // 200 once the server answers with all it holds
	listenFlag = "--web.listen-address" // of both servers
)

// program describes how to run one of the two servers.
type program struct {
	name string
	path string
	args []string // without the listen address
}

// server is a program that was started and became ready.
type server struct {
	url     string
	pid     int
	startup time.Duration // from its start to its first 200 at /-/ready

	name    string
	logPath string
	cmd     *exec.Cmd
	exited  chan struct{} // closed when it has ended, for whatever reason
	waitErr error         // valid once exited is closed
}

// start runs p on a free port of loopback and waits until it is ready. Its
// output goes to a file in dir. It ends with ctx at the latest.
func start(ctx context.Context, p program, dir string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(filepath.Join(dir, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close() // the child has its own descriptor
	cmd := exec.CommandContext(ctx, p.path, append([]string{listenFlag + "=" + addr}, p.args...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	s := &server{url: "http://" + addr, name: p.name, logPath: logFile.Name(), cmd: cmd, exited: make(chan struct{})}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	s.pid = cmd.Process.Pid
	go func() {
		s.waitErr = cmd.Wait()
		close(s.exited)
	}()
	if err := s.awaitReady(ctx); err != nil {
		s.kill()
		return nil, fmt.Errorf("%s: %w\n%s", p.name, err, s.log())
	}
	s.startup = time.Since(begin)
	return s, nil
}

// freeAddr names a port that was free a moment ago.
func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if ready(ctx, client, s.url+readyPath) {
			return nil
		}
		select {
		case <-poll.C:
		case <-s.exited:
			return fmt.Errorf("ended before it was ready: %s", s.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// stop ends the server gracefully. Stopping it twice is fine.
func (s *server) stop() error {
	select {
	case <-s.exited:
		return nil
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-s.exited:
		if s.waitErr != nil {
			return fmt.Errorf("%s ended badly: %w\n%s", s.name, s.waitErr, s.log())
		}
		return nil
	case <-limit.C:
		s.kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", s.name, stopLimit)
	}
}

// kill ends the server at once, if it still runs, and waits for its end.
func (s *server) kill() {
	// It fails only for a process that has ended already.
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// log returns the end of what the server wrote.
func (s *server) log() []byte {
	b, err := os.ReadFile(s.logPath)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(b[max(0, len(b)-logTail):])
}
