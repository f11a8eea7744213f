package access_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login/logintest"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// loginCookie is the value of the cookie of a sign-in that has begun.
func loginCookie(b *handlertest.Browser) string {
	return b.Cookies["gatehouse_login"] + b.Cookies["__Host-gatehouse-login"]
}

// theAction is where the link of that text leads to.
func theAction(t testing.TB, a handlertest.Answer, text string) string {
	t.Helper()
	return handlertest.Attribute(handlertest.FindOne(t, a, func(n *html.Node) bool { return n.Data == "a" && handlertest.WordsOf(n) == text }), "href")
}

// wantSecretsKept checks that neither codes nor states nor cookies are in the
// log.
func wantSecretsKept(b *handlertest.Browser, p *logintest.Provider) {
	b.Server.T.Helper()
	var secrets []string
	for _, back := range p.SentBack() {
		secrets = append(secrets, back.Get("code"), back.Get("state"))
	}
	for _, secret := range append(secrets, b.Session(), loginCookie(b)) {
		if secret != "" && strings.Contains(b.Server.Log.String(), secret) {
			b.Server.T.Errorf("the log holds %q:\n%s", secret, b.Server.Log.String())
		}
	}
}

func TestSomebodySignsInAtTheProviderAndOut(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.Below("/pg"), handlertest.WithProvider(p))
	b := s.Browser()
	a := b.Get("/pg/?q=x&m=%7Ba%7D")
	link := handlertest.FindOne(t, a, handlertest.HasID("oidc"))
	if a.Status != 401 || handlertest.Attribute(link, "href") != "/pg/auth/login?next=%2Fpg%2F%3Fq%3Dx%26m%3D%257Ba%257D" || !strings.Contains(handlertest.WordsOf(link), "Sign in with "+strings.TrimPrefix(p.Issuer(), "http://")) || strings.Contains(a.Body, "password") {
		t.Fatalf("%v\n%s", a, a.Body)
	}
	a = b.Get(b.Callback(p, handlertest.Attribute(link, "href"), handlertest.Member("ann", "pushers")))
	if b.Follow(a) != "/pg/?q=x&m=%7Ba%7D" || a.Header.Get("Cache-Control") != "no-store" || loginCookie(b) != "" || b.Session() == "" {
		t.Fatalf("%v %v", a, a.Header)
	}
	page := b.Get(b.Follow(a))
	if page.Status != 200 || !strings.Contains(handlertest.WordsOf(handlertest.FindOne(t, page, handlertest.HasClass("account-link"))), "ann pusher") {
		t.Errorf("%v", page)
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; form-action 'self'") {
		t.Errorf("forms may lead elsewhere: %s", policy)
	}
	wantSecretsKept(b, p)
	session := b.Session()
	a = b.Post("/pg/auth/logout", "")
	u := handlertest.SignOutAddress(t, a)
	query := u.Query()
	if hint := query.Get("id_token_hint"); u.Path != "/logout" || strings.Count(hint, ".") != 2 || query.Get("post_logout_redirect_uri") != handlertest.PublicAddress+"/pg/" || b.Session() != "" {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/pg/", append(handlertest.BrowserHeaders, "Cookie", "gatehouse_session="+session)...); a.Status != 401 {
		t.Errorf("the session is not over: %v", a)
	}
	if text := s.Get("/pg/metrics/self", "Authorization", "Bearer "+p.Fake.Token(handlertest.Member("ann", "admins"))).Body; !handlertest.Contains(text, `gatehouse_auth_decisions_total{result="allowed",scheme="oidc"} 1`) {
		t.Error("the sign-in is not counted")
	}
}

