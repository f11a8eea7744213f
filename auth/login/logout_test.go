package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

func TestABrowserSignsOutAtTheProvider(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	person := x.mustSignIn()
	address := x.LogoutURL(t.Context(), person.IDToken, "https://gatehouse.example/login")
	resp, err := issuer.NewClient(nil).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "https://gatehouse.example/login" {
		t.Errorf("got %s, %v", resp.Status, resp.Header)
	}
	if got := p.Leavers(); len(got) != 1 || got[0].Get("id_token_hint") != person.IDToken {
		t.Errorf("got %v", got)
	}
}

func TestTheAddressToSignOut(t *testing.T) {
	const back = "https://gatehouse.example/"
	for _, c := range []struct {
		sentence, endpoint, token, back string
		want                            url.Values
	}{
		{"with the token", "https://a.example/out", "t.t.t", back, url.Values{"id_token_hint": {"t.t.t"}, "post_logout_redirect_uri": {back}}},
		{"with our name if there is no token", "https://a.example/out", "", back, url.Values{"client_id": {logintest.ClientID}, "post_logout_redirect_uri": {back}}},
		{"with a token of many groups", "https://a.example/out", strings.Repeat("t", 8<<10), "", url.Values{"id_token_hint": {strings.Repeat("t", 8<<10)}}},
		{"or if it is too long for an address", "https://a.example/out", strings.Repeat("t", 8<<10+1), "", url.Values{"client_id": {logintest.ClientID}}},
		{"with what the endpoint has", "https://a.example/out?p=b%26c", "t", "", url.Values{"p": {"b&c"}, "id_token_hint": {"t"}}},
		{"there is none", "", "t", back, nil},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			if p.Describe("end_session_endpoint", c.endpoint); c.endpoint == "" {
				p.Describe("end_session_endpoint", issuertest.Drop)
			}
			got := newTrial(t, p).LogoutURL(t.Context(), c.token, c.back)
			if c.want == nil {
				if got != "" {
					t.Errorf("got %q", got)
				}
				return
			}
			u, err := url.Parse(got)
			if err != nil || !strings.HasPrefix(got, "https://a.example/out?") || u.RawQuery != c.want.Encode() {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestThereIsNoAddressToSignOutWhileTheProviderIsDown(t *testing.T) {
	p := logintest.New(t)
	p.Down()
	if got := newTrial(t, p).LogoutURL(t.Context(), "", ""); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestALogoutTokenNamesAUserOrASession(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.Rules.Required = map[string]string{"hd": "example.com"} })
	alice := "sub:" + p.Issuer() + " alice"
	for _, c := range []struct {
		sentence string
		claims   map[string]any
		signing  []issuertest.Option
		want     login.Logout
	}{
		{"a user", nil, nil, login.Logout{ID: alice}},
		{"a session", map[string]any{"sub": issuertest.Drop, "sid": "s1"}, nil, login.Logout{ProviderSession: "s1"}},
		{"a session of a user", map[string]any{"sid": "s1"}, nil, login.Logout{ID: alice, ProviderSession: "s1"}},
		{"in a plain JWT", nil, []issuertest.Option{issuertest.WithHeader("typ", "JWT")}, login.Logout{ID: alice}},
		{"in a JWT without typ", nil, []issuertest.Option{issuertest.WithHeader("typ", issuertest.Drop)}, login.Logout{ID: alice}},
		{"for several clients", map[string]any{"aud": []string{"other", logintest.ClientID}}, nil, login.Logout{ID: alice}},
		{"four minutes ago", map[string]any{"iat": time.Now().Add(-4 * time.Minute).Unix()}, nil, login.Logout{ID: alice}},
		{"five minutes ago, by a clock that is behind", map[string]any{"iat": time.Now().Add(-5*time.Minute - 20*time.Second).Unix()}, nil, login.Logout{ID: alice}},
		{"by a clock that is ahead", map[string]any{"iat": time.Now().Add(20 * time.Second).Unix()}, nil, login.Logout{ID: alice}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := x.VerifyLogout(t.Context(), p.LogoutToken(c.claims, c.signing...))
			if err != nil {
				t.Fatal(err, cause(err))
			}
			// The moment is that of the token, but for what clocks may be off.
			iat, given := c.claims["iat"].(int64)
			if latest := time.Unix(iat, 0).Add(time.Minute); got.At.After(x.Now()) || given && got.At.After(latest) || x.Now().Sub(got.At) > 5*time.Minute {
				t.Errorf("got %v", got.At)
			}
			got.At = time.Time{}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestALogoutTokenThatIsNotOneIsRefused(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	now := time.Now()
	event := func(v any) map[string]any {
		return map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": v}}
	}
	one := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for _, c := range []struct {
		sentence string
		claims   map[string]any
		signing  []issuertest.Option
		cause    string
	}{
		{"a nonce, as ID tokens have", one("nonce", "n"), nil, "nonce"},
		{"a nonce of null", one("nonce", nil), nil, "nonce"},
		{"no events", one("events", issuertest.Drop), nil, "events"},
		{"other events", one("events", map[string]any{"x": map[string]any{}}), nil, "events"},
		{"an event that is no object", event("x"), nil, "events"},
		{"an event of null", event(nil), nil, "events"},
		{"events in other letters", map[string]any{"events": issuertest.Drop, "Events": event(map[string]any{})["events"]}, nil, "events"},
		{"nobody", one("sub", issuertest.Drop), nil, "neither"},
		{"a user whose name is a number", one("sub", 1), nil, "neither"},
		{"a session without end", map[string]any{"sub": issuertest.Drop, "sid": strings.Repeat("s", 2000)}, nil, "neither"},
		{"no jti", one("jti", issuertest.Drop), nil, "jti"},
		{"no iat", one("iat", issuertest.Drop), nil, "iat"},
		{"made six minutes ago", one("iat", now.Add(-6*time.Minute).Unix()), nil, "5 minutes ago"},
		{"made in a minute", one("iat", now.Add(time.Minute).Unix()), nil, "iat"},
		{"expired", one("exp", now.Add(-time.Minute).Unix()), nil, "exp"},
		{"no exp", one("exp", issuertest.Drop), nil, "exp"},
		{"for another client", one("aud", "other"), nil, "aud"},
		{"of another issuer", one("iss", "https://evil.example"), nil, "iss"},
		{"an access token", nil, []issuertest.Option{issuertest.WithHeader("typ", "at+jwt")}, "typ"},
		{"signed by nobody", nil, []issuertest.Option{issuertest.WithAlg("none")}, "as it has to be"},
		{"signed with the public key", nil, []issuertest.Option{issuertest.WithAlg("HS256")}, "as it has to be"},
		{"signed by another", nil, []issuertest.Option{issuertest.WithKey(p.Foreign())}, "signature"},
		{"critical extensions", nil, []issuertest.Option{issuertest.WithHeader("crit", []string{"b64"})}, "critical"},
		{"very long", one("x", strings.Repeat("x", 16<<10)), nil, "too long"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := x.VerifyLogout(t.Context(), p.LogoutToken(c.claims, c.signing...))
			want(t, err, login.ErrLogoutToken, c.cause)
			if got != (login.Logout{}) {
				t.Errorf("got %+v", got)
			}
		})
	}
	_, err := x.VerifyLogout(t.Context(), x.mustSignIn().IDToken)
	want(t, err, login.ErrLogoutToken, "events")
}

func TestALogoutTokenIsGoodForOnce(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	token := p.LogoutToken(nil)
	if _, err := x.VerifyLogout(t.Context(), token); err != nil {
		t.Fatal(err, cause(err))
	}
	x.pass(time.Minute)
	_, err := x.VerifyLogout(t.Context(), token)
	want(t, err, login.ErrLogoutToken, "used before")
}

func TestALogoutTokenThatCannotBeCheckedIsNotUsedUp(t *testing.T) {
	p := logintest.New(t)
	p.Down()
	x := newTrial(t, p)
	token := p.LogoutToken(nil)
	_, err := x.VerifyLogout(t.Context(), token)
	want(t, err, login.ErrUnavailable, "")
	p.Up()
	x.pass(10 * time.Second)
	if _, err := x.VerifyLogout(t.Context(), token); err != nil {
		t.Error(err, cause(err))
	}
}

func TestForgedLogoutTokensCostFewRequests(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	for range 100 {
		_, err := x.VerifyLogout(t.Context(), p.LogoutToken(nil, issuertest.WithKid("forged")))
		want(t, err, login.ErrLogoutToken, "no key")
	}
	if got := len(p.Requests()); got != 2 {
		t.Errorf("got %d requests", got)
	}
}
