package access

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/app/e2e/harness"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login/logintest"
)

// atFake makes a server at which people sign in with a provider that lies.
func atFake(t *testing.T, p *logintest.Provider) *harness.Site {
	t.Helper()
	s := harness.NewSite(t, []string{"OIDC_CLIENT_ID=" + logintest.ClientID, "OIDC_CLIENT_SECRET=" + logintest.ClientSecret, "OIDC_ISSUER=" + p.Issuer()}, harness.RoleMap)
	s.Args = append(s.Args, "--web.external-url="+s.Origin, "--log.level=debug")
	harness.KeepSecret("a client's secret", logintest.ClientSecret)
	return s.Start(t)
}

// idClaims are claims that a token has instead of the right ones.
type idClaims = map[string]any

// lies are forgeries of a provider, or of somebody in between, and the status
// of the page that people get then.
func lies(t *testing.T) map[string]struct {
	lie    func(*logintest.Provider)
	status int
} {
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	harness.Must(t, err)
	type lie = struct {
		lie    func(*logintest.Provider)
		status int
	}
	claims := func(c idClaims) lie { return lie{func(p *logintest.Provider) { p.IDToken = c }, 403} }
	signed := func(o ...issuertest.Option) lie { return lie{func(p *logintest.Provider) { p.Signing = o }, 403} }
	tokens := func(m logintest.Mode) lie { return lie{func(p *logintest.Provider) { p.Token = m }, 502} }
	return map[string]lie{
		"another nonce":                  claims(idClaims{"nonce": "another"}),
		"no nonce":                       claims(idClaims{"nonce": issuertest.Drop}),
		"another issuer":                 claims(idClaims{"iss": "https://evil.example"}),
		"another audience":               claims(idClaims{"aud": "another"}),
		"two audiences":                  claims(idClaims{"aud": []string{logintest.ClientID, "another"}}),
		"another party":                  claims(idClaims{"aud": []string{logintest.ClientID, "another"}, "azp": "another"}),
		"over":                           claims(idClaims{"exp": time.Now().Add(-time.Hour).Unix()}),
		"no end":                         claims(idClaims{"exp": issuertest.Drop}),
		"nobody":                         claims(idClaims{"sub": issuertest.Drop}),
		"no signature":                   signed(issuertest.WithAlg("none")),
		"the public key as a secret":     signed(issuertest.WithAlg("HS256")),
		"a foreign key under a known id": signed(issuertest.WithKey(foreign)),
		"a token for a logout":           signed(issuertest.WithHeader("typ", "logout+jwt")),
		"no JSON":                        signed(issuertest.WithPayload("alert(1)")),
		"no ID token":                    {func(p *logintest.Provider) { p.NoIDToken = true }, 403},
		"the groups of another": {func(p *logintest.Provider) {
			p.Withheld, p.UserinfoClaims = []string{"groups"}, idClaims{"sub": "another"}
		}, 403},
		"an error":                       tokens(logintest.ServerError),
		"a refusal":                      tokens(logintest.Refuse),
		"a page":                         tokens(logintest.HTML),
		"a redirect":                     tokens(logintest.Redirect),
		"no end of the answer":           tokens(logintest.Huge),
		"no":                             {func(p *logintest.Provider) { p.Decline = "access_denied" }, 403},
		"another issuer on the way back": {func(p *logintest.Provider) { p.Callback = func(q url.Values) { q.Set("iss", "https://evil.example") } }, 400},
	}
}

