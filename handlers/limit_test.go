package handlers_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

const notThere = "the credential is limited to other groupings\n"

func TestATokenActsOnTheGroupingsOnlyThatItIsLimitedTo(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	reader := s.CreateToken("reader", auth.Reader, `{job="in"}`).Headers()
	pusher := s.CreateToken("pusher", auth.Pusher, `{job="in"}`).Headers()
	administrator := s.CreateToken("admin", auth.Admin, `{job="in"}`).Headers()
	narrow := s.CreateToken("narrow", auth.Pusher, `{job="in",instance=~"a.*"}`).Headers()
	free := s.CreateToken("free", auth.Pusher, "").Headers()
	for _, test := range []struct {
		who            string
		headers        []string
		method, target string
		want           int
	}{
		{"a pusher within", pusher, "PUT", "/metrics/job/in", 200},
		{"a pusher within", pusher, "POST", "/metrics/job/in/instance/b", 200},
		{"a pusher within", pusher, "DELETE", "/metrics/job/in/instance/a", 202},
		{"a pusher of a whole job within", pusher, "DELETE", "/metrics/job/in", 202},
		{"a pusher of nothing that is there", pusher, "DELETE", "/metrics/job/nowhere", 202},
		{"a pusher elsewhere", pusher, "PUT", "/metrics/job/out", 403},
		{"a pusher elsewhere", pusher, "POST", "/metrics/job/out/instance/a", 403},
		{"a pusher elsewhere", pusher, "DELETE", "/metrics/job/out/instance/a", 403},
		{"a pusher of what is not there", pusher, "DELETE", "/metrics/job/nowhere/instance/a", 403},
		{"a pusher of another whole job", pusher, "DELETE", "/metrics/job/out", 403},
		{"a pusher of many", pusher, "DELETE", "/api/v1/groupings?match[]={job=%22in%22}", 403},
		{"a narrow pusher within", narrow, "PUT", "/metrics/job/in/instance/a1", 200},
		{"a narrow pusher elsewhere", narrow, "PUT", "/metrics/job/in/instance/b", 403},
		{"a narrow pusher without the label", narrow, "PUT", "/metrics/job/in", 403},
		{"a narrow pusher of a whole job", narrow, "DELETE", "/metrics/job/in", 403},
		{"a free pusher", free, "PUT", "/metrics/job/out", 200},
		{"a reader", reader, "PUT", "/metrics/job/in", 403},
		{"a reader", reader, "DELETE", "/metrics/job/in/instance/a", 403},
		{"a reader within", reader, "GET", "/metrics/job/in/instance/a", 200},
		{"a reader of a whole job within", reader, "GET", "/metrics/job/in", 200},
		{"a reader elsewhere", reader, "GET", "/metrics/job/out/instance/a", 403},
		{"a reader of what is not there", reader, "GET", "/metrics/job/nowhere/instance/a", 403},
		{"a reader of what is not there within", reader, "GET", "/metrics/job/in/instance/z", 404},
		{"a reader of another whole job", reader, "GET", "/metrics/job/out", 404},
		{"an admin of many within", administrator, "DELETE", "/api/v1/groupings?match[]={job=%22in%22}", 200},
		{"an admin of many elsewhere", administrator, "DELETE", "/api/v1/groupings?match[]={job=~%22.%2B%22}", 403},
		{"an admin of many", administrator, "DELETE", "/api/v1/groupings?dry_run=true&match[]={job=%22in%22}", 200},
		{"an admin of many elsewhere, who asks only", administrator, "DELETE", "/api/v1/groupings?dry_run=true&match[]={job=~%22.%2B%22}", 403},
	} {
		s.Put("/metrics/job/in/instance/a", "a 1\n", admin...)
		s.Put("/metrics/job/in/instance/b", "a 1\n", admin...)
		s.Put("/metrics/job/out/instance/a", "a 1\n", admin...)
		before := s.Groupings()
		a := s.Do(test.method, test.target, "", test.headers...)
		if a.Status != test.want {
			t.Errorf("%s: %v, want %d", test.who, a, test.want)
		}
		wantRefusal(s, a)
		if after := s.Groupings(); a.Status == 403 && !slices.Equal(before, after) {
			t.Errorf("%s: %v, but the groupings are %q, were %q", test.who, a, after, before)
		}
	}
}

