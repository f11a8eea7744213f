package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers/handlertest"
)

// inOrder are the kinds of credentials in the order in which they count, each
// right and wrong. A session that nobody knows counts as none.
var inOrder = []struct{ name, header, right, wrong string }{
	{"Authorization", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword), handlertest.BasicAuth("admin", "wrong")},
	{"an API key", "X-API-Key", handlertest.RightToken, "wrong"},
	{"a scrape key", "X-Metrics-Key", handlertest.RightKey, "wrong"},
	{"a scrape key in the query", "", "?key=" + handlertest.RightKey, "?key=wrong"},
}

func TestOfSeveralCredentialsTheFirstKindDecides(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) {
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
		c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey)
		c.Guard.Bypass = guard.BypassOn
	})
	session := s.SignIn()
	sent := func(values map[int]string, more ...string) int {
		target, headers := "/metrics", more
		for i, value := range values {
			if inOrder[i].header == "" {
				target += value
				continue
			}
			headers = append(headers, inOrder[i].header, value)
		}
		return s.Get(target, headers...).Status
	}
	for i, first := range inOrder {
		for j := i + 1; j < len(inOrder); j++ {
			later := inOrder[j]
			if got := sent(map[int]string{i: first.right, j: later.wrong}); got != 200 {
				t.Errorf("%s before a wrong one of %s: %d", first.name, later.name, got)
			}
			if got := sent(map[int]string{i: first.wrong, j: later.right}); got != 401 {
				t.Errorf("a wrong one of %s before %s: %d", first.name, later.name, got)
			}
		}
		if got := sent(map[int]string{i: first.wrong}, session...); got != 401 {
			t.Errorf("a wrong one of %s before a session: %d", first.name, got)
		}
		// On the server's own machine no wrong one is overlooked.
		if got := sent(map[int]string{i: first.wrong}, "Host", "localhost"); got != 401 {
			t.Errorf("a wrong one of %s before the bypass: %d", first.name, got)
		}
	}
	if a := s.Get("/account", append(session, "Host", "localhost")...); a.Status != 200 || !handlertest.Contains(a.Body, "signed in with user and password") {
		t.Errorf("a session before the bypass: %v", a)
	}
	if a := s.Get("/account", "Host", "localhost", "Cookie", session[1]+"0"); a.Status != 200 || !handlertest.Contains(a.Body, "on the server&#39;s own machine") {
		t.Errorf("the bypass after no session: %v", a)
	}
	// Of a bearer token: a JWT, an API token, the scrape key.
	for token, want := range map[string]int{handlertest.RightToken: 200, handlertest.RightKey: 200, "wrong": 401, "a.b.c": 401} {
		if a := s.Get("/metrics", "Authorization", "Bearer "+token, "X-API-Key", handlertest.RightToken); a.Status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
}

func TestWhatARequestPassesComesInOrder(t *testing.T) {
	// Each step with what fails there, and nowhere before.
	steps := []struct {
		name   string
		change func(handlertest.Setup)
		fails  func(r *flawed)
		status int
		says   string
	}{
		{"the address", func(c handlertest.Setup) { c.Guard.Allowed = handlertest.Prefixes(t, "10.0.0.0/8") }, func(*flawed) {}, 403, "this address is not allowed"},
		{"one credential of a kind", nil, func(r *flawed) { r.add("X-Metrics-Key: a\r\nX-Metrics-Key: b\r\n") }, 400, "a credential is given twice"},
		{"no page of another site", nil, func(r *flawed) { r.add("Origin: http://evil.test\r\n") }, 403, "cross-site requests are not allowed"},
		{"a plain target", nil, func(r *flawed) { r.path = "/metrics/../metrics/job/y" }, 400, ""},
		{"a credential", nil, func(r *flawed) { r.credential = "" }, 401, "authentication is required"},
		{"the role", nil, func(r *flawed) { r.credential = "reader" }, 403, "the credential does not allow this"},
		{"the path", nil, func(r *flawed) { r.path = "/metrics/job/y/le/1" }, 400, "is reserved"},
		{"the limit", nil, func(r *flawed) { r.credential = "limited" }, 403, "the credential is limited to other groupings"},
		{"the query", nil, func(r *flawed) { r.query = "?nonsense=1" }, 400, "unknown parameter"},
		{"the body", nil, func(r *flawed) { r.body = "no metrics\n" }, 400, "line 1"},
	}
	for i, first := range steps {
		for j, later := range steps[i:] {
			change := func(handlertest.Setup) {}
			for _, x := range []func(handlertest.Setup){first.change, later.change} {
				if x != nil {
					change = x
				}
			}
			s := handlertest.Start(t, handlertest.OneUser, change)
			r := &flawed{path: "/metrics/job/y", credential: "pusher", body: "a 1\n"}
			later.fails(r)
			first.fails(r)
			if role := r.credential; role != "" {
				limit := ""
				if role == "limited" {
					role, limit = "pusher", `{job="x"}`
				}
				r.add("Authorization: " + createdToken(s, "t", role, limit, 0)[1] + "\r\n")
			}
			a := s.Raw(fmt.Sprintf("PUT %s%s HTTP/1.1\r\nHost: gate.test\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", r.path, r.query, r.lines.String(), len(r.body), r.body))
			if a.Status != first.status || !handlertest.Contains(a.Body, first.says) {
				t.Errorf("%s before %s (%d): %v, want %d %s", first.name, later.name, j, a, first.status, first.says)
			}
		}
	}
}

// flawed is a push in which something is wrong.
type flawed struct {
	path, query, credential, body string
	lines                         strings.Builder
}

func (r *flawed) add(lines string) { r.lines.WriteString(lines) }

func TestTheFirstPageIsAnIndexToAllButBrowsers(t *testing.T) {
	for name, change := range map[string]func(handlertest.Setup){
		"open": func(handlertest.Setup) {}, "with a prefix": handlertest.Below("/pg"), "with the key alone": keyAlone, "closed": handlertest.OneUser,
	} {
		s := handlertest.Start(t, change)
		who := []string{"Authorization", "Bearer " + handlertest.RightKey}
		if name == "closed" {
			who = []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
		}
		for _, accept := range [][]string{
			nil, {"Accept", "*/*"}, {"Accept", "text/plain"}, {"Accept", "application/json"}, {"Accept", "application/openmetrics-text;q=0.5,text/plain;q=0.1"}, {"Accept", ""},
		} {
			a := s.Get(s.Prefix+"/", append(accept, who...)...)
			if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") || !strings.HasPrefix(a.Body, "Gatehouse 1.2.3\n") || !handlertest.Contains(a.Body, s.Prefix+"/metrics/job/<job>", s.Prefix+"/api/v1/targets") {
				t.Errorf("%s, %q: %v", name, accept, a)
			}
		}
		if a := s.Get(s.Prefix+"/", append([]string{"Accept", "text/html,*/*;q=0.8"}, who...)...); a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s, a browser: %v", name, a)
		}
	}
}
