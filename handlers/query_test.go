package handlers_test

import (
	"strconv"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

func TestParametersThatAreUnknownOrGivenTwiceChangeNothing(t *testing.T) {
	const job = "/metrics/job/keep"
	groupings := "/api/v1/groupings?match[]={job=%22keep%22}"
	tests := []struct {
		name, method, target string
		headers              []string
		text                 string // of the answer
	}{
		{"a misspelt TTL", "PUT", job + "?tll=90m", nil, `unknown parameter "tll" (did you mean ttl?): this request takes only ttl, key`},
		{"a misspelt TTL in a merge", "POST", job + "?tt=90m", nil, `unknown parameter "tt" (did you mean ttl?)`},
		{"a TTL in capitals", "PUT", job + "?TTL=90m", nil, `did you mean ttl?`},
		{"a TTL with a blank", "PUT", job + "?%20ttl=90m", nil, `unknown parameter " ttl" (did you mean ttl?)`},
		{"a TTL that is nothing like it", "PUT", job + "?expire_after=90m", nil, `unknown parameter "expire_after": this request takes only ttl, key`},
		{"a parameter without a value", "PUT", job + "?force", nil, `unknown parameter "force"`},
		{"a value without a parameter", "PUT", job + "?=90m", nil, `unknown parameter ""`},
		{"an unknown one beside a known one", "PUT", job + "?ttl=90m&x=1", nil, `unknown parameter "x"`},
		{"a TTL twice", "PUT", job + "?ttl=90m&ttl=1h", nil, "parameter ttl is given twice"},
		{"the same TTL twice, once encoded", "PUT", job + "?ttl=90m&%74tl=90m", nil, "parameter ttl is given twice"},
		{"a TTL in the query and in the header", "PUT", job + "?ttl=90m", []string{"X-Push-TTL", "90m"}, "the TTL is given twice"},
		{"a TTL in two headers", "PUT", job, []string{"X-Push-TTL", "90m", "X-Push-TTL", "1h"}, "the TTL is given twice"},
		{"an empty TTL", "PUT", job + "?ttl=", nil, `the TTL must be a duration such as 90m, not ""`},
		{"a TTL without a value", "PUT", job + "?ttl", nil, `the TTL must be a duration such as 90m, not ""`},
		{"an empty TTL in the header", "POST", job, []string{"X-Push-TTL", ""}, `the TTL must be a duration such as 90m, not ""`},
		{"a semicolon is no separator", "PUT", job + "?ttl=90m;x=1", nil, `the TTL must be a duration such as 90m, not "90m;x=1"`},
		{"a semicolon in the name", "PUT", job + "?a;ttl=90m", nil, `unknown parameter "a;ttl"`},
		{"a key twice", "PUT", job + "?key=a&key=b", nil, "parameter key is given twice"},
		{"a selector on a push", "PUT", job + "?match[]={}", nil, `unknown parameter "match[]"`},
		{"a selector on a delete by path", "DELETE", job + "?match[]={instance=%22x%22}", nil, `unknown parameter "match[]": this request takes only key`},
		{"a selector on a delete of one grouping", "DELETE", job + "/l/v?match[]={}", nil, `unknown parameter "match[]"`},
		{"a TTL on a delete", "DELETE", job + "?ttl=90m", nil, `unknown parameter "ttl"`},
		{"a dry run of a delete by path", "DELETE", job + "?dry_run=true", nil, `unknown parameter "dry_run"`},
		{"a misspelt dry run", "DELETE", groupings + "&dryrun=true", nil, `unknown parameter "dryrun" (did you mean dry_run?): this request takes only match[], dry_run, key`},
		{"a dry run with a dash", "DELETE", groupings + "&dry-run=true", nil, "did you mean dry_run?"},
		{"a dry run in capitals", "DELETE", groupings + "&DRY_RUN=true", nil, "did you mean dry_run?"},
		{"a dry run twice", "DELETE", groupings + "&dry_run=true&dry_run=false", nil, "parameter dry_run is given twice"},
		{"a dry run of 1", "DELETE", groupings + "&dry_run=1", nil, "dry_run must be true or false"},
		{"a dry run of T", "DELETE", groupings + "&dry_run=T", nil, "dry_run must be true or false"},
		{"a dry run of yes", "DELETE", groupings + "&dry_run=yes", nil, "dry_run must be true or false"},
		{"an empty dry run", "DELETE", groupings + "&dry_run=", nil, "dry_run must be true or false"},
		{"a dry run without a value", "DELETE", groupings + "&dry_run", nil, "dry_run must be true or false"},
		{"a limit", "DELETE", groupings + "&limit=1", nil, `unknown parameter "limit"`},
		{"a selector without brackets", "DELETE", groupings + "&match={instance=%22x%22}", nil, "did you mean match[]?"},
		{"a state, which the list takes", "DELETE", groupings + "&state=old", nil, `unknown parameter "state"`},
		{"a selector of what is to be wiped", "PUT", "/api/v1/admin/wipe?match[]={}", nil, `unknown parameter "match[]": this request takes only key`},
		{"the name of a token in the query", "POST", "/api/v1/tokens?name=x", nil, `unknown parameter "name"`},
		{"a role of a token that is revoked", "DELETE", "/api/v1/tokens/x?role=reader", nil, `unknown parameter "role"`},
		{"an overlap in the query", "POST", "/api/v1/tokens/x/rotate?overlap=1h", nil, `unknown parameter "overlap"`},
		{"a long name", "PUT", job + "?" + strings.Repeat("x", 500), nil, strings.Repeat("x", 60) + `":`},
	}
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	s.Put(job, "a 1\n")
	s.Put(job+"/l/v", "a 2\n")
	held := s.Samples()
	for _, test := range tests {
		a := s.Do(test.method, test.target, "", test.headers...)
		if a.Status != 400 || !handlertest.Contains(strings.ReplaceAll(a.Body, `\"`, `"`), test.text) || strings.HasPrefix(test.target, "/metrics") && !handlertest.OneLine(a.Body) {
			t.Errorf("%s: %v, want 400 %q", test.name, a, test.text)
		}
		s.WantSamples(held...)
	}
	if g := s.Grouping(job); !g.Expires.IsZero() {
		t.Errorf("a TTL was set: %v", g.Expires)
	}
	if g := s.Grouping(job); g.LastPushSuccessful() {
		t.Error("the grouping doesn't show that pushes were refused")
	}
}

func TestParametersThatAreKnownMayBeGiven(t *testing.T) {
	for _, test := range []struct {
		name, method, target string
		status               int
	}{
		{"a TTL", "PUT", "/metrics/job/x?ttl=90m", 200},
		{"a key on a push", "POST", "/metrics/job/x?key=any", 200},
		{"a key on a delete", "DELETE", "/metrics/job/x?key=any", 202},
		{"selectors", "DELETE", "/api/v1/groupings?match[]={job=%22x%22}&match[]={job=%22y%22}&key=any", 200},
		{"a dry run", "DELETE", "/api/v1/groupings?match[]={job=%22x%22}&dry_run=true", 200},
		{"no dry run", "DELETE", "/api/v1/groupings?match[]={job=%22x%22}&dry_run=false", 200},
		{"nothing", "PUT", "/metrics/job/x?", 200},
		{"nothing between", "PUT", "/metrics/job/x?&&ttl=1h&", 200},
		{"unknown ones when reading", "GET", "/metrics/job/x?tll=90m", 200},
		{"unknown ones in a scrape", "GET", "/metrics?debug=1&debug=2", 200},
		{"unknown ones in a list", "GET", "/api/v1/groupings?dryrun=true", 200},
		{"unknown ones on pages", "GET", "/?utm_source=x", 200},
		{"unknown ones at the end", "PUT", "/-/quit?force=true", 200},
	} {
		s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableLifecycle = true })
		s.Put("/metrics/job/x", "a 1\n")
		if a := s.Do(test.method, test.target, ""); a.Status != test.status {
			t.Errorf("%s: %v, want %d", test.name, a, test.status)
		}
	}
}

