package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/app/webconfig"
	"gatehouse/auth"
	"gatehouse/auth/guard"
)

func TestBeingLocalHelpsOnlyWhereItCanBeTold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the owner of a socket can be told on Linux only")
	}
	proxies, err := auth.ParsePrefixes([]string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, setting, external string
		tls                     bool
		proxies                 auth.Prefixes
		want                    guard.Bypass
	}{
		{"as it comes", "auto", "", false, nil, guard.BypassSameUser},
		{"under a local name", "auto", "http://localhost:9091/x", false, nil, guard.BypassSameUser},
		{"under a local address", "auto", "http://127.0.0.1", false, nil, guard.BypassSameUser},
		{"under a local address of IPv6", "auto", "http://[::1]:9091", false, nil, guard.BypassSameUser},
		{"under a public name", "auto", "http://push.example.org", false, nil, guard.BypassOff},
		{"under a public address", "auto", "http://192.0.2.1", false, nil, guard.BypassOff},
		{"with TLS", "auto", "", true, nil, guard.BypassOff},
		{"behind proxies", "auto", "", false, proxies, guard.BypassOff},
		{"on", "true", "", false, nil, guard.BypassOn},
		{"on, under a public name with TLS", "true", "https://push.example.org", true, nil, guard.BypassOn},
		{"off", "false", "", false, nil, guard.BypassOff},
	} {
		signIn := Options{Auth: AuthOptions{LocalhostBypass: test.setting, TrustedProxies: test.proxies, ClientID: "x"}}
		if got := bypass(signIn, test.tls); test.setting == "auto" && got != guard.BypassOff {
			t.Errorf("%s, where people sign in: %d", test.name, got)
		}
		o := Options{Auth: AuthOptions{LocalhostBypass: test.setting, TrustedProxies: test.proxies}}
		if test.external != "" {
			if o.ExternalURL, err = url.Parse(test.external); err != nil {
				t.Fatal(err)
			}
		}
		if got := bypass(o, test.tls); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestTheStartWarnsOfWhatIsOpen(t *testing.T) {
	const everything = "No authentication is configured: everyone"
	const butScrapes = "No authentication is configured but the scrape key"
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing", nil, everything},
		{"a scrape key", map[string]string{"METRICS_VERIFICATION_KEY": "0123456789abcdef"}, butScrapes},
		{"a token", map[string]string{"API_TOKENS": "0123456789abcdef"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			var log bytes.Buffer
			a := New(options(t), slog.New(slog.NewTextHandler(&log, nil)))
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			stop(t, a)
			var warnings []string
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "level=WARN") {
					warnings = append(warnings, line)
				}
			}
			if test.want == "" && len(warnings) > 0 || test.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], test.want)) {
				t.Errorf("warns %q", warnings)
			}
		})
	}
}

