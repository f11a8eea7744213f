package handlers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
	"gatehouse/store"
)

// publicAddress is where browsers find the servers of these tests.
const publicAddress = "http://gate.example.org"

// roles are those of the groups of people in these tests.
var roles = map[string]auth.Role{"readers": auth.Reader, "pushers": auth.Pusher, "admins": auth.Admin}

// provided lets people sign in at a provider, who gives JWTs too.
func provided(p *logintest.Provider) func(setup) {
	return func(c setup) {
		if c.ExternalURL == nil {
			externally(publicAddress + c.RoutePrefix)(c)
		}
		keys := issuer.New(issuer.Options{Issuer: p.Issuer(), MinGap: time.Millisecond, Logger: c.Logger})
		rules := func(audience string) jwt.ClaimRules {
			return jwt.ClaimRules{Issuer: p.Issuer(), Audiences: []string{audience}, RoleMap: roles}
		}
		c.Guard.Issuer, c.Guard.Claims, c.Guard.Login = keys, rules(issuertest.Audience), rules(logintest.ClientID)
		c.Guard.Provider = login.New(login.Options{
			Issuer: p.Issuer(), ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, Rules: c.Guard.Login, Keys: keys,
			RedirectURL: c.ExternalURL.Scheme + "://" + c.ExternalURL.Host + c.RoutePrefix + "/auth/callback", Logger: c.Logger,
			Secret: func(context.Context) ([]byte, error) { return bytes.Repeat([]byte("s"), 32), nil },
		})
	}
}

// member is what a provider knows of somebody.
func member(sub string, groups ...string) map[string]any {
	return map[string]any{"sub": sub, "preferred_username": sub, "groups": groups, "sid": "sid-of-" + sub}
}

// surfer is a browser with its cookies.
type surfer struct {
	s       *served
	cookies map[string]string
}

func (s *served) surfer() *surfer { return &surfer{s: s, cookies: map[string]string{}} }

func (b *surfer) ask(method, target, body string, headers ...string) answered {
	b.s.t.Helper()
	var cookies []string
	for name, value := range b.cookies {
		cookies = append(cookies, name+"="+value)
	}
	if len(cookies) > 0 {
		headers = append(headers, "Cookie", strings.Join(cookies, "; "))
	}
	a := b.s.do(method, target, body, headers...)
	for _, k := range (&http.Response{Header: a.header}).Cookies() {
		if b.cookies[k.Name] = k.Value; k.Value == "" {
			delete(b.cookies, k.Name)
		}
	}
	return a
}

func (b *surfer) get(target string) answered {
	b.s.t.Helper()
	return b.ask("GET", target, "", aBrowser...)
}

func (b *surfer) post(target, form string) answered {
	b.s.t.Helper()
	return b.ask("POST", target, form, aForm...)
}

// to is where an answer leads to, below the server.
func (b *surfer) to(a answered) string {
	b.s.t.Helper()
	target := a.header.Get("Location")
	if a.status != 303 || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		b.s.t.Fatalf("leads to %q: %v", target, a)
	}
	return target
}

// sent goes to the provider, as a link says, and returns where that sends the
// browser back to.
func (b *surfer) sent(p *logintest.Provider, link string, person map[string]any) string {
	b.s.t.Helper()
	a := b.get(link)
	if a.status != 303 || a.header.Get("Cache-Control") != "no-store" {
		b.s.t.Fatalf("%v %v", a, a.header)
	}
	back, err := p.SignIn(a.header.Get("Location"), person)
	must(b.s.t, err)
	return back.RequestURI()
}

// SignIn signs somebody in who has a role.
func (b *surfer) signIn(p *logintest.Provider, person map[string]any) *surfer {
	b.s.t.Helper()
	a := b.get(b.sent(p, b.s.prefix+"/auth/login", person))
	if b.to(a); b.session() == "" {
		b.s.t.Fatalf("no session: %v %v", a, a.header)
	}
	return b
}

// session is the value of its cookie.
func (b *surfer) session() string {
	return b.cookies["gatehouse_session"] + b.cookies["__Host-gatehouse"]
}

