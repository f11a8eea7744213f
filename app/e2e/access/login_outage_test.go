package access

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestAnOutageOfTheProviderStopsNothingButLogins(t *testing.T) {
	t.Parallel()
	// Its port stays free while it is down: few things bind this address.
	const host = "127.0.0.10"
	p := harness.StartProviderOn(t, host, "0")
	s := p.NewSite(t)
	p.Kill()
	s.Start(t)
	s.Want(200, "GET", "/-/ready", "")
	s.Put("/metrics/job/x", "a 1\n", "X-API-Key", s.Token)
	v := harness.NewVisitor(t)
	if a := v.Sees(401, s.At("/?q=x")); !strings.Contains(a.Body, `id="oidc"`) || !strings.Contains(a.Body, host) {
		t.Errorf("the sign-in page says %s", a.Body)
	}
	v.Sees(503, s.At("/auth/login?next=/")).Problem(t, "without a provider", 503)

	_, port, _ := strings.Cut(strings.TrimPrefix(p.Issuer, "http://"), ":")
	p = harness.StartProviderOn(t, host, port)
	p.Knows(t, s.Client)
	harness.Until(t, "the provider to be noticed", func() string {
		if a := v.Open(s.At("/auth/login?next=/account")); a.Status != 200 {
			return a.String()
		}
		return ""
	})
	if a := v.SignsIn(s, "reader.back", "/account"); a.Status != 200 || a.At.Path != "/account" {
		t.Fatalf("%v at %v", a.Answer, a.At)
	}

	// New keys are for those who come, not for those who are here.
	p.Rotate("")
	v.Sees(200, s.At("/account"))
	harness.Until(t, "a login with the new keys", func() string {
		v := harness.NewVisitor(t)
		switch a := v.SignsIn(s, "reader.later", "/account"); a.Status {
		case 200:
			return ""
		case 403, 503: // keys are fetched once in some seconds, however many ask for them
			return a.String()
		default:
			t.Fatalf("%v at %v", a.Answer, a.At)
			return ""
		}
	})

	p.Kill()
	v.Sees(200, s.At("/account"))
	session := v.Session(s)
	v.Stop = p.Issuer // nobody is there
	if a := v.Submit(s.At("/auth/logout")); harness.LeavesFor.FindString(a.Body) == "" && a.Status != 401 {
		t.Errorf("leaving while the provider is down: %v", a.Answer)
	}
	if status := statusWith(s, session); status != 401 {
		t.Errorf("then the session gives %d", status)
	}
}

func TestSessionsTokensAndHalfALoginSurviveACrash(t *testing.T) {
	t.Parallel()
	s := harness.StartProvider(t).NewSite(t).Start(t)
	v, half := harness.NewVisitor(t), harness.NewVisitor(t)
	v.SignsIn(s, "admin.survives", "/")
	session, callback := v.Session(s), half.Callback(s, "reader.half-way")
	_, token := makes(s.Server, s.Token, `{"name": "robot", "role": "pusher", "limit": "{job=\"backup\"}"}`)
	s.Put("/metrics/job/backup", "a 1\n", "X-API-Key", token)
	ended := harness.NewVisitor(t)
	ended.SignsIn(s, "reader.ended", "/")
	gone := ended.Session(s)
	ended.Stop = s.Provider.Issuer
	ended.Submit(s.At("/auth/logout"))

	s.Kill()
	s.Start(t)
	if status := statusWith(s, session); status != 200 {
		t.Errorf("the session gives %d", status)
	}
	if status := statusWith(s, gone); status != 401 {
		t.Errorf("the session that was ended gives %d", status)
	}
	s.Put("/metrics/job/backup", "a 2\n", "X-API-Key", token)
	s.Want(403, "PUT", "/metrics/job/other", "a 1\n", "X-API-Key", token)
	if a := half.Open(callback); a.Status != 200 || half.Session(s) == "" {
		t.Errorf("the login that had begun ends with %v at %v", a.Answer, a.At)
	}

	// What is good in one place is good in no other.
	for _, headers := range [][]string{
		{"Authorization", "Bearer " + session},
		{"X-API-Key", session},
		{"Cookie", s.CookieName("session") + "=" + token},
		{"Cookie", s.CookieName("session") + "=" + s.Token},
		{"Cookie", "__Host-gatehouse=" + session},
		{"Cookie", "__Host-gatehouse-" + s.CookieSuffix() + "=" + session},
		{"Cookie", s.CookieName("login") + "=" + session},
		{"Cookie", "gatehouse_session_00000000=" + session},
		{"Cookie", s.CookieName("session") + "=" + session[:len(session)-1]},
	} {
		s.Want(401, "GET", "/api/v1/status", "", headers...)
	}
	v.Jar.SetCookies(harness.MustURL(t, s.Origin), nil)
	for _, c := range v.Jar.Cookies(harness.MustURL(t, s.Origin)) {
		if c.Name != s.CookieName("session") {
			t.Errorf("the browser keeps the cookie %s", c.Name)
		}
	}
}
