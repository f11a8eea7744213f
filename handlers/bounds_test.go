package handlers

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/web"
	"gatehouse/store"
)

func TestLimitsRefuseWithoutAChange(t *testing.T) {
	s := serve(t, func(c setup) { c.Store.MaxGroupings, c.Store.MaxSeries = 2, 5 })
	s.put("/metrics/job/a", "m{i=\"1\"} 1\nm{i=\"2\"} 1\n")
	s.put("/metrics/job/b", "m{i=\"1\"} 1\nm{i=\"2\"} 1\n")
	before := s.samples()
	for name, a := range map[string]answered{
		"one grouping too many":    s.do("PUT", "/metrics/job/c", ""),
		"one series too many":      s.do("PUT", "/metrics/job/b", "m{i=\"1\"} 1\nm{i=\"2\"} 1\nm{i=\"3\"} 1\nm{i=\"4\"} 1\n"),
		"one series too many more": s.do("POST", "/metrics/job/b", "n{i=\"1\"} 1\nn{i=\"2\"} 1\n"),
	} {
		if a.status != 429 || a.header.Get("Retry-After") == "" || !oneLine(a.body) {
			t.Errorf("%s: %v %v", name, a, a.header)
		}
	}
	s.wantSamples(before...)
	if g := s.group("/metrics/job/b"); !g.Failed.IsZero() {
		t.Errorf("failed at %v", g.Failed)
	}
	s.put("/metrics/job/b", "m 1\n")
	s.put("/metrics/job/a", "m 1\nn 1\n")
}

func TestAStoreThatCannotCommitIsToldAndHarmsNothing(t *testing.T) {
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
			s := serve(t, func(c setup) { c.EnableAdminAPI = true })
			s.put("/metrics/job/x", "a 1\n")
			s.journal.fail(test.err)
			for _, a := range []answered{
				s.do("PUT", "/metrics/job/x", "a 2\n"), s.do("POST", "/metrics/job/y", "a 2\n"),
				s.do("DELETE", "/metrics/job/x", ""), s.do("DELETE", "/metrics/job/x/instance/i", ""),
				s.do("DELETE", "/api/v1/groupings?match[]={job=%22x%22}", ""), s.do("PUT", "/api/v1/admin/wipe", ""),
			} {
				if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, test.reason) || strings.Contains(a.body, "secret") {
					t.Errorf("%v %v", a, a.header)
				}
			}
			if a := s.get("/health"); a.status != 503 || !strings.Contains(a.body, `"unhealthy"`) || !strings.Contains(a.body, test.reason) || strings.Contains(a.body, "secret") {
				t.Errorf("%v", a)
			}
			if a := s.get("/-/ready"); a.status != test.ready || strings.Contains(a.body, "secret") {
				t.Errorf("%v, want %d", a, test.ready)
			}
			if a := s.get("/-/healthy"); a.status != 200 {
				t.Errorf("%v", a)
			}
			s.wantSamples(`a{instance="",job="x"} 1`)
			if a := s.get("/metrics"); !strings.Contains(a.body, "\ngatehouse_store_writable 0\n") {
				t.Errorf("the metrics do not tell")
			}
			if g := s.group("/metrics/job/x"); !g.Failed.IsZero() {
				t.Errorf("failed at %v", g.Failed)
			}
		})
	}
}

func TestBodiesInFlightAreBounded(t *testing.T) {
	s := serve(t, func(c setup) { c.BodyBudget = 256 << 10 })
	a := s.do("PUT", "/metrics/job/x", strings.Repeat("#\n", 300<<10))
	if a.status != 503 || a.header.Get("Retry-After") == "" || !oneLine(a.body) {
		t.Errorf("%v %v", a, a.header)
	}
	s.wantGroupings()
	// What was refused is given back.
	for range 20 {
		s.put("/metrics/job/x", "a 1\n"+strings.Repeat("#\n", 20<<10))
	}
}

func TestLargeBodiesThatNeverEndDoNotKeepSmallOnesOut(t *testing.T) {
	s := serve(t, func(c setup) { c.BodyBudget = 256 << 10 })
	hang := func() {
		conn, err := net.Dial("tcp", s.addr)
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "PUT /metrics/job/large HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"+strings.Repeat("#\n", 50<<10))
		must(t, err)
	}
	for range 3 {
		hang()
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		hang() // each time: those that come while another body is read may be refused themselves
		if a := s.do("PUT", "/metrics/job/large", strings.Repeat("#\n", 120<<10)); a.status == 503 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the budget is never used up")
		}
	}
	s.put("/metrics/job/small", "a 1\n"+strings.Repeat("#\n", 10<<10))
}

func TestATooLargeBodyIsRefusedWhateverItSays(t *testing.T) {
	s := serve(t)
	if a := s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n" + strings.Repeat("#", 64<<10)); a.status != 413 {
		t.Errorf("%v", a)
	}
	chunk := strings.Repeat("#", 600<<10)
	size := fmt.Sprintf("%x\r\n", len(chunk))
	if a := s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size + chunk + "\r\n" + size + chunk + "\r\n"); a.status != 413 {
		t.Errorf("%v", a)
	}
	s.wantGroupings()
}

func TestABodyThatDoesNotComeIsNotPushed(t *testing.T) {
	s := serve(t, func(c setup) { c.ReadTimeout = 50 * time.Millisecond })
	s.put("/metrics/job/x", "a 1\n")
	if a := s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na 2\n"); a.status != 408 || !oneLine(a.body) {
		t.Errorf("a body that stops: %v", a)
	}
	if a := s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na 2\n\r\n"); a.status != 400 || !oneLine(a.body) {
		t.Errorf("a body without sense: %v", a)
	}
	conn, err := net.Dial("tcp", s.addr)
	must(t, err)
	_, err = io.WriteString(conn, "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na 2\n")
	must(t, err)
	must(t, conn.(*net.TCPConn).CloseWrite())
	text, _ := io.ReadAll(conn)
	_ = conn.Close()
	if !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
		t.Errorf("a client that leaves: %q", text)
	}
	s.wantSamples(`a{instance="",job="x"} 1`)
	if log := s.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log takes what clients do for errors:\n%s", log)
	}
}
