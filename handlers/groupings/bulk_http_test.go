package groupings_test

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
	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

// inDialog is what htmx says when it loads the dialog of the list.
var inDialog = []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "dialog#dialog", "Accept", "text/html"}

// digestOf names the grouping of a path in addresses.
func digestOf(s *handlertest.Server, path string) string { return s.Grouping(path).Key.Digest() }

// aged has what a test pushes be as old as it likes.
func aged(age *atomic.Int64) func(handlertest.Setup) {
	return func(c handlertest.Setup) {
		c.Store.Now = func() time.Time { return time.Now().Add(-time.Duration(age.Load())) }
	}
}

// submitPreview sends the form with which a preview asks, with changes given as name,
// value, name, value…
func submitPreview(s *handlertest.Server, preview string, changes ...string) handlertest.Answer {
	s.T.Helper()
	form := handlertest.FormOf(s.T, preview, s.Prefix+"/groupings/delete")
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return s.Post("/groupings/delete", form.Encode())
}

func TestGroupingsAreDeletedByFilterAndByChoice(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := handlertest.Start(t, handlertest.Below("/pg"), aged(&age), func(c handlertest.Setup) { c.UndoWindow = 24 * time.Hour })
	for i := range 4 {
		s.Put(fmt.Sprintf("/metrics/job/x/n/%d/env/%s", i, []string{"prod", "stg"}[i%2]), "a 1\nb 1\n")
	}
	s.Put("/metrics/job/y/v/%3Cscript%3E", "c 1\n")
	age.Store(0)

	preview := s.Get("/pg/groupings/delete?m=env%3D%22prod%22", handlertest.BrowserHeaders...)
	if preview.Status != 200 || !handlertest.Contains(preview.Body, "Delete 2 groupings?", "{env=&#34;prod&#34;}", "2 groupings · 4 families · 4 series", "undone for 24 hours",
		`href="/pg/export?format=json&amp;m=env%3D%22prod%22"`, "--data-urlencode") || handlertest.Contains(preview.Body, "to confirm") {
		t.Fatalf("%d %s", preview.Status, preview.Body)
	}
	done := submitPreview(s, preview.Body)
	if done.Status != 303 || !strings.HasPrefix(done.Header.Get("Location"), "/pg/deleted/") {
		t.Fatalf("%v", done)
	}
	s.WantGroupings(`{env="stg",job="x",n="1"}`, `{env="stg",job="x",n="3"}`, `{job="y",v="<script>"}`)
	told := s.Get(done.Header.Get("Location"), handlertest.BrowserHeaders...)
	if told.Status != 200 || !handlertest.Contains(told.Body, "2 groupings, deleted", "{env=&#34;prod&#34;}") {
		t.Errorf("%v", told)
	}

	chosen := url.Values{"id": {digestOf(s, "/metrics/job/y/v/%3Cscript%3E"), digestOf(s, "/metrics/job/x/n/1/env/stg"), digestOf(s, "/metrics/job/x/n/1/env/stg"), "AAAAAAAAAAAAAAAAAAAAAA", "?"}}
	preview = s.Get("/pg/groupings/delete?"+chosen.Encode(), handlertest.BrowserHeaders...)
	if preview.Status != 200 || !handlertest.Contains(preview.Body, "Delete 2 groupings?", "&lt;script&gt;", "2 other selected groupings no longer exist", "curl -X DELETE") || strings.Contains(preview.Body, "<script>") {
		t.Fatalf("%d %s", preview.Status, preview.Body)
	}
	if a := submitPreview(s, preview.Body); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{env="stg",job="x",n="3"}`)
	entries, _, err := s.Store.Activity(t.Context(), store.ActivityQuery{Limit: 10})
	handlertest.Must(t, err)
	if len(entries) != 2 || entries[1].What != `{env="prod"}` || entries[1].Count != 2 || entries[0].What != "selected groupings" {
		t.Errorf("on record is %+v", entries)
	}
}

func TestABulkDeleteOfWhatMakesNoSenseIsRefused(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	many := "?" + url.Values{"id": slices.Repeat([]string{"x"}, maxLinkedIDs+1)}.Encode()
	for _, query := range []string{
		"?m=env%3D", "?m=env%3D&m=job%3D%22x%22", "?state=good", "?idle=x", "?idle=-5m", "?q=" + strings.Repeat("x", 1025), many,
	} {
		for _, path := range []string{"/groupings/delete", "/export"} {
			if a := s.Get(path+query, handlertest.BrowserHeaders...); a.Status != 400 {
				t.Errorf("%.60s: %d, want 400", path+query, a.Status)
			}
		}
	}
	preview := s.Get("/groupings/delete?m=job%3D%22x%22", handlertest.BrowserHeaders...).Body
	tomorrow := strconv.FormatInt(time.Now().Add(time.Hour).UnixNano(), 10)
	for _, change := range [][]string{
		{"m", "env="}, {"at", ""}, {"at", "x"}, {"at", tomorrow}, {"expect", ""}, {"expect", "0"}, {"expect", "-1"}, {"idle", "x"},
	} {
		if a := submitPreview(s, preview, append(change, "typed", "1")...); a.Status != 400 {
			t.Errorf("%q: %v, want 400", change, a)
		}
	}
	if a := submitPreview(s, preview, "id", strings.Repeat("x", maxBulkFormBytes)); a.Status != 413 {
		t.Errorf("%v", a)
	}
	if a := s.Do("POST", "/groupings/delete", "{}", "Content-Type", "application/json"); a.Status != 415 {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{job="x"}`)
}

