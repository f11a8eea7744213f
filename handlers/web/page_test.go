package web_test

import (
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/static"
)

func TestFilesOfPagesAreKeptForEver(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.RoutePrefix = "/pg"
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
	})
	path := "/pg" + static.Path("app.css")
	plain := s.Get(path)
	if plain.Status != 200 || plain.Header.Get("Content-Type") != "text/css; charset=utf-8" || plain.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v %v", plain.Request, plain.Header)
	}
	for accepted, want := range map[string]string{
		"gzip, deflate, br, zstd": "br", "br": "br", "gzip": "gzip", "gzip, br;q=0": "gzip", "zstd": "", "identity": "",
	} {
		if a := s.Get(path, "Accept-Encoding", accepted); a.Header.Get("Content-Encoding") != want || want != "" && len(a.Body) >= len(plain.Body) {
			t.Errorf("%s: got %q, %d bytes", accepted, a.Header.Get("Content-Encoding"), len(a.Body))
		}
	}
	for _, target := range []string{"/pg/static/", "/pg/static/app.css", "/pg/static/app.000000000000.css"} {
		if a := s.Get(target); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/pg/favicon.ico"); a.Status != 200 || a.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%v", a)
	}
}

func TestPeopleSeeErrorsOnAPage(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	a := s.Get("/pg/nowhere", handlertest.BrowserHeaders...)
	if a.Status != 404 || !handlertest.Contains(a.Body, "<h1", "Not found", `href="/pg/static/`, `action="/pg/"`) {
		t.Errorf("%v", a)
	}
	policy := a.Header.Get("Content-Security-Policy")
	if !handlertest.Contains(policy, "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if a.Header.Get("Referrer-Policy") != "same-origin" || a.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || a.Header.Get("Cache-Control") != "no-store" || !strings.Contains(a.Header.Get("Vary"), "Accept") {
		t.Errorf("headers %v", a.Header)
	}
	for _, target := range []string{"/pg/api/v1/nowhere", "/pg/metrics/job/none"} {
		if a := s.Get(target, handlertest.BrowserHeaders...); strings.Contains(a.Body, "<html") {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/pg/nowhere"); a.Body != "not found\n" {
		t.Errorf("%v", a)
	}
}

func TestPagesForStrangersShowNoVersion(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	if a := s.Get("/nowhere", handlertest.BrowserHeaders...); a.Status != 401 || strings.Contains(a.Body, "1.2.3") {
		t.Errorf("%v", a)
	}
}
