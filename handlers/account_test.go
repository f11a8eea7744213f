package handlers

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
	"gatehouse/store"
)

func TestPeopleAreToldWhoTheyAre(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	v := s.view("/account", s.signedIn()...)
	for name, want := range map[string]string{
		"Name": "admin", "Recorded as": "user:admin", "Role": "admin", "Authenticated by": "a session: signed in with user and password", "Session ends": "in 11 h",
	} {
		if got := v.facts()[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	formOf(t, v.body, "/auth/logout")
	v = s.view("/account", "X-API-Key", rightToken)
	if f := v.facts(); f["Authenticated by"] != "an API token" || f["Session ends"] != "" || !strings.Contains(v.text(), "carries its own credential") || strings.Contains(v.text(), "Sign out") {
		t.Errorf("%v\n%s", f, v.text())
	}
	v = serve(t).view("/account")
	if f := v.facts(); f["Authenticated by"] != "nothing: no credential is required" || f["Name"] != "" || !strings.Contains(v.text(), "nobody has to sign in") {
		t.Errorf("%v", f)
	}
	if a := s.get("/account"); a.status != 401 {
		t.Errorf("a stranger: %v", a)
	}
	if a := s.get("/account", "X-Metrics-Key", rightKey); a.status != 401 {
		t.Errorf("the scrape key: %v", a)
	}
}

func TestPeopleAreToldWhatTheyMayDo(t *testing.T) {
	s := serve(t, oneUser)
	for role, want := range map[auth.Role]int{auth.Reader: 1, auth.Pusher: 3, auth.Admin: 4} {
		v := s.view("/account", s.begun(role.String(), role)...)
		given := allBelow(v.root, classed("given"))
		if all := allBelow(v.root, func(n *html.Node) bool {
			return n.Data == "li" && n.Parent.Data == "ul" && strings.Contains(attribute(n.Parent, "class"), "grants")
		}); len(given) != want || len(all) != 4 {
			t.Errorf("%s: %d of %d", role, len(given), len(all))
		}
	}
}

func TestALimitedTokenSeesWhatItIsLimitedTo(t *testing.T) {
	s := serve(t, oneUser)
	only, err := store.ParseSelectors([]string{`{job="own"}`})
	must(t, err)
	_, secret, err := s.store.CreateToken(t.Context(), store.NewToken{Name: "limited", Role: auth.Pusher, Scope: only}, store.Origin{By: "ana", Via: "basic"})
	must(t, err)
	if f := s.view("/account", "X-API-Key", secret).facts(); f["Name"] != "limited" || f["Role"] != "pusher" || f["Scope"] != `{job="own"}` || f["Authenticated by"] != "an API token" {
		t.Errorf("%v", f)
	}
	for _, target := range []string{"/account/end-sessions", "/account/sessions/x/end"} {
		if a := s.post(target, "", "X-API-Key", secret); a.status != 403 {
			t.Errorf("%v", a)
		}
	}
}

func TestWhoIsLetInWithoutMaySignIn(t *testing.T) {
	link := func(a answered) string {
		t.Helper()
		for _, n := range allBelow(viewOf(t, a).root, tag("a")) {
			if wordsOf(n) == "Sign in" {
				return attribute(n, "href")
			}
		}
		return ""
	}
	bypass := func(c setup) { c.Guard.Bypass = guard.BypassOn }
	local := append([]string{"Host", "localhost"}, aBrowser...)
	s := serve(t, oneUser, bypass)
	if got := link(s.get("/status?x=y", local...)); got != "/login?next=%2Fstatus%3Fx%3Dy" {
		t.Errorf("leads to %q", got)
	}
	if got := link(s.get("/status", append(s.signedIn(), local...)...)); got != "" {
		t.Errorf("who has signed in is led to %q", got)
	}
	if got := link(serve(t, bypass, func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) }).get("/status", local...)); got != "" {
		t.Errorf("leads to %q though there is nothing to sign in with", got)
	}
	if got := link(serve(t).get("/status", aBrowser...)); got != "" {
		t.Errorf("an open server leads to %q", got)
	}
}

