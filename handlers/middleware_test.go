package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/handlers/handlertest"
)

func TestPagesOfOtherSitesCannotChangeAnything(t *testing.T) {
	external := func(c handlertest.Setup) { c.ExternalURL, _ = url.Parse("https://push.example.org/pg") }
	tests := []struct {
		name    string
		change  func(handlertest.Setup)
		headers []string
		status  int
	}{
		{"a client that is no browser", nil, nil, 200},
		{"a page of ours", nil, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://gate.test:9091", "Host", "gate.test:9091"}, 200},
		{"the address bar", nil, []string{"Sec-Fetch-Site", "none"}, 200},
		{"a page of ours in an old browser", nil, []string{"Origin", "http://gate.test:9091", "Host", "gate.test:9091"}, 200},
		{"our own address as the operator says", external, []string{"Origin", "https://push.example.org", "Host", "inside:9091"}, 200},
		{"another site", nil, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another host of our site", nil, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"what no browser says", nil, []string{"Sec-Fetch-Site", "whatever"}, 403},
		{"another origin", nil, []string{"Origin", "http://evil.test", "Host", "gate.test"}, 403},
		{"another port", nil, []string{"Origin", "http://gate.test:81", "Host", "gate.test:9091"}, 403},
		{"no origin to speak of", nil, []string{"Origin", "null"}, 403},
		{"no address", nil, []string{"Origin", "gate.test", "Host", "gate.test"}, 403},
		{"one good sign is not enough", nil, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://evil.test", "Host", "gate.test"}, 403},
		{"nor is the other", nil, []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://gate.test", "Host", "gate.test"}, 403},
		{"another origin than the operator says", external, []string{"Origin", "https://evil.test", "Host", "inside:9091"}, 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, func(c handlertest.Setup) {
				c.EnableAdminAPI, c.EnableLifecycle = true, true
				if test.change != nil {
					test.change(c)
				}
			})
			s.Put("/metrics/job/keep", "a 1\n")
			for _, r := range [][2]string{
				{"PUT", "/metrics/job/x"},
				{"POST", "/metrics/job/x"},
				{"DELETE", "/metrics/job/keep"},
				{"DELETE", "/api/v1/groupings?match[]={job=%22keep%22}"},
				{"PUT", "/api/v1/admin/wipe"},
				{"PUT", "/-/quit"},
				{"POST", "/-/quit"},
			} {
				a := s.Do(r[0], r[1], "", test.headers...)
				if a.Status/100 != test.status/100 {
					t.Errorf("%v, want %d", a, test.status)
				}
			}
			if test.status == 403 {
				s.WantGroupings(`{job="keep"}`)
				if s.Quits.Load() != 0 {
					t.Errorf("asked to end")
				}
			}
			// Reading is not a change, and nobody else can read the answer.
			if a := s.Get("/metrics", test.headers...); a.Status != 200 {
				t.Errorf("%v", a)
			}
		})
	}
}

func TestRequestTargetsMustBePlain(t *testing.T) {
	s := handlertest.Start(t)
	for _, test := range []struct {
		name, line string
		status     int
	}{
		{"an absolute one", "GET http://x/metrics HTTP/1.1", 400},
		{"an absolute one to be pushed to", "PUT http://x/metrics/job/x HTTP/1.1", 400},
		{"no slash", "GET metrics HTTP/1.1", 400},
		{"a star", "OPTIONS * HTTP/1.1", 400},
		{"a fragment", "GET /metrics#x HTTP/1.1", 400},
		{"a fragment in a push", "PUT /metrics/job/x#y HTTP/1.1", 400},
		{"a fragment in the query", "GET /metrics?x#y HTTP/1.1", 400},
		{"a blank", "PUT /metrics/job/a b HTTP/1.1", 400},
		{"a tab", "PUT /metrics/job/a\tb HTTP/1.1", 400},
		{"a control byte", "PUT /metrics/job/a\x01b HTTP/1.1", 400},
		{"a null byte", "PUT /metrics/job/a\x00b HTTP/1.1", 400},
		{"a delete byte", "PUT /metrics/job/a\x7fb HTTP/1.1", 400},
		{"a bad escape", "GET /health%zz HTTP/1.1", 400},
		{"half an escape", "GET /health% HTTP/1.1", 400},
		{"a bad escape in the query", "GET /metrics?match[]=%zz HTTP/1.1", 400},
		{"a dot", "GET /./metrics HTTP/1.1", 400},
		{"two dots", "GET /metrics/../health HTTP/1.1", 400},
		{"two dots at the end", "GET /api/v1/.. HTTP/1.1", 400},
		{"encoded dots", "GET /api/%2e%2e/health HTTP/1.1", 400},
		{"half-encoded dots", "GET /api/.%2E/health HTTP/1.1", 400},
		{"two slashes", "GET //metrics HTTP/1.1", 404},
		{"another host in the path", "GET //evil.test/metrics HTTP/1.1", 404},
		{"an encoded slash", "GET /api%2Fv1%2Fstatus HTTP/1.1", 404},
		{"a semicolon in the query", "GET /metrics?a;b HTTP/1.1", 200},
		{"no method that there is", "BREW /metrics HTTP/1.1", 400},
	} {
		a := s.Raw(test.line + "\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		if a.Status != test.status || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %.200v %v, want %d", test.name, a, a.Header, test.status)
		}
		if a.Status != 200 && len(a.Body) > 100 {
			t.Errorf("%s: %v", test.name, a)
		}
	}
	s.WantGroupings()
}

func TestThereAreNoOtherPathsAndNoRedirects(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{
		"/nowhere", "/METRICS", "/Metrics/job/x", "/metrics/", "/health/", "/-/healthy/", "/-/HEALTHY", "/api/v1", "/api/v1/", "/api/v1/Status",
		"/api/v1/status/", "/api/v2/status", "/api/v1/groupings/x", "/metrics/self/x",
	} {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
			a := s.Do(method, target, "")
			if a.Status != 404 {
				t.Errorf("%v", a)
			}
			json := strings.HasPrefix(target, "/api/v1/")
			if method != "HEAD" && json && a.Body != `{"status":"error","errorType":"not_found","error":"not found"}` {
				t.Errorf("%v", a)
			}
			if method != "HEAD" && !json && a.Body != "not found\n" {
				t.Errorf("%v", a)
			}
		}
	}
}

