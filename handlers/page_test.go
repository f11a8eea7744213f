package handlers

import (
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/static"
)

// aBrowser is what one says when a page is opened.
var aBrowser = []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none"}

func TestFilesOfPagesAreKeptForEver(t *testing.T) {
	s := serve(t, func(c setup) {
		c.RoutePrefix = "/pg"
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
	})
	path := "/pg" + static.Path("app.css")
	plain := s.get(path)
	if plain.status != 200 || plain.header.Get("Content-Type") != "text/css; charset=utf-8" || plain.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v %v", plain.request, plain.header)
	}
	for accepted, want := range map[string]string{
		"gzip, deflate, br, zstd": "br", "br": "br", "gzip": "gzip", "gzip, br;q=0": "gzip", "zstd": "", "identity": "",
	} {
		if a := s.get(path, "Accept-Encoding", accepted); a.header.Get("Content-Encoding") != want || want != "" && len(a.body) >= len(plain.body) {
			t.Errorf("%s: got %q, %d bytes", accepted, a.header.Get("Content-Encoding"), len(a.body))
		}
	}
	for _, target := range []string{"/pg/static/", "/pg/static/app.css", "/pg/static/app.000000000000.css"} {
		if a := s.get(target); a.status != 404 {
			t.Errorf("%v", a)
		}
	}
	if a := s.get("/pg/favicon.ico"); a.status != 200 || a.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%v", a)
	}
}

func TestPeopleAreToldOfErrorsByAPage(t *testing.T) {
	s := serve(t, func(c setup) { c.RoutePrefix = "/pg" })
	a := s.get("/pg/nowhere", aBrowser...)
	if a.status != 404 || !contains(a.body, "<h1", "Not found", `href="/pg/static/`, `action="/pg/"`) {
		t.Errorf("%v", a)
	}
	policy := a.header.Get("Content-Security-Policy")
	if !contains(policy, "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if a.header.Get("Referrer-Policy") != "same-origin" || a.header.Get("Cache-Control") != "no-store" || !strings.Contains(a.header.Get("Vary"), "Accept") {
		t.Errorf("headers %v", a.header)
	}
	for _, target := range []string{"/pg/api/v1/nowhere", "/pg/metrics/job/none"} {
		if a := s.get(target, aBrowser...); strings.Contains(a.body, "<html") {
			t.Errorf("%v", a)
		}
	}
	if a := s.get("/pg/nowhere"); a.body != "not found\n" {
		t.Errorf("%v", a)
	}
}

func TestPagesForStrangersTellNoVersion(t *testing.T) {
	s := serve(t, func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) })
	if a := s.get("/nowhere", aBrowser...); a.status != 401 || strings.Contains(a.body, "1.2.3") {
		t.Errorf("%v", a)
	}
}
