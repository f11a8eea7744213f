package handlers_test

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
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

// keyAlone configures the scrape key and nothing else, with all that could be
// more open than it should be.
func keyAlone(c handlertest.Setup) {
	c.EnableAdminAPI, c.EnableLifecycle, c.EnablePprof = true, true, true
	c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey)
	c.Guard.Bypass = guard.BypassOn
}

// keySession are the headers of a session that began with the scrape key.
func keySession(s *handlertest.Server) []string {
	s.T.Helper()
	a := s.Post("/login", "key="+handlertest.RightKey+"&next=%2F")
	k := a.Cookie()
	if a.Status != 303 || k == nil {
		s.T.Fatalf("%v %v", a, a.Header)
	}
	return []string{"Cookie", k.Name + "=" + k.Value, "Sec-Fetch-Site", "same-origin"}
}

func TestWithTheScrapeKeyAloneTheTableHolds(t *testing.T) {
	var (
		stranger = handlertest.Statuses{401, 401, 401, 401, 200, 202, 403, 403, 401}
		reader   = handlertest.Statuses{200, 200, 200, 200, 200, 202, 403, 403, 404}
	)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	for _, listener := range []struct {
		name   string
		change func(handlertest.Setup)
	}{
		{"as it comes", func(handlertest.Setup) {}},
		{"with targets that say more", func(c handlertest.Setup) {
			c.Targets = gateway.Targets{FollowPushes: true, NativeHistograms: true, UnixSocket: "/run/gatehouse.sock"}
		}},
		{"with trusted sockets", func(c handlertest.Setup) { c.Guard.TrustSockets = true }},
	} {
		s := handlertest.Start(t, keyAlone, listener.change)
		for _, test := range []struct {
			name    string
			headers []string
			want    handlertest.Statuses
		}{
			{"nothing", nil, stranger},
			{"the name of this machine", []string{"Host", "localhost"}, stranger},
			{"the key", []string{"X-Metrics-Key", handlertest.RightKey}, reader},
			{"the key as bearer", bearer(handlertest.RightKey), reader},
			{"the key without a scheme", []string{"Authorization", handlertest.RightKey}, handlertest.Statuses{200, 200, 200, 401, 200, 202, 403, 403, 401}},
			{"a session of the key", keySession(s), reader},
			{"a session of the key without the site", keySession(s)[:2], reader},
			{"a wrong key", []string{"X-Metrics-Key", handlertest.RightKey + "0"}, stranger},
			{"a wrong key as bearer", bearer("wrong"), stranger},
			{"an empty key", []string{"X-Metrics-Key", ""}, stranger},
			{"blanks as key", []string{"X-Metrics-Key", "  "}, stranger},
			{"two keys", []string{"X-Metrics-Key", handlertest.RightKey, "X-Metrics-Key", handlertest.RightKey}, handlertest.AllStatuses(400)},
			{"the key as API key", []string{"X-API-Key", handlertest.RightKey}, stranger},
			{"the key as password", []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightKey)}, stranger},
			{"a session of an admin from before", s.StartSession("before"+listener.name, auth.Admin), stranger},
		} {
			t.Run(listener.name+"/"+test.name, func(t *testing.T) {
				s.T = t
				var got handlertest.Statuses
				for i, c := range handlertest.RouteClasses {
					s.Put("/metrics/job/x", "a 1\n")
					a := s.Do(c.Method, c.Target, "", test.headers...)
					got[i] = a.Status
					wantRefusal(s, a)
					if a.Status == 403 && !handlertest.Contains(a.Body, "API_TOKENS") {
						t.Errorf("%v does not say what to configure", a)
					}
				}
				if got != test.want {
					t.Errorf("got  %v\nwant %v", got, test.want)
				}
			})
		}
		if strings.Contains(s.Log.String(), handlertest.RightKey) {
			t.Error("the key is in the log")
		}
	}
}

