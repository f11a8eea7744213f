package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

func TestLimitsRefuseWithoutAChange(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.MaxGroupings, c.Store.MaxSeries = 2, 5 })
	s.Put("/metrics/job/a", "m{i=\"1\"} 1\nm{i=\"2\"} 1\n")
	s.Put("/metrics/job/b", "m{i=\"1\"} 1\nm{i=\"2\"} 1\n")
	before := s.Samples()
	for name, a := range map[string]handlertest.Answer{
		"one grouping too many":    s.Do("PUT", "/metrics/job/c", ""),
		"one series too many":      s.Do("PUT", "/metrics/job/b", "m{i=\"1\"} 1\nm{i=\"2\"} 1\nm{i=\"3\"} 1\nm{i=\"4\"} 1\n"),
		"one series too many more": s.Do("POST", "/metrics/job/b", "n{i=\"1\"} 1\nn{i=\"2\"} 1\n"),
	} {
		if a.Status != 429 || a.Header.Get("Retry-After") == "" || !handlertest.OneLine(a.Body) {
			t.Errorf("%s: %v %v", name, a, a.Header)
		}
	}
	s.WantSamples(before...)
	if g := s.Grouping("/metrics/job/b"); !g.Failed.IsZero() {
		t.Errorf("failed at %v", g.Failed)
	}
	s.Put("/metrics/job/b", "m 1\n")
	s.Put("/metrics/job/a", "m 1\nn 1\n")
}

func TestHousekeepingThatFailsIsReportedAndHarmsNothing(t *testing.T) {
	var clock *handlertest.Clock
	s := handlertest.Start(t, func(c handlertest.Setup) { clock = handlertest.StartClock(c) })
	s.Do("PUT", "/metrics/job/x?ttl=1m", "a 1\n")
	failing := func() string {
		health := s.Get("/health")
		if health.Status != 200 || strings.Contains(health.Body, "secret") {
			t.Errorf("%v", health)
		}
		own := strings.Contains(s.Get("/metrics").Body, "\ngatehouse_store_housekeeping_failing 1\n")
		page := handlertest.Contains(s.Get("/status", handlertest.BrowserHeaders...).Body, "failing; the log has the cause")
		return fmt.Sprint(strings.Contains(health.Body, `"housekeeping":"failing"`), own, page)
	}
	if got := failing(); got != "false false false" {
		t.Error(got)
	}
	s.Journal.FailCommits(errors.New("/secret/place is slow"))
	clock.Advance(time.Hour)
	s.Do("DELETE", "/metrics/job/nothing", "") // reads the clock
	if got := failing(); got != "true true true" {
		t.Error(got)
	}
	s.Journal.FailCommits(nil)
	clock.Advance(time.Minute)
	s.Put("/metrics/job/y", "a 1\n")
	if got := failing(); got != "false false false" {
		t.Error(got)
	}
}

func TestAStoreThatCannotCommitIsReportedAndHarmsNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		reason string
		ready  int
	}{
		{"for a while", fmt.Errorf("%w: /secret/place is full", store.ErrUnavailable), web.TextUnavailable, 200},
		{"until a restart", fmt.Errorf("%w: /secret/place is gone", store.ErrBroken), web.TextBroken, 503},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
			s.Put("/metrics/job/x", "a 1\n")
			s.Journal.Fail(test.err)
			for _, a := range []handlertest.Answer{
				s.Do("PUT", "/metrics/job/x", "a 2\n"), s.Do("POST", "/metrics/job/y", "a 2\n"),
				s.Do("DELETE", "/metrics/job/x", ""), s.Do("DELETE", "/metrics/job/x/instance/i", ""),
				s.Do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", ""), s.Do("PUT", "/api/v1/admin/wipe", ""),
			} {
				if a.Status != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, test.reason) || strings.Contains(a.Body, "secret") {
					t.Errorf("%v %v", a, a.Header)
				}
			}
			if a := s.Get("/health"); a.Status != 503 || !strings.Contains(a.Body, `"unhealthy"`) || !strings.Contains(a.Body, test.reason) || strings.Contains(a.Body, "secret") {
				t.Errorf("%v", a)
			}
			if a := s.Get("/-/ready"); a.Status != test.ready || strings.Contains(a.Body, "secret") {
				t.Errorf("%v, want %d", a, test.ready)
			}
			if a := s.Get("/-/healthy"); a.Status != 200 {
				t.Errorf("%v", a)
			}
			s.WantSamples(`a{instance="",job="x"} 1`)
			if a := s.Get("/metrics"); !strings.Contains(a.Body, "\ngatehouse_store_writable 0\n") {
				t.Errorf("the metrics do not tell")
			}
			if g := s.Grouping("/metrics/job/x"); !g.Failed.IsZero() {
				t.Errorf("failed at %v", g.Failed)
			}
		})
	}
}

