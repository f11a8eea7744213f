package access_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// asAdministrator are the headers of the user admin.
var asAdministrator = []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}

// tokenAnswer is what the API tells of tokens.
type tokenAnswer struct {
	handlertest.Answer `json:"-"`
	Data               struct {
		Token  handlertest.TokenEntry
		Secret string
		Tokens []handlertest.TokenEntry
	}
}

// api asks the API for something about tokens.
func tokenAPI(s *handlertest.Server, method, path, body string, headers ...string) tokenAnswer {
	s.T.Helper()
	if headers == nil {
		headers = asAdministrator
	}
	a := tokenAnswer{Answer: s.Do(method, s.Prefix+"/api/v1/tokens"+path, body, append(headers, "Content-Type", "application/json")...)}
	handlertest.Must(s.T, json.Unmarshal([]byte(a.Body), &a))
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		s.T.Errorf("%v: Cache-Control %q", a.Answer, got)
	}
	return a
}

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// clocked gives the store a clock that the test sets.
func clocked(now *atomic.Pointer[time.Time]) func(handlertest.Setup) {
	start := time.Now()
	now.Store(&start)
	return func(c handlertest.Setup) { c.Store.Now = func() time.Time { return *now.Load() } }
}

func later(now *atomic.Pointer[time.Time], by time.Duration) {
	t := now.Load().Add(by)
	now.Store(&t)
}

func TestATokenLivesFromItsMakingToItsEnd(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	a := tokenAPI(s, "POST", "", `{"name":" ci-backup ","role":"pusher","limit":"{job=\"backup\"}","expires_in":"90d"}`)
	made := a.Data.Token
	if a.Status != 201 || made.Name != "ci-backup" || made.Role != "pusher" || made.Limit != `{job="backup"}` || made.CreatedBy != "admin" || made.Expired || made.LastUsed != nil {
		t.Fatalf("%v", a.Answer)
	}
	if !strings.HasPrefix(a.Data.Secret, "gatehouse_") || !strings.HasSuffix(a.Data.Secret, made.Hint) || len(made.Hint) != 4 {
		t.Errorf("the secret %q, the hint %q", a.Data.Secret, made.Hint)
	}
	if left := time.Until(*made.Expires); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("expires in %v", left)
	}
	s.Put("/metrics/job/backup", "a 1\n", bearer(a.Data.Secret)...)
	if g := s.Grouping("/metrics/job/backup"); g.Origin.By != "ci-backup" || g.Origin.ID != auth.TokenID(made.ID) {
		t.Errorf("pushed by %+v", g.Origin)
	}
	if a := s.Do("PUT", "/metrics/job/other", "a 1\n", bearer(a.Data.Secret)...); a.Status != 403 {
		t.Errorf("%v", a)
	}
	list := tokenAPI(s, "GET", "", "")
	if len(list.Data.Tokens) != 1 || list.Data.Tokens[0].LastUsed == nil || list.Data.Tokens[0].LastUsedFrom != "127.0.0.1" || len(list.Data.Tokens[0].Secrets) != 1 {
		t.Errorf("%v", list.Answer)
	}
	rotated := tokenAPI(s, "POST", "/"+made.ID+"/rotate", `{"overlap":"1h"}`)
	if rotated.Status != 200 || rotated.Data.Secret == a.Data.Secret || rotated.Data.Token.ID != made.ID || len(rotated.Data.Token.Secrets) != 2 {
		t.Errorf("%v", rotated.Answer)
	}
	for _, secret := range []string{a.Data.Secret, rotated.Data.Secret} {
		s.Put("/metrics/job/backup", "a 1\n", bearer(secret)...)
	}
	revoked := tokenAPI(s, "DELETE", "/"+made.ID, "")
	if revoked.Status != 200 || revoked.Data.Token.Name != "ci-backup" || revoked.Data.Token.LastUsed == nil {
		t.Errorf("%v", revoked.Answer)
	}
	for _, secret := range []string{a.Data.Secret, rotated.Data.Secret} {
		if a := s.Do("PUT", "/metrics/job/backup", "a 1\n", bearer(secret)...); a.Status != 401 {
			t.Errorf("%v", a)
		}
	}
	if again := tokenAPI(s, "DELETE", "/"+made.ID, ""); again.Status != 404 {
		t.Errorf("%v", again.Answer)
	}
	if again := tokenAPI(s, "POST", "/"+made.ID+"/rotate", ""); again.Status != 404 {
		t.Errorf("%v", again.Answer)
	}
}

