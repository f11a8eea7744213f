package handlers_test

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers/handlertest"
)

func TestSlashesTooManyAtTheStartOfAGroupingsPathCountForNothing(t *testing.T) {
	for _, test := range []struct {
		prefix, target string
		key            string // "": 404
	}{
		{"", "//metrics/job/x", `{job="x"}`},
		{"", "///metrics/job/x", `{job="x"}`},
		{"", strings.Repeat("/", 100) + "metrics/job/x", `{job="x"}`},
		{"", "//metrics/job/x/l/v", `{job="x",l="v"}`},
		{"", "//metrics/job@base64/eA", `{job="x"}`},
		{"", "//metrics/j%6Fb/x", `{job="x"}`},
		{"", "//metrics/job/x/l//b/c", `{b="c",job="x"}`},
		{"", "//metrics/job/x//l", ""},
		{"", "//metrics/job/a%2F%2Fb", `{job="a//b"}`},
		{"", "//metrics/job/x?ttl=1h", `{job="x"}`},
		{"", "//metrics/job/x?ttl=1h&key=//", `{job="x"}`},
		{"", "//metrics/job/x?key=http://evil.test/", `{job="x"}`},
		{"/pg", "/pg//metrics/job/x", `{job="x"}`},
		{"/pg", "//pg/metrics/job/x", `{job="x"}`},
		{"/pg", "//pg///metrics/job/x", `{job="x"}`},
		{"/pg", "//metrics/job/x", ""},
		{"/pg", "/pg//pg/metrics/job/x", ""},
		{"", "/%2Fmetrics/job/x", ""},
		{"", "/metrics//job/x", ""},
		{"", "//metrics", ""},
		{"", "//metrics/", ""},
		{"", "//metrics/self", ""},
		{"", "//metrics/jobs/x", ""},
		{"", "//api/v1/targets", ""},
		{"", "//api/v1/groupings", ""},
		{"", "//-/quit", ""},
		{"", "//health", ""},
		{"", "//", ""},
		{"", "///", ""},
		{"", "//x/../metrics/job/x", ""},
	} {
		s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix, c.EnableLifecycle = test.prefix, true })
		a := s.Do("PUT", test.target, "a 1\n")
		if test.key == "" {
			if a.Status != 404 && a.Status != 400 {
				t.Errorf("%v", a)
			}
			s.WantGroupings()
			continue
		}
		if a.Status != 200 {
			t.Errorf("%v", a)
			continue
		}
		s.WantGroupings(test.key)
		path, _, _ := strings.Cut(test.target, "?")
		for _, method := range []string{"GET", "HEAD"} {
			if a := s.Do(method, path, ""); a.Status != 200 {
				t.Errorf("%v", a)
			}
		}
		if a := s.Do("POST", test.target, "b 1\n"); a.Status != 200 {
			t.Errorf("%v", a)
		}
		if a := s.Do("OPTIONS", path, ""); a.Header.Get("Allow") != "DELETE, GET, HEAD, OPTIONS, POST, PUT" {
			t.Errorf("%v %v", a, a.Header)
		}
		if a := s.Do("DELETE", path, ""); a.Status != 202 {
			t.Errorf("%v", a)
		}
		s.WantGroupings()
	}
}

func TestSlashesTooManyAreNoWayAroundTheGuard(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.EnableLifecycle = true
		c.Guard.Tokens, c.Guard.ScrapeKey = credential.NewTokens([]string{handlertest.RightToken}), credential.NewSecret(handlertest.RightKey)
	})
	storeGrouping(s, "/metrics/job/x", "a 1\n")
	for _, target := range []string{"//metrics/job/x", "///metrics/job/x", "//metrics", "//health", "//", "//-/quit", "//static/x", "//login", "//api/v1/targets"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"} {
			if a := s.Do(method, target, ""); a.Status != 401 {
				t.Errorf("%v", a)
			}
		}
	}
	if a := s.Get("//metrics/job/x", "X-Metrics-Key", handlertest.RightKey); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Do("PUT", "//metrics/job/x", "a 2\n", "X-API-Key", handlertest.RightToken, "Sec-Fetch-Site", "cross-site"); a.Status != 403 {
		t.Errorf("%v", a)
	}
	if a := s.Do("PUT", "//metrics/job/x", "a 2\n", "X-API-Key", handlertest.RightToken); a.Status != 200 {
		t.Errorf("%v", a)
	}
	own := s.Get("/metrics/self", "X-Metrics-Key", handlertest.RightKey).Body
	if !strings.Contains(own, `pushgateway_http_requests_total{code="200",handler="push",method="put"} 1`) {
		t.Error("it doesn't count as a push")
	}
}

