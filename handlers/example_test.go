package handlers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/views/docs"
)

// intoPanel is what htmx says when it shows what became of an example below it.
func intoPanel(example string) []string {
	return []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#run-" + example}
}

func TestExamplesAreRunAsTheyStandThere(t *testing.T) {
	s := serve(t, below("/pg"))
	const grouping = `{instance="demo",job="docs_example"}`
	seconds, rows := `docs_example_seconds{instance="demo",job="docs_example"} 12.5`, `docs_example_rows{instance="demo",job="docs_example",table="orders"} 73`
	for _, test := range []struct {
		example string
		shown   []string
		samples []string
	}{
		{"refused", []string{"PUT /pg/metrics/job/docs_example/instance/demo", "400 Bad Request", "carry a timestamp"}, nil},
		{"replace", []string{"200 OK", "no body", "/pg/groupings/"}, []string{rows + "0", seconds}},
		{"merge", []string{"POST /pg/metrics", "200 OK"}, []string{rows + "1", seconds}},
		{"refused", []string{"400 Bad Request", "/pg/groupings/"}, []string{rows + "1", seconds}},
		{"delete", []string{"DELETE /pg/metrics", "202 Accepted", "X-Groupings-Deleted: 1"}, nil},
		{"delete", []string{"202 Accepted", "X-Groupings-Deleted: 0"}, nil},
	} {
		a := s.post("/docs/run/"+test.example, "")
		if a.status != 200 || !contains(a.body, append(test.shown, "<html", `href="/pg/docs/pushing#run-`+test.example+`"`)...) {
			t.Errorf("%v, want %q", a, test.shown)
		}
		s.wantSamples(test.samples...)
		if len(test.samples) == 0 {
			s.wantGroupings()
		} else {
			s.wantGroupings(grouping)
		}
		if strings.Contains(a.body, "/groupings/") != (len(test.samples) > 0) {
			t.Errorf("the link to the grouping: %v", a)
		}
	}
}

func TestARunIsAPushLikeOthers(t *testing.T) {
	s := serve(t, func(c setup) { c.CheckConsistency, c.Store.CheckConsistency = false, false }, oneUser)
	admin := s.signedIn()
	a := s.post("/docs/run/replace", "", admin...)
	if !contains(a.body, "202 Accepted") {
		t.Errorf("%v", a)
	}
	g := s.group("/metrics/job/docs_example/instance/demo")
	if g.Origin.By != "admin" || g.Origin.From == "" {
		t.Errorf("pushed by %+v", g.Origin)
	}
	s.post("/docs/run/refused", "", admin...)
	if g := s.group("/metrics/job/docs_example/instance/demo"); g.LastPushSuccessful() || !strings.Contains(g.Failure, "timestamp") {
		t.Errorf("the refusal is not noted: %q", g.Failure)
	}
	s.journal.fail(store.ErrUnavailable)
	if a := s.post("/docs/run/merge", "", admin...); a.status != 200 || !contains(a.body, "503 Service Unavailable", web.TextUnavailable) {
		t.Errorf("%v", a)
	}
	s.journal.fail(errors.New("secret of the disk"))
	if a := s.post("/docs/run/delete", "", admin...); strings.Contains(a.body, "secret") {
		t.Errorf("%v", a)
	}
}

func TestWithAScriptARunIsShownBelowItsExample(t *testing.T) {
	s := serve(t)
	for _, target := range []string{"/docs/run/replace", "/docs/run/replace/clean-up"} {
		a := s.post(target, "", intoPanel("replace")...)
		if a.status != 200 || strings.Contains(a.body, "<html") || !strings.HasPrefix(a.body, `<div class="card`) {
			t.Errorf("%v", a)
		}
	}
}

func TestTheCleanUpDeletesWhatExamplesLeft(t *testing.T) {
	s := serve(t, below("/pg"))
	s.put("/metrics/job/docs_example/instance/other", "mine 1\n")
	s.post("/docs/run/replace", "")
	a := s.post("/docs/run/replace/clean-up", "")
	if a.status != 200 || !contains(a.body, "Deleted 1 grouping of the examples", `href="/pg/deleted/`) {
		t.Errorf("%v", a)
	}
	s.wantGroupings(`{instance="other",job="docs_example"}`)
	if a := s.post("/docs/run/replace/clean-up", ""); a.status != 200 || !contains(a.body, "Nothing to clean up") {
		t.Errorf("%v", a)
	}
}

func TestOnlyWhoMayPushRunsExamples(t *testing.T) {
	s := serve(t, oneUser)
	reader, pusher := s.begun("rita", auth.Reader), s.begun("paul", auth.Pusher)
	for _, target := range []string{"/docs/run/replace", "/docs/run/replace/clean-up"} {
		if a := s.post(target, "", reader...); a.status != 403 {
			t.Errorf("%v", a)
		}
		if a := s.post(target, ""); a.status != 401 {
			t.Errorf("%v", a)
		}
		if a := s.do("POST", target, "", append(pusher, "Sec-Fetch-Site", "cross-site")...); a.status != 403 {
			t.Errorf("%v", a)
		}
	}
	s.wantGroupings()
	if a := s.post("/docs/run/replace", "", pusher...); a.status != 200 || !contains(a.body, "200 OK") {
		t.Errorf("%v", a)
	}
	for headers, want := range map[*[]string]bool{&reader: false, &pusher: true} {
		a := s.get("/docs/pushing", append(*headers, aBrowser...)...)
		if got := strings.Contains(a.body, "Run against this server"); got != want || strings.Contains(a.body, "needs the role pusher") == want {
			t.Errorf("offered: %v, want %v", got, want)
		}
	}
}

func TestThereAreNoOtherExamples(t *testing.T) {
	s := serve(t, below("/pg"))
	for _, name := range []string{"nope", "Replace", "replace%2F..", "%3Cscript%3E", strings.Repeat("a", 5000)} {
		for _, target := range []string{"/docs/run/" + name, "/docs/run/" + name + "/clean-up"} {
			if a := s.post(target, "cpu 1\n"); a.status != 404 || strings.Contains(a.body, "<script>") {
				t.Errorf("%v", a)
			}
			if a := s.get("/pg"+target, aBrowser...); a.status != 404 {
				t.Errorf("%v", a)
			}
		}
	}
	s.wantGroupings()
}

func TestTheAddressOfARunLeadsToItsExample(t *testing.T) {
	s := serve(t, below("/pg"))
	for _, e := range docs.Examples() {
		a := s.get("/pg/docs/run/"+e.Name, aBrowser...)
		page, id, _ := strings.Cut(a.header.Get("Location"), "#")
		if a.status != 303 || page != "/pg/docs/pushing" {
			t.Errorf("%v %v", a, a.header)
		}
		isPanel := func(n string) bool { return n == id }
		var ids []string
		for _, n := range elementsOf(t, s.get(page, aBrowser...).body, "div") {
			ids = append(ids, attributeOf(n, "id"))
		}
		if !slices.ContainsFunc(ids, isPanel) {
			t.Errorf("there is no %s on %s", id, page)
		}
	}
}
