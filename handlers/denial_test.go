package handlers_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login/logintest"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// readClock has the store look at its passed clock.
func readClock(s *handlertest.Server) {
	s.T.Helper()
	_, err := s.Store.Delete(s.T.Context(), store.GroupingKey{}, store.Origin{})
	handlertest.Must(s.T, err)
}

func TestDenialsAreRecorded(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		k = handlertest.StartClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
		c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey)
	})
	admin := []string{"X-API-Key", handlertest.RightToken}
	rita := s.StartSession("rita", auth.Reader)
	// Nobody is denied anything who is merely shown the way in.
	s.Get("/", handlertest.BrowserHeaders...)
	s.Get("/metrics/job/x")
	s.Get("/api/v1/groupings", "Cookie", "gatehouse_session=long-gone")
	for range 3 {
		s.Get("/metrics/job/first?key=query-secret", "Authorization", handlertest.BasicAuth("admin", "wrong-secret"))
	}
	s.Post("/login", handlertest.LoginForm("name-secret", "wrong-secret", "/"))
	s.Do("PUT", "/metrics/job/x", "a 1\n", "X-API-Key", "wrong-secret")
	s.Get("/metrics?key=wrong-secret&x=y")
	s.Do("DELETE", "/metrics/job/x", "", "X-API-Key", handlertest.RightToken, "Sec-Fetch-Site", "cross-site")
	s.Post("/groupings/delete", "", rita...)
	s.Do("PUT", "/metrics/job/x", "", "Authorization", "Bearer wrong-secret", "Authorization", "Bearer wrong-secret")
	k.Advance(time.Minute)
	readClock(s)
	entries, next := s.Entries("kind=denial", admin...)
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%d × %s: %s by %q (%s, %q) from %s", e.Count, e.What, e.Reason, e.By, e.Via, e.ID, e.From))
	}
	slices.Sort(got)
	want := []string{
		`1 × DELETE /metrics/job/x: cross-site requests are not allowed by "" (none, "") from 127.0.0.1`,
		`1 × GET /metrics: the credential is not valid by "" (scrape_key, "") from 127.0.0.1`,
		`1 × POST /groupings/delete: the credential does not allow this by "rita" (session, "sub:rita") from 127.0.0.1`,
		`1 × PUT /metrics/job/x: a credential is given twice by "" (none, "") from 127.0.0.1`,
		`1 × PUT /metrics/job/x: the credential is not valid by "" (api_token, "") from 127.0.0.1`,
		`4 × GET /metrics/job/first: the credential is not valid by "" (basic, "") from 127.0.0.1`,
	}
	if !slices.Equal(got, want) || next != "" {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, where := range []string{fmt.Sprint(entries), s.Log.String(), s.Get("/activity", append(admin, handlertest.BrowserHeaders...)...).Body} {
		if strings.Contains(where, "secret") {
			t.Errorf("a secret or a query is told:\n%s", where)
		}
	}
	lines := handlertest.LogLines(t, s.Get("/activity?kind=denial&q=not+valid&by=", append(admin, handlertest.BrowserHeaders...)...).Body)
	if len(lines) != 3 || !slices.Contains(lines, "denied GET /metrics/job/first · 4 requests within a minute the credential is not valid") {
		t.Errorf("%q", lines)
	}
}

func TestTooManyWrongPasswordsComeOnRecord(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		k = handlertest.StartClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
	})
	for i := range 12 {
		s.Get("/metrics", "Authorization", handlertest.BasicAuth("admin", fmt.Sprint("wrong", i)))
	}
	k.Advance(time.Minute)
	readClock(s)
	counts := map[string]int{}
	entries, _ := s.Entries("kind=denial", "X-API-Key", handlertest.RightToken)
	for _, e := range entries {
		counts[e.Reason] = e.Count
	}
	if len(counts) != 2 || counts[auth.ErrBadCredential.Error()] != 10 || counts[auth.ErrThrottled.Error()] != 2 {
		t.Errorf("%v", counts)
	}
}