func TestWhatIsWrongWithASignInIsSaidOnACleanPage(t *testing.T) {
	drop := func(name string, v any) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.IDToken = map[string]any{name: v} }
	}
	signed := func(o ...issuertest.Option) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.Signing = o }
	}
	callback := func(change func(url.Values)) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.Callback = change }
	}
	mode := func(m logintest.Mode) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.Token = m }
	}
	const token, state, exchange, declined = "is not acceptable", "did not begin in this browser", "did not finish the sign-in", "declined the sign-in"
	for _, test := range []struct {
		name   string
		change func(*logintest.Provider)
		status int
		text   string
	}{
		{"nonce", drop("nonce", "x"), 403, token},
		{"no nonce", drop("nonce", issuertest.Drop), 403, token},
		{"aud", drop("aud", "x"), 403, token},
		{"two audiences", drop("aud", []string{logintest.ClientID, "x"}), 403, token},
		{"azp", drop("azp", "x"), 403, token},
		{"iss", drop("iss", "https://evil.test"), 403, token},
		{"exp", drop("exp", time.Now().Add(-time.Hour).Unix()), 403, token},
		{"alg none", signed(issuertest.WithAlg("none")), 403, token},
		{"HS256", signed(issuertest.WithAlg("HS256")), 403, token},
		{"the key of somebody else", func(p *logintest.Provider) { p.Signing = []issuertest.Option{issuertest.WithKey(p.Foreign())} }, 403, token},
		{"no ID token", func(p *logintest.Provider) { p.NoIDToken = true }, 403, token},
		{"another state", callback(func(q url.Values) { q.Set("state", "x") }), 400, state},
		{"no state", callback(func(q url.Values) { q.Del("state") }), 400, state},
		{"two states", callback(func(q url.Values) { q.Add("state", "x") }), 400, state},
		{"another issuer answers", callback(func(q url.Values) { q.Set("iss", "https://evil.test") }), 400, state},
		{"another code", callback(func(q url.Values) { q.Set("code", "<script>") }), 502, exchange},
		{"the provider fails", mode(logintest.ServerError), 502, exchange},
		{"the provider answers with a page", mode(logintest.HTML), 502, exchange},
		{"the provider refuses the code", mode(logintest.Refuse), 502, exchange},
		{"the provider's keys can't be had", func(p *logintest.Provider) { p.SetJWKS(issuertest.ServerError) }, 503, "cannot be asked at present"},
		{"the person declines", func(p *logintest.Provider) { p.Decline = "access_denied" }, 403, declined},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := logintest.New(t)
			s := handlertest.Start(t, handlertest.WithProvider(p))
			test.change(p)
			b := s.Browser()
			a := b.Get(b.Callback(p, "/auth/login?next=/docs", handlertest.Member("ann", "admins")))
			target := b.Follow(a)
			if b.Session() != "" || loginCookie(b) != "" || a.Header.Get("Cache-Control") != "no-store" || a.Body != "" {
				t.Errorf("%v %v", a, a.Header)
			}
			sent := p.SentBack()[0]
			for _, secret := range []string{sent.Get("code"), sent.Get("state"), "script"} {
				if secret != "" && len(secret) > 5 && strings.Contains(target, secret) {
					t.Errorf("leads to %s", target)
				}
			}
			page := b.Get(target)
			if page.Status != test.status || !strings.Contains(page.Body, test.text) || page.Header.Get("Cache-Control") != "no-store" || strings.Contains(page.Body, "<script>alert") {
				t.Errorf("%v %v", page, page.Header)
			}
			if again := theAction(t, page, "Try again"); !strings.HasPrefix(again, "/auth/login?next=") {
				t.Errorf("tries again at %q", again)
			}
			if log := s.Log.String(); strings.Count(log, "scheme=oidc") != 1 || !strings.Contains(log, "cause=") {
				t.Errorf("the log says\n%s", log)
			}
			wantSecretsKept(b, p)
			if n := s.Store.Snapshot().Stats().Sessions; n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestASignInCountsOnceAndInItsBrowser(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	b, other := s.Browser(), s.Browser()
	back := b.Callback(p, "/auth/login", handlertest.Member("ann", "admins"))
	state := loginCookie(b)
	for name, headers := range map[string][]string{
		"no cookie":        nil,
		"a made-up cookie": {"Cookie", "gatehouse_login=made-up"},
		"made-up cookies":  {"Cookie", "gatehouse_login=; gatehouse_login=made-up; gatehouse_login=" + state + "x"},
		"a name of others": {"Cookie", "__Host-gatehouse-login=" + state},
		"a huge cookie":    {"Cookie", "gatehouse_login=" + strings.Repeat("x", 9_000)},
		"another browser's": {"Cookie", "gatehouse_login=" + func() string {
			other.Callback(p, "/auth/login", handlertest.Member("bob", "admins"))
			return loginCookie(other)
		}()},
	} {
		if a := s.Get(back, headers...); a.Status != 303 || a.Header.Get("Location") != "/login?problem=state" {
			t.Errorf("%s: %v %v", name, a, a.Header)
		}
	}
	// Another server on the host may have begun a sign-in too.
	b.Cookies["a"], b.Cookies["gatehouse_login"] = "b; gatehouse_login=made-up; gatehouse_login="+loginCookie(other)+"; gatehouse_login="+state, "made-up"
	b.Follow(b.Get(back))
	if delete(b.Cookies, "a"); b.Role() != "admin" {
		t.Fatalf("is %s", b.Role())
	}
	// The button that leads back.
	b.Cookies["gatehouse_login"] = state
	if a := b.Get(back); b.Follow(a) != "/login?problem=state" || b.Role() != "admin" {
		t.Errorf("%v: %s", a, b.Role())
	}
}

func TestPeopleWithoutARoleLearnSo(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	const hostile = `<script>alert(1)</script>"' ` + "\u202e"
	nobody := handlertest.Member("nobody", "strangers")
	nobody["preferred_username"] = hostile
	b := s.Browser()
	target := b.Follow(b.Get(b.Callback(p, "/auth/login?next=/docs", nobody)))
	page := b.Get(target)
	v := handlertest.ParsePage(t, page)
	if page.Status != 403 || !handlertest.Contains(v.Text(), "Not allowed", "You are known as "+strings.TrimSuffix(hostile, " \u202e"), "have no role here") || strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "\u202e") || b.Session() != "" {
		t.Errorf("%v\n%s", page, v.Text())
	}
	if out := theAction(t, page, "Sign out"); !strings.HasPrefix(out, p.Issuer()+"/logout?") || !handlertest.Contains(out, "client_id="+logintest.ClientID, url.QueryEscape(handlertest.PublicAddress+"/")) {
		t.Errorf("signs out at %q", out)
	}
	other := theAction(t, page, "Use another account")
	if other != "/auth/login?switch=1&next=%2Fdocs" {
		t.Errorf("another account at %q", other)
	}
	if a := b.Get(other); !strings.Contains(a.Header.Get("Location"), "prompt=login") {
		t.Errorf("%v", a.Header)
	}
	nobody = handlertest.Member("many")
	delete(nobody, "groups")
	nobody["_claim_names"], nobody["_claim_sources"] = map[string]any{"groups": "src1"}, map[string]any{"src1": map[string]any{"endpoint": "https://a.test"}}
	if page := b.Get(b.Follow(b.Get(b.Callback(p, "/auth/login", nobody)))); page.Status != 403 || !strings.Contains(page.Body, "sent a link to your groups instead of a list") {
		t.Errorf("%v\n%s", page, s.Log.String())
	}
	if log := s.Log.String(); !handlertest.Contains(log, "sub:"+p.Issuer()+" nobody has no role") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestTheProviderMayBeDown(t *testing.T) {
	p := logintest.New(t)
	p.Down()
	s := handlertest.Start(t, handlertest.OneUser, handlertest.WithProvider(p))
	b := s.Browser()
	a := b.Get("/auth/login?next=/docs%3Fq")
	if a.Status != 503 || a.Header.Get("Retry-After") != "10" || !strings.Contains(a.Body, "cannot be asked at present") || theAction(t, a, "Try again") != "/auth/login?next=/docs%3Fq" || theAction(t, a, "Sign in with a password") != "/login?next=%2Fdocs%3Fq" || loginCookie(b) != "" {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/auth/login"); a.Status != 503 || a.Body != "the sign-in provider cannot be asked at present; try again\n" {
		t.Errorf("%v", a)
	}
	if log := s.Log.String(); !strings.Contains(log, "scheme=oidc") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says\n%s", log)
	}
	if a := s.Post("/login", handlertest.LoginForm("admin", handlertest.RightPassword, "")); a.Status != 303 {
		t.Errorf("nobody can sign in with a password: %v", a)
	}
	p.Up()
	deadline := time.Now().Add(time.Minute)
	for b.Get("/auth/login").Status != 303 {
		if time.Now().After(deadline) {
			t.Fatal("nobody can sign in although the provider is up")
		}
	}
}