func TestNothingChosenMeansNothing(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	for query, want := range map[string]string{
		"?by=id":                          "Select some in the list first",
		"?id=":                            "no longer exist",
		"?id=AAAAAAAAAAAAAAAAAAAAAA":      "no longer exist",
		"?m=job%3D%22%3Cb%3E%22":          "{job=&#34;&lt;b&gt;&#34;}",
		"?by=id&m=job%3D%22x%22&state=":   "Select some in the list first",
		"?m=job%3D%22x%22&idle=5m&q=none": "No groupings match",
	} {
		if a := s.Get("/groupings/delete"+query, handlertest.BrowserHeaders...); a.Status != 200 || !handlertest.Contains(a.Body, "Nothing to delete", want) || strings.Contains(a.Body, "<form method=\"post\" action=\"/groupings") {
			t.Errorf("%v", a)
		}
	}
}

func TestEverythingIsDeletedOnlyOnceThatIsTyped(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := handlertest.Start(t, aged(&age))
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/y", "a 1\n")
	preview := s.Get("/groupings/delete", handlertest.BrowserHeaders...)
	if !handlertest.Contains(preview.Body, "Delete all 2 groupings?", "No filter is set", "to confirm", "{job!=&#34;&#34;}") {
		t.Fatalf("%s", preview.Body)
	}
	for typed, want := range map[string]int{"": 422, "3": 422, "two": 422, "<script>": 422, "2": 303} {
		if typed == "2" {
			continue
		}
		a := submitPreview(s, preview.Body, "typed", typed)
		if a.Status != want || !handlertest.Contains(a.Body, "That is not 2", `aria-invalid="true"`) || strings.Contains(a.Body, "<script>") {
			t.Errorf("%q: %v", typed, a)
		}
		s.WantGroupings(`{job="x"}`, `{job="y"}`)
	}
	if a := submitPreview(s, preview.Body, "typed", " 2 "); a.Status != 303 {
		t.Errorf("%v", a)
	}
	s.WantGroupings()
}

