package e2e

import (
	"net/url"
	"strings"
	"testing"
)

func TestAnOutageOfTheProviderStopsNothingButLogins(t *testing.T) {
	t.Parallel()
	// Its port stays free while it is down: few things bind this address.
	const host = "127.0.0.10"
	p := startProviderOn(t, host, "0")
	s := p.site(t)
	p.kill()
	s.start(t)
	s.want(200, "GET", "/-/ready", "")
	s.put("/metrics/job/x", "a 1\n", "X-API-Key", s.token)
	v := newVisitor(t)
	if a := v.sees(401, s.at("/?q=x")); !strings.Contains(a.body, `id="oidc"`) || !strings.Contains(a.body, host) {
		t.Errorf("the sign-in page says %s", a.body)
	}
	v.sees(503, s.at("/auth/login?next=/")).problem(t, "without a provider", 503)

	_, port, _ := strings.Cut(strings.TrimPrefix(p.issuer, "http://"), ":")
	p = startProviderOn(t, host, port)
	p.knows(t, s.client)
	until(t, "the provider to be noticed", func() string {
		if a := v.open(s.at("/auth/login?next=/account")); a.status != 200 {
			return a.String()
		}
		return ""
	})
	if a := v.signsIn(s, "reader.back", "/account"); a.status != 200 || a.at.Path != "/account" {
		t.Fatalf("%v at %v", a.answer, a.at)
	}

	// New keys are for those who come, not for those who are here.
	p.rotate("")
	v.sees(200, s.at("/account"))
	until(t, "a login with the new keys", func() string {
		v := newVisitor(t)
		switch a := v.signsIn(s, "reader.later", "/account"); a.status {
		case 200:
			return ""
		case 403, 503: // keys are fetched once in some seconds, however many ask for them
			return a.String()
		default:
			t.Fatalf("%v at %v", a.answer, a.at)
			return ""
		}
	})

	p.kill()
	v.sees(200, s.at("/account"))
	session := v.session(s)
	v.stop = p.issuer // nobody is there
	if a := v.submit(s.at("/auth/logout")); leavesFor.FindString(a.body) == "" && a.status != 401 {
		t.Errorf("leaving while the provider is down: %v", a.answer)
	}
	if status := s.statusWith(session); status != 401 {
		t.Errorf("then the session gives %d", status)
	}
}

func TestSessionsTokensAndHalfALoginSurviveACrash(t *testing.T) {
	t.Parallel()
	s := startProvider(t).site(t).start(t)
	v, half := newVisitor(t), newVisitor(t)
	v.signsIn(s, "admin.survives", "/")
	session, callback := v.session(s), half.callback(s, "reader.half-way")
	_, token := s.makes(s.token, `{"name": "robot", "role": "pusher", "limit": "{job=\"backup\"}"}`)
	s.put("/metrics/job/backup", "a 1\n", "X-API-Key", token)
	ended := newVisitor(t)
	ended.signsIn(s, "reader.ended", "/")
	gone := ended.session(s)
	ended.stop = s.provider.issuer
	ended.submit(s.at("/auth/logout"))

	s.kill()
	s.start(t)
	if status := s.statusWith(session); status != 200 {
		t.Errorf("the session gives %d", status)
	}
	if status := s.statusWith(gone); status != 401 {
		t.Errorf("the session that was ended gives %d", status)
	}
	s.put("/metrics/job/backup", "a 2\n", "X-API-Key", token)
	s.want(403, "PUT", "/metrics/job/other", "a 1\n", "X-API-Key", token)
	if a := half.open(callback); a.status != 200 || half.session(s) == "" {
		t.Errorf("the login that had begun ends with %v at %v", a.answer, a.at)
	}

	// What is good in one place is good in no other.
	for _, headers := range [][]string{
		{"Authorization", "Bearer " + session},
		{"X-API-Key", session},
		{"Cookie", s.cookie("session") + "=" + token},
		{"Cookie", s.cookie("session") + "=" + s.token},
		{"Cookie", "__Host-gatehouse=" + session},
		{"Cookie", "__Host-gatehouse-" + s.suffix() + "=" + session},
		{"Cookie", s.cookie("login") + "=" + session},
		{"Cookie", "gatehouse_session_00000000=" + session},
		{"Cookie", s.cookie("session") + "=" + session[:len(session)-1]},
	} {
		s.want(401, "GET", "/api/v1/status", "", headers...)
	}
	v.jar.SetCookies(mustURL(t, s.origin), nil)
	for _, c := range v.jar.Cookies(mustURL(t, s.origin)) {
		if c.Name != s.cookie("session") {
			t.Errorf("the browser keeps the cookie %s", c.Name)
		}
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}
