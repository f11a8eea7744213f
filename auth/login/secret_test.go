package login_test

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

// TestNoErrorHoldsASecret makes everything fail that can, with a provider that
// repeats in its answers what it was sent, and reads the log and the messages
// for people.
func TestNoErrorHoldsASecret(t *testing.T) {
	p := logintest.New(t)
	lies := map[string]func(){
		"code unknown":     func() { p.Callback = func(q url.Values) { q.Set("code", "code-forged") } },
		"state unknown":    func() { p.Callback = func(q url.Values) { q.Set("state", "forged") } },
		"code as error":    func() { p.Callback = func(q url.Values) { q.Set("error", q.Get("code")) } },
		"iss unknown":      func() { p.Callback = func(q url.Values) { q.Set("iss", "https://evil.example/?"+q.Get("code")) } },
		"token 500":        func() { p.Token = logintest.ServerError },
		"token 400":        func() { p.Token = logintest.Refuse },
		"token page":       func() { p.Token = logintest.HTML },
		"token huge":       func() { p.Token = logintest.Huge },
		"token redirect":   func() { p.Token = logintest.Redirect },
		"token down":       func() { p.Describe("token_endpoint", "http://user:hunter2@127.0.0.1:1/token?key=hunter2") },
		"userinfo 500":     func() { p.Userinfo = logintest.ServerError },
		"userinfo 400":     func() { p.Userinfo = logintest.Refuse },
		"userinfo page":    func() { p.Userinfo = logintest.HTML },
		"userinfo down":    func() { p.Describe("userinfo_endpoint", "http://user:hunter2@127.0.0.1:1/?key=hunter2") },
		"userinfo another": func() { p.UserinfoClaims = map[string]any{"sub": "hunter2"} },
		"nonce":            func() { p.IDToken = map[string]any{"nonce": "hunter2"} },
		"aud":              func() { p.IDToken = map[string]any{"aud": "hunter2"} },
		"iss":              func() { p.IDToken = map[string]any{"iss": "hunter2"} },
		"azp":              func() { p.IDToken = map[string]any{"azp": "hunter2"} },
		"exp":              func() { p.IDToken = map[string]any{"exp": "hunter2"} },
		"at_hash":          func() { p.IDToken = map[string]any{"at_hash": "hunter2"} },
		"at_hash no text":  func() { p.IDToken = map[string]any{"at_hash": []string{"hunter2"}} },
		"alg":              func() { p.Signing = []issuertest.Option{issuertest.WithHeader("alg", "hunter2")} },
		"kid":              func() { p.Signing = []issuertest.Option{issuertest.WithKid("hunter2")} },
		"key":              func() { p.Signing = []issuertest.Option{issuertest.WithKey(p.Foreign())} },
		"payload":          func() { p.Signing = []issuertest.Option{issuertest.WithPayload(`hunter2`)} },
		"discovery":        func() { p.SetDiscovery(issuertest.HTML) },
		"keys":             func() { p.SetJWKS(issuertest.HTML) },
	}
	for _, name := range slices.Sorted(maps.Keys(lies)) {
		t.Run(name, func(t *testing.T) {
			lies[name]()
			defer func() {
				p.SetDiscovery(issuertest.OK)
				p.SetJWKS(issuertest.OK)
				p.Relocate("")
				p.IDToken, p.Signing, p.UserinfoClaims, p.Callback, p.Token, p.Userinfo = nil, nil, nil, nil, "", ""
			}()
			x := newTrial(t, p)
			secrets := []string{logintest.ClientSecret, url.QueryEscape(logintest.ClientSecret), string(secret), "hunter2", "access-", "code-", "eyJ", "Basic ", "<!doctype", "no luck"}
			d, err := x.Begin(t.Context(), "/", false)
			if err == nil {
				query := x.depart(d)
				secrets = append(secrets, d.State, query.Get("state"))
				_, _, err = x.Finish(t.Context(), []string{d.State}, query)
			}
			_, logoutErr := x.VerifyLogout(t.Context(), p.LogoutToken(map[string]any{"sub": "hunter2", "iss": "hunter2"}))
			if err == nil && x.log.Len() == 0 || logoutErr == nil {
				t.Fatal("nothing failed")
			}
			told := x.log.String()
			for _, e := range []error{err, logoutErr} {
				if e != nil {
					told += "\n" + e.Error() + "\n" + cause(e).Error()
				}
			}
			for _, s := range secrets {
				if strings.Contains(told, s) {
					t.Errorf("%q is in what was told:\n%s", s, told)
				}
			}
		})
	}
}

func TestPeopleReadFixedSentences(t *testing.T) {
	for _, reason := range []error{login.ErrUnavailable, login.ErrState, login.ErrExchange, login.ErrToken, login.ErrDeclined, login.ErrLogoutToken} {
		err := error(&login.Error{Reason: reason, Cause: errors.New("hunter2")})
		if err.Error() != reason.Error() || !errors.Is(err, reason) || strings.ContainsAny(err.Error(), "\n%") {
			t.Errorf("got %q", err)
		}
	}
}
