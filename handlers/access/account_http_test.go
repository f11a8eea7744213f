package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login/logintest"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

func TestPeopleSeeWhoTheyAre(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	v := s.Open("/account", s.SignIn()...)
	for name, want := range map[string]string{
		"Name": "admin", "Recorded as": "user:admin", "Role": "admin", "Authenticated by": "a session: signed in with user and password", "Session ends": "in 11 h",
	} {
		if got := v.Facts()[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	handlertest.FormOf(t, v.Body, "/auth/logout")
	v = s.Open("/account", "X-API-Key", handlertest.RightToken)
	if f := v.Facts(); f["Authenticated by"] != "an API token" || f["Session ends"] != "" || !strings.Contains(v.Text(), "carries its own credential") || strings.Contains(v.Text(), "Sign out") {
		t.Errorf("%v\n%s", f, v.Text())
	}
	v = handlertest.Start(t).Open("/account")
	if f := v.Facts(); f["Authenticated by"] != "nothing: no credential is required" || f["Name"] != "" || !strings.Contains(v.Text(), "nobody has to sign in") {
		t.Errorf("%v", f)
	}
	if a := s.Get("/account"); a.Status != 401 {
		t.Errorf("a stranger: %v", a)
	}
	if a := s.Get("/account", "X-Metrics-Key", handlertest.RightKey); a.Status != 401 {
		t.Errorf("the scrape key: %v", a)
	}
}

func TestPeopleSeeWhatTheyMayDo(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for role, want := range map[auth.Role]int{auth.Reader: 1, auth.Pusher: 3, auth.Admin: 4} {
		v := s.Open("/account", s.StartSession(role.String(), role)...)
		given := handlertest.FindAll(v.Root, handlertest.HasClass("given"))
		if all := handlertest.FindAll(v.Root, func(n *html.Node) bool {
			return n.Data == "li" && n.Parent.Data == "ul" && strings.Contains(handlertest.Attribute(n.Parent, "class"), "grants")
		}); len(given) != want || len(all) != 4 {
			t.Errorf("%s: %d of %d", role, len(given), len(all))
		}
	}
}

func TestALimitedTokenSeesWhatItIsLimitedTo(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	only, err := store.ParseSelectors([]string{`{job="own"}`})
	handlertest.Must(t, err)
	_, secret, err := s.Store.CreateToken(t.Context(), store.NewToken{Name: "limited", Role: auth.Pusher, Scope: only}, store.Origin{By: "ana", Via: "basic"})
	handlertest.Must(t, err)
	if f := s.Open("/account", "X-API-Key", secret).Facts(); f["Name"] != "limited" || f["Role"] != "pusher" || f["Scope"] != `{job="own"}` || f["Authenticated by"] != "an API token" {
		t.Errorf("%v", f)
	}
	for _, target := range []string{"/account/end-sessions", "/account/sessions/x/end"} {
		if a := s.Post(target, "", "X-API-Key", secret); a.Status != 403 {
			t.Errorf("%v", a)
		}
	}
}

func TestPeopleWithoutASessionMaySignIn(t *testing.T) {
	link := func(a handlertest.Answer) string {
		t.Helper()
		for _, n := range handlertest.FindAll(handlertest.ParsePage(t, a).Root, handlertest.HasTag("a")) {
			if handlertest.WordsOf(n) == "Sign in" {
				return handlertest.Attribute(n, "href")
			}
		}
		return ""
	}
	bypass := func(c handlertest.Setup) { c.Guard.Bypass = guard.BypassOn }
	local := append([]string{"Host", "localhost"}, handlertest.BrowserHeaders...)
	s := handlertest.Start(t, handlertest.OneUser, bypass)
	if got := link(s.Get("/status?x=y", local...)); got != "/login?next=%2Fstatus%3Fx%3Dy" {
		t.Errorf("leads to %q", got)
	}
	if got := link(s.Get("/status", append(s.SignIn(), local...)...)); got != "" {
		t.Errorf("who has signed in is led to %q", got)
	}
	if got := link(handlertest.Start(t, bypass, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }).Get("/status", local...)); got != "" {
		t.Errorf("leads to %q though there is nothing to sign in with", got)
	}
	if got := link(handlertest.Start(t).Get("/status", handlertest.BrowserHeaders...)); got != "" {
		t.Errorf("an open server leads to %q", got)
	}
}

// sessionRows are the sessions on somebody's page.
func sessionRows(b *handlertest.Browser) (rows []string) {
	b.Server.T.Helper()
	v := handlertest.ParsePage(b.Server.T, b.Get("/account"))
	for _, tr := range handlertest.FindAll(v.Root, func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }) {
		rows = append(rows, handlertest.WordsOf(tr))
	}
	return rows
}

// endActions are where the sessions on somebody's page are ended.
func endActions(b *handlertest.Browser) (actions []string) {
	b.Server.T.Helper()
	v := handlertest.ParsePage(b.Server.T, b.Get("/account"))
	for _, form := range handlertest.FindAll(v.Root, handlertest.HasTag("form")) {
		if action := handlertest.Attribute(form, "action"); strings.HasSuffix(action, "/end") {
			actions = append(actions, action)
		}
	}
	return actions
}