// Of every route: strangers, whoever has the key, and nobody.
func TestWithTheScrapeKeyAloneEveryRouteIsForStrangersForTheKeyOrForNobody(t *testing.T) {
	s := handlertest.Start(t, keyAlone)
	s.Put("/metrics/job/secret-job/zone/secret-zone", "secret_metric{a=\"secret-label\"} 421733\n")
	s.Do("DELETE", "/metrics/job/secret-job/zone/none", "")
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
	routes := withoutStreams(handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}}).Routes())
	routes = append(routes, web.Get(web.Plain, "/debug/pprof/", web.Endpoint{Name: "pprof", Needs: auth.Administer, Do: nil}))
	digest := s.Grouping("/metrics/job/secret-job/zone/secret-zone").Key.Digest()
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
			a := s.Do(method, target, "", headers...)
			got := s.Do(method, target, "", append([]string{"X-Metrics-Key", handlertest.RightKey}, headers...)...)
			switch {
			case slices.Contains(strangers, line):
				if refused(a) || refused(got) {
					t.Errorf("%s: %v, with the key %v", line, a, got)
				}
			case slices.Contains(nobody, line):
				seen++
				for _, x := range []handlertest.Answer{a, got} {
					if x.Status != 403 || !handlertest.Contains(x.Body, "METRICS_VERIFICATION_KEY is all that is configured", "API_TOKENS") {
						t.Errorf("%s: %v", line, x)
					}
				}
			default:
				if a.Status != 401 || refused(got) {
					t.Errorf("%s: %v, with the key %v", line, a, got)
				}
			}
			if strings.Contains(a.Body, "secret") || strings.Contains(a.Body, "421733") || strings.Contains(fmt.Sprint(a.Header), "secret") {
				t.Errorf("%s shows a stranger what is held: %v", line, a)
			}
			if method == "DELETE" && !refused(a) {
				s.Put("/metrics/job/secret-job/zone/secret-zone", "secret_metric{a=\"secret-label\"} 421733\n")
			}
		}
	}
	if seen != len(nobody) {
		t.Errorf("%d of %d routes are there", seen, len(nobody))
	}
	if s.Quits.Load() != 0 {
		t.Error("somebody has ended the server")
	}
	for _, x := range []handlertest.Answer{s.Get("/events"), s.Get("/nowhere"), s.Do("OPTIONS", "/metrics", "")} {
		if x.Status != 401 {
			t.Errorf("%v", x)
		}
	}
}

func refused(a handlertest.Answer) bool { return a.Status == 401 || a.Status == 403 }

func TestTheScrapeKeyAloneInTheQuery(t *testing.T) {
	s := handlertest.Start(t, keyAlone)
	s.Put("/metrics/job/x", "a 1\n")
	empty := []string{"X-Metrics-Key", ""}
	for _, test := range []struct {
		target  string
		headers []string
		want    int
	}{
		{"/metrics?key=" + handlertest.RightKey, nil, 200},
		{"/metrics?key=" + handlertest.RightKey, empty, 200},
		{"/metrics?key=" + handlertest.RightKey, []string{"X-Metrics-Key", " "}, 200},
		{"/api/v1/targets?key=" + handlertest.RightKey, empty, 200},
		{"/api/v1/metrics?key=" + handlertest.RightKey, empty, 200},
		{"/api/v1/groupings?key=" + handlertest.RightKey, nil, 200},
		{"/metrics?key=wrong", empty, 401},
		{"/metrics?key=", empty, 401},
		{"/metrics", empty, 401},
		{"/metrics?key=" + handlertest.RightKey, []string{"X-Metrics-Key", "wrong"}, 401},
		{"/metrics?key=" + handlertest.RightKey + "&key=wrong", empty, 400},
		// An address that people see and share is no place for a key.
		{"/?key=" + handlertest.RightKey, nil, 401},
		{"/export?key=" + handlertest.RightKey, nil, 401},
		{"/push?grouping=" + s.Grouping("/metrics/job/x").Key.Digest() + "&key=" + handlertest.RightKey, nil, 401},
	} {
		if a := s.Get(test.target, test.headers...); a.Status != test.want {
			t.Errorf("%q: %v, want %d", test.headers, a, test.want)
		}
	}
	if strings.Contains(s.Log.String(), handlertest.RightKey) {
		t.Error("the key is in the log")
	}
	// So it is beside other credentials.
	s = handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) })
	if a := s.Get("/metrics?key="+handlertest.RightKey, empty...); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/api/v1/metrics?key="+handlertest.RightKey, empty...); a.Status != 401 {
		t.Errorf("%v", a)
	}
}

