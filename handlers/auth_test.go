package handlers

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
	"gatehouse/auth/jwt"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// The secrets that these tests give to servers.
const (
	rightPassword = "s3cret:with:colons-ünd-ütf8"
	rightToken    = "token-number-one-0123456789"
	secondToken   = "token-number-two-0123456789"
	rightKey      = "the-scrape-key-0123456789"
)

// everything configures all ways to come in but the bypass.
func everything(fake *issuertest.Fake) func(setup) {
	return func(c setup) {
		c.EnableAdminAPI = true
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: rightPassword})
		c.Guard.Tokens = credential.NewTokens([]string{rightToken, secondToken})
		c.Guard.ScrapeKey = credential.NewSecret(rightKey)
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Millisecond, Logger: c.Logger, Observe: c.Metrics.KeysFetched})
		c.Guard.Claims = jwt.ClaimRules{
			Issuer: fake.Issuer(), Audiences: []string{issuertest.Audience, "other-audience"},
			RoleMap: map[string]auth.Role{"readers": auth.Reader, "pushers": auth.Pusher, "admins": auth.Admin},
		}
	}
}

func basicHeader(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// columns are the classes of routes of the truth table.
var columns = []struct{ method, target string }{
	{"GET", "/metrics"},
	{"GET", "/api/v1/targets"},
	{"GET", "/metrics/job/x"},
	{"GET", "/"},
	{"PUT", "/metrics/job/x"},
	{"DELETE", "/metrics/job/x"},
	{"DELETE", "/api/v1/groupings?match[]={job=%22x%22}"},
	{"PUT", "/api/v1/admin/wipe"},
	{"GET", "/nowhere"},
}

// fates are what the columns answer.
type fates [9]int

func all(status int) fates {
	var f fates
	for i := range f {
		f[i] = status
	}
	return f
}

var (
	asAdmin   = fates{200, 200, 200, 200, 200, 202, 200, 202, 404}
	asPusher  = fates{200, 200, 200, 200, 200, 202, 403, 403, 404}
	asReader  = fates{200, 200, 200, 200, 403, 403, 403, 403, 404}
	asScraper = fates{200, 200, 200, 401, 401, 401, 401, 401, 401}
	// A session of whatever role: by its cookie the API changes nothing.
	asSession = fates{200, 200, 200, 200, 401, 401, 401, 401, 404}
	// Limited tokens see no page and delete only what they are limited to.
	asLimitedAdmin  = fates{200, 200, 200, 403, 200, 202, 200, 403, 404}
	asLimitedPusher = fates{200, 200, 200, 403, 200, 202, 403, 403, 404}
	asLimitedReader = fates{200, 200, 200, 403, 403, 403, 403, 403, 404}
	limitedAway     = fates{200, 200, 404, 403, 403, 403, 403, 403, 404}
)

// made is the header of a token that an admin made.
func (s *served) made(name, role, limit string, lifetime time.Duration) []string {
	s.t.Helper()
	may, err := auth.ParseRole(role)
	must(s.t, err)
	n := store.NewToken{Name: name, Role: may, Lifetime: lifetime}
	if limit != "" {
		n.Scope, err = store.ParseSelectors([]string{limit})
		must(s.t, err)
	}
	_, secret, err := s.store.CreateToken(s.t.Context(), n, store.Origin{Via: "basic"})
	must(s.t, err)
	return []string{"Authorization", "Bearer " + secret}
}

// over is what came of a credential that is of no use any more.
func (s *served) over(credential []string, end func() error) []string {
	s.t.Helper()
	must(s.t, end())
	return credential
}

func TestEveryCredentialMayDoWhatTheTableSays(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake))
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
			x, _ := s.store.FindToken(strings.TrimPrefix(headers[1], "Bearer "))
			_, err := s.store.RevokeToken(t.Context(), x.ID, store.Origin{})
			return err
		}
	}
	revoked := s.made("revoked", "admin", "", 0)
	expired := s.made("expired", "admin", "", time.Nanosecond)
	apiKey := s.made("as API key", "pusher", "", 0)
	ended := s.begun("ended", auth.Admin)
	bare := func(value string) []string { return []string{"Authorization", value} }
	withoutScheme := func(headers []string) []string { return bare(strings.TrimPrefix(headers[1], "Bearer ")) }
	tests := []struct {
		name    string
		headers []string
		want    fates
	}{
		{"nothing", nil, all(401)},

		{"an API token without a scheme", bare(rightToken), asScraper},
		{"a made token without a scheme", withoutScheme(s.made("bare", "admin", "", 0)), asScraper},
		{"a limited token without a scheme", withoutScheme(s.made("bare and limited", "admin", `{job="z"}`, 0)), fates{200, 200, 404, 401, 401, 401, 401, 401, 401}},
		{"a made token that has no role for it", withoutScheme(expired), all(401)},
		{"the scrape key without a scheme", bare(rightKey), asScraper},
		{"blanks around it", bare("  " + rightKey + " "), asScraper},
		{"a wrong value without a scheme", bare(rightKey + "0"), all(401)},
		{"a JWT without a scheme", withoutScheme(jwt(claims())), all(401)},
		{"a password without a scheme", bare(strings.TrimPrefix(basicHeader("admin", rightPassword), "Basic ")), all(401)},
		{"a scheme without a value", bare("Bearer"), all(401)},
		{"another scheme", bare("Token " + rightToken), all(401)},
		{"a scheme and a tab", bare("Token\t" + rightToken), all(401)},
		{"an empty value", bare(""), all(401)},
		{"without a scheme, beside a right key", append(bare("wrong"), "X-Metrics-Key", rightKey), all(401)},
		{"a cookie that nobody gave out", []string{"Cookie", "gatehouse_session=made-up"}, all(401)},
		{"the name of this machine", []string{"Host", "localhost"}, all(401)},

		{"the right password", []string{"Authorization", basicHeader("admin", rightPassword)}, asAdmin},
		{"the scheme in lower case", []string{"Authorization", "b" + basicHeader("admin", rightPassword)[1:]}, asAdmin},
		{"a wrong password", []string{"Authorization", basicHeader("admin", "x")}, all(401)},
		{"a wrong name", []string{"Authorization", basicHeader("Admin", rightPassword)}, all(401)},
		{"empty name and password", []string{"Authorization", basicHeader("", "")}, all(401)},
		{"no colon", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("admin"))}, all(401)},
		{"bad base64", []string{"Authorization", "Basic ###"}, all(401)},
		{"an unknown scheme", []string{"Authorization", `Digest username="admin"`}, all(401)},
		{"an empty Authorization", []string{"Authorization", ""}, all(401)},
		{"a wrong password beside a right token", []string{"Authorization", basicHeader("admin", "x"), "X-API-Key", rightToken}, all(401)},

		{"a token", bearer(rightToken), asAdmin},
		{"the second token", bearer(secondToken), asAdmin},
		{"a token with blanks around it", []string{"Authorization", "Bearer   " + rightToken + " "}, asAdmin},
		{"a token as API key", []string{"X-API-Key", rightToken}, asAdmin},
		{"a wrong token", bearer("nope"), all(401)},
		{"no token", []string{"Authorization", "Bearer"}, all(401)},
		{"an empty token", []string{"Authorization", "Bearer "}, all(401)},
		{"the beginning of a token", bearer(rightToken[:len(rightToken)-1]), all(401)},
		{"more than a token", bearer(rightToken + "0"), all(401)},
		{"a token in capitals", bearer(strings.ToUpper(rightToken)), all(401)},
		{"the list of tokens", bearer(rightToken + "," + secondToken), all(401)},
		{"a wrong API key", []string{"X-API-Key", "nope"}, all(401)},
		{"an empty API key", []string{"X-API-Key", ""}, all(401)},
		{"a wrong API key beside the scrape key", []string{"X-API-Key", "nope", "X-Metrics-Key", rightKey}, all(401)},
		{"two Authorization headers", []string{"Authorization", "Bearer " + rightToken, "Authorization", "Bearer " + rightToken}, all(400)},
		{"two API keys", []string{"X-API-Key", rightToken, "X-Api-Key", "nope"}, all(400)},
		{"two scrape keys", []string{"X-Metrics-Key", rightKey, "x-metrics-key", rightKey}, all(400)},

		{"a made token of an admin", s.made("admin", "admin", "", 0), asAdmin},
		{"a made token of a pusher", s.made("pusher", "pusher", "", time.Hour), asPusher},
		{"a made token of a reader", s.made("reader", "reader", "", 0), asReader},
		{"a made token as API key", []string{"X-API-Key", strings.TrimPrefix(apiKey[1], "Bearer ")}, asPusher},
		{"a made token that was revoked", s.over(revoked, revoke(revoked)), all(401)},
		{"a made token that has expired", expired, all(401)},
		{"the end of a made token", bearer(apiKey[1][len(apiKey[1])-20:]), all(401)},
		{"a limited token of an admin", s.made("limited admin", "admin", `{job="x"}`, 0), asLimitedAdmin},
		{"a limited token of a pusher", s.made("limited pusher", "pusher", `{job="x"}`, 0), asLimitedPusher},
		{"a limited token of a reader", s.made("limited reader", "reader", `{job="x"}`, 0), asLimitedReader},
		{"a token of an admin, limited to others", s.made("away admin", "admin", `{job="y"}`, 0), limitedAway},
		{"a token of a pusher, limited to others", s.made("away pusher", "pusher", `{job="y"}`, 0), limitedAway},
		{"a token of a reader, limited to others", s.made("away reader", "reader", `{job=~"y|z"}`, 0), limitedAway},

		{"a session of an admin", s.begun("admin", auth.Admin), asSession},
		{"a session of a pusher", s.begun("pusher", auth.Pusher), asSession},
		{"a session of a reader", s.begun("reader", auth.Reader), asSession},
		{"a session of a reader, from a page", append(s.begun("here", auth.Reader), "Sec-Fetch-Site", "same-origin"), asSession},
		{"a session that was ended", s.over(ended, func() error { return s.store.EndSession(t.Context(), "ended", store.Origin{}) }), all(401)},
		{"a session beside a token", append(s.begun("beside", auth.Admin), s.made("beside", "reader", "", 0)...), asReader},
		{"a session beside the scrape key", append(s.begun("key", auth.Admin), "X-Metrics-Key", rightKey), fates{200, 200, 200, 200, 401, 401, 401, 401, 404}},
		{"a session beside a wrong token", append(s.begun("wrong", auth.Admin), bearer("nope")...), all(401)},

		{"the scrape key", []string{"X-Metrics-Key", rightKey}, asScraper},
		{"the scrape key as bearer", bearer(rightKey), asScraper},
		{"a wrong scrape key", []string{"X-Metrics-Key", "nope"}, all(401)},
		{"an empty scrape key", []string{"X-Metrics-Key", ""}, all(401)},
		{"the scrape key beside a wrong token", []string{"X-Metrics-Key", rightKey, "Authorization", "Bearer nope"}, all(401)},
		{"a wrong scrape key beside a right token", []string{"X-Metrics-Key", "nope", "Authorization", "Bearer " + rightToken}, asAdmin},
		{"the scrape key as API key", []string{"X-API-Key", rightKey}, all(401)},
		{"the scrape key as password", []string{"Authorization", basicHeader("admin", rightKey)}, all(401)},

		{"a JWT of an admin", jwt(claims()), asAdmin},
		{"a JWT of a pusher", jwt(claims("groups", []string{"pushers"})), asPusher},
		{"a JWT of a reader", jwt(claims("groups", []string{"readers"})), asReader},
		{"a JWT with 301 groups", jwt(claims("groups", many)), asReader},
		{"a JWT with a group that is a string", jwt(claims("groups", "admins")), asAdmin},
		{"a JWT with roles, which count before groups", jwt(claims("roles", []string{"readers"})), asReader},
		{"a JWT of nobody", jwt(claims("groups", []string{})), all(403)},
		{"a JWT without groups", jwt(claims("groups", issuertest.Drop)), all(403)},
		{"a JWT whose groups are elsewhere", jwt(claims("groups", issuertest.Drop, "_claim_names", map[string]any{"groups": "src1"})), all(403)},
		{"ES256", jwt(claims(), issuertest.WithAlg("ES256")), asAdmin},
		{"ES384", jwt(claims(), issuertest.WithAlg("ES384")), asAdmin},
		{"PS256", jwt(claims(), issuertest.WithAlg("PS256"), issuertest.WithKid(fake.Kid("RS256")), issuertest.WithKey(fake.Key("RS256"))), asAdmin},
		{"EdDSA", jwt(claims(), issuertest.WithAlg("EdDSA")), asAdmin},
		{"an audience among others", jwt(claims("aud", []string{"x", "other-audience"})), asAdmin},
		{"typ at+jwt", jwt(claims(), issuertest.WithHeader("typ", "at+jwt")), asAdmin},
		{"no typ", jwt(claims(), issuertest.WithHeader("typ", issuertest.Drop)), asAdmin},
		{"ended 10 s ago", jwt(claims("exp", in(-10*time.Second))), asAdmin},
		{"begins in 10 s", jwt(claims("nbf", in(10*time.Second))), asAdmin},
		{"ended a minute ago", jwt(claims("exp", in(-time.Minute))), all(401)},
		{"begins in five minutes", jwt(claims("nbf", in(5*time.Minute))), all(401)},
		{"another audience", jwt(claims("aud", "x")), all(401)},
		{"no audience", jwt(claims("aud", issuertest.Drop)), all(401)},
		{"an empty audience", jwt(claims("aud", "")), all(401)},
		{"another issuer", jwt(claims("iss", "https://evil.test")), all(401)},
		{"an issuer with a slash too many", jwt(claims("iss", fake.Issuer()+"/")), all(401)},
		{"no issuer", jwt(claims("iss", issuertest.Drop)), all(401)},
		{"no end", jwt(claims("exp", issuertest.Drop)), all(401)},
		{"an end at 0", jwt(claims("exp", 0)), all(401)},
		{"an end as text", jwt(claims("exp", "tomorrow")), all(401)},
		{"an end in a hundred years", jwt(claims("exp", in(100*366*24*time.Hour))), all(401)},
		{"alg none", jwt(claims(), issuertest.WithAlg("none")), all(401)},
		{"HS256 with the public key as secret", jwt(claims(), issuertest.WithAlg("HS256")), all(401)},
		{"HS256 with the modulus as secret", jwt(claims(), issuertest.WithAlg("HS256"), issuertest.WithKey(fake.Modulus())), all(401)},
		{"the key of somebody else", jwt(claims(), issuertest.WithKey(fake.Foreign())), all(401)},
		{"the key of somebody else with its kid", jwt(claims(), issuertest.WithKey(fake.Foreign()), issuertest.WithKid("foreign")), all(401)},
		{"a kid that is a number", jwt(claims(), issuertest.WithKid(1)), all(401)},
		{"a kid that is a path", jwt(claims(), issuertest.WithKid("../../etc/passwd")), all(401)},
		{"a kid that is huge", jwt(claims(), issuertest.WithKid(strings.Repeat("k", 10_000))), all(401)},
		{"no kid, with several keys", jwt(claims(), issuertest.WithoutKid()), all(401)},
		{"a logout token", jwt(claims(), issuertest.WithHeader("typ", "logout+jwt")), all(401)},
		{"critical extensions", jwt(claims(), issuertest.WithHeader("crit", []string{"exp"})), all(401)},
		{"claims that are no object", jwt(nil, issuertest.WithPayload(`[]`)), all(401)},
		{"claims that are nothing", jwt(nil, issuertest.WithPayload(`{}`)), all(401)},
		{"deeply nested claims", jwt(nil, issuertest.WithPayload(`{"a":`+strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000)+"}")), all(401)},
		{"two segments", bearer(strings.Join(strings.Split(fake.Token(claims()), ".")[:2], ".")), all(401)},
		{"four segments", bearer(fake.Token(claims()) + ".x"), all(401)},
		{"a signature cut short", bearer(strings.TrimRight(fake.Token(claims()), "=")[:200]), all(401)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got fates
			for i, c := range columns {
				s.t = t
				if c.method == "GET" && c.target == "/metrics/job/x" || c.method == "DELETE" {
					s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
				}
				a := s.do(c.method, c.target, "", test.headers...)
				got[i] = a.status
				s.wantRefusal(a)
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
func (s *served) wantRefusal(a answered) {
	s.t.Helper()
	challenges := a.header.Values("WWW-Authenticate")
	if (a.status == 401) != (len(challenges) > 0) && a.status != 403 {
		s.t.Errorf("%v: challenges %q", a, challenges)
	}
	if a.status >= 400 && a.header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("%v: Cache-Control %q", a, a.header.Get("Cache-Control"))
	}
	if a.status >= 400 && strings.Count(strings.TrimSpace(a.body), "\n") > 0 {
		s.t.Errorf("%v: more than one line", a)
	}
}

// withoutStreams are routes without those that answer until they are left.
func withoutStreams(routes []web.Route) []web.Route {
	return slices.DeleteFunc(routes, func(r web.Route) bool { return r.Path == "/events" })
}

func TestEveryRouteLetsInWhomItsActionSays(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)), func(c setup) { c.EnableLifecycle = true })
	h := newServer(Config{TelemetryPath: "/metrics", Admin: gateway.Admin{EnableAdminAPI: true}})
	roles := []auth.Role{auth.Reader, auth.Pusher, auth.Admin}
	for _, r := range withoutStreams(h.routes()) {
		target := strings.NewReplacer("*", "job/x", ":id", "x", ":operation", "x", ":example", "replace").Replace(r.Path)
		for method, e := range r.On {
			if e.Needs == auth.Public {
				continue
			}
			for i, role := range roles {
				// What ends sessions or the like must not end those of the next one.
				name := fmt.Sprint(r.Path, method, role)
				session := append(s.begun(name, role), "Sec-Fetch-Site", "same-origin")
				token := s.made(web.Shorten(name, 60)+strconv.Itoa(i), role.String(), "", time.Hour)
				for how, headers := range map[string][]string{"a session": session, "a token": token} {
					a := s.do(method, target, "", headers...)
					want := role.May(e.Needs)
					if how == "a session" && r.Kind != web.Page && method != "GET" {
						if a.status != 401 {
							t.Errorf("%s with %s of %s: %v, want 401", r.Path, how, role, a)
						}
						continue
					}
					if in := a.status != 401 && a.status != 403; in != want || a.status >= 500 {
						t.Errorf("%s with %s of %s: %v, let in %v, want %v", r.Path, how, role, a, in, want)
					}
				}
			}
		}
	}
}

