package handlers

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

// stockHeaders is how long the headers of an answer may be that nginx passes on
// without settings for that.
const stockHeaders = 4 << 10

// lengthOf is that of an answer's headers on the wire.
func lengthOf(t testing.TB, a answered) int {
	t.Helper()
	var b bytes.Buffer
	must(t, (&http.Response{StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Header: a.header}).Write(&b))
	return b.Len()
}

// leadsOn is where the page leads that signs somebody out, which no header may
// tell.
func leadsOn(t testing.TB, a answered) *url.URL {
	t.Helper()
	if n := lengthOf(t, a); a.status != 200 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Clear-Site-Data") != `"cache", "storage"` || n > 2<<10 {
		t.Fatalf("%v, %d bytes of headers: %v", a, n, a.header)
	}
	link := attribute(theOne(t, a, withID("leave")), "href")
	refresh := attribute(theOne(t, a, func(n *html.Node) bool { return attribute(n, "http-equiv") == "refresh" }), "content")
	if refresh != "0; url="+link {
		t.Errorf("the link leads to %q, the page by itself to %q", link, refresh)
	}
	if forms := allBelow(viewOf(t, a).root, func(n *html.Node) bool { return n.Data == "form" }); len(forms) > 0 {
		t.Errorf("there are %d forms", len(forms))
	}
	u, err := url.Parse(link)
	must(t, err)
	return u
}

func TestSigningOutPassesStockProxiesHoweverLongTheIDToken(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	for _, test := range []struct {
		claim int
		hint  bool
	}{{0, true}, {3_000, true}, {4_500, true}, {5_500, true}, {6_500, false}, {20_000, false}} {
		ann := member("ann", "readers")
		ann["padding"] = strings.Repeat("x", test.claim)
		b := s.surfer().signIn(p, ann)
		query := leadsOn(t, b.post("/auth/logout", "")).Query()
		if hint := query.Get("id_token_hint"); (hint != "") != test.hint || query.Has("client_id") == test.hint || test.hint && len(hint) < test.claim || len(hint) > login.MaxHint {
			t.Errorf("a claim of %d bytes: a hint of %d, client_id=%q", test.claim, len(hint), query.Get("client_id"))
		}
		if b.role() != "401" {
			t.Error("the session goes on")
		}
	}
}

// The longest that browsers ask for has to come back through proxies, too.
func TestNoAnswerHasMoreHeadersThanStockProxiesTake(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, externally("https://gate.example.org/pg"), below("/pg"), provided(p), oneUser)
	const filter = "/pg/?q="
	for name, next := range map[string]string{
		"short":              "/pg/docs",
		"1 KiB":              filter + strings.Repeat("x", 1000),
		"1 KiB, escaped":     filter + strings.Repeat("%7B", 330),
		"1 KiB, all special": filter + strings.Repeat("&=", 500),
		"2 KiB":              filter + strings.Repeat("x", 2030),
		"2 KiB, escaped":     filter + strings.Repeat("%7B", 670),
		"2 KiB, all special": filter + strings.Repeat("&=", 1000),
		"8 KiB":              filter + strings.Repeat("x", 8000),
	} {
		b := s.surfer()
		fits := func(what string, a answered) answered {
			t.Helper()
			if n := lengthOf(t, a); n > stockHeaders {
				t.Errorf("%s: %s: %d bytes of headers", name, what, n)
			}
			return a
		}
		fits("to the provider", b.get("/pg/auth/login?next="+url.QueryEscape(next)))
		back := b.sent(p, "/pg/auth/login?next="+url.QueryEscape(next), member("ann", "readers"))
		fits("from the provider", b.get(back))
		p.Decline = "access_denied"
		fits("without a sign-in", b.get(b.sent(p, "/pg/auth/login?next="+url.QueryEscape(next), member("ann", "readers"))))
		p.Decline = ""
		nobody := b.sent(p, "/pg/auth/login?next="+url.QueryEscape(next), member(strings.Repeat("n", 300)))
		fits("without a role", b.get(nobody))
		fits("with a password", s.surfer().post("/pg/login", url.Values{"name": {"admin"}, "password": {rightPassword}, "next": {next}}.Encode()))
		fits("a part of a page for a stranger", s.get("/pg/", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", "https://gate.example.org"+next))
		admin := []string{"Authorization", basicHeader("admin", rightPassword)}
		query := strings.TrimPrefix(next, "/pg/") + "&m=" + url.QueryEscape(`job="`+strings.Repeat("{", len(next)/4)+`"`)
		fits("the slash behind the prefix", s.get("/pg"+query, admin...))
		for _, page := range []string{"/pg/", "/pg/activity", "/pg/targets", "/pg/tokens", "/pg/docs/search"} {
			fits(page, s.get(page+query, append(admin, "Accept", "text/html", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", "https://gate.example.org/pg/")...))
		}
	}
}
