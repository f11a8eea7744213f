package guard

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

func newGuard(t *testing.T, c Config) *Guard {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// request makes a request that comes from nowhere in particular.
func request(t *testing.T, headers ...string) *fiber.Ctx {
	t.Helper()
	app := fiber.New()
	c := app.AcquireCtx(&fasthttp.RequestCtx{})
	t.Cleanup(func() { app.ReleaseCtx(c) })
	c.Request().SetRequestURI("/metrics/job/x?key=the-key")
	for i := 0; i < len(headers); i += 2 {
		c.Request().Header.Add(headers[i], headers[i+1])
	}
	return c
}

func TestTheSameDenialIsLoggedOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	g := newGuard(t, Config{Tokens: credential.NewTokens([]string{"right"}), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 100 {
		if err := g.Require(auth.Push)(request(t, "X-API-Key", "wrong-key")); !errors.Is(err, auth.ErrBadCredential) {
			t.Fatal(err)
		}
	}
	_ = g.Require(auth.Push)(request(t))
	if n := strings.Count(log.String(), "Denied a request"); n != 2 {
		t.Errorf("%d lines, want one for each reason:\n%s", n, log.String())
	}
	for _, hidden := range []string{"wrong-key", "the-key"} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("the log holds a credential:\n%s", log.String())
		}
	}
}

func TestWhatIsRememberedAboutDenialsIsBounded(t *testing.T) {
	g := newGuard(t, Config{Tokens: credential.NewTokens([]string{"right"}), Trusted: auth.Prefixes{netip.MustParsePrefix("0.0.0.0/0")}})
	for i := range 3 * maxIncidents {
		_ = g.Require(auth.Push)(request(t, "X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i/256, i%256)))
	}
	if n := g.reported.Len(); n > maxIncidents {
		t.Errorf("remembers %d", n)
	}
}

func TestEveryActiveMethodIsListed(t *testing.T) {
	users := credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: "p"})
	keys := issuer.New(issuer.Options{Issuer: "https://issuer.test"})
	t.Cleanup(keys.Close)
	claims := jwt.ClaimRules{Issuer: "https://issuer.test", Audiences: []string{"a", "b"}, DefaultRole: auth.Reader}
	mapped := claims
	mapped.RoleMap, mapped.DefaultRole = map[string]auth.Role{"x": auth.Admin}, auth.NoRole
	named := mapped
	named.RoleClaim = "realm_access.roles"
	for _, test := range []struct {
		name string
		c    Config
		want []string
	}{
		{"nothing", Config{}, []string{"none admin: no credential is required"}},
		{"nothing, whatever the bypass", Config{Bypass: BypassOn}, []string{"none admin: no credential is required"}},
		{"a scrape key", Config{ScrapeKey: credential.NewSecret("k")}, []string{
			"scrape_key reader: everything that can be read; also on the sign-in page",
			"none pusher: PUT, POST and DELETE of /metrics/job/… and the push page only",
		}},
		{"a scrape key, whatever the bypass", Config{ScrapeKey: credential.NewSecret("k"), Bypass: BypassOn}, []string{
			"scrape_key reader: everything that can be read; also on the sign-in page",
			"none pusher: PUT, POST and DELETE of /metrics/job/… and the push page only",
		}},
		{"a scrape key beside a token", Config{ScrapeKey: credential.NewSecret("k"), Tokens: credential.NewTokens([]string{"a"})}, []string{
			"api_token admin: tokens: 1", "scrape_key scraper: GET and HEAD of metrics and targets",
		}},
		{"a password", Config{Passwords: users, Bypass: BypassSameUser}, []string{"basic admin: users: 1", "localhost admin: processes of the server's own user on this machine"}},
		{"tokens", Config{Tokens: credential.NewTokens([]string{"a", "b"}), Bypass: BypassOn}, []string{"api_token admin: tokens: 2", "localhost admin: every process on this machine"}},
		{"an issuer", Config{Issuer: keys, Claims: claims}, []string{"jwt reader: issuer https://issuer.test, audience a or b"}},
		{"roles", Config{Issuer: keys, Claims: mapped}, []string{"jwt by claim roles or groups, else none: issuer https://issuer.test, audience a or b"}},
		{"roles in a claim", Config{Issuer: keys, Claims: named}, []string{"jwt by claim realm_access.roles, else none: issuer https://issuer.test, audience a or b"}},
		{"certificates", Config{Settings: Settings{CertificateRole: auth.Pusher}}, []string{"certificate pusher: verified client certificate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, m := range newGuard(t, test.c).Methods() {
				got = append(got, string(m.Scheme)+" "+m.Grants+": "+m.Detail)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestAPrincipalIsKnownBehindTheGuardOnly(t *testing.T) {
	if p := Principal(request(t)); p != (auth.Principal{}) || p.Role.May(auth.Read) {
		t.Errorf("got %v", p)
	}
}

func TestWhatIsWrittenIntoTheLogIsBounded(t *testing.T) {
	for in, want := range map[string]string{
		"x":                             "x",
		strings.Repeat("x", 300):        strings.Repeat("x", 256),
		strings.Repeat("x", 255) + "ü":  strings.Repeat("x", 255),
		"\xff" + strings.Repeat("x", 3): "xxx",
	} {
		if got := shortened(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}
