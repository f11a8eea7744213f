package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
	"gatehouse/handlers/handlertest"
)

// stockHeaders is how long the headers of an answer may be that nginx passes on
// without settings for that.
const stockHeaders = 4 << 10

func TestSigningOutPassesStockProxiesHoweverLongTheIDToken(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	for _, test := range []struct {
		claim int
		hint  bool
	}{{0, true}, {3_000, true}, {4_500, true}, {5_500, true}, {6_500, false}, {20_000, false}} {
		ann := handlertest.Member("ann", "readers")
		ann["padding"] = strings.Repeat("x", test.claim)
		b := s.Browser().SignIn(p, ann)
		query := handlertest.SignOutAddress(t, b.Post("/auth/logout", "")).Query()
		if hint := query.Get("id_token_hint"); (hint != "") != test.hint || query.Has("client_id") == test.hint || test.hint && len(hint) < test.claim || len(hint) > login.MaxHint {
			t.Errorf("a claim of %d bytes: a hint of %d, client_id=%q", test.claim, len(hint), query.Get("client_id"))
		}
		if b.Role() != "401" {
			t.Error("the session goes on")
		}
	}
}

// The longest that browsers ask for has to come back through proxies, too.
func TestNoAnswerHasMoreHeadersThanStockProxiesTake(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.ExternalURL("https://gate.example.org/pg"), handlertest.Below("/pg"), handlertest.WithProvider(p), handlertest.OneUser)
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
		b := s.Browser()
		fits := func(what string, a handlertest.Answer) handlertest.Answer {
			t.Helper()
			if n := handlertest.HeaderBytes(t, a); n > stockHeaders {
				t.Errorf("%s: %s: %d bytes of headers", name, what, n)
			}
			return a
		}
		fits("to the provider", b.Get("/pg/auth/login?next="+url.QueryEscape(next)))
		back := b.Callback(p, "/pg/auth/login?next="+url.QueryEscape(next), handlertest.Member("ann", "readers"))
		fits("from the provider", b.Get(back))
		p.Decline = "access_denied"
		fits("without a sign-in", b.Get(b.Callback(p, "/pg/auth/login?next="+url.QueryEscape(next), handlertest.Member("ann", "readers"))))
		p.Decline = ""
		nobody := b.Callback(p, "/pg/auth/login?next="+url.QueryEscape(next), handlertest.Member(strings.Repeat("n", 300)))
		fits("without a role", b.Get(nobody))
		fits("with a password", s.Browser().Post("/pg/login", url.Values{"name": {"admin"}, "password": {handlertest.RightPassword}, "next": {next}}.Encode()))
		fits("a part of a page for a stranger", s.Get("/pg/", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", "https://gate.example.org"+next))
		admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
		query := strings.TrimPrefix(next, "/pg/") + "&m=" + url.QueryEscape(`job="`+strings.Repeat("{", len(next)/4)+`"`)
		fits("the slash behind the prefix", s.Get("/pg"+query, admin...))
		for _, page := range []string{"/pg/", "/pg/activity", "/pg/targets", "/pg/tokens", "/pg/docs/search"} {
			fits(page, s.Get(page+query, append(admin, "Accept", "text/html", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "HX-Current-URL", "https://gate.example.org/pg/")...))
		}
	}
}