func TestAnOldSecretEndsWithTheOverlapAndATokenInItsTime(t *testing.T) {
	var now atomic.Pointer[time.Time]
	s := handlertest.Start(t, handlertest.OneUser, clocked(&now))
	first := tokenAPI(s, "POST", "", `{"name":"x","role":"reader","expires_in":"10d"}`).Data
	second := tokenAPI(s, "POST", "/"+first.Token.ID+"/rotate", `{}`).Data
	statuses := func(want ...int) {
		t.Helper()
		var got []int
		for _, secret := range []string{first.Secret, second.Secret} {
			got = append(got, s.Get("/metrics", bearer(secret)...).Status)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	statuses(200, 200)
	later(&now, 24*time.Hour-time.Second)
	statuses(200, 200)
	later(&now, 2*time.Second)
	statuses(401, 200)
	later(&now, 9*24*time.Hour)
	statuses(401, 401)
}

func TestWhatATokenCannotBeIsSaidInOneLine(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.CreateToken("taken", auth.Reader, "")
	with := func(changes ...string) string {
		m := map[string]string{"name": "x", "role": "reader"}
		for i := 0; i < len(changes); i += 2 {
			m[changes[i]] = changes[i+1]
		}
		b, err := json.Marshal(m)
		handlertest.Must(t, err)
		return string(b)
	}
	const badName = "name must be 1 to 100 bytes of printable text"
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{"", 400, badName},
		{"{}", 400, badName},
		{with("name", " "), 400, badName},
		{with("name", strings.Repeat("ü", 51)), 400, badName},
		{with("name", "a\nb"), 400, badName},
		{with("name", "a\u202eb"), 400, badName},
		{with("name", "taken"), 409, "there is a token of that name already"},
		{with("name", " taken "), 409, "there is a token of that name already"},
		{with("role", ""), 400, "role must be reader, pusher or admin"},
		{with("role", "none"), 400, "role must be reader, pusher or admin"},
		{with("role", "scraper"), 400, "role must be reader, pusher or admin"},
		{with("role", "Admin"), 400, "role must be reader, pusher or admin"},
		{with("limit", "{"), 400, "limit cannot be understood: bad selector"},
		{with("limit", "{}"), 400, "limit cannot be understood: bad selector"},
		{with("limit", `{job=~".*"}`), 400, "at least one matcher must not match an empty value"},
		{with("limit", `up{job="x"}`), 400, "can't name a metric"},
		{with("limit", "{job=\"x\",\nenv=\"y\"}"), 400, "limit cannot be understood: a selector is one line of text"},
		{with("expires_in", "soon"), 400, "expires_in must be a duration such as 30d"},
		{with("expires_in", "-1h"), 400, "expires_in must be a duration such as 30d"},
		{with("expires_in", "11y"), 400, "expires_in must be a duration such as 30d"},
		{`[]`, 400, "the body must be a JSON object"},
		{`null`, 400, "the body must be a JSON object"},
		{`{"name":"x"`, 400, "the body must be a JSON object"},
		{with() + "{}", 400, "the body must be a JSON object"},
		{"{\"name\":\"\xff\"}", 400, "the body must be a JSON object"},
		{`{"Name":"x","role":"reader"}`, 400, `the body has an unknown field: \"Name\"`},
		{with("secret", "x"), 400, `the body has an unknown field: \"secret\"`},
		{`{"name":"x","name":"y","role":"reader"}`, 400, `the body has a field twice: \"name\"`},
		{`{"name":1}`, 400, `the field \"name\" must be a string`},
		{`{"name":{"a":1}}`, 400, `the field \"name\" must be a string`},
		{`{"name":null}`, 400, `the field \"name\" must be a string`},
		{with("name", strings.Repeat("x", 8<<10)), 413, "the body is larger than 8 KiB"},
	} {
		a := s.Do("POST", "/api/v1/tokens", test.body, append(asAdministrator, "Content-Type", "application/json")...)
		if a.Status != test.status || !strings.Contains(a.Body, test.want) || strings.Count(a.Body, "\n") > 0 {
			t.Errorf("%q: %v, want %d %s", test.body, a, test.status, test.want)
		}
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		a := s.Do("POST", "/api/v1/tokens", with(), append(asAdministrator, "Content-Type", contentType)...)
		if a.Status != 415 {
			t.Errorf("%q: %v", contentType, a)
		}
	}
	for _, body := range []string{`{"overlap":""}`, `{"overlap":"31d"}`, `{"overlap":"x"}`} {
		if a := tokenAPI(s, "POST", "/x/rotate", body); a.Status != 400 || !strings.Contains(a.Body, "overlap must be a duration such as 24h, of 30 days at the most") {
			t.Errorf("%s: %v", body, a.Answer)
		}
	}
	if n := len(tokenAPI(s, "GET", "", "").Data.Tokens); n != 1 {
		t.Errorf("there are %d tokens", n)
	}
}

func TestWhatATokenCanBe(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for i, test := range []struct {
		fields  string
		expires time.Duration
	}{
		{`"expires_in":""`, 0},
		{`"expires_in":"0"`, 0},
		{`"limit":"","role":"admin"`, 0},
		{`"limit":" {job=~\"a|b\",env!=\"x\"} "`, 0},
		{`"expires_in":"10y"`, 10 * 365 * 24 * time.Hour},
		{`"expires_in":"1h30m"`, 90 * time.Minute},
	} {
		if !strings.Contains(test.fields, "role") {
			test.fields += `,"role":"reader"`
		}
		a := tokenAPI(s, "POST", "", fmt.Sprintf(`{"name":"Ünicode 100 %% “%d”",%s}`, i, test.fields))
		if a.Status != 201 {
			t.Errorf("%v", a.Answer)
			continue
		}
		expires := a.Data.Token.Expires
		if (expires == nil) != (test.expires == 0) || expires != nil && expires.Sub(a.Data.Token.Created).Round(time.Second) != test.expires {
			t.Errorf("%s: expires %v", test.fields, expires)
		}
	}
}

func TestOnlyAdminsManageTokens(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	victim := s.CreateToken("victim", auth.Reader, "")
	for _, test := range []struct {
		who     string
		headers []string
		want    [4]int // list, make, rotate, revoke
	}{
		{"nobody", []string{"Accept", "*/*"}, [4]int{401, 401, 401, 401}},
		{"a reader", s.CreateToken("r", auth.Reader, "").Headers(), [4]int{403, 403, 403, 403}},
		{"a pusher", s.CreateToken("p", auth.Pusher, "").Headers(), [4]int{403, 403, 403, 403}},
		{"a limited admin", s.CreateToken("l", auth.Admin, `{job="x"}`).Headers(), [4]int{403, 403, 403, 403}},
		{"the session of an admin", append(s.SignIn(), "Sec-Fetch-Site", "same-origin"), [4]int{200, 401, 401, 401}},
		{"the token of an admin", s.CreateToken("a", auth.Admin, "").Headers(), [4]int{200, 201, 200, 200}},
	} {
		got := [4]int{
			tokenAPI(s, "GET", "", "", test.headers...).Status,
			tokenAPI(s, "POST", "", `{"name":"new","role":"admin"}`, test.headers...).Status,
			tokenAPI(s, "POST", "/"+victim.ID+"/rotate", "", test.headers...).Status,
			tokenAPI(s, "DELETE", "/"+victim.ID, "", test.headers...).Status,
		}
		if got != test.want {
			t.Errorf("%s gets %d, want %d", test.who, got, test.want)
		}
	}
}

func TestNothingShowsASecretLater(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.StaleAfter = time.Hour })
	a := tokenAPI(s, "POST", "", `{"name":"x","role":"admin"}`)
	b := tokenAPI(s, "POST", "/"+a.Data.Token.ID+"/rotate", `{}`)
	secrets := []string{a.Data.Secret, b.Data.Secret}
	s.Put("/metrics/job/x", "a 1\n", bearer(secrets[0])...)
	s.Do("PUT", "/metrics/job/x", "a{\n", bearer(secrets[1])...)
	for _, target := range []string{
		"/api/v1/tokens", "/tokens", "/tokens/new", "/tokens/" + a.Data.Token.ID + "/rotate", "/tokens/" + a.Data.Token.ID + "/revoke",
		"/metrics", "/metrics/self", "/api/v1/status", "/status", "/activity", "/activity/export?format=json", "/export?format=json", "/targets", "/api/v1/groupings",
	} {
		a := s.Get(target, append(asAdministrator, "Accept", "text/html")...)
		if a.Status != 200 {
			t.Errorf("%v", a)
		}
		for _, secret := range secrets {
			if strings.Contains(a.Body, secret) {
				t.Errorf("%s tells a secret", target)
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("the log tells a secret")
		}
	}
}

func TestCreatedTokensAreListedAmongTheMethods(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	if a := s.Get("/api/v1/status", asAdministrator...); strings.Contains(a.Body, "api_token") {
		t.Errorf("%v", a)
	}
	s.CreateToken("x", auth.Reader, "")
	if a := s.Get("/api/v1/status", asAdministrator...); !strings.Contains(a.Body, `{"scheme":"api_token","grants":"by token","detail":"created tokens: 1"}`) {
		t.Errorf("%v", a)
	}
}

func TestARevokedTokenEndsOnAllReplicas(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	o := store.Options{Timeout: 10 * time.Second, Limits: store.Limits{CheckConsistency: true}}
	other, err := store.Open(t.Context(), s.Journal, o)
	handlertest.Must(t, err)
	t.Cleanup(func() { _ = other.Close() })
	token := s.CreateToken("x", auth.Reader, "")
	known := func() bool {
		_, err := other.TokenPrincipal(token.Secret, "")
		return err == nil
	}
	s.Eventually("the other one knows the token", known)
	tokenAPI(s, "DELETE", "/"+token.ID, "")
	s.Eventually("the other one has forgotten it", func() bool { return !known() })
}
