package handlers_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

var (
	asPusher  = handlertest.Statuses{200, 200, 200, 200, 200, 202, 403, 403, 404}
	asScraper = handlertest.Statuses{200, 200, 200, 401, 401, 401, 401, 401, 401}
	// A session of whatever role: by its cookie the API changes nothing.
	asSession = handlertest.Statuses{200, 200, 200, 200, 401, 401, 401, 401, 404}
	// Limited tokens see no page and delete only what they are limited to.
	asLimitedAdmin  = handlertest.Statuses{200, 200, 200, 403, 200, 202, 200, 403, 404}
	asLimitedPusher = handlertest.Statuses{200, 200, 200, 403, 200, 202, 403, 403, 404}
	asLimitedReader = handlertest.Statuses{200, 200, 200, 403, 403, 403, 403, 403, 404}
	limitedAway     = handlertest.Statuses{200, 200, 404, 403, 403, 403, 403, 403, 404}
)

// createdToken is the header of a token that an admin made.
func createdToken(s *handlertest.Server, name, role, limit string, lifetime time.Duration) []string {
	s.T.Helper()
	may, err := auth.ParseRole(role)
	handlertest.Must(s.T, err)
	n := store.NewToken{Name: name, Role: may, Lifetime: lifetime}
	if limit != "" {
		n.Scope, err = store.ParseSelectors([]string{limit})
		handlertest.Must(s.T, err)
	}
	_, secret, err := s.Store.CreateToken(s.T.Context(), n, store.Origin{Via: "basic"})
	handlertest.Must(s.T, err)
	return []string{"Authorization", "Bearer " + secret}
}

// endedBy is what came of a credential that is of no use any more.
func endedBy(s *handlertest.Server, credential []string, end func() error) []string {
	s.T.Helper()
	handlertest.Must(s.T, end())
	return credential
}

