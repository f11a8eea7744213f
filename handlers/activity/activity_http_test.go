package activity_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// linkTo is where the first link with that text leads; empty: there is none.
func linkTo(t *testing.T, page, text string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	handlertest.Must(t, err)
	for n := range root.Descendants() {
		if n.Data == "a" && handlertest.TextOf(n) == text {
			return handlertest.Attribute(n, "href")
		}
	}
	return ""
}

func timeOf(k *handlertest.Clock) time.Time { return time.Unix(0, k.At.Load()).UTC() }

// busy is a server on which everything happened that is put on record, ten
// minutes between one thing and the next.
func busy(t *testing.T) (s *handlertest.Server, k *handlertest.Clock, admin []string) {
	t.Helper()
	s = handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { k = handlertest.StartClock(c) })
	ana := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	ops := s.StartSession("ops", auth.Admin)
	remove := func(path string, who ...string) {
		t.Helper()
		at := "/groupings/" + s.Grouping(path).Key.Digest() + "/delete"
		form := handlertest.FormOf(t, s.Get(at, append(who, handlertest.BrowserHeaders...)...).Body, at)
		if a := s.Post(at, form.Encode(), who...); a.Status != 303 {
			t.Fatal(a)
		}
	}
	s.Put("/metrics/job/x/instance/1", "a 1\n", ana...)
	s.Put("/metrics/job/x/instance/2", "a 1\n", ana...)
	remove("/metrics/job/x/instance/1", ana...)
	k.Advance(10 * time.Minute)
	remove("/metrics/job/x/instance/2", ops...)
	k.Advance(10 * time.Minute)
	deleted := linkTo(t, s.Get("/activity?by=ops", append(ops, handlertest.BrowserHeaders...)...).Body, "List: deleted {instance=\"2\",job=\"x\"}, "+precisely(timeOf(k).Add(-10*time.Minute)))
	if a := s.Post(strings.Replace(deleted, "/deleted/", "/undo/", 1), "", ops...); a.Status != 200 {
		t.Fatal(a)
	}
	k.Advance(10 * time.Minute)
	for range 3 {
		if a := s.Do("PUT", "/metrics/job/x/instance/2", "a{\n", ana...); a.Status != 400 {
			t.Fatal(a)
		}
	}
	k.Advance(10 * time.Minute)
	s.Put("/metrics/job/brief?ttl=1m", "b 1\n", ana...)
	k.Advance(10 * time.Minute)
	s.Put("/metrics/job/y", "c 1\n", ana...)
	s.Eventually("the expiry is on record", func() bool {
		entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryExpiry}})
		return err == nil && len(entries) > 0
	})
	k.Advance(10 * time.Minute)
	if a := s.Do("PUT", "/api/v1/admin/wipe", "", ana...); a.Status != 202 {
		t.Fatal(a)
	}
	return s, k, ops
}

func precisely(at time.Time) string { return at.Format("2006-01-02 15:04:05 UTC") }

func TestTheLogListsWhatHappenedNewestFirst(t *testing.T) {
	s, k, admin := busy(t)
	page := s.Get("/activity", append(admin, handlertest.BrowserHeaders...)...)
	want := []string{
		"wiped everything · 2 groupings",
		`expired {job="brief"}`,
		`refused {instance="2",job="x"} · 3 pushes within a minute line 1: metric "a": the labels have no closing brace`,
		`undone {instance="2",job="x"} · 1 grouping restored`,
		`deleted {instance="2",job="x"}`,
		`deleted {instance="1",job="x"}`,
		`signed in role admin`,
	}
	if got := handlertest.LogLines(t, page.Body); page.Status != 200 || !slices.Equal(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", page, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !handlertest.Contains(page.Body, ">admin</bdi>", ">ops</bdi>", ">password</span>", ">session</span>", "127.0.0.1", precisely(timeOf(k)), `id="activity"`, ">the server<") {
		t.Error("does not tell who and when")
	}
	// The wipe and what expired can be undone, and what only one thing took.
	if n := strings.Count(page.Body, `hx-post="/undo/`); n != 3 {
		t.Errorf("%d undos are offered", n)
	}
	if n := strings.Count(page.Body, `href="/deleted/`); n != 4 {
		t.Errorf("%d lists are offered", n)
	}
}

