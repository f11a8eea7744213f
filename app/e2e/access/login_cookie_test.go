package access

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestCookiesBelongToTheAddressThatIsConfigured(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	plain := p.NewSite(t).Start(t)
	// Behind a proxy, the address is the proxy's.
	s := harness.NewSite(t, nil, harness.RoleMap)
	proxy := harness.StartNginxTLS(t, s.Server, "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Forwarded-Proto $scheme;")
	s.Origin = proxy.URL
	s.Of(t, p)
	s.Args = append(s.Args, "--web.trusted-proxies=127.0.0.1")
	s.Start(t)

	for _, test := range []struct {
		site           *harness.Site
		session, login string
		secure         bool
	}{
		{s, "__Host-gatehouse-" + s.CookieSuffix(), "__Host-gatehouse-login-" + s.CookieSuffix(), true},
		{plain, plain.CookieName("session"), plain.CookieName("login"), false},
	} {
		v := harness.NewVisitor(t)
		v.Stop = p.Issuer
		v.Open(test.site.At("/auth/login?next=/"))
		flags(t, v.SetCookies(test.login), test.secure, false)
		v.Stop = ""
		if a := v.SignsIn(test.site, "reader.cookies", "/account"); a.Status != 200 {
			t.Fatalf("%v at %v", a.Answer, a.At)
		}
		flags(t, v.SetCookies(test.session), test.secure, false)
		v.Stop = p.Issuer
		v.Submit(test.site.At("/auth/logout"))
		flags(t, v.SetCookies(test.session), test.secure, true)

		// Nobody's headers change that.
		a := test.site.Do("GET", "/auth/login?next=/", "", "X-Forwarded-Proto", "gopher", "X-Forwarded-Host", "evil.example", "X-Forwarded-For", "127.0.0.1",
			"Forwarded", "host=evil.example;proto=gopher", "X-Forwarded-Port", "1", "X-Forwarded-Prefix", "/evil", "X-Original-URL", "/evil")
		v.Sets = a.Header.Values("Set-Cookie")
		flags(t, v.SetCookies(test.login), test.secure, false)
		if to := valueOf(t, a.Header.Get("Location"), "redirect_uri"); a.Status != 303 || to != test.site.At("/auth/callback") {
			t.Errorf("%v leads back to %q", a, to)
		}
	}

	// A browser keeps them.
	b := harness.StartBrowser(t, "ignore-certificate-errors=true").Strictly()
	b.Open(s.At("/"))
	b.SignsIn(s, "reader.browser")
	if c := b.Cookies()["__Host-gatehouse-"+s.CookieSuffix()]; c == nil || !c.Secure || !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || strings.HasPrefix(c.Domain, ".") {
		t.Errorf("the browser has %+v", c)
	}
	b.Silent()
}

// flags checks all attributes of a cookie.
func flags(t *testing.T, cookies []string, secure, ends bool) {
	t.Helper()
	if len(cookies) != 1 {
		t.Errorf("%d cookies, want one", len(cookies))
		return
	}
	name, rest, _ := strings.Cut(cookies[0], "=")
	_, attributes, _ := strings.Cut(rest, ";")
	attributes = strings.ToLower(attributes) + ";"
	for attribute, want := range map[string]bool{"httponly;": true, "samesite=lax;": true, "path=/;": true, "secure;": secure, "domain": false} {
		if got := strings.Contains(attributes, attribute); got != want {
			t.Errorf("%s has %s: %t, want %t", name, attribute, got, want)
		}
	}
	if empty := strings.HasPrefix(rest, ";"); empty != ends {
		t.Errorf("%s ends: %t, want %t (%s)", name, empty, ends, attributes)
	}
}
