package groupings_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

func TestAGroupingIsDeletedAndBroughtBackByForms(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) { c.UndoWindow = 24 * time.Hour })
	s.Put("/metrics/job/x/l/%3Cscript%3E", "a 1\n")
	s.Put("/metrics/job/y", "b 1\n")
	path := "/groupings/" + s.Grouping("/metrics/job/x/l/%3Cscript%3E").Key.Digest() + "/delete"
	asked := s.Get("/pg"+path, handlertest.BrowserHeaders...)
	if asked.Status != 200 || !handlertest.Contains(asked.Body, "Delete this grouping?", "&lt;script&gt;", "may come back", "undone for 24 hours", "curl") || strings.Contains(asked.Body, "<script>") {
		t.Errorf("%v", asked)
	}
	s.WantGroupings(`{job="x",l="<script>"}`, `{job="y"}`)

	done := s.Post(path, handlertest.FormOf(t, asked.Body, "/pg"+path).Encode())
	if done.Status != 303 || !strings.HasPrefix(done.Header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v %v", done, done.Header)
	}
	s.WantGroupings(`{job="y"}`)
	told := s.Get(done.Header.Get("Location"), handlertest.BrowserHeaders...)
	operation := strings.TrimPrefix(done.Header.Get("Location"), "/pg/deleted/")
	if told.Status != 200 || !handlertest.Contains(told.Body, "1 grouping, deleted", "Undo") {
		t.Errorf("%v", told)
	}
	handlertest.FormOf(t, told.Body, "/pg/undo/"+operation)
	undone := s.Post("/undo/"+operation, "")
	if undone.Status != 200 || !handlertest.Contains(undone.Body, "1 grouping restored") {
		t.Errorf("%v", undone)
	}
	s.WantGroupings(`{job="x",l="<script>"}`, `{job="y"}`)
	if a := s.Post("/undo/"+operation, ""); a.Status != 410 {
		t.Errorf("%v, want 410", a)
	}
	if a := s.Get("/pg"+strings.Replace(path, "/delete", "", 1), handlertest.BrowserHeaders...); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestAGroupingThatWasPushedAgainIsAskedAboutAgain(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	path := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
	form := handlertest.FormOf(t, s.Get(path, handlertest.BrowserHeaders...).Body, path)
	s.Put("/metrics/job/x", "a 2\n")
	again := s.Post(path, form.Encode())
	if again.Status != 409 || !handlertest.Contains(again.Body, "pushed again in the meantime") {
		t.Fatalf("%v", again)
	}
	s.WantSamples(`a{instance="",job="x"} 2`)
	if a := s.Post(path, handlertest.FormOf(t, again.Body, path).Encode()); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s.WantGroupings()
	for _, method := range []string{"GET", "POST"} {
		if a := s.Do(method, path, form.Encode(), handlertest.FormHeaders...); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
}

func TestABadDeleteFormDeletesNothing(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	path := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
	for form, want := range map[string]int{"": 400, "seen=x": 400, "seen=1": 409, "seen=1&seen=2": 400, "seen=" + strings.Repeat("1", 9000): 413} {
		if a := s.Post(path, form); a.Status != want {
			t.Errorf("%.40s: %v, want %d", form, a, want)
		}
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Get("/deleted/nonsense", handlertest.BrowserHeaders...); a.Status != 404 {
		t.Errorf("%v", a)
	}
}

func TestPushersUndoTheirOwnDeletesOnly(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		c.UndoWindow = time.Hour
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
		c.Guard.CertificateRole = auth.NoRole
	})
	admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	s.Put("/metrics/job/x", "a 1\n", admin...)
	path := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
	if a := s.Get(path, handlertest.BrowserHeaders...); a.Status != 401 {
		t.Errorf("a stranger: %v", a)
	}
	session := s.SignIn()
	form := handlertest.FormOf(t, s.Get(path, append(session, handlertest.BrowserHeaders...)...).Body, path)
	if a := s.Do("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); a.Status != 401 {
		t.Errorf("without a credential: %v", a)
	}
	cross := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, session...)
	if a := s.Do("POST", path, form.Encode(), cross...); a.Status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Post(path, form.Encode(), session...); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s.WantGroupings()
}

