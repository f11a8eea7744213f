package handlers

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/store"
)

// formOf is what the page's form with that action would send.
func formOf(t testing.TB, page, action string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	must(t, err)
	fields := url.Values{}
	found := false
	for n := range doc.Descendants() {
		if n.Data != "form" || attribute(n, "action") != action {
			continue
		}
		found = true
		for field := range n.Descendants() {
			if field.Data == "input" {
				fields.Add(attribute(field, "name"), attribute(field, "value"))
			}
		}
	}
	if !found {
		t.Fatalf("no form with action %s in %s", action, page)
	}
	return fields
}

func TestAGroupingIsDeletedAndBroughtBackByForms(t *testing.T) {
	s := serve(t, below("/pg"), func(c setup) { c.UndoWindow = 24 * time.Hour })
	s.put("/metrics/job/x/l/%3Cscript%3E", "a 1\n")
	s.put("/metrics/job/y", "b 1\n")
	path := "/groupings/" + s.group("/metrics/job/x/l/%3Cscript%3E").Key.Digest() + "/delete"
	asked := s.get("/pg"+path, aBrowser...)
	if asked.status != 200 || !contains(asked.body, "Delete this grouping?", "&lt;script&gt;", "may come back", "undone for 24 hours", "curl") || strings.Contains(asked.body, "<script>") {
		t.Errorf("%v", asked)
	}
	s.wantGroupings(`{job="x",l="<script>"}`, `{job="y"}`)

	done := s.post(path, formOf(t, asked.body, "/pg"+path).Encode())
	if done.status != 303 || !strings.HasPrefix(done.header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v %v", done, done.header)
	}
	s.wantGroupings(`{job="y"}`)
	told := s.get(done.header.Get("Location"), aBrowser...)
	operation := strings.TrimPrefix(done.header.Get("Location"), "/pg/deleted/")
	if told.status != 200 || !contains(told.body, "1 grouping, deleted", "Undo") {
		t.Errorf("%v", told)
	}
	formOf(t, told.body, "/pg/undo/"+operation)
	undone := s.post("/undo/"+operation, "")
	if undone.status != 200 || !contains(undone.body, "1 grouping restored") {
		t.Errorf("%v", undone)
	}
	s.wantGroupings(`{job="x",l="<script>"}`, `{job="y"}`)
	if a := s.post("/undo/"+operation, ""); a.status != 410 {
		t.Errorf("%v, want 410", a)
	}
	if a := s.get("/pg"+strings.Replace(path, "/delete", "", 1), aBrowser...); a.status != 200 {
		t.Errorf("%v", a)
	}
}

func TestAGroupingThatWasPushedAgainIsAskedAboutAgain(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	path := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
	form := formOf(t, s.get(path, aBrowser...).body, path)
	s.put("/metrics/job/x", "a 2\n")
	again := s.post(path, form.Encode())
	if again.status != 409 || !contains(again.body, "pushed again in the meantime") {
		t.Fatalf("%v", again)
	}
	s.wantSamples(`a{instance="",job="x"} 2`)
	if a := s.post(path, formOf(t, again.body, path).Encode()); a.status != 303 {
		t.Errorf("%v", a)
	}
	s.wantGroupings()
	for _, method := range []string{"GET", "POST"} {
		if a := s.do(method, path, form.Encode(), aForm...); a.status != 404 {
			t.Errorf("%v", a)
		}
	}
}

func TestABadDeleteFormDeletesNothing(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	path := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
	for form, want := range map[string]int{"": 400, "seen=x": 400, "seen=1": 409, "seen=1&seen=2": 400, "seen=" + strings.Repeat("1", 9000): 413} {
		if a := s.post(path, form); a.status != want {
			t.Errorf("%.40s: %v, want %d", form, a, want)
		}
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.get("/deleted/nonsense", aBrowser...); a.status != 404 {
		t.Errorf("%v", a)
	}
}

func TestPushersUndoTheirOwnDeletesOnly(t *testing.T) {
	s := serve(t, oneUser, func(c setup) {
		c.UndoWindow = time.Hour
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
		c.Guard.CertificateRole = auth.NoRole
	})
	admin := []string{"Authorization", basicHeader("admin", rightPassword)}
	s.put("/metrics/job/x", "a 1\n", admin...)
	path := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
	if a := s.get(path, aBrowser...); a.status != 401 {
		t.Errorf("a stranger: %v", a)
	}
	session := s.signedIn()
	form := formOf(t, s.get(path, append(session, aBrowser...)...).body, path)
	if a := s.do("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); a.status != 401 {
		t.Errorf("without a credential: %v", a)
	}
	cross := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, session...)
	if a := s.do("POST", path, form.Encode(), cross...); a.status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.post(path, form.Encode(), session...); a.status != 303 {
		t.Errorf("%v", a)
	}
	s.wantGroupings()
}

