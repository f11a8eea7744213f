package handlers

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
)

// keyAlone configures the scrape key and nothing else, with all that could be
// more open than it should be.
func keyAlone(c setup) {
	c.EnableAdminAPI, c.EnableLifecycle, c.EnablePprof = true, true, true
	c.Guard.ScrapeKey = credential.NewSecret(rightKey)
	c.Guard.Bypass = guard.BypassOn
}

// withKey are the headers of a session that began with the scrape key.
func (s *served) withKey() []string {
	s.t.Helper()
	a := s.post("/login", "key="+rightKey+"&next=%2F")
	k := a.cookie()
	if a.status != 303 || k == nil {
		s.t.Fatalf("%v %v", a, a.header)
	}
	return []string{"Cookie", k.Name + "=" + k.Value, "Sec-Fetch-Site", "same-origin"}
}

func TestWithTheScrapeKeyAloneTheTableHolds(t *testing.T) {
	var (
		stranger = fates{401, 401, 401, 401, 200, 202, 403, 403, 401}
		reader   = fates{200, 200, 200, 200, 200, 202, 403, 403, 404}
	)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	for _, listener := range []struct {
		name   string
		change func(setup)
	}{
		{"as it comes", func(setup) {}},
		{"with targets that say more", func(c setup) {
			c.Targets = gateway.Targets{FollowPushes: true, NativeHistograms: true, UnixSocket: "/run/gatehouse.sock"}
		}},
		{"with trusted sockets", func(c setup) { c.Guard.TrustSockets = true }},
	} {
		s := serve(t, keyAlone, listener.change)
		for _, test := range []struct {
			name    string
			headers []string
			want    fates
		}{
			{"nothing", nil, stranger},
			{"the name of this machine", []string{"Host", "localhost"}, stranger},
			{"the key", []string{"X-Metrics-Key", rightKey}, reader},
			{"the key as bearer", bearer(rightKey), reader},
			{"the key without a scheme", []string{"Authorization", rightKey}, fates{200, 200, 200, 401, 200, 202, 403, 403, 401}},
			{"a session of the key", s.withKey(), reader},
			{"a session of the key without the site", s.withKey()[:2], reader},
			{"a wrong key", []string{"X-Metrics-Key", rightKey + "0"}, stranger},
			{"a wrong key as bearer", bearer("wrong"), stranger},
			{"an empty key", []string{"X-Metrics-Key", ""}, stranger},
			{"blanks as key", []string{"X-Metrics-Key", "  "}, stranger},
			{"two keys", []string{"X-Metrics-Key", rightKey, "X-Metrics-Key", rightKey}, all(400)},
			{"the key as API key", []string{"X-API-Key", rightKey}, stranger},
			{"the key as password", []string{"Authorization", basicHeader("admin", rightKey)}, stranger},
			{"a session of an admin from before", s.begun("before"+listener.name, auth.Admin), stranger},
		} {
			t.Run(listener.name+"/"+test.name, func(t *testing.T) {
				s.t = t
				var got fates
				for i, c := range columns {
					s.put("/metrics/job/x", "a 1\n")
					a := s.do(c.method, c.target, "", test.headers...)
					got[i] = a.status
					s.wantRefusal(a)
					if a.status == 403 && !contains(a.body, "API_TOKENS") {
						t.Errorf("%v does not say what to configure", a)
					}
				}
				if got != test.want {
					t.Errorf("got  %v\nwant %v", got, test.want)
				}
			})
		}
		if strings.Contains(s.log.String(), rightKey) {
			t.Error("the key is in the log")
		}
	}
}