func TestEveryCredentialMayDoWhatTheTableSays(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake))
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	claims := func(kv ...any) map[string]any {
		m := map[string]any{"groups": []string{"admins"}}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	jwt := func(c map[string]any, o ...issuertest.Option) []string { return bearer(fake.Token(c, o...)) }
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	many := []string{"readers"}
	for i := range 300 {
		many = append(many, fmt.Sprintf("a-group-with-quite-a-long-name-%03d-00000000", i))
	}
	revoke := func(headers []string) func() error {
		return func() error {
			x, _ := s.Store.FindToken(strings.TrimPrefix(headers[1], "Bearer "))
			_, err := s.Store.RevokeToken(t.Context(), x.ID, store.Origin{})
			return err
		}
	}
	revoked := createdToken(s, "revoked", "admin", "", 0)
	expired := createdToken(s, "expired", "admin", "", time.Nanosecond)
	apiKey := createdToken(s, "as API key", "pusher", "", 0)
	ended := s.StartSession("ended", auth.Admin)
	bare := func(value string) []string { return []string{"Authorization", value} }
	withoutScheme := func(headers []string) []string { return bare(strings.TrimPrefix(headers[1], "Bearer ")) }
	tests := []struct {
		name    string
		headers []string
		want    handlertest.Statuses
	}{
		{"nothing", nil, handlertest.AllStatuses(401)},

		{"an API token without a scheme", bare(handlertest.RightToken), asScraper},
		{"a made token without a scheme", withoutScheme(createdToken(s, "bare", "admin", "", 0)), asScraper},
		{"a limited token without a scheme", withoutScheme(createdToken(s, "bare and limited", "admin", `{job="z"}`, 0)), handlertest.Statuses{200, 200, 404, 401, 401, 401, 401, 401, 401}},
		{"a made token that has no role for it", withoutScheme(expired), handlertest.AllStatuses(401)},
		{"the scrape key without a scheme", bare(handlertest.RightKey), asScraper},
		{"blanks around it", bare("  " + handlertest.RightKey + " "), asScraper},
		{"a wrong value without a scheme", bare(handlertest.RightKey + "0"), handlertest.AllStatuses(401)},
		{"a JWT without a scheme", withoutScheme(jwt(claims())), handlertest.AllStatuses(401)},
		{"a password without a scheme", bare(strings.TrimPrefix(handlertest.BasicAuth("admin", handlertest.RightPassword), "Basic ")), handlertest.AllStatuses(401)},
		{"a scheme without a value", bare("Bearer"), handlertest.AllStatuses(401)},
		{"another scheme", bare("Token " + handlertest.RightToken), handlertest.AllStatuses(401)},
		{"a scheme and a tab", bare("Token\t" + handlertest.RightToken), handlertest.AllStatuses(401)},
		{"an empty value", bare(""), handlertest.AllStatuses(401)},
		{"without a scheme, beside a right key", append(bare("wrong"), "X-Metrics-Key", handlertest.RightKey), handlertest.AllStatuses(401)},
		{"a cookie that nobody gave out", []string{"Cookie", "gatehouse_session=made-up"}, handlertest.AllStatuses(401)},
		{"the name of this machine", []string{"Host", "localhost"}, handlertest.AllStatuses(401)},

		{"the right password", []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, handlertest.AsAdmin},
		{"the scheme in lower case", []string{"Authorization", "b" + handlertest.BasicAuth("admin", handlertest.RightPassword)[1:]}, handlertest.AsAdmin},
		{"a wrong password", []string{"Authorization", handlertest.BasicAuth("admin", "x")}, handlertest.AllStatuses(401)},
		{"a wrong name", []string{"Authorization", handlertest.BasicAuth("Admin", handlertest.RightPassword)}, handlertest.AllStatuses(401)},
		{"empty name and password", []string{"Authorization", handlertest.BasicAuth("", "")}, handlertest.AllStatuses(401)},
		{"no colon", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("admin"))}, handlertest.AllStatuses(401)},
		{"bad base64", []string{"Authorization", "Basic ###"}, handlertest.AllStatuses(401)},
		{"an unknown scheme", []string{"Authorization", `Digest username="admin"`}, handlertest.AllStatuses(401)},
		{"an empty Authorization", []string{"Authorization", ""}, handlertest.AllStatuses(401)},
		{"a wrong password beside a right token", []string{"Authorization", handlertest.BasicAuth("admin", "x"), "X-API-Key", handlertest.RightToken}, handlertest.AllStatuses(401)},

		{"a token", bearer(handlertest.RightToken), handlertest.AsAdmin},
		{"the second token", bearer(handlertest.SecondToken), handlertest.AsAdmin},
		{"a token with blanks around it", []string{"Authorization", "Bearer   " + handlertest.RightToken + " "}, handlertest.AsAdmin},
		{"a token as API key", []string{"X-API-Key", handlertest.RightToken}, handlertest.AsAdmin},
		{"a wrong token", bearer("nope"), handlertest.AllStatuses(401)},
		{"no token", []string{"Authorization", "Bearer"}, handlertest.AllStatuses(401)},
		{"an empty token", []string{"Authorization", "Bearer "}, handlertest.AllStatuses(401)},
		{"the beginning of a token", bearer(handlertest.RightToken[:len(handlertest.RightToken)-1]), handlertest.AllStatuses(401)},
		{"more than a token", bearer(handlertest.RightToken + "0"), handlertest.AllStatuses(401)},
		{"a token in capitals", bearer(strings.ToUpper(handlertest.RightToken)), handlertest.AllStatuses(401)},
		{"the list of tokens", bearer(handlertest.RightToken + "," + handlertest.SecondToken), handlertest.AllStatuses(401)},
		{"a wrong API key", []string{"X-API-Key", "nope"}, handlertest.AllStatuses(401)},
		{"an empty API key", []string{"X-API-Key", ""}, handlertest.AllStatuses(401)},
		{"a wrong API key beside the scrape key", []string{"X-API-Key", "nope", "X-Metrics-Key", handlertest.RightKey}, handlertest.AllStatuses(401)},
		{"two Authorization headers", []string{"Authorization", "Bearer " + handlertest.RightToken, "Authorization", "Bearer " + handlertest.RightToken}, handlertest.AllStatuses(400)},
		{"two API keys", []string{"X-API-Key", handlertest.RightToken, "X-Api-Key", "nope"}, handlertest.AllStatuses(400)},
		{"two scrape keys", []string{"X-Metrics-Key", handlertest.RightKey, "x-metrics-key", handlertest.RightKey}, handlertest.AllStatuses(400)},

		{"a made token of an admin", createdToken(s, "admin", "admin", "", 0), handlertest.AsAdmin},
		{"a made token of a pusher", createdToken(s, "pusher", "pusher", "", time.Hour), asPusher},
		{"a made token of a reader", createdToken(s, "reader", "reader", "", 0), handlertest.AsReader},
		{"a made token as API key", []string{"X-API-Key", strings.TrimPrefix(apiKey[1], "Bearer ")}, asPusher},
		{"a made token that was revoked", endedBy(s, revoked, revoke(revoked)), handlertest.AllStatuses(401)},
		{"a made token that has expired", expired, handlertest.AllStatuses(401)},
		{"the end of a made token", bearer(apiKey[1][len(apiKey[1])-20:]), handlertest.AllStatuses(401)},
		{"a limited token of an admin", createdToken(s, "limited admin", "admin", `{job="x"}`, 0), asLimitedAdmin},
		{"a limited token of a pusher", createdToken(s, "limited pusher", "pusher", `{job="x"}`, 0), asLimitedPusher},
		{"a limited token of a reader", createdToken(s, "limited reader", "reader", `{job="x"}`, 0), asLimitedReader},
		{"a token of an admin, limited to others", createdToken(s, "away admin", "admin", `{job="y"}`, 0), limitedAway},
		{"a token of a pusher, limited to others", createdToken(s, "away pusher", "pusher", `{job="y"}`, 0), limitedAway},
		{"a token of a reader, limited to others", createdToken(s, "away reader", "reader", `{job=~"y|z"}`, 0), limitedAway},

		{"a session of an admin", s.StartSession("admin", auth.Admin), asSession},
		{"a session of a pusher", s.StartSession("pusher", auth.Pusher), asSession},
		{"a session of a reader", s.StartSession("reader", auth.Reader), asSession},
		{"a session of a reader, from a page", append(s.StartSession("here", auth.Reader), "Sec-Fetch-Site", "same-origin"), asSession},
		{"a session that was ended", endedBy(s, ended, func() error { return s.Store.EndSession(t.Context(), "ended", store.Origin{}) }), handlertest.AllStatuses(401)},
		{"a session beside a token", append(s.StartSession("beside", auth.Admin), createdToken(s, "beside", "reader", "", 0)...), handlertest.AsReader},
		{"a session beside the scrape key", append(s.StartSession("key", auth.Admin), "X-Metrics-Key", handlertest.RightKey), handlertest.Statuses{200, 200, 200, 200, 401, 401, 401, 401, 404}},
		{"a session beside a wrong token", append(s.StartSession("wrong", auth.Admin), bearer("nope")...), handlertest.AllStatuses(401)},

		{"the scrape key", []string{"X-Metrics-Key", handlertest.RightKey}, asScraper},
		{"the scrape key as bearer", bearer(handlertest.RightKey), asScraper},
		{"a wrong scrape key", []string{"X-Metrics-Key", "nope"}, handlertest.AllStatuses(401)},
		{"an empty scrape key", []string{"X-Metrics-Key", ""}, handlertest.AllStatuses(401)},
		{"the scrape key beside a wrong token", []string{"X-Metrics-Key", handlertest.RightKey, "Authorization", "Bearer nope"}, handlertest.AllStatuses(401)},
		{"a wrong scrape key beside a right token", []string{"X-Metrics-Key", "nope", "Authorization", "Bearer " + handlertest.RightToken}, handlertest.AsAdmin},
		{"the scrape key as API key", []string{"X-API-Key", handlertest.RightKey}, handlertest.AllStatuses(401)},
		{"the scrape key as password", []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightKey)}, handlertest.AllStatuses(401)},

		{"a JWT of an admin", jwt(claims()), handlertest.AsAdmin},
		{"a JWT of a pusher", jwt(claims("groups", []string{"pushers"})), asPusher},
		{"a JWT of a reader", jwt(claims("groups", []string{"readers"})), handlertest.AsReader},
		{"a JWT with 301 groups", jwt(claims("groups", many)), handlertest.AsReader},
		{"a JWT with a group that is a string", jwt(claims("groups", "admins")), handlertest.AsAdmin},
		{"a JWT with roles, which count before groups", jwt(claims("roles", []string{"readers"})), handlertest.AsReader},
		{"a JWT of nobody", jwt(claims("groups", []string{})), handlertest.AllStatuses(403)},
		{"a JWT without groups", jwt(claims("groups", issuertest.Drop)), handlertest.AllStatuses(403)},
		{"a JWT whose groups are elsewhere", jwt(claims("groups", issuertest.Drop, "_claim_names", map[string]any{"groups": "src1"})), handlertest.AllStatuses(403)},
		{"ES256", jwt(claims(), issuertest.WithAlg("ES256")), handlertest.AsAdmin},
		{"ES384", jwt(claims(), issuertest.WithAlg("ES384")), handlertest.AsAdmin},
		{"PS256", jwt(claims(), issuertest.WithAlg("PS256"), issuertest.WithKid(fake.Kid("RS256")), issuertest.WithKey(fake.Key("RS256"))), handlertest.AsAdmin},
		{"EdDSA", jwt(claims(), issuertest.WithAlg("EdDSA")), handlertest.AsAdmin},
		{"an audience among others", jwt(claims("aud", []string{"x", "other-audience"})), handlertest.AsAdmin},
		{"typ at+jwt", jwt(claims(), issuertest.WithHeader("typ", "at+jwt")), handlertest.AsAdmin},
		{"no typ", jwt(claims(), issuertest.WithHeader("typ", issuertest.Drop)), handlertest.AsAdmin},
		{"ended 10 s ago", jwt(claims("exp", in(-10*time.Second))), handlertest.AsAdmin},
		{"begins in 10 s", jwt(claims("nbf", in(10*time.Second))), handlertest.AsAdmin},
		{"ended a minute ago", jwt(claims("exp", in(-time.Minute))), handlertest.AllStatuses(401)},
		{"begins in five minutes", jwt(claims("nbf", in(5*time.Minute))), handlertest.AllStatuses(401)},
		{"another audience", jwt(claims("aud", "x")), handlertest.AllStatuses(401)},
		{"no audience", jwt(claims("aud", issuertest.Drop)), handlertest.AllStatuses(401)},
		{"an empty audience", jwt(claims("aud", "")), handlertest.AllStatuses(401)},
		{"another issuer", jwt(claims("iss", "https://evil.test")), handlertest.AllStatuses(401)},
		{"an issuer with a slash too many", jwt(claims("iss", fake.Issuer()+"/")), handlertest.AllStatuses(401)},
		{"no issuer", jwt(claims("iss", issuertest.Drop)), handlertest.AllStatuses(401)},
		{"no end", jwt(claims("exp", issuertest.Drop)), handlertest.AllStatuses(401)},
		{"an end at 0", jwt(claims("exp", 0)), handlertest.AllStatuses(401)},
		{"an end as text", jwt(claims("exp", "tomorrow")), handlertest.AllStatuses(401)},
		{"an end in a hundred years", jwt(claims("exp", in(100*366*24*time.Hour))), handlertest.AllStatuses(401)},
		{"alg none", jwt(claims(), issuertest.WithAlg("none")), handlertest.AllStatuses(401)},
		{"HS256 with the public key as secret", jwt(claims(), issuertest.WithAlg("HS256")), handlertest.AllStatuses(401)},
		{"HS256 with the modulus as secret", jwt(claims(), issuertest.WithAlg("HS256"), issuertest.WithKey(fake.Modulus())), handlertest.AllStatuses(401)},
		{"the key of somebody else", jwt(claims(), issuertest.WithKey(fake.Foreign())), handlertest.AllStatuses(401)},
		{"the key of somebody else with its kid", jwt(claims(), issuertest.WithKey(fake.Foreign()), issuertest.WithKid("foreign")), handlertest.AllStatuses(401)},
		{"a kid that is a number", jwt(claims(), issuertest.WithKid(1)), handlertest.AllStatuses(401)},
		{"a kid that is a path", jwt(claims(), issuertest.WithKid("../../etc/passwd")), handlertest.AllStatuses(401)},
		{"a kid that is huge", jwt(claims(), issuertest.WithKid(strings.Repeat("k", 10_000))), handlertest.AllStatuses(401)},
		{"no kid, with several keys", jwt(claims(), issuertest.WithoutKid()), handlertest.AllStatuses(401)},
		{"a logout token", jwt(claims(), issuertest.WithHeader("typ", "logout+jwt")), handlertest.AllStatuses(401)},
		{"critical extensions", jwt(claims(), issuertest.WithHeader("crit", []string{"exp"})), handlertest.AllStatuses(401)},
		{"claims that are no object", jwt(nil, issuertest.WithPayload(`[]`)), handlertest.AllStatuses(401)},
		{"claims that are nothing", jwt(nil, issuertest.WithPayload(`{}`)), handlertest.AllStatuses(401)},
		{"deeply nested claims", jwt(nil, issuertest.WithPayload(`{"a":`+strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000)+"}")), handlertest.AllStatuses(401)},
		{"two segments", bearer(strings.Join(strings.Split(fake.Token(claims()), ".")[:2], ".")), handlertest.AllStatuses(401)},
		{"four segments", bearer(fake.Token(claims()) + ".x"), handlertest.AllStatuses(401)},
		{"a signature cut short", bearer(strings.TrimRight(fake.Token(claims()), "=")[:200]), handlertest.AllStatuses(401)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got handlertest.Statuses
			for i, c := range handlertest.RouteClasses {
				s.T = t
				if c.Method == "GET" && c.Target == "/metrics/job/x" || c.Method == "DELETE" {
					s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
				}
				a := s.Do(c.Method, c.Target, "", test.headers...)
				got[i] = a.Status
				wantRefusal(s, a)
			}
			if got != test.want {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
	if discovery, jwks := fake.Fetches(); discovery == 0 || jwks == 0 {
		t.Error("the issuer was never asked")
	}
}

// wantRefusal checks what holds for everything that was not let in.
func wantRefusal(s *handlertest.Server, a handlertest.Answer) {
	s.T.Helper()
	challenges := a.Header.Values("WWW-Authenticate")
	if (a.Status == 401) != (len(challenges) > 0) && a.Status != 403 {
		s.T.Errorf("%v: challenges %q", a, challenges)
	}
	if a.Status >= 400 && a.Header.Get("Cache-Control") != "no-store" {
		s.T.Errorf("%v: Cache-Control %q", a, a.Header.Get("Cache-Control"))
	}
	if a.Status >= 400 && strings.Count(strings.TrimSpace(a.Body), "\n") > 0 {
		s.T.Errorf("%v: more than one line", a)
	}
}

// withoutStreams are routes without those that answer until they are left.
func withoutStreams(routes []web.Route) []web.Route {
	return slices.DeleteFunc(routes, func(r web.Route) bool { return r.Path == "/events" })
}

func TestEveryRouteAllowsTheRolesOfItsAction(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)), func(c handlertest.Setup) { c.EnableLifecycle = true })
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	roles := []auth.Role{auth.Reader, auth.Pusher, auth.Admin}
	for _, r := range withoutStreams(h.Routes()) {
		target := strings.NewReplacer("*", "job/x", ":id", "x", ":operation", "x", ":example", "replace").Replace(r.Path)
		for method, e := range r.On {
			if e.Needs == auth.Public {
				continue
			}
			for i, role := range roles {
				// What ends sessions or the like must not end those of the next one.
				name := fmt.Sprint(r.Path, method, role)
				session := append(s.StartSession(name, role), "Sec-Fetch-Site", "same-origin")
				token := createdToken(s, web.Shorten(name, 60)+strconv.Itoa(i), role.String(), "", time.Hour)
				for how, headers := range map[string][]string{"a session": session, "a token": token} {
					a := s.Do(method, target, "", headers...)
					want := role.May(e.Needs)
					if how == "a session" && r.Kind != web.Page && method != "GET" {
						if a.Status != 401 {
							t.Errorf("%s with %s of %s: %v, want 401", r.Path, how, role, a)
						}
						continue
					}
					if in := a.Status != 401 && a.Status != 403; in != want || a.Status >= 500 {
						t.Errorf("%s with %s of %s: %v, let in %v, want %v", r.Path, how, role, a, in, want)
					}
				}
			}
		}
	}
}

