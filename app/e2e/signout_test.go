package e2e

import (
	"strings"
	"testing"
)

// leavesProvider says yes to the provider, and is back at the site.
func (b *tab) leavesProvider(s *site) {
	b.t.Helper()
	b.holds(headingText, "Leave the provider?")
	b.follows("button[name=logout]")
	b.holds(pageStatus, "complete", s.origin)
	b.holds(headingText, "Sign in")
}

// status is that of a page for whoever holds a session cookie.
func (s *site) statusWith(session string) int {
	s.t.Helper()
	if len(session) < 32 {
		s.t.Fatalf("the session cookie is %q", session)
	}
	return s.do("GET", "/account", "", "Accept", "text/html", "Cookie", s.cookie("session")+"="+session).status
}

// sessionCookie is the value of the cookie that says who is signed in at a site.
func (b *tab) sessionCookie(s *site) string {
	b.t.Helper()
	c := b.cookies()[s.cookie("session")]
	if c == nil {
		b.t.Fatal("no session cookie")
	}
	return c.Value
}

// beforeNginx makes a site that people reach through an nginx with lines for its
// location, and only so.
func beforeNginx(t *testing.T, p *provider, lines ...string) *site {
	t.Helper()
	s := newSite(t, nil, roleMap)
	s.origin = startNginx(t, s.server, lines...).url
	return s.of(t, p).start(t)
}

func TestSigningOutPassesAStockNginxWithTheIDTokensOfPeopleInManyGroups(t *testing.T) {
	t.Parallel()
	s := beforeNginx(t, startProvider(t))
	b := browser(t).strictly()
	for _, test := range []struct{ name, query string }{
		{"large.leaves", "id_token_hint"},
		{"many.leaves", "client_id"}, // the token is larger than what addresses hold
	} {
		b.open(s.at("/"))
		b.signsIn(s, test.name)
		session := b.sessionCookie(s)
		b.follows("header form button")
		b.holds(headingText, "Leave the provider?")
		b.holds(`[...new URL(location.href).searchParams.keys()].sort().join(" ")`, test.query+" post_logout_redirect_uri")
		b.leavesProvider(s)
		if status := s.statusWith(session); status != 401 {
			t.Errorf("%s: the old cookie gives %d, want 401", test.name, status)
		}
		b.silent()
	}
}

func signingOutEndsBothSessions(t *testing.T, s *site, b *tab) {
	b.open(s.at("/"))
	b.signsIn(s, "reader.leaves")
	session := b.sessionCookie(s)
	if status := s.statusWith(session); status != 200 {
		t.Fatalf("the cookie alone gives %d", status)
	}
	b.follows("header form button")
	b.leavesProvider(s)
	if status := s.statusWith(session); status != 401 {
		t.Errorf("the old cookie gives %d, want 401", status)
	}
	if c := b.cookies()[s.cookie("session")]; c != nil {
		t.Errorf("the cookie is still there: %+v", c)
	}
	b.silent()
	// The provider does not know the person any more.
	b.open(s.at("/account"))
	b.signsIn(s, "pusher.comes")
	if again := b.sessionCookie(s); again == session {
		t.Error("the next session has the same id")
	}
}

func leavingTheProviderEndsTheSessionHere(t *testing.T, s *site, b *tab) {
	b.open(s.at("/"))
	b.signsIn(s, "reader.left")
	other := b.another(t)
	other.open(s.at("/"))
	other.signsIn(s, "reader.left")
	session, stays := b.sessionCookie(s), other.sessionCookie(s)
	list := b.beside()
	list.open(s.at("/"))
	b.front()
	b.open(s.provider.issuer + "/session/end")
	b.holds(headingText, "Leave the provider?")
	b.follows("button[name=logout]")
	b.holds(headingText, "You have left")
	if status := s.statusWith(session); status != 401 {
		t.Errorf("the session gives %d, want 401", status)
	}
	if status := s.statusWith(stays); status != 200 {
		t.Errorf("the same person's session in another browser gives %d, want 200", status)
	}
	// A page that was open says so as soon as it looks for what is new.
	list.front()
	s.grouping("new")
	list.holds(`document.querySelector("h1")?.innerText === "Sign in" || document.getElementById("away")?.innerText.includes("sign in again") ? "signed out" : document.body.innerText`, "signed out")
}

func allSessionsAreSeenAndEnded(t *testing.T, s *site, b *tab) {
	var sessions []string
	for range 3 {
		v := newVisitor(t)
		if a := v.signsIn(s, "reader.everywhere", "/"); a.status != 200 {
			t.Fatal(a.answer)
		}
		sessions = append(sessions, v.session(s))
	}
	stranger := newVisitor(t)
	stranger.signsIn(s, "reader.else", "/")
	b.open(s.at("/account"))
	b.signsIn(s, "reader.everywhere")
	others := func(what string) string {
		return b.run(`[...document.querySelectorAll("main form[action*='/account/sessions/']")].filter(f => !f.closest("tr").innerText.includes("this one")).map(f => f.getAttribute("action"))` + what)
	}
	if n := others(`.length + ""`); n != "3" {
		t.Errorf("%s other sessions can be ended, want 3", n)
	}
	// Others cannot use what names it.
	action := others(`[0]`)
	stranger.submit(s.at(action))
	alive := func() (n int) {
		for _, session := range sessions {
			if s.statusWith(session) == 200 {
				n++
			}
		}
		return n
	}
	if n := alive(); n != 3 {
		t.Fatalf("%d sessions are left", n)
	}
	if strings.Contains(b.run(`document.documentElement.outerHTML`), sessions[0]) {
		t.Error("the page holds a session's id")
	}
	own := b.sessionCookie(s)
	if got := b.tries("POST", action); got != "200" {
		t.Errorf("ending one session: %s", got)
	}
	if n := alive(); n != 2 || s.statusWith(own) != 200 {
		t.Errorf("%d other sessions are left, want 2", n)
	}
	b.open(s.at("/account"))
	b.follows("main form[action$='/account/end-sessions'] button")
	until(t, "all sessions to end", func() string {
		if alive() != 0 || s.statusWith(own) != 401 {
			return "some live"
		}
		return ""
	})
	if status := s.statusWith(stranger.session(s)); status != 200 {
		t.Errorf("another person's session gives %d", status)
	}
	b.silent()
}