func TestATargetWithAHostIsServedIfThatIsOurs(t *testing.T) {
	external := func(c handlertest.Setup) { c.ExternalURL, _ = url.Parse("https://Push.example.org/") }
	for _, test := range []struct {
		name         string
		change       func(handlertest.Setup)
		target, host string // {addr} and {port} stand for ours
		status       int
	}{
		{"our address", nil, "http://{addr}/metrics/job/x", "{addr}", 200},
		{"a name of this machine", nil, "http://localhost:{port}/metrics/job/x", "localhost:{port}", 200},
		{"capitals", nil, "HTTP://LOCALHOST:{port}/metrics/job/x", "localhost:{port}", 200},
		{"a slash too many", nil, "http://{addr}//metrics/job/x", "{addr}", 200},
		{"a query", nil, "http://{addr}/metrics/job/x?ttl=1h", "{addr}", 200},
		{"another Host", nil, "http://{addr}/metrics/job/x", "localhost:{port}", 400},
		{"the Host of somebody else", nil, "http://{addr}/metrics/job/x", "evil.test", 400},
		{"somebody else", nil, "http://evil.test/metrics/job/x", "evil.test", 400},
		{"another port", nil, "http://127.0.0.1:1/metrics/job/x", "127.0.0.1:1", 400},
		{"no port", nil, "http://127.0.0.1/metrics/job/x", "127.0.0.1", 400},
		{"another address", nil, "http://127.0.0.2:{port}/metrics/job/x", "127.0.0.2:{port}", 400},
		{"a name that only begins so", nil, "http://localhost.evil.test:{port}/metrics/job/x", "localhost.evil.test:{port}", 400},
		{"a user", nil, "http://u@{addr}/metrics/job/x", "u@{addr}", 400},
		{"a user beside the Host", nil, "http://u@{addr}/metrics/job/x", "{addr}", 400},
		{"another scheme", nil, "ftp://{addr}/metrics/job/x", "{addr}", 400},
		{"no host", nil, "http:///metrics/job/x", "{addr}", 400},
		{"no Host", nil, "http://{addr}/metrics/job/x", "", 400},
		{"a fragment", nil, "http://{addr}#/metrics/job/x", "{addr}", 400},
		{"the address that the operator gives", external, "https://push.example.org/metrics/job/x", "push.example.org", 200},
		{"the same with its port", external, "http://push.example.org:443/metrics/job/x", "push.example.org:443", 200},
		{"our address beside that of the operator", external, "http://{addr}/metrics/job/x", "{addr}", 400},
		{"another than the operator gives", external, "https://example.org/metrics/job/x", "example.org", 400},
	} {
		s := handlertest.Start(t)
		if test.change != nil {
			s = handlertest.Start(t, test.change)
		}
		_, port, _ := strings.Cut(s.Addr, ":")
		fill := strings.NewReplacer("{addr}", s.Addr, "{port}", port).Replace
		version := "1.1"
		host := "Host: " + fill(test.host) + "\r\n"
		if test.host == "" {
			version, host = "1.0", ""
		}
		a := s.Raw("PUT " + fill(test.target) + " HTTP/" + version + "\r\n" + host + "Content-Length: 4\r\n\r\na 1\n")
		if a.Status != test.status {
			t.Errorf("%s: %v, want %d", test.name, a, test.status)
		}
	}
}