// Of every route: strangers, whoever has the key, and nobody.
func TestWithTheScrapeKeyAloneEveryRouteIsForStrangersForTheKeyOrForNobody(t *testing.T) {
	s := serve(t, keyAlone)
	s.put("/metrics/job/secret-job/zone/secret-zone", "secret_metric{a=\"secret-label\"} 421733\n")
	s.do("DELETE", "/metrics/job/secret-job/zone/none", "")
	strangers := []string{"PUT /metrics/*", "POST /metrics/*", "DELETE /metrics/*", "GET /push", "POST /ui/push", "POST /ui/push/check"}
	nobody := []string{
		"DELETE /api/v1/groupings", "PUT /-/quit", "POST /-/quit", "PUT /api/v1/admin/wipe", "POST /api/v1/admin/import",
		"GET /api/v1/tokens", "POST /api/v1/tokens", "DELETE /api/v1/tokens/:id", "POST /api/v1/tokens/:id/rotate",
		"GET /tokens", "GET /tokens/new", "POST /tokens/new", "GET /tokens/:id/rotate", "POST /tokens/:id/rotate",
		"GET /tokens/:id/revoke", "POST /tokens/:id/revoke",
		"GET /activity", "GET /activity/export", "GET /api/v1/activity",
		"GET /wipe", "POST /wipe", "GET /groupings/delete", "POST /groupings/delete",
		"GET /groupings/:id/delete", "POST /groupings/:id/delete", "GET /deleted/:operation", "POST /undo/:operation",
		"POST /docs/run/:example", "POST /docs/run/:example/clean-up", "GET /debug/pprof/",
	}
	routes := withoutStreams(newServer(Config{TelemetryPath: "/metrics", Admin: gateway.Admin{EnableAdminAPI: true}}).routes())
	routes = append(routes, web.Get(web.Plain, "/debug/pprof/", web.Endpoint{Name: "pprof", Needs: auth.Administer, Do: nil}))
	digest := s.group("/metrics/job/secret-job/zone/secret-zone").Key.Digest()
	seen := 0
	for _, r := range routes {
		target := strings.NewReplacer("*", "job/secret-job/zone/secret-zone", ":id", digest, ":operation", "x", ":example", "replace").Replace(r.Path)
		for method, e := range r.On {
			if e.Needs == auth.Public {
				continue
			}
			line, headers := method+" "+r.Path, []string{"Accept", "text/html"}
			if r.Kind != web.Page { // the description of the API has no pages
				headers = nil
			}
			a := s.do(method, target, "", headers...)
			got := s.do(method, target, "", append([]string{"X-Metrics-Key", rightKey}, headers...)...)
			switch {
			case slices.Contains(strangers, line):
				if refused(a) || refused(got) {
					t.Errorf("%s: %v, with the key %v", line, a, got)
				}
			case slices.Contains(nobody, line):
				seen++
				for _, x := range []answered{a, got} {
					if x.status != 403 || !contains(x.body, "METRICS_VERIFICATION_KEY is all that is configured", "API_TOKENS") {
						t.Errorf("%s: %v", line, x)
					}
				}
			default:
				if a.status != 401 || refused(got) {
					t.Errorf("%s: %v, with the key %v", line, a, got)
				}
			}
			if strings.Contains(a.body, "secret") || strings.Contains(a.body, "421733") || strings.Contains(fmt.Sprint(a.header), "secret") {
				t.Errorf("%s shows a stranger what is held: %v", line, a)
			}
			if method == "DELETE" && !refused(a) {
				s.put("/metrics/job/secret-job/zone/secret-zone", "secret_metric{a=\"secret-label\"} 421733\n")
			}
		}
	}
	if seen != len(nobody) {
		t.Errorf("%d of %d routes are there", seen, len(nobody))
	}
	if s.quits.Load() != 0 {
		t.Error("somebody has ended the server")
	}
	for _, x := range []answered{s.get("/events"), s.get("/nowhere"), s.do("OPTIONS", "/metrics", "")} {
		if x.status != 401 {
			t.Errorf("%v", x)
		}
	}
}

func refused(a answered) bool { return a.status == 401 || a.status == 403 }

