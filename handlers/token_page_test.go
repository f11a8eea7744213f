package handlers

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
)

// form is what a browser sends of fields, given as name, value, name, value…
func form(fields ...string) string {
	q := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		q.Set(fields[i], fields[i+1])
	}
	return q.Encode()
}

// part is what htmx says when it asks for a part of a page.
func part(target string) []string {
	return []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", target}
}

// shown is the secret on a page; empty: there is none.
func (a answered) shown() string {
	return regexp.MustCompile(`<code id="secret"[^>]*>([^<]*)</code>`).ReplaceAllString(
		regexp.MustCompile(`<code id="secret"[^>]*>[^<]*</code>`).FindString(a.body), "$1")
}

func TestTheListTellsAllThatMattersOfTokens(t *testing.T) {
	var now atomic.Pointer[time.Time]
	clock := clocked(&now)
	later(&now, -time.Hour)
	s := serve(t, oneUser, clock, below("/pg"))
	admin := append(s.signedIn(), aBrowser...)
	empty := s.get("/pg/tokens", admin...)
	if !contains(empty.body, "No tokens yet", "Programs send an API token", `href="/pg/tokens/new"`, `aria-current="page">Tokens</a>`) || strings.Contains(empty.body, "<table") {
		t.Errorf("%v", empty)
	}
	s.tokenAPI("POST", "", `{"name":"<b>ci</b>","role":"pusher","limit":"{job=\"<i>\"}","expires_in":"30d"}`)
	s.token("grafana", auth.Reader, "")
	expired := s.tokenAPI("POST", "", `{"name":"old","role":"admin","expires_in":"1s"}`).Data
	s.get("/pg/metrics", bearer(expired.Secret)...)
	later(&now, time.Minute)
	if old := s.tokenAPI("GET", "", "").Data.Tokens[2]; old.Name != "old" || !old.Expired || len(old.Secrets) != 0 {
		t.Errorf("the API tells %+v", old)
	}
	a := s.get("/pg/tokens", admin...)
	if !contains(a.body, "3 tokens", "&lt;b&gt;ci&lt;/b&gt;", "{job=&#34;&lt;i&gt;&#34;}", "all groupings", `class="never"`, "from <bdi>127.0.0.1</bdi>", "expired", "by <bdi>admin</bdi>", "by <bdi>test</bdi>", "/revoke") {
		t.Errorf("%s", a.body)
	}
	if strings.Contains(a.body, expired.Secret) || strings.Contains(a.body, "no authentication is configured") {
		t.Errorf("%s", a.body)
	}
	for query, want := range map[string]string{"ci": "1 of 3 tokens", "PUSHER": "1 of 3", "expired": "1 of 3", "never": "1 of 3", "admin old": "1 of 3", "nothing": "No matching tokens"} {
		if a := s.get("/pg/tokens?q="+url.QueryEscape(query), admin...); !strings.Contains(a.body, want) {
			t.Errorf("%s: %v", query, a)
		}
	}
	fragment := s.get("/pg/tokens?q=ci", append(admin, part("div#tokens")...)...)
	if strings.Contains(fragment.body, "<html") || !strings.Contains(fragment.body, "1 of 3") || fragment.header.Get("HX-Push-Url") != "/pg/tokens?q=ci" {
		t.Errorf("%v %v", fragment, fragment.header)
	}
	if a := s.get("/pg/", append(s.begun("rita", auth.Pusher), aBrowser...)...); strings.Contains(a.body, "/pg/tokens") {
		t.Error("pushers are led to the tokens")
	}
	if a := s.get("/pg/tokens", append(s.begun("pat", auth.Pusher), aBrowser...)...); a.status != 403 {
		t.Errorf("%v", a)
	}
}

func TestAnOpenServerSaysThatTokensKeepNobodyOut(t *testing.T) {
	s := serve(t)
	for _, target := range []string{"/tokens", "/tokens/new"} {
		if a := s.get(target, aBrowser...); !strings.Contains(a.body, "Tokens aren't required yet") {
			t.Errorf("%v", a)
		}
	}
}

