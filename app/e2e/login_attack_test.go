package e2e

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// problem fails unless a page tells of a failed login, and of nothing else.
func (a viewed) problem(t *testing.T, what string, statuses ...int) {
	t.Helper()
	ok := false
	for _, status := range statuses {
		ok = ok || a.status == status
	}
	if !ok || !strings.Contains(a.body, "<h1") || !strings.Contains(a.body, "Try again") {
		t.Errorf("%s: %v, want a page with status %v", what, a.answer, statuses)
	}
	if a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.at.RawQuery, "state=") || strings.Contains(a.at.RawQuery, "code=") {
		t.Errorf("%s: Cache-Control: %s at %s", what, a.header.Get("Cache-Control"), a.at)
	}
}

// with is an address with another value of a field of its query.
func with(t *testing.T, address, field, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	query := u.Query()
	query.Set(field, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func valueOf(t *testing.T, address, field string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Query().Get(field)
}

func aLoginIsFinishedOnceWhereItBegan(t *testing.T, s *site, b *tab) {
	v := newVisitor(t)
	callback := v.callback(s, "reader.once")
	// Somebody else, who has begun nothing or something else.
	for name, other := range map[string]*visitor{"who began nothing": newVisitor(t), "who began another": newVisitor(t)} {
		if name == "who began another" {
			other.open(s.at("/auth/login"))
		}
		a := other.open(callback)
		a.problem(t, name, 400)
		if other.session(s) != "" {
			t.Errorf("%s is signed in", name)
		}
	}
	b.open(callback)
	b.holds(pageStatus, "complete 400 "+s.origin)
	b.holds(`String(document.querySelector("main a")?.innerText)`, "Try again")
	b.silent()

	a := v.open(callback)
	if a.status != 200 || a.at.Path != "/" || v.session(s) == "" {
		t.Fatalf("the one who began it gets %v at %v", a.answer, a.at)
	}
	session := v.session(s)
	v.open(callback).problem(t, "a second time", 400)
	if v.session(s) != session || s.statusWith(session) != 200 {
		t.Error("the second time harmed the session")
	}

	for name, change := range map[string]func(callback, foreign string) string{
		"a wrong state":             func(c, _ string) string { return with(t, c, "state", "wrong") },
		"no state":                  func(c, _ string) string { return with(t, c, "state", "") },
		"a state twice":             func(c, _ string) string { return c + "&state=" + valueOf(t, c, "state") },
		"the state of another":      func(c, f string) string { return with(t, c, "state", valueOf(t, f, "state")) },
		"the code of another":       func(c, f string) string { return with(t, c, "code", valueOf(t, f, "code")) },
		"a code that there is not":  func(c, _ string) string { return with(t, c, "code", "wrong") },
		"no code":                   func(c, _ string) string { return with(t, c, "code", "") },
		"another issuer":            func(c, _ string) string { return with(t, c, "iss", "https://evil.example") },
		"an error with what is not": func(c, _ string) string { return with(t, c, "error", "server_error") },
	} {
		v := newVisitor(t)
		callback := v.callback(s, "reader.changed")
		a := v.open(change(callback, newVisitor(t).callback(s, "admin.foreign")))
		a.problem(t, name, 400, 403, 502)
		if v.session(s) != "" {
			t.Errorf("%s: there is a session", name)
		}
		if a := v.open(callback); a.status == 200 || v.session(s) != "" {
			t.Errorf("%s: the state served twice: %v", name, a.answer)
		}
	}
}

func aLoginThatIsGivenUp(t *testing.T, s *site, b *tab) {
	b.open(s.at("/activity"))
	b.follows("a#oidc")
	b.holds(headingText, "Who are you?")
	b.follows("button[name=cancel]")
	b.holds(pageStatus, "complete 403 "+s.origin)
	text := b.run(`document.documentElement.outerHTML`)
	if strings.Contains(text, "alert(1)") || strings.Contains(text, "access_denied") {
		t.Error("the page repeats what the provider says")
	}
	if at := b.run(`location.href`); strings.Contains(at, "state=") {
		t.Errorf("the state stays in the address %s", at)
	}
	b.silent()
	b.follows("main a")
	b.tellsProvider("admin.after-all")
	b.holds(whoText, "admin.after-all")
	b.arrives(s.at("/activity"))
}

// forge serves a page of another site, which sends a form as soon as it is
// open.
func forge(t *testing.T, action string, fields map[string]string) (port string) {
	t.Helper()
	var inputs strings.Builder
	for name, value := range fields {
		fmt.Fprintf(&inputs, `<input name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(value))
	}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		// A browser that left does not matter.
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s">%s</form><script>document.forms[0].submit()</script>`, html.EscapeString(action), inputs.String())
	}))
	t.Cleanup(evil.Close)
	return evil.URL[strings.LastIndex(evil.URL, ":")+1:]
}

func aPageOfAnotherSiteCanDoNothing(t *testing.T, s *site, b *tab) {
	grouping := s.grouping("wanted")
	b.open(s.at(grouping))
	b.signsIn(s, "admin.victim")
	session := b.sessionCookie(s)
	for path, fields := range map[string]map[string]string{
		"/auth/logout":          {},
		grouping + "/delete":    {},
		"/account/end-sessions": {},
		"/tokens/new":           {"name": "forged", "role": "admin"},
		"/login":                {"name": "admin", "password": "of the attacker"},
	} {
		port := forge(t, s.at(path), fields)
		// The second is the same site, whose requests carry all cookies.
		for _, host := range []string{"127.0.0.1", "localhost"} {
			b.open("http://" + host + ":" + port)
			b.holds(pageStatus, "complete 403 "+s.at(path))
		}
	}
	if status := s.statusWith(session); status != 200 {
		t.Errorf("the session gives %d", status)
	}
	b.open(s.at(grouping))
	b.is(200, s.at(grouping))
	s.want(200, "GET", "/metrics/job/wanted", "", "X-API-Key", s.token)
	if a := s.want(200, "GET", "/api/v1/tokens", "", "X-API-Key", s.token); strings.Contains(a.body, "forged") {
		t.Errorf("a token was made: %v", a)
	}
	// Nor by a link.
	for _, path := range []string{"/auth/logout", "/account/end-sessions", grouping + "/delete"} {
		b.open(s.at(path))
		if status := s.statusWith(session); status != 200 {
			t.Errorf("after a visit to %s the session gives %d", path, status)
		}
	}
	s.want(200, "GET", "/metrics/job/wanted", "", "X-API-Key", s.token)
}