func TestManyAndFreshOnesHaveToBeTyped(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(time.Hour))
	s := handlertest.Start(t, aged(&age))
	for i := range maxUntyped + 1 {
		s.Put(fmt.Sprintf("/metrics/job/many/n/%d", i), "a 1\n")
		if i < maxUntyped {
			s.Put(fmt.Sprintf("/metrics/job/few/n/%d", i), "a 1\n")
			s.Put(fmt.Sprintf("/metrics/job/fresh/n/%d", i), "a 1\n")
		}
	}
	age.Store(int64(time.Minute))
	s.Put("/metrics/job/fresh/n/7", "a 1\n")
	s.Put("/metrics/job/fresh/n/8", "a 1\n")
	for job, want := range map[string]bool{"many": true, "few": false, "fresh": true} {
		preview := s.Get("/groupings/delete?m=job%3D%22"+job+"%22", handlertest.BrowserHeaders...).Body
		if strings.Contains(preview, "to confirm") != want {
			t.Errorf("%s: %s", job, preview)
		}
	}
	preview := s.Get("/groupings/delete?m=job%3D%22fresh%22", handlertest.BrowserHeaders...).Body
	if !handlertest.Contains(preview, "2 were pushed in the last 5 minutes", `href="/groupings/delete?idle=5m&amp;m=job%3D%22fresh%22"`) {
		t.Fatalf("%s", preview)
	}
	without := s.Get("/groupings/delete?idle=5m&m=job%3D%22fresh%22", handlertest.BrowserHeaders...).Body
	if !handlertest.Contains(without, "Delete 18 groupings?", "not pushed for 5m") || handlertest.Contains(without, "pushed in the last 5 minutes") {
		t.Fatalf("%s", without)
	}
	if a := submitPreview(s, without); a.Status != 303 {
		t.Errorf("%v", a)
	}
	if n := len(slices.DeleteFunc(s.Groupings(), func(g string) bool { return !strings.Contains(g, "fresh") })); n != 2 {
		t.Errorf("%d are left", n)
	}
}

func TestWhatHasChangedIsAskedAboutAgain(t *testing.T) {
	const filter = "/groupings/delete?m=job%3D%22x%22"
	tests := []struct {
		name   string
		change func(s *handlertest.Server)
		want   []string
		groups int
	}{
		{"one is pushed again", func(s *handlertest.Server) { s.Put("/metrics/job/x/n/1", "a 2\n") }, []string{"1 of the groupings was pushed again", "it now contains other groupings"}, 4},
		{"one more comes", func(s *handlertest.Server) { s.Put("/metrics/job/x/n/9", "a 2\n") }, []string{"1 of the groupings was pushed again", "it had 3 groupings and now has 4"}, 5},
		{"one goes", func(s *handlertest.Server) { s.Do("DELETE", "/metrics/job/x/n/1", "") }, []string{"it had 3 groupings and now has 2"}, 3},
		{"all go", func(s *handlertest.Server) { s.Do("DELETE", "/metrics/job/x", "") }, []string{"Nothing to delete", "it had 3 groupings and now has 0"}, 1},
		{"one goes and another comes", func(s *handlertest.Server) {
			s.Do("DELETE", "/metrics/job/x/n/1", "")
			s.Put("/metrics/job/x/n/9", "a 2\n")
		}, []string{"1 of the groupings was pushed again", "it now contains other groupings"}, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			for i := range 3 {
				s.Put(fmt.Sprintf("/metrics/job/x/n/%d", i), "a 1\n")
			}
			s.Put("/metrics/job/y", "b 1\n")
			preview := s.Get(filter, handlertest.BrowserHeaders...).Body
			test.change(s)
			again := submitPreview(s, preview, "typed", "3")
			if again.Status != 409 || !handlertest.Contains(again.Body, append(test.want, `role="alert"`, "Nothing was deleted")...) {
				t.Errorf("%d %s", again.Status, again.Body)
			}
			if n := len(s.Groupings()); n != test.groups {
				t.Errorf("%d groupings are left", n)
			}
			if test.groups == 1 {
				return
			}
			form := handlertest.FormOf(t, again.Body, "/groupings/delete")
			if a := submitPreview(s, again.Body, "typed", form.Get("expect")); a.Status != 303 {
				t.Errorf("%v", a)
			}
			s.WantGroupings(`{job="y"}`)
		})
	}
}

func TestStatesAreThoseOfTheQuestion(t *testing.T) {
	var age atomic.Int64
	age.Store(int64(2 * time.Hour))
	s := handlertest.Start(t, aged(&age))
	s.Put("/metrics/job/x", "a 1\n")
	age.Store(0)
	preview := s.Get("/groupings/delete?state=stale", handlertest.BrowserHeaders...).Body
	hourAgo := strconv.FormatInt(time.Now().Add(-90*time.Minute).UnixNano(), 10)
	if a := submitPreview(s, preview, "at", hourAgo); a.Status != 409 {
		t.Errorf("it was fresh then, and deleted as stale: %v", a)
	}
	if a := submitPreview(s, preview, "at", hourAgo, "state", "fresh"); a.Status != 303 {
		t.Errorf("it was fresh then: %v", a)
	}
	s.WantGroupings()
}

