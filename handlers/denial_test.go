package handlers

import (
	"encoding/json"
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
	"gatehouse/store"
)

// entriesLike are the entries that the API has for a query, newest first.
func (s *served) entriesLike(query string, who ...string) (entries []entryJSON, next string) {
	s.t.Helper()
	a := s.get(s.prefix+"/api/v1/activity?"+query, who...)
	var got struct {
		Status string
		Data   struct {
			Entries []entryJSON
			Next    string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Status != "success" || got.Data.Entries == nil {
		s.t.Fatalf("%v: %v", a, err)
	}
	return got.Data.Entries, got.Data.Next
}

// look has the store look at its passed clock.
func (s *served) look() {
	s.t.Helper()
	_, err := s.store.Delete(s.t.Context(), store.GroupingKey{}, store.Origin{})
	must(s.t, err)
}

func TestWhoIsNotLetInComesOnRecord(t *testing.T) {
	var k *clock
	s := serve(t, oneUser, func(c setup) {
		k = startClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
		c.Guard.ScrapeKey = credential.NewSecret(rightKey)
	})
	admin := []string{"X-API-Key", rightToken}
	rita := s.begun("rita", auth.Reader)
	// Nobody is denied anything who is merely shown the way in.
	s.get("/", aBrowser...)
	s.get("/metrics/job/x")
	s.get("/api/v1/groupings", "Cookie", "gatehouse_session=long-gone")
	for range 3 {
		s.get("/metrics/job/first?key=query-secret", "Authorization", basicHeader("admin", "wrong-secret"))
	}
	s.post("/login", filledIn("name-secret", "wrong-secret", "/"))
	s.do("PUT", "/metrics/job/x", "a 1\n", "X-API-Key", "wrong-secret")
	s.get("/metrics?key=wrong-secret&x=y")
	s.do("DELETE", "/metrics/job/x", "", "X-API-Key", rightToken, "Sec-Fetch-Site", "cross-site")
	s.post("/groupings/delete", "", rita...)
	s.do("PUT", "/metrics/job/x", "", "Authorization", "Bearer wrong-secret", "Authorization", "Bearer wrong-secret")
	k.advance(time.Minute)
	s.look()
	entries, next := s.entriesLike("kind=denial", admin...)
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
	for _, where := range []string{fmt.Sprint(entries), s.log.String(), s.get("/activity", append(admin, aBrowser...)...).body} {
		if strings.Contains(where, "secret") {
			t.Errorf("a secret or a query is told:\n%s", where)
		}
	}
	lines := logged(t, s.get("/activity?kind=denial&q=not+valid&by=", append(admin, aBrowser...)...).body)
	if len(lines) != 3 || !slices.Contains(lines, "denied GET /metrics/job/first · 4 requests within a minute the credential is not valid") {
		t.Errorf("%q", lines)
	}
}

func TestTooManyWrongPasswordsComeOnRecord(t *testing.T) {
	var k *clock
	s := serve(t, oneUser, func(c setup) {
		k = startClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
	})
	for i := range 12 {
		s.get("/metrics", "Authorization", basicHeader("admin", fmt.Sprint("wrong", i)))
	}
	k.advance(time.Minute)
	s.look()
	counts := map[string]int{}
	entries, _ := s.entriesLike("kind=denial", "X-API-Key", rightToken)
	for _, e := range entries {
		counts[e.Reason] = e.Count
	}
	if len(counts) != 2 || counts[auth.ErrBadCredential.Error()] != 10 || counts[auth.ErrThrottled.Error()] != 2 {
		t.Errorf("%v", counts)
	}
}

func TestStrangersCannotFillTheLog(t *testing.T) {
	var k *clock
	s := serve(t, oneUser, func(c setup) {
		k = startClock(c)
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
		c.Guard.Trusted = auth.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	})
	const n, minutes = 1000, 10 // ten times as many a minute as are told apart
	for i := range n {
		b := [4]byte{byte(1 + rand.IntN(200)), byte(rand.IntN(256)), byte(i >> 8), byte(i)}
		a := s.get(fmt.Sprintf("/metrics/job/%d", i), "X-Forwarded-For", netip.AddrFrom4(b).String(), "X-API-Key", "wrong")
		if a.status != 401 {
			t.Fatal(a)
		}
		if each := n / minutes; i%each == each-1 {
			k.advance(time.Minute)
			s.look()
		}
	}
	entries, _ := s.entriesLike("kind=denial&limit=1000", "X-API-Key", rightToken)
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
	var k *clock
	s := serve(t, oneUser, func(c setup) { k = startClock(c) })
	only, err := store.ParseSelectors([]string{`{job="own"}`})
	must(t, err)
	token, secret, err := s.store.CreateToken(t.Context(), store.NewToken{Name: "limited", Role: auth.Admin, Scope: only}, store.Origin{By: "ana", Via: "basic"})
	must(t, err)
	for _, target := range []string{"/api/v1/activity", "/activity", "/activity/export"} {
		if a := s.get(target, "X-API-Key", secret); a.status != 403 {
			t.Errorf("%v", a)
		}
	}
	k.advance(time.Minute)
	s.look()
	entries, _ := s.entriesLike("kind=denial", "Authorization", basicHeader("admin", rightPassword))
	if len(entries) != 1 || entries[0].Count != 3 || entries[0].By != "limited" || entries[0].ID != auth.TokenID(token.ID) || entries[0].What != "GET /api/v1/activity" {
		t.Errorf("%+v", entries)
	}
	if n := strings.Count(s.log.String(), "Refused a request"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, s.log.String())
	}
}

func TestSignInsThatFailElsewhereComeOnRecord(t *testing.T) {
	var k *clock
	p := logintest.New(t)
	s := serve(t, oneUser, provided(p), func(c setup) { k = startClock(c) })
	b := s.surfer()
	b.get(b.sent(p, "/auth/login", member("nobody")))
	b.get("/auth/callback?code=secret&state=secret")
	b.get("/auth/callback?code=secret&state=secret")
	s.post("/auth/backchannel", "logout_token=secret")
	p.SetJWKS(issuertest.ServerError)
	b.get(b.sent(p, "/auth/login", member("ann", "admins"))) // who is not denied anything
	k.advance(time.Minute)
	s.look()
	entries, _ := s.entriesLike("kind=denial", "Authorization", basicHeader("admin", rightPassword))
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
	if !slices.Equal(got, want) || strings.Contains(s.log.String(), "secret") {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), s.log.String())
	}
}
