package handlers_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

var (
	bySomebody = store.Origin{By: "ana", Via: string(auth.Basic), ID: auth.UserID("ana")}
	byStranger = store.Origin{Via: string(auth.Anonymous)}
)

// storeToken makes a token in a store, for whoever it says, and returns the headers of
// its secret.
func storeToken(s *handlertest.Server, name string, by store.Origin, lifetime time.Duration) (*store.Token, []string) {
	s.T.Helper()
	x, secret, err := s.Store.CreateToken(s.T.Context(), store.NewToken{Name: name, Role: auth.Admin, Lifetime: lifetime}, by)
	handlertest.Must(s.T, err)
	return x, []string{"Authorization", "Bearer " + secret}
}

func TestStrangersAreCalledTheSameEverywhere(t *testing.T) {
	if store.Anonymous != string(auth.Anonymous) {
		t.Error(store.Anonymous)
	}
}

func TestWhatAServerRemembersKeepsItClosed(t *testing.T) {
	signed := func(s *handlertest.Server) []string {
		_, headers := storeToken(s, "signed", bySomebody, 0)
		return headers
	}
	unsigned := func(s *handlertest.Server) []string {
		_, headers := storeToken(s, "unsigned", byStranger, 0)
		return headers
	}
	revoked := func(by store.Origin) func(s *handlertest.Server) []string {
		return func(s *handlertest.Server) []string {
			x, headers := storeToken(s, "revoked", by, 0)
			_, err := s.Store.RevokeToken(t.Context(), x.ID, byStranger)
			handlertest.Must(t, err)
			return headers
		}
	}
	list := func(c handlertest.Setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{Users: map[string]string{}})
	}
	key := func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }
	open := func(c handlertest.Setup) { c.Guard.Open = true }
	beside := func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }
	keyed := handlertest.Statuses{401, 401, 401, 401, 200, 202, 403, 403, 401}
	for _, test := range []struct {
		name    string
		change  []func(handlertest.Setup)
		token   func(*handlertest.Server) []string // nil: none was made
		without handlertest.Statuses               // a credential
		with    handlertest.Statuses               // the token
	}{
		{"nothing", nil, nil, handlertest.AsAdmin, handlertest.AsAdmin},
		{"a token of somebody", nil, signed, handlertest.AllStatuses(401), handlertest.AsAdmin},
		{"a token of a stranger", nil, unsigned, handlertest.AsAdmin, handlertest.AsAdmin},
		{"a token that somebody made and a stranger revoked", nil, revoked(bySomebody), handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a token of a stranger that was revoked", nil, revoked(byStranger), handlertest.AsAdmin, handlertest.AsAdmin},
		{"a token of somebody that has expired", nil, func(s *handlertest.Server) []string {
			_, headers := storeToken(s, "expired", bySomebody, time.Nanosecond)
			return headers
		}, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"both", nil, func(s *handlertest.Server) []string { signed(s); return unsigned(s) }, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a list without users", []func(handlertest.Setup){list}, nil, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a list without users, and a token of somebody", []func(handlertest.Setup){list}, signed, handlertest.AllStatuses(401), handlertest.AsAdmin},
		{"a list without users, and a token of a stranger", []func(handlertest.Setup){list}, unsigned, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a token of somebody, beside the key", []func(handlertest.Setup){key}, signed, handlertest.AllStatuses(401), handlertest.AsAdmin},
		{"a token of a stranger, beside the key", []func(handlertest.Setup){key}, unsigned, keyed, keyed},
		{"a list without users, beside the key", []func(handlertest.Setup){key, list}, nil, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a token of somebody, beside another credential", []func(handlertest.Setup){beside}, signed, handlertest.AllStatuses(401), handlertest.AsAdmin},
		{"a token of a stranger, beside another credential", []func(handlertest.Setup){beside}, unsigned, handlertest.AllStatuses(401), handlertest.AllStatuses(401)},
		{"a token of somebody, and it is to be open", []func(handlertest.Setup){open}, signed, handlertest.AsAdmin, handlertest.AsAdmin},
		{"a token of a stranger, and it is to be open", []func(handlertest.Setup){open}, unsigned, handlertest.AsAdmin, handlertest.AsAdmin},
		{"a list without users, and it is to be open", []func(handlertest.Setup){open, list}, nil, handlertest.AsAdmin, handlertest.AsAdmin},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, append(test.change, func(c handlertest.Setup) { c.EnableAdminAPI = true })...)
			headers := []string{"Authorization", "Bearer gatehouse_never"}
			if test.token != nil {
				headers = test.token(s)
			}
			for _, by := range []struct {
				headers []string
				want    handlertest.Statuses
			}{{nil, test.without}, {headers, test.with}} {
				var got handlertest.Statuses
				for i, c := range handlertest.RouteClasses {
					_, err := s.Store.Push(t.Context(), store.Push{Key: mustKey(t, "/job/x")})
					handlertest.Must(t, err)
					a := s.Do(c.Method, c.Target, "", by.headers...)
					got[i] = a.Status
					wantRefusal(s, a)
				}
				if got != by.want {
					t.Errorf("got  %v\nwant %v", got, by.want)
				}
			}
		})
	}
}

