package access_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
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

// shownSecret is the secret on a page; empty: there is none.
func shownSecret(a handlertest.Answer) string {
	return regexp.MustCompile(`<code id="secret"[^>]*>([^<]*)</code>`).ReplaceAllString(
		regexp.MustCompile(`<code id="secret"[^>]*>[^<]*</code>`).FindString(a.Body), "$1")
}

func TestTheListShowsAllThatMattersOfTokens(t *testing.T) {
	var now atomic.Pointer[time.Time]
	clock := clocked(&now)
	later(&now, -time.Hour)
	s := handlertest.Start(t, handlertest.OneUser, clock, handlertest.Below("/pg"))
	admin := append(s.SignIn(), handlertest.BrowserHeaders...)
	empty := s.Get("/pg/tokens", admin...)
	if !handlertest.Contains(empty.Body, "No tokens yet", "Programs send an API token", `href="/pg/tokens/new"`, `aria-current="page">Tokens</a>`) || strings.Contains(empty.Body, "<table") {
		t.Errorf("%v", empty)
	}
	tokenAPI(s, "POST", "", `{"name":"<b>ci</b>","role":"pusher","limit":"{job=\"<i>\"}","expires_in":"30d"}`)
	s.CreateToken("grafana", auth.Reader, "")
	expired := tokenAPI(s, "POST", "", `{"name":"old","role":"admin","expires_in":"1s"}`).Data
	s.Get("/pg/metrics", bearer(expired.Secret)...)
	later(&now, time.Minute)
	if old := tokenAPI(s, "GET", "", "").Data.Tokens[2]; old.Name != "old" || !old.Expired || len(old.Secrets) != 0 {
		t.Errorf("the API tells %+v", old)
	}
	a := s.Get("/pg/tokens", admin...)
	if !handlertest.Contains(a.Body, "3 tokens", "&lt;b&gt;ci&lt;/b&gt;", "{job=&#34;&lt;i&gt;&#34;}", "all groupings", `class="never"`, "from <bdi>127.0.0.1</bdi>", "expired", "by <bdi>admin</bdi>", "by <bdi>test</bdi>", "/revoke") {
		t.Errorf("%s", a.Body)
	}
	if strings.Contains(a.Body, expired.Secret) || strings.Contains(a.Body, "no authentication is configured") {
		t.Errorf("%s", a.Body)
	}
	// No id and no hint can have the sign.
	for query, want := range map[string]string{"b>ci": "1 of 3 tokens", "PUSHER": "1 of 3", "expired": "1 of 3", "never": "1 of 3", "admin old": "1 of 3", "nothing": "No matching tokens"} {
		if a := s.Get("/pg/tokens?q="+url.QueryEscape(query), admin...); !strings.Contains(a.Body, want) {
			t.Errorf("%s: %v", query, a)
		}
	}
	fragment := s.Get("/pg/tokens?q=b%3Eci", append(admin, part("div#tokens")...)...)
	if strings.Contains(fragment.Body, "<html") || !strings.Contains(fragment.Body, "1 of 3") || fragment.Header.Get("HX-Push-Url") != "/pg/tokens?q=b%3Eci" {
		t.Errorf("%v %v", fragment, fragment.Header)
	}
	if a := s.Get("/pg/", append(s.StartSession("rita", auth.Pusher), handlertest.BrowserHeaders...)...); strings.Contains(a.Body, "/pg/tokens") {
		t.Error("pushers are led to the tokens")
	}
	if a := s.Get("/pg/tokens", append(s.StartSession("pat", auth.Pusher), handlertest.BrowserHeaders...)...); a.Status != 403 {
		t.Errorf("%v", a)
	}
}

func TestAnOpenServerSaysThatTokensKeepNobodyOut(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{"/tokens", "/tokens/new"} {
		if a := s.Get(target, handlertest.BrowserHeaders...); !strings.Contains(a.Body, "Tokens aren't required yet") {
			t.Errorf("%v", a)
		}
	}
}

func TestManyTokensAreShownInPages(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for i := range 250 {
		s.CreateToken(fmt.Sprintf("t%03d", i), auth.Reader, "")
	}
	for _, test := range []struct{ target, first, last, pages string }{
		{"/tokens", "t000", "t099", "1–100 of 250"},
		{"/tokens?from=100", "t100", "t199", "101–200 of 250"},
		{"/tokens?from=200", "t200", "t249", "201–250 of 250"},
		{"/tokens?from=900", "t200", "t249", "201–250 of 250"},
		{"/tokens?from=x", "t000", "t099", "1–100 of 250"},
		{"/tokens?q=1", "t001", "t180", "1–100 of 133"},
	} {
		a := s.Get(test.target, append(asAdministrator, handlertest.BrowserHeaders...)...)
		if !handlertest.Contains(a.Body, ">"+test.first+"<", ">"+test.last+"<", test.pages) || strings.Count(a.Body, `<tr id="token-`) > 100 {
			t.Errorf("%s: %.200q", test.target, a.Body)
		}
	}
	if a := s.Get("/tokens?from=100", append(asAdministrator, handlertest.BrowserHeaders...)...); len(a.Body) > 150_000 {
		t.Errorf("the page has %d bytes", len(a.Body))
	}
}