func TestTheScrapeKeyInTheQueryIsForScrapes(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
	for _, test := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/metrics?key=" + rightKey, 200},
		{"HEAD", "/metrics?key=" + rightKey, 200},
		{"GET", "/metrics?match[]={job=%22x%22}&key=" + rightKey, 200},
		{"GET", "/metrics/job/x?key=" + rightKey, 200},
		{"GET", "/metrics/self?key=" + rightKey, 200},
		{"GET", "/api/v1/targets?key=" + rightKey, 200},
		{"GET", "/metrics?key=nope", 401},
		{"GET", "/metrics?key=", 401},
		{"GET", "/metrics?key=" + rightKey + "&key=" + rightKey, 400},
		{"GET", "/metrics?key=" + rightKey + "&key=nope", 400},
		{"OPTIONS", "/metrics?key=" + rightKey, 401},
		{"GET", "/?key=" + rightKey, 401},
		{"GET", "/api/v1/status?key=" + rightKey, 401},
		{"PUT", "/metrics/job/x?key=" + rightKey, 401},
		{"DELETE", "/metrics/job/x?key=" + rightKey, 401},
		{"GET", "/metrics?KEY=" + rightKey, 401},
		{"GET", "/metrics?access_token=" + rightToken, 401},
		{"GET", "/metrics?api_key=" + rightToken, 401},
	} {
		if a := s.do(test.method, test.target, ""); a.status != test.want {
			t.Errorf("%v, want %d", a, test.want)
		}
	}
	s.wantGroupings(`{job="x"}`)
	if strings.Contains(s.log.String(), rightKey) {
		t.Error("the key is in the log")
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)), func(c setup) { c.EnablePprof, c.EnableLifecycle = true, true })
	public := []string{"/health", "/-/healthy", "/-/ready"}
	h := newServer(Config{TelemetryPath: "/metrics", Admin: gateway.Admin{EnableAdminAPI: true}})
	var targets []string
	for _, r := range h.routes() {
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
			a := s.do(method, target, "")
			switch {
			case slices.Contains(public, target):
				want := 405
				if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) {
					want = 200
				}
				if a.status != want {
					t.Errorf("%v, want %d", a, want)
				}
			case strings.Contains(target, ".."):
				if a.status != 400 {
					t.Errorf("%v, want 400", a)
				}
			case a.status != 401:
				t.Errorf("%v, want 401", a)
			}
			if a.status == 401 && method != "HEAD" && !contains(a.body, "authentication is required") {
				t.Errorf("%v", a)
			}
		}
	}
	for _, target := range []string{"//metrics", "//health", "//debug/pprof/", "/./metrics?", "/x/../metrics"} {
		want := 401
		if strings.Contains(target, "/.") {
			want = 400
		}
		if a := s.raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); a.status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
	if s.quits.Load() != 0 {
		t.Error("a stranger has ended the server")
	}
}