func TestTheScrapeKeyInTheQueryIsForScrapes(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
	for _, test := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/metrics?key=" + handlertest.RightKey, 200},
		{"HEAD", "/metrics?key=" + handlertest.RightKey, 200},
		{"GET", "/metrics?match[]={job=%22x%22}&key=" + handlertest.RightKey, 200},
		{"GET", "/metrics/job/x?key=" + handlertest.RightKey, 200},
		{"GET", "/metrics/self?key=" + handlertest.RightKey, 200},
		{"GET", "/api/v1/targets?key=" + handlertest.RightKey, 200},
		{"GET", "/metrics?key=nope", 401},
		{"GET", "/metrics?key=", 401},
		{"GET", "/metrics?key=" + handlertest.RightKey + "&key=" + handlertest.RightKey, 400},
		{"GET", "/metrics?key=" + handlertest.RightKey + "&key=nope", 400},
		{"OPTIONS", "/metrics?key=" + handlertest.RightKey, 401},
		{"GET", "/?key=" + handlertest.RightKey, 401},
		{"GET", "/api/v1/status?key=" + handlertest.RightKey, 401},
		{"PUT", "/metrics/job/x?key=" + handlertest.RightKey, 401},
		{"DELETE", "/metrics/job/x?key=" + handlertest.RightKey, 401},
		{"GET", "/metrics?KEY=" + handlertest.RightKey, 401},
		{"GET", "/metrics?access_token=" + handlertest.RightToken, 401},
		{"GET", "/metrics?api_key=" + handlertest.RightToken, 401},
	} {
		if a := s.Do(test.method, test.target, ""); a.Status != test.want {
			t.Errorf("%v, want %d", a, test.want)
		}
	}
	s.WantGroupings(`{job="x"}`)
	if strings.Contains(s.Log.String(), handlertest.RightKey) {
		t.Error("the key is in the log")
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)), func(c handlertest.Setup) { c.EnablePprof, c.EnableLifecycle = true, true })
	public := []string{"/health", "/-/healthy", "/-/ready"}
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	var targets []string
	for _, r := range h.Routes() {
		if r.On["GET"].Needs != auth.Public && r.On["POST"].Needs != auth.Public || slices.Contains(public, r.Path) {
			targets = append(targets, strings.Replace(r.Path, "*", "job/x", 1))
		}
	}
	targets = append(targets,
		"/metrics/job/x/l/v", "/metrics/", "/metrics/x", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprofx",
		"/nowhere", "/api", "/api/v1/", "/METRICS", "/%6detrics", "/metrics;x", "/Health", "/health/", "/healthx", "/health%2f",
		"/-/", "/-/reload", "/static/../metrics/job/..", "/docs", "/tokens",
	)
	for _, target := range targets {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH", "TRACE"} {
			a := s.Do(method, target, "")
			switch {
			case slices.Contains(public, target):
				want := 405
				if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) {
					want = 200
				}
				if a.Status != want {
					t.Errorf("%v, want %d", a, want)
				}
			case strings.Contains(target, ".."):
				if a.Status != 400 {
					t.Errorf("%v, want 400", a)
				}
			case a.Status != 401:
				t.Errorf("%v, want 401", a)
			}
			if a.Status == 401 && method != "HEAD" && !handlertest.Contains(a.Body, "authentication is required") {
				t.Errorf("%v", a)
			}
		}
	}
	for _, target := range []string{"//metrics", "//health", "//debug/pprof/", "/./metrics?", "/x/../metrics"} {
		want := 401
		if strings.Contains(target, "/.") {
			want = 400
		}
		if a := s.Raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); a.Status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
	if s.Quits.Load() != 0 {
		t.Error("a stranger has ended the server")
	}
}