// begun is the value of the cookie of a sign-in that has begun.
func (b *surfer) begun() string {
	return b.cookies["gatehouse_login"] + b.cookies["__Host-gatehouse-login"]
}

// role is what the server takes the browser's person for.
func (b *surfer) role() string {
	a := b.get(b.s.prefix + "/account")
	if a.status != 200 {
		return fmt.Sprint(a.status)
	}
	return viewOf(b.s.t, a).facts()["Role"]
}

func viewOf(t testing.TB, a answered) viewed {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	must(t, err)
	return viewed{a, root}
}

// theOne is the element of a page that is like that.
func theOne(t testing.TB, a answered, like func(*html.Node) bool) *html.Node {
	t.Helper()
	found := allBelow(viewOf(t, a).root, like)
	if len(found) != 1 {
		t.Fatalf("%d elements: %v\n%s", len(found), a, a.body)
	}
	return found[0]
}

func withID(id string) func(*html.Node) bool {
	return func(n *html.Node) bool { return attribute(n, "id") == id }
}

// theAction is where the link of that text leads to.
func theAction(t testing.TB, a answered, text string) string {
	t.Helper()
	return attribute(theOne(t, a, func(n *html.Node) bool { return n.Data == "a" && wordsOf(n) == text }), "href")
}

// wantSecretsKept checks that neither codes nor states nor cookies are in the
// log.
func (b *surfer) wantSecretsKept(p *logintest.Provider) {
	b.s.t.Helper()
	var secrets []string
	for _, back := range p.SentBack() {
		secrets = append(secrets, back.Get("code"), back.Get("state"))
	}
	for _, secret := range append(secrets, b.session(), b.begun()) {
		if secret != "" && strings.Contains(b.s.log.String(), secret) {
			b.s.t.Errorf("the log holds %q:\n%s", secret, b.s.log.String())
		}
	}
}

func TestSomebodySignsInAtTheProviderAndOut(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, below("/pg"), provided(p))
	b := s.surfer()
	a := b.get("/pg/?q=x&m=%7Ba%7D")
	link := theOne(t, a, withID("oidc"))
	if a.status != 401 || attribute(link, "href") != "/pg/auth/login?next=%2Fpg%2F%3Fq%3Dx%26m%3D%257Ba%257D" || !strings.Contains(wordsOf(link), "Sign in with "+strings.TrimPrefix(p.Issuer(), "http://")) || strings.Contains(a.body, "password") {
		t.Fatalf("%v\n%s", a, a.body)
	}
	a = b.get(b.sent(p, attribute(link, "href"), member("ann", "pushers")))
	if b.to(a) != "/pg/?q=x&m=%7Ba%7D" || a.header.Get("Cache-Control") != "no-store" || b.begun() != "" || b.session() == "" {
		t.Fatalf("%v %v", a, a.header)
	}
	page := b.get(b.to(a))
	if page.status != 200 || !strings.Contains(wordsOf(theOne(t, page, classed("account-link"))), "ann pusher") {
		t.Errorf("%v", page)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; form-action 'self'") {
		t.Errorf("forms may lead elsewhere: %s", policy)
	}
	b.wantSecretsKept(p)
	session := b.session()
	a = b.post("/pg/auth/logout", "")
	u := leadsOn(t, a)
	query := u.Query()
	if hint := query.Get("id_token_hint"); u.Path != "/logout" || strings.Count(hint, ".") != 2 || query.Get("post_logout_redirect_uri") != publicAddress+"/pg/" || b.session() != "" {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.get("/pg/", append(aBrowser, "Cookie", "gatehouse_session="+session)...); a.status != 401 {
		t.Errorf("the session is not over: %v", a)
	}
	if text := s.get("/pg/metrics/self", "Authorization", "Bearer "+p.Fake.Token(member("ann", "admins"))).body; !contains(text, `gatehouse_auth_decisions_total{result="allowed",scheme="oidc"} 1`) {
		t.Error("the sign-in is not counted")
	}
}