func TestEveryRouteIsGuardedUnlessItIsOnTheList(t *testing.T) {
	public := []string{"/-/healthy", "/-/ready", "/health", "/static/*", "/favicon.ico", "/login", "/auth/login", "/auth/callback", "/auth/backchannel", ""}
	h := newServer(Config{TelemetryPath: "/metrics", Admin: gateway.Admin{EnableAdminAPI: true}, RoutePrefix: "/pg"})
	for _, r := range slices.Concat(h.routes(), h.gateway.ScrapeRoutes(), h.gateway.HealthRoutes()) {
		for method, e := range r.On {
			if (e.Needs == auth.Public) != slices.Contains(public, r.Path) {
				t.Errorf("%s %s needs action %d", method, r.Path, e.Needs)
			}
		}
	}
}

func TestARouteThatNobodyMayUseIsAnError(t *testing.T) {
	h := newServer(Config{})
	if _, err := h.listener.Serve([]web.Route{web.Get(web.Plain, "/x", web.Endpoint{Name: "x", Needs: 0, Do: nil})}); err == nil || err.Error() != "nobody is allowed to GET /x" {
		t.Errorf("got %v", err)
	}
}

func TestRefusalsAreToldInTheClientsWay(t *testing.T) {
	fake := issuertest.New(t)
	tokensOnly := func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{rightToken}) }
	basicOnly := func(c setup) {
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: rightPassword})
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
		change     func(setup)
		method     string
		target     string
		headers    []string
		status     int
		body       string
		challenges []string
	}{
		{"a client without credentials", everything(fake), "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer, basic}},
		{"where only tokens are known", tokensOnly, "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer}},
		{"where only passwords are known", basicOnly, "PUT", "/metrics/job/x", nil, 401, needed, []string{bearer, basic}},
		{"below the JSON API", everything(fake), "GET", "/api/v1/status", nil, 401, asJSON("unauthorized", needed), []string{bearer, basic}},
		{"who asks for JSON", everything(fake), "GET", "/metrics", []string{"Accept", "application/json"}, 401, asJSON("unauthorized", needed), []string{bearer, basic}},
		{"a wrong token", everything(fake), "GET", "/metrics", []string{"Authorization", "Bearer x"}, 401, wrong, []string{invalid, basic}},
		{"a forged JWT", everything(fake), "GET", "/metrics", []string{"Authorization", "Bearer " + fake.Token(nil, issuertest.WithKey(fake.Foreign()))}, 401, wrong, []string{invalid, basic}},
		{"a wrong password", everything(fake), "GET", "/metrics", []string{"Authorization", basicHeader("admin", "x")}, 401, wrong, []string{bearer, basic}},
		{"a browser that opens what is no page", everything(fake), "GET", "/metrics", []string{"Accept", "text/html,*/*;q=0.8", "Sec-Fetch-Mode", "navigate"}, 401, needed, []string{bearer}},
		{"an old browser", basicOnly, "GET", "/metrics", []string{"Accept", "text/html"}, 401, needed, []string{bearer}},
		{"a page's own request", everything(fake), "GET", "/api/v1/status", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}, 401, asJSON("unauthorized", needed), []string{bearer}},
		{"a request of htmx", everything(fake), "GET", "/", []string{"HX-Request", "true"}, 401, needed, []string{bearer}},
		{"a JWT that may not", everything(fake), "PUT", "/metrics/job/x", []string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "readers"})}, 403, "the credential does not allow this\n", []string{bearer + `, error="insufficient_scope"`}},
		{"a credential twice", everything(fake), "GET", "/", []string{"X-API-Key", "a", "X-API-Key", "b"}, 400, "a credential is given twice\n", nil},
		{"a page of another site", everything(fake), "DELETE", "/metrics/job/x", []string{"Authorization", basicHeader("admin", rightPassword), "Sec-Fetch-Site", "cross-site"}, 403, "cross-site requests are not allowed\n", nil},
		{"a page of another site with a token", everything(fake), "DELETE", "/metrics/job/x", []string{"X-API-Key", rightToken, "Origin", "https://evil.test"}, 403, "cross-site requests are not allowed\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.change)
			a := s.do(test.method, test.target, "", test.headers...)
			if challenges := a.header.Values("WWW-Authenticate"); a.status != test.status || a.body != test.body || !slices.Equal(challenges, test.challenges) {
				t.Errorf("%v %q\nwant %d %q %q", a, challenges, test.status, test.body, test.challenges)
			}
			if a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
			}
		})
	}
}