func TestADialogGetsItsContentAndAToastItsUndo(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) { c.UndoWindow = time.Hour })
	fromList := append([]string{"HX-Current-URL", "http://" + "h/pg/?q=x"}, inDialog...)
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/y", "b 1\n")
	one := "/groupings/" + digestOf(s, "/metrics/job/x") + "/delete"
	asked := s.Get("/pg"+one, fromList...)
	if asked.Status != 200 || strings.Contains(asked.Body, "<html") || !handlertest.Contains(asked.Body, `id="dialog-title"`, `hx-post="/pg`+one+`"`, "data-close") {
		t.Errorf("%v", asked)
	}
	if page := s.Get("/pg"+one, handlertest.BrowserHeaders...); strings.Contains(page.Body, "hx-post=\"/pg"+one) || handlertest.Contains(page.Body, "data-close") {
		t.Errorf("a page of its own is as a dialog: %s", page.Body)
	}
	done := s.Do("POST", "/pg"+one, handlertest.FormOf(t, asked.Body, "/pg"+one).Encode(), append(fromList, handlertest.FormHeaders[:4]...)...)
	if done.Status != 200 || done.Header.Get("HX-Retarget") != "#toasts" || done.Header.Get("HX-Trigger") != "changed" || !handlertest.Contains(done.Body, "Deleted {job=&#34;x&#34;}", `hx-post="/pg/undo/`) {
		t.Fatalf("%v %v", done, done.Header)
	}
	s.WantGroupings(`{job="y"}`)
	for _, method := range []string{"GET", "POST"} {
		a := s.Do(method, "/pg"+one, "seen=1", append(fromList, handlertest.FormHeaders[:4]...)...)
		if a.Status != 404 || a.Header.Get("HX-Retarget") != "#toasts" || !handlertest.Contains(a.Body, "The grouping no longer exists", `role="alert"`) {
			t.Errorf("%v %v", a, a.Header)
		}
	}
	undo := between(done.Body, `hx-post="/pg`, `"`)
	inToast := append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div"}, handlertest.FormHeaders...)
	back := s.Do("POST", "/pg"+undo, "", inToast...)
	if back.Status != 200 || back.Header.Get("HX-Trigger") != "changed" || back.Header.Get("HX-Retarget") != "" || !handlertest.Contains(back.Body, `class="toast"`, "1 grouping restored") {
		t.Errorf("%v %v", back, back.Header)
	}
	s.WantGroupings(`{job="x"}`, `{job="y"}`)
	if late := s.Do("POST", "/pg"+undo, "", inToast...); late.Status != 410 || !handlertest.Contains(late.Body, "toast-problem", "too late") {
		t.Errorf("%v", late)
	}

	both := s.Get("/pg/groupings/delete", fromList...)
	if strings.Contains(both.Body, "<html") || !handlertest.Contains(both.Body, `hx-post="/pg/groupings/delete"`, "autofocus") {
		t.Errorf("%v", both)
	}
	form := handlertest.FormOf(t, both.Body, "/pg/groupings/delete")
	wrong := s.Do("POST", "/pg/groupings/delete", form.Encode(), append(fromList, handlertest.FormHeaders[:4]...)...)
	if wrong.Status != 422 || strings.Contains(wrong.Body, "<html") || !handlertest.Contains(wrong.Body, `role="alert"`) {
		t.Errorf("%v", wrong)
	}
	form.Set("typed", "2")
	gone := s.Do("POST", "/pg/groupings/delete", form.Encode(), append(fromList, handlertest.FormHeaders[:4]...)...)
	if gone.Status != 200 || !handlertest.Contains(gone.Body, "Deleted 2 groupings.", "Undo") {
		t.Errorf("%v", gone)
	}
	s.WantGroupings()
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