func TestWithoutAProviderNothingLeadsThere(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for _, request := range [][2]string{{"GET", "/auth/login"}, {"GET", "/auth/callback?code=a&state=b"}, {"POST", "/auth/backchannel"}} {
		if a := s.Do(request[0], request[1], "logout_token=x", handlertest.FormHeaders...); a.Status != 404 || strings.Contains(a.Body, "Search groupings") {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/login?problem=role", handlertest.BrowserHeaders...); a.Status != 200 || strings.Contains(a.Body, `id="oidc"`) {
		t.Errorf("%v", a)
	}
	if policy := s.Get("/login", handlertest.BrowserHeaders...).Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self'") {
		t.Errorf("%s", policy)
	}
	only := handlertest.Start(t, func(c handlertest.Setup) { c.OnlyScrapes() }, handlertest.WithProvider(logintest.New(t)))
	for _, target := range []string{"/auth/login", "/auth/callback", "/login"} {
		if a := only.Get(target, handlertest.BrowserHeaders...); a.Status != 401 && a.Status != 404 || strings.Contains(a.Body, "<form") {
			t.Errorf("on the listener for scrapes: %v", a)
		}
	}
}

func TestTheSignInPageOffersWhatThereIs(t *testing.T) {
	p := logintest.New(t)
	for _, test := range []struct {
		name             string
		change           []func(handlertest.Setup)
		provider, passes bool
	}{
		{"both", []func(handlertest.Setup){handlertest.OneUser, handlertest.WithProvider(p)}, true, true},
		{"a provider", []func(handlertest.Setup){handlertest.WithProvider(p)}, true, false},
		{"passwords", []func(handlertest.Setup){handlertest.OneUser}, false, true},
		{"neither", nil, false, false},
	} {
		a := handlertest.Start(t, test.change...).Get("/login?next=/docs", handlertest.BrowserHeaders...)
		v := handlertest.ParsePage(t, a)
		if got := strings.Contains(a.Body, `id="oidc"`); got != test.provider {
			t.Errorf("%s: offers the provider: %v", test.name, got)
		}
		if got := strings.Contains(a.Body, `type="password"`); got != test.passes {
			t.Errorf("%s: asks for a password: %v", test.name, got)
		}
		if got := strings.Contains(v.Text(), "OIDC_CLIENT_ID"); got != (!test.provider && !test.passes) {
			t.Errorf("%s: says how to configure it: %v", test.name, got)
		}
	}
}