func TestTheLogIsNarrowedByItsAddress(t *testing.T) {
	s, k, admin := busy(t)
	at := func(ago time.Duration) string { return timeOf(k).Add(-ago).Format("2006-01-02T15:04") }
	for query, want := range map[string]string{
		"":                              "wiped expired refused undone deleted deleted in",
		"kind=delete":                   "deleted deleted",
		"kind=deletions":                "wiped expired undone deleted deleted",
		"kind=deletions&kind=refusal":   "wiped expired refused undone deleted deleted",
		"kind=sessions":                 "in",
		"kind=sign_in":                  "in",
		"kind=sign_out&kind=tokens":     "",
		"kind=denial":                   "",
		"kind=wipe&kind=undo&kind=wipe": "wiped undone",
		"kind=refusal":                  "refused",
		"kind=expiry":                   "expired",
		"by=ops":                        "undone deleted in",
		"by=OPS":                        "",
		"by=op":                         "",
		"q=CLOSING+brace":               "refused",
		"q=instance%3D%221":             "deleted",
		"q=127.0.0.1&kind=delete":       "deleted deleted",
		"q=%3Cscript%3E":                "",
		"from=" + at(10*time.Minute):    "wiped expired",
		"to=" + at(40*time.Minute):      "undone deleted deleted in",
		"to=" + at(41*time.Minute):      "deleted deleted in",
		"from=" + at(30*time.Minute) + "&to=" + at(30*time.Minute): "refused",
		"from=" + timeOf(k).Format("2006-01-02"):                   "wiped expired refused undone deleted deleted in",
		"from=" + at(0) + "&to=" + at(time.Hour):                   "",
		"q=+&by=+&from=&to=&before=":                               "wiped expired refused undone deleted deleted in",
	} {
		if strings.HasPrefix(query, "from=") && len(query) == len("from=2006-01-02") && timeOf(k).Add(-time.Hour).Day() != timeOf(k).Day() {
			continue // the day has just begun
		}
		a := s.Get("/activity?"+query, append(admin, handlertest.BrowserHeaders...)...)
		var kinds []string
		for _, line := range handlertest.LogLines(t, a.Body) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(line, "signed "), " ")
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); a.Status != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", query, a.Status, got, want)
		}
		if want == "" && (!handlertest.Contains(a.Body, "No matches.") || linkTo(t, a.Body, "Clear") != "/activity") {
			t.Errorf("%s: %v", query, a)
		}
		if strings.Contains(a.Body, "<script>") {
			t.Errorf("%s: takes part in the page", query)
		}
	}
	for _, query := range []string{
		"kind=x", "kind=", "from=x", "to=2026-13-01T00:00", "from=9999-01-01", "to=1900-01-01T00:00", "from=" + strings.Repeat("1", 1000),
		"q=" + strings.Repeat("x", web.MaxQuery+1), "by=" + strings.Repeat("x", maxActor+1), "before=" + strings.Repeat("x", maxOperation+1),
	} {
		for _, path := range []string{"/activity?", "/activity/export?"} {
			if a := s.Get(path+query, admin...); a.Status != 400 || !handlertest.OneLine(a.Body) {
				t.Errorf("%.60s: %v", path+query, a)
			}
		}
		if a := s.Get("/api/v1/activity?"+query, admin...); a.Status != 400 || !handlertest.Contains(a.Body, `"errorType":"bad_data"`) {
			t.Errorf("%.60s: %v", query, a)
		}
	}
	for _, before := range []string{"x", "../..", "%00", "zzzz", "ffffffffffffffff-ffffffff"} {
		if a := s.Get("/activity?before="+before, append(admin, handlertest.BrowserHeaders...)...); a.Status != 200 && a.Status != 400 {
			t.Errorf("%v", a)
		}
	}
}

