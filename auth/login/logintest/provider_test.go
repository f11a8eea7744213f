package logintest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"gatehouse/auth/login/logintest"
)

const back = "https://client.example/callback?a=b"

func ask(verifier string) url.Values {
	return url.Values{
		"client_id": {logintest.ClientID}, "response_type": {"code"}, "scope": {"openid email"}, "redirect_uri": {back},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
}

func redeem(code, verifier string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier}}
}

// post asks the token endpoint, as the client with that secret.
func post(t *testing.T, p *logintest.Provider, form url.Values, secret string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.Issuer()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(logintest.ClientID), url.QueryEscape(secret))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var document map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, document
}

func TestOnlyAProperRequestIsAnswered(t *testing.T) {
	p := logintest.New(t)
	if got, err := p.SignIn(p.Issuer()+"/authorize?"+ask("v").Encode(), p.Person); err != nil ||
		got.Host != "client.example" || got.Query().Get("a") != "b" || got.Query().Get("state") != "s" || got.Query().Get("iss") != p.Issuer() || got.Query().Get("code") == "" {
		t.Errorf("got %v, %v", got, err)
	}
	for name, value := range map[string]string{
		"client_id": "other", "response_type": "token", "scope": "email", "redirect_uri": "/callback",
		"state": "", "nonce": "", "code_challenge": "", "code_challenge_method": "plain",
	} {
		query := ask("v")
		query.Set(name, value)
		if _, err := p.SignIn(p.Issuer()+"/authorize?"+query.Encode(), p.Person); err == nil {
			t.Errorf("%s %q is fine", name, value)
		}
	}
}

func TestACodeIsGoodForItsClientOnce(t *testing.T) {
	p := logintest.New(t)
	verifier := oauth2.GenerateVerifier()
	code := func() string {
		u, err := p.SignIn(p.Issuer()+"/authorize?"+ask(verifier).Encode(), p.Person)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("code")
	}
	good := code()
	if status, document := post(t, p, redeem(good, verifier), logintest.ClientSecret); status != 200 || document["id_token"] == nil {
		t.Errorf("got %d, %v", status, document)
	}
	elsewhere := redeem(code(), verifier)
	elsewhere.Set("redirect_uri", "https://client.example/other")
	for sentence, c := range map[string]struct {
		form   url.Values
		secret string
		status int
		code   string
	}{
		"the second time":   {redeem(good, verifier), logintest.ClientSecret, 400, "invalid_grant"},
		"another verifier":  {redeem(code(), "other"), logintest.ClientSecret, 400, "invalid_grant"},
		"no verifier":       {redeem(code(), ""), logintest.ClientSecret, 400, "invalid_grant"},
		"another secret":    {redeem(code(), verifier), "other", 401, "invalid_client"},
		"another address":   {elsewhere, logintest.ClientSecret, 400, "invalid_grant"},
		"no code":           {url.Values{"grant_type": {"authorization_code"}}, logintest.ClientSecret, 400, "invalid_grant"},
		"another grant":     {url.Values{"grant_type": {"password"}, "code": {code()}}, logintest.ClientSecret, 400, "invalid_grant"},
		"a secret too many": {url.Values{"client_secret": {logintest.ClientSecret}}, logintest.ClientSecret, 401, "invalid_client"},
	} {
		if status, document := post(t, p, c.form, c.secret); status != c.status || document["error"] != c.code {
			t.Errorf("%s: got %d, %v", sentence, status, document)
		}
	}
}