func TestPeopleSeeAndEndTheirOwnSessions(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p), func(c handlertest.Setup) { c.Config.SessionIdle = time.Hour })
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1"
	here, there := s.Browser(), s.Browser()
	there.Get(there.Callback(p, "/auth/login", handlertest.Member("ann", "pushers")))
	back := here.Callback(p, "/auth/login", handlertest.Member("ann", "pushers"))
	here.Ask("GET", back, "", "User-Agent", phone)
	other := s.Browser().SignIn(p, handlertest.Member("bob", "admins"))

	rows := sessionRows(here)
	if len(rows) != 2 || !handlertest.Contains(rows[0], "Safari on iPhone", "this one", "127.0.0.1", "in 11 h", "Sign out") || !handlertest.Contains(rows[1], "unknown client", "End") || strings.Contains(rows[1], "this one") {
		t.Fatalf("%q", rows)
	}
	if len(sessionRows(other)) != 1 || !strings.Contains(handlertest.ParsePage(t, here.Get("/account")).Text(), "after 1 h without use") {
		t.Errorf("%q", sessionRows(other))
	}
	// Whoever asks ends nothing of others.
	for _, action := range endActions(here) {
		if a := other.Post(action, ""); a.Status != 303 || a.Header.Get("Location") != "/account" {
			t.Errorf("%v", a)
		}
	}
	if a := other.Post("/account/sessions/x/end", ""); a.Status != 303 {
		t.Errorf("%v", a)
	}
	if here.Role() != "pusher" || there.Role() != "pusher" || other.Role() != "admin" {
		t.Fatal("somebody has ended the sessions of somebody else")
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, nil} {
		if a := here.Ask("POST", endActions(here)[1], "", headers...); a.Status != 403 {
			t.Errorf("%q: %v", headers, a)
		}
	}
	if a := here.Post(endActions(here)[1], ""); a.Status != 303 || a.Header.Get("Location") != "/account" || there.Role() != "401" || here.Role() != "pusher" {
		t.Errorf("%v", a)
	}
	// One's own session ends as by signing out.
	if !handlertest.SignOutAddress(t, here.Post(endActions(here)[0], "")).Query().Has("id_token_hint") || here.Session() != "" {
		t.Error("the session goes on, or the provider does not hear whose is over")
	}
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntrySignOut}, Limit: 10})
	handlertest.Must(t, err)
	if len(entries) != 2 || entries[1].Message != "ended by its user" || entries[1].Origin.By != "ann" {
		t.Errorf("%+v", entries)
	}
}

func TestPeopleSignOutEverywhere(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p), handlertest.OneUser)
	var anns []*handlertest.Browser
	for range 3 {
		anns = append(anns, s.Browser().SignIn(p, handlertest.Member("ann", "pushers")))
	}
	other := s.Browser().SignIn(p, handlertest.Member("bob", "admins"))
	if !handlertest.SignOutAddress(t, anns[1].Post("/account/end-sessions", "")).Query().Has("id_token_hint") || anns[1].Session() != "" {
		t.Error("the session goes on, or the provider does not hear whose is over")
	}
	for _, b := range anns {
		if b.Role() != "401" {
			t.Errorf("still %s", b.Role())
		}
	}
	if other.Role() != "admin" {
		t.Error("somebody else was signed out")
	}
	// Who comes with a credential ends the sessions of the same user.
	session := s.SignIn()
	if a := s.Post("/account/end-sessions", "", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)); a.Status != 303 || a.Header.Get("Location") != "/" {
		t.Errorf("%v", a)
	}
	if a := s.Get("/", session...); a.Status != 401 {
		t.Errorf("%v", a)
	}
	// Nobody in particular has none.
	if a := handlertest.Start(t).Post("/account/end-sessions", ""); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s.Journal.Fail(store.ErrUnavailable)
	if a := other.Post("/account/end-sessions", ""); a.Status != 503 || other.Session() == "" {
		t.Errorf("%v", a)
	}
}

func TestHostileNamesAreShownAsTheyAre(t *testing.T) {
	const hostile = `"><script>alert(1)</script>` + "\u202e" + `{{x}}</bdi></title>`
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	person := handlertest.Member("x", "readers")
	person["preferred_username"], person["sub"] = hostile+strings.Repeat("y", 1_000), hostile
	b := s.Browser()
	b.Ask("GET", b.Callback(p, "/auth/login", person), "", "User-Agent", hostile+"<b>Firefox/1")
	for _, target := range []string{"/account", "/settings", "/status", "/", "/nowhere"} {
		a := b.Get(target)
		if strings.Contains(a.Body, "<script>alert") || strings.Contains(a.Body, "<b>") || strings.Contains(a.Body, "</bdi></title>") {
			t.Errorf("%v\n%s", a, a.Body)
		}
	}
	if rows := sessionRows(b); len(rows) != 1 || !strings.HasPrefix(rows[0], "Firefox this one") {
		t.Errorf("%q", rows)
	}
	if log := s.Log.String(); strings.ContainsAny(log, "\u202e") {
		t.Errorf("%s", log)
	}
}

