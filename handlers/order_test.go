package handlers

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
)

// inOrder are the kinds of credentials in the order in which they count, each
// right and wrong. A session that nobody knows counts as none.
var inOrder = []struct{ name, header, right, wrong string }{
	{"Authorization", "Authorization", basicHeader("admin", rightPassword), basicHeader("admin", "wrong")},
	{"an API key", "X-API-Key", rightToken, "wrong"},
	{"a scrape key", "X-Metrics-Key", rightKey, "wrong"},
	{"a scrape key in the query", "", "?key=" + rightKey, "?key=wrong"},
}

func TestOfSeveralCredentialsTheFirstKindDecides(t *testing.T) {
	s := serve(t, oneUser, func(c setup) {
		c.Guard.Tokens = credential.NewTokens([]string{rightToken})
		c.Guard.ScrapeKey = credential.NewSecret(rightKey)
		c.Guard.Bypass = guard.BypassOn
	})
	session := s.signedIn()
	sent := func(values map[int]string, more ...string) int {
		target, headers := "/metrics", more
		for i, value := range values {
			if inOrder[i].header == "" {
				target += value
				continue
			}
			headers = append(headers, inOrder[i].header, value)
		}
		return s.get(target, headers...).status
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
	if a := s.get("/account", append(session, "Host", "localhost")...); a.status != 200 || !contains(a.body, "signed in with user and password") {
		t.Errorf("a session before the bypass: %v", a)
	}
	if a := s.get("/account", "Host", "localhost", "Cookie", session[1]+"0"); a.status != 200 || !contains(a.body, "on the server&#39;s own machine") {
		t.Errorf("the bypass after no session: %v", a)
	}
	// Of a bearer token: a JWT, an API token, the scrape key.
	for token, want := range map[string]int{rightToken: 200, rightKey: 200, "wrong": 401, "a.b.c": 401} {
		if a := s.get("/metrics", "Authorization", "Bearer "+token, "X-API-Key", rightToken); a.status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
}

func TestWhatARequestPassesComesInOrder(t *testing.T) {
	// Each step with what fails there, and nowhere before.
	steps := []struct {
		name   string
		change func(setup)
		fails  func(r *flawed)
		status int
		says   string
	}{
		{"the address", func(c setup) { c.Guard.Allowed = prefixes(t, "10.0.0.0/8") }, func(*flawed) {}, 403, "this address is not allowed"},
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
			change := func(setup) {}
			for _, x := range []func(setup){first.change, later.change} {
				if x != nil {
					change = x
				}
			}
			s := serve(t, oneUser, change)
			r := &flawed{path: "/metrics/job/y", credential: "pusher", body: "a 1\n"}
			later.fails(r)
			first.fails(r)
			if role := r.credential; role != "" {
				limit := ""
				if role == "limited" {
					role, limit = "pusher", `{job="x"}`
				}
				r.add("Authorization: " + s.made("t", role, limit, 0)[1] + "\r\n")
			}
			a := s.raw(fmt.Sprintf("PUT %s%s HTTP/1.1\r\nHost: gate.test\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", r.path, r.query, r.lines.String(), len(r.body), r.body))
			if a.status != first.status || !contains(a.body, first.says) {
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
	for name, change := range map[string]func(setup){
		"open": func(setup) {}, "with a prefix": below("/pg"), "with the key alone": keyAlone, "closed": oneUser,
	} {
		s := serve(t, change)
		who := []string{"Authorization", "Bearer " + rightKey}
		if name == "closed" {
			who = []string{"Authorization", basicHeader("admin", rightPassword)}
		}
		for _, accept := range [][]string{
			nil, {"Accept", "*/*"}, {"Accept", "text/plain"}, {"Accept", "application/json"}, {"Accept", "application/openmetrics-text;q=0.5,text/plain;q=0.1"}, {"Accept", ""},
		} {
			a := s.get(s.prefix+"/", append(accept, who...)...)
			if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || !strings.HasPrefix(a.body, "Gatehouse 1.2.3\n") || !contains(a.body, s.prefix+"/metrics/job/<job>", s.prefix+"/api/v1/targets") {
				t.Errorf("%s, %q: %v", name, accept, a)
			}
		}
		if a := s.get(s.prefix+"/", append([]string{"Accept", "text/html,*/*;q=0.8"}, who...)...); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s, a browser: %v", name, a)
		}
	}
}