// TestOnlyTheHostHeaderCounts is about targets in which readers may find a host.
func TestOnlyTheHostHeaderCounts(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens, c.Guard.Bypass = credential.NewTokens([]string{handlertest.RightToken}), guard.BypassOn
	})
	const evil = "Host: evil.test\r\n"
	for _, test := range []struct {
		name, line, headers string
		status              int
	}{
		{"a name of this machine", "GET /api/v1/status HTTP/1.1", "Host: localhost\r\n", 200},
		{"another name", "GET /api/v1/status HTTP/1.1", evil, 401},
		{"no Host", "GET /api/v1/status HTTP/1.0", "", 401},
		{"an empty Host", "GET /api/v1/status HTTP/1.0", "Host:\r\n", 401},
		{"a path that looks like a host", "GET //localhost/api/v1/status HTTP/1.1", evil, 401},
		{"the same without a Host", "GET //localhost/api/v1/status HTTP/1.0", "", 401},
		{"the same with a URL in the query", "GET //localhost/api/v1/status?x=:// HTTP/1.1", evil, 400},
		{"a URL", "GET http://localhost/api/v1/status HTTP/1.1", evil, 400},
		{"a change without a Host", "PUT /metrics/job/x HTTP/1.0", "X-API-Key: " + handlertest.RightToken + "\r\n", 200},
		{"a page's change without a Host", "PUT /metrics/job/x HTTP/1.0", "Origin: http://localhost\r\nX-API-Key: " + handlertest.RightToken + "\r\n", 403},
		{"a page's change with an empty Host", "PUT /metrics/job/x HTTP/1.0", "Host:\r\nOrigin: http://\r\nX-API-Key: " + handlertest.RightToken + "\r\n", 403},
		{"a page's change by its name for no Host", "PUT /metrics/job/x HTTP/1.1", "Host: host.invalid\r\nOrigin: http://host.invalid\r\nX-API-Key: " + handlertest.RightToken + "\r\n", 403},
		{"a change of our own page without a Host", "PUT /metrics/job/x HTTP/1.0", "Sec-Fetch-Site: same-origin\r\nX-API-Key: " + handlertest.RightToken + "\r\n", 403},
		{"two Hosts", "GET /api/v1/status HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n", 400},
		{"no Host where there must be one", "GET /api/v1/status HTTP/1.1", "", 400},
	} {
		if a := s.Raw(test.line + "\r\n" + test.headers + "Connection: close\r\n\r\n"); a.Status != test.status {
			t.Errorf("%s: %v, want %d", test.name, a, test.status)
		}
	}
}

func TestTargetsWithoutAHostNameTheAddressThatWasAsked(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	if a := s.Raw("GET /api/v1/targets HTTP/1.0\r\n\r\n"); !strings.Contains(a.Body, `"targets":["`+s.Addr+`"]`) {
		t.Errorf("%v", a)
	}
	path := filepath.Join(t.TempDir(), "s") // which is no address that anything is scraped at
	l, err := net.Listen("unix", path)
	handlertest.Must(t, err)
	go func() { _ = s.App.Server().Serve(l) }()
	conn, err := net.Dial("unix", path)
	handlertest.Must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /api/v1/targets HTTP/1.0\r\n\r\n")
	handlertest.Must(t, err)
	if all, err := io.ReadAll(conn); !strings.Contains(string(all), `"targets":["localhost:80"]`) || err != nil {
		t.Errorf("by a Unix socket: %s, %v", all, err)
	}
}

func TestThePrefixAloneLeadsToThePageBelowIt(t *testing.T) {
	prefixed := func(route, public string) func(handlertest.Setup) {
		return func(c handlertest.Setup) { c.RoutePrefix, c.PublicPrefix = route, public }
	}
	for _, test := range []struct {
		name, method, target string
		change               func(handlertest.Setup)
		status               int
		location             string
	}{
		{"GET", "GET", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/"},
		{"HEAD", "HEAD", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/"},
		{"a query", "GET", "/gatehouse?q=a%20b&x", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/?q=a%20b&x"},
		{"behind a proxy that takes off a part", "GET", "/b", prefixed("/b", "/a/b"), 308, "/a/b/"},
		{"strangers", "GET", "/gatehouse", func(c handlertest.Setup) {
			prefixed("/gatehouse", "/gatehouse")(c)
			c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
		}, 308, "/gatehouse/"},
		{"PUT", "PUT", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 405, ""},
		{"two slashes", "GET", "//gatehouse", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"capitals", "GET", "/Gatehouse", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"a longer name", "GET", "/gatehouses", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"a listener for scrapes", "GET", "/gatehouse", func(c handlertest.Setup) { prefixed("/gatehouse", "/gatehouse")(c); c.OnlyScrapes() }, 404, ""},
		{"the page", "GET", "/gatehouse/", prefixed("/gatehouse", "/gatehouse"), 200, ""},
	} {
		s := handlertest.Start(t, test.change)
		if a := s.Do(test.method, test.target, ""); a.Status != test.status || a.Header.Get("Location") != test.location {
			t.Errorf("%s: %v %q, want %d %q", test.name, a, a.Header.Get("Location"), test.status, test.location)
		}
	}
}