func TestTheFormShowsWhatALimitMeans(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for i := range 3 {
		s.Put(fmt.Sprintf("/metrics/job/in/instance/%d", i), "", asAdministrator...)
	}
	s.Put("/metrics/job/out", "", asAdministrator...)
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
		for _, headers := range [][]string{handlertest.BrowserHeaders, part("p#reach")} {
			a := s.Get("/tokens/new?"+form("limit", limit), append(asAdministrator, headers...)...)
			if a.Status != 200 || !strings.Contains(a.Body, want) {
				t.Errorf("%q: %v, want %q", limit, a, want)
			}
			if isWhole := strings.Contains(a.Body, "<html"); isWhole != (headers[0] == handlertest.BrowserHeaders[0]) {
				t.Errorf("%q: %v", limit, a)
			}
		}
	}
}

func TestTheFormIsShownAgainWithWhatIsWrong(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.CreateToken("taken", auth.Reader, "")
	admin := s.SignIn()
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
		a := s.Post("/tokens/new", form(append([]string{"name", "<kept>", "role", "reader", "limit", `{job="kept"}`, "expires", "30d"}, test.fields...)...), admin...)
		if a.Status != 422 || !strings.Contains(a.Body, test.want) || shownSecret(a) != "" {
			t.Errorf("%q: %v", test.fields, a)
		}
		if test.fields[0] != "name" && !strings.Contains(a.Body, `value="&lt;kept&gt;"`) || test.fields[0] != "limit" && !strings.Contains(a.Body, "{job=&#34;kept&#34;}") {
			t.Errorf("%q: the fields are lost: %s", test.fields, a.Body)
		}
	}
	if n := s.Store.Snapshot().Stats().Tokens; n != 1 {
		t.Errorf("there are %d tokens", n)
	}
}

func TestASecretIsShownOnce(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	admin := s.SignIn()
	fields := form("name", "ci", "role", "pusher", "limit", `job=~"back.*"`, "expires", "90d")
	a := s.Post("/tokens/new", fields, admin...)
	secret := shownSecret(a)
	if a.Status != 200 || a.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(secret, "gatehouse_") {
		t.Fatalf("%v %v", a, a.Header)
	}
	if !handlertest.Contains(a.Body, "the only time", "Reloading this page does not create another token", "/pg/metrics/job/back1", "credentials_file:", `metrics_path: &#34;/pg/metrics&#34;`) {
		t.Errorf("%s", a.Body)
	}
	s.Put("/metrics/job/back1", "a 1\n", bearer(secret)...)
	again := s.Post("/tokens/new", fields, admin...)
	if again.Status != 422 || shownSecret(again) != "" || s.Store.Snapshot().Stats().Tokens != 1 {
		t.Errorf("%v", again)
	}
	if a := s.Get("/pg/tokens/new", append(admin, handlertest.BrowserHeaders...)...); a.Status != 200 || strings.Contains(a.Body, secret) || !strings.Contains(a.Body, "New API token") {
		t.Errorf("%v", a)
	}
}

func TestTheCommandOfATokenFitsItsRoleAndLimit(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.Put("/metrics/job/12345", "", asAdministrator...)
	admin := s.SignIn()
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
		a := s.Post("/tokens/new", form("name", fmt.Sprint(i), "role", test.role, "limit", test.limit, "expires", "never"), admin...)
		text := strings.ReplaceAll(a.Body, "</code>", "\n")
		if a.Status != 200 || !handlertest.Contains(text, test.want...) {
			t.Errorf("%+v: %s", test, text)
		}
	}
}

func TestATokenIsGoodToTheEndOfItsLastDay(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	day := time.Now().UTC().Add(48 * time.Hour).Format(time.DateOnly)
	if a := s.Post("/tokens/new", form("name", "x", "role", "reader", "expires", "on", "date", day), s.SignIn()...); shownSecret(a) == "" {
		t.Fatalf("%v", a)
	}
	for token := range s.Store.Snapshot().Tokens() {
		if got := token.Expires().UTC().Round(time.Second).Format(time.DateTime); got != day+" 23:59:59" && got != day+" 23:59:58" {
			t.Errorf("expires %s", got)
		}
	}
}