func TestSigningInElsewhereLeadsToOurOwnPagesOnly(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.Below("/pg"), handlertest.WithProvider(p))
	for next, want := range map[string]string{
		"/pg/groupings?q=%7B%7D": "/pg/groupings?q=%7B%7D", "/pg/metrics/job/a%2Fb": "/pg/metrics/job/a%2Fb",
		"": "/pg/", "/": "/pg/", "/other": "/pg/", "/pgevil": "/pg/", "//evil.example": "/pg/", "/pg//evil.example": "/pg/",
		"/pg/%2fevil.example": "/pg/", `/pg/\evil.example`: "/pg/", "https://evil.example/pg/": "/pg/", "/pg/login": "/pg/", "/pg/auth/callback": "/pg/",
		"/pg/x\r\nSet-Cookie: a=b": "/pg/", "javascript:alert(1)": "/pg/", "/pg/" + strings.Repeat("x", 3_000): "/pg/",
	} {
		b := s.Browser()
		if got := b.Follow(b.Get(b.Callback(p, "/pg/auth/login?next="+url.QueryEscape(next), handlertest.Member("ann", "readers")))); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestCookiesOfASignInAreKeptFromNeighboursWhereThereIsHTTPS(t *testing.T) {
	p := logintest.New(t)
	for _, test := range []struct{ external, want, state string }{
		{"http://gate.example.org", "gatehouse_session", "gatehouse_login"},
		{"https://gate.example.org", "__Host-gatehouse", "__Host-gatehouse-login"},
	} {
		s := handlertest.Start(t, handlertest.ExternalURL(test.external), handlertest.WithProvider(p))
		b := s.Browser()
		a := b.Ask("GET", "/auth/login", "", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "Host", "evil.example")
		u, err := url.Parse(a.Header.Get("Location"))
		handlertest.Must(t, err)
		if got := u.Query().Get("redirect_uri"); got != test.external+"/auth/callback" {
			t.Errorf("the provider sends people back to %s", got)
		}
		secure := strings.HasPrefix(test.external, "https")
		if k := a.Cookie(); k.Name != test.state || k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.Path != "/" || k.MaxAge != 600 {
			t.Errorf("%v", a.Header.Values("Set-Cookie"))
		}
		a = b.Get(b.Callback(p, "/auth/login", handlertest.Member("ann", "readers")))
		var names []string
		for _, k := range (&http.Response{Header: a.Header}).Cookies() {
			names = append(names, k.Name)
			if k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.Path != "/" {
				t.Errorf("%v", a.Header.Values("Set-Cookie"))
			}
		}
		if want := []string{test.state, test.want}; !slices.Equal(names, want) {
			t.Errorf("sets %v", names)
		}
	}
}

func TestACookieThatSomebodyPlantedIsNotTheSession(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	attacker := s.Browser().SignIn(p, handlertest.Member("eve", "readers"))
	planted := attacker.Session()
	b := s.Browser()
	b.Cookies["gatehouse_session"] = planted
	b.SignIn(p, handlertest.Member("ann", "admins"))
	if b.Session() == planted || b.Role() != "admin" || attacker.Role() != "401" {
		t.Errorf("%s, %s", b.Role(), attacker.Role())
	}
}

func TestSessionsOfTheProviderEnd(t *testing.T) {
	var later atomic.Int64
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p), func(c handlertest.Setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		c.Store.SessionIdle = time.Hour
	})
	b := s.Browser().SignIn(p, handlertest.Member("ann", "readers"))
	idle := s.Browser().SignIn(p, handlertest.Member("bob", "readers"))
	for at := time.Duration(0); at < 12*time.Hour-time.Minute; at += 59 * time.Minute {
		if later.Store(int64(at)); b.Role() != "reader" {
			t.Fatalf("after %s: %s", at, b.Role())
		}
	}
	if idle.Role() != "401" {
		t.Error("lasts although nobody uses it")
	}
	if later.Store(int64(12*time.Hour - time.Minute)); b.Role() != "reader" {
		t.Errorf("before: %s", b.Role())
	}
	if later.Store(int64(12 * time.Hour)); b.Role() != "401" {
		t.Errorf("then: %s", b.Role())
	}
}