func TestTheLogIsForAdmins(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for name, test := range map[string]struct {
		who    []string
		status int
	}{
		"a stranger": {nil, 401}, "a reader": {s.StartSession("rita", auth.Reader), 403}, "a pusher": {s.StartSession("pat", auth.Pusher), 403}, "an admin": {s.SignIn(), 200},
	} {
		for _, target := range []string{"/activity", "/activity/export", "/activity/export?format=csv", "/api/v1/activity"} {
			if a := s.Get(target, append(test.who, handlertest.BrowserHeaders...)...); a.Status != test.status {
				t.Errorf("%s: %v, want %d", name, a, test.status)
			}
		}
		if linked := strings.Contains(s.Get("/", append(test.who, handlertest.BrowserHeaders...)...).Body, `href="/activity"`); test.who != nil && linked != (test.status == 200) {
			t.Errorf("%s: a link to it: %v", name, linked)
		}
	}
}

func TestAnEmptyLogSaysSo(t *testing.T) {
	s := handlertest.Start(t)
	empty := s.Get("/activity", handlertest.BrowserHeaders...)
	if !handlertest.Contains(empty.Body, "No entries yet.") || strings.Contains(empty.Body, "<table") {
		t.Errorf("%v", empty)
	}
	if a := s.Get("/activity?before=x", handlertest.BrowserHeaders...); !handlertest.Contains(a.Body, "No older entries.") || linkTo(t, a.Body, "Newest") != "/activity" {
		t.Errorf("%v", a)
	}
}

func TestOlderPagesListEverythingOnce(t *testing.T) {
	// All at the same moment, as far as the clock can tell.
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) { handlertest.StartClock(c) })
	const n = 2*entriesPerPage + 7
	for i := range n {
		s.Put(fmt.Sprintf("/metrics/job/x/instance/%d", i), "a 1\n")
		if a := s.Do("DELETE", fmt.Sprintf("/pg/metrics/job/x/instance/%d", i), ""); a.Status != 202 {
			t.Fatal(a)
		}
	}
	seen := map[string]bool{}
	sizes := []int{}
	for address := "/pg/activity?kind=delete"; address != ""; {
		a := s.Get(address, handlertest.BrowserHeaders...)
		lines := handlertest.LogLines(t, a.Body)
		for _, line := range lines {
			if seen[line] {
				t.Errorf("twice: %s", line)
			}
			seen[line] = true
		}
		// Only the first page is narrowed in place and follows what happens.
		first := len(sizes) == 0
		if inPlace := strings.Contains(a.Body, `hx-get="/pg/activity"`); inPlace != first {
			t.Errorf("%s: narrowed in place: %v", address, inPlace)
		}
		if newest := linkTo(t, a.Body, "‹ Newest"); (newest == "/pg/activity?kind=delete") == first {
			t.Errorf("%s: the newest are at %q", address, newest)
		}
		sizes = append(sizes, len(lines))
		address = linkTo(t, a.Body, "Older ›")
	}
	if len(seen) != n || !slices.Equal(sizes, []int{entriesPerPage, entriesPerPage, 7}) {
		t.Errorf("%d entries in pages of %v", len(seen), sizes)
	}
}

func TestAPartOfTheLogIsAllThatHtmxGets(t *testing.T) {
	s, _, admin := busy(t)
	a := s.Get("/activity?kind=delete&q=&by=", append(admin, handlertest.PartHeaders("activity")...)...)
	if a.Status != 200 || strings.Contains(a.Body, "<html") || strings.Contains(a.Body, `id="filter"`) || len(handlertest.LogLines(t, a.Body)) != 2 {
		t.Errorf("%v", a)
	}
	if got := a.Header.Get("HX-Push-Url"); got != "/activity?kind=delete" {
		t.Errorf("the address becomes %q", got)
	}
	if a := s.Get("/activity?kind=delete", append(append(admin, "HX-Current-URL", "http://x/activity?kind=delete"), handlertest.PartHeaders("activity")...)...); a.Header.Get("HX-Push-Url") != "" {
		t.Errorf("%v", a.Header)
	}
}

