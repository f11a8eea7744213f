package access

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// with is an address with another value of a field of its query.
func with(t *testing.T, address, field, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	harness.Must(t, err)
	query := u.Query()
	query.Set(field, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func valueOf(t *testing.T, address, field string) string {
	t.Helper()
	u, err := url.Parse(address)
	harness.Must(t, err)
	return u.Query().Get(field)
}

func aLoginIsFinishedOnceWhereItBegan(t *testing.T, s *harness.Site, b *harness.Tab) {
	v := harness.NewVisitor(t)
	callback := v.Callback(s, "reader.once")
	// Somebody else, who has begun nothing or something else.
	for name, other := range map[string]*harness.Visitor{"who began nothing": harness.NewVisitor(t), "who began another": harness.NewVisitor(t)} {
		if name == "who began another" {
			other.Open(s.At("/auth/login"))
		}
		a := other.Open(callback)
		a.Problem(t, name, 400)
		if other.Session(s) != "" {
			t.Errorf("%s is signed in", name)
		}
	}
	b.Open(callback)
	b.Holds(harness.PageStatus, "complete 400 "+s.Origin)
	b.Holds(`String(document.querySelector("main a")?.innerText)`, "Try again")
	b.Silent()

	a := v.Open(callback)
	if a.Status != 200 || a.At.Path != "/" || v.Session(s) == "" {
		t.Fatalf("the one who began it gets %v at %v", a.Answer, a.At)
	}
	session := v.Session(s)
	v.Open(callback).Problem(t, "a second time", 400)
	if v.Session(s) != session || statusWith(s, session) != 200 {
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
		v := harness.NewVisitor(t)
		callback := v.Callback(s, "reader.changed")
		a := v.Open(change(callback, harness.NewVisitor(t).Callback(s, "admin.foreign")))
		a.Problem(t, name, 400, 403, 502)
		if v.Session(s) != "" {
			t.Errorf("%s: there is a session", name)
		}
		if a := v.Open(callback); a.Status == 200 || v.Session(s) != "" {
			t.Errorf("%s: the state served twice: %v", name, a.Answer)
		}
	}
}

func aLoginThatIsGivenUp(t *testing.T, s *harness.Site, b *harness.Tab) {
	b.Open(s.At("/activity"))
	b.Follows("a#oidc")
	b.Holds(harness.HeadingText, "Who are you?")
	b.Follows("button[name=cancel]")
	b.Holds(harness.PageStatus, "complete 403 "+s.Origin)
	text := b.Run(`document.documentElement.outerHTML`)
	if strings.Contains(text, "alert(1)") || strings.Contains(text, "access_denied") {
		t.Error("the page repeats what the provider says")
	}
	if at := b.Run(`location.href`); strings.Contains(at, "state=") {
		t.Errorf("the state stays in the address %s", at)
	}
	b.Silent()
	b.Follows("main a")
	b.TellsProvider("admin.after-all")
	b.Holds(harness.WhoText, "admin.after-all")
	b.Arrives(s.At("/activity"))
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

func aPageOfAnotherSiteCanDoNothing(t *testing.T, s *harness.Site, b *harness.Tab) {
	grouping := groupingPath(s, "wanted")
	b.Open(s.At(grouping))
	b.SignsIn(s, "admin.victim")
	session := sessionCookie(b, s)
	for path, fields := range map[string]map[string]string{
		"/auth/logout":          {},
		grouping + "/delete":    {},
		"/account/end-sessions": {},
		"/tokens/new":           {"name": "forged", "role": "admin"},
		"/login":                {"name": "admin", "password": "of the attacker"},
	} {
		port := forge(t, s.At(path), fields)
		// The second is the same site, whose requests carry all cookies.
		for _, host := range []string{"127.0.0.1", "localhost"} {
			b.Open("http://" + host + ":" + port)
			b.Holds(harness.PageStatus, "complete 403 "+s.At(path))
		}
	}
	if status := statusWith(s, session); status != 200 {
		t.Errorf("the session gives %d", status)
	}
	b.Open(s.At(grouping))
	b.Is(200, s.At(grouping))
	s.Want(200, "GET", "/metrics/job/wanted", "", "X-API-Key", s.Token)
	if a := s.Want(200, "GET", "/api/v1/tokens", "", "X-API-Key", s.Token); strings.Contains(a.Body, "forged") {
		t.Errorf("a token was made: %v", a)
	}
	// Nor by a link.
	for _, path := range []string{"/auth/logout", "/account/end-sessions", grouping + "/delete"} {
		b.Open(s.At(path))
		if status := statusWith(s, session); status != 200 {
			t.Errorf("after a visit to %s the session gives %d", path, status)
		}
	}
	s.Want(200, "GET", "/metrics/job/wanted", "", "X-API-Key", s.Token)
}