func TestTheOldestOfTooManySessionsEnds(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	var all []*handlertest.Browser
	for range 21 {
		all = append(all, s.Browser().SignIn(p, handlertest.Member("ann", "readers")))
	}
	another := s.Browser().SignIn(p, handlertest.Member("bob", "readers"))
	for i, b := range append(all, another) {
		want := "reader"
		if i == 0 {
			want = "401"
		}
		if got := b.Role(); got != want {
			t.Errorf("session %d: %s, want %s", i, got, want)
		}
	}
}

func TestOneIsTheSameByTokenAndBySession(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	bearer := func(who map[string]any) []string { return []string{"Authorization", "Bearer " + p.Fake.Token(who)} }
	ann, bob := handlertest.Member("ann", "pushers"), handlertest.Member("bob", "pushers")
	bob["preferred_username"] = "ann" // whoever chooses the name is still another
	s.Put("/metrics/job/x", "a 1\n", bearer(ann)...)
	if a := s.Do("DELETE", "/metrics/job/x", "", bearer(ann)...); a.Status != 202 {
		t.Fatalf("%v", a)
	}
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryDelete}, Limit: 1})
	handlertest.Must(t, err)
	undo := "/undo/" + entries[0].Operation
	if a := s.Browser().SignIn(p, bob).Post(undo, ""); a.Status != 403 {
		t.Errorf("somebody else of the same name: %v", a)
	}
	if a := s.Browser().SignIn(p, ann).Post(undo, ""); a.Status != 200 {
		t.Errorf("the same person: %v", a)
	}
	s.WantGroupings(`{job="x"}`)
}