// places are the sessions on somebody's page.
func (b *surfer) places() (rows []string) {
	b.s.t.Helper()
	v := viewOf(b.s.t, b.get("/account"))
	for _, tr := range allBelow(v.root, func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }) {
		rows = append(rows, wordsOf(tr))
	}
	return rows
}

// ends are where the sessions on somebody's page are ended.
func (b *surfer) ends() (actions []string) {
	b.s.t.Helper()
	v := viewOf(b.s.t, b.get("/account"))
	for _, form := range allBelow(v.root, tag("form")) {
		if action := attribute(form, "action"); strings.HasSuffix(action, "/end") {
			actions = append(actions, action)
		}
	}
	return actions
}

func TestPeopleSeeAndEndTheirOwnSessions(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p), func(c setup) { c.Config.SessionIdle = time.Hour })
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1"
	here, there := s.surfer(), s.surfer()
	there.get(there.sent(p, "/auth/login", member("ann", "pushers")))
	back := here.sent(p, "/auth/login", member("ann", "pushers"))
	here.ask("GET", back, "", "User-Agent", phone)
	other := s.surfer().signIn(p, member("bob", "admins"))

	rows := here.places()
	if len(rows) != 2 || !contains(rows[0], "Safari on iPhone", "this one", "127.0.0.1", "in 11 h", "Sign out") || !contains(rows[1], "unknown client", "End") || strings.Contains(rows[1], "this one") {
		t.Fatalf("%q", rows)
	}
	if len(other.places()) != 1 || !strings.Contains(viewOf(t, here.get("/account")).text(), "after 1 h without use") {
		t.Errorf("%q", other.places())
	}
	// Whoever asks ends nothing of others.
	for _, action := range here.ends() {
		if a := other.post(action, ""); a.status != 303 || a.header.Get("Location") != "/account" {
			t.Errorf("%v", a)
		}
	}
	if a := other.post("/account/sessions/x/end", ""); a.status != 303 {
		t.Errorf("%v", a)
	}
	if here.role() != "pusher" || there.role() != "pusher" || other.role() != "admin" {
		t.Fatal("somebody has ended the sessions of somebody else")
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, nil} {
		if a := here.ask("POST", here.ends()[1], "", headers...); a.status != 403 {
			t.Errorf("%q: %v", headers, a)
		}
	}
	if a := here.post(here.ends()[1], ""); a.status != 303 || a.header.Get("Location") != "/account" || there.role() != "401" || here.role() != "pusher" {
		t.Errorf("%v", a)
	}
	// One's own session ends as by signing out.
	if !leadsOn(t, here.post(here.ends()[0], "")).Query().Has("id_token_hint") || here.session() != "" {
		t.Error("the session goes on, or the provider does not hear whose is over")
	}
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntrySignOut}, Limit: 10})
	must(t, err)
	if len(entries) != 2 || entries[1].Message != "ended by its user" || entries[1].Origin.By != "ann" {
		t.Errorf("%+v", entries)
	}
}

func TestPeopleSignOutEverywhere(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p), oneUser)
	var anns []*surfer
	for range 3 {
		anns = append(anns, s.surfer().signIn(p, member("ann", "pushers")))
	}
	other := s.surfer().signIn(p, member("bob", "admins"))
	if !leadsOn(t, anns[1].post("/account/end-sessions", "")).Query().Has("id_token_hint") || anns[1].session() != "" {
		t.Error("the session goes on, or the provider does not hear whose is over")
	}
	for _, b := range anns {
		if b.role() != "401" {
			t.Errorf("still %s", b.role())
		}
	}
	if other.role() != "admin" {
		t.Error("somebody else was signed out")
	}
	// Who comes with a credential ends the sessions of the same user.
	session := s.signedIn()
	if a := s.post("/account/end-sessions", "", "Authorization", basicHeader("admin", rightPassword)); a.status != 303 || a.header.Get("Location") != "/" {
		t.Errorf("%v", a)
	}
	if a := s.get("/", session...); a.status != 401 {
		t.Errorf("%v", a)
	}
	// Nobody in particular has none.
	if a := serve(t).post("/account/end-sessions", ""); a.status != 303 {
		t.Errorf("%v", a)
	}
	s.journal.fail(store.ErrUnavailable)
	if a := other.post("/account/end-sessions", ""); a.status != 503 || other.session() == "" {
		t.Errorf("%v", a)
	}
}

