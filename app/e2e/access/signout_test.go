package access

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// leavesProvider says yes to the provider, and is back at the site.
func leavesProvider(b *harness.Tab, s *harness.Site) {
	b.T.Helper()
	b.Holds(harness.HeadingText, "Leave the provider?")
	b.Follows("button[name=logout]")
	b.Holds(harness.PageStatus, "complete", s.Origin)
	b.Holds(harness.HeadingText, "Sign in")
}

// statusWith returns the status of a page for whoever holds a session cookie.
func statusWith(s *harness.Site, session string) int {
	s.T.Helper()
	if len(session) < 32 {
		s.T.Fatalf("the session cookie is %q", session)
	}
	return s.Do("GET", "/account", "", "Accept", "text/html", "Cookie", s.CookieName("session")+"="+session).Status
}

// sessionCookie is the value of the cookie that says who is signed in at a site.
func sessionCookie(b *harness.Tab, s *harness.Site) string {
	b.T.Helper()
	c := b.Cookies()[s.CookieName("session")]
	if c == nil {
		b.T.Fatal("no session cookie")
	}
	return c.Value
}

// beforeNginx makes a site that people reach through an nginx with lines for its
// location, and only so.
func beforeNginx(t *testing.T, p *harness.Provider, lines ...string) *harness.Site {
	t.Helper()
	s := harness.NewSite(t, nil, harness.RoleMap)
	s.Origin = harness.StartNginx(t, s.Server, lines...).URL
	return s.Of(t, p).Start(t)
}

func TestSigningOutPassesAStockNginxWithTheIDTokensOfPeopleInManyGroups(t *testing.T) {
	t.Parallel()
	s := beforeNginx(t, harness.StartProvider(t))
	b := harness.StartBrowser(t).Strictly()
	for _, test := range []struct{ name, query string }{
		{"large.leaves", "id_token_hint"},
		{"many.leaves", "client_id"}, // the token is larger than what addresses hold
	} {
		b.Open(s.At("/"))
		b.SignsIn(s, test.name)
		session := sessionCookie(b, s)
		b.Follows("header form button")
		b.Holds(harness.HeadingText, "Leave the provider?")
		b.Holds(`[...new URL(location.href).searchParams.keys()].sort().join(" ")`, test.query+" post_logout_redirect_uri")
		leavesProvider(b, s)
		if status := statusWith(s, session); status != 401 {
			t.Errorf("%s: the old cookie gives %d, want 401", test.name, status)
		}
		b.Silent()
	}
}

func signingOutEndsBothSessions(t *testing.T, s *harness.Site, b *harness.Tab) {
	b.Open(s.At("/"))
	b.SignsIn(s, "reader.leaves")
	session := sessionCookie(b, s)
	if status := statusWith(s, session); status != 200 {
		t.Fatalf("the cookie alone gives %d", status)
	}
	b.Follows("header form button")
	leavesProvider(b, s)
	if status := statusWith(s, session); status != 401 {
		t.Errorf("the old cookie gives %d, want 401", status)
	}
	if c := b.Cookies()[s.CookieName("session")]; c != nil {
		t.Errorf("the cookie is still there: %+v", c)
	}
	b.Silent()
	// The provider does not know the person any more.
	b.Open(s.At("/account"))
	b.SignsIn(s, "pusher.comes")
	if again := sessionCookie(b, s); again == session {
		t.Error("the next session has the same id")
	}
}

func leavingTheProviderEndsTheSessionHere(t *testing.T, s *harness.Site, b *harness.Tab) {
	b.Open(s.At("/"))
	b.SignsIn(s, "reader.left")
	other := b.Another(t)
	other.Open(s.At("/"))
	other.SignsIn(s, "reader.left")
	session, stays := sessionCookie(b, s), sessionCookie(other, s)
	list := b.Beside()
	list.Open(s.At("/"))
	b.Front()
	b.Open(s.Provider.Issuer + "/session/end")
	b.Holds(harness.HeadingText, "Leave the provider?")
	b.Follows("button[name=logout]")
	b.Holds(harness.HeadingText, "You have left")
	if status := statusWith(s, session); status != 401 {
		t.Errorf("the session gives %d, want 401", status)
	}
	if status := statusWith(s, stays); status != 200 {
		t.Errorf("the same person's session in another browser gives %d, want 200", status)
	}
	// A page that was open says so as soon as it looks for what is new.
	list.Front()
	groupingPath(s, "new")
	list.Holds(`document.querySelector("h1")?.innerText === "Sign in" || document.getElementById("away")?.innerText.includes("sign in again") ? "signed out" : document.body.innerText`, "signed out")
}

func allSessionsAreSeenAndEnded(t *testing.T, s *harness.Site, b *harness.Tab) {
	var sessions []string
	for range 3 {
		v := harness.NewVisitor(t)
		if a := v.SignsIn(s, "reader.everywhere", "/"); a.Status != 200 {
			t.Fatal(a.Answer)
		}
		sessions = append(sessions, v.Session(s))
	}
	stranger := harness.NewVisitor(t)
	stranger.SignsIn(s, "reader.else", "/")
	b.Open(s.At("/account"))
	b.SignsIn(s, "reader.everywhere")
	others := func(what string) string {
		return b.Run(`[...document.querySelectorAll("main form[action*='/account/sessions/']")].filter(f => !f.closest("tr").innerText.includes("this one")).map(f => f.getAttribute("action"))` + what)
	}
	if n := others(`.length + ""`); n != "3" {
		t.Errorf("%s other sessions can be ended, want 3", n)
	}
	// Others cannot use what names it.
	action := others(`[0]`)
	stranger.Submit(s.At(action))
	alive := func() (n int) {
		for _, session := range sessions {
			if statusWith(s, session) == 200 {
				n++
			}
		}
		return n
	}
	if n := alive(); n != 3 {
		t.Fatalf("%d sessions are left", n)
	}
	if strings.Contains(b.Run(`document.documentElement.outerHTML`), sessions[0]) {
		t.Error("the page holds a session's id")
	}
	own := sessionCookie(b, s)
	if got := tries(b, "POST", action); got != "200" {
		t.Errorf("ending one session: %s", got)
	}
	if n := alive(); n != 2 || statusWith(s, own) != 200 {
		t.Errorf("%d other sessions are left, want 2", n)
	}
	b.Open(s.At("/account"))
	b.Follows("main form[action$='/account/end-sessions'] button")
	harness.Until(t, "all sessions to end", func() string {
		if alive() != 0 || statusWith(s, own) != 401 {
			return "some live"
		}
		return ""
	})
	if status := statusWith(s, stranger.Session(s)); status != 200 {
		t.Errorf("another person's session gives %d", status)
	}
	b.Silent()
}