func TestAJWTCannotBeCheckedWhileTheIssuerIsDown(t *testing.T) {
	fake := issuertest.New(t)
	fake.Down()
	s := serve(t, everything(fake))
	genuine := "Bearer " + fake.Token(map[string]any{"groups": "admins"})
	a := s.get("/metrics", "Authorization", genuine)
	if a.status != 503 || a.header.Get("Retry-After") != "10" || a.body != "the credential cannot be checked at present; try again\n" {
		t.Errorf("%v %v", a, a.header)
	}
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{"Authorization", "Bearer " + rightToken}, 200},
		{[]string{"Authorization", "Bearer " + rightKey}, 200},
		{[]string{"Authorization", "Bearer a.b.c"}, 401},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"iss": "https://evil.test"})}, 401},
		{[]string{"Authorization", basicHeader("admin", rightPassword)}, 200},
	} {
		if a := s.get("/metrics", test.headers...); a.status != test.want {
			t.Errorf("%v, want %d", a, test.want)
		}
	}
	fake.Up()
	s.eventually("the JWT is taken", func() bool { return s.get("/metrics", "Authorization", genuine).status == 200 })
	fake.SetJWKS(issuertest.HTML)
	if a := s.get("/metrics", "Authorization", genuine); a.status != 200 {
		t.Errorf("%v", a)
	}
}

