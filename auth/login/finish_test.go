package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

func TestAnAnswerThatIsNotOneIsRefused(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	other := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.ClientID = "another" })
	elsewhere := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.RedirectURL = "https://other.example/auth/callback" })
	stranger := newTrial(t, p, func(o *login.Options, _ *issuer.Options) {
		o.Secret = func(context.Context) ([]byte, error) { return []byte(strings.Repeat("x", 32)), nil }
	})
	set := func(name string, values ...string) func(*string, url.Values) {
		return func(_ *string, query url.Values) { query[name] = values }
	}
	without := func(name string) func(*string, url.Values) {
		return func(_ *string, query url.Values) { query.Del(name) }
	}
	sealedBy := func(x *trial) func(*string, url.Values) {
		return func(state *string, _ url.Values) {
			d, err := x.Begin(t.Context(), "/", false)
			if err != nil {
				t.Fatal(err, cause(err))
			}
			*state = d.State
		}
	}
	for _, c := range []struct {
		sentence string
		change   func(state *string, query url.Values)
		reason   error
		cause    string
	}{
		{"no state in the browser", func(s *string, _ url.Values) { *s = "" }, login.ErrState, "brought no state"},
		{"junk in the browser", func(s *string, _ url.Values) { *s = "%%%" }, login.ErrState, "sealed"},
		{"a very long state", func(s *string, _ url.Values) { *s = strings.Repeat("A", 1<<20) }, login.ErrState, "sealed"},
		{"a short state", func(s *string, _ url.Values) { *s = "AAAA" }, login.ErrState, "sealed"},
		{"one bit changed", func(s *string, _ url.Values) { *s = flip(*s) }, login.ErrState, "sealed"},
		{"the state of another sign-in", sealedBy(x), login.ErrState, "not that of the browser"},
		{"the state of another client", sealedBy(other), login.ErrState, "sealed"},
		{"the state of another address", sealedBy(elsewhere), login.ErrState, "sealed"},
		{"the state of another server", sealedBy(stranger), login.ErrState, "sealed"},
		{"no state in the query", without("state"), login.ErrState, "not that of the browser"},
		{"an empty state in the query", set("state", ""), login.ErrState, "not that of the browser"},
		{"another state in the query", set("state", strings.Repeat("A", 43)), login.ErrState, "not that of the browser"},
		{"two states", func(_ *string, q url.Values) { q.Add("state", q.Get("state")) }, login.ErrState, "twice"},
		{"two codes", func(_ *string, q url.Values) { q.Add("code", "x") }, login.ErrState, "twice"},
		{"two issuers", func(_ *string, q url.Values) { q.Add("iss", q.Get("iss")) }, login.ErrState, "twice"},
		{"another issuer", set("iss", "https://evil.example"), login.ErrState, "iss"},
		{"another spelling of the issuer", set("iss", p.Issuer()+"/"), login.ErrState, "iss"},
		{"an empty issuer", set("iss", ""), login.ErrState, "iss"},
		{"no issuer where it has to be", without("iss"), login.ErrState, "iss"},
		{"an error of another issuer", func(_ *string, q url.Values) {
			q.Set("iss", "https://evil.example")
			q.Set("error", "access_denied")
		}, login.ErrState, "iss"},
		{"no code", without("code"), login.ErrState, "no code"},
		{"an error", set("error", "access_denied"), login.ErrDeclined, "access_denied"},
		{"an empty error", set("error", ""), login.ErrDeclined, ""},
		{"an error that is none", set("error", "<script>alert(1)</script>"), login.ErrDeclined, "none of the standard"},
		{"an error without end", set("error", strings.Repeat("a", 65)), login.ErrDeclined, "none of the standard"},
		{"a code that was never given", set("code", "stolen"), login.ErrExchange, "status 400, invalid_grant"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d, query := x.begin("/status")
			c.change(&d.State, query)
			person, next, err := x.Finish(t.Context(), []string{d.State}, query)
			want(t, err, c.reason, c.cause)
			if lost := next == "" && errors.Is(c.reason, login.ErrState); person != (login.Person{}) || next != "/status" && !lost {
				t.Errorf("got %+v, %q", person, next)
			}
		})
	}
}

// flip changes the last bit of a sealed state that counts.
func flip(s string) string {
	last := byte('A')
	if s[0] == last {
		last = 'B'
	}
	return string(last) + s[1:]
}

func TestAProviderMayOmitItsIssuer(t *testing.T) {
	p := logintest.New(t)
	p.Describe("authorization_response_iss_parameter_supported", issuertest.Drop)
	p.Callback = func(query url.Values) { query.Del("iss") }
	x := newTrial(t, p)
	x.mustSignIn()
	p.Callback = func(query url.Values) { query.Set("iss", "https://evil.example") }
	_, err := x.signIn()
	want(t, err, login.ErrState, "iss")
}