func TestAMethodThatIsNotThereIsRefusedWithThoseThatAre(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	const read = "GET, HEAD, OPTIONS"
	for target, allow := range map[string]string{
		"/": read, "/metrics": read, "/metrics/self": read, "/metrics/job/x": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
		"/metrics/job/x/l/v": "DELETE, GET, HEAD, OPTIONS, POST, PUT", "/api/v1/targets": read, "/api/v1/metrics": read, "/api/v1/status": read,
		"/api/v1/groupings": "DELETE, GET, HEAD, OPTIONS", "/api/v1/openapi.json": read, "/api/v1/admin/wipe": "OPTIONS, PUT", "/api/v1/admin/import": "OPTIONS, POST",
		"/health": read, "/-/healthy": read, "/-/ready": read, "/-/quit": "OPTIONS, POST, PUT",
	} {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH", "TRACE", "OPTIONS"} {
			if strings.Contains(allow, method) && method != "OPTIONS" {
				continue
			}
			a := s.Do(method, target, "")
			want := 405
			if method == "OPTIONS" {
				want = 200
			}
			if a.Status != want || a.Header.Get("Allow") != allow {
				t.Errorf("%v, Allow %q, want %d and %q", a, a.Header.Get("Allow"), want, allow)
			}
			if want == 405 && !strings.Contains(a.Body, "method not allowed") {
				t.Errorf("%v", a)
			}
		}
	}
}

func TestAPrefixMovesEverything(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix, c.EnableAdminAPI = "/pg", true })
	s.Put("/metrics/job/x/api/v1", "a 1\n")
	for _, target := range []string{"/", "/metrics", "/metrics/self", "/metrics/job/x", "/metrics/job/x/api/v1", "/api/v1/targets", "/api/v1/groupings", "/health", "/-/healthy", "/-/ready"} {
		if a := s.Get("/pg" + target); a.Status != 200 {
			t.Errorf("%v", a)
		}
		if a := s.Get(target); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/pg/api/v1/nowhere"); !strings.HasPrefix(a.Body, "{") {
		t.Errorf("%v", a)
	}
	if a := s.Do("PUT", "/pg/metrics/job/x/l/..", ""); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestErrorsOfPushesAreTextWhateverThePath(t *testing.T) {
	s := handlertest.Start(t)
	if a := s.Do("PUT", "/metrics/job/x/api/v1/y/z", "?"); a.Status != 400 || !handlertest.OneLine(a.Body) || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Do("PUT", "/metrics/job//api/v1/", "?"); a.Status != 400 || !handlertest.OneLine(a.Body) {
		t.Errorf("%v", a)
	}
}