func TestWhatIsWrongWithASignInIsToldOnACleanPage(t *testing.T) {
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
			s := serve(t, provided(p))
			test.change(p)
			b := s.surfer()
			a := b.get(b.sent(p, "/auth/login?next=/docs", member("ann", "admins")))
			target := b.to(a)
			if b.session() != "" || b.begun() != "" || a.header.Get("Cache-Control") != "no-store" || a.body != "" {
				t.Errorf("%v %v", a, a.header)
			}
			sent := p.SentBack()[0]
			for _, secret := range []string{sent.Get("code"), sent.Get("state"), "script"} {
				if secret != "" && len(secret) > 5 && strings.Contains(target, secret) {
					t.Errorf("leads to %s", target)
				}
			}
			page := b.get(target)
			if page.status != test.status || !strings.Contains(page.body, test.text) || page.header.Get("Cache-Control") != "no-store" || strings.Contains(page.body, "<script>alert") {
				t.Errorf("%v %v", page, page.header)
			}
			if again := theAction(t, page, "Try again"); !strings.HasPrefix(again, "/auth/login?next=") {
				t.Errorf("tries again at %q", again)
			}
			if log := s.log.String(); strings.Count(log, "scheme=oidc") != 1 || !strings.Contains(log, "cause=") {
				t.Errorf("the log says\n%s", log)
			}
			b.wantSecretsKept(p)
			if n := s.store.Snapshot().Stats().Sessions; n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestASignInCountsOnceAndInItsBrowser(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	b, other := s.surfer(), s.surfer()
	back := b.sent(p, "/auth/login", member("ann", "admins"))
	state := b.begun()
	for name, headers := range map[string][]string{
		"no cookie":         nil,
		"a made-up cookie":  {"Cookie", "gatehouse_login=made-up"},
		"made-up cookies":   {"Cookie", "gatehouse_login=; gatehouse_login=made-up; gatehouse_login=" + state + "x"},
		"a name of others":  {"Cookie", "__Host-gatehouse-login=" + state},
		"a huge cookie":     {"Cookie", "gatehouse_login=" + strings.Repeat("x", 9_000)},
		"another browser's": {"Cookie", "gatehouse_login=" + func() string { other.sent(p, "/auth/login", member("bob", "admins")); return other.begun() }()},
	} {
		if a := s.get(back, headers...); a.status != 303 || a.header.Get("Location") != "/login?problem=state" {
			t.Errorf("%s: %v %v", name, a, a.header)
		}
	}
	// Another server on the host may have begun a sign-in too.
	b.cookies["a"], b.cookies["gatehouse_login"] = "b; gatehouse_login=made-up; gatehouse_login="+other.begun()+"; gatehouse_login="+state, "made-up"
	b.to(b.get(back))
	if delete(b.cookies, "a"); b.role() != "admin" {
		t.Fatalf("is %s", b.role())
	}
	// The button that leads back.
	b.cookies["gatehouse_login"] = state
	if a := b.get(back); b.to(a) != "/login?problem=state" || b.role() != "admin" {
		t.Errorf("%v: %s", a, b.role())
	}
}

func TestWhoHasNoRoleIsToldSo(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	const hostile = `<script>alert(1)</script>"' ` + "\u202e"
	nobody := member("nobody", "strangers")
	nobody["preferred_username"] = hostile
	b := s.surfer()
	target := b.to(b.get(b.sent(p, "/auth/login?next=/docs", nobody)))
	page := b.get(target)
	v := viewOf(t, page)
	if page.status != 403 || !contains(v.text(), "Not allowed", "You are known as "+strings.TrimSuffix(hostile, " \u202e"), "have no role here") || strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "\u202e") || b.session() != "" {
		t.Errorf("%v\n%s", page, v.text())
	}
	if out := theAction(t, page, "Sign out"); !strings.HasPrefix(out, p.Issuer()+"/logout?") || !contains(out, "client_id="+logintest.ClientID, url.QueryEscape(publicAddress+"/")) {
		t.Errorf("signs out at %q", out)
	}
	other := theAction(t, page, "Use another account")
	if other != "/auth/login?switch=1&next=%2Fdocs" {
		t.Errorf("another account at %q", other)
	}
	if a := b.get(other); !strings.Contains(a.header.Get("Location"), "prompt=login") {
		t.Errorf("%v", a.header)
	}
	nobody = member("many")
	delete(nobody, "groups")
	nobody["_claim_names"], nobody["_claim_sources"] = map[string]any{"groups": "src1"}, map[string]any{"src1": map[string]any{"endpoint": "https://a.test"}}
	if page := b.get(b.to(b.get(b.sent(p, "/auth/login", nobody)))); page.status != 403 || !strings.Contains(page.body, "sent a link to your groups instead of a list") {
		t.Errorf("%v\n%s", page, s.log.String())
	}
	if log := s.log.String(); !contains(log, "sub:"+p.Issuer()+" nobody has no role") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestTheProviderMayBeDown(t *testing.T) {
	p := logintest.New(t)
	p.Down()
	s := serve(t, oneUser, provided(p))
	b := s.surfer()
	a := b.get("/auth/login?next=/docs%3Fq")
	if a.status != 503 || a.header.Get("Retry-After") != "10" || !strings.Contains(a.body, "cannot be asked at present") || theAction(t, a, "Try again") != "/auth/login?next=/docs%3Fq" || theAction(t, a, "Sign in with a password") != "/login?next=%2Fdocs%3Fq" || b.begun() != "" {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.get("/auth/login"); a.status != 503 || a.body != "the sign-in provider cannot be asked at present; try again\n" {
		t.Errorf("%v", a)
	}
	if log := s.log.String(); !strings.Contains(log, "scheme=oidc") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says\n%s", log)
	}
	if a := s.post("/login", filledIn("admin", rightPassword, "")); a.status != 303 {
		t.Errorf("nobody can sign in with a password: %v", a)
	}
	p.Up()
	deadline := time.Now().Add(time.Minute)
	for b.get("/auth/login").status != 303 {
		if time.Now().After(deadline) {
			t.Fatal("nobody can sign in although the provider is up")
		}
	}
}

func TestWithoutAProviderNothingLeadsThere(t *testing.T) {
	s := serve(t, oneUser)
	for _, request := range [][2]string{{"GET", "/auth/login"}, {"GET", "/auth/callback?code=a&state=b"}, {"POST", "/auth/backchannel"}} {
		if a := s.do(request[0], request[1], "logout_token=x", aForm...); a.status != 404 || strings.Contains(a.body, "Search groupings") {
			t.Errorf("%v", a)
		}
	}
	if a := s.get("/login?problem=role", aBrowser...); a.status != 200 || strings.Contains(a.body, `id="oidc"`) {
		t.Errorf("%v", a)
	}
	if policy := s.get("/login", aBrowser...).header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self'") {
		t.Errorf("%s", policy)
	}
	only := serve(t, func(c setup) { c.onlyScrapes() }, provided(logintest.New(t)))
	for _, target := range []string{"/auth/login", "/auth/callback", "/login"} {
		if a := only.get(target, aBrowser...); a.status != 401 && a.status != 404 || strings.Contains(a.body, "<form") {
			t.Errorf("on the listener for scrapes: %v", a)
		}
	}
}

