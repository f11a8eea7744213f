package handlers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/pebble"
)

// served is a running server: the real routes on the real store, whose disk is
// memory.
type served struct {
	t       testing.TB
	prefix  string
	scrapes string // the telemetry path
	addr    string
	partial bool // serves less than is described
	app     *fiber.App
	store   *store.Store
	journal *unsteady
	quits   atomic.Int32
	log     lockedBuffer
	client  http.Client
}

// setup is what a test may change before the server starts.
type setup struct {
	*Config
	Store   *store.Options
	Guard   *guard.Config
	scrapes *bool
}

// onlyScrapes makes the listener one for scrapes only.
func (c setup) onlyScrapes() { *c.scrapes = true }

// loginRules stand for those by which roles are given.
var loginRules = []byte("rules")

func serve(t testing.TB, change ...func(setup)) *served {
	t.Helper()
	s := &served{t: t}
	s.client.Transport = &http.Transport{DisableCompression: true}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	metrics := telemetry.NewMetrics()
	own, err := metrics.Own()
	must(t, err)
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	o := store.Options{
		CheckConsistency: true, MaxLabelSets: 64, Timeout: 10 * time.Second,
		UndoWindow: time.Hour, UndoMaxBytes: 1 << 30, Own: own, Logger: logger, Observe: metrics.Commit,
	}
	c := Config{
		Metrics: metrics, Logger: logger, TelemetryPath: "/metrics",
		Settings:         gateway.Settings{MaxBodyBytes: 1 << 20, MaxSeriesPerPush: 10_000, BodyBudget: 64 << 20, UTF8Names: true},
		Ages:             groupings.Ages{StaleAfter: time.Hour, OldAfter: 24 * time.Hour},
		Timeouts:         web.Timeouts{ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute},
		CheckConsistency: true,
		Flags:            []gateway.Flag{{Name: "web.telemetry-path", Value: "/metrics", Default: "/metrics"}}, Started: time.Now(),
		Build: gateway.Build{Version: "1.2.3", GoVersion: "go1"}, Quit: func() { s.quits.Add(1) },
		Import: func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) { return nil, nil },
	}
	g := guard.Config{Decided: metrics.Decided, Logger: logger, Cookie: guard.Cookie{Lifetime: 12 * time.Hour}}
	scrapes := false
	for _, f := range change {
		f(setup{&c, &o, &g, &scrapes})
	}
	if c.PublicPrefix == "" {
		c.PublicPrefix = c.RoutePrefix
	}
	if u := c.ExternalURL; u != nil {
		g.Origins = []string{u.Scheme + "://" + u.Host}
		g.Cookie.Secure = u.Scheme == "https"
	}
	g.Cookie.Prefix = c.PublicPrefix
	s.prefix, s.scrapes = c.RoutePrefix, c.TelemetryPath
	s.openStore(o)
	c.Store = s.store
	g.MadeTokens = s.store
	g.Denied = NewDenials(s.store).Deny
	if !scrapes {
		g.Sessions = s.store
	}
	if g.Passwords != nil && g.Passwords.Configured() || g.CertificateRole != auth.NoRole {
		g.LoginRules = loginRules // for sessions that begun begins
	}
	c.Guard, err = guard.New(g)
	must(t, err)
	metrics.Watch(s.store)
	s.partial = scrapes || c.ScrapesElsewhere
	routes := New
	if scrapes {
		routes = NewScrape
	}
	s.app, err = routes(c)
	must(t, err)
	s.listen()
	return s
}

func (s *served) openStore(o store.Options) {
	s.t.Helper()
	journal, err := pebble.Open(pebble.Options{Path: "/store", FS: vfs.NewMem(), MinFree: -1})
	must(s.t, err)
	s.t.Cleanup(func() { _ = journal.Close() })
	s.journal = &unsteady{Journal: journal}
	s.store, err = store.Open(s.t.Context(), s.journal, o)
	must(s.t, err)
	s.t.Cleanup(func() { _ = s.store.Close() })
}