func TestHostileNamesAreShownAsTheyAre(t *testing.T) {
	const hostile = `"><script>alert(1)</script>` + "\u202e" + `{{x}}</bdi></title>`
	p := logintest.New(t)
	s := serve(t, provided(p))
	person := member("x", "readers")
	person["preferred_username"], person["sub"] = hostile+strings.Repeat("y", 1_000), hostile
	b := s.surfer()
	b.ask("GET", b.sent(p, "/auth/login", person), "", "User-Agent", hostile+"<b>Firefox/1")
	for _, target := range []string{"/account", "/settings", "/status", "/", "/nowhere"} {
		a := b.get(target)
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<b>") || strings.Contains(a.body, "</bdi></title>") {
			t.Errorf("%v\n%s", a, a.body)
		}
	}
	if rows := b.places(); len(rows) != 1 || !strings.HasPrefix(rows[0], "Firefox this one") {
		t.Errorf("%q", rows)
	}
	if log := s.log.String(); strings.ContainsAny(log, "\u202e") {
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
		s := serve(t, provided(p), oneUser)
		person := func(sub, sid string) map[string]any {
			m := member(sub, "readers")
			if m["sid"] = sid; sid == "" {
				delete(m, "sid")
			}
			return m
		}
		sessions := map[string]*surfer{
			"ann 1": s.surfer().signIn(p, person("ann", "1")), "ann 2": s.surfer().signIn(p, person("ann", "2")),
			"ann without sid": s.surfer().signIn(p, person("ann", "")), "bob": s.surfer().signIn(p, person("bob", "bob")),
		}
		p.Person = member("ann")
		session := s.signedIn()
		token := p.LogoutToken(test.claims)
		a := s.do("POST", "/auth/backchannel", "logout_token="+token, "Content-Type", "application/x-www-form-urlencoded")
		if a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", test.name, a)
		}
		for name, b := range sessions {
			if over := b.role() == "401"; over != slices.Contains(test.ends, name) {
				t.Errorf("%s: %s is over: %v", test.name, name, over)
			}
		}
		if a := s.get("/", session...); a.status != 200 {
			t.Errorf("%s: a session of the form is over", test.name)
		}
		if a := s.do("POST", "/auth/backchannel", "logout_token="+token, "Content-Type", "application/x-www-form-urlencoded"); a.status != 400 {
			t.Errorf("%s: twice: %v", test.name, a)
		}
	}
}

func TestWhatIsNoLogoutOfTheProviderEndsNothing(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	b := s.surfer().signIn(p, member("ann", "readers"))
	p.Person = member("ann")
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
		a := s.do("POST", "/auth/backchannel", body, "Content-Type", kind)
		if a.status != 400 || !contains(a.body, `"error":"invalid_request"`) || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v %v", name, a, a.header)
		}
	}
	if b.role() != "reader" {
		t.Error("the session is over")
	}
	// A session that began after the token stays.
	token := p.LogoutToken(map[string]any{"iat": time.Now().Add(-time.Minute).Unix()})
	if a := s.do("POST", "/auth/backchannel", form(token), "Content-Type", "application/x-www-form-urlencoded"); a.status != 200 || b.role() != "reader" {
		t.Errorf("%v: %s", a, b.role())
	}
	if a := s.get("/auth/backchannel"); a.status != 405 {
		t.Errorf("%v", a)
	}
	if log := s.log.String(); strings.Contains(log, "eyJ") {
		t.Errorf("the log holds a token:\n%s", log)
	}
	down := logintest.New(t)
	s = serve(t, provided(down))
	token = down.LogoutToken(nil)
	down.Down()
	if a := s.do("POST", "/auth/backchannel", form(token), "Content-Type", "application/x-www-form-urlencoded"); a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", a)
	}
}
