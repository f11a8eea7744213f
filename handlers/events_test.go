package handlers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/web"
)

// follower is a client of the stream.
type follower struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
}

// follow opens a stream, which must be let in.
func (s *served) follow(t *testing.T, target string, headers ...string) *follower {
	t.Helper()
	f := s.tryToFollow(t, target, headers...)
	if f.resp.StatusCode != 200 {
		t.Fatalf("%s: %s", target, f.resp.Status)
	}
	return f
}

func (s *served) tryToFollow(t *testing.T, target string, headers ...string) *follower {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.addr+target, nil)
	must(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	must(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &follower{t, resp, bufio.NewReader(resp.Body)}
}

// message reads what comes next, up to an empty line, without comments.
func (f *follower) message() string {
	f.t.Helper()
	var lines []string
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			f.t.Fatalf("the stream ends with %v after %q", err, lines)
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "" && len(lines) > 0:
			return strings.Join(lines, "\n")
		case line != "" && line[0] != ':':
			lines = append(lines, line)
		}
	}
}

// id is that of the first message.
func (f *follower) id() string {
	f.t.Helper()
	_, id, ok := strings.Cut(f.message(), "retry: 1000\nid: ")
	if !ok {
		f.t.Fatal("the stream begins with something else")
	}
	return id
}

// change waits for an event and returns how many changes it tells of.
func (f *follower) change() (id string, count int) {
	f.t.Helper()
	m := f.message()
	if _, err := fmt.Sscanf(m, "event: changed\nid: %s\ndata: %d", &id, &count); err != nil {
		f.t.Fatalf("got %q", m)
	}
	return id, count
}

func (s *served) viewers() string {
	for line := range strings.SplitSeq(s.get("/metrics/self").body, "\n") {
		if n, ok := strings.CutPrefix(line, "gatehouse_sse_clients "); ok {
			return n
		}
	}
	return "none"
}

// wantViewers waits until so many streams are open.
func (s *served) wantViewers(want string) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for s.viewers() != want {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s streams are open, want %s", s.viewers(), want)
		}
	}
}

func TestAStreamTellsOfChanges(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c setup) { c.WriteTimeout = 500 * time.Millisecond })
	f := s.follow(t, "/events", "Accept-Encoding", "gzip")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "",
	} {
		if got := f.resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	begin := f.id()
	s.put("/metrics/job/x", "a 1\n")
	id, count := f.change()
	if count != 1 || id == begin {
		t.Errorf("told of %d changes by %s after %s", count, id, begin)
	}
	s.wantViewers("1")
	must(t, f.resp.Body.Close())
	s.wantViewers("0") // long before anything was written
}

func TestAStreamGoesOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	last := s.follow(t, "/events").id()
	seen := s.get("/", aBrowser...).header.Get("Gatehouse-Seen")
	if seen != last {
		t.Errorf("a page is at %q, a stream at %q", seen, last)
	}
	s.put("/metrics/job/x", "a 1\n")
	s.put("/metrics/job/y", "a 1\n")
	epoch, _, _ := strings.Cut(last, ".")
	for _, test := range []struct {
		target, last string
		want         int // -1: nothing
	}{
		{"/events", last, 2},
		{"/events?seen=" + last, "", 2},
		{"/events?seen=" + last, s.follow(t, "/events").id(), -1},
		{"/events", "another." + strings.SplitN(last, ".", 2)[1], 0},
		{"/events", epoch + ".18446744073709551615", 0},
		{"/events", "nonsense", 0},
		{"/events?seen=%00", "", 0},
		{"/events", "", -1},
	} {
		f := s.follow(t, test.target, "Last-Event-ID", test.last)
		f.id()
		if test.want < 0 {
			s.put("/metrics/job/z", "a 1\n")
			test.want = 1
		}
		if _, count := f.change(); count != test.want {
			t.Errorf("%s after %q: told of %d changes, want %d", test.target, test.last, count, test.want)
		}
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	s := serve(t, func(c setup) { c.Ending = ending })
	f := s.follow(t, "/events")
	f.id()
	close(ending)
	if rest, err := io.ReadAll(f.in); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	s.wantViewers("0")
}

func TestStreamsOfAClientAreLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c setup) { c.Guard.Tokens = auth.NewTokens([]string{rightToken, "another"}) })
	var first *follower
	for range maxStreamsOfClient {
		f := s.follow(t, "/events", "X-API-Key", rightToken)
		if first == nil {
			first = f
		}
	}
	f := s.tryToFollow(t, "/events", "X-API-Key", rightToken)
	text, _ := io.ReadAll(f.in)
	if f.resp.StatusCode != 429 || f.resp.Header.Get("Retry-After") == "" || string(text) != "too many pages of this client follow the changes\n" {
		t.Errorf("one too many: %s, %q", f.resp.Status, text)
	}
	must(t, first.resp.Body.Close())
	for f = s.tryToFollow(t, "/events", "X-API-Key", rightToken); f.resp.StatusCode != 200; {
		f = s.tryToFollow(t, "/events", "X-API-Key", rightToken)
	}
	if f := s.tryToFollow(t, "/events"); f.resp.StatusCode != 401 {
		t.Errorf("a stranger: %s", f.resp.Status)
	}
}

