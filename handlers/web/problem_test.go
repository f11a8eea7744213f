package web_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// headline is the text of a page's h1.
func headline(page string) string {
	_, rest, _ := strings.Cut(page, "<h1")
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</h1>")
	return text
}

func TestProblemsAreSaidInWordsWithOneThingToDo(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	s.Put("/metrics/job/x", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	admin, reader, nobody := s.SignIn(), s.StartSession("<b>rita", auth.Reader), s.StartSession("nemo", auth.NoRole)
	removal := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
	for name, test := range map[string]struct {
		who            []string
		method, target string
		status         int
		title          string
		parts          []string
	}{
		"nothing": {admin, "GET", "/nowhere", 404, "Not found", []string{"There is no page at this address.", `name="q"`, `action="/pg/"`}},
		"a filter that makes no sense": {admin, "GET", "/activity?kind=x", 400, "Invalid request", []string{
			"Kind must be delete, wipe, expiry, undo, deletions, import, refusal, sign_in,", `href="/pg/"`,
		}},
		"another method": {admin, "POST", "/activity", 405, "Not possible here", []string{"This address accepts GET, HEAD, OPTIONS, but not POST."}},
		"more than the role allows": {reader, "GET", "/activity", 403, "Not allowed", []string{
			"You are known as &lt;b&gt;rita and have the role reader. This needs the role admin.",
		}},
		"a delete by a reader": {reader, "GET", removal, 403, "Not allowed", []string{"needs the role pusher."}},
		"no role": {nobody, "GET", "/activity", 403, "Not allowed", []string{
			"You are known as nemo, but have no role here. This needs the role admin.",
		}},
		"a wrong credential": {[]string{"Authorization", handlertest.BasicAuth("admin", "wrong")}, "GET", "/activity?q=a&by=b", 401, "Not signed in", []string{
			"The credential is not valid.", `href="/pg/login?next=%2Fpg%2Factivity%3Fq%3Da%26by%3Db"`,
		}},
		"a form that is too large": {admin, "POST", removal, 413, "Too large", []string{"The form is larger than 8 KiB."}},
	} {
		body := strings.Repeat("x", 9000)
		headers := append(append([]string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, test.who...), handlertest.BrowserHeaders[:4]...)
		a := s.Do(test.method, "/pg"+test.target, body, headers...)
		if a.Status != test.status || headline(a.Body) != test.title || !handlertest.Contains(a.Body, test.parts...) {
			t.Errorf("%s: %v\n%s", name, a, a.Body)
		}
		if links := strings.Count(a.Body, `<a class="btn"`); links > 1 {
			t.Errorf("%s: %d things to do", name, links)
		}
		if strings.Contains(a.Body, "<b>rita") || strings.Contains(a.Body, `http-equiv`) {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestPagesForPeopleWithoutARoleShowNoVersion(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	if a := s.Get("/nowhere", append(s.StartSession("nemo", auth.NoRole), handlertest.BrowserHeaders...)...); a.Status != 403 || strings.Contains(a.Body, "1.2.3") || strings.Contains(a.Body, `name="q"`) {
		t.Errorf("%v", a)
	}
	if a := s.Get("/nowhere", append(s.StartSession("rita", auth.Reader), handlertest.BrowserHeaders...)...); a.Status != 404 || !handlertest.Contains(a.Body, "1.2.3", "rita") {
		t.Errorf("%v", a)
	}
}

func TestWhatTheServerCannotDoIsTriedAgain(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	s.Put("/metrics/job/x", "a 1\n")
	s.Journal.FailRead(store.ErrUnavailable)
	a := s.Get("/pg/activity?q=a", handlertest.BrowserHeaders...)
	if a.Status != 503 || a.Header.Get("Retry-After") != "5" || headline(a.Body) != "Temporarily unavailable" ||
		!handlertest.Contains(a.Body, `<meta http-equiv="refresh" content="5">`, `href="/pg/activity?q=a"`, "This page retries in 5 seconds.") {
		t.Errorf("%v %s", a, a.Body)
	}
	// What changes something is not asked for again by itself.
	s.Journal.Fail(store.ErrUnavailable)
	path := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/delete"
	form := handlertest.FormOf(t, s.Get("/pg"+path, handlertest.BrowserHeaders...).Body, "/pg"+path)
	if a := s.Post(path, form.Encode()); a.Status != 503 || strings.Contains(a.Body, "http-equiv") || !handlertest.Contains(a.Body, "Try again in 5 seconds.", `href="/pg/"`) {
		t.Errorf("%v %s", a, a.Body)
	}
}

func TestAFailureHasANameInTheLog(t *testing.T) {
	s := handlertest.Start(t)
	s.Journal.FailRead(errors.New("a cause with /a/path"))
	named := regexp.MustCompile(`Request ID: <code[^>]*>([A-Z2-7]{8})</code>`)
	a := s.Get("/activity", handlertest.BrowserHeaders...)
	found := named.FindStringSubmatch(a.Body)
	if a.Status != 500 || headline(a.Body) != "Something went wrong on the server" || found == nil || strings.Contains(a.Body, "/a/path") || !handlertest.Contains(a.Body, `href="/activity"`) {
		t.Fatalf("%v %s", a, a.Body)
	}
	if log := s.Log.String(); !handlertest.Contains(log, "request="+found[1], "/a/path") {
		t.Errorf("the log says %s", log)
	}
	toast := s.Get("/activity", handlertest.PartHeaders("activity")...)
	if toast.Status != 500 || toast.Header.Get("HX-Retarget") != "#toasts" || !regexp.MustCompile(`Request ID: [A-Z2-7]{8}\.`).MatchString(toast.Body) {
		t.Errorf("%v", toast)
	}
	if a := s.Get("/activity"); a.Body != web.TextInternal+"\n" {
		t.Errorf("%v", a)
	}
}