// eventually waits for what must come soon.
func (s *served) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); !holds(); {
		select {
		case <-tick:
		case <-deadline:
			s.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestAJWTThatEqualsAnAPITokenIsThat(t *testing.T) {
	fake := issuertest.New(t)
	odd := fake.Token(map[string]any{"aud": "somebody else"})
	s := serve(t, everything(fake), func(c setup) { c.Guard.Tokens = credential.NewTokens([]string{odd}) })
	s.put("/metrics/job/x", "a 1\n", "Authorization", "Bearer "+odd)
	if by := s.group("/metrics/job/x").Origin.By; by != "API_TOKENS[1]" {
		t.Errorf("pushed by %q", by)
	}
}

func TestForgedTokensCauseOneFetch(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake), func(c setup) {
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Hour, Logger: c.Logger})
	})
	for i := range 200 {
		token := fake.Token(map[string]any{"groups": "admins"}, issuertest.WithKey(fake.Key("RS256")), issuertest.WithKid(fmt.Sprintf("forged-%d", i)))
		if a := s.get("/metrics", "Authorization", "Bearer "+token); a.status != 401 {
			t.Fatal(a)
		}
	}
	if _, jwks := fake.Fetches(); jwks != 1 {
		t.Errorf("%d fetches", jwks)
	}
	if a := s.get("/metrics", "Authorization", "Bearer "+fake.Token(map[string]any{"groups": "admins"})); a.status != 200 {
		t.Errorf("%v", a)
	}
}