func TestAnUndoSaysWhatDidNotComeBack(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UndoWindow = time.Hour })
	s.Put("/metrics/job/a", "# TYPE m gauge\nm 1\n")
	s.Put("/metrics/job/b", "n 1\n")
	s.Put("/metrics/job/c", "o 1\n")
	done := submitPreview(s, s.Get("/groupings/delete", handlertest.BrowserHeaders...).Body, "typed", "3")
	operation := strings.TrimPrefix(done.Header.Get("Location"), "/deleted/")
	s.Put("/metrics/job/b", "n 2\n")
	s.Put("/metrics/job/d", "# TYPE m counter\nm 1\n")
	back := s.Do("POST", "/undo/"+operation, "", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div"}, handlertest.FormHeaders...)...)
	if back.Status != 200 || !handlertest.Contains(back.Body, "toast-problem", "1 grouping restored", "1 was pushed again and kept", "{job=&#34;a&#34;}") {
		t.Errorf("%v", back)
	}
}

func TestAGroupingsOwnPageLeadsToWhatWasDeleted(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	s.Put("/metrics/job/x", "a 1\n")
	page := "/groupings/" + digestOf(s, "/metrics/job/x")
	own := append([]string{"HX-Current-URL", "http://h/pg" + page + "?family=a"}, inDialog...)
	asked := s.Get("/pg"+page+"/delete", own...)
	done := s.Do("POST", "/pg"+page+"/delete", handlertest.FormOf(t, asked.Body, "/pg"+page+"/delete").Encode(), append(own, handlertest.FormHeaders[:4]...)...)
	if to := done.Header.Get("HX-Redirect"); done.Status != 200 || !strings.HasPrefix(to, "/pg/deleted/") || done.Header.Get("HX-Retarget") != "" {
		t.Errorf("%v %v", done, done.Header)
	}
}

func TestOnlyAdminsDeleteManyAtOnce(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.CertificateRole = auth.NoRole })
	s.Put("/metrics/job/x", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	id := digestOf(s, "/metrics/job/x")
	for role, may := range map[auth.Role]bool{auth.Reader: false, auth.Pusher: false, auth.Admin: true} {
		session := s.StartSession("some-"+role.String(), role)
		l := s.List("", session...)
		if got := l.ByID("bulk-delete") != nil; got != may {
			t.Errorf("%s is offered to delete: %t", role, got)
		}
		if l.ByID("bulk-export") == nil || strings.Contains(l.Body, "Delete all") != may {
			t.Errorf("%s gets %s", role, l.Body)
		}
		want := map[bool]int{true: 200, false: 403}[may]
		if a := s.Get("/groupings/delete?id="+id, append(session, handlertest.BrowserHeaders...)...); a.Status != want {
			t.Errorf("%s: %v", role, a)
		}
		if a := s.Post("/groupings/delete", "id="+id, session...); a.Status != 403 && !may {
			t.Errorf("%s: %v", role, a)
		}
		menu := s.Get("/groupings/"+id+"/menu", append(session, inDialog...)...)
		if menu.Status != 200 || strings.Contains(menu.Body, "Delete…") != (role != auth.Reader) || strings.Contains(menu.Body, "Push again") != (role != auth.Reader) {
			t.Errorf("%s: %v", role, menu)
		}
	}
	s.WantGroupings(`{job="x"}`)
	admin := s.StartSession("an-admin", auth.Admin)
	form := handlertest.FormOf(t, s.Get("/groupings/delete?id="+id, append(admin, handlertest.BrowserHeaders...)...).Body, "/groupings/delete")
	form.Set("typed", "1")
	cross := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, admin...)
	if a := s.Do("POST", "/groupings/delete", form.Encode(), cross...); a.Status != 403 {
		t.Errorf("a page of another site: %v", a)
	}
	s.WantGroupings(`{job="x"}`)
	if a := s.Get("/groupings/delete?id="+id, handlertest.BrowserHeaders...); a.Status != 401 {
		t.Errorf("a stranger: %v", a)
	}
}

func TestTheMenuOfARowIsLoadedOnDemand(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	s.Put("/metrics/job/%3Cscript%3E", "a 1\n")
	path := "/pg/groupings/" + digestOf(s, "/metrics/job/%3Cscript%3E")
	a := s.Get(path+"/menu", inDialog...)
	if a.Status != 200 || strings.Contains(a.Body, "<script>") || !handlertest.Contains(a.Body, ">Open<", "Copy link", "Copy selector", "Copy curl", "{job=&#34;&lt;script&gt;&#34;}", `hx-get="`+path+`/delete"`, `href="/pg/push?grouping=`) {
		t.Errorf("%v", a)
	}
	if a := s.Get(path+"/menu", handlertest.BrowserHeaders...); a.Status != 303 || a.Header.Get("Location") != path {
		t.Errorf("%v", a)
	}
	if a := s.Get("/pg/groupings/nothing/menu", inDialog...); a.Status != 404 || a.Header.Get("HX-Retarget") != "#toasts" {
		t.Errorf("%v", a)
	}
}