func TestTheSignInPageOffersWhatThereIs(t *testing.T) {
	p := logintest.New(t)
	for _, test := range []struct {
		name             string
		change           []func(setup)
		provider, passes bool
	}{
		{"both", []func(setup){oneUser, provided(p)}, true, true},
		{"a provider", []func(setup){provided(p)}, true, false},
		{"passwords", []func(setup){oneUser}, false, true},
		{"neither", nil, false, false},
	} {
		a := serve(t, test.change...).get("/login?next=/docs", aBrowser...)
		v := viewOf(t, a)
		if got := strings.Contains(a.body, `id="oidc"`); got != test.provider {
			t.Errorf("%s: offers the provider: %v", test.name, got)
		}
		if got := strings.Contains(a.body, `type="password"`); got != test.passes {
			t.Errorf("%s: asks for a password: %v", test.name, got)
		}
		if got := strings.Contains(v.text(), "OIDC_CLIENT_ID"); got != (!test.provider && !test.passes) {
			t.Errorf("%s: says how to configure it: %v", test.name, got)
		}
	}
}

func TestSigningInElsewhereLeadsToOurOwnPagesOnly(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, below("/pg"), provided(p))
	for next, want := range map[string]string{
		"/pg/groupings?q=%7B%7D": "/pg/groupings?q=%7B%7D", "/pg/metrics/job/a%2Fb": "/pg/metrics/job/a%2Fb",
		"": "/pg/", "/": "/pg/", "/other": "/pg/", "/pgevil": "/pg/", "//evil.example": "/pg/", "/pg//evil.example": "/pg/",
		"/pg/%2fevil.example": "/pg/", `/pg/\evil.example`: "/pg/", "https://evil.example/pg/": "/pg/", "/pg/login": "/pg/", "/pg/auth/callback": "/pg/",
		"/pg/x\r\nSet-Cookie: a=b": "/pg/", "javascript:alert(1)": "/pg/", "/pg/" + strings.Repeat("x", 3_000): "/pg/",
	} {
		b := s.surfer()
		if got := b.to(b.get(b.sent(p, "/pg/auth/login?next="+url.QueryEscape(next), member("ann", "readers")))); got != want {
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
		s := serve(t, externally(test.external), provided(p))
		b := s.surfer()
		a := b.ask("GET", "/auth/login", "", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "Host", "evil.example")
		u, err := url.Parse(a.header.Get("Location"))
		must(t, err)
		if got := u.Query().Get("redirect_uri"); got != test.external+"/auth/callback" {
			t.Errorf("the provider sends people back to %s", got)
		}
		secure := strings.HasPrefix(test.external, "https")
		if k := a.cookie(); k.Name != test.state || k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.Path != "/" || k.MaxAge != 600 {
			t.Errorf("%v", a.header.Values("Set-Cookie"))
		}
		a = b.get(b.sent(p, "/auth/login", member("ann", "readers")))
		var names []string
		for _, k := range (&http.Response{Header: a.header}).Cookies() {
			names = append(names, k.Name)
			if k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.Path != "/" {
				t.Errorf("%v", a.header.Values("Set-Cookie"))
			}
		}
		if want := []string{test.state, test.want}; !slices.Equal(names, want) {
			t.Errorf("sets %v", names)
		}
	}
}