func TestAStateIsGoodForTenMinutes(t *testing.T) {
	p := logintest.New(t)
	p.IDToken = map[string]any{"exp": time.Now().Add(time.Hour).Unix()}
	x := newTrial(t, p)
	d, query := x.begin("/")
	x.pass(10*time.Minute - time.Second)
	late, lateQuery := x.begin("/")
	if _, _, err := x.Finish(t.Context(), []string{d.State}, query); err != nil {
		t.Error(err, cause(err))
	}
	x.pass(10*time.Minute + time.Second)
	_, _, err := x.Finish(t.Context(), []string{late.State}, lateQuery)
	want(t, err, login.ErrState, "expired")
}

func TestAStateIsGoodForOnce(t *testing.T) {
	p := logintest.New(t)
	x, replica := newTrial(t, p), newTrial(t, p)
	d, query := x.begin("/")
	if _, _, err := x.Finish(t.Context(), []string{d.State}, query); err != nil {
		t.Fatal(err, cause(err))
	}
	_, _, err := x.Finish(t.Context(), []string{d.State}, query)
	want(t, err, login.ErrState, "used before")
	// Another replica doesn't know, but the provider does.
	_, _, err = replica.Finish(t.Context(), []string{d.State}, query)
	want(t, err, login.ErrExchange, "invalid_grant")
}

func TestAReplicaFinishesWhatAnotherBegan(t *testing.T) {
	p := logintest.New(t)
	d, query := newTrial(t, p).begin("/status")
	if _, next, err := newTrial(t, p).Finish(t.Context(), []string{d.State}, query); err != nil || next != "/status" {
		t.Error(next, err, cause(err))
	}
}

func TestACodeOfAnotherSignInIsOfNoUse(t *testing.T) {
	x := newTrial(t, logintest.New(t))
	_, theirs := x.begin("/")
	d, query := x.begin("/")
	query.Set("code", theirs.Get("code"))
	_, _, err := x.Finish(t.Context(), []string{d.State}, query)
	want(t, err, login.ErrExchange, "invalid_grant") // the verifier is another one
}

func TestOnlyLocalPathsAreComeBackTo(t *testing.T) {
	x := newTrial(t, logintest.New(t))
	for next, want := range map[string]string{
		"":                               "/",
		"/":                              "/",
		"/push":                          "/push",
		"/groupings/x?q=%22&a=b":         "/groupings/x?q=%22&a=b",
		"//evil.example":                 "/",
		`/\evil.example`:                 "/",
		"https://evil.example":           "/",
		"/a\nb":                          "/",
		"/a\r\nSet-Cookie: x":            "/",
		"/auth/login":                    "/",
		"/login":                         "/",
		"/%2e%2e/evil":                   "/",
		"javascript:alert(1)":            "/",
		"/" + strings.Repeat("a", 1023):  "/" + strings.Repeat("a", 1023),
		"/" + strings.Repeat("a", 1024):  "/",
		"/?" + strings.Repeat(`"`, 1022): "/?" + strings.Repeat(`"`, 1022),
	} {
		d, query := x.begin(next)
		if len(d.State) > 2<<10 {
			t.Errorf("%.40q: the state has %d bytes", next, len(d.State))
		}
		if _, got, err := x.Finish(t.Context(), []string{d.State}, query); got != want {
			t.Errorf("%.40q: got %.40q, %v", next, got, err)
		}
	}
}

func TestTheStateOfASignInIsFoundAmongOthers(t *testing.T) {
	x := newTrial(t, logintest.New(t))
	first, query := x.begin("/first")
	second, _ := x.begin("/second")
	for _, test := range []struct {
		name   string
		states []string
		want   string // of the error; empty: none
	}{
		{"none", nil, "brought no state"},
		{"empty ones", []string{"", ""}, "brought no state"},
		{"another one", []string{second.State}, "not that of the browser"},
		{"another one and junk", []string{second.State, "junk"}, "not one that was sealed here"},
		{"it comes last", []string{"", "junk", strings.Repeat("A", 9<<10), second.State, first.State}, ""},
		{"it was used", []string{first.State, second.State}, "used before"},
	} {
		_, next, err := x.Finish(t.Context(), test.states, query)
		if err == nil != (test.want == "") || err != nil && (!errors.Is(err, login.ErrState) || !strings.Contains(fmt.Sprint(cause(err)), test.want)) || err == nil && next != "/first" {
			t.Errorf("%s: leads to %q, %v: %v", test.name, next, err, cause(err))
		}
	}
}