func TestTheScrapeKeyAloneInTheQuery(t *testing.T) {
	s := serve(t, keyAlone)
	s.put("/metrics/job/x", "a 1\n")
	empty := []string{"X-Metrics-Key", ""}
	for _, test := range []struct {
		target  string
		headers []string
		want    int
	}{
		{"/metrics?key=" + rightKey, nil, 200},
		{"/metrics?key=" + rightKey, empty, 200},
		{"/metrics?key=" + rightKey, []string{"X-Metrics-Key", " "}, 200},
		{"/api/v1/targets?key=" + rightKey, empty, 200},
		{"/api/v1/metrics?key=" + rightKey, empty, 200},
		{"/api/v1/groupings?key=" + rightKey, nil, 200},
		{"/metrics?key=wrong", empty, 401},
		{"/metrics?key=", empty, 401},
		{"/metrics", empty, 401},
		{"/metrics?key=" + rightKey, []string{"X-Metrics-Key", "wrong"}, 401},
		{"/metrics?key=" + rightKey + "&key=wrong", empty, 400},
		// An address that people see and share is no place for a key.
		{"/?key=" + rightKey, nil, 401},
		{"/export?key=" + rightKey, nil, 401},
		{"/push?grouping=" + s.group("/metrics/job/x").Key.Digest() + "&key=" + rightKey, nil, 401},
	} {
		if a := s.get(test.target, test.headers...); a.status != test.want {
			t.Errorf("%q: %v, want %d", test.headers, a, test.want)
		}
	}
	if strings.Contains(s.log.String(), rightKey) {
		t.Error("the key is in the log")
	}
	// So it is beside other credentials.
	s = serve(t, oneUser, func(c setup) { c.Guard.ScrapeKey = credential.NewSecret(rightKey) })
	if a := s.get("/metrics?key="+rightKey, empty...); a.status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.get("/api/v1/metrics?key="+rightKey, empty...); a.status != 401 {
		t.Errorf("%v", a)
	}
}

func TestSomebodyReadsWithTheScrapeKey(t *testing.T) {
	s := serve(t, keyAlone, below("/pg"))
	s.put("/metrics/job/x", "a 1\n")
	a := s.get("/pg/export?format=text", aBrowser...)
	fields, action := inputs(t, a.body)
	if a.status != 401 || action != "post /pg/login" || fields["key"]["type"] != "password" || fields["password"] != nil || fields["next"]["value"] != "/pg/export?format=text" || !contains(a.body, `href="/pg/push"`) {
		t.Fatalf("%v\n%s %v", a, action, fields)
	}
	for _, form := range []string{"key=wrong", "key=", "", "name=admin&password=x", "key=" + rightKey[1:]} {
		if a := s.post("/login", form+"&next=%2Fpg%2F"); a.status != 401 || a.cookie() != nil || !contains(a.body, "Wrong scrape key.") || strings.Contains(a.body, rightKey[1:]) {
			t.Errorf("%s: %v", form, a)
		}
	}
	a = s.post("/login", "key=+"+rightKey+"%0D%0A&next=%2Fpg%2F%3Fq%3Dx")
	k := a.cookie()
	if a.status != 303 || a.header.Get("Location") != "/pg/?q=x" || k == nil || !k.HttpOnly {
		t.Fatalf("%v %v", a, a.header)
	}
	session := []string{"Cookie", k.Name + "=" + k.Value, "Sec-Fetch-Site", "same-origin"}
	page := s.get("/pg/", append(session, aBrowser[:2]...)...)
	if page.status != 200 || !contains(page.body, "scrape key", "reader", "nobody is admin", "/pg/push") || strings.Contains(page.body, "/pg/tokens") || strings.Contains(page.body, "/pg/activity") {
		t.Errorf("%v", page)
	}
	if a := s.get("/pg/account", session...); !contains(a.body, "signed in with the scrape key") {
		t.Errorf("%v", a)
	}
	a = s.get("/pg/tokens", append(session, aBrowser...)...)
	if a.status != 403 || !contains(a.body, "API_TOKENS", "Sign out", `href="/pg/docs/authentication"`) {
		t.Errorf("%v", a)
	}
	if a := s.post("/auth/logout", "", session[:2]...); a.status != 303 {
		t.Errorf("%v", a)
	}
	if a := s.get("/pg/", session...); a.status != 401 {
		t.Errorf("%v", a)
	}
	if strings.Contains(s.log.String(), rightKey) {
		t.Error("the key is in the log")
	}
}

// tried is the status of an application's first page.
func tried(t *testing.T, app *fiber.App, headers ...string) int {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	a, err := app.Test(r, -1)
	must(t, err)
	must(t, a.Body.Close())
	return a.StatusCode
}

