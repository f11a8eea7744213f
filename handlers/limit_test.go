package handlers

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
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// made is a token that a test has made.
type made struct {
	*store.Token
	secret string
}

// headers are those of a client that has the token.
func (m made) headers() []string { return []string{"Authorization", "Bearer " + m.secret} }

// token makes a token.
func (s *served) token(name string, role auth.Role, limit string) made {
	s.t.Helper()
	n := store.NewToken{Name: name, Role: role}
	if limit != "" {
		var err error
		n.Scope, err = store.ParseSelectors([]string{limit})
		must(s.t, err)
	}
	t, secret, err := s.store.CreateToken(s.t.Context(), n, store.Origin{By: "test", Via: "basic"})
	must(s.t, err)
	return made{t, secret}
}

const notThere = "the credential is limited to other groupings\n"

func TestATokenActsOnTheGroupingsOnlyThatItIsLimitedTo(t *testing.T) {
	s := serve(t, oneUser)
	admin := []string{"Authorization", basicHeader("admin", rightPassword)}
	reader := s.token("reader", auth.Reader, `{job="in"}`).headers()
	pusher := s.token("pusher", auth.Pusher, `{job="in"}`).headers()
	administrator := s.token("admin", auth.Admin, `{job="in"}`).headers()
	narrow := s.token("narrow", auth.Pusher, `{job="in",instance=~"a.*"}`).headers()
	free := s.token("free", auth.Pusher, "").headers()
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
		s.put("/metrics/job/in/instance/a", "a 1\n", admin...)
		s.put("/metrics/job/in/instance/b", "a 1\n", admin...)
		s.put("/metrics/job/out/instance/a", "a 1\n", admin...)
		before := s.groupings()
		a := s.do(test.method, test.target, "", test.headers...)
		if a.status != test.want {
			t.Errorf("%s: %v, want %d", test.who, a, test.want)
		}
		s.wantRefusal(a)
		if after := s.groupings(); a.status == 403 && !slices.Equal(before, after) {
			t.Errorf("%s: %v, but the groupings are %q, were %q", test.who, a, after, before)
		}
	}
}

