package handlers

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/store"
)

var (
	bySomebody = store.Origin{By: "ana", Via: string(auth.Basic), ID: auth.UserID("ana")}
	byStranger = store.Origin{Via: string(auth.Anonymous)}
)

// kept makes a token in a store, for whoever it says, and returns the headers of
// its secret.
func (s *served) kept(name string, by store.Origin, lifetime time.Duration) (*store.Token, []string) {
	s.t.Helper()
	x, secret, err := s.store.CreateToken(s.t.Context(), store.NewToken{Name: name, Role: auth.Admin, Lifetime: lifetime}, by)
	must(s.t, err)
	return x, []string{"Authorization", "Bearer " + secret}
}

func TestStrangersAreCalledTheSameEverywhere(t *testing.T) {
	if store.Anonymous != string(auth.Anonymous) {
		t.Error(store.Anonymous)
	}
}

func TestWhatAServerRemembersKeepsItClosed(t *testing.T) {
	signed := func(s *served) []string { _, headers := s.kept("signed", bySomebody, 0); return headers }
	unsigned := func(s *served) []string { _, headers := s.kept("unsigned", byStranger, 0); return headers }
	revoked := func(by store.Origin) func(s *served) []string {
		return func(s *served) []string {
			x, headers := s.kept("revoked", by, 0)
			_, err := s.store.RevokeToken(t.Context(), x.ID, byStranger)
			must(t, err)
			return headers
		}
	}
	list := func(c setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{Users: map[string]string{}})
	}
	key := func(c setup) { c.Guard.ScrapeKey = credential.NewSecret(rightKey) }
	open := func(c setup) { c.Guard.Open = true }
	beside := func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) }
	keyed := fates{401, 401, 401, 401, 200, 202, 403, 403, 401}
	for _, test := range []struct {
		name    string
		change  []func(setup)
		token   func(*served) []string // nil: none was made
		without fates                  // a credential
		with    fates                  // the token
	}{
		{"nothing", nil, nil, asAdmin, asAdmin},
		{"a token of somebody", nil, signed, all(401), asAdmin},
		{"a token of a stranger", nil, unsigned, asAdmin, asAdmin},
		{"a token that somebody made and a stranger revoked", nil, revoked(bySomebody), all(401), all(401)},
		{"a token of a stranger that was revoked", nil, revoked(byStranger), asAdmin, asAdmin},
		{"a token of somebody that has expired", nil, func(s *served) []string {
			_, headers := s.kept("expired", bySomebody, time.Nanosecond)
			return headers
		}, all(401), all(401)},
		{"both", nil, func(s *served) []string { signed(s); return unsigned(s) }, all(401), all(401)},
		{"a list without users", []func(setup){list}, nil, all(401), all(401)},
		{"a list without users, and a token of somebody", []func(setup){list}, signed, all(401), asAdmin},
		{"a list without users, and a token of a stranger", []func(setup){list}, unsigned, all(401), all(401)},
		{"a token of somebody, beside the key", []func(setup){key}, signed, all(401), asAdmin},
		{"a token of a stranger, beside the key", []func(setup){key}, unsigned, keyed, keyed},
		{"a list without users, beside the key", []func(setup){key, list}, nil, all(401), all(401)},
		{"a token of somebody, beside another credential", []func(setup){beside}, signed, all(401), asAdmin},
		{"a token of a stranger, beside another credential", []func(setup){beside}, unsigned, all(401), all(401)},
		{"a token of somebody, and it is to be open", []func(setup){open}, signed, asAdmin, asAdmin},
		{"a token of a stranger, and it is to be open", []func(setup){open}, unsigned, asAdmin, asAdmin},
		{"a list without users, and it is to be open", []func(setup){open, list}, nil, asAdmin, asAdmin},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, append(test.change, func(c setup) { c.EnableAdminAPI = true })...)
			headers := []string{"Authorization", "Bearer gatehouse_never"}
			if test.token != nil {
				headers = test.token(s)
			}
			for _, by := range []struct {
				headers []string
				want    fates
			}{{nil, test.without}, {headers, test.with}} {
				var got fates
				for i, c := range columns {
					_, err := s.store.Push(t.Context(), store.Push{Key: mustKey(t, "/job/x")})
					must(t, err)
					a := s.do(c.method, c.target, "", by.headers...)
					got[i] = a.status
					s.wantRefusal(a)
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
	must(t, err)
	return p.Key
}

// listedTokens are those of the API, by name.
func (s *served) listedTokens(headers ...string) map[string]tokenJSON {
	s.t.Helper()
	var got struct{ Data struct{ Tokens []tokenJSON } }
	a := s.get("/api/v1/tokens", headers...)
	must(s.t, json.Unmarshal([]byte(a.body), &got))
	byName := map[string]tokenJSON{}
	for _, x := range got.Data.Tokens {
		byName[x.Name] = x
	}
	return byName
}

func TestTokensThatWereMadeWithoutSignInAreListedAsSuch(t *testing.T) {
	s := serve(t)
	a := s.do("POST", "/api/v1/tokens", `{"name":"early","role":"admin"}`, "Content-Type", "application/json")
	if a.status != 201 {
		t.Errorf("%v", a)
	}
	a = s.post("/tokens/new", "name=page&role=pusher&expires=never")
	if a.status != 200 || !contains(a.body, "made without sign-in", "works only while the server is open") {
		t.Errorf("%v", a)
	}
	for _, target := range []string{"/tokens", "/tokens/new"} {
		if a := s.get(target, aBrowser...); !contains(a.body, "once a credential is configured, they are denied") {
			t.Errorf("%v", a)
		}
	}
	if a := s.get("/tokens", aBrowser...); strings.Count(a.body, "made without sign-in") != 2 || strings.Contains(a.body, "it is refused") || strings.Count(a.body, "/rotate") != 2 {
		t.Errorf("%v", a)
	}
	if x := s.listedTokens()["early"]; !x.Unsigned {
		t.Errorf("%+v", x)
	}

	closed := serve(t, oneUser, func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) })
	x, stray := closed.kept("early", byStranger, 0)
	admin := []string{"X-API-Key", rightToken}
	closed.do("POST", "/api/v1/tokens", `{"name":"late","role":"admin"}`, append(admin, "Content-Type", "application/json")...)
	a = closed.do("PUT", "/metrics/job/x", "", stray...)
	if a.status != 401 || a.body != "the credential is not valid\n" || !contains(closed.log.String(), "made without sign-in") {
		t.Errorf("%v\n%s", a, closed.log.String())
	}
	tokens := closed.listedTokens(admin...)
	if !tokens["early"].Unsigned || tokens["late"].Unsigned {
		t.Errorf("%+v", tokens)
	}
	page := closed.get("/tokens", append(admin, aBrowser...)...)
	if !contains(page.body, "made without sign-in: denied") || strings.Count(page.body, "/rotate") != 1 || strings.Count(page.body, "/revoke\" hx-get") != 2 {
		t.Errorf("%v", page)
	}
	if a := closed.get("/tokens?q=without+sign-in", append(admin, aBrowser...)...); !contains(a.body, "1 of 2 tokens") {
		t.Errorf("%v", a)
	}
	// Nobody makes it good in passing.
	if a := closed.do("POST", "/api/v1/tokens/"+x.ID+"/rotate", "", admin...); a.status != 409 || !contains(a.body, "make another one") {
		t.Errorf("%v", a)
	}
	if a := closed.get("/tokens/"+x.ID+"/rotate", append(admin, aBrowser...)...); a.status != 409 {
		t.Errorf("%v", a)
	}
	if a := closed.do("DELETE", "/api/v1/tokens/"+x.ID, "", admin...); a.status != 200 {
		t.Errorf("%v", a)
	}
}

