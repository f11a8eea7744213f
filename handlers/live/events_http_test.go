package live_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// follower is a client of the stream.
type follower struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
}

// follow opens a stream, which must be let in.
func follow(s *handlertest.Server, t *testing.T, target string, headers ...string) *follower {
	t.Helper()
	f := tryToFollow(s, t, target, headers...)
	if f.resp.StatusCode != 200 {
		t.Fatalf("%s: %s", target, f.resp.Status)
	}
	return f
}

func tryToFollow(s *handlertest.Server, t *testing.T, target string, headers ...string) *follower {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr+target, nil)
	handlertest.Must(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client.Do(req)
	handlertest.Must(t, err)
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

func openStreams(s *handlertest.Server, headers ...string) string {
	for line := range strings.SplitSeq(s.Get("/metrics/self", headers...).Body, "\n") {
		if n, ok := strings.CutPrefix(line, "gatehouse_sse_clients "); ok {
			return n
		}
	}
	return "none"
}

// wantOpenStreams waits until so many streams are open.
func wantOpenStreams(s *handlertest.Server, want string, headers ...string) {
	s.T.Helper()
	deadline := time.Now().Add(time.Minute)
	for openStreams(s, headers...) != want {
		if time.Now().After(deadline) {
			s.T.Fatalf("%s streams are open, want %s", openStreams(s, headers...), want)
		}
	}
}

func TestAStreamReportsChanges(t *testing.T) {
	t.Parallel()
	s := handlertest.Start(t, func(c handlertest.Setup) { c.WriteTimeout = 500 * time.Millisecond })
	f := follow(s, t, "/events", "Accept-Encoding", "gzip")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "",
	} {
		if got := f.resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	begin := f.id()
	s.Put("/metrics/job/x", "a 1\n")
	id, count := f.change()
	if count != 1 || id == begin {
		t.Errorf("told of %d changes by %s after %s", count, id, begin)
	}
	wantOpenStreams(s, "1")
	handlertest.Must(t, f.resp.Body.Close())
	wantOpenStreams(s, "0") // long before anything was written
}

func TestAStreamGoesOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	s := handlertest.Start(t)
	last := follow(s, t, "/events").id()
	seen := s.Get("/", handlertest.BrowserHeaders...).Header.Get("Gatehouse-Seen")
	if seen != last {
		t.Errorf("a page is at %q, a stream at %q", seen, last)
	}
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/y", "a 1\n")
	epoch, _, _ := strings.Cut(last, ".")
	for _, test := range []struct {
		target, last string
		want         int // -1: nothing
	}{
		{"/events", last, 2},
		{"/events?seen=" + last, "", 2},
		{"/events?seen=" + last, follow(s, t, "/events").id(), -1},
		{"/events", "another." + strings.SplitN(last, ".", 2)[1], 0},
		{"/events", epoch + ".18446744073709551615", 0},
		{"/events", "nonsense", 0},
		{"/events?seen=%00", "", 0},
		{"/events", "", -1},
	} {
		f := follow(s, t, test.target, "Last-Event-ID", test.last)
		f.id()
		if test.want < 0 {
			s.Put("/metrics/job/z", "a 1\n")
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
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Ending = ending })
	f := follow(s, t, "/events")
	f.id()
	close(ending)
	if rest, err := io.ReadAll(f.in); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	wantOpenStreams(s, "0")
}

func TestStreamsOfAClientAreLimited(t *testing.T) {
	t.Parallel()
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken, "another"})
	})
	var first *follower
	for range maxStreamsOfClient {
		f := follow(s, t, "/events", "X-API-Key", handlertest.RightToken)
		if first == nil {
			first = f
		}
	}
	f := tryToFollow(s, t, "/events", "X-API-Key", handlertest.RightToken)
	text, _ := io.ReadAll(f.in)
	if f.resp.StatusCode != 429 || f.resp.Header.Get("Retry-After") == "" || string(text) != "too many pages of this client follow the changes\n" {
		t.Errorf("one too many: %s, %q", f.resp.Status, text)
	}
	handlertest.Must(t, first.resp.Body.Close())
	for f = tryToFollow(s, t, "/events", "X-API-Key", handlertest.RightToken); f.resp.StatusCode != 200; {
		f = tryToFollow(s, t, "/events", "X-API-Key", handlertest.RightToken)
	}
	if f := tryToFollow(s, t, "/events"); f.resp.StatusCode != 401 {
		t.Errorf("a stranger: %s", f.resp.Status)
	}
}

func TestAHeadOfAStreamEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := handlertest.Start(t)
	if a := s.Do("HEAD", "/events", ""); a.Status != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v", a)
	}
	wantOpenStreams(s, "0")
}

const (
	maxStreamsOfClient = 64
)

func TestAStreamEndsWithTheSessionOrTheTokenThatOpenedIt(t *testing.T) {
	t.Parallel()
	s := handlertest.Start(t, handlertest.OneUser)
	admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	session := s.StartSession("an id", auth.Admin)
	token := s.CreateToken("viewer", auth.Reader, "")
	lasting := follow(s, t, "/events", admin...)
	bySession, byToken := follow(s, t, "/events", session...), follow(s, t, "/events", token.Headers()...)
	byKey := follow(s, t, "/events", "X-API-Key", token.Secret)
	for _, f := range []*follower{lasting, bySession, byToken, byKey} {
		f.id()
	}
	wantOpenStreams(s, "4", admin...)
	ends := func(name string, f *follower) {
		t.Helper()
		if rest, err := io.ReadAll(f.in); err != nil || strings.Contains(string(rest), "event") {
			t.Errorf("%s: got %q, %v", name, rest, err)
		}
	}
	handlertest.Must(t, s.Store.EndSession(t.Context(), "an id", store.Origin{}))
	ends("the session", bySession)
	wantOpenStreams(s, "3", admin...)
	_, err := s.Store.RevokeToken(t.Context(), token.ID, store.Origin{})
	handlertest.Must(t, err)
	ends("the token", byToken)
	ends("the token in X-API-Key", byKey)
	wantOpenStreams(s, "1", admin...)
	s.Do("PUT", "/metrics/job/x", "a 1\n", admin...)
	lasting.change()
}
