// Package handlertest starts servers with the real routes for tests of the parts, and
// reads their answers as clients do.
package handlertest

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/pebble"
)

// Server is a running server: the real routes on the real store, whose disk is
// memory.
type Server struct {
	T       testing.TB
	Prefix  string
	scrapes string // the telemetry path
	Addr    string
	Partial bool // serves less than is described
	App     *fiber.App
	Store   *store.Store
	Journal *Journal
	Quits   atomic.Int32
	Log     Log
	Client  http.Client
}

// Setup is what a test can change before the server starts.
type Setup struct {
	*handlers.Config
	Store   *store.Options
	Guard   *guard.Config
	scrapes *bool
}

// OnlyScrapes makes the server a listener for scrapes.
func (c Setup) OnlyScrapes() { *c.scrapes = true }

// LoginRules is the fingerprint of the rules by which people have roles.
var LoginRules = []byte("rules")

// Start starts a server that ends with the test. Changes are made in their order.
func Start(t testing.TB, change ...func(Setup)) *Server {
	t.Helper()
	s := &Server{T: t}
	s.Client.Transport = &http.Transport{DisableCompression: true}
	s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	metrics := telemetry.NewMetrics()
	own, err := metrics.Own()
	Must(t, err)
	logger := slog.New(slog.NewTextHandler(&s.Log, nil))
	o := store.Options{
		Limits: store.Limits{CheckConsistency: true, MaxLabelSets: 64}, Timeout: 10 * time.Second,
		Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 1 << 30}, Own: own, Logger: logger, Observe: metrics.Commit,
	}
	c := handlers.Config{
		Metrics: metrics, Logger: logger, Base: web.Base{TelemetryPath: "/metrics"},
		Settings: gateway.Settings{MaxBodyBytes: 1 << 20, MaxSeriesPerPush: 10_000, BodyBudget: 64 << 20, UTF8Names: true},
		Ages:     groupings.Ages{StaleAfter: time.Hour, OldAfter: 24 * time.Hour},
		Timeouts: web.Timeouts{ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute},
		Limits:   store.Limits{CheckConsistency: true},
		Flags:    []gateway.Flag{{Name: "web.telemetry-path", Value: "/metrics", Default: "/metrics"}}, Started: time.Now(),
		Build: gateway.Build{Version: "1.2.3", GoVersion: "go1"}, Quit: func() { s.Quits.Add(1) },
		Import: func(context.Context, []byte, bool, store.Origin) ([]gateway.Arrival, error) { return nil, nil },
	}
	g := guard.Config{Decided: metrics.Decided, Logger: logger, Cookie: guard.Cookie{Lifetime: 12 * time.Hour}}
	scrapes := false
	for _, f := range change {
		f(Setup{&c, &o, &g, &scrapes})
	}
	if c.PublicPrefix == "" {
		c.PublicPrefix = c.RoutePrefix
	}
	if u := c.ExternalURL; u != nil {
		g.Origins = []string{u.Scheme + "://" + u.Host}
		g.Cookie.Secure = u.Scheme == "https"
	}
	g.Cookie.Prefix = c.PublicPrefix
	s.Prefix, s.scrapes = c.RoutePrefix, c.TelemetryPath
	s.openStore(o)
	c.Store = s.Store
	g.MadeTokens = s.Store
	g.Denied = handlers.NewDenials(s.Store).Deny
	if !scrapes {
		g.Sessions = s.Store
	}
	if g.Passwords != nil && g.Passwords.Configured() || g.CertificateRole != auth.NoRole {
		g.LoginRules = LoginRules // for sessions that begun begins
	}
	c.Guard, err = guard.New(g)
	Must(t, err)
	metrics.Watch(s.Store)
	s.Partial = scrapes || c.ScrapeInternalOnly
	routes := handlers.New
	if scrapes {
		routes = handlers.NewScrape
	}
	s.App, err = routes(c)
	Must(t, err)
	s.listen()
	return s
}

func (s *Server) openStore(o store.Options) {
	s.T.Helper()
	journal, err := pebble.Open(pebble.Options{Path: "/store", FS: vfs.NewMem(), MinFree: -1})
	Must(s.T, err)
	s.T.Cleanup(func() { _ = journal.Close() })
	s.Journal = &Journal{Journal: journal}
	s.Store, err = store.Open(s.T.Context(), s.Journal, o)
	Must(s.T, err)
	s.T.Cleanup(func() { _ = s.Store.Close() })
}

func (s *Server) listen() {
	s.T.Helper()
	app := s.App
	app.Handler()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(s.T, err)
	s.Addr = l.Addr().String()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = app.Server().Serve(patientListener{l})
	}()
	s.T.Cleanup(func() {
		s.Client.CloseIdleConnections()
		_ = l.Close()
		<-ended
	})
}

// Must ends the test at an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Do sends a request, whose target goes out as it is, with headers given as
// name, value, name, value…; every answer must be as the API's description
// says.
func (s *Server) Do(method, target, body string, headers ...string) Answer {
	s.T.Helper()
	return s.send(method, target, strings.NewReader(body), headers...)
}

// Get sends a GET without a body.
func (s *Server) Get(target string, headers ...string) Answer {
	s.T.Helper()
	return s.Do("GET", target, "", headers...)
}

func (s *Server) send(method, target string, body io.Reader, headers ...string) Answer {
	s.T.Helper()
	path, query, _ := strings.Cut(target, "?")
	req, err := http.NewRequestWithContext(s.T.Context(), method, "http://"+s.Addr, body)
	Must(s.T, err)
	req.URL = &url.URL{Scheme: "http", Host: s.Addr, Opaque: path, RawQuery: query}
	if strings.HasPrefix(path, "//") { // would be taken for a host
		req.URL.Opaque, req.URL.RawPath = "", path
		req.URL.Path, err = url.PathUnescape(path)
		Must(s.T, err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, target, err)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		s.T.Errorf("%s %s: without nosniff: %v", method, target, resp.Header)
	}
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" {
			s.T.Errorf("%s %s: header %s", method, target, name)
		}
	}
	a := Answer{method + " " + target, resp.StatusCode, resp.Header, string(text)}
	if !s.Partial {
		s.checkDescribed(req, path, a)
	}
	return a
}

// Raw sends bytes over a connection of their own and reads one answer.
func (s *Server) Raw(request string) Answer {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	Must(s.T, err)
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, request) }()
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(in, nil)
	}
	if err != nil {
		s.T.Fatalf("no answer to %.100q: %v", request, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	Must(s.T, err)
	return Answer{request, resp.StatusCode, resp.Header, string(text)}
}

// Put pushes something that must be taken.
func (s *Server) Put(target, body string, headers ...string) {
	s.T.Helper()
	if a := s.Do("PUT", s.Prefix+target, body, headers...); a.Status != 200 || a.Body != "" {
		s.T.Fatal(a)
	}
}