func TestWhatWasDeletedIsNamed(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) { c.UndoWindow, c.EnableAdminAPI = time.Hour, true })
	for i := range maxNamed + 7 {
		s.Put(fmt.Sprintf("/metrics/job/x/n/%%3Cb%%3E%02d", i), "a 1\n")
	}
	gone := digestOf(s, "/metrics/job/x/n/%3Cb%3E00")
	done := submitPreview(s, s.Get("/pg/groupings/delete", handlertest.BrowserHeaders...).Body, "typed", strconv.Itoa(maxNamed+7))
	told := s.Get(done.Header.Get("Location"), handlertest.BrowserHeaders...)
	if told.Status != 200 || !handlertest.Contains(told.Body, "<h1>Deleted</h1>", "all groupings", "57 groupings, deleted", "{job=&#34;x&#34;,n=&#34;&lt;b&gt;00&#34;}", `href="/pg/groupings/`+gone+`"`, "and 7 more") || strings.Contains(told.Body, "<b>") {
		t.Errorf("%v", told)
	}
	if n := strings.Count(told.Body, "{job=&#34;x&#34;,n="); n != maxNamed {
		t.Errorf("%d are named", n)
	}
	if a := s.Get(done.Header.Get("Location")+"?kept=2", handlertest.BrowserHeaders...); !handlertest.Contains(a.Body, "2 others were pushed in the meantime") {
		t.Errorf("%v", a)
	}
	if a := s.Get(done.Header.Get("Location")+"?kept=x", handlertest.BrowserHeaders...); a.Status != 200 || strings.Contains(a.Body, "meantime") {
		t.Errorf("%v", a)
	}
	s.Put("/metrics/job/y", "b 1\n")
	if a := s.Do("PUT", "/pg/api/v1/admin/wipe", ""); a.Status != 202 {
		t.Fatal(a)
	}
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryWipe}, Limit: 1})
	handlertest.Must(t, err)
	if a := s.Get("/pg/deleted/"+entries[0].Operation, handlertest.BrowserHeaders...); !handlertest.Contains(a.Body, "Everything was deleted", "1 grouping, deleted", "{job=&#34;y&#34;}") {
		t.Errorf("%v", a)
	}
}

func TestExpiredGroupingsAreShownAsSuch(t *testing.T) {
	var later atomic.Int64
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.UndoWindow = time.Hour
		c.Store.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	s.Put("/metrics/job/x?ttl=5m", "a 1\n")
	later.Store(int64(6 * time.Minute))
	s.Put("/metrics/job/y", "b 1\n")
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryExpiry}, Limit: 1})
	handlertest.Must(t, err)
	if len(entries) != 1 {
		t.Fatalf("on record is %+v", entries)
	}
	a := s.Get("/deleted/"+entries[0].Operation, handlertest.BrowserHeaders...)
	if !handlertest.Contains(a.Body, "Expired groupings", "1 grouping, expired", "{job=&#34;x&#34;}", "Undo") {
		t.Errorf("%v", a)
	}
	if a := s.Post("/undo/"+entries[0].Operation, ""); a.Status != 200 {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{job="x"}`, `{job="y"}`)
}

func TestAGroupingThatIsPushedOftenComesBack(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(40 * time.Minute))
	s := handlertest.Start(t, aged(&age))
	for i := range 4 {
		age.Store(int64(time.Duration(40-10*i) * time.Minute))
		s.Put("/metrics/job/x", "a 1\n")
	}
	age.Store(int64(10 * time.Minute))
	s.Put("/metrics/job/x", "a 1\n")
	age.Store(0)
	page := "/groupings/" + digestOf(s, "/metrics/job/x") + "/delete"
	if a := s.Get(page, handlertest.BrowserHeaders...); !handlertest.Contains(a.Body, "pushed about every", "will come back") {
		t.Errorf("%v", a)
	}
}

const (
	maxNamed = 50
)
