package handlers

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"gatehouse/auth"
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

func TestProblemsAreToldInWordsWithOneThingToDo(t *testing.T) {
	s := serve(t, oneUser, below("/pg"))
	s.put("/metrics/job/x", "a 1\n", "Authorization", basicHeader("admin", rightPassword))
	admin, reader, nobody := s.signedIn(), s.begun("<b>rita", auth.Reader), s.begun("nemo", auth.NoRole)
	removal := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
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
		"a wrong credential": {[]string{"Authorization", basicHeader("admin", "wrong")}, "GET", "/activity?q=a&by=b", 401, "Not signed in", []string{
			"The credential is not valid.", `href="/pg/login?next=%2Fpg%2Factivity%3Fq%3Da%26by%3Db"`,
		}},
		"a form that is too large": {admin, "POST", removal, 413, "Too large", []string{"The form is larger than 8 KiB."}},
	} {
		body := strings.Repeat("x", 9000)
		headers := append(append([]string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, test.who...), aBrowser[:4]...)
		a := s.do(test.method, "/pg"+test.target, body, headers...)
		if a.status != test.status || headline(a.body) != test.title || !contains(a.body, test.parts...) {
			t.Errorf("%s: %v\n%s", name, a, a.body)
		}
		if links := strings.Count(a.body, `<a class="btn"`); links > 1 {
			t.Errorf("%s: %d things to do", name, links)
		}
		if strings.Contains(a.body, "<b>rita") || strings.Contains(a.body, `http-equiv`) {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestPagesForThoseWithoutARoleTellNoVersion(t *testing.T) {
	s := serve(t, oneUser)
	if a := s.get("/nowhere", append(s.begun("nemo", auth.NoRole), aBrowser...)...); a.status != 403 || strings.Contains(a.body, "1.2.3") || strings.Contains(a.body, `name="q"`) {
		t.Errorf("%v", a)
	}
	if a := s.get("/nowhere", append(s.begun("rita", auth.Reader), aBrowser...)...); a.status != 404 || !contains(a.body, "1.2.3", "rita") {
		t.Errorf("%v", a)
	}
}

func TestWhatTheServerCannotDoIsTriedAgain(t *testing.T) {
	s := serve(t, below("/pg"))
	s.put("/metrics/job/x", "a 1\n")
	s.journal.failRead(store.ErrUnavailable)
	a := s.get("/pg/activity?q=a", aBrowser...)
	if a.status != 503 || a.header.Get("Retry-After") != "5" || headline(a.body) != "Temporarily unavailable" ||
		!contains(a.body, `<meta http-equiv="refresh" content="5">`, `href="/pg/activity?q=a"`, "This page retries in 5 seconds.") {
		t.Errorf("%v %s", a, a.body)
	}
	// What changes something is not asked for again by itself.
	s.journal.fail(store.ErrUnavailable)
	path := "/groupings/" + s.group("/metrics/job/x").Key.Digest() + "/delete"
	form := formOf(t, s.get("/pg"+path, aBrowser...).body, "/pg"+path)
	if a := s.post(path, form.Encode()); a.status != 503 || strings.Contains(a.body, "http-equiv") || !contains(a.body, "Try again in 5 seconds.", `href="/pg/"`) {
		t.Errorf("%v %s", a, a.body)
	}
}

func TestAFailureHasANameInTheLog(t *testing.T) {
	s := serve(t)
	s.journal.failRead(errors.New("a cause with /a/path"))
	named := regexp.MustCompile(`Request ID: <code[^>]*>([A-Z2-7]{8})</code>`)
	a := s.get("/activity", aBrowser...)
	found := named.FindStringSubmatch(a.body)
	if a.status != 500 || headline(a.body) != "Something went wrong on the server" || found == nil || strings.Contains(a.body, "/a/path") || !contains(a.body, `href="/activity"`) {
		t.Fatalf("%v %s", a, a.body)
	}
	if log := s.log.String(); !contains(log, "request="+found[1], "/a/path") {
		t.Errorf("the log says %s", log)
	}
	toast := s.get("/activity", asPart("activity")...)
	if toast.status != 500 || toast.header.Get("HX-Retarget") != "#toasts" || !regexp.MustCompile(`Request ID: [A-Z2-7]{8}\.`).MatchString(toast.body) {
		t.Errorf("%v", toast)
	}
	if a := s.get("/activity"); a.body != web.TextInternal+"\n" {
		t.Errorf("%v", a)
	}
}

// asPart is what htmx says when it is going to replace the element of an id.
func asPart(id string) []string {
	return []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#" + id, "Accept", "text/html", "Sec-Fetch-Site", "same-origin"}
}