func TestACookieThatSomebodyPlantedIsNotTheSession(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	attacker := s.surfer().signIn(p, member("eve", "readers"))
	planted := attacker.session()
	b := s.surfer()
	b.cookies["gatehouse_session"] = planted
	b.signIn(p, member("ann", "admins"))
	if b.session() == planted || b.role() != "admin" || attacker.role() != "401" {
		t.Errorf("%s, %s", b.role(), attacker.role())
	}
}

func TestSessionsOfTheProviderEnd(t *testing.T) {
	var later atomic.Int64
	p := logintest.New(t)
	s := serve(t, provided(p), func(c setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		c.Store.SessionIdle = time.Hour
	})
	b := s.surfer().signIn(p, member("ann", "readers"))
	idle := s.surfer().signIn(p, member("bob", "readers"))
	for at := time.Duration(0); at < 12*time.Hour-time.Minute; at += 59 * time.Minute {
		if later.Store(int64(at)); b.role() != "reader" {
			t.Fatalf("after %s: %s", at, b.role())
		}
	}
	if idle.role() != "401" {
		t.Error("lasts although nobody uses it")
	}
	if later.Store(int64(12*time.Hour - time.Minute)); b.role() != "reader" {
		t.Errorf("before: %s", b.role())
	}
	if later.Store(int64(12 * time.Hour)); b.role() != "401" {
		t.Errorf("then: %s", b.role())
	}
}

func TestTheOldestOfTooManySessionsEnds(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	var all []*surfer
	for range 21 {
		all = append(all, s.surfer().signIn(p, member("ann", "readers")))
	}
	another := s.surfer().signIn(p, member("bob", "readers"))
	for i, b := range append(all, another) {
		want := "reader"
		if i == 0 {
			want = "401"
		}
		if got := b.role(); got != want {
			t.Errorf("session %d: %s, want %s", i, got, want)
		}
	}
}