func TestASessionOfTheKeyEndsWithTheKey(t *testing.T) {
	s := serve(t, keyAlone)
	session := s.withKey()
	for _, test := range []struct {
		name   string
		change func(*guard.Config)
		want   bool
	}{
		{"the same key", func(*guard.Config) {}, true},
		{"another key", func(g *guard.Config) { g.ScrapeKey = credential.NewSecret(rightKey + "0") }, false},
		{"a token beside it, with which the key is for scrapes only", func(g *guard.Config) { g.Tokens = credential.NewTokens([]string{rightToken}) }, false},
		{"a token in its place", func(g *guard.Config) {
			g.ScrapeKey, g.Tokens = credential.Secret{}, credential.NewTokens([]string{rightToken})
		}, false},
	} {
		g := guard.Config{
			Logger: slog.New(slog.DiscardHandler), Sessions: s.store, MadeTokens: s.store,
			ScrapeKey: credential.NewSecret(rightKey),
		}
		test.change(&g)
		after, err := guard.New(g)
		must(t, err)
		app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
			return c.Status(web.AnswerTo(err).Status).SendString(err.Error())
		}})
		app.Get("/", after.RequirePage(auth.Read), func(c *fiber.Ctx) error { return c.SendString(guard.Principal(c).Name) })
		if got := tried(t, app, session...); (got == 200) != test.want || got != 200 && got != 401 {
			t.Errorf("%s: %d", test.name, got)
		}
	}
}

func TestReadersByTheKeyAreManyAndApart(t *testing.T) {
	s := serve(t, keyAlone)
	first := s.withKey()
	for range 25 { // more than one user may have
		s.withKey()
	}
	a := s.get("/account", append(first, aBrowser[:2]...)...)
	if n := strings.Count(a.body, "/account/sessions/"); a.status != 200 || n > 1 {
		t.Errorf("%d sessions: %v", n, a)
	}
	if a := s.post("/account/end-sessions", "", first[:2]...); a.status != 303 {
		t.Errorf("%v", a)
	}
	if n := s.store.Snapshot().Stats().Sessions; n != 25 {
		t.Errorf("%d sessions are left", n)
	}
}

// conflicting are a held grouping and pushes that collide with it.
const conflicting = "# TYPE g gauge\ng 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"

var collisions = []struct{ path, body, who, says string }{
	{"/metrics/job/mine", "# TYPE g counter\ng 1\n", `is a gauge of grouping {job="foreign"}`, "is a gauge of another grouping"},
	{"/metrics/job/mine", "h_count 2\n", `collides with "h" of type histogram of grouping {job="foreign"}`, `collides with "h" of type histogram of another grouping`},
}

func TestARefusalNamesNoGroupingToWhoMayNotSeeIt(t *testing.T) {
	admin := []string{"X-API-Key", rightToken}
	tokens := func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) }
	for _, test := range []struct {
		name    string
		change  func(setup)
		who     func(*served) []string
		foreign bool // is told of the other grouping
	}{
		{"an open server", func(setup) {}, func(*served) []string { return nil }, true},
		{"an admin", tokens, func(*served) []string { return admin }, true},
		{"a token that is limited to its own", tokens, func(s *served) []string { return s.token("mine", auth.Pusher, `{job="mine"}`).headers() }, false},
		{"a token that is limited to both", tokens, func(s *served) []string {
			return s.token("both", auth.Pusher, `{job=~"mine|foreign"}`).headers()
		}, true},
		{"a stranger beside the key", keyAlone, func(*served) []string { return nil }, false},
		{"a stranger with the key", keyAlone, func(*served) []string { return []string{"X-Metrics-Key", rightKey} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.change)
			s.put("/metrics/job/foreign", conflicting, admin...)
			s.put("/metrics/job/mine/zone/z", "other 1\n", admin...)
			who := test.who(s)
			for _, x := range collisions {
				for _, method := range []string{"PUT", "POST"} {
					for _, accept := range [][]string{nil, {"Accept", "application/json"}} {
						a := s.do(method, x.path, x.body, append(accept, who...)...)
						body := strings.ReplaceAll(a.body, `\"`, `"`)
						if want := map[bool]string{true: x.who, false: x.says}[test.foreign]; a.status != 400 || !contains(body, want) {
							t.Errorf("%v, want %s", a, want)
						}
						if !test.foreign && strings.Contains(body, "foreign") {
							t.Errorf("%v names the other grouping", a)
						}
					}
				}
			}
		})
	}
}

