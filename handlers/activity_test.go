package handlers

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// logged is the log of activity as a page shows it: a line per entry, with what
// happened and whom it was about.
func logged(t *testing.T, page string) (lines []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		if n.Data == "tr" && strings.HasPrefix(attribute(n, "id"), "e-") {
			for cell := range n.ChildNodes() {
				if attribute(cell, "class") == "what" {
					lines = append(lines, wordsOf(cell))
				}
			}
		}
	}
	return lines
}

// linkTo is where the first link with that text leads; empty: there is none.
func linkTo(t *testing.T, page, text string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		if n.Data == "a" && spokenOf(n) == text {
			return attribute(n, "href")
		}
	}
	return ""
}

// clock is one that tests set.
type clock struct{ at atomic.Int64 }

func startClock(c setup) *clock {
	k := &clock{}
	k.at.Store(time.Now().Add(-2 * time.Hour).Truncate(time.Hour).UnixNano())
	c.Store.Now = func() time.Time { return time.Unix(0, k.at.Load()) }
	return k
}

func (k *clock) now() time.Time { return time.Unix(0, k.at.Load()).UTC() }

func (k *clock) advance(d time.Duration) { k.at.Add(int64(d)) }

// busy is a server on which everything happened that is put on record, ten
// minutes between one thing and the next.
func busy(t *testing.T) (s *served, k *clock, admin []string) {
	t.Helper()
	s = serve(t, oneUser, func(c setup) { k = startClock(c) })
	ana := []string{"Authorization", basicHeader("admin", rightPassword)}
	ops := s.begun("ops", auth.Admin)
	remove := func(path string, who ...string) {
		t.Helper()
		at := "/groupings/" + s.group(path).Key.Digest() + "/delete"
		form := formOf(t, s.get(at, append(who, aBrowser...)...).body, at)
		if a := s.post(at, form.Encode(), who...); a.status != 303 {
			t.Fatal(a)
		}
	}
	s.put("/metrics/job/x/instance/1", "a 1\n", ana...)
	s.put("/metrics/job/x/instance/2", "a 1\n", ana...)
	remove("/metrics/job/x/instance/1", ana...)
	k.advance(10 * time.Minute)
	remove("/metrics/job/x/instance/2", ops...)
	k.advance(10 * time.Minute)
	deleted := linkTo(t, s.get("/activity?by=ops", append(ops, aBrowser...)...).body, "List: deleted {instance=\"2\",job=\"x\"}, "+precisely(k.now().Add(-10*time.Minute)))
	if a := s.post(strings.Replace(deleted, "/deleted/", "/undo/", 1), "", ops...); a.status != 200 {
		t.Fatal(a)
	}
	k.advance(10 * time.Minute)
	for range 3 {
		if a := s.do("PUT", "/metrics/job/x/instance/2", "a{\n", ana...); a.status != 400 {
			t.Fatal(a)
		}
	}
	k.advance(10 * time.Minute)
	s.put("/metrics/job/brief?ttl=1m", "b 1\n", ana...)
	k.advance(10 * time.Minute)
	s.put("/metrics/job/y", "c 1\n", ana...)
	s.eventually("the expiry is on record", func() bool {
		entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryExpiry}})
		return err == nil && len(entries) > 0
	})
	k.advance(10 * time.Minute)
	if a := s.do("PUT", "/api/v1/admin/wipe", "", ana...); a.status != 202 {
		t.Fatal(a)
	}
	return s, k, ops
}

func precisely(at time.Time) string { return at.Format("2006-01-02 15:04:05 UTC") }

