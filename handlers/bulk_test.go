package handlers

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
)

// inDialog is what htmx says when it loads the dialog of the list.
var inDialog = []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "dialog#dialog", "Accept", "text/html"}

// id names the grouping of a path in addresses.
func (s *served) id(path string) string { return s.group(path).Key.Digest() }

// aged has what a test pushes be as old as it likes.
func aged(age *atomic.Int64) func(setup) {
	return func(c setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(-time.Duration(age.Load())) }
	}
}

// answer sends the form with which a preview asks, with changes given as name,
// value, name, value…
func (s *served) answer(preview string, changes ...string) answered {
	s.t.Helper()
	form := formOf(s.t, preview, s.prefix+"/groupings/delete")
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return s.post("/groupings/delete", form.Encode())
}

func TestGroupingsAreDeletedByFilterAndByChoice(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := serve(t, below("/pg"), aged(&age), func(c setup) { c.UndoWindow = 24 * time.Hour })
	for i := range 4 {
		s.put(fmt.Sprintf("/metrics/job/x/n/%d/env/%s", i, []string{"prod", "stg"}[i%2]), "a 1\nb 1\n")
	}
	s.put("/metrics/job/y/v/%3Cscript%3E", "c 1\n")
	age.Store(0)

	preview := s.get("/pg/groupings/delete?m=env%3D%22prod%22", aBrowser...)
	if preview.status != 200 || !contains(preview.body, "Delete 2 groupings?", "{env=&#34;prod&#34;}", "2 groupings · 4 families · 4 series", "undone for 24 hours",
		`href="/pg/export?format=json&amp;m=env%3D%22prod%22"`, "--data-urlencode") || contains(preview.body, "to confirm") {
		t.Fatalf("%d %s", preview.status, preview.body)
	}
	done := s.answer(preview.body)
	if done.status != 303 || !strings.HasPrefix(done.header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v", done)
	}
	s.wantGroupings(`{env="stg",job="x",n="1"}`, `{env="stg",job="x",n="3"}`, `{job="y",v="<script>"}`)
	told := s.get(done.header.Get("Location"), aBrowser...)
	if told.status != 200 || !contains(told.body, "2 groupings, deleted", "{env=&#34;prod&#34;}") {
		t.Errorf("%v", told)
	}

	chosen := url.Values{"id": {s.id("/metrics/job/y/v/%3Cscript%3E"), s.id("/metrics/job/x/n/1/env/stg"), s.id("/metrics/job/x/n/1/env/stg"), "AAAAAAAAAAAAAAAAAAAAAA", "?"}}
	preview = s.get("/pg/groupings/delete?"+chosen.Encode(), aBrowser...)
	if preview.status != 200 || !contains(preview.body, "Delete 2 groupings?", "&lt;script&gt;", "2 other selected groupings no longer exist", "curl -X DELETE") || strings.Contains(preview.body, "<script>") {
		t.Fatalf("%d %s", preview.status, preview.body)
	}
	if a := s.answer(preview.body); a.status != 303 {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{env="stg",job="x",n="3"}`)
	entries, _, err := s.store.Activity(t.Context(), store.ActivityQuery{Limit: 10})
	must(t, err)
	if len(entries) != 2 || entries[1].What != `{env="prod"}` || entries[1].Count != 2 || entries[0].What != "selected groupings" {
		t.Errorf("on record is %+v", entries)
	}
}

func TestABulkDeleteOfWhatMakesNoSenseIsRefused(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	many := "?" + url.Values{"id": slices.Repeat([]string{"x"}, maxLinkedIDs+1)}.Encode()
	for _, query := range []string{
		"?m=env%3D", "?m=env%3D&m=job%3D%22x%22", "?state=good", "?idle=x", "?idle=-5m", "?q=" + strings.Repeat("x", 1025), many,
	} {
		for _, path := range []string{"/groupings/delete", "/export"} {
			if a := s.get(path+query, aBrowser...); a.status != 400 {
				t.Errorf("%.60s: %d, want 400", path+query, a.status)
			}
		}
	}
	preview := s.get("/groupings/delete?m=job%3D%22x%22", aBrowser...).body
	tomorrow := strconv.FormatInt(time.Now().Add(time.Hour).UnixNano(), 10)
	for _, change := range [][]string{
		{"m", "env="}, {"at", ""}, {"at", "x"}, {"at", tomorrow}, {"expect", ""}, {"expect", "0"}, {"expect", "-1"}, {"idle", "x"},
	} {
		if a := s.answer(preview, append(change, "typed", "1")...); a.status != 400 {
			t.Errorf("%q: %v, want 400", change, a)
		}
	}
	if a := s.answer(preview, "id", strings.Repeat("x", maxBulkFormBytes)); a.status != 413 {
		t.Errorf("%v", a)
	}
	if a := s.do("POST", "/groupings/delete", "{}", "Content-Type", "application/json"); a.status != 415 {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{job="x"}`)
}