func TestEveryRouteIsGuardedUnlessItIsOnTheList(t *testing.T) {
	public := []string{"/-/healthy", "/-/ready", "/health", "/static/*", "/favicon.ico", "/login", "/auth/login", "/auth/callback", "/auth/backchannel", ""}
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics", RoutePrefix: "/pg"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	for _, r := range slices.Concat(h.Routes(), h.Gateway().ScrapeRoutes(), h.Gateway().HealthRoutes()) {
		for method, e := range r.On {
			if (e.Needs == auth.Public) != slices.Contains(public, r.Path) {
				t.Errorf("%s %s needs action %d", method, r.Path, e.Needs)
			}
		}
	}
}

func TestARouteThatNobodyMayUseIsAnError(t *testing.T) {
	h := handlers.NewServer(handlers.Config{})
	if _, err := h.Listener().Serve([]web.Route{web.Get(web.Plain, "/x", web.Endpoint{Name: "x", Needs: 0, Do: nil})}); err == nil || err.Error() != "nobody is allowed to GET /x" {
		t.Errorf("got %v", err)
	}
}

func TestDenialsComeInTheClientsFormat(t *testing.T) {
	fake := issuertest.New(t)
	tokensOnly := func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) }
	basicOnly := func(c handlertest.Setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: handlertest.RightPassword})
	}
	const (
		bearer  = `Bearer realm="gatehouse"`
		invalid = bearer + `, error="invalid_token"`
		basic   = `Basic realm="gatehouse", charset="UTF-8"`
		needed  = "authentication is required\n"
		wrong   = "the credential is not valid\n"
	)
	asJSON := func(kind, text string) string {
		return `{"status":"error","errorType":"` + kind + `","error":"` + strings.TrimSpace(text) + `"}`
	}
	tests := []struct {
		name       string
		change     func(handlertest.Setup)
		method     string
		target     string
		headers    []string
		status     int
		body       string
		challenges []string
	}{
		{"a client without credentials", handlertest.EveryCredential(fake), "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer, basic}},
		{"where only tokens are known", tokensOnly, "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer}},
		{"where only passwords are known", basicOnly, "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer, basic}},
		{"below the JSON API", handlertest.EveryCredential(fake), "GET", "/api/v1/status", nil, 401, asJSON("unauthorized", needed), []string{bearer, basic}},
		{"who asks for JSON", handlertest.EveryCredential(fake), "GET", "/metrics", []string{"Accept", "application/json"}, 401, asJSON("unauthorized", needed), []string{bearer, basic}},
		{"a wrong token", handlertest.EveryCredential(fake), "GET", "/metrics", []string{"Authorization", "Bearer x"}, 401, wrong, []string{invalid, basic}},
		{"a forged JWT", handlertest.EveryCredential(fake), "GET", "/metrics", []string{"Authorization", "Bearer " + fake.Token(nil, issuertest.WithKey(fake.Foreign()))}, 401, wrong, []string{invalid, basic}},
		{"a wrong password", handlertest.EveryCredential(fake), "GET", "/metrics", []string{"Authorization", handlertest.BasicAuth("admin", "x")}, 401, wrong, []string{bearer, basic}},
		{"a browser that opens what is no page", handlertest.EveryCredential(fake), "GET", "/metrics", []string{"Accept", "text/html,*/*;q=0.8", "Sec-Fetch-Mode", "navigate"}, 401, needed, []string{bearer}},
		{"an old browser", basicOnly, "GET", "/metrics", []string{"Accept", "text/html"}, 401, needed, []string{bearer}},
		{"a page's own request", handlertest.EveryCredential(fake), "GET", "/api/v1/status", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}, 401, asJSON("unauthorized", needed), []string{bearer}},
		{"a request of htmx", handlertest.EveryCredential(fake), "GET", "/", []string{"HX-Request", "true"}, 401, needed, []string{bearer}},
		{"a JWT that may not", handlertest.EveryCredential(fake), "PUT", "/metrics/job/x", []string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "readers"})}, 403, "the credential does not allow this\n", []string{bearer + `, error="insufficient_scope"`}},
		{"a credential twice", handlertest.EveryCredential(fake), "GET", "/", []string{"X-API-Key", "a", "X-API-Key", "b"}, 400, "a credential is given twice\n", nil},
		{"a page of another site", handlertest.EveryCredential(fake), "DELETE", "/metrics/job/x", []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword), "Sec-Fetch-Site", "cross-site"}, 403, "cross-site requests are not allowed\n", nil},
		{"a page of another site with a token", handlertest.EveryCredential(fake), "DELETE", "/metrics/job/x", []string{"X-API-Key", handlertest.RightToken, "Origin", "https://evil.test"}, 403, "cross-site requests are not allowed\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, test.change)
			a := s.Do(test.method, test.target, "", test.headers...)
			if challenges := a.Header.Values("WWW-Authenticate"); a.Status != test.status || a.Body != test.body || !slices.Equal(challenges, test.challenges) {
				t.Errorf("%v %q\nwant %d %q %q", a, challenges, test.status, test.body, test.challenges)
			}
			if a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q", a.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestAJWTCannotBeCheckedWhileTheIssuerIsDown(t *testing.T) {
	fake := issuertest.New(t)
	fake.Down()
	s := handlertest.Start(t, handlertest.EveryCredential(fake))
	genuine := "Bearer " + fake.Token(map[string]any{"groups": "admins"})
	a := s.Get("/metrics", "Authorization", genuine)
	if a.Status != 503 || a.Header.Get("Retry-After") != "10" || a.Body != "the credential cannot be checked at present; try again\n" {
		t.Errorf("%v %v", a, a.Header)
	}
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{"Authorization", "Bearer " + handlertest.RightToken}, 200},
		{[]string{"Authorization", "Bearer " + handlertest.RightKey}, 200},
		{[]string{"Authorization", "Bearer a.b.c"}, 401},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"iss": "https://evil.test"})}, 401},
		{[]string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, 200},
	} {
		if a := s.Get("/metrics", test.headers...); a.Status != test.want {
			t.Errorf("%v, want %d", a, test.want)
		}
	}
	fake.Up()
	s.Eventually("the JWT is taken", func() bool { return s.Get("/metrics", "Authorization", genuine).Status == 200 })
	fake.SetJWKS(issuertest.HTML)
	if a := s.Get("/metrics", "Authorization", genuine); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestAJWTThatEqualsAnAPITokenIsThat(t *testing.T) {
	fake := issuertest.New(t)
	odd := fake.Token(map[string]any{"aud": "somebody else"})
	s := handlertest.Start(t, handlertest.EveryCredential(fake), func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{odd}) })
	s.Put("/metrics/job/x", "a 1\n", "Authorization", "Bearer "+odd)
	if by := s.Grouping("/metrics/job/x").Origin.By; by != "API_TOKENS[1]" {
		t.Errorf("pushed by %q", by)
	}
}