func TestSomebodyReadsWithTheScrapeKey(t *testing.T) {
	s := handlertest.Start(t, keyAlone, handlertest.Below("/pg"))
	s.Put("/metrics/job/x", "a 1\n")
	a := s.Get("/pg/export?format=text", handlertest.BrowserHeaders...)
	fields, action := handlertest.FormFields(t, a.Body)
	if a.Status != 401 || action != "post /pg/login" || fields["key"]["type"] != "password" || fields["password"] != nil || fields["next"]["value"] != "/pg/export?format=text" || !handlertest.Contains(a.Body, `href="/pg/push"`) {
		t.Fatalf("%v\n%s %v", a, action, fields)
	}
	for _, form := range []string{"key=wrong", "key=", "", "name=admin&password=x", "key=" + handlertest.RightKey[1:]} {
		if a := s.Post("/login", form+"&next=%2Fpg%2F"); a.Status != 401 || a.Cookie() != nil || !handlertest.Contains(a.Body, "Wrong scrape key.") || strings.Contains(a.Body, handlertest.RightKey[1:]) {
			t.Errorf("%s: %v", form, a)
		}
	}
	a = s.Post("/login", "key=+"+handlertest.RightKey+"%0D%0A&next=%2Fpg%2F%3Fq%3Dx")
	k := a.Cookie()
	if a.Status != 303 || a.Header.Get("Location") != "/pg/?q=x" || k == nil || !k.HttpOnly {
		t.Fatalf("%v %v", a, a.Header)
	}
	session := []string{"Cookie", k.Name + "=" + k.Value, "Sec-Fetch-Site", "same-origin"}
	page := s.Get("/pg/", append(session, handlertest.BrowserHeaders[:2]...)...)
	if page.Status != 200 || !handlertest.Contains(page.Body, "scrape key", "reader", "nobody is admin", "/pg/push") || strings.Contains(page.Body, "/pg/tokens") || strings.Contains(page.Body, "/pg/activity") {
		t.Errorf("%v", page)
	}
	if a := s.Get("/pg/account", session...); !handlertest.Contains(a.Body, "signed in with the scrape key") {
		t.Errorf("%v", a)
	}
	a = s.Get("/pg/tokens", append(session, handlertest.BrowserHeaders...)...)
	if a.Status != 403 || !handlertest.Contains(a.Body, "API_TOKENS", "Sign out", `href="/pg/docs/authentication"`) {
		t.Errorf("%v", a)
	}
	if a := s.Post("/auth/logout", "", session[:2]...); a.Status != 303 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/pg/", session...); a.Status != 401 {
		t.Errorf("%v", a)
	}
	if strings.Contains(s.Log.String(), handlertest.RightKey) {
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
	handlertest.Must(t, err)
	handlertest.Must(t, a.Body.Close())
	return a.StatusCode
}