func TestWhatIsInTheLogIsUndoneFromThere(t *testing.T) {
	s, _, admin := busy(t)
	page := s.Get("/activity?kind=wipe", append(admin, handlertest.BrowserHeaders...)...)
	_, rest, _ := strings.Cut(page.Body, `action="/undo/`)
	operation, _, _ := strings.Cut(rest, `"`)
	handlertest.FormOf(t, page.Body, "/undo/"+operation)
	if a := s.Post("/undo/"+operation, "", admin...); a.Status != 200 {
		t.Fatal(a)
	}
	s.WantGroupings(`{instance="2",job="x"}`, `{job="y"}`)
	after := s.Get("/activity", append(admin, handlertest.BrowserHeaders...)...)
	if lines := handlertest.LogLines(t, after.Body); lines[0] != "undone a wipe or an expiry · 2 groupings restored" {
		t.Errorf("%q", lines)
	}
	if strings.Contains(after.Body, "/undo/"+operation) {
		t.Error("it can be undone again")
	}
	// What is there again is linked to.
	if got, want := linkTo(t, after.Body, `{instance="2",job="x"}`), "/groupings/"+s.Grouping("/metrics/job/x/instance/2").Key.Digest(); got != want {
		t.Errorf("a link to %q, want %q", got, want)
	}
}

func TestTheLogIsExported(t *testing.T) {
	s, _, admin := busy(t)
	a := s.Get("/activity/export?format=json&kind=delete&kind=refusal", admin...)
	var entries []handlertest.Entry
	if err := json.Unmarshal([]byte(a.Body), &entries); err != nil || a.Status != 200 || len(entries) != 3 {
		t.Fatalf("%v %v", a, err)
	}
	if e := entries[0]; e.Kind != "refusal" || e.What != `{instance="2",job="x"}` || e.Count != 3 || e.By != "admin" || e.Reason != "syntax" || !strings.Contains(e.Message, "closing brace") || e.Time.IsZero() {
		t.Errorf("%+v", e)
	}
	if a.Header.Get("Content-Disposition") != `attachment; filename="activity.json"` || a.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%v", a.Header)
	}
	if a := s.Get("/activity/export?kind=delete&to=2001-01-01", admin...); a.Body != "[\n]\n" {
		t.Errorf("%v", a)
	}
	a = s.Get("/activity/export?format=csv", append(admin, "Accept-Encoding", "identity")...)
	lines, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil || len(lines) != 8 || !slices.Equal(lines[0], activityHead) || lines[3][2] != "refusal" {
		t.Errorf("%v %q", err, lines)
	}
	if a := s.Get("/activity/export?format=xml", admin...); a.Status != 400 {
		t.Errorf("%v", a)
	}
	// What the page links to is what it shows.
	page := s.Get("/activity?kind=delete&q=x", append(admin, handlertest.BrowserHeaders...)...)
	if got := linkTo(t, page.Body, "CSV"); got != "/activity/export?format=csv&kind=delete&q=x" {
		t.Errorf("got %q", got)
	}
}

func TestSpreadsheetsGetNoFormulasFromTheLog(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	for i, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx"} {
		handlertest.Must(t, s.Store.CreateSession(t.Context(), fmt.Sprint("session", i), auth.Session{
			Scheme: "oidc", ID: "sub:" + name, Credential: handlertest.LoginRules, Name: name, Role: auth.Admin, Created: time.Now(), Expires: time.Now().Add(time.Hour),
		}))
		who := []string{"Cookie", fmt.Sprint("gatehouse_session=session", i)}
		s.Put("/metrics/job/x", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
		at := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
		if a := s.Post(at, handlertest.FormOf(t, s.Get(at, append(who, handlertest.BrowserHeaders...)...).Body, at).Encode(), who...); a.Status != 303 {
			t.Fatal(a)
		}
	}
	a := s.Get("/activity/export?format=csv", s.SignIn()...)
	lines, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil || len(lines) != 12 || !slices.Equal(lines[0], activityHead) { // they have signed in, then deleted
		t.Fatalf("%v %v", a, err)
	}
	quoted := 0
	for _, line := range lines[1:] {
		for i, text := range line {
			if text != "" && strings.Contains("=+-@\t", text[:1]) {
				t.Errorf("%s: %q", activityHead[i], text)
			}
		}
		if strings.HasPrefix(line[3], "'") {
			quoted++
		}
	}
	if quoted != 10 {
		t.Errorf("%d names are quoted", quoted)
	}
}