func TestARefusalByTheLimitSaysSoAndLeavesNoTraceAtTheGrouping(t *testing.T) {
	s := serve(t, oneUser)
	s.put("/metrics/job/out", "a 1\n", "Authorization", basicHeader("admin", rightPassword))
	pusher := s.token("pusher", auth.Pusher, `{job="in"}`).headers()
	// The body never ends: it must not be waited for.
	a := s.raw("PUT /metrics/job/out HTTP/1.1\r\nHost: x\r\nAuthorization: " + pusher[1] + "\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("#", 100_000))
	if a.status != 403 || a.body != notThere || a.header.Get("WWW-Authenticate") != `Bearer realm="gatehouse", error="insufficient_scope"` {
		t.Errorf("%v %v", a, a.header)
	}
	if g := s.group("/metrics/job/out"); !g.LastPushSuccessful() || !g.Failed.IsZero() {
		t.Errorf("the grouping's last push failed at %v: %s", g.Failed, g.Failure)
	}
	asJSON := s.do("PUT", "/metrics/job/out", "a 1\n", append(pusher, "Accept", "application/json")...)
	if asJSON.body != `{"status":"error","errorType":"forbidden","error":"`+strings.TrimSpace(notThere)+`"}` {
		t.Errorf("%v", asJSON)
	}
	if a := s.do("DELETE", "/metrics/job/out", "", pusher...); a.body != store.ErrOutside.Error()+"\n" {
		t.Errorf("%v", a)
	}
	own := s.get("/metrics/self", "Authorization", basicHeader("admin", rightPassword)).body
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

// seenBy are the groupings that a client is shown in each of the ways.
func (s *served) seenBy(headers []string, jobs ...string) map[string][]string {
	s.t.Helper()
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
		a := s.get(target, headers...)
		if a.status != 200 {
			s.t.Fatal(a)
		}
		must(s.t, json.Unmarshal([]byte(a.body), into))
	}
	var targets []targetJSON
	read("/api/v1/targets", &targets)
	for _, x := range targets {
		note("targets", x.Labels)
	}
	var groupings struct {
		Data struct {
			Groupings []groupingJSON
			Total     int
		}
	}
	read("/api/v1/groupings?limit=10000", &groupings)
	for _, x := range groupings.Data.Groupings {
		note("groupings", x.Labels)
	}
	if groupings.Data.Total != len(groupings.Data.Groupings) {
		s.t.Errorf("a total of %d", groupings.Data.Total)
	}
	var pushed struct {
		Data []struct{ Labels map[string]string }
	}
	read("/api/v1/metrics", &pushed)
	for _, x := range pushed.Data {
		note("metrics", x.Labels)
	}
	scrape := func(way, target string) {
		a := s.get(target, headers...)
		if a.status == 404 {
			return
		}
		for line := range strings.Lines(a.body) {
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
	s := serve(t, oneUser)
	admin := []string{"Authorization", basicHeader("admin", rightPassword)}
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
		s.put(path, "", admin...)
	}
	for i := range 25 {
		limit := fmt.Sprintf(`{job%s"%s",env%s"%s",zone%s"%s"}`,
			pick("=", "=~"), pick("a", "b", "a", "none"), pick("=", "!=", "=~", "!~"), pick("", "1", "2|30"), pick("=", "!=", "=~", "!~"), pick("", "1", "3.*"))
		token := s.token(fmt.Sprint("t", i), auth.Reader, limit)
		var want []string
		for g := range s.store.Snapshot().Groupings() {
			if token.Scope.Match(g.Key.Labels()) {
				want = append(want, g.Key.String())
			}
		}
		slices.Sort(want)
		seen := s.seenBy(token.headers(), jobs...)
		for _, way := range []string{"targets", "groupings", "metrics", "scrape", "jobs"} {
			if !slices.Equal(seen[way], want) {
				t.Errorf("%s limited to %s shows\n%s\nwant\n%s", way, limit, strings.Join(seen[way], "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

func TestAScrapeWithALimitHasNothingOfTheServersOwn(t *testing.T) {
	s := serve(t, oneUser)
	admin := []string{"Authorization", basicHeader("admin", rightPassword)}
	s.put("/metrics/job/in", "a 1\n", admin...)
	s.put("/metrics/job/out", "b 1\n", admin...)
	one, other := s.token("one", auth.Reader, `{job="in"}`).headers(), s.token("other", auth.Reader, `{job=~"in|x"}`).headers()
	a := s.get("/metrics", one...)
	if !strings.Contains(a.body, "a{") || strings.Contains(a.body, "b{") || strings.Contains(a.body, "go_") || strings.Contains(a.body, "gatehouse_") {
		t.Errorf("%s", a.body)
	}
	tag := a.header.Get("ETag")
	if again := s.get("/metrics", append(one, "If-None-Match", tag)...); again.status != 304 {
		t.Errorf("%v", again)
	}
	if b := s.get("/metrics", append(other, "If-None-Match", tag)...); b.status != 200 || b.header.Get("ETag") == tag {
		t.Errorf("%v with the tag %q", b, b.header.Get("ETag"))
	}
	selector := url.QueryEscape(`{job="out"}`)
	if a := s.get("/metrics?match[]="+selector, one...); a.status != 200 || a.body != "" {
		t.Errorf("%v", a)
	}
}

func TestATokenThatIsGoneMeanwhileMayDoNothing(t *testing.T) {
	s := serve(t, oneUser)
	token := s.token("x", auth.Pusher, `{job="in"}`)
	_, err := s.store.RevokeToken(t.Context(), token.ID, store.Origin{})
	must(t, err)
	for _, target := range []string{"/metrics", "/metrics/job/in", "/api/v1/targets", "/api/v1/groupings", "/api/v1/metrics"} {
		if a := s.get(target, token.headers()...); a.status != 401 {
			t.Errorf("%v", a)
		}
	}
	// Between the guard and the handler.
	again := s.token("again", auth.Pusher, `{job="in"}`)
	key, _ := again.Scope.Example()
	h := newServer(Config{Store: s.store})
	g, err := guard.New(guard.Config{MadeTokens: s.store, Tokens: credential.NewTokens([]string{"x"}), Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	app := fiber.New()
	app.Use(g.Require(auth.Read), func(c *fiber.Ctx) error {
		if err := h.web.Allow(c, key); err != nil {
			t.Errorf("got %v", err)
		}
		_, err := s.store.RevokeToken(t.Context(), again.ID, store.Origin{})
		must(t, err)
		if _, err := h.web.Scope(c); err == nil || web.AnswerTo(err).Status != 403 {
			t.Errorf("got %v", err)
		}
		if err := h.web.Allow(c, key); err == nil || web.AnswerTo(err).Status != 403 {
			t.Errorf("got %v", err)
		}
		return nil
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+again.secret)
	resp, err := app.Test(r, -1)
	must(t, err)
	if resp.StatusCode != 200 {
		t.Errorf("%d", resp.StatusCode)
	}
	must(t, resp.Body.Close())
}

func TestEverythingElseIsClosedToWhoIsLimited(t *testing.T) {
	everything := func(c setup) { c.EnableAdminAPI, c.EnableLifecycle, c.EnablePprof = true, true, true }
	s := serve(t, oneUser, everything)
	h := newServer(Config{TelemetryPath: "/metrics", Admin: gateway.Admin{EnableAdminAPI: true}})
	keepToIt := []string{
		"GET /metrics", "GET /metrics/*", "PUT /metrics/*", "POST /metrics/*", "DELETE /metrics/*",
		"GET /api/v1/targets", "GET /api/v1/groupings", "DELETE /api/v1/groupings", "GET /api/v1/metrics",
		"GET /account",
	}
	for _, role := range []auth.Role{auth.Reader, auth.Pusher, auth.Admin} {
		token := s.token("limited "+role.String(), role, `{job="in"}`)
		targets := map[string][]string{"GET /debug/pprof/": nil, "GET /debug/pprof/heap": nil}
		for _, r := range h.routes() {
			for method, e := range r.On {
				if e.Needs != auth.Public && !slices.Contains(keepToIt, method+" "+r.Path) {
					target := method + " " + strings.NewReplacer("*", "x", ":id", token.ID, ":operation", "x").Replace(r.Path)
					targets[target] = nil
					if r.Kind == web.Page {
						targets[target] = aForm
					}
				}
			}
		}
		if len(targets) < 30 {
			t.Fatalf("only %v", targets)
		}
		for target, headers := range targets {
			method, path, _ := strings.Cut(target, " ")
			if a := s.do(method, path, "", append(token.headers(), headers...)...); a.status != 403 {
				t.Errorf("%s: %v", role, a)
			}
		}
		if a := s.get("/nowhere", token.headers()...); a.status != 404 {
			t.Errorf("%v", a)
		}
	}
	if s.quits.Load() > 0 {
		t.Error("the server was ended")
	}
}