func TestManyTokensAreShownInPages(t *testing.T) {
	s := serve(t, oneUser)
	for i := range 250 {
		s.token(fmt.Sprintf("t%03d", i), auth.Reader, "")
	}
	for _, test := range []struct{ target, first, last, pages string }{
		{"/tokens", "t000", "t099", "1–100 of 250"},
		{"/tokens?from=100", "t100", "t199", "101–200 of 250"},
		{"/tokens?from=200", "t200", "t249", "201–250 of 250"},
		{"/tokens?from=900", "t200", "t249", "201–250 of 250"},
		{"/tokens?from=x", "t000", "t099", "1–100 of 250"},
		{"/tokens?q=1", "t001", "t180", "1–100 of 133"},
	} {
		a := s.get(test.target, append(asAdministrator, aBrowser...)...)
		if !contains(a.body, ">"+test.first+"<", ">"+test.last+"<", test.pages) || strings.Count(a.body, `<tr id="token-`) > 100 {
			t.Errorf("%s: %.200q", test.target, a.body)
		}
	}
	if a := s.get("/tokens?from=100", append(asAdministrator, aBrowser...)...); len(a.body) > 150_000 {
		t.Errorf("the page has %d bytes", len(a.body))
	}
}

func TestTheFormTellsWhatALimitMeans(t *testing.T) {
	s := serve(t, oneUser)
	for i := range 3 {
		s.put(fmt.Sprintf("/metrics/job/in/instance/%d", i), "", asAdministrator...)
	}
	s.put("/metrics/job/out", "", asAdministrator...)
	for limit, want := range map[string]string{
		"":                  "All groupings: 4 now",
		`{job="in"}`:        "Matches 3 of 4 groupings now.",
		`job="in"`:          "Matches 3 of 4",
		` job="out" `:       "Matches 1 of 4",
		`{job="none"}`:      "Matches 0 of 4",
		`job=`:              "Unexpected unexpected end",
		`{job="in"`:         "at 10.",
		`{}`:                "At least one matcher must not match an empty value.",
		`up{job="x"}`:       "can&#39;t name a metric",
		"{job=\"a\",\nb=1}": "A selector is one line of text.",
	} {
		want := strings.Replace(want, "Unexpected unexpected", "Unexpected", 1)
		for _, headers := range [][]string{aBrowser, part("p#reach")} {
			a := s.get("/tokens/new?"+form("limit", limit), append(asAdministrator, headers...)...)
			if a.status != 200 || !strings.Contains(a.body, want) {
				t.Errorf("%q: %v, want %q", limit, a, want)
			}
			if isWhole := strings.Contains(a.body, "<html"); isWhole != (headers[0] == aBrowser[0]) {
				t.Errorf("%q: %v", limit, a)
			}
		}
	}
}

func TestTheFormIsShownAgainWithWhatIsWrong(t *testing.T) {
	s := serve(t, oneUser)
	s.token("taken", auth.Reader, "")
	admin := s.signedIn()
	for _, test := range []struct {
		fields []string
		want   string
	}{
		{[]string{"name", ""}, "It must be 1 to 100 bytes of printable text."},
		{[]string{"name", "taken"}, "A token with this name already exists."},
		{[]string{"role", "boss"}, "It must be reader, pusher or admin."},
		{[]string{"limit", "{job="}, "Unexpected end"},
		{[]string{"expires", ""}, "Choose when the token expires."},
		{[]string{"expires", "soon"}, "Must be a duration"},
		{[]string{"expires", "on"}, "The last day must be one from today on"},
		{[]string{"expires", "on", "date", "2020-01-01"}, "The last day must be one from today on"},
		{[]string{"expires", "on", "date", "2999-01-01"}, "The last day must be one from today on"},
	} {
		a := s.post("/tokens/new", form(append([]string{"name", "<kept>", "role", "reader", "limit", `{job="kept"}`, "expires", "30d"}, test.fields...)...), admin...)
		if a.status != 422 || !strings.Contains(a.body, test.want) || a.shown() != "" {
			t.Errorf("%q: %v", test.fields, a)
		}
		if test.fields[0] != "name" && !strings.Contains(a.body, `value="&lt;kept&gt;"`) || test.fields[0] != "limit" && !strings.Contains(a.body, "{job=&#34;kept&#34;}") {
			t.Errorf("%q: the fields are lost: %s", test.fields, a.body)
		}
	}
	if n := s.store.Snapshot().Stats().Tokens; n != 1 {
		t.Errorf("there are %d tokens", n)
	}
}