func TestARotationHappensOnce(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	token := s.CreateToken("ci", auth.Reader, "")
	admin := s.SignIn()
	target := "/tokens/" + token.ID + "/rotate"
	asked := s.Get(target, append(admin, handlertest.BrowserHeaders...)...)
	fields, action := handlertest.FormFields(t, asked.Body)
	if asked.Status != 200 || action != "post "+target || fields["seen"]["value"] == "" {
		t.Fatalf("%v leads to %s", asked, action)
	}
	answer := func(overlap string) string { return form("seen", fields["seen"]["value"], "overlap", overlap) }
	if a := s.Post(target, answer("99d"), admin...); a.Status != 422 || shownSecret(a) != "" || !strings.Contains(a.Body, "The overlap must be a duration") {
		t.Errorf("%v", a)
	}
	a := s.Post(target, answer("1h"), admin...)
	if a.Status != 200 || a.Header.Get("Cache-Control") != "no-store" || !handlertest.Contains(a.Body, "New secret created", "valid until", "does not create another secret") {
		t.Fatalf("%v %v", a, a.Header)
	}
	for _, secret := range []string{token.Secret, shownSecret(a)} {
		if a := s.Get("/metrics", bearer(secret)...); a.Status != 200 {
			t.Errorf("%v", a)
		}
	}
	again := s.Post(target, answer("1h"), admin...)
	if again.Status != 409 || shownSecret(again) != "" || !strings.Contains(again.Body, "The token was rotated in the meantime") {
		t.Errorf("%v", again)
	}
	if a := s.Get("/metrics", bearer(shownSecret(a))...); a.Status != 200 {
		t.Errorf("%v", a)
	}
	for _, a := range []handlertest.Answer{s.Get("/tokens/nobody/rotate", append(admin, handlertest.BrowserHeaders...)...), s.Post("/tokens/nobody/rotate", answer("1h"), admin...)} {
		if a.Status != 404 || !strings.Contains(a.Body, "There is no such token.") {
			t.Errorf("%v", a)
		}
	}
}

func TestARevocationIsAskedForAndConfirmed(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	admin := s.SignIn()
	used, unused := s.CreateToken("used", auth.Reader, ""), s.CreateToken("un<b>used", auth.Reader, "")
	s.Get("/pg/metrics", used.Headers()...)
	page := s.Get("/pg/tokens/"+used.ID+"/revoke", append(admin, handlertest.BrowserHeaders...)...)
	if !handlertest.Contains(page.Body, "<html", "<h1>Revoke <bdi>used</bdi>?</h1>", "It was used recently. Whatever uses it will be denied.", "from <bdi>127.0.0.1</bdi>", `href="/pg/tokens"`) {
		t.Errorf("%v", page)
	}
	dialog := s.Get("/pg/tokens/"+unused.ID+"/revoke", append(admin, part("dialog#dialog")...)...)
	if strings.Contains(dialog.Body, "<html") || !handlertest.Contains(dialog.Body, `id="dialog-title"`, "data-close", "hx-post") || strings.Contains(dialog.Body, "It was used recently. Whatever uses it will be denied.") {
		t.Errorf("%v", dialog)
	}
	toast := s.Post("/tokens/"+unused.ID+"/revoke", "", append(admin, part("dialog#dialog")...)...)
	if toast.Status != 200 || !strings.Contains(toast.Body, "Revoked un&lt;b&gt;used.") || toast.Header.Get("HX-Trigger") != "changed" || toast.Header.Get("HX-Retarget") != "#toasts" {
		t.Errorf("%v %v", toast, toast.Header)
	}
	if late := s.Post("/tokens/"+unused.ID+"/revoke", "", append(admin, part("dialog#dialog")...)...); late.Status != 404 || !strings.Contains(late.Body, "There is no such token.") {
		t.Errorf("%v", late)
	}
	for _, want := range []string{"/pg/tokens?revoked=1", "/pg/tokens"} {
		if a := s.Post("/tokens/"+used.ID+"/revoke", "", admin...); a.Status != 303 || a.Header.Get("Location") != want {
			t.Errorf("%v leads to %s", a, a.Header.Get("Location"))
		}
	}
	if a := s.Get("/pg/tokens?revoked=1", append(admin, handlertest.BrowserHeaders...)...); !strings.Contains(a.Body, "Token revoked") {
		t.Errorf("%v", a)
	}
	if a := s.Get("/pg/metrics", used.Headers()...); a.Status != 401 {
		t.Errorf("%v", a)
	}
}

func TestATokenThatCannotBeKeptIsNotShown(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.Journal.Fail(store.ErrUnavailable)
	a := s.Post("/tokens/new", form("name", "x", "role", "reader", "expires", "never"), append(asAdministrator, handlertest.BrowserHeaders...)...)
	if a.Status != 503 || shownSecret(a) != "" {
		t.Errorf("%v", a)
	}
}