func TestTheIDTokenIsSealedInTheStore(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	b := s.Browser().SignIn(p, handlertest.Member("ann", "readers"))
	x, ok := s.Store.Session(b.Session())
	if !ok || len(x.Extra) < 100 || bytes.Contains(x.Extra, []byte("eyJ")) || x.Provider != "sid-of-ann" || x.Scheme != "oidc" {
		t.Errorf("%+v", x)
	}
	// What belongs to another session can't be opened.
	x.Extra = append([]byte{}, x.Extra...)
	handlertest.Must(t, s.Store.CreateSession(t.Context(), "another", x))
	b.Cookies["gatehouse_session"] = "another"
	if query := handlertest.SignOutAddress(t, b.Post("/auth/logout", "")).Query(); query.Get("client_id") != logintest.ClientID || query.Has("id_token_hint") {
		t.Errorf("%v", query)
	}
}

func TestAProviderWithoutSigningOutIsLeftAlone(t *testing.T) {
	p := logintest.New(t)
	p.Describe("end_session_endpoint", "")
	s := handlertest.Start(t, handlertest.WithProvider(p))
	b := s.Browser().SignIn(p, handlertest.Member("ann", "readers"))
	if a := b.Post("/auth/logout", ""); b.Follow(a) != "/" || b.Session() != "" {
		t.Errorf("%v", a)
	}
	page := b.Get(b.Follow(b.Get(b.Callback(p, "/auth/login", handlertest.Member("nobody")))))
	if strings.Contains(page.Body, "Sign out") {
		t.Errorf("%v", page)
	}
}

func TestNobodyIsSignedInElsewhereWhileTheStoreIsDown(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	b := s.Browser()
	back := b.Callback(p, "/auth/login?next=/docs", handlertest.Member("ann", "readers"))
	s.Journal.Fail(store.ErrUnavailable)
	target := b.Follow(b.Get(back))
	if page := b.Get(target); target != "/login?next=%2Fdocs&problem=store" || page.Status != 503 || page.Header.Get("Retry-After") == "" || b.Session() != "" || theAction(t, page, "Try again") != "/auth/login?next=%2Fdocs" {
		t.Errorf("%s: %v", target, page)
	}
}

func TestASessionWithoutRulesThatGaveItIsOver(t *testing.T) {
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.WithProvider(p))
	handlertest.Must(t, s.Store.CreateSession(t.Context(), "old", auth.Session{
		Scheme: "oidc", ID: "sub:" + p.Issuer() + " ann", Name: "ann", Role: auth.Admin, Credential: []byte("other rules"),
		Created: time.Now(), LastUsed: time.Now(), Expires: time.Now().Add(time.Hour),
	}))
	b := s.Browser()
	if b.Cookies["gatehouse_session"] = "old"; b.Role() != "401" {
		t.Errorf("is %s", b.Role())
	}
}

func FuzzSignInCallback(f *testing.F) {
	p := logintest.New(f)
	s := handlertest.Start(f, handlertest.WithProvider(p))
	f.Add("code=a&state=b", "gatehouse_login=x")
	f.Add("error=access_denied&error_description=%3Cscript%3E&state=", "")
	f.Fuzz(func(t *testing.T, query, cookie string) {
		if strings.ContainsFunc(cookie, func(r rune) bool { return r < ' ' || r > '~' }) || len(query)+len(cookie) > 4<<10 {
			t.Skip()
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		s.T = t
		a := s.Get("/auth/callback?"+q.Encode(), "Cookie", cookie)
		if a.Status != 303 || a.Header.Get("Location") != "/login?problem=state" {
			t.Errorf("%v %v", a, a.Header)
		}
	})
}