func TestTheLogTellsWhatHappenedNewestFirst(t *testing.T) {
	s, k, admin := busy(t)
	page := s.get("/activity", append(admin, aBrowser...)...)
	want := []string{
		"wiped everything · 2 groupings",
		`expired {job="brief"}`,
		`refused {instance="2",job="x"} · 3 pushes within a minute line 1: metric "a": the labels have no closing brace`,
		`undone {instance="2",job="x"} · 1 grouping restored`,
		`deleted {instance="2",job="x"}`,
		`deleted {instance="1",job="x"}`,
		`signed in role admin`,
	}
	if got := logged(t, page.body); page.status != 200 || !slices.Equal(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", page, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !contains(page.body, ">admin</bdi>", ">ops</bdi>", ">password</span>", ">session</span>", "127.0.0.1", precisely(k.now()), `id="activity"`, ">the server<") {
		t.Error("does not tell who and when")
	}
	// The wipe and what expired can be undone, and what only one thing took.
	if n := strings.Count(page.body, `hx-post="/undo/`); n != 3 {
		t.Errorf("%d undos are offered", n)
	}
	if n := strings.Count(page.body, `href="/deleted/`); n != 4 {
		t.Errorf("%d lists are offered", n)
	}
}

func TestTheLogIsNarrowedByItsAddress(t *testing.T) {
	s, k, admin := busy(t)
	at := func(ago time.Duration) string { return k.now().Add(-ago).Format("2006-01-02T15:04") }
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
		"from=" + k.now().Format("2006-01-02"):                     "wiped expired refused undone deleted deleted in",
		"from=" + at(0) + "&to=" + at(time.Hour):                   "",
		"q=+&by=+&from=&to=&before=":                               "wiped expired refused undone deleted deleted in",
	} {
		if strings.HasPrefix(query, "from=") && len(query) == len("from=2006-01-02") && k.now().Add(-time.Hour).Day() != k.now().Day() {
			continue // the day has just begun
		}
		a := s.get("/activity?"+query, append(admin, aBrowser...)...)
		var kinds []string
		for _, line := range logged(t, a.body) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(line, "signed "), " ")
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); a.status != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", query, a.status, got, want)
		}
		if want == "" && (!contains(a.body, "No matches.") || linkTo(t, a.body, "Clear") != "/activity") {
			t.Errorf("%s: %v", query, a)
		}
		if strings.Contains(a.body, "<script>") {
			t.Errorf("%s: takes part in the page", query)
		}
	}
	for _, query := range []string{
		"kind=x", "kind=", "from=x", "to=2026-13-01T00:00", "from=9999-01-01", "to=1900-01-01T00:00", "from=" + strings.Repeat("1", 1000),
		"q=" + strings.Repeat("x", web.MaxQuery+1), "by=" + strings.Repeat("x", maxActor+1), "before=" + strings.Repeat("x", maxOperation+1),
	} {
		for _, path := range []string{"/activity?", "/activity/export?"} {
			if a := s.get(path+query, admin...); a.status != 400 || !oneLine(a.body) {
				t.Errorf("%.60s: %v", path+query, a)
			}
		}
		if a := s.get("/api/v1/activity?"+query, admin...); a.status != 400 || !contains(a.body, `"errorType":"bad_data"`) {
			t.Errorf("%.60s: %v", query, a)
		}
	}
	for _, before := range []string{"x", "../..", "%00", "zzzz", "ffffffffffffffff-ffffffff"} {
		if a := s.get("/activity?before="+before, append(admin, aBrowser...)...); a.status != 200 && a.status != 400 {
			t.Errorf("%v", a)
		}
	}
}

func TestTheLogIsForAdmins(t *testing.T) {
	s := serve(t, oneUser)
	for name, test := range map[string]struct {
		who    []string
		status int
	}{
		"a stranger": {nil, 401}, "a reader": {s.begun("rita", auth.Reader), 403}, "a pusher": {s.begun("pat", auth.Pusher), 403}, "an admin": {s.signedIn(), 200},
	} {
		for _, target := range []string{"/activity", "/activity/export", "/activity/export?format=csv", "/api/v1/activity"} {
			if a := s.get(target, append(test.who, aBrowser...)...); a.status != test.status {
				t.Errorf("%s: %v, want %d", name, a, test.status)
			}
		}
		if linked := strings.Contains(s.get("/", append(test.who, aBrowser...)...).body, `href="/activity"`); test.who != nil && linked != (test.status == 200) {
			t.Errorf("%s: a link to it: %v", name, linked)
		}
	}
}