func TestRequiredClaimsAreRequired(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake), func(c setup) {
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
		if a := s.get("/", "Authorization", "Bearer "+fake.Token(test.claims)); a.status != test.want {
			t.Errorf("%v: %v, want %d", test.claims, a, test.want)
		}
	}
}

func TestWhoPushedIsKept(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake))
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Authorization", basicHeader("admin", rightPassword)}, "admin"},
		{[]string{"X-API-Key", secondToken}, "API_TOKENS[2]"},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "pushers"})}, issuertest.Subject},
		{[]string{"Authorization", "Bearer " + fake.Token(map[string]any{"groups": "pushers", "preferred_username": "bob"})}, "bob"},
	} {
		s.put("/metrics/job/x", "a 1\n", test.headers...)
		if o := s.group("/metrics/job/x").Origin; o.By != test.want || o.From != "127.0.0.1" {
			t.Errorf("pushed by %q from %q, want %q", o.By, o.From, test.want)
		}
	}
}

func TestWithNothingConfiguredEverythingIsOpen(t *testing.T) {
	s := serve(t, func(c setup) { c.EnableAdminAPI = true })
	for _, headers := range [][]string{nil, {"Authorization", "Bearer whatever"}, {"Authorization", basicHeader("a", "b")}, {"X-API-Key", "x"}, {"X-Metrics-Key", "x"}} {
		for i, c := range columns {
			if a := s.do(c.method, c.target, "", headers...); a.status != asAdmin[i] && c.target != "/metrics/job/x" {
				t.Errorf("%q: %v, want %d", headers, a, asAdmin[i])
			}
		}
	}
}