func TestNothingChosenMeansNothing(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	for query, want := range map[string]string{
		"?by=id":                          "Select some in the list first",
		"?id=":                            "no longer exist",
		"?id=AAAAAAAAAAAAAAAAAAAAAA":      "no longer exist",
		"?m=job%3D%22%3Cb%3E%22":          "{job=&#34;&lt;b&gt;&#34;}",
		"?by=id&m=job%3D%22x%22&state=":   "Select some in the list first",
		"?m=job%3D%22x%22&idle=5m&q=none": "No groupings match",
	} {
		if a := s.get("/groupings/delete"+query, aBrowser...); a.status != 200 || !contains(a.body, "Nothing to delete", want) || strings.Contains(a.body, "<form method=\"post\" action=\"/groupings") {
			t.Errorf("%v", a)
		}
	}
}

func TestEverythingIsDeletedOnlyByWhoTypesIt(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := serve(t, aged(&age))
	s.put("/metrics/job/x", "a 1\n")
	s.put("/metrics/job/y", "a 1\n")
	preview := s.get("/groupings/delete", aBrowser...)
	if !contains(preview.body, "Delete all 2 groupings?", "No filter is set", "to confirm", "{job!=&#34;&#34;}") {
		t.Fatalf("%s", preview.body)
	}
	for typed, want := range map[string]int{"": 422, "3": 422, "two": 422, "<script>": 422, "2": 303} {
		if typed == "2" {
			continue
		}
		a := s.answer(preview.body, "typed", typed)
		if a.status != want || !contains(a.body, "That is not 2", `aria-invalid="true"`) || strings.Contains(a.body, "<script>") {
			t.Errorf("%q: %v", typed, a)
		}
		s.wantGroupings(`{job="x"}`, `{job="y"}`)
	}
	if a := s.answer(preview.body, "typed", " 2 "); a.status != 303 {
		t.Errorf("%v", a)
	}
	s.wantGroupings()
}

func TestManyAndFreshOnesHaveToBeTyped(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := serve(t, aged(&age))
	for i := range maxUntyped + 1 {
		s.put(fmt.Sprintf("/metrics/job/many/n/%d", i), "a 1\n")
		if i < maxUntyped {
			s.put(fmt.Sprintf("/metrics/job/few/n/%d", i), "a 1\n")
			s.put(fmt.Sprintf("/metrics/job/fresh/n/%d", i), "a 1\n")
		}
	}
	age.Store(int64(time.Minute))
	s.put("/metrics/job/fresh/n/7", "a 1\n")
	s.put("/metrics/job/fresh/n/8", "a 1\n")
	for job, want := range map[string]bool{"many": true, "few": false, "fresh": true} {
		preview := s.get("/groupings/delete?m=job%3D%22"+job+"%22", aBrowser...).body
		if strings.Contains(preview, "to confirm") != want {
			t.Errorf("%s: %s", job, preview)
		}
	}
	preview := s.get("/groupings/delete?m=job%3D%22fresh%22", aBrowser...).body
	if !contains(preview, "2 were pushed in the last 5 minutes", `href="/groupings/delete?idle=5m&amp;m=job%3D%22fresh%22"`) {
		t.Fatalf("%s", preview)
	}
	without := s.get("/groupings/delete?idle=5m&m=job%3D%22fresh%22", aBrowser...).body
	if !contains(without, "Delete 18 groupings?", "not pushed for 5m") || contains(without, "pushed in the last 5 minutes") {
		t.Fatalf("%s", without)
	}
	if a := s.answer(without); a.status != 303 {
		t.Errorf("%v", a)
	}
	if n := len(slices.DeleteFunc(s.groupings(), func(g string) bool { return !strings.Contains(g, "fresh") })); n != 2 {
		t.Errorf("%d are left", n)
	}
}