func TestAnEmptyLogSaysSo(t *testing.T) {
	s := serve(t)
	empty := s.get("/activity", aBrowser...)
	if !contains(empty.body, "No entries yet.") || strings.Contains(empty.body, "<table") {
		t.Errorf("%v", empty)
	}
	if a := s.get("/activity?before=x", aBrowser...); !contains(a.body, "No older entries.") || linkTo(t, a.body, "Newest") != "/activity" {
		t.Errorf("%v", a)
	}
}

func TestOlderPagesTellEverythingOnce(t *testing.T) {
	// All at the same moment, as far as the clock can tell.
	s := serve(t, below("/pg"), func(c setup) { startClock(c) })
	const n = 2*entriesPerPage + 7
	for i := range n {
		s.put(fmt.Sprintf("/metrics/job/x/instance/%d", i), "a 1\n")
		if a := s.do("DELETE", fmt.Sprintf("/pg/metrics/job/x/instance/%d", i), ""); a.status != 202 {
			t.Fatal(a)
		}
	}
	seen := map[string]bool{}
	sizes := []int{}
	for address := "/pg/activity?kind=delete"; address != ""; {
		a := s.get(address, aBrowser...)
		lines := logged(t, a.body)
		for _, line := range lines {
			if seen[line] {
				t.Errorf("twice: %s", line)
			}
			seen[line] = true
		}
		// Only the first page is narrowed in place and follows what happens.
		first := len(sizes) == 0
		if inPlace := strings.Contains(a.body, `hx-get="/pg/activity"`); inPlace != first {
			t.Errorf("%s: narrowed in place: %v", address, inPlace)
		}
		if newest := linkTo(t, a.body, "‹ Newest"); (newest == "/pg/activity?kind=delete") == first {
			t.Errorf("%s: the newest are at %q", address, newest)
		}
		sizes = append(sizes, len(lines))
		address = linkTo(t, a.body, "Older ›")
	}
	if len(seen) != n || !slices.Equal(sizes, []int{entriesPerPage, entriesPerPage, 7}) {
		t.Errorf("%d entries in pages of %v", len(seen), sizes)
	}
}

func TestAPartOfTheLogIsAllThatHtmxGets(t *testing.T) {
	s, _, admin := busy(t)
	a := s.get("/activity?kind=delete&q=&by=", append(admin, asPart("activity")...)...)
	if a.status != 200 || strings.Contains(a.body, "<html") || strings.Contains(a.body, `id="filter"`) || len(logged(t, a.body)) != 2 {
		t.Errorf("%v", a)
	}
	if got := a.header.Get("HX-Push-Url"); got != "/activity?kind=delete" {
		t.Errorf("the address becomes %q", got)
	}
	if a := s.get("/activity?kind=delete", append(append(admin, "HX-Current-URL", "http://x/activity?kind=delete"), asPart("activity")...)...); a.header.Get("HX-Push-Url") != "" {
		t.Errorf("%v", a.header)
	}
}

func TestWhatIsInTheLogIsUndoneFromThere(t *testing.T) {
	s, _, admin := busy(t)
	page := s.get("/activity?kind=wipe", append(admin, aBrowser...)...)
	_, rest, _ := strings.Cut(page.body, `action="/undo/`)
	operation, _, _ := strings.Cut(rest, `"`)
	formOf(t, page.body, "/undo/"+operation)
	if a := s.post("/undo/"+operation, "", admin...); a.status != 200 {
		t.Fatal(a)
	}
	s.wantGroupings(`{instance="2",job="x"}`, `{job="y"}`)
	after := s.get("/activity", append(admin, aBrowser...)...)
	if lines := logged(t, after.body); lines[0] != "undone a wipe or an expiry · 2 groupings restored" {
		t.Errorf("%q", lines)
	}
	if strings.Contains(after.body, "/undo/"+operation) {
		t.Error("it can be undone again")
	}
	// What is there again is linked to.
	if got, want := linkTo(t, after.body, `{instance="2",job="x"}`), "/groupings/"+s.group("/metrics/job/x/instance/2").Key.Digest(); got != want {
		t.Errorf("a link to %q, want %q", got, want)
	}
}