func TestHostileNamesStayTextInTheLog(t *testing.T) {
	s := handlertest.Start(t)
	path := "/metrics/job/%3Cscript%3Ealert(1)%3C%2Fscript%3E/instance/%22%3E%3Cimg%20src=x%3E/l/%E2%80%AE" + strings.Repeat("x", 900)
	s.Put(path, "a 1\n")
	s.Do("DELETE", path, "")
	a := s.Get("/activity?q="+url.QueryEscape(`"><b>`+"\u202e")+"&by=%22%3E%3Cb%3E", handlertest.BrowserHeaders...)
	if a.Status != 200 || strings.Contains(a.Body, "<b>") {
		t.Errorf("%v", a)
	}
	a = s.Get("/activity", handlertest.BrowserHeaders...)
	if lines := handlertest.LogLines(t, a.Body); len(lines) != 1 || len(lines[0]) > 300 || strings.Contains(a.Body, "<script>alert") || strings.Contains(a.Body, "<img") || strings.Contains(a.Body, "\u202e") {
		t.Errorf("%q", lines)
	}
}

func TestSignInsAndTokensAreSaidInWords(t *testing.T) {
	var k *handlertest.Clock
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { k, c.Retention = handlertest.StartClock(c), 90*24*time.Hour })
	ctx, ana := t.Context(), store.Origin{By: "ana", From: "10.0.0.1", Via: "session", ID: "sub:ana"}
	step := func() { k.Advance(time.Minute) }
	admin := s.StartSession("ana", auth.Admin)
	step()
	s.StartSession("ben", auth.Reader)
	step()
	only, err := store.ParseSelectors([]string{`{job="x"}`})
	handlertest.Must(t, err)
	token, secret, err := s.Store.CreateToken(ctx, store.NewToken{Name: "<b>ci", Role: auth.Pusher, Scope: only}, ana)
	handlertest.Must(t, err)
	step()
	token, _, err = s.Store.RotateToken(ctx, token.ID, time.Hour, ana)
	handlertest.Must(t, err)
	step()
	_, err = s.Store.RevokeToken(ctx, token.ID, ana)
	handlertest.Must(t, err)
	step()
	_, err = s.Store.EndSessionsOf(ctx, "sub:ben", "", ana, "an admin did")
	handlertest.Must(t, err)
	step()
	was, now := secret[len(secret)-4:], token.Secrets[0].Hint
	for query, want := range map[string][]string{
		"kind=sessions": {"signed out ben an admin did", "signed in role reader", "signed in role admin"},
		"kind=tokens": {
			`revoked token <b>ci …` + now + ` role pusher, scope {job="x"}`,
			`rotated token <b>ci …` + now + ` role pusher, scope {job="x"}`,
			`created token <b>ci …` + was + ` role pusher, scope {job="x"}`,
		},
		"kind=token_rotate&by=ana": {`rotated token <b>ci …` + now + ` role pusher, scope {job="x"}`},
		"kind=deletions":           nil,
	} {
		a := s.Get("/activity?"+query, append(admin, handlertest.BrowserHeaders...)...)
		if got := handlertest.LogLines(t, a.Body); !slices.Equal(got, want) || strings.Contains(a.Body, "<b>") || strings.Contains(a.Body, secret) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if !handlertest.Contains(a.Body, "kept for 90 days") {
			t.Errorf("%s does not tell how long entries are kept", query)
		}
	}
	if a := s.Get("/status", append(admin, handlertest.BrowserHeaders...)...); !handlertest.Contains(a.Body, "kept for 90 days") {
		t.Error("the status does not tell how long entries are kept")
	}
	entries, _ := s.Entries("kind=token_create", admin...)
	if e := entries[0]; e.By != "ana" || e.From != "10.0.0.1" || e.Via != "session" || e.ID != "sub:ana" || e.What != "<b>ci …"+was {
		t.Errorf("%+v", e)
	}
}