func TestStreamsAreLimitedInAll(t *testing.T) {
	t.Parallel()
	all := streams{open: make(map[viewer]int)}
	var leave func()
	for i := range maxStreams {
		var err error
		leave, err = all.enter(viewer{auth.Basic, "ana", fmt.Sprint(i)})
		must(t, err)
	}
	var refused *web.Error
	if _, err := all.enter(viewer{auth.Basic, "bob", ""}); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("got %v", err)
	}
	leave()
	if _, err := all.enter(viewer{auth.Basic, "bob", ""}); err != nil || len(all.open) != maxStreams {
		t.Errorf("got %v, %d clients", err, len(all.open))
	}
}

func TestAHeadOfAStreamEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if a := s.do("HEAD", "/events", ""); a.status != 200 || a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v", a)
	}
	s.wantViewers("0")
}

// pumped sends a stream over conn as the server does, until either ends.
func pumped(s *eventStream, conn net.Conn) (ended <-chan error) {
	done := make(chan error, 1)
	go func() {
		p := make([]byte, 16)
		for {
			n, err := s.Read(p)
			if err == nil {
				_, err = conn.Write(p[:n])
			}
			if err != nil {
				_ = s.Close()
				_ = conn.Close()
				done <- err
				return
			}
		}
	}()
	return done
}

// timed runs a stream of which a test sees every message, on a clock of its
// own.
func timed(t *testing.T, test func(changes *atomic.Uint64, client net.Conn, left *bool, ended <-chan error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		left := false
		var changes atomic.Uint64
		changes.Store(7)
		now := func() web.Mark { return web.Mark{Epoch: "e", Changes: changes.Load()} }
		ended := pumped(newEventStream(server, now, nil, func() { left = true }), server)
		test(&changes, client, &left, ended)
		_ = client.Close()
		synctest.Wait()
		if !left {
			t.Error("the stream still counts")
		}
	})
}

func TestAStreamBeatsAndEndsInTime(t *testing.T) {
	t.Parallel()
	timed(t, func(_ *atomic.Uint64, client net.Conn, _ *bool, ended <-chan error) {
		began := time.Now()
		text, err := io.ReadAll(client)
		if took := time.Since(began); err != nil || took != streamLife {
			t.Errorf("ended after %v with %v", took, err)
		}
		if beats := strings.Count(string(text), "\n\n:\n") + strings.Count(string(text), "\n:\n\n"); beats < int(streamLife/beatEvery)-1 {
			t.Errorf("%d beats in %q", beats, text)
		}
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestManyChangesAreToldOnceASecond(t *testing.T) {
	t.Parallel()
	timed(t, func(changes *atomic.Uint64, client net.Conn, _ *bool, _ <-chan error) {
		in := bufio.NewReader(client)
		until := func(line string) {
			t.Helper()
			for {
				got, err := in.ReadString('\n')
				must(t, err)
				if got == line {
					return
				}
			}
		}
		until("id: e.7\n")
		began := time.Now()
		for _, n := range []uint64{3, 1, 250} {
			synctest.Wait()
			changes.Add(n)
			until(fmt.Sprintf("data: %d\n", n))
		}
		if took := time.Since(began); took != 3*pollEvery {
			t.Errorf("three events took %v", took)
		}
	})
}

func TestAClientThatReadsTooSlowlyIsLeft(t *testing.T) {
	t.Parallel()
	timed(t, func(_ *atomic.Uint64, _ net.Conn, left *bool, ended <-chan error) {
		began := time.Now()
		var timeout net.Error
		if err := <-ended; !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != tellTime {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
		if !*left {
			t.Error("it still counts")
		}
	})
}

func FuzzParseMark(f *testing.F) {
	for _, s := range []string{"", ".", "e.7", "e.07", "e.+7", "e.18446744073709551615", "e.18446744073709551616", "a.b.1", ".0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := web.ParseMark(s)
		if ok && m.String() != s {
			t.Errorf("%q became %q", s, m)
		}
		again, ok := web.ParseMark(web.Mark{Epoch: m.Epoch, Changes: m.Changes}.String())
		if !ok || again != m {
			t.Errorf("%v became %v", m, again)
		}
	})
}
