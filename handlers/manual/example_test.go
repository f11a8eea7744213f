package manual_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/views/docs"
)

// intoPanel is what htmx says when it shows what became of an example below it.
func intoPanel(example string) []string {
	return []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#run-" + example}
}

func TestExamplesAreRunAsTheyAreShown(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
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
		a := s.Post("/docs/run/"+test.example, "")
		if a.Status != 200 || !handlertest.Contains(a.Body, append(test.shown, "<html", `href="/pg/docs/pushing#run-`+test.example+`"`)...) {
			t.Errorf("%v, want %q", a, test.shown)
		}
		s.WantSamples(test.samples...)
		if len(test.samples) == 0 {
			s.WantGroupings()
		} else {
			s.WantGroupings(grouping)
		}
		if strings.Contains(a.Body, "/groupings/") != (len(test.samples) > 0) {
			t.Errorf("the link to the grouping: %v", a)
		}
	}
}

func TestARunIsAPushLikeOthers(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.CheckConsistency, c.Store.CheckConsistency = false, false }, handlertest.OneUser)
	admin := s.SignIn()
	a := s.Post("/docs/run/replace", "", admin...)
	if !handlertest.Contains(a.Body, "202 Accepted") {
		t.Errorf("%v", a)
	}
	g := s.Grouping("/metrics/job/docs_example/instance/demo")
	if g.Origin.By != "admin" || g.Origin.From == "" {
		t.Errorf("pushed by %+v", g.Origin)
	}
	s.Post("/docs/run/refused", "", admin...)
	if g := s.Grouping("/metrics/job/docs_example/instance/demo"); g.LastPushSuccessful() || !strings.Contains(g.Failure, "timestamp") {
		t.Errorf("the refusal is not noted: %q", g.Failure)
	}
	s.Journal.Fail(store.ErrUnavailable)
	if a := s.Post("/docs/run/merge", "", admin...); a.Status != 200 || !handlertest.Contains(a.Body, "503 Service Unavailable", web.TextUnavailable) {
		t.Errorf("%v", a)
	}
	s.Journal.Fail(errors.New("secret of the disk"))
	if a := s.Post("/docs/run/delete", "", admin...); strings.Contains(a.Body, "secret") {
		t.Errorf("%v", a)
	}
}

func TestWithAScriptARunIsShownBelowItsExample(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{"/docs/run/replace", "/docs/run/replace/clean-up"} {
		a := s.Post(target, "", intoPanel("replace")...)
		if a.Status != 200 || strings.Contains(a.Body, "<html") || !strings.HasPrefix(a.Body, `<div class="card`) {
			t.Errorf("%v", a)
		}
	}
}

func TestTheCleanUpDeletesWhatExamplesLeft(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	s.Put("/metrics/job/docs_example/instance/other", "mine 1\n")
	s.Post("/docs/run/replace", "")
	a := s.Post("/docs/run/replace/clean-up", "")
	if a.Status != 200 || !handlertest.Contains(a.Body, "Deleted 1 grouping of the examples", `href="/pg/deleted/`) {
		t.Errorf("%v", a)
	}
	s.WantGroupings(`{instance="other",job="docs_example"}`)
	if a := s.Post("/docs/run/replace/clean-up", ""); a.Status != 200 || !handlertest.Contains(a.Body, "Nothing to clean up") {
		t.Errorf("%v", a)
	}
}

func TestOnlyPushersRunExamples(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	reader, pusher := s.StartSession("rita", auth.Reader), s.StartSession("paul", auth.Pusher)
	for _, target := range []string{"/docs/run/replace", "/docs/run/replace/clean-up"} {
		if a := s.Post(target, "", reader...); a.Status != 403 {
			t.Errorf("%v", a)
		}
		if a := s.Post(target, ""); a.Status != 401 {
			t.Errorf("%v", a)
		}
		if a := s.Do("POST", target, "", append(pusher, "Sec-Fetch-Site", "cross-site")...); a.Status != 403 {
			t.Errorf("%v", a)
		}
	}
	s.WantGroupings()
	if a := s.Post("/docs/run/replace", "", pusher...); a.Status != 200 || !handlertest.Contains(a.Body, "200 OK") {
		t.Errorf("%v", a)
	}
	for headers, want := range map[*[]string]bool{&reader: false, &pusher: true} {
		a := s.Get("/docs/pushing", append(*headers, handlertest.BrowserHeaders...)...)
		if got := strings.Contains(a.Body, "Run against this server"); got != want || strings.Contains(a.Body, "needs the role pusher") == want {
			t.Errorf("offered: %v, want %v", got, want)
		}
	}
}

func TestThereAreNoOtherExamples(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	for _, name := range []string{"nope", "Replace", "replace%2F..", "%3Cscript%3E", strings.Repeat("a", 5000)} {
		for _, target := range []string{"/docs/run/" + name, "/docs/run/" + name + "/clean-up"} {
			if a := s.Post(target, "cpu 1\n"); a.Status != 404 || strings.Contains(a.Body, "<script>") {
				t.Errorf("%v", a)
			}
			if a := s.Get("/pg"+target, handlertest.BrowserHeaders...); a.Status != 404 {
				t.Errorf("%v", a)
			}
		}
	}
	s.WantGroupings()
}

func TestTheAddressOfARunLeadsToItsExample(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	for _, e := range docs.Examples() {
		a := s.Get("/pg/docs/run/"+e.Name, handlertest.BrowserHeaders...)
		page, id, _ := strings.Cut(a.Header.Get("Location"), "#")
		if a.Status != 303 || page != "/pg/docs/pushing" {
			t.Errorf("%v %v", a, a.Header)
		}
		isPanel := func(n string) bool { return n == id }
		var ids []string
		for _, n := range elementsOf(t, s.Get(page, handlertest.BrowserHeaders...).Body, "div") {
			ids = append(ids, attributeOf(n, "id"))
		}
		if !slices.ContainsFunc(ids, isPanel) {
			t.Errorf("there is no %s on %s", id, page)
		}
	}
}