func TestStrangersGetNoSecretThatIsGoodLater(t *testing.T) {
	s := serve(t, func(c setup) { c.Guard.Open = true })
	x, _ := s.kept("signed", bySomebody, 0)
	if a := s.do("POST", "/api/v1/tokens/"+x.ID+"/rotate", ""); a.status != 409 {
		t.Errorf("%v", a)
	}
	if _, _, err := s.store.RotateToken(t.Context(), x.ID, 0, byStranger); !errors.Is(err, store.ErrTokenMaker) {
		t.Error(err)
	}
	// What a certificate calls somebody where nobody is asked is no sign-in.
	named := byStranger
	named.By, named.ID = "CN=mallory", "certificate:CN=mallory"
	if x, _ := s.kept("named", named, 0); x.Authenticated {
		t.Error("a name is taken for a sign-in")
	}
}

func TestAClosedServerSaysHowToComeIn(t *testing.T) {
	s := serve(t, func(c setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{Users: map[string]string{}})
	})
	a := s.get("/", aBrowser...)
	if a.status != 401 || !contains(a.body, "API_TOKENS", "--auth.open", "nobody can sign in here") || strings.Contains(a.body, "<form method=\"post\"") {
		t.Errorf("%v", a)
	}
	if a := s.post("/login", filledIn("admin", "x", "/")); a.status != 401 {
		t.Errorf("%v", a)
	}
	if a := s.get("/", "Authorization", basicHeader("", "")); a.status != 401 {
		t.Errorf("%v", a)
	}
}