func TestTheLogIsExported(t *testing.T) {
	s, _, admin := busy(t)
	a := s.get("/activity/export?format=json&kind=delete&kind=refusal", admin...)
	var entries []entryJSON
	if err := json.Unmarshal([]byte(a.body), &entries); err != nil || a.status != 200 || len(entries) != 3 {
		t.Fatalf("%v %v", a, err)
	}
	if e := entries[0]; e.Kind != "refusal" || e.What != `{instance="2",job="x"}` || e.Count != 3 || e.By != "admin" || e.Reason != "syntax" || !strings.Contains(e.Message, "closing brace") || e.Time.IsZero() {
		t.Errorf("%+v", e)
	}
	if a.header.Get("Content-Disposition") != `attachment; filename="activity.json"` || a.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%v", a.header)
	}
	if a := s.get("/activity/export?kind=delete&to=2001-01-01", admin...); a.body != "[\n]\n" {
		t.Errorf("%v", a)
	}
	a = s.get("/activity/export?format=csv", append(admin, "Accept-Encoding", "identity")...)
	lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(lines) != 8 || !slices.Equal(lines[0], activityHead) || lines[3][2] != "refusal" {
		t.Errorf("%v %q", err, lines)
	}
	if a := s.get("/activity/export?format=xml", admin...); a.status != 400 {
		t.Errorf("%v", a)
	}
	// What the page links to is what it shows.
	page := s.get("/activity?kind=delete&q=x", append(admin, aBrowser...)...)
	if got := linkTo(t, page.body, "CSV"); got != "/activity/export?format=csv&kind=delete&q=x" {
		t.Errorf("got %q", got)
	}
}

func TestSpreadsheetsGetNoFormulasFromTheLog(t *testing.T) {
	s := serve(t, oneUser)
	for i, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx"} {
		must(t, s.store.CreateSession(t.Context(), fmt.Sprint("session", i), auth.Session{
			Scheme: "oidc", ID: "sub:" + name, Credential: loginRules, Name: name, Role: auth.Admin, Created: time.Now(), Expires: time.Now().Add(time.Hour),
		}))
		who := []string{"Cookie", fmt.Sprint("gatehouse_session=session", i)}
		s.put("/metrics/job/x", "a 1\n", "Authorization", basicHeader("admin", rightPassword))
		at := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
		if a := s.post(at, formOf(t, s.get(at, append(who, aBrowser...)...).body, at).Encode(), who...); a.status != 303 {
			t.Fatal(a)
		}
	}
	a := s.get("/activity/export?format=csv", s.signedIn()...)
	lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
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
	s := serve(t)
	path := "/metrics/job/%3Cscript%3Ealert(1)%3C%2Fscript%3E/instance/%22%3E%3Cimg%20src=x%3E/l/%E2%80%AE" + strings.Repeat("x", 900)
	s.put(path, "a 1\n")
	s.do("DELETE", path, "")
	a := s.get("/activity?q="+url.QueryEscape(`"><b>`+"\u202e")+"&by=%22%3E%3Cb%3E", aBrowser...)
	if a.status != 200 || strings.Contains(a.body, "<b>") {
		t.Errorf("%v", a)
	}
	a = s.get("/activity", aBrowser...)
	if lines := logged(t, a.body); len(lines) != 1 || len(lines[0]) > 300 || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img") || strings.Contains(a.body, "\u202e") {
		t.Errorf("%q", lines)
	}
}