// mustKey is the key of a path below /metrics.
func mustKey(t *testing.T, path string) store.GroupingKey {
	t.Helper()
	p, err := store.ParsePath(path, true)
	handlertest.Must(t, err)
	return p.Key
}

// listedTokens are those of the API, by name.
func listedTokens(s *handlertest.Server, headers ...string) map[string]handlertest.TokenEntry {
	s.T.Helper()
	var got struct {
		Data struct{ Tokens []handlertest.TokenEntry }
	}
	a := s.Get("/api/v1/tokens", headers...)
	handlertest.Must(s.T, json.Unmarshal([]byte(a.Body), &got))
	byName := map[string]handlertest.TokenEntry{}
	for _, x := range got.Data.Tokens {
		byName[x.Name] = x
	}
	return byName
}

func TestTokensThatWereMadeWithoutSignInAreListedAsSuch(t *testing.T) {
	s := handlertest.Start(t)
	a := s.Do("POST", "/api/v1/tokens", `{"name":"early","role":"admin"}`, "Content-Type", "application/json")
	if a.Status != 201 {
		t.Errorf("%v", a)
	}
	a = s.Post("/tokens/new", "name=page&role=pusher&expires=never")
	if a.Status != 200 || !handlertest.Contains(a.Body, "made without sign-in", "works only while the server is open") {
		t.Errorf("%v", a)
	}
	for _, target := range []string{"/tokens", "/tokens/new"} {
		if a := s.Get(target, handlertest.BrowserHeaders...); !handlertest.Contains(a.Body, "once a credential is configured, they are denied") {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/tokens", handlertest.BrowserHeaders...); strings.Count(a.Body, "made without sign-in") != 2 || strings.Contains(a.Body, "it is refused") || strings.Count(a.Body, "/rotate") != 2 {
		t.Errorf("%v", a)
	}
	if x := listedTokens(s)["early"]; !x.Unsigned {
		t.Errorf("%+v", x)
	}

	closed := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	x, stray := storeToken(closed, "early", byStranger, 0)
	admin := []string{"X-API-Key", handlertest.RightToken}
	closed.Do("POST", "/api/v1/tokens", `{"name":"late","role":"admin"}`, append(admin, "Content-Type", "application/json")...)
	a = closed.Do("PUT", "/metrics/job/x", "", stray...)
	if a.Status != 401 || a.Body != "the credential is not valid\n" || !handlertest.Contains(closed.Log.String(), "made without sign-in") {
		t.Errorf("%v\n%s", a, closed.Log.String())
	}
	tokens := listedTokens(closed, admin...)
	if !tokens["early"].Unsigned || tokens["late"].Unsigned {
		t.Errorf("%+v", tokens)
	}
	page := closed.Get("/tokens", append(admin, handlertest.BrowserHeaders...)...)
	if !handlertest.Contains(page.Body, "made without sign-in: denied") || strings.Count(page.Body, "/rotate") != 1 || strings.Count(page.Body, "/revoke\" hx-get") != 2 {
		t.Errorf("%v", page)
	}
	if a := closed.Get("/tokens?q=without+sign-in", append(admin, handlertest.BrowserHeaders...)...); !handlertest.Contains(a.Body, "1 of 2 tokens") {
		t.Errorf("%v", a)
	}
	// Nobody makes it good in passing.
	if a := closed.Do("POST", "/api/v1/tokens/"+x.ID+"/rotate", "", admin...); a.Status != 409 || !handlertest.Contains(a.Body, "create another one") {
		t.Errorf("%v", a)
	}
	if a := closed.Get("/tokens/"+x.ID+"/rotate", append(admin, handlertest.BrowserHeaders...)...); a.Status != 409 {
		t.Errorf("%v", a)
	}
	if a := closed.Do("DELETE", "/api/v1/tokens/"+x.ID, "", admin...); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestStrangersGetNoSecretThatIsGoodLater(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Open = true })
	x, _ := storeToken(s, "signed", bySomebody, 0)
	if a := s.Do("POST", "/api/v1/tokens/"+x.ID+"/rotate", ""); a.Status != 409 {
		t.Errorf("%v", a)
	}
	if _, _, err := s.Store.RotateToken(t.Context(), x.ID, 0, byStranger); !errors.Is(err, store.ErrTokenMaker) {
		t.Error(err)
	}
	// What a certificate calls somebody where nobody is asked is no sign-in.
	named := byStranger
	named.By, named.ID = "CN=mallory", "certificate:CN=mallory"
	if x, _ := storeToken(s, "named", named, 0); x.Authenticated {
		t.Error("a name is taken for a sign-in")
	}
}

func TestAClosedServerSaysHowToComeIn(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{Users: map[string]string{}})
	})
	a := s.Get("/", handlertest.BrowserHeaders...)
	if a.Status != 401 || !handlertest.Contains(a.Body, "API_TOKENS", "--auth.open", "nobody can sign in here") || strings.Contains(a.Body, "<form method=\"post\"") {
		t.Errorf("%v", a)
	}
	if a := s.Post("/login", handlertest.LoginForm("admin", "x", "/")); a.Status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/", "Authorization", handlertest.BasicAuth("", "")); a.Status != 401 {
		t.Errorf("%v", a)
	}
}
