package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

// One set of rules decides about both kinds of tokens, and no library besides it:
// each of these has other dates, another issuer or another audience.
func TestBearerAndIDTokensAreJudgedAlike(t *testing.T) {
	p := logintest.New(t)
	p.Person["groups"] = []string{"ops"}
	keys := issuer.New(issuer.Options{Issuer: p.Issuer()})
	t.Cleanup(keys.Close)
	rules := jwt.ClaimRules{Issuer: p.Issuer(), Audiences: []string{logintest.ClientID}, RoleMap: map[string]auth.Role{"ops": auth.Admin}}
	bearer := bearerServer(t, guard.Config{Issuer: keys, Claims: rules, Logger: slog.New(slog.DiscardHandler)})
	people := login.New(login.Options{
		Issuer: p.Issuer(), ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, RedirectURL: "https://gatehouse.example/auth/callback",
		Rules: rules, Keys: keys, Secret: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
	})
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for _, c := range []struct {
		name   string
		claims map[string]any
		ok     bool
	}{
		{"as they should be", nil, true},
		{"ended within the leeway", map[string]any{"exp": in(-15 * time.Second)}, true},
		{"ended before the leeway", map[string]any{"exp": in(-45 * time.Second)}, false},
		{"no end", map[string]any{"exp": issuertest.Drop}, false},
		{"an end that is too far", map[string]any{"exp": in(400 * 24 * time.Hour)}, false},
		{"begins within the leeway", map[string]any{"nbf": in(15 * time.Second)}, true},
		{"begins after the leeway", map[string]any{"nbf": in(60 * time.Second)}, false},
		{"nbf is no number", map[string]any{"nbf": "soon"}, false},
		{"one audience", map[string]any{"aud": []string{logintest.ClientID}}, true},
		{"another audience", map[string]any{"aud": "other"}, false},
		{"no audience", map[string]any{"aud": issuertest.Drop}, false},
		{"another issuer", map[string]any{"iss": "https://evil.example"}, false},
		{"no issuer", map[string]any{"iss": issuertest.Drop}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := map[string]any{"aud": logintest.ClientID, "groups": []string{"ops"}}
			for name, value := range c.claims {
				claims[name] = value
			}
			if got := bearer(p.Fake.Token(claims)); (got == http.StatusOK) != c.ok {
				t.Errorf("the bearer token: got %d", got)
			}
			p.IDToken = c.claims
			if err := signIn(t, people, p); (err == nil) != c.ok || err != nil && !errors.Is(err, login.ErrToken) {
				t.Errorf("the ID token: got %v", err)
			}
		})
	}
}

// bearerServer returns what a guarded route answers to a bearer token.
func bearerServer(t *testing.T, c guard.Config) func(token string) (status int) {
	t.Helper()
	g, err := guard.New(c)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		if _, denied := errors.AsType[*auth.DeniedError](err); denied {
			return c.SendStatus(http.StatusUnauthorized)
		}
		return c.SendStatus(http.StatusInternalServerError)
	}})
	app.Get("/", g.Require(auth.Administer), func(c *fiber.Ctx) error { return c.SendString("fine") })
	return func(token string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
}

func signIn(t *testing.T, people *login.Provider, p *logintest.Provider) error {
	t.Helper()
	d, err := people.Begin(t.Context(), "/", false)
	if err != nil {
		t.Fatal(err)
	}
	back, err := p.SignIn(d.URL, p.Person)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = people.Finish(t.Context(), []string{d.State}, back.Query())
	return err
}