func TestForgedTokensCauseOneFetch(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake), func(c handlertest.Setup) {
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Hour, Logger: c.Logger})
	})
	for i := range 200 {
		token := fake.Token(map[string]any{"groups": "admins"}, issuertest.WithKey(fake.Key("RS256")), issuertest.WithKid(fmt.Sprintf("forged-%d", i)))
		if a := s.Get("/metrics", "Authorization", "Bearer "+token); a.Status != 401 {
			t.Fatal(a)
		}
	}
	if _, jwks := fake.Fetches(); jwks != 1 {
		t.Errorf("%d fetches", jwks)
	}
	if a := s.Get("/metrics", "Authorization", "Bearer "+fake.Token(map[string]any{"groups": "admins"})); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestRequiredClaimsAreRequired(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake), func(c handlertest.Setup) {
		c.Guard.Claims.Required = map[string]string{"hd": "example.com", "email_verified": "true"}
	})
	for _, test := range []struct {
		claims map[string]any
		want   int
	}{
		{map[string]any{"hd": "example.com", "email_verified": true}, 200},
		{map[string]any{"hd": "example.com", "email_verified": "true"}, 200},
		{map[string]any{"hd": "example.com", "email_verified": "false"}, 401},
		{map[string]any{"hd": "example.com", "email_verified": false}, 401},
		{map[string]any{"hd": "example.org", "email_verified": true}, 401},
		{map[string]any{"email_verified": true}, 401},
	} {
		test.claims["groups"] = "admins"
		if a := s.Get("/", "Authorization", "Bearer "+fake.Token(test.claims)); a.Status != test.want {
			t.Errorf("%v: %v, want %d", test.claims, a, test.want)
		}
	}
}