func TestOneIsTheSameByTokenAndBySession(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	bearer := func(who map[string]any) []string { return []string{"Authorization", "Bearer " + p.Fake.Token(who)} }
	ann, bob := member("ann", "pushers"), member("bob", "pushers")
	bob["preferred_username"] = "ann" // whoever chooses the name is still another
	s.put("/metrics/job/x", "a 1\n", bearer(ann)...)
	if a := s.do("DELETE", "/metrics/job/x", "", bearer(ann)...); a.status != 202 {
		t.Fatalf("%v", a)
	}
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryDelete}, Limit: 1})
	must(t, err)
	undo := "/undo/" + entries[0].Operation
	if a := s.surfer().signIn(p, bob).post(undo, ""); a.status != 403 {
		t.Errorf("somebody else of the same name: %v", a)
	}
	if a := s.surfer().signIn(p, ann).post(undo, ""); a.status != 200 {
		t.Errorf("the same person: %v", a)
	}
	s.wantGroupings(`{job="x"}`)
}

func TestTheIDTokenIsSealedInTheStore(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	b := s.surfer().signIn(p, member("ann", "readers"))
	x, ok := s.store.Session(b.session())
	if !ok || len(x.Extra) < 100 || bytes.Contains(x.Extra, []byte("eyJ")) || x.Provider != "sid-of-ann" || x.Scheme != "oidc" {
		t.Errorf("%+v", x)
	}
	// What belongs to another session can't be opened.
	x.Extra = append([]byte{}, x.Extra...)
	must(t, s.store.CreateSession(t.Context(), "another", x))
	b.cookies["gatehouse_session"] = "another"
	if query := leadsOn(t, b.post("/auth/logout", "")).Query(); query.Get("client_id") != logintest.ClientID || query.Has("id_token_hint") {
		t.Errorf("%v", query)
	}
}

func TestAProviderWithoutSigningOutIsLeftAlone(t *testing.T) {
	p := logintest.New(t)
	p.Describe("end_session_endpoint", "")
	s := serve(t, provided(p))
	b := s.surfer().signIn(p, member("ann", "readers"))
	if a := b.post("/auth/logout", ""); b.to(a) != "/" || b.session() != "" {
		t.Errorf("%v", a)
	}
	page := b.get(b.to(b.get(b.sent(p, "/auth/login", member("nobody")))))
	if strings.Contains(page.body, "Sign out") {
		t.Errorf("%v", page)
	}
}

func TestNobodyIsSignedInElsewhereWhileTheStoreIsDown(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	b := s.surfer()
	back := b.sent(p, "/auth/login?next=/docs", member("ann", "readers"))
	s.journal.fail(store.ErrUnavailable)
	target := b.to(b.get(back))
	if page := b.get(target); target != "/login?next=%2Fdocs&problem=store" || page.status != 503 || page.header.Get("Retry-After") == "" || b.session() != "" || theAction(t, page, "Try again") != "/auth/login?next=%2Fdocs" {
		t.Errorf("%s: %v", target, page)
	}
}

func TestASessionWithoutRulesThatGaveItIsOver(t *testing.T) {
	p := logintest.New(t)
	s := serve(t, provided(p))
	must(t, s.store.CreateSession(t.Context(), "old", auth.Session{
		Scheme: "oidc", ID: "sub:" + p.Issuer() + " ann", Name: "ann", Role: auth.Admin, Credential: []byte("other rules"),
		Created: time.Now(), LastUsed: time.Now(), Expires: time.Now().Add(time.Hour),
	}))
	b := s.surfer()
	if b.cookies["gatehouse_session"] = "old"; b.role() != "401" {
		t.Errorf("is %s", b.role())
	}
}

func FuzzSignInCallback(f *testing.F) {
	p := logintest.New(f)
	s := serve(f, provided(p))
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
		s.t = t
		a := s.get("/auth/callback?"+q.Encode(), "Cookie", cookie)
		if a.status != 303 || a.header.Get("Location") != "/login?problem=state" {
			t.Errorf("%v %v", a, a.header)
		}
	})
}