func TestWhatHasChangedIsAskedAboutAgain(t *testing.T) {
	const filter = "/groupings/delete?m=job%3D%22x%22"
	tests := []struct {
		name   string
		change func(s *served)
		want   []string
		groups int
	}{
		{"one is pushed again", func(s *served) { s.put("/metrics/job/x/n/1", "a 2\n") }, []string{"1 of the groupings was pushed again", "it now contains other groupings"}, 4},
		{"one more comes", func(s *served) { s.put("/metrics/job/x/n/9", "a 2\n") }, []string{"1 of the groupings was pushed again", "it had 3 groupings and now has 4"}, 5},
		{"one goes", func(s *served) { s.do("DELETE", "/metrics/job/x/n/1", "") }, []string{"it had 3 groupings and now has 2"}, 3},
		{"all go", func(s *served) { s.do("DELETE", "/metrics/job/x", "") }, []string{"Nothing to delete", "it had 3 groupings and now has 0"}, 1},
		{"one goes and another comes", func(s *served) {
			s.do("DELETE", "/metrics/job/x/n/1", "")
			s.put("/metrics/job/x/n/9", "a 2\n")
		}, []string{"1 of the groupings was pushed again", "it now contains other groupings"}, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t)
			for i := range 3 {
				s.put(fmt.Sprintf("/metrics/job/x/n/%d", i), "a 1\n")
			}
			s.put("/metrics/job/y", "b 1\n")
			preview := s.get(filter, aBrowser...).body
			test.change(s)
			again := s.answer(preview, "typed", "3")
			if again.status != 409 || !contains(again.body, append(test.want, `role="alert"`, "Nothing was deleted")...) {
				t.Errorf("%d %s", again.status, again.body)
			}
			if n := len(s.groupings()); n != test.groups {
				t.Errorf("%d groupings are left", n)
			}
			if test.groups == 1 {
				return
			}
			form := formOf(t, again.body, "/groupings/delete")
			if a := s.answer(again.body, "typed", form.Get("expect")); a.status != 303 {
				t.Errorf("%v", a)
			}
			s.wantGroupings(`{job="y"}`)
		})
	}
}

func TestStatesAreThoseOfTheQuestion(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(2 * time.Hour))
	s := serve(t, aged(&age))
	s.put("/metrics/job/x", "a 1\n")
	age.Store(0)
	preview := s.get("/groupings/delete?state=stale", aBrowser...).body
	hourAgo := strconv.FormatInt(time.Now().Add(-90*time.Minute).UnixNano(), 10)
	if a := s.answer(preview, "at", hourAgo); a.status != 409 {
		t.Errorf("it was fresh then, and deleted as stale: %v", a)
	}
	if a := s.answer(preview, "at", hourAgo, "state", "fresh"); a.status != 303 {
		t.Errorf("it was fresh then: %v", a)
	}
	s.wantGroupings()
}