func TestTheStartSaysWhoIsAdminByAnIssuer(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want []string // level and beginning
	}{
		{"an issuer", []string{"--jwt.issuer=https://a.example", "--jwt.audience=x"}, []string{"INFO Everyone with a token of https://a.example for the audience x is admin"}},
		{
			"an issuer with roles",
			[]string{"--jwt.issuer=https://a.example", "--jwt.audience=x", "--auth.role-map=ops=admin"},
			[]string{"INFO Everyone with a token of https://a.example for the audience x is admin if the claim roles or groups has ops"},
		},
		{
			"strangers",
			[]string{"--jwt.issuer=https://gitlab.com", "--jwt.audience=x", "--auth.default-role=admin"},
			[]string{"WARN Anyone in the world can get a token of https://gitlab.com for the audience x and becomes admin: require claims with"},
		},
		{
			"strangers who are less",
			[]string{"--jwt.issuer=https://gitlab.com", "--jwt.audience=x", "--auth.default-role=reader"},
			[]string{"WARN Anyone in the world can get a token of https://gitlab.com for the audience x and becomes reader: "},
		},
		{
			"Google",
			[]string{"--jwt.issuer=https://accounts.google.com", "--jwt.audience=x"},
			[]string{"WARN Anyone in the world can get a token of https://accounts.google.com for the audience x and becomes admin: "},
		},
		{
			"Google with roles for some",
			[]string{"--jwt.issuer=https://accounts.google.com", "--jwt.audience=x", "--auth.role-map=me=admin", "--auth.default-role=reader"},
			[]string{"WARN Anyone in the world can get a token of https://accounts.google.com for the audience x and becomes reader, unless the claim roles or groups gives another role: "},
		},
		{
			"Google with a role map",
			[]string{"--jwt.issuer=https://accounts.google.com", "--jwt.audience=x", "--auth.role-map=me=admin"},
			[]string{"INFO Everyone with a token of https://accounts.google.com for the audience x is admin if the claim roles or groups has me"},
		},
		{
			"Google with a required claim",
			[]string{"--jwt.issuer=https://accounts.google.com", "--jwt.audience=x", "--jwt.required-claims=hd=a.example"},
			[]string{"INFO Everyone with a token of https://accounts.google.com for the audience x is admin if the claim hd is a.example"},
		},
		{
			"two issuers",
			[]string{"--jwt.issuer=https://gitlab.com", "--jwt.audience=x", "--jwt.required-claims=namespace_path=acme", "--web.external-url=https://x.example", "--oidc.client-id=y", "--oidc.issuer=https://127.0.0.1:1"},
			[]string{
				"INFO Everyone with a token of https://gitlab.com for the audience x is admin if the claim namespace_path is acme",
				"INFO Everyone who signs in at https://127.0.0.1:1 is admin if the claim namespace_path is acme",
			},
		},
		{
			"one for both",
			[]string{"--jwt.issuer=https://127.0.0.1:1", "--jwt.audience=x", "--web.external-url=https://x.example", "--oidc.client-id=y"},
			[]string{"INFO Everyone with a token of https://127.0.0.1:1 for the audience x, or who signs in there, is admin"},
		},
		{"no issuer", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			a := New(options(t, test.args...), slog.New(slog.NewTextHandler(&log, nil)))
			a.web = webconfig.Empty()
			g, err := guard.New(a.guardConfig())
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range a.issuers {
				t.Cleanup(i.Close)
			}
			log.Reset()
			a.tellStandings(g)
			lines := slices.Collect(strings.Lines(log.String()))
			if len(lines) != len(test.want) {
				t.Fatalf("logs %q, want %q", lines, test.want)
			}
			for i, want := range test.want {
				level, sentence, _ := strings.Cut(want, " ")
				if !strings.Contains(lines[i], "level="+level+" msg=\""+sentence) {
					t.Errorf("logs %s, want %s", lines[i], want)
				}
			}
		})
	}
}

func TestSecretsAreDroppedOnceTheyAreDigested(t *testing.T) {
	for name, value := range map[string]string{
		"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": "the-password-0123", "API_TOKENS": "the-token-0123456", "METRICS_VERIFICATION_KEY": "the-key-012345678",
	} {
		t.Setenv(name, value)
	}
	a := start(t)
	o := a.options.Auth
	if o.BasicPassword != "" || len(o.Tokens) > 0 || o.ScrapeKey != "" {
		t.Error("secrets are kept in plain")
	}
	if dump := fmt.Sprintf("%+v %+v", a.servers[0], a.passwords); strings.Contains(dump, "the-password-0123") {
		t.Error("the password is kept in plain")
	}
}

func TestSessionsAreOfTheAddressThatBrowsersUse(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want guard.Cookie
	}{
		{"as it comes", nil, guard.Cookie{Lifetime: 12 * time.Hour}},
		{"below a prefix", []string{"--web.route-prefix=/pg", "--auth.session-lifetime=1d"}, guard.Cookie{Lifetime: 24 * time.Hour, Prefix: "/pg"}},
		{"http", []string{"--web.external-url=http://push.example.org/pg"}, guard.Cookie{Lifetime: 12 * time.Hour, Prefix: "/pg"}},
		{"https", []string{"--web.external-url=https://push.example.org/pg"}, guard.Cookie{Lifetime: 12 * time.Hour, Prefix: "/pg", Secure: true}},
	} {
		a := New(parse(t, test.args...), slog.New(slog.DiscardHandler))
		a.web = webconfig.Empty()
		c := a.guardConfig()
		if c.Cookie != test.want || c.Sessions == nil {
			t.Errorf("%s: %+v, want %+v", test.name, c.Cookie, test.want)
		}
		if scrapeConfig(c).Sessions != nil {
			t.Errorf("%s: the listener for scrapes takes sessions", test.name)
		}
	}
}