func TestASecretIsShownOnce(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	admin := s.signedIn()
	fields := form("name", "ci", "role", "pusher", "limit", `job=~"back.*"`, "expires", "90d")
	a := s.post("/tokens/new", fields, admin...)
	secret := a.shown()
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(secret, "gatehouse_") {
		t.Fatalf("%v %v", a, a.header)
	}
	if !contains(a.body, "the only time", "Reloading this page does not create another token", "/pg/metrics/job/back1", "credentials_file:", `metrics_path: &#34;/pg/metrics&#34;`) {
		t.Errorf("%s", a.body)
	}
	s.put("/metrics/job/back1", "a 1\n", bearer(secret)...)
	again := s.post("/tokens/new", fields, admin...)
	if again.status != 422 || again.shown() != "" || s.store.Snapshot().Stats().Tokens != 1 {
		t.Errorf("%v", again)
	}
	if a := s.get("/pg/tokens/new", append(admin, aBrowser...)...); a.status != 200 || strings.Contains(a.body, secret) || !strings.Contains(a.body, "New API token") {
		t.Errorf("%v", a)
	}
}

func TestTheCommandOfATokenFitsItsRoleAndLimit(t *testing.T) {
	s := serve(t, oneUser)
	s.put("/metrics/job/12345", "", asAdministrator...)
	admin := s.signedIn()
	for i, test := range []struct {
		role, limit string
		want        []string
	}{
		{"reader", "", []string{"curl -H", "/metrics\n"}},
		{"pusher", "", []string{"--data-binary @-", "/metrics/job/example\n"}},
		{"admin", `{job="a b",env="x/y"}`, []string{"/metrics/job@base64/YSBi/env@base64/eC95\n"}},
		{"pusher", `{job=~"[0-9]{5}"}`, []string{"/metrics/job/12345\n"}},
		{"pusher", `{job=~"[a-z]{2}"}`, []string{"Replace the path by that of a grouping within the scope."}},
	} {
		a := s.post("/tokens/new", form("name", fmt.Sprint(i), "role", test.role, "limit", test.limit, "expires", "never"), admin...)
		text := strings.ReplaceAll(a.body, "</code>", "\n")
		if a.status != 200 || !contains(text, test.want...) {
			t.Errorf("%+v: %s", test, text)
		}
	}
}

func TestATokenIsGoodToTheEndOfItsLastDay(t *testing.T) {
	s := serve(t, oneUser)
	day := time.Now().UTC().Add(48 * time.Hour).Format(time.DateOnly)
	if a := s.post("/tokens/new", form("name", "x", "role", "reader", "expires", "on", "date", day), s.signedIn()...); a.shown() == "" {
		t.Fatalf("%v", a)
	}
	for token := range s.store.Snapshot().Tokens() {
		if got := token.Expires().UTC().Round(time.Second).Format(time.DateTime); got != day+" 23:59:59" && got != day+" 23:59:58" {
			t.Errorf("expires %s", got)
		}
	}
}