func TestTenWrongPasswordsLockPasswordsOnly(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	for i := range 10 {
		if a := s.get("/", "Authorization", basicHeader("admin", fmt.Sprint(i))); a.status != 401 {
			t.Fatalf("attempt %d: %v", i, a)
		}
	}
	a := s.get("/", "Authorization", basicHeader("admin", rightPassword))
	if a.status != 429 || a.header.Get("Retry-After") == "" || a.header.Get("Retry-After") == "0" || a.body != "too many failed sign-ins; try again later\n" {
		t.Errorf("%v %v", a, a.header)
	}
	if a := s.get("/", "X-API-Key", rightToken); a.status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.get("/metrics", "X-Metrics-Key", rightKey); !contains(a.body,
		`gatehouse_auth_decisions_total{result="throttled",scheme="basic"} 1`,
		`gatehouse_auth_decisions_total{result="refused",scheme="basic"} 10`,
		`gatehouse_auth_decisions_total{result="allowed",scheme="api_token"} 1`,
	) {
		t.Error("the decisions are not counted")
	}
}

func TestNoBodyIsReadFromStrangers(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	// Nothing of the body is ever sent beyond its first bytes.
	a := s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("# comment\n", 1<<10))
	if a.status != http.StatusUnauthorized {
		t.Errorf("%v", a)
	}
	a = s.raw("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n" + strings.Repeat("# comment\n", 1<<10))
	if a.status != http.StatusUnauthorized {
		t.Errorf("%v", a)
	}
}