func TestTheClientOfAPushIsKept(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake))
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, "admin"},
		{[]string{"X-API-Key", handlertest.SecondToken}, "API_TOKENS[2]"},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "pushers"})}, issuertest.Subject},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "pushers", "preferred_username": "bob"})}, "bob"},
	} {
		s.Put("/metrics/job/x", "a 1\n", test.headers...)
		if o := s.Grouping("/metrics/job/x").Origin; o.By != test.want || o.From != "127.0.0.1" {
			t.Errorf("pushed by %q from %q, want %q", o.By, o.From, test.want)
		}
	}
}

func TestWithNothingConfiguredEverythingIsOpen(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI = true })
	for _, headers := range [][]string{nil, {"Authorization", "Bearer whatever"}, {"Authorization", handlertest.BasicAuth("a", "b")}, {"X-API-Key", "x"}, {"X-Metrics-Key", "x"}} {
		for i, c := range handlertest.RouteClasses {
			if a := s.Do(c.Method, c.Target, "", headers...); a.Status != handlertest.AsAdmin[i] && c.Target != "/metrics/job/x" {
				t.Errorf("%q: %v, want %d", headers, a, handlertest.AsAdmin[i])
			}
		}
	}
}

func TestTenWrongPasswordsLockPasswordsOnly(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	for i := range 10 {
		if a := s.Get("/", "Authorization", handlertest.BasicAuth("admin", fmt.Sprint(i))); a.Status != 401 {
			t.Fatalf("attempt %d: %v", i, a)
		}
	}
	a := s.Get("/", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword))
	if a.Status != 429 || a.Header.Get("Retry-After") == "" || a.Header.Get("Retry-After") == "0" || a.Body != "too many failed sign-ins; try again later\n" {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/", "X-API-Key", handlertest.RightToken); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics", "X-Metrics-Key", handlertest.RightKey); !handlertest.Contains(a.Body,
		`gatehouse_auth_decisions_total{result="throttled",scheme="basic"} 1`,
		`gatehouse_auth_decisions_total{result="refused",scheme="basic"} 10`,
		`gatehouse_auth_decisions_total{result="allowed",scheme="api_token"} 1`,
	) {
		t.Error("the decisions are not counted")
	}
}