func TestBodiesInFlightAreBounded(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.BodyBudget = 256 << 10 })
	a := s.Do("PUT", "/metrics/job/x", strings.Repeat("#\n", 300<<10))
	if a.Status != 503 || a.Header.Get("Retry-After") == "" || !handlertest.OneLine(a.Body) {
		t.Errorf("%v %v", a, a.Header)
	}
	s.WantGroupings()
	// What was refused is given back.
	for range 20 {
		s.Put("/metrics/job/x", "a 1\n"+strings.Repeat("#\n", 20<<10))
	}
}

func TestTheLabelsOfThePathCountInFlightWithEachLine(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.BodyBudget = 8 << 20 })
	var path, body strings.Builder
	path.WriteString("/metrics/job/x")
	for i := range 20 {
		fmt.Fprintf(&path, "/l%d/%s", i, strings.Repeat("x", 1000))
	}
	for i := range 1000 {
		fmt.Fprintf(&body, "m{i=\"%d\"} 1\n", i)
	}
	if a := s.Do("PUT", path.String(), body.String()); a.Status != 503 || a.Header.Get("Retry-After") == "" || !handlertest.OneLine(a.Body) {
		t.Errorf("20 MB of 15 KB: %v %v", a, a.Header)
	}
	s.WantGroupings()
	// What was refused or stored is given back.
	for range 5 {
		s.Put(path.String(), body.String()[:strings.Index(body.String(), "m{i=\"300\"}")])
	}
	s.Put("/metrics/job/x", body.String())
}

func TestLargeBodiesThatNeverEndDoNotKeepSmallOnesOut(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.BodyBudget = 256 << 10 })
	hang := func() {
		conn, err := net.Dial("tcp", s.Addr)
		handlertest.Must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "PUT /metrics/job/large HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"+strings.Repeat("#\n", 50<<10))
		handlertest.Must(t, err)
	}
	for range 3 {
		hang()
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		hang() // each time: those that come while another body is read may be refused themselves
		if a := s.Do("PUT", "/metrics/job/large", strings.Repeat("#\n", 120<<10)); a.Status == 503 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the budget is never used up")
		}
	}
	s.Put("/metrics/job/small", "a 1\n"+strings.Repeat("#\n", 10<<10))
}

func TestATooLargeBodyIsRefusedWhateverItSays(t *testing.T) {
	s := handlertest.Start(t)
	if a := s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n" + strings.Repeat("#", 64<<10)); a.Status != 413 {
		t.Errorf("%v", a)
	}
	chunk := strings.Repeat("#", 600<<10)
	size := fmt.Sprintf("%x\r\n", len(chunk))
	if a := s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size + chunk + "\r\n" + size + chunk + "\r\n"); a.Status != 413 {
		t.Errorf("%v", a)
	}
	s.WantGroupings()
}

func TestABodyThatDoesNotComeIsNotPushed(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.ReadTimeout = 50 * time.Millisecond })
	s.Put("/metrics/job/x", "a 1\n")
	if a := s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na 2\n"); a.Status != 408 || !handlertest.OneLine(a.Body) {
		t.Errorf("a body that stops: %v", a)
	}
	if a := s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na 2\n\r\n"); a.Status != 400 || !handlertest.OneLine(a.Body) {
		t.Errorf("a body without sense: %v", a)
	}
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(t, err)
	_, err = io.WriteString(conn, "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na 2\n")
	handlertest.Must(t, err)
	handlertest.Must(t, conn.(*net.TCPConn).CloseWrite())
	text, _ := io.ReadAll(conn)
	_ = conn.Close()
	if !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
		t.Errorf("a client that leaves: %q", text)
	}
	s.WantSamples(`a{instance="",job="x"} 1`)
	if log := s.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log takes what clients do for errors:\n%s", log)
	}
}