func TestStrangersCannotFillTheLog(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		k = handlertest.StartClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
		c.Guard.Trusted = auth.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	})
	const n, minutes = 1000, 10 // ten times as many a minute as are told apart
	for i := range n {
		b := [4]byte{byte(1 + rand.IntN(200)), byte(rand.IntN(256)), byte(i >> 8), byte(i)}
		a := s.Get(fmt.Sprintf("/metrics/job/%d", i), "X-Forwarded-For", netip.AddrFrom4(b).String(), "X-API-Key", "wrong")
		if a.Status != 401 {
			t.Fatal(a)
		}
		if each := n / minutes; i%each == each-1 {
			k.Advance(time.Minute)
			readClock(s)
		}
	}
	entries, _ := s.Entries("kind=denial&limit=1000", "X-API-Key", handlertest.RightToken)
	requests := 0
	for _, e := range entries {
		requests += e.Count
		if e.What == "" && (e.From != "" || !strings.HasPrefix(e.Message, "further requests")) {
			t.Errorf("%+v", e)
		}
	}
	if len(entries) != 110 || requests != n {
		t.Errorf("%d entries of %d requests", len(entries), requests)
	}
}

func TestWhatALimitedTokenMayNotDoIsOnRecordOnce(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	only, err := store.ParseSelectors([]string{`{job="own"}`})
	handlertest.Must(t, err)
	token, secret, err := s.Store.CreateToken(t.Context(), store.NewToken{Name: "limited", Role: auth.Admin, Scope: only}, store.Origin{By: "ana", Via: "basic"})
	handlertest.Must(t, err)
	for _, target := range []string{"/api/v1/activity", "/activity", "/activity/export"} {
		if a := s.Get(target, "X-API-Key", secret); a.Status != 403 {
			t.Errorf("%v", a)
		}
	}
	k.Advance(time.Minute)
	readClock(s)
	entries, _ := s.Entries("kind=denial", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	if len(entries) != 1 || entries[0].Count != 3 || entries[0].By != "limited" || entries[0].ID != auth.TokenID(token.ID) || entries[0].What != "GET /api/v1/activity" {
		t.Errorf("%+v", entries)
	}
	if n := strings.Count(s.Log.String(), "Denied a request"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, s.Log.String())
	}
}

func TestSignInsThatFailElsewhereComeOnRecord(t *testing.T) {
	var k *handlertest.Clock
	p := logintest.New(t)
	s := handlertest.Start(t, handlertest.OneUser, handlertest.WithProvider(p), func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	b := s.Browser()
	b.Get(b.Callback(p, "/auth/login", handlertest.Member("nobody")))
	b.Get("/auth/callback?code=secret&state=secret")
	b.Get("/auth/callback?code=secret&state=secret")
	s.Post("/auth/backchannel", "logout_token=secret")
	p.SetJWKS(issuertest.ServerError)
	b.Get(b.Callback(p, "/auth/login", handlertest.Member("ann", "admins"))) // who is not denied anything
	k.Advance(time.Minute)
	readClock(s)
	entries, _ := s.Entries("kind=denial", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%d × %s: %s by %q (%s, %q)", e.Count, e.What, e.Reason, e.By, e.Via, e.ID))
	}
	slices.Sort(got)
	want := []string{
		`1 × POST /auth/backchannel: the logout token is not valid by "" (oidc, "")`,
		`1 × sign-in at the OpenID provider: no role was given to this account by "nobody" (oidc, "sub:` + p.Issuer() + ` nobody")`,
		`2 × sign-in at the OpenID provider: this sign-in is over, or did not begin in this browser; try again by "" (oidc, "")`,
	}
	if !slices.Equal(got, want) || strings.Contains(s.Log.String(), "secret") {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), s.Log.String())
	}
}