func TestADialogGetsItsContentAndAToastItsUndo(t *testing.T) {
	s := serve(t, below("/pg"), func(c setup) { c.UndoWindow = time.Hour })
	fromList := append([]string{"HX-Current-URL", "http://" + "h/pg/?q=x"}, inDialog...)
	s.put("/metrics/job/x", "a 1\n")
	s.put("/metrics/job/y", "b 1\n")
	one := "/groupings/" + s.id("/metrics/job/x") + "/delete"
	asked := s.get("/pg"+one, fromList...)
	if asked.status != 200 || strings.Contains(asked.body, "<html") || !contains(asked.body, `id="dialog-title"`, `hx-post="/pg`+one+`"`, "data-close") {
		t.Errorf("%v", asked)
	}
	if page := s.get("/pg"+one, aBrowser...); strings.Contains(page.body, "hx-post=\"/pg"+one) || contains(page.body, "data-close") {
		t.Errorf("a page of its own is as a dialog: %s", page.body)
	}
	done := s.do("POST", "/pg"+one, formOf(t, asked.body, "/pg"+one).Encode(), append(fromList, aForm[:4]...)...)
	if done.status != 200 || done.header.Get("HX-Retarget") != "#toasts" || done.header.Get("HX-Trigger") != "changed" || !contains(done.body, "Deleted {job=&#34;x&#34;}", `hx-post="/pg/undo/`) {
		t.Fatalf("%v %v", done, done.header)
	}
	s.wantGroupings(`{job="y"}`)
	for _, method := range []string{"GET", "POST"} {
		a := s.do(method, "/pg"+one, "seen=1", append(fromList, aForm[:4]...)...)
		if a.status != 404 || a.header.Get("HX-Retarget") != "#toasts" || !contains(a.body, "The grouping no longer exists", `role="alert"`) {
			t.Errorf("%v %v", a, a.header)
		}
	}
	undo := between(done.body, `hx-post="/pg`, `"`)
	inToast := append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div"}, aForm...)
	back := s.do("POST", "/pg"+undo, "", inToast...)
	if back.status != 200 || back.header.Get("HX-Trigger") != "changed" || back.header.Get("HX-Retarget") != "" || !contains(back.body, `class="toast"`, "1 grouping restored") {
		t.Errorf("%v %v", back, back.header)
	}
	s.wantGroupings(`{job="x"}`, `{job="y"}`)
	if late := s.do("POST", "/pg"+undo, "", inToast...); late.status != 410 || !contains(late.body, "toast-problem", "too late") {
		t.Errorf("%v", late)
	}

	both := s.get("/pg/groupings/delete", fromList...)
	if strings.Contains(both.body, "<html") || !contains(both.body, `hx-post="/pg/groupings/delete"`, "autofocus") {
		t.Errorf("%v", both)
	}
	form := formOf(t, both.body, "/pg/groupings/delete")
	wrong := s.do("POST", "/pg/groupings/delete", form.Encode(), append(fromList, aForm[:4]...)...)
	if wrong.status != 422 || strings.Contains(wrong.body, "<html") || !contains(wrong.body, `role="alert"`) {
		t.Errorf("%v", wrong)
	}
	form.Set("typed", "2")
	gone := s.do("POST", "/pg/groupings/delete", form.Encode(), append(fromList, aForm[:4]...)...)
	if gone.status != 200 || !contains(gone.body, "Deleted 2 groupings.", "Undo") {
		t.Errorf("%v", gone)
	}
	s.wantGroupings()
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

func TestAnUndoSaysWhatDidNotComeBack(t *testing.T) {
	s := serve(t, func(c setup) { c.UndoWindow = time.Hour })
	s.put("/metrics/job/a", "# TYPE m gauge\nm 1\n")
	s.put("/metrics/job/b", "n 1\n")
	s.put("/metrics/job/c", "o 1\n")
	done := s.answer(s.get("/groupings/delete", aBrowser...).body, "typed", "3")
	operation := strings.TrimPrefix(done.header.Get("Location"), "/deleted/")
	s.put("/metrics/job/b", "n 2\n")
	s.put("/metrics/job/d", "# TYPE m counter\nm 1\n")
	back := s.do("POST", "/undo/"+operation, "", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div"}, aForm...)...)
	if back.status != 200 || !contains(back.body, "toast-problem", "1 grouping restored", "1 was pushed again and kept", "{job=&#34;a&#34;}") {
		t.Errorf("%v", back)
	}
}

func TestAGroupingsOwnPageLeadsToWhatWasDeleted(t *testing.T) {
	s := serve(t, below("/pg"))
	s.put("/metrics/job/x", "a 1\n")
	page := "/groupings/" + s.id("/metrics/job/x")
	own := append([]string{"HX-Current-URL", "http://h/pg" + page + "?family=a"}, inDialog...)
	asked := s.get("/pg"+page+"/delete", own...)
	done := s.do("POST", "/pg"+page+"/delete", formOf(t, asked.body, "/pg"+page+"/delete").Encode(), append(own, aForm[:4]...)...)
	if to := done.header.Get("HX-Redirect"); done.status != 200 || !strings.HasPrefix(to, "/pg/deleted/") || done.header.Get("HX-Retarget") != "" {
		t.Errorf("%v %v", done, done.header)
	}
}

func TestOnlyAdminsDeleteManyAtOnce(t *testing.T) {
	s := serve(t, oneUser, func(c setup) { c.Guard.CertificateRole = auth.NoRole })
	s.put("/metrics/job/x", "a 1\n", "Authorization", basicHeader("admin", rightPassword))
	id := s.id("/metrics/job/x")
	for role, may := range map[auth.Role]bool{auth.Reader: false, auth.Pusher: false, auth.Admin: true} {
		session := s.begun("some-"+role.String(), role)
		l := s.browse("", session...)
		if got := l.id("bulk-delete") != nil; got != may {
			t.Errorf("%s is offered to delete: %t", role, got)
		}
		if l.id("bulk-export") == nil || strings.Contains(l.body, "Delete all") != may {
			t.Errorf("%s gets %s", role, l.body)
		}
		want := map[bool]int{true: 200, false: 403}[may]
		if a := s.get("/groupings/delete?id="+id, append(session, aBrowser...)...); a.status != want {
			t.Errorf("%s: %v", role, a)
		}
		if a := s.post("/groupings/delete", "id="+id, session...); a.status != 403 && !may {
			t.Errorf("%s: %v", role, a)
		}
		menu := s.get("/groupings/"+id+"/menu", append(session, inDialog...)...)
		if menu.status != 200 || strings.Contains(menu.body, "Delete…") != (role != auth.Reader) || strings.Contains(menu.body, "Push again") != (role != auth.Reader) {
			t.Errorf("%s: %v", role, menu)
		}
	}
	s.wantGroupings(`{job="x"}`)
	admin := s.begun("an-admin", auth.Admin)
	form := formOf(t, s.get("/groupings/delete?id="+id, append(admin, aBrowser...)...).body, "/groupings/delete")
	form.Set("typed", "1")
	cross := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, admin...)
	if a := s.do("POST", "/groupings/delete", form.Encode(), cross...); a.status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.wantGroupings(`{job="x"}`)
	if a := s.get("/groupings/delete?id="+id, aBrowser...); a.status != 401 {
		t.Errorf("a stranger: %v", a)
	}
}

func TestTheMenuOfARowIsLoadedOnDemand(t *testing.T) {
	s := serve(t, below("/pg"))
	s.put("/metrics/job/%3Cscript%3E", "a 1\n")
	path := "/pg/groupings/" + s.id("/metrics/job/%3Cscript%3E")
	a := s.get(path+"/menu", inDialog...)
	if a.status != 200 || strings.Contains(a.body, "<script>") || !contains(a.body, ">Open<", "Copy link", "Copy selector", "Copy curl", "{job=&#34;&lt;script&gt;&#34;}", `hx-get="`+path+`/delete"`, `href="/pg/push?grouping=`) {
		t.Errorf("%v", a)
	}
	if a := s.get(path+"/menu", aBrowser...); a.status != 303 || a.header.Get("Location") != path {
		t.Errorf("%v", a)
	}
	if a := s.get("/pg/groupings/nothing/menu", inDialog...); a.status != 404 || a.header.Get("HX-Retarget") != "#toasts" {
		t.Errorf("%v", a)
	}
}

func TestWhatIsChosenCanBeExported(t *testing.T) {
	s := serve(t)
	for _, job := range []string{"a", "b", "c"} {
		s.put("/metrics/job/"+job, job+" 1\n")
	}
	chosen := "&id=" + s.id("/metrics/job/c") + "&id=" + s.id("/metrics/job/a") + "&id=nothing"
	if a := s.get("/export?format=selectors" + chosen); a.status != 200 || a.body != "{job=\"a\"}\n{job=\"c\"}\n" {
		t.Errorf("%v", a)
	}
	if a := s.get("/export?format=text" + chosen); !contains(a.body, `a{instance="",job="a"} 1`, `c{instance="",job="c"} 1`) || strings.Contains(a.body, "b{") {
		t.Errorf("%v", a)
	}
	var groupings []groupingJSON
	must(t, json.Unmarshal([]byte(s.get("/export?format=json&by=id").body), &groupings))
	if len(groupings) != 0 {
		t.Errorf("nothing chosen is %v", groupings)
	}
}

func TestEachRowCanBeTicked(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x/v/%22%3E%3Cb%3E", "a 1\n")
	l := s.browse("?m=job%3D%22x%22&state=fresh")
	var boxes []string
	for _, input := range allBelow(l.rows()[0], tag("input")) {
		boxes = append(boxes, attribute(input, "form"), attribute(input, "name"), attribute(input, "value"), attribute(input, "aria-label"))
	}
	if want := []string{"bulk", "id", s.id("/metrics/job/x/v/%22%3E%3Cb%3E"), `Select {job="x",v="\"><b>"}`}; !slices.Equal(boxes, want) {
		t.Errorf("the box is %q, want %q", boxes, want)
	}
	if got := l.link(t, "Delete all 1 matching…"); got != "groupings/delete?m=job%3D%22x%22&state=fresh" {
		t.Errorf("all are deleted at %s", got)
	}
}

func TestThousandsAreDeletedWhilePushesGoOn(t *testing.T) {
	const all, left, busy = 3_000, 1_500, 7
	s := serve(t, func(c setup) { c.UndoWindow = time.Hour })
	s.fill(all)
	const half = `?m=instance%3D~%22host-%5B0-9%5D%2A%5B02468%5D%3A9100%22`
	preview := s.get("/groupings/delete"+half, aBrowser...).body
	if !strings.Contains(preview, "Delete 1,500 groupings?") {
		t.Fatalf("%s", preview)
	}
	ended, meanwhile := make(chan struct{}), make(chan int)
	go func() {
		answered := 0 // when some were deleted and others not yet
		defer func() { meanwhile <- answered }()
		for i := 0; ; i++ {
			if a := s.do("PUT", fmt.Sprintf("/metrics/job/busy/n/%d", i%busy), "busy 1\n"); a.status != 200 {
				t.Error(a)
				return
			}
			if n := s.store.Snapshot().Stats().Groupings; n > left+busy && n < all {
				answered++
			}
			select {
			case <-ended:
				return
			default:
			}
		}
	}()
	a := s.answer(preview, "typed", "1500")
	close(ended)
	if answered := <-meanwhile; a.status != 303 || answered == 0 {
		t.Errorf("%v; %d pushes were answered meanwhile", a, answered)
	}
	if n := s.store.Snapshot().Stats().Groupings; n < left || n > left+busy {
		t.Errorf("%d are left", n)
	}
	_, undoable := s.store.Undoable(strings.TrimPrefix(a.header.Get("Location"), "/deleted/"))
	if !undoable {
		t.Error("it cannot be undone")
	}
}