func TestASessionOfTheKeyEndsWithTheKey(t *testing.T) {
	s := handlertest.Start(t, keyAlone)
	session := keySession(s)
	for _, test := range []struct {
		name   string
		change func(*guard.Config)
		want   bool
	}{
		{"the same key", func(*guard.Config) {}, true},
		{"another key", func(g *guard.Config) { g.ScrapeKey = credential.NewSecret(handlertest.RightKey + "0") }, false},
		{"a token beside it, with which the key is for scrapes only", func(g *guard.Config) { g.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }, false},
		{"a token in its place", func(g *guard.Config) {
			g.ScrapeKey, g.Tokens = credential.Secret{}, credential.NewTokens([]string{handlertest.RightToken})
		}, false},
	} {
		g := guard.Config{
			Logger: slog.New(slog.DiscardHandler), Sessions: s.Store, MadeTokens: s.Store,
			ScrapeKey: credential.NewSecret(handlertest.RightKey),
		}
		test.change(&g)
		after, err := guard.New(g)
		handlertest.Must(t, err)
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
	s := handlertest.Start(t, keyAlone)
	first := keySession(s)
	for range 25 { // more than one user may have
		keySession(s)
	}
	a := s.Get("/account", append(first, handlertest.BrowserHeaders[:2]...)...)
	if n := strings.Count(a.Body, "/account/sessions/"); a.Status != 200 || n > 1 {
		t.Errorf("%d sessions: %v", n, a)
	}
	if a := s.Post("/account/end-sessions", "", first[:2]...); a.Status != 303 {
		t.Errorf("%v", a)
	}
	if n := s.Store.Snapshot().Stats().Sessions; n != 25 {
		t.Errorf("%d sessions are left", n)
	}
}

// conflicting are a held grouping and pushes that collide with it.
const conflicting = "# TYPE g gauge\ng 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"

var collisions = []struct{ path, body, who, says string }{
	{"/metrics/job/mine", "# TYPE g counter\ng 1\n", `is a gauge of grouping {job="foreign"}`, "is a gauge of another grouping"},
	{"/metrics/job/mine", "h_count 2\n", `collides with "h" of type histogram of grouping {job="foreign"}`, `collides with "h" of type histogram of another grouping`},
}

func TestARefusalNamesNoGroupingThatTheClientMayNotSee(t *testing.T) {
	admin := []string{"X-API-Key", handlertest.RightToken}
	tokens := func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }
	for _, test := range []struct {
		name    string
		change  func(handlertest.Setup)
		who     func(*handlertest.Server) []string
		foreign bool // is told of the other grouping
	}{
		{"an open server", func(handlertest.Setup) {}, func(*handlertest.Server) []string { return nil }, true},
		{"an admin", tokens, func(*handlertest.Server) []string { return admin }, true},
		{"a token that is limited to its own", tokens, func(s *handlertest.Server) []string {
			return s.CreateToken("mine", auth.Pusher, `{job="mine"}`).Headers()
		}, false},
		{"a token that is limited to both", tokens, func(s *handlertest.Server) []string {
			return s.CreateToken("both", auth.Pusher, `{job=~"mine|foreign"}`).Headers()
		}, true},
		{"a stranger beside the key", keyAlone, func(*handlertest.Server) []string { return nil }, false},
		{"a stranger with the key", keyAlone, func(*handlertest.Server) []string { return []string{"X-Metrics-Key", handlertest.RightKey} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, test.change)
			s.Put("/metrics/job/foreign", conflicting, admin...)
			s.Put("/metrics/job/mine/zone/z", "other 1\n", admin...)
			who := test.who(s)
			for _, x := range collisions {
				for _, method := range []string{"PUT", "POST"} {
					for _, accept := range [][]string{nil, {"Accept", "application/json"}} {
						a := s.Do(method, x.path, x.body, append(accept, who...)...)
						body := strings.ReplaceAll(a.Body, `\"`, `"`)
						if want := map[bool]string{true: x.who, false: x.says}[test.foreign]; a.Status != 400 || !handlertest.Contains(body, want) {
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
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	admin := []string{"X-API-Key", handlertest.RightToken}
	s.Put("/metrics/job/foreign", conflicting, admin...)
	s.Put("/metrics/job/mine", "other 1\n", admin...)
	s.Do("PUT", "/metrics/job/mine", collisions[0].body, admin...)
	for _, test := range []struct {
		limit, want string
	}{
		{`{job="mine"}`, "but is a gauge of another grouping"},
		{`{job=~"mine|foreign"}`, `but is a gauge of grouping {job=\"foreign\"}`},
		{"", `but is a gauge of grouping {job=\"foreign\"}`},
	} {
		reader := s.CreateToken("reader "+test.limit, auth.Reader, test.limit).Headers()
		s.Eventually("the failure is shown", func() bool {
			return strings.Contains(s.Get("/api/v1/groupings", reader...).Body, test.want)
		})
		if a := s.Get("/api/v1/groupings", reader...); test.limit == `{job="mine"}` && strings.Contains(a.Body, "foreign") {
			t.Errorf("%v", a)
		}
	}
}

func TestTheStrangersPushPageShowsNothingOfWhatIsHeld(t *testing.T) {
	s := handlertest.Start(t, keyAlone)
	s.Put("/metrics/job/foreign", conflicting)
	s.Put("/metrics/job/mine", "a 1\nb 1\n")
	digest := s.Grouping("/metrics/job/foreign").Key.Digest()
	for _, form := range []string{
		"job=mine&mode=replace&text=a+2%0A", "job=mine&mode=merge&text=c+2%0A", "job=new&mode=replace&text=a+2%0A",
		"job=mine&grouping=" + s.Grouping("/metrics/job/mine").Key.Digest() + "&mode=replace&text=a+2%0A",
	} {
		a := s.Post("/ui/push/check", form)
		if a.Status != 200 || !handlertest.Contains(a.Body, "Would be accepted.", "Push metrics") || strings.Contains(a.Body, "exists") || strings.Contains(a.Body, "does not exist") || strings.Contains(a.Body, "replace 1") {
			t.Errorf("%s: %v %s", form, a, a.Body)
		}
	}
	for _, target := range []string{"/ui/push/check", "/ui/push"} {
		a := s.Post(target, "job=new&mode=replace&text=%23+TYPE+g+counter%0Ag+1%0A")
		if !handlertest.Contains(a.Body, "but is a gauge of another grouping") || strings.Contains(a.Body, "foreign") || strings.Contains(a.Body, digest) {
			t.Errorf("%v %s", a, a.Body)
		}
	}
	a := s.Post("/ui/push", "job=new&mode=replace&text=a+2%0A")
	if a.Status != 303 || a.Header.Get("Location") != "/push?pushed=1" {
		t.Fatalf("%v %v", a, a.Header)
	}
	if a := s.Get("/push?pushed=1", handlertest.BrowserHeaders...); a.Status != 200 || !handlertest.Contains(a.Body, "Push accepted.", "nobody is admin", "Sign in") || strings.Contains(a.Body, "1.2.3") || strings.Contains(a.Body, "$TOKEN") {
		t.Errorf("%v %s", a, a.Body)
	}
	s.WantGroupings(`{job="foreign"}`, `{job="mine"}`, `{job="new"}`)
	for _, id := range []string{digest, "nothing"} { // whether it is there is not told
		if a := s.Get("/push?grouping="+id, handlertest.BrowserHeaders...); a.Status != 401 || !handlertest.Contains(a.Body, "Scrape key") {
			t.Errorf("%v", a)
		}
	}
	// Whoever has the key sees what the push is about, and pushes on.
	reader := keySession(s)
	if a := s.Get("/push?grouping="+digest, append(reader, handlertest.BrowserHeaders[:2]...)...); a.Status != 200 || !handlertest.Contains(a.Body, "Push again", "h_bucket", "Sign out") {
		t.Errorf("%v", a)
	}
	a = s.Post("/ui/push", "job=new&mode=replace&text=a+3%0A", reader[:2]...)
	if a.Status != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/groupings/") {
		t.Errorf("%v %v", a, a.Header)
	}
	if by := s.Grouping("/metrics/job/new").Origin.By; by != "scrape key" {
		t.Errorf("pushed by %q", by)
	}
}