func TestAProviderEndsSessions(t *testing.T) {
	for _, test := range []struct {
		name   string
		claims map[string]any // beside those that are right for ann
		ends   []string
	}{
		{"of a person", nil, []string{"ann 1", "ann 2", "ann without sid"}},
		{"one session", map[string]any{"sid": "1"}, []string{"ann 1", "ann without sid"}},
		{"one session, whoever has it", map[string]any{"sub": issuertest.Drop, "sid": "2"}, []string{"ann 2"}},
		{"a session that nobody has", map[string]any{"sub": issuertest.Drop, "sid": "3"}, nil},
		{"the session of somebody else", map[string]any{"sid": "bob"}, []string{"ann without sid"}},
		{"of nobody that is known", map[string]any{"sub": "eve"}, nil},
	} {
		p := logintest.New(t)
		s := handlertest.Start(t, handlertest.WithProvider(p), handlertest.OneUser)
		person := func(sub, sid string) map[string]any {
			m := handlertest.Member(sub, "readers")
			if m["sid"] = sid; sid == "" {
				delete(m, "sid")
			}
			return m
		}
		sessions := map[string]*handlertest.Browser{
			"ann 1": s.Browser().SignIn(p, person("ann", "1")), "ann 2": s.Browser().SignIn(p, person("ann", "2")),
			"ann without sid": s.Browser().SignIn(p, person("ann", "")), "bob": s.Browser().SignIn(p, person("bob", "bob")),
		}
		p.Person = handlertest.Member("ann")
		session := s.SignIn()
		token := p.LogoutToken(test.claims)
		a := s.Do("POST", "/auth/backchannel", "logout_token="+token, "Content-Type", "application/x-www-form-urlencoded")
		if a.Status != 200 || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", test.name, a)
		}
		for name, b := range sessions {
			if over := b.Role() == "401"; over != slices.Contains(test.ends, name) {
				t.Errorf("%s: %s is over: %v", test.name, name, over)
			}
		}
		if a := s.Get("/", session...); a.Status != 200 {
			t.Errorf("%s: a session of the form is over", test.name)
		}
		if a := s.Do("POST", "/auth/backchannel", "logout_token="+token, "Content-Type", "application/x-www-form-urlencoded"); a.Status != 400 {
			t.Errorf("%s: twice: %v", test.name, a)
		}
	}
}

func TestWhatIsNoLogoutOfTheProviderEndsNothing(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	b := s.Browser().SignIn(p, handlertest.Member("ann", "readers"))
	p.Person = handlertest.Member("ann")
	form := func(token string) string { return "logout_token=" + token }
	for name, body := range map[string]string{
		"nothing": "", "no token": "x=y", "an empty token": form(""), "two tokens": form(p.LogoutToken(nil)) + "&" + form("x"),
		"an ID token":         form(p.Fake.Token(map[string]any{"aud": logintest.ClientID, "nonce": "n"})),
		"a nonce":             form(p.LogoutToken(map[string]any{"nonce": "n"})),
		"no events":           form(p.LogoutToken(map[string]any{"events": issuertest.Drop})),
		"another audience":    form(p.LogoutToken(map[string]any{"aud": "x"})),
		"another key":         form(p.LogoutToken(nil, issuertest.WithKey(p.Foreign()))),
		"alg none":            form(p.LogoutToken(nil, issuertest.WithAlg("none"))),
		"before the session":  form(p.LogoutToken(map[string]any{"iat": time.Now().Add(-time.Hour).Unix()})),
		"larger than 64 KiB":  form(strings.Repeat("x", 64<<10)),
		"a token of 63 KiB":   form(strings.Repeat("x", 63<<10)),
		"JSON":                `{"logout_token":"x"}`,
		"a body that is HTML": "<html>",
	} {
		kind := "application/x-www-form-urlencoded"
		if name == "JSON" {
			kind = "application/json"
		}
		a := s.Do("POST", "/auth/backchannel", body, "Content-Type", kind)
		if a.Status != 400 || !handlertest.Contains(a.Body, `"error":"invalid_request"`) || a.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v %v", name, a, a.Header)
		}
	}
	if b.Role() != "reader" {
		t.Error("the session is over")
	}
	// A session that began after the token stays.
	token := p.LogoutToken(map[string]any{"iat": time.Now().Add(-time.Minute).Unix()})
	if a := s.Do("POST", "/auth/backchannel", form(token), "Content-Type", "application/x-www-form-urlencoded"); a.Status != 200 || b.Role() != "reader" {
		t.Errorf("%v: %s", a, b.Role())
	}
	if a := s.Get("/auth/backchannel"); a.Status != 405 {
		t.Errorf("%v", a)
	}
	if log := s.Log.String(); strings.Contains(log, "eyJ") {
		t.Errorf("the log holds a token:\n%s", log)
	}
	down := logintest.New(t)
	s = handlertest.Start(t, handlertest.WithProvider(down))
	token = down.LogoutToken(nil)
	down.Down()
	if a := s.Do("POST", "/auth/backchannel", form(token), "Content-Type", "application/x-www-form-urlencoded"); a.Status != 503 || a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", a)
	}
}