func TestAKeyInTheQueryGrantsNoPush(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens, c.Guard.ScrapeKey = credential.NewTokens([]string{handlertest.RightToken}), credential.NewSecret(handlertest.RightKey)
	})
	if a := s.Do("PUT", "/metrics/job/x?key="+handlertest.RightKey, "a 1\n"); a.Status != 401 {
		t.Errorf("%v", a)
	}
}

// TestEveryChangeOfTheAPIKnowsItsParameters holds for routes that are to come.
func TestEveryChangeOfTheAPIKnowsItsParameters(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	for _, r := range h.Routes() {
		for method := range r.On {
			if r.Kind == web.Page || method == "GET" || !strings.HasPrefix(r.Path, "/api/v1/") && !strings.HasPrefix(r.Path, "/metrics") {
				continue
			}
			target := strings.NewReplacer("*", "job/x", ":id", "x").Replace(r.Path)
			if a := s.Do(method, target+"?unheard_of=1", ""); a.Status != 400 || !strings.Contains(a.Body, "unheard_of") {
				t.Errorf("%v", a)
			}
		}
	}
}

func TestAGetWithABodyIsNoPush(t *testing.T) {
	gzipped := handlertest.Encode("gzip", "a 1\n")
	for _, test := range []struct {
		name, line, rest string
		status           int
	}{
		{"a body", "GET /metrics/job/x HTTP/1.1", "Content-Length: 4\r\n\r\na 1\n", 400},
		{"a body in gzip", "GET /metrics/job/x HTTP/1.1", "Content-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(gzipped)) + "\r\n\r\n" + gzipped, 400},
		{"a chunked body", "GET /metrics/job/x HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n", 400},
		{"a chunked body of nothing", "GET /metrics/job/x HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"a body for one grouping", "GET /metrics/job/x/instance/i HTTP/1.1", "Content-Length: 4\r\n\r\na 1\n", 400},
		{"a body for a grouping that isn't there", "GET /metrics/job/y HTTP/1.1", "Content-Length: 4\r\n\r\na 1\n", 400},
		{"HEAD with a body", "HEAD /metrics/job/x HTTP/1.1", "Connection: close\r\nContent-Length: 4\r\n\r\na 1\n", 400},
		{"a body that waits to be asked for", "GET /metrics/job/x HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n", 400},
		{"HTTP/1.0", "GET /metrics/job/x HTTP/1.0", "Content-Length: 4\r\n\r\na 1\n", 400},
		{"no body", "GET /metrics/job/x HTTP/1.1", "\r\n", 200},
		{"a body of nothing", "GET /metrics/job/x HTTP/1.1", "Content-Length: 0\r\n\r\n", 200},
		{"everything, with a body", "GET /metrics HTTP/1.1", "Content-Length: 4\r\n\r\na 1\n", 200},
		{"DELETE with a body", "DELETE /metrics/job/x HTTP/1.1", "Content-Length: 4\r\n\r\na 1\n", 202},
		{"DELETE with a body that waits", "DELETE /metrics/job/x HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n", 202},
	} {
		for _, listener := range []func(handlertest.Setup){func(handlertest.Setup) {}, func(c handlertest.Setup) { c.OnlyScrapes() }} {
			s := handlertest.Start(t, listener)
			storeGrouping(s, "/metrics/job/x/instance/i", "old 1\n")
			if s.Partial && strings.HasPrefix(test.line, "DELETE") {
				continue
			}
			a := s.Raw(test.line + "\r\nHost: x\r\n" + test.rest)
			if a.Status != test.status || test.status == 400 && !strings.HasPrefix(test.line, "HEAD") && !handlertest.Contains(a.Body, "push with PUT or POST\n") {
				t.Errorf("%s: %.300v, want %d", test.name, a, test.status)
			}
		}
	}
}

// storeGrouping keeps a grouping without a request.
func storeGrouping(s *handlertest.Server, path, body string) {
	s.T.Helper()
	p, err := store.ParsePath(strings.TrimPrefix(path, "/metrics"), true)
	handlertest.Must(s.T, err)
	families, err := exposition.Decode("", []byte(body), exposition.Options{Grouping: p.Key.Labels()})
	handlertest.Must(s.T, err)
	_, err = s.Store.Push(s.T.Context(), store.Push{Key: p.Key, Families: families, Mode: store.Replace})
	handlertest.Must(s.T, err)
}