func TestAnIDTokenThatIsNotForThisSignInIsRefused(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	claims := func(more map[string]any) func() { return func() { p.IDToken = more } }
	one := func(name string, value any) func() { return claims(map[string]any{name: value}) }
	signed := func(options ...issuertest.Option) func() { return func() { p.Signing = options } }
	now := time.Now().Unix()
	for _, c := range []struct {
		sentence string
		lie      func()
		cause    string
	}{
		{"none at all", func() { p.NoIDToken = true }, "no ID token"},
		{"nonce of another", one("nonce", "other"), "nonce"},
		{"no nonce", one("nonce", issuertest.Drop), "nonce"},
		{"a nonce that is a list", one("nonce", []string{"x"}), "nonce"},
		{"aud of another", one("aud", "other"), "aud"},
		{"no aud", one("aud", issuertest.Drop), "aud"},
		{"aud empty", one("aud", []string{}), "aud"},
		{"several aud without azp", one("aud", []string{logintest.ClientID, "other"}), "azp"},
		{"azp of another", one("azp", "other"), "azp"},
		{"azp no string", one("azp", []string{logintest.ClientID}), "azp"},
		{"azp of another among several aud", claims(map[string]any{"aud": []string{logintest.ClientID, "other"}, "azp": "other"}), "azp"},
		{"iss of another", one("iss", "https://evil.example"), "iss"},
		{"iss with a slash more", one("iss", p.Issuer()+"/"), "iss"},
		{"no iss", one("iss", issuertest.Drop), "iss"},
		{"expired", one("exp", now-31), "exp"},
		{"no exp", one("exp", issuertest.Drop), "exp"},
		{"an exp of zero", one("exp", 0), "exp"},
		{"an exp in a century", one("exp", now+100*365*86400), "exp"},
		{"not yet good", one("nbf", now+60), "nbf"},
		{"made in the future", one("iat", now+40), "iat"},
		{"no iat", one("iat", issuertest.Drop), "iat"},
		{"no sub", one("sub", issuertest.Drop), "sub"},
		{"an empty sub", one("sub", ""), "sub"},
		{"a very long sub", one("sub", strings.Repeat("a", 2000)), "sub"},
		{"an at_hash of another", one("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"},
		{"an empty at_hash", one("at_hash", ""), "at_hash"},
		{"alg none", signed(issuertest.WithAlg("none")), "as it has to be"},
		{"HS256 with the public key", signed(issuertest.WithAlg("HS256")), "as it has to be"},
		{"HS256 with the secret of the client", signed(issuertest.WithAlg("HS256"), issuertest.WithKey([]byte(logintest.ClientSecret))), "as it has to be"},
		{"an algorithm that the provider doesn't use", signed(issuertest.WithAlg("ES384")), "as it has to be"},
		{"a foreign key", signed(issuertest.WithKey(p.Foreign())), "signature"},
		{"a foreign kid", signed(issuertest.WithKid("other")), "no key"},
		{"no kid among several keys", signed(issuertest.WithoutKid()), "no key"},
		{"an access token", signed(issuertest.WithHeader("typ", "at+jwt")), "typ"},
		{"a logout token", signed(issuertest.WithHeader("typ", "logout+jwt")), "typ"},
		{"a typ that is no string", signed(issuertest.WithHeader("typ", 1)), "typ"},
		{"critical extensions", signed(issuertest.WithHeader("crit", []string{"exp"})), "critical"},
		{"claims given twice", signed(issuertest.WithPayload(`{"sub":"a","sub":"b"}`)), "twice"},
		{"claims that are none", signed(issuertest.WithPayload(`[]`)), "JSON object"},
		{"headers given twice", signed(issuertest.WithRawHeader(`{"alg":"RS256","alg":"none"}`)), "twice"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			c.lie()
			defer func() { p.IDToken, p.Signing, p.NoIDToken = nil, nil, false }()
			person, err := x.signIn()
			want(t, err, login.ErrToken, c.cause)
			if person != (login.Person{}) {
				t.Errorf("got %+v", person)
			}
		})
	}
	x.mustSignIn() // the last word
}