func TestWhatHappenedLeadsToOnlyThat(t *testing.T) {
	s, _, admin := busy(t)
	page := s.Get("/activity?by=ops&kind=deletions", append(admin, handlertest.BrowserHeaders...)...).Body
	at := linkTo(t, page, "undone")
	if at != "/activity?by=ops&kind=undo" {
		t.Fatalf("it leads to %q", at)
	}
	page = s.Get(at, append(admin, handlertest.BrowserHeaders...)...).Body
	if lines := handlertest.LogLines(t, page); len(lines) != 1 || !strings.HasPrefix(lines[0], "undone") {
		t.Errorf("%q", lines)
	}
	// The form goes on with that kind, beside the groups that there always are.
	root, err := html.Parse(strings.NewReader(page))
	handlertest.Must(t, err)
	var kinds []string
	for n := range root.Descendants() {
		if n.Data == "input" && handlertest.Attribute(n, "name") == "kind" {
			kind := handlertest.Attribute(n, "value")
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
				kind += "!"
			}
			kinds = append(kinds, kind)
		}
	}
	if got := strings.Join(kinds, " "); got != "deletions import refusal sessions tokens denial undo!" {
		t.Errorf("the form has %s", got)
	}
}

func TestProgramsReadTheLogPageByPage(t *testing.T) {
	s, k, admin := busy(t)
	var all []string
	for next := ""; ; {
		entries, more := s.Entries("limit=3&before="+next, admin...)
		for _, e := range entries {
			all = append(all, e.Kind)
		}
		if next = more; next == "" {
			break
		}
		if len(entries) != 3 || next != entries[2].Operation {
			t.Errorf("%d entries, then before %q", len(entries), next)
		}
	}
	if got := strings.Join(all, " "); got != "wipe expiry refusal undo delete delete sign_in" {
		t.Errorf("got %s", got)
	}
	at := timeOf(k).Add(-30 * time.Minute).Format("2006-01-02T15:04")
	for query, want := range map[string]int{
		"": 7, "limit=1000": 7, "limit=1": 1, "by=ops": 3, "q=CLOSING": 1, "kind=delete&kind=wipe": 3, "kind=deletions": 5,
		"from=" + at: 3, "to=" + at: 5, "from=" + at + "&to=" + at: 1, "q=nothing-like-that": 0,
	} {
		if entries, _ := s.Entries(query, admin...); len(entries) != want {
			t.Errorf("%s: %d entries, want %d", query, len(entries), want)
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1e3"} {
		if a := s.Get("/api/v1/activity?"+query, admin...); a.Status != 400 || !handlertest.Contains(a.Body, `"error":"limit must be a number from 1 to 1000"`) {
			t.Errorf("%v", a)
		}
	}
	if a := s.Do("POST", "/api/v1/activity", "", admin...); a.Status != 405 && a.Status != 401 {
		t.Errorf("%v", a)
	}
}

func TestOnlyTheNewestPageFollowsWhatHappens(t *testing.T) {
	s := handlertest.Start(t)
	for query, want := range map[string]bool{"": true, "?before=18ea8b74a389d36d-90e1ff30": false} {
		if a := s.Get("/activity"+query, handlertest.BrowserHeaders...); a.Status != 200 || strings.Contains(a.Body, `data-live="activity"`) != want || strings.Contains(a.Body, "/events?seen=") != want {
			t.Errorf("%q follows: %t, %v", query, !want, a)
		}
	}
}

const (
	maxActor = 256

	maxOperation = 64

	entriesPerPage = 50
)

// activityHead is the first line of the activity log as CSV.
var activityHead = []string{"operation", "time", "kind", "by", "from", "via", "id", "what", "count", "undoes", "reason", "message"}