func TestWhatIsChosenCanBeExported(t *testing.T) {
	s := handlertest.Start(t)
	for _, job := range []string{"a", "b", "c"} {
		s.Put("/metrics/job/"+job, job+" 1\n")
	}
	chosen := "&id=" + digestOf(s, "/metrics/job/c") + "&id=" + digestOf(s, "/metrics/job/a") + "&id=nothing"
	if a := s.Get("/export?format=selectors" + chosen); a.Status != 200 || a.Body != "{job=\"a\"}\n{job=\"c\"}\n" {
		t.Errorf("%v", a)
	}
	if a := s.Get("/export?format=text" + chosen); !handlertest.Contains(a.Body, `a{instance="",job="a"} 1`, `c{instance="",job="c"} 1`) || strings.Contains(a.Body, "b{") {
		t.Errorf("%v", a)
	}
	var groupings []handlertest.Grouping
	handlertest.Must(t, json.Unmarshal([]byte(s.Get("/export?format=json&by=id").Body), &groupings))
	if len(groupings) != 0 {
		t.Errorf("nothing chosen is %v", groupings)
	}
}

func TestEachRowCanBeTicked(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/v/%22%3E%3Cb%3E", "a 1\n")
	l := s.List("?m=job%3D%22x%22&state=fresh")
	var boxes []string
	for _, input := range handlertest.FindAll(l.Rows()[0], handlertest.HasTag("input")) {
		boxes = append(boxes, handlertest.Attribute(input, "form"), handlertest.Attribute(input, "name"), handlertest.Attribute(input, "value"), handlertest.Attribute(input, "aria-label"))
	}
	if want := []string{"bulk", "id", digestOf(s, "/metrics/job/x/v/%22%3E%3Cb%3E"), `Select {job="x",v="\"><b>"}`}; !slices.Equal(boxes, want) {
		t.Errorf("the box is %q, want %q", boxes, want)
	}
	if got := l.Link(t, "Delete all 1 matching…"); got != "groupings/delete?m=job%3D%22x%22&state=fresh" {
		t.Errorf("all are deleted at %s", got)
	}
}

func TestThousandsAreDeletedWhilePushesGoOn(t *testing.T) {
	const all, left, busy = 3_000, 1_500, 7
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UndoWindow = time.Hour })
	s.Fill(all)
	const half = `?m=instance%3D~%22host-%5B0-9%5D%2A%5B02468%5D%3A9100%22`
	preview := s.Get("/groupings/delete"+half, handlertest.BrowserHeaders...).Body
	if !strings.Contains(preview, "Delete 1,500 groupings?") {
		t.Fatalf("%s", preview)
	}
	ended, meanwhile := make(chan struct{}), make(chan int)
	go func() {
		answered := 0 // when some were deleted and others not yet
		defer func() { meanwhile <- answered }()
		for i := 0; ; i++ {
			if a := s.Do("PUT", fmt.Sprintf("/metrics/job/busy/n/%d", i%busy), "busy 1\n"); a.Status != 200 {
				t.Error(a)
				return
			}
			if n := s.Store.Snapshot().Stats().Groupings; n > left+busy && n < all {
				answered++
			}
			select {
			case <-ended:
				return
			default:
			}
		}
	}()
	a := submitPreview(s, preview, "typed", "1500")
	close(ended)
	if answered := <-meanwhile; a.Status != 303 || answered == 0 {
		t.Errorf("%v; %d pushes were answered meanwhile", a, answered)
	}
	if n := s.Store.Snapshot().Stats().Groupings; n < left || n > left+busy {
		t.Errorf("%d are left", n)
	}
	_, undoable := s.Store.Undoable(strings.TrimPrefix(a.Header.Get("Location"), "/deleted/"))
	if !undoable {
		t.Error("it cannot be undone")
	}
}

const (
	maxLinkedIDs = 1_000

	maxBulkFormBytes = 256 << 10

	maxUntyped = 20
)
