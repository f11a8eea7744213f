package handlers

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
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
		s := serve(t, func(c setup) { c.RoutePrefix, c.EnableLifecycle = test.prefix, true })
		a := s.do("PUT", test.target, "a 1\n")
		if test.key == "" {
			if a.status != 404 && a.status != 400 {
				t.Errorf("%v", a)
			}
			s.wantGroupings()
			continue
		}
		if a.status != 200 {
			t.Errorf("%v", a)
			continue
		}
		s.wantGroupings(test.key)
		path, _, _ := strings.Cut(test.target, "?")
		for _, method := range []string{"GET", "HEAD"} {
			if a := s.do(method, path, ""); a.status != 200 {
				t.Errorf("%v", a)
			}
		}
		if a := s.do("POST", test.target, "b 1\n"); a.status != 200 {
			t.Errorf("%v", a)
		}
		if a := s.do("OPTIONS", path, ""); a.header.Get("Allow") != "DELETE, GET, HEAD, OPTIONS, POST, PUT" {
			t.Errorf("%v %v", a, a.header)
		}
		if a := s.do("DELETE", path, ""); a.status != 202 {
			t.Errorf("%v", a)
		}
		s.wantGroupings()
	}
}

func TestSlashesTooManyAreNoWayAroundTheGuard(t *testing.T) {
	s := serve(t, func(c setup) {
		c.EnableLifecycle = true
		c.Guard.Tokens, c.Guard.ScrapeKey = credential.NewTokens([]string{rightToken}), credential.NewSecret(rightKey)
	})
	s.hold("/metrics/job/x", "a 1\n")
	for _, target := range []string{"//metrics/job/x", "///metrics/job/x", "//metrics", "//health", "//", "//-/quit", "//static/x", "//login", "//api/v1/targets"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"} {
			if a := s.do(method, target, ""); a.status != 401 {
				t.Errorf("%v", a)
			}
		}
	}
	if a := s.get("//metrics/job/x", "X-Metrics-Key", rightKey); a.status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.do("PUT", "//metrics/job/x", "a 2\n", "X-API-Key", rightToken, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("%v", a)
	}
	if a := s.do("PUT", "//metrics/job/x", "a 2\n", "X-API-Key", rightToken); a.status != 200 {
		t.Errorf("%v", a)
	}
	own := s.get("/metrics/self", "X-Metrics-Key", rightKey).body
	if !strings.Contains(own, `pushgateway_http_requests_total{code="200",handler="push",method="put"} 1`) {
		t.Error("it doesn't count as a push")
	}
}

func TestATargetWithAHostIsServedIfThatIsOurs(t *testing.T) {
	external := func(c setup) { c.ExternalURL, _ = url.Parse("https://Push.example.org/") }
	for _, test := range []struct {
		name         string
		change       func(setup)
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
		s := serve(t)
		if test.change != nil {
			s = serve(t, test.change)
		}
		_, port, _ := strings.Cut(s.addr, ":")
		fill := strings.NewReplacer("{addr}", s.addr, "{port}", port).Replace
		version := "1.1"
		host := "Host: " + fill(test.host) + "\r\n"
		if test.host == "" {
			version, host = "1.0", ""
		}
		a := s.raw("PUT " + fill(test.target) + " HTTP/" + version + "\r\n" + host + "Content-Length: 4\r\n\r\na 1\n")
		if a.status != test.status {
			t.Errorf("%s: %v, want %d", test.name, a, test.status)
		}
	}
}