func TestAnIDTokenMayBeUnusual(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	now := time.Now().Unix()
	for _, c := range []struct {
		sentence string
		claims   map[string]any
		signing  []issuertest.Option
	}{
		{"several aud with our azp", map[string]any{"aud": []string{"other", logintest.ClientID}, "azp": logintest.ClientID}, nil},
		{"one aud in a list", map[string]any{"aud": []string{logintest.ClientID}}, nil},
		{"one aud, and azp", map[string]any{"azp": logintest.ClientID}, nil},
		{"expired just now, by a clock that is off", map[string]any{"exp": now - 20}, nil},
		{"from a clock that is ahead", map[string]any{"iat": now + 20, "nbf": now + 20}, nil},
		{"no at_hash", map[string]any{"at_hash": issuertest.Drop}, nil},
		{"ES256", map[string]any{"at_hash": issuertest.Drop}, []issuertest.Option{issuertest.WithAlg("ES256")}},
		{"EdDSA", map[string]any{"at_hash": issuertest.Drop}, []issuertest.Option{issuertest.WithAlg("EdDSA")}},
		{"no typ", nil, []issuertest.Option{issuertest.WithHeader("typ", issuertest.Drop)}},
		{"typ in other letters", nil, []issuertest.Option{issuertest.WithHeader("typ", "application/jwt")}},
		{"moments with fractions", map[string]any{"iat": float64(now) - 0.5, "exp": float64(now) + 100.5}, nil},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p.IDToken, p.Signing = c.claims, c.signing
			x.mustSignIn()
		})
	}
}

func TestRequiredClaimsAreRequired(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) {
		o.Rules.Required = map[string]string{"hd": "example.com", "email_verified": "true"}
	})
	for _, c := range []struct {
		hd       any
		verified any
		ok       bool
	}{
		{"example.com", true, true},
		{"example.com", "true", true},
		{"example.com", false, false},
		{"example.com", "false", false},
		{"evil.example", true, false},
		{issuertest.Drop, true, false},
	} {
		p.IDToken = map[string]any{"hd": c.hd, "email_verified": c.verified}
		if _, err := x.signIn(); (err == nil) != c.ok {
			t.Errorf("hd %v, email_verified %v: got %v (%v)", c.hd, c.verified, err, cause(err))
		} else if !c.ok {
			want(t, err, login.ErrToken, "required")
		}
	}
}

func TestTheRulesOfBearerTokensDoNotAddAudiences(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) {
		o.Rules.Issuer, o.Rules.Audiences = "https://other.example", []string{"api"}
	})
	x.mustSignIn()
	p.IDToken = map[string]any{"aud": "api"}
	_, err := x.signIn()
	want(t, err, login.ErrToken, "aud")
}

func TestTheClientAuthenticatesAsTheProviderWants(t *testing.T) {
	for _, c := range []struct {
		sentence string
		set      func(*logintest.Provider)
		secret   string
		ok       bool
	}{
		{"in a header if nothing is said", func(*logintest.Provider) {}, logintest.ClientSecret, true},
		{"in a header if both will do", func(p *logintest.Provider) {
			// It says so, but takes the header alone.
			p.Describe("token_endpoint_auth_methods_supported", []string{"client_secret_post", "client_secret_basic"})
		}, logintest.ClientSecret, true},
		{"in the form if nothing else will do", func(p *logintest.Provider) { p.SetAuthMethods("client_secret_post", "private_key_jwt") }, logintest.ClientSecret, true},
		{"not with a wrong secret", func(*logintest.Provider) {}, "wrong", false},
		{"without a secret if there is none", func(p *logintest.Provider) { p.Public = true }, "", true},
		{"but only where none is needed", func(*logintest.Provider) {}, "", false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			c.set(p)
			x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.ClientSecret = c.secret })
			_, err := x.signIn()
			if c.ok && err != nil {
				t.Error(err, cause(err))
			}
			if !c.ok {
				want(t, err, login.ErrExchange, "status 401, invalid_client")
			}
			asked := 0
			for _, path := range p.Requests() {
				if path == "/token" {
					asked++
				}
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func TestWithoutASecretNothingIsSealed(t *testing.T) {
	for _, c := range []struct {
		sentence string
		secret   []byte
		err      error
		cause    string
	}{
		{"the store is down", nil, errors.New("no store"), "no store"},
		{"the secret is too short", make([]byte, 31), nil, "too short"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			d, query := newTrial(t, p).begin("/")
			x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) {
				o.Secret = func(context.Context) ([]byte, error) { return c.secret, c.err }
			})
			_, err := x.Begin(t.Context(), "/", false)
			want(t, err, login.ErrUnavailable, c.cause)
			_, _, err = x.Finish(t.Context(), []string{d.State}, query)
			want(t, err, login.ErrUnavailable, c.cause)
		})
	}
}

func TestEverybodyMayBeLetIn(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.Rules = jwt.ClaimRules{DefaultRole: auth.Admin} })
	if got := x.mustSignIn(); got.Role != auth.Admin {
		t.Errorf("got %+v", got)
	}
}