func TestSignInsAndTokensAreToldInWords(t *testing.T) {
	var k *clock
	s := serve(t, oneUser, func(c setup) { k, c.Retention = startClock(c), 90*24*time.Hour })
	ctx, ana := t.Context(), store.Origin{By: "ana", From: "10.0.0.1", Via: "session", ID: "sub:ana"}
	step := func() { k.advance(time.Minute) }
	admin := s.begun("ana", auth.Admin)
	step()
	s.begun("ben", auth.Reader)
	step()
	only, err := store.ParseSelectors([]string{`{job="x"}`})
	must(t, err)
	token, secret, err := s.store.CreateToken(ctx, store.NewToken{Name: "<b>ci", Role: auth.Pusher, Scope: only}, ana)
	must(t, err)
	step()
	token, _, err = s.store.RotateToken(ctx, token.ID, time.Hour, ana)
	must(t, err)
	step()
	_, err = s.store.RevokeToken(ctx, token.ID, ana)
	must(t, err)
	step()
	_, err = s.store.EndSessionsOf(ctx, "sub:ben", "", ana, "an admin did")
	must(t, err)
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
		a := s.get("/activity?"+query, append(admin, aBrowser...)...)
		if got := logged(t, a.body); !slices.Equal(got, want) || strings.Contains(a.body, "<b>") || strings.Contains(a.body, secret) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if !contains(a.body, "kept for 90 days") {
			t.Errorf("%s does not tell how long entries are kept", query)
		}
	}
	if a := s.get("/status", append(admin, aBrowser...)...); !contains(a.body, "kept for 90 days") {
		t.Error("the status does not tell how long entries are kept")
	}
	entries, _ := s.entriesLike("kind=token_create", admin...)
	if e := entries[0]; e.By != "ana" || e.From != "10.0.0.1" || e.Via != "session" || e.ID != "sub:ana" || e.What != "<b>ci …"+was {
		t.Errorf("%+v", e)
	}
}

func TestWhatHappenedLeadsToOnlyThat(t *testing.T) {
	s, _, admin := busy(t)
	page := s.get("/activity?by=ops&kind=deletions", append(admin, aBrowser...)...).body
	at := linkTo(t, page, "undone")
	if at != "/activity?by=ops&kind=undo" {
		t.Fatalf("it leads to %q", at)
	}
	page = s.get(at, append(admin, aBrowser...)...).body
	if lines := logged(t, page); len(lines) != 1 || !strings.HasPrefix(lines[0], "undone") {
		t.Errorf("%q", lines)
	}
	// The form goes on with that kind, beside the groups that there always are.
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	var kinds []string
	for n := range root.Descendants() {
		if n.Data == "input" && attribute(n, "name") == "kind" {
			kind := attribute(n, "value")
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
		entries, more := s.entriesLike("limit=3&before="+next, admin...)
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
	at := k.now().Add(-30 * time.Minute).Format("2006-01-02T15:04")
	for query, want := range map[string]int{
		"": 7, "limit=1000": 7, "limit=1": 1, "by=ops": 3, "q=CLOSING": 1, "kind=delete&kind=wipe": 3, "kind=deletions": 5,
		"from=" + at: 3, "to=" + at: 5, "from=" + at + "&to=" + at: 1, "q=nothing-like-that": 0,
	} {
		if entries, _ := s.entriesLike(query, admin...); len(entries) != want {
			t.Errorf("%s: %d entries, want %d", query, len(entries), want)
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1e3"} {
		if a := s.get("/api/v1/activity?"+query, admin...); a.status != 400 || !contains(a.body, `"error":"limit must be a number from 1 to 1000"`) {
			t.Errorf("%v", a)
		}
	}
	if a := s.do("POST", "/api/v1/activity", "", admin...); a.status != 405 && a.status != 401 {
		t.Errorf("%v", a)
	}
}

func TestOnlyTheNewestPageFollowsWhatHappens(t *testing.T) {
	s := serve(t)
	for query, want := range map[string]bool{"": true, "?before=18ea8b74a389d36d-90e1ff30": false} {
		if a := s.get("/activity"+query, aBrowser...); a.status != 200 || strings.Contains(a.body, `data-live="activity"`) != want || strings.Contains(a.body, "/events?seen=") != want {
			t.Errorf("%q follows: %t, %v", query, !want, a)
		}
	}
}