func TestNoBodyIsReadFromStrangers(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	// Nothing of the body is ever sent beyond its first bytes.
	a := s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("# comment\n", 1<<10))
	if a.Status != http.StatusUnauthorized {
		t.Errorf("%v", a)
	}
	a = s.Raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n" + strings.Repeat("# comment\n", 1<<10))
	if a.Status != http.StatusUnauthorized {
		t.Errorf("%v", a)
	}
}

func TestWhateverTheIssuerPublishesGoodKeysStay(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake), func(c handlertest.Setup) {
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Nanosecond, MaxAge: time.Nanosecond, Timeout: 100 * time.Millisecond, Observe: c.Metrics.KeysFetched})
		t.Cleanup(c.Guard.Issuer.Close)
	})
	admin := map[string]any{"groups": "admins"}
	genuine := []string{"Authorization", "Bearer " + fake.Token(admin)}
	forged := []string{"Authorization", "Bearer " + fake.Token(admin, issuertest.WithAlg("HS256"), issuertest.WithKey(fake.Secret()), issuertest.WithKid(fake.Kid("RS256")))}
	if a := s.Get("/", genuine...); a.Status != 200 {
		t.Fatal(a)
	}
	for _, mode := range []issuertest.Mode{
		issuertest.HTML, issuertest.Empty, issuertest.Oct, issuertest.Huge, issuertest.Redirect, issuertest.ServerError, issuertest.Hang, issuertest.EncUse, issuertest.WeakRSA,
	} {
		t.Run(string(mode), func(t *testing.T) {
			s.T = t
			fake.SetJWKS(mode)
			_, before := fake.Fetches()
			s.Eventually("it is asked twice", func() bool {
				if a := s.Get("/", genuine...); a.Status != 200 {
					t.Fatal(a)
				}
				if a := s.Get("/", forged...); a.Status != 401 {
					t.Fatal(a)
				}
				_, now := fake.Fetches()
				return now >= before+2
			})
			if a := s.Get("/", genuine...); a.Status != 200 {
				t.Error(a)
			}
		})
	}
	s.T = t
	fake.SetJWKS(issuertest.OK)
	fake.Rotate(false)
	rotated := []string{"Authorization", "Bearer " + fake.Token(admin)}
	s.Eventually("the new key is taken", func() bool { return s.Get("/", rotated...).Status == 200 })
	s.Eventually("the old key is dropped", func() bool { return s.Get("/", genuine...).Status == 401 })
}