func TestWhateverTheIssuerPublishesGoodKeysStay(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake), func(c setup) {
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Nanosecond, MaxAge: time.Nanosecond, Timeout: 100 * time.Millisecond, Observe: c.Metrics.KeysFetched})
		t.Cleanup(c.Guard.Issuer.Close)
	})
	admin := map[string]any{"groups": "admins"}
	genuine := []string{"Authorization", "Bearer " + fake.Token(admin)}
	forged := []string{"Authorization", "Bearer " + fake.Token(admin, issuertest.WithAlg("HS256"), issuertest.WithKey(fake.Secret()), issuertest.WithKid(fake.Kid("RS256")))}
	if a := s.get("/", genuine...); a.status != 200 {
		t.Fatal(a)
	}
	for _, mode := range []issuertest.Mode{
		issuertest.HTML, issuertest.Empty, issuertest.Oct, issuertest.Huge, issuertest.Redirect, issuertest.ServerError, issuertest.Hang, issuertest.EncUse, issuertest.WeakRSA,
	} {
		t.Run(string(mode), func(t *testing.T) {
			s.t = t
			fake.SetJWKS(mode)
			_, before := fake.Fetches()
			s.eventually("it is asked twice", func() bool {
				if a := s.get("/", genuine...); a.status != 200 {
					t.Fatal(a)
				}
				if a := s.get("/", forged...); a.status != 401 {
					t.Fatal(a)
				}
				_, now := fake.Fetches()
				return now >= before+2
			})
			if a := s.get("/", genuine...); a.status != 200 {
				t.Error(a)
			}
		})
	}
	s.t = t
	fake.SetJWKS(issuertest.OK)
	fake.Rotate(false)
	rotated := []string{"Authorization", "Bearer " + fake.Token(admin)}
	s.eventually("the new key is taken", func() bool { return s.get("/", rotated...).status == 200 })
	s.eventually("the old key is dropped", func() bool { return s.get("/", genuine...).status == 401 })
}

func TestAnswersBehindTheGuardAreForNoSharedCache(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)))
	s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
	for _, target := range []string{"/", "/metrics", "/metrics/job/x", "/api/v1/targets"} {
		if a := s.get(target, "X-API-Key", rightToken); a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%v: %q", a.request, a.header.Get("Cache-Control"))
		}
	}
}

func TestACredentialWithoutASchemeReadsMetricsAndElsewhereIsToldWhatIsMissing(t *testing.T) {
	fake := issuertest.New(t)
	s := serve(t, everything(fake))
	s.put("/metrics/job/x", "a 1\n", "X-API-Key", rightToken)
	const missing, wrong = "the credential is not valid: its scheme is missing; write Bearer in front of a token", "the credential is not valid"
	jwt := fake.Token(map[string]any{"groups": []string{"admins"}})
	for _, test := range []struct {
		method, target, value string
		want                  string // empty: it is let in
	}{
		{"GET", "/api/v1/targets", rightToken, ""},
		{"HEAD", "/api/v1/targets", rightKey, ""},
		{"HEAD", "/metrics", rightKey, ""},
		{"GET", "/metrics/self", rightKey, ""},
		{"GET", "/metrics/job/x", secondToken, ""},
		{"GET", "/metrics", "wrong", wrong},
		{"GET", "/metrics", "", wrong},
		{"GET", "/metrics", jwt, missing},
		{"PUT", "/metrics/job/x", rightToken, missing},
		{"POST", "/metrics/job/x", rightToken, missing},
		{"DELETE", "/metrics/job/x", rightToken, missing},
		{"POST", "/metrics", rightToken, missing},
		{"OPTIONS", "/metrics", rightKey, missing},
		{"GET", "/api/v1/groupings", rightToken, missing},
		{"GET", "/api/v1/status", rightToken, missing},
		{"GET", "/", rightToken, missing},
		{"GET", "/nowhere", rightToken, missing},
		{"PUT", "/-/quit", "wrong", missing},
	} {
		a := s.do(test.method, test.target, "", "Authorization", test.value)
		if test.want == "" {
			if a.status != 200 {
				t.Errorf("%s %s: %v", test.method, test.target, a)
			}
			continue
		}
		text := strings.TrimSuffix(a.body, "\n")
		if strings.HasPrefix(test.target, "/api/") {
			text = strings.TrimSuffix(text[strings.Index(text, `"error":"`)+9:], `"}`)
		}
		if a.status != 401 || text != test.want || !strings.Contains(strings.Join(a.header.Values("WWW-Authenticate"), " "), "Bearer realm") {
			t.Errorf("%v %v, want %q", a, a.header, test.want)
		}
	}
	if log := s.log.String(); strings.Contains(log, rightToken) || strings.Contains(log, rightKey) || strings.Contains(log, jwt) {
		t.Errorf("the log has a credential:\n%s", log)
	}
}

func TestTheListenerForScrapesTakesTheKeyWithoutAScheme(t *testing.T) {
	s := serve(t, func(c setup) { c.onlyScrapes(); c.Guard.ScrapeKey = credential.NewSecret(rightKey) })
	for value, want := range map[string]int{rightKey: 200, "Bearer " + rightKey: 200, "wrong": 401} {
		if a := s.get("/api/v1/targets", "Authorization", value); a.status != want {
			t.Errorf("%v, want %d", a, want)
		}
	}
}