func (s *served) listen() {
	s.t.Helper()
	app := s.app
	app.Handler()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	s.addr = l.Addr().String()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = app.Server().Serve(patientListener{l})
	}()
	s.t.Cleanup(func() {
		s.client.CloseIdleConnections()
		_ = l.Close()
		<-ended
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patientListener has connections that see their last answer delivered, as the
// program's own do.
type patientListener struct{ net.Listener }

func (l patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &patient{Conn: c}, err
}

type patient struct {
	net.Conn
	linger atomic.Bool
}

func (c *patient) Linger() { c.linger.Store(true) }

func (c *patient) Close() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok && c.linger.Load() {
		_ = tcp.CloseWrite()
		_ = tcp.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.CopyN(io.Discard, tcp, 16<<20)
	}
	return c.Conn.Close()
}

// unsteady is a journal that can be told to fail.
type unsteady struct {
	store.Journal
	failure atomic.Pointer[error]
	misread atomic.Pointer[error] // of what is on record
}

func (j *unsteady) failRead(err error) { j.misread.Store(&err) }

func (j *unsteady) ScanBack(ctx context.Context, prefix, before string, limit int) ([]store.Record, error) {
	if err := j.misread.Load(); err != nil {
		return nil, *err
	}
	return j.Journal.ScanBack(ctx, prefix, before, limit)
}

func (j *unsteady) fail(err error) { j.failure.Store(&err) }

func (j *unsteady) err() error {
	if err := j.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (j *unsteady) Commit(ctx context.Context, changes ...store.Change) (store.Revision, error) {
	if err := j.err(); err != nil {
		return 0, err
	}
	return j.Journal.Commit(ctx, changes...)
}

func (j *unsteady) Status() store.JournalStatus {
	st := j.Journal.Status()
	st.Err = j.err()
	return st
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// answered is what a client got.
type answered struct {
	request string
	status  int
	header  http.Header
	body    string
}

func (a answered) String() string {
	return fmt.Sprintf("%s: %d %.300q", a.request, a.status, a.body)
}

// do sends a request, whose target goes out as it is, with headers given as
// name, value, name, value…; every answer must be as the API's description
// says.
func (s *served) do(method, target, body string, headers ...string) answered {
	s.t.Helper()
	return s.send(method, target, strings.NewReader(body), headers...)
}

func (s *served) get(target string, headers ...string) answered {
	s.t.Helper()
	return s.do("GET", target, "", headers...)
}

func (s *served) send(method, target string, body io.Reader, headers ...string) answered {
	s.t.Helper()
	path, query, _ := strings.Cut(target, "?")
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr, body)
	must(s.t, err)
	req.URL = &url.URL{Scheme: "http", Host: s.addr, Opaque: path, RawQuery: query}
	if strings.HasPrefix(path, "//") { // would be taken for a host
		req.URL.Opaque, req.URL.RawPath = "", path
		req.URL.Path, err = url.PathUnescape(path)
		must(s.t, err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		s.t.Errorf("%s %s: without nosniff: %v", method, target, resp.Header)
	}
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" {
			s.t.Errorf("%s %s: header %s", method, target, name)
		}
	}
	a := answered{method + " " + target, resp.StatusCode, resp.Header, string(text)}
	if !s.partial {
		s.checkDescribed(req, path, a)
	}
	return a
}

// raw sends bytes over a connection of their own and reads one answer.
func (s *served) raw(request string) answered {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	must(s.t, err)
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, request) }()
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(in, nil)
	}
	if err != nil {
		s.t.Fatalf("no answer to %.100q: %v", request, err)
	}
	text, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return answered{request, resp.StatusCode, resp.Header, string(text)}
}

// put pushes something that must be taken.
func (s *served) put(target, body string, headers ...string) {
	s.t.Helper()
	if a := s.do("PUT", s.prefix+target, body, headers...); a.status != 200 || a.body != "" {
		s.t.Fatal(a)
	}
}

// samples returns the lines of what was pushed, without comments and without
// the push times.
func (s *served) samples() []string {
	s.t.Helper()
	a := s.get(s.prefix + "/metrics?match[]=" + url.QueryEscape(`{job!=""}`))
	if a.status != 200 {
		s.t.Fatal(a)
	}
	lines := strings.Split(a.body, "\n")
	return slices.DeleteFunc(lines, func(l string) bool {
		return l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "push_time_seconds{") || strings.HasPrefix(l, "push_failure_time_seconds{")
	})
}

// groupings returns the groupings that are held, as selectors.
func (s *served) groupings() []string {
	keys := []string{}
	for g := range s.store.Snapshot().Groupings() {
		keys = append(keys, g.Key.String())
	}
	return keys
}

// group returns the grouping of a path.
func (s *served) group(path string) *store.Grouping {
	s.t.Helper()
	p, err := store.ParsePath(strings.TrimPrefix(path, "/metrics"), true)
	must(s.t, err)
	g, ok := s.store.Snapshot().Grouping(p.Key)
	if !ok {
		s.t.Fatalf("there is no grouping %s", path)
	}
	return g
}

func (s *served) wantSamples(want ...string) {
	s.t.Helper()
	if got := s.samples(); !slices.Equal(got, want) {
		s.t.Errorf("holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (s *served) wantGroupings(want ...string) {
	s.t.Helper()
	if got := s.groupings(); !slices.Equal(got, append([]string{}, want...)) {
		s.t.Errorf("holds groupings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