func TestWhatIsGoneIsNamed(t *testing.T) {
	s := serve(t, below("/pg"), func(c setup) { c.UndoWindow, c.EnableAdminAPI = time.Hour, true })
	for i := range maxNamed + 7 {
		s.put(fmt.Sprintf("/metrics/job/x/n/%%3Cb%%3E%02d", i), "a 1\n")
	}
	gone := s.id("/metrics/job/x/n/%3Cb%3E00")
	done := s.answer(s.get("/pg/groupings/delete", aBrowser...).body, "typed", strconv.Itoa(maxNamed+7))
	told := s.get(done.header.Get("Location"), aBrowser...)
	if told.status != 200 || !contains(told.body, "<h1>Deleted</h1>", "all groupings", "57 groupings, deleted", "{job=&#34;x&#34;,n=&#34;&lt;b&gt;00&#34;}", `href="/pg/groupings/`+gone+`"`, "and 7 more") || strings.Contains(told.body, "<b>") {
		t.Errorf("%v", told)
	}
	if n := strings.Count(told.body, "{job=&#34;x&#34;,n="); n != maxNamed {
		t.Errorf("%d are named", n)
	}
	if a := s.get(done.header.Get("Location")+"?kept=2", aBrowser...); !contains(a.body, "2 others were pushed in the meantime") {
		t.Errorf("%v", a)
	}
	if a := s.get(done.header.Get("Location")+"?kept=x", aBrowser...); a.status != 200 || strings.Contains(a.body, "meantime") {
		t.Errorf("%v", a)
	}
	s.put("/metrics/job/y", "b 1\n")
	if a := s.do("PUT", "/pg/api/v1/admin/wipe", ""); a.status != 202 {
		t.Fatal(a)
	}
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryWipe}, Limit: 1})
	must(t, err)
	if a := s.get("/pg/deleted/"+entries[0].Operation, aBrowser...); !contains(a.body, "Everything was deleted", "1 grouping, deleted", "{job=&#34;y&#34;}") {
		t.Errorf("%v", a)
	}
}

func TestExpiredGroupingsAreToldAsSuch(t *testing.T) {
	var later atomic.Int64
	s := serve(t, func(c setup) {
		c.UndoWindow = time.Hour
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	s.put("/metrics/job/x?ttl=5m", "a 1\n")
	later.Store(int64(6 * time.Minute))
	s.put("/metrics/job/y", "b 1\n")
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryExpiry}, Limit: 1})
	must(t, err)
	if len(entries) != 1 {
		t.Fatalf("on record is %+v", entries)
	}
	a := s.get("/deleted/"+entries[0].Operation, aBrowser...)
	if !contains(a.body, "Expired groupings", "1 grouping, expired", "{job=&#34;x&#34;}", "Undo") {
		t.Errorf("%v", a)
	}
	if a := s.post("/undo/"+entries[0].Operation, ""); a.status != 200 {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{job="x"}`, `{job="y"}`)
}

func TestAGroupingThatIsPushedOftenComesBack(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(40 * time.Minute))
	s := serve(t, aged(&age))
	for i := range 4 {
		age.Store(int64(time.Duration(40-10*i) * time.Minute))
		s.put("/metrics/job/x", "a 1\n")
	}
	age.Store(int64(10 * time.Minute))
	s.put("/metrics/job/x", "a 1\n")
	age.Store(0)
	page := "/groupings/" + s.id("/metrics/job/x") + "/delete"
	if a := s.get(page, aBrowser...); !contains(a.body, "pushed about every", "will come back") {
		t.Errorf("%v", a)
	}
}