func TestARefusalByTheLimitSaysSoAndLeavesNoTraceAtTheGrouping(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	s.Put("/metrics/job/out", "a 1\n", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	pusher := s.CreateToken("pusher", auth.Pusher, `{job="in"}`).Headers()
	// The body never ends: it must not be waited for.
	a := s.Raw("PUT /metrics/job/out HTTP/1.1\r\nHost: x\r\nAuthorization: " + pusher[1] + "\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("#", 100_000))
	if a.Status != 403 || a.Body != notThere || a.Header.Get("WWW-Authenticate") != `Bearer realm="gatehouse", error="insufficient_scope"` {
		t.Errorf("%v %v", a, a.Header)
	}
	if g := s.Grouping("/metrics/job/out"); !g.LastPushSuccessful() || !g.Failed.IsZero() {
		t.Errorf("the grouping's last push failed at %v: %s", g.Failed, g.Failure)
	}
	asJSON := s.Do("PUT", "/metrics/job/out", "a 1\n", append(pusher, "Accept", "application/json")...)
	if asJSON.Body != `{"status":"error","errorType":"forbidden","error":"`+strings.TrimSpace(notThere)+`"}` {
		t.Errorf("%v", asJSON)
	}
	if a := s.Do("DELETE", "/metrics/job/out", "", pusher...); a.Body != store.ErrOutside.Error()+"\n" {
		t.Errorf("%v", a)
	}
	own := s.Get("/metrics/self", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)).Body
	for _, want := range []string{
		`gatehouse_auth_decisions_total{result="forbidden",scheme="api_token"} 3`,
		`gatehouse_pushes_refused_total{reason="syntax"} 0`,
		`gatehouse_api_tokens 1`,
	} {
		if !strings.Contains(own, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(own, `result="allowed",scheme="api_token"`) {
		t.Error("a refusal is counted as allowed")
	}
}

// visibleTo are the groupings that a client is shown in each of the ways.
func visibleTo(s *handlertest.Server, headers []string, jobs ...string) map[string][]string {
	s.T.Helper()
	seen := map[string][]string{}
	note := func(way string, labels map[string]string) {
		parts := []string{}
		for name, value := range labels {
			if !strings.HasPrefix(name, "__") {
				parts = append(parts, fmt.Sprintf("%s=%q", name, value))
			}
		}
		slices.Sort(parts)
		seen[way] = append(seen[way], "{"+strings.Join(parts, ",")+"}")
	}
	read := func(target string, into any) {
		a := s.Get(target, headers...)
		if a.Status != 200 {
			s.T.Fatal(a)
		}
		handlertest.Must(s.T, json.Unmarshal([]byte(a.Body), into))
	}
	var targets []handlertest.Target
	read("/api/v1/targets", &targets)
	for _, x := range targets {
		note("targets", x.Labels)
	}
	var groupings struct {
		Data struct {
			Groupings []handlertest.Grouping
			Total     int
		}
	}
	read("/api/v1/groupings?limit=10000", &groupings)
	for _, x := range groupings.Data.Groupings {
		note("groupings", x.Labels)
	}
	if groupings.Data.Total != len(groupings.Data.Groupings) {
		s.T.Errorf("a total of %d", groupings.Data.Total)
	}
	var pushed struct {
		Data []struct{ Labels map[string]string }
	}
	read("/api/v1/metrics", &pushed)
	for _, x := range pushed.Data {
		note("metrics", x.Labels)
	}
	scrape := func(way, target string) {
		a := s.Get(target, headers...)
		if a.Status == 404 {
			return
		}
		for line := range strings.Lines(a.Body) {
			if rest, ok := strings.CutPrefix(line, "push_time_seconds{"); ok {
				labels := map[string]string{}
				for l := range strings.SplitSeq(rest[:strings.IndexByte(rest, '}')], ",") {
					name, value, _ := strings.Cut(l, "=")
					if value != `""` {
						labels[name] = strings.Trim(value, `"`)
					}
				}
				note(way, labels)
			}
		}
	}
	scrape("scrape", "/metrics")
	for _, job := range jobs {
		scrape("jobs", "/metrics/job/"+job)
	}
	for _, list := range seen {
		slices.Sort(list)
	}
	return seen
}

func TestWhatALimitShowsIsWhatItsSelectorMeans(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	random := rand.New(rand.NewPCG(5, 7))
	jobs := []string{"a", "b", "c"}
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for range 40 {
		path := "/metrics/job/" + pick(jobs...)
		for _, label := range []string{"env", "zone"} {
			if v := pick("", "1", "2", "30"); v != "" {
				path += "/" + label + "/" + v
			}
		}
		s.Put(path, "", admin...)
	}
	for i := range 25 {
		limit := fmt.Sprintf(`{job%s"%s",env%s"%s",zone%s"%s"}`,
			pick("=", "=~"), pick("a", "b", "a", "none"), pick("=", "!=", "=~", "!~"), pick("", "1", "2|30"), pick("=", "!=", "=~", "!~"), pick("", "1", "3.*"))
		token := s.CreateToken(fmt.Sprint("t", i), auth.Reader, limit)
		var want []string
		for g := range s.Store.Snapshot().Groupings() {
			if token.Scope.Match(g.Key.Labels()) {
				want = append(want, g.Key.String())
			}
		}
		slices.Sort(want)
		seen := visibleTo(s, token.Headers(), jobs...)
		for _, way := range []string{"targets", "groupings", "metrics", "scrape", "jobs"} {
			if !slices.Equal(seen[way], want) {
				t.Errorf("%s limited to %s shows\n%s\nwant\n%s", way, limit, strings.Join(seen[way], "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

func TestAScrapeWithALimitHasNothingOfTheServersOwn(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	admin := []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
	s.Put("/metrics/job/in", "a 1\n", admin...)
	s.Put("/metrics/job/out", "b 1\n", admin...)
	one, other := s.CreateToken("one", auth.Reader, `{job="in"}`).Headers(), s.CreateToken("other", auth.Reader, `{job=~"in|x"}`).Headers()
	a := s.Get("/metrics", one...)
	if !strings.Contains(a.Body, "a{") || strings.Contains(a.Body, "b{") || strings.Contains(a.Body, "go_") || strings.Contains(a.Body, "gatehouse_") {
		t.Errorf("%s", a.Body)
	}
	tag := a.Header.Get("ETag")
	if again := s.Get("/metrics", append(one, "If-None-Match", tag)...); again.Status != 304 {
		t.Errorf("%v", again)
	}
	if b := s.Get("/metrics", append(other, "If-None-Match", tag)...); b.Status != 200 || b.Header.Get("ETag") == tag {
		t.Errorf("%v with the tag %q", b, b.Header.Get("ETag"))
	}
	selector := url.QueryEscape(`{job="out"}`)
	if a := s.Get("/metrics?match[]="+selector, one...); a.Status != 200 || a.Body != "" {
		t.Errorf("%v", a)
	}
}

func TestATokenThatWasRevokedMeanwhileMayDoNothing(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	token := s.CreateToken("x", auth.Pusher, `{job="in"}`)
	_, err := s.Store.RevokeToken(t.Context(), token.ID, store.Origin{})
	handlertest.Must(t, err)
	for _, target := range []string{"/metrics", "/metrics/job/in", "/api/v1/targets", "/api/v1/groupings", "/api/v1/metrics"} {
		if a := s.Get(target, token.Headers()...); a.Status != 401 {
			t.Errorf("%v", a)
		}
	}
	// Between the guard and the handler.
	again := s.CreateToken("again", auth.Pusher, `{job="in"}`)
	key, _ := again.Scope.Example()
	h := handlers.NewServer(handlers.Config{Store: s.Store})
	g, err := guard.New(guard.Config{MadeTokens: s.Store, Tokens: credential.NewTokens([]string{"x"}), Logger: slog.New(slog.DiscardHandler)})
	handlertest.Must(t, err)
	app := fiber.New()
	app.Use(g.Require(auth.Read), func(c *fiber.Ctx) error {
		if err := h.Site().Allow(c, key); err != nil {
			t.Errorf("got %v", err)
		}
		_, err := s.Store.RevokeToken(t.Context(), again.ID, store.Origin{})
		handlertest.Must(t, err)
		if _, err := h.Site().Scope(c); err == nil || web.AnswerTo(err).Status != 403 {
			t.Errorf("got %v", err)
		}
		if err := h.Site().Allow(c, key); err == nil || web.AnswerTo(err).Status != 403 {
			t.Errorf("got %v", err)
		}
		return nil
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+again.Secret)
	resp, err := app.Test(r, -1)
	handlertest.Must(t, err)
	if resp.StatusCode != 200 {
		t.Errorf("%d", resp.StatusCode)
	}
	handlertest.Must(t, resp.Body.Close())
}

func TestEverythingElseIsClosedToLimitedTokens(t *testing.T) {
	everything := func(c handlertest.Setup) { c.EnableAdminAPI, c.EnableLifecycle, c.EnablePprof = true, true, true }
	s := handlertest.Start(t, handlertest.OneUser, everything)
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	keepToIt := []string{
		"GET /metrics", "GET /metrics/*", "PUT /metrics/*", "POST /metrics/*", "DELETE /metrics/*",
		"GET /api/v1/targets", "GET /api/v1/groupings", "DELETE /api/v1/groupings", "GET /api/v1/metrics",
		"GET /account",
	}
	for _, role := range []auth.Role{auth.Reader, auth.Pusher, auth.Admin} {
		token := s.CreateToken("limited "+role.String(), role, `{job="in"}`)
		targets := map[string][]string{"GET /debug/pprof/": nil, "GET /debug/pprof/heap": nil}
		for _, r := range h.Routes() {
			for method, e := range r.On {
				if e.Needs != auth.Public && !slices.Contains(keepToIt, method+" "+r.Path) {
					target := method + " " + strings.NewReplacer("*", "x", ":id", token.ID, ":operation", "x").Replace(r.Path)
					targets[target] = nil
					if r.Kind == web.Page {
						targets[target] = handlertest.FormHeaders
					}
				}
			}
		}
		if len(targets) < 30 {
			t.Fatalf("only %v", targets)
		}
		for target, headers := range targets {
			method, path, _ := strings.Cut(target, " ")
			if a := s.Do(method, path, "", append(token.Headers(), headers...)...); a.Status != 403 {
				t.Errorf("%s: %v", role, a)
			}
		}
		if a := s.Get("/nowhere", token.Headers()...); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
	if s.Quits.Load() > 0 {
		t.Error("the server was ended")
	}
}