func TestALyingProviderSignsNobodyInAndItsLiesAreNotRepeated(t *testing.T) {
	t.Parallel()
	p := logintest.New(t)
	p.Person = map[string]any{"sub": "u1", "preferred_username": "alice", "groups": []string{"admins"}}
	s := atFake(t, p)
	for name, test := range lies(t) {
		p.IDToken, p.Signing, p.NoIDToken, p.Withheld, p.UserinfoClaims = nil, nil, false, nil, nil
		p.Decline, p.Callback, p.Token, p.Userinfo = "", nil, logintest.OK, logintest.OK
		test.lie(p)
		v := harness.NewVisitor(t)
		a := v.Open(s.At("/auth/login?next=/"))
		if a.Status != test.status || !strings.Contains(a.Body, "<h1") || v.Session(s) != "" {
			t.Errorf("%s: %v at %v with session %q, want a page with status %d and no session", name, a.Answer, a.At, v.Session(s), test.status)
		}
		told := []string{logintest.ClientSecret, url.QueryEscape(logintest.ClientSecret), "alert(1)", "code_verifier", "no luck"}
		for _, sent := range p.SentBack() {
			told = append(told, sent.Get("state"), sent.Get("code"))
		}
		for _, text := range told {
			if text != "" && strings.Contains(a.At.String()+a.Body+fmt.Sprint(a.Header)+s.Log.String(), text) {
				t.Errorf("%s: %q is in the page, in its address %s or in the log", name, text, a.At)
			}
		}
	}
	for _, request := range p.Requests() {
		if strings.Contains(request, "moved") {
			t.Errorf("a redirect was followed: %s", request)
		}
	}
}

func TestOnlyTheProviderEndsSessionsBehindTheBack(t *testing.T) {
	t.Parallel()
	p := logintest.New(t)
	p.Person = map[string]any{"sub": "u1", "sid": "s1", "preferred_username": "alice", "groups": []string{"admins"}}
	s := atFake(t, p)
	v := harness.NewVisitor(t)
	if a := v.Open(s.At("/auth/login?next=/account")); a.Status != 200 || a.At.Path != "/account" {
		t.Fatalf("%v at %v", a.Answer, a.At)
	}
	session := v.Session(s)
	send := func(token string) harness.Answer {
		t.Helper()
		return s.Do("POST", "/auth/backchannel", "logout_token="+token, "Content-Type", "application/x-www-form-urlencoded")
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	harness.Must(t, err)
	for name, token := range map[string]string{
		"nothing":            "",
		"no token":           "x.y.z",
		"an ID token":        p.Fake.Token(idClaims{"aud": logintest.ClientID, "sub": "u1"}),
		"a nonce":            p.LogoutToken(idClaims{"nonce": "n"}),
		"another audience":   p.LogoutToken(idClaims{"aud": "another"}),
		"another issuer":     p.LogoutToken(idClaims{"iss": "https://evil.example"}),
		"a foreign key":      p.LogoutToken(nil, issuertest.WithKey(foreign)),
		"no signature":       p.LogoutToken(nil, issuertest.WithAlg("none")),
		"no event":           p.LogoutToken(idClaims{"events": issuertest.Drop}),
		"over":               p.LogoutToken(idClaims{"exp": time.Now().Add(-time.Hour).Unix()}),
		"nobody's":           p.LogoutToken(idClaims{"sub": issuertest.Drop}),
		"of the distant day": p.LogoutToken(idClaims{"iat": time.Now().Add(-48 * time.Hour).Unix(), "exp": time.Now().Add(-47 * time.Hour).Unix()}),
	} {
		if a := send(token); a.Status != 400 || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v (Cache-Control: %s), want 400", name, a, a.Header.Get("Cache-Control"))
		}
	}
	if a := send(p.LogoutToken(idClaims{"sub": "u2", "sid": "s2"})); a.Status != 200 {
		t.Errorf("for another person: %v", a)
	}
	if status := statusWith(s, session); status != 200 {
		t.Fatalf("the session gives %d", status)
	}
	good := p.LogoutToken(idClaims{"sid": "s1"})
	if a := send(good); a.Status != 200 {
		t.Errorf("the right one: %v", a)
	}
	if status := statusWith(s, session); status != 401 {
		t.Errorf("then the session gives %d", status)
	}
	if a := send(good); a.Status != 400 {
		t.Errorf("the same again: %v, want 400", a)
	}
}
