package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/app/config"
)

// parse returns what command line and environment ask for.
func parse(t *testing.T, args ...string) config.Options {
	t.Helper()
	o, err := config.Parse(args, io.Discard)
	if err != nil {
		t.Fatalf("Parse(%q): %v", args, err)
	}
	return o
}

// options are those of a test: an own store and a free port.
func options(t *testing.T, args ...string) config.Options {
	t.Helper()
	return parse(t, append([]string{"--web.listen-address=127.0.0.1:0", "--storage.path=" + filepath.Join(t.TempDir(), "store")}, args...)...)
}

// start runs a server for the time of a test.
func start(t *testing.T, args ...string) *App {
	t.Helper()
	return startWith(t, options(t, args...))
}

func startWith(t *testing.T, o config.Options) *App {
	t.Helper()
	a := New(o, slog.New(slog.DiscardHandler))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a
}

func stop(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func do(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestTwoServersRunInOneProcess(t *testing.T) {
	one, two := start(t), start(t, "--web.listen-address=127.0.0.1:0")
	if status, text := do(t, "PUT", "http://"+one.Addr()+"/metrics/job/x", "a 1\n"); status != 200 || text != "" {
		t.Fatalf("push: %d %q", status, text)
	}
	if _, text := do(t, "GET", "http://"+one.Addr()+"/metrics", ""); !strings.Contains(text, `a{instance="",job="x"} 1`) {
		t.Errorf("the first server lacks what was pushed to it:\n%s", text)
	}
	if _, text := do(t, "GET", "http://"+two.Addr()+"/metrics", ""); strings.Contains(text, `job="x"`) {
		t.Errorf("the second server has what was pushed to the first:\n%s", text)
	}
	listeners := two.servers[0].listeners
	if len(listeners) != 2 {
		t.Fatalf("%d listeners, want 2", len(listeners))
	}
	for _, l := range listeners {
		if status, text := do(t, "GET", "http://"+l.Addr().String()+"/-/ready", ""); status != 200 || text != "OK" {
			t.Errorf("%s: %d %q", l.Addr(), status, text)
		}
	}
}

func TestWhatWasPushedIsThereAfterARestart(t *testing.T) {
	o := options(t)
	a := startWith(t, o)
	if status, _ := do(t, "PUT", "http://"+a.Addr()+"/metrics/job/x", "a 1\n"); status != 200 {
		t.Fatalf("push: %d", status)
	}
	stop(t, a)
	a = startWith(t, o)
	if _, text := do(t, "GET", "http://"+a.Addr()+"/metrics", ""); !strings.Contains(text, `a{instance="",job="x"} 1`) {
		t.Errorf("gone after the restart:\n%s", text)
	}
}

func TestStoppingTwiceIsFine(t *testing.T) {
	a := start(t)
	addr := a.Addr()
	stop(t, a)
	stop(t, a)
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("still listening")
	}
	stop(t, New(options(t), slog.New(slog.DiscardHandler))) // one that never started
}

func TestAPortInUseIsAnErrorAndTouchesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := options(t, "--web.listen-address="+l.Addr().String())
	a := New(o, slog.New(slog.DiscardHandler))
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("cannot listen on %q", l.Addr())) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(o.Disk.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store was made: %v", err)
	}
	if err := a.Run(t.Context()); err == nil {
		t.Error("Run did not fail")
	}
}

func TestAStoreInUseIsAnErrorAndFreesThePort(t *testing.T) {
	o := options(t)
	startWith(t, o)
	o.ListenAddresses = options(t).ListenAddresses // a free port
	second := New(o, slog.New(slog.DiscardHandler))
	if err := second.Start(t.Context()); err == nil || !strings.Contains(err.Error(), o.Disk.Path) {
		t.Fatalf("got %v, want an error that names %s", err, o.Disk.Path)
	}
	l, err := net.Listen("tcp", second.Addr())
	if err != nil {
		t.Fatalf("the port is still in use: %v", err)
	}
	_ = l.Close()
}

func TestSystemdSocketsThatWereNotPassedAreAnError(t *testing.T) {
	a := New(options(t, "--web.systemd-socket"), slog.New(slog.DiscardHandler))
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "systemd passed no socket") {
		t.Errorf("got %v", err)
	}
}

func TestARequestInFlightIsFinishedBeforeTheEnd(t *testing.T) {
	a := start(t)
	conn := dial(t, a.Addr())
	// The server answers 100 once the handler may read: the push is in flight.
	if _, err := io.WriteString(conn, "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	var stopping sync.WaitGroup
	stopping.Go(func() { stop(t, a) })
	for { // until it no longer accepts
		c, err := net.Dial("tcp", a.Addr())
		if err != nil {
			break
		}
		_ = c.Close()
	}
	if _, err := io.WriteString(conn, "a 1\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Errorf("got %+v, %v", resp, err)
	}
	stopping.Wait()
}

func TestRunEndsWithoutErrorWhenAsked(t *testing.T) {
	tests := []struct {
		name string
		ask  func(t *testing.T, a *App, cancel func())
	}{
		{"by a signal", func(_ *testing.T, _ *App, cancel func()) { cancel() }},
		{"by a request", func(t *testing.T, a *App, _ func()) {
			if status, _ := do(t, "PUT", "http://"+a.Addr()+"/-/quit", ""); status != 200 {
				t.Errorf("/-/quit: %d", status)
			}
			a.Quit() // twice is fine
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ready := &await{text: "No authentication is configured", seen: make(chan struct{})}
			a := New(options(t, "--web.enable-lifecycle"), slog.New(slog.NewTextHandler(ready, nil)))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			<-ready.seen
			test.ask(t, a, cancel)
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// await closes seen when text is written to it.
type await struct {
	text string
	seen chan struct{}
	once sync.Once
}

func (w *await) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

func TestOpenStreamsDoNotHoldUpTheEnd(t *testing.T) {
	a := start(t, "--web.shutdown-timeout=1m")
	for range 20 {
		resp, err := http.Get("http://" + a.Addr() + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	stop(t, a)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
}