func TestAnswersBehindTheGuardAreForNoSharedCache(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)))
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
	for _, target := range []string{"/", "/metrics", "/metrics/job/x", "/api/v1/targets"} {
		if a := s.Get(target, "X-API-Key", handlertest.RightToken); a.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%v: %q", a.Request, a.Header.Get("Cache-Control"))
		}
	}
}

func TestACredentialWithoutASchemeReadsMetricsAndElsewhereLearnsWhatIsMissing(t *testing.T) {
	fake := issuertest.New(t)
	s := handlertest.Start(t, handlertest.EveryCredential(fake))
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", handlertest.RightToken)
	const missing, wrong = "the credential is not valid: its scheme is missing; write Bearer in front of a token", "the credential is not valid"
	jwt := fake.Token(map[string]any{"groups": []string{"admins"}})
	for _, test := range []struct {
		method, target, value string
		want                  string // empty: it is let in
	}{
		{"GET", "/api/v1/targets", handlertest.RightToken, ""},
		{"HEAD", "/api/v1/targets", handlertest.RightKey, ""},
		{"HEAD", "/metrics", handlertest.RightKey, ""},
		{"GET", "/metrics/self", handlertest.RightKey, ""},
		{"GET", "/metrics/job/x", handlertest.SecondToken, ""},
		{"GET", "/metrics", "wrong", wrong},
		{"GET", "/metrics", "", wrong},
		{"GET", "/metrics", jwt, missing},
		{"PUT", "/metrics/job/x", handlertest.RightToken, missing},
		{"POST", "/metrics/job/x", handlertest.RightToken, missing},
		{"DELETE", "/metrics/job/x", handlertest.RightToken, missing},
		{"POST", "/metrics", handlertest.RightToken, missing},
		{"OPTIONS", "/metrics", handlertest.RightKey, missing},
		{"GET", "/api/v1/groupings", handlertest.RightToken, missing},
		{"GET", "/api/v1/status", handlertest.RightToken, missing},
		{"GET", "/", handlertest.RightToken, missing},
		{"GET", "/nowhere", handlertest.RightToken, missing},
		{"PUT", "/-/quit", "wrong", missing},
	} {
		a := s.Do(test.method, test.target, "", "Authorization", test.value)
		if test.want == "" {
			if a.Status != 200 {
				t.Errorf("%s %s: %v", test.method, test.target, a)
			}
			continue
		}
		text := strings.TrimSuffix(a.Body, "\n")
		if strings.HasPrefix(test.target, "/api/") {
			text = strings.TrimSuffix(text[strings.Index(text, `"error":"`)+9:], `"}`)
		}
		if a.Status != 401 || text != test.want || !strings.Contains(strings.Join(a.Header.Values("WWW-Authenticate"), " "), "Bearer realm") {
			t.Errorf("%v %v, want %q", a, a.Header, test.want)
		}
	}
	if log := s.Log.String(); strings.Contains(log, handlertest.RightToken) || strings.Contains(log, handlertest.RightKey) || strings.Contains(log, jwt) {
		t.Errorf("the log has a credential:\n%s", log)
	}
}

func TestTheListenerForScrapesTakesTheKeyWithoutAScheme(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.OnlyScrapes()
		c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey)
	})
	for value, want := range map[string]int{handlertest.RightKey: 200, "Bearer " + handlertest.RightKey: 200, "wrong": 401} {
		if a := s.Get("/api/v1/targets", "Authorization", value); a.Status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
}