func TestARotationHappensOnce(t *testing.T) {
	s := serve(t, oneUser)
	token := s.token("ci", auth.Reader, "")
	admin := s.signedIn()
	target := "/tokens/" + token.ID + "/rotate"
	asked := s.get(target, append(admin, aBrowser...)...)
	fields, action := inputs(t, asked.body)
	if asked.status != 200 || action != "post "+target || fields["seen"]["value"] == "" {
		t.Fatalf("%v leads to %s", asked, action)
	}
	answer := func(overlap string) string { return form("seen", fields["seen"]["value"], "overlap", overlap) }
	if a := s.post(target, answer("99d"), admin...); a.status != 422 || a.shown() != "" || !strings.Contains(a.body, "The overlap must be a duration") {
		t.Errorf("%v", a)
	}
	a := s.post(target, answer("1h"), admin...)
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || !contains(a.body, "New secret created", "valid until", "does not create another secret") {
		t.Fatalf("%v %v", a, a.header)
	}
	for _, secret := range []string{token.secret, a.shown()} {
		if a := s.get("/metrics", bearer(secret)...); a.status != 200 {
			t.Errorf("%v", a)
		}
	}
	again := s.post(target, answer("1h"), admin...)
	if again.status != 409 || again.shown() != "" || !strings.Contains(again.body, "The token was rotated in the meantime") {
		t.Errorf("%v", again)
	}
	if a := s.get("/metrics", bearer(a.shown())...); a.status != 200 {
		t.Errorf("%v", a)
	}
	for _, a := range []answered{s.get("/tokens/nobody/rotate", append(admin, aBrowser...)...), s.post("/tokens/nobody/rotate", answer("1h"), admin...)} {
		if a.status != 404 || !strings.Contains(a.body, "There is no such token.") {
			t.Errorf("%v", a)
		}
	}
}

func TestARevocationIsAskedForAndTold(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	admin := s.signedIn()
	used, unused := s.token("used", auth.Reader, ""), s.token("un<b>used", auth.Reader, "")
	s.get("/pg/metrics", used.headers()...)
	page := s.get("/pg/tokens/"+used.ID+"/revoke", append(admin, aBrowser...)...)
	if !contains(page.body, "<html", "<h1>Revoke <bdi>used</bdi>?</h1>", "It was used recently. Whatever uses it will be denied.", "from <bdi>127.0.0.1</bdi>", `href="/pg/tokens"`) {
		t.Errorf("%v", page)
	}
	dialog := s.get("/pg/tokens/"+unused.ID+"/revoke", append(admin, part("dialog#dialog")...)...)
	if strings.Contains(dialog.body, "<html") || !contains(dialog.body, `id="dialog-title"`, "data-close", "hx-post") || strings.Contains(dialog.body, "It was used recently. Whatever uses it will be denied.") {
		t.Errorf("%v", dialog)
	}
	toast := s.post("/tokens/"+unused.ID+"/revoke", "", append(admin, part("dialog#dialog")...)...)
	if toast.status != 200 || !strings.Contains(toast.body, "Revoked un&lt;b&gt;used.") || toast.header.Get("HX-Trigger") != "changed" || toast.header.Get("HX-Retarget") != "#toasts" {
		t.Errorf("%v %v", toast, toast.header)
	}
	if late := s.post("/tokens/"+unused.ID+"/revoke", "", append(admin, part("dialog#dialog")...)...); late.status != 404 || !strings.Contains(late.body, "There is no such token.") {
		t.Errorf("%v", late)
	}
	for _, want := range []string{"/pg/tokens?revoked=1", "/pg/tokens"} {
		if a := s.post("/tokens/"+used.ID+"/revoke", "", admin...); a.status != 303 || a.header.Get("Location") != want {
			t.Errorf("%v leads to %s", a, a.header.Get("Location"))
		}
	}
	if a := s.get("/pg/tokens?revoked=1", append(admin, aBrowser...)...); !strings.Contains(a.body, "Token revoked") {
		t.Errorf("%v", a)
	}
	if a := s.get("/pg/metrics", used.headers()...); a.status != 401 {
		t.Errorf("%v", a)
	}
}

func TestATokenThatCannotBeKeptIsNotShown(t *testing.T) {
	s := serve(t, oneUser)
	s.journal.fail(store.ErrUnavailable)
	a := s.post("/tokens/new", form("name", "x", "role", "reader", "expires", "never"), append(asAdministrator, aBrowser...)...)
	if a.status != 503 || a.shown() != "" {
		t.Errorf("%v", a)
	}
}