// TestOnlyTheHostHeaderCounts is about targets in which readers may find a host.
func TestOnlyTheHostHeaderCounts(t *testing.T) {
	s := serve(t, func(c setup) {
		c.Guard.Tokens, c.Guard.Bypass = credential.NewTokens([]string{rightToken}), guard.BypassOn
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
		{"a change without a Host", "PUT /metrics/job/x HTTP/1.0", "X-API-Key: " + rightToken + "\r\n", 200},
		{"a page's change without a Host", "PUT /metrics/job/x HTTP/1.0", "Origin: http://localhost\r\nX-API-Key: " + rightToken + "\r\n", 403},
		{"a page's change with an empty Host", "PUT /metrics/job/x HTTP/1.0", "Host:\r\nOrigin: http://\r\nX-API-Key: " + rightToken + "\r\n", 403},
		{"a page's change by its name for no Host", "PUT /metrics/job/x HTTP/1.1", "Host: host.invalid\r\nOrigin: http://host.invalid\r\nX-API-Key: " + rightToken + "\r\n", 403},
		{"a change of our own page without a Host", "PUT /metrics/job/x HTTP/1.0", "Sec-Fetch-Site: same-origin\r\nX-API-Key: " + rightToken + "\r\n", 403},
		{"two Hosts", "GET /api/v1/status HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n", 400},
		{"no Host where there must be one", "GET /api/v1/status HTTP/1.1", "", 400},
	} {
		if a := s.raw(test.line + "\r\n" + test.headers + "Connection: close\r\n\r\n"); a.status != test.status {
			t.Errorf("%s: %v, want %d", test.name, a, test.status)
		}
	}
}

func TestTargetsWithoutAHostNameTheAddressThatWasAsked(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	if a := s.raw("GET /api/v1/targets HTTP/1.0\r\n\r\n"); !strings.Contains(a.body, `"targets":["`+s.addr+`"]`) {
		t.Errorf("%v", a)
	}
	path := filepath.Join(t.TempDir(), "s") // which is no address that anything is scraped at
	l, err := net.Listen("unix", path)
	must(t, err)
	go func() { _ = s.app.Server().Serve(l) }()
	conn, err := net.Dial("unix", path)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /api/v1/targets HTTP/1.0\r\n\r\n")
	must(t, err)
	if all, err := io.ReadAll(conn); !strings.Contains(string(all), `"targets":["localhost:80"]`) || err != nil {
		t.Errorf("by a Unix socket: %s, %v", all, err)
	}
}

func TestThePrefixAloneLeadsToThePageBelowIt(t *testing.T) {
	prefixed := func(route, public string) func(setup) {
		return func(c setup) { c.RoutePrefix, c.PublicPrefix = route, public }
	}
	for _, test := range []struct {
		name, method, target string
		change               func(setup)
		status               int
		location             string
	}{
		{"GET", "GET", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/"},
		{"HEAD", "HEAD", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/"},
		{"a query", "GET", "/gatehouse?q=a%20b&x", prefixed("/gatehouse", "/gatehouse"), 308, "/gatehouse/?q=a%20b&x"},
		{"behind a proxy that takes off a part", "GET", "/b", prefixed("/b", "/a/b"), 308, "/a/b/"},
		{"strangers", "GET", "/gatehouse", func(c setup) {
			prefixed("/gatehouse", "/gatehouse")(c)
			c.Guard.Tokens = credential.NewTokens([]string{rightToken})
		}, 308, "/gatehouse/"},
		{"PUT", "PUT", "/gatehouse", prefixed("/gatehouse", "/gatehouse"), 405, ""},
		{"two slashes", "GET", "//gatehouse", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"capitals", "GET", "/Gatehouse", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"a longer name", "GET", "/gatehouses", prefixed("/gatehouse", "/gatehouse"), 404, ""},
		{"a listener for scrapes", "GET", "/gatehouse", func(c setup) { prefixed("/gatehouse", "/gatehouse")(c); c.onlyScrapes() }, 404, ""},
		{"the page", "GET", "/gatehouse/", prefixed("/gatehouse", "/gatehouse"), 200, ""},
	} {
		s := serve(t, test.change)
		if a := s.do(test.method, test.target, ""); a.status != test.status || a.header.Get("Location") != test.location {
			t.Errorf("%s: %v %q, want %d %q", test.name, a, a.header.Get("Location"), test.status, test.location)
		}
	}
}