func TestALimitedTokenReadsOfNoGroupingBeyondItsLimit(t *testing.T) {
	s := serve(t, func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) })
	admin := []string{"X-API-Key", rightToken}
	s.put("/metrics/job/foreign", conflicting, admin...)
	s.put("/metrics/job/mine", "other 1\n", admin...)
	s.do("PUT", "/metrics/job/mine", collisions[0].body, admin...)
	for _, test := range []struct {
		limit, want string
	}{
		{`{job="mine"}`, "but is a gauge of another grouping"},
		{`{job=~"mine|foreign"}`, `but is a gauge of grouping {job=\"foreign\"}`},
		{"", `but is a gauge of grouping {job=\"foreign\"}`},
	} {
		reader := s.token("reader "+test.limit, auth.Reader, test.limit).headers()
		s.eventually("the failure is shown", func() bool {
			return strings.Contains(s.get("/api/v1/groupings", reader...).body, test.want)
		})
		if a := s.get("/api/v1/groupings", reader...); test.limit == `{job="mine"}` && strings.Contains(a.body, "foreign") {
			t.Errorf("%v", a)
		}
	}
}

func TestTheStrangersPushPageShowsNothingOfWhatIsHeld(t *testing.T) {
	s := serve(t, keyAlone)
	s.put("/metrics/job/foreign", conflicting)
	s.put("/metrics/job/mine", "a 1\nb 1\n")
	digest := s.group("/metrics/job/foreign").Key.Digest()
	for _, form := range []string{
		"job=mine&mode=replace&text=a+2%0A", "job=mine&mode=merge&text=c+2%0A", "job=new&mode=replace&text=a+2%0A",
		"job=mine&grouping=" + s.group("/metrics/job/mine").Key.Digest() + "&mode=replace&text=a+2%0A",
	} {
		a := s.post("/ui/push/check", form)
		if a.status != 200 || !contains(a.body, "Would be accepted.", "Push metrics") || strings.Contains(a.body, "exists") || strings.Contains(a.body, "does not exist") || strings.Contains(a.body, "replace 1") {
			t.Errorf("%s: %v %s", form, a, a.body)
		}
	}
	for _, target := range []string{"/ui/push/check", "/ui/push"} {
		a := s.post(target, "job=new&mode=replace&text=%23+TYPE+g+counter%0Ag+1%0A")
		if !contains(a.body, "but is a gauge of another grouping") || strings.Contains(a.body, "foreign") || strings.Contains(a.body, digest) {
			t.Errorf("%v %s", a, a.body)
		}
	}
	a := s.post("/ui/push", "job=new&mode=replace&text=a+2%0A")
	if a.status != 303 || a.header.Get("Location") != "/push?pushed=1" {
		t.Fatalf("%v %v", a, a.header)
	}
	if a := s.get("/push?pushed=1", aBrowser...); a.status != 200 || !contains(a.body, "Push accepted.", "nobody is admin", "Sign in") || strings.Contains(a.body, "1.2.3") || strings.Contains(a.body, "$TOKEN") {
		t.Errorf("%v %s", a, a.body)
	}
	s.wantGroupings(`{job="foreign"}`, `{job="mine"}`, `{job="new"}`)
	for _, id := range []string{digest, "nothing"} { // whether it is there is not told
		if a := s.get("/push?grouping="+id, aBrowser...); a.status != 401 || !contains(a.body, "Scrape key") {
			t.Errorf("%v", a)
		}
	}
	// Whoever has the key sees what the push is about, and pushes on.
	reader := s.withKey()
	if a := s.get("/push?grouping="+digest, append(reader, aBrowser[:2]...)...); a.status != 200 || !contains(a.body, "Push again", "h_bucket", "Sign out") {
		t.Errorf("%v", a)
	}
	a = s.post("/ui/push", "job=new&mode=replace&text=a+3%0A", reader[:2]...)
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/groupings/") {
		t.Errorf("%v %v", a, a.header)
	}
	if by := s.group("/metrics/job/new").Origin.By; by != "scrape key" {
		t.Errorf("pushed by %q", by)
	}
}
