package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/app/config"
	"gatehouse/app/webconfig"
	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/login"
	"gatehouse/store"
)

func TestBeingLocalHelpsOnlyWhereItCanBeChecked(t *testing.T) {
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
		signIn := config.Options{TrustedProxies: test.proxies, Auth: config.AuthOptions{LocalhostBypass: test.setting, ClientSettings: login.ClientSettings{ClientID: "x"}}}
		if got := bypass(signIn, test.tls); test.setting == "auto" && got != guard.BypassOff {
			t.Errorf("%s, where people sign in: %d", test.name, got)
		}
		o := config.Options{TrustedProxies: test.proxies, Auth: config.AuthOptions{LocalhostBypass: test.setting}}
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

// warned are the warnings of a start on a store.
func warned(t *testing.T, dir string, args ...string) []string {
	t.Helper()
	var log bytes.Buffer
	a := New(parse(t, append([]string{"--web.listen-address=127.0.0.1:0", "--storage.path=" + dir}, args...)...), slog.New(slog.NewTextHandler(&log, nil)))
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
	return warnings
}

// keepToken makes a token in the store of a server that doesn't run.
func keepToken(t *testing.T, dir, via string) {
	t.Helper()
	a := New(parse(t, "--web.listen-address=127.0.0.1:0", "--storage.path="+dir), slog.New(slog.DiscardHandler))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	if _, _, err := a.store.CreateToken(t.Context(), store.NewToken{Name: via, Role: auth.Admin}, store.Origin{Via: via}); err != nil {
		t.Fatal(err)
	}
}

func TestTheStartWarnsOfWhatIsOpenAndOfWhatIsLocked(t *testing.T) {
	const (
		everything = "No authentication is configured: everyone who reaches this address may push, read and delete"
		butScrapes = "No authentication is configured but the scrape key: everyone who reaches this address may PUT, POST and DELETE /metrics/job/… and use the push page; all else takes the key, and nobody is admin"
		asAsked    = "--auth.open leaves the server open: everyone who reaches this address may push, read and delete"
		tokensOnly = "The server is closed, since tokens were made by people who had signed in; no credential is configured, so only tokens that were made here are let in: set API_TOKENS or another credential, or open it to everyone with --auth.open"
		nobody     = "The server is closed, since there is a list of users, but nobody is on it; no credential is configured, so nobody is let in: set API_TOKENS or another credential, or open it to everyone with --auth.open"
		scrapes    = "no credential but the scrape key is configured, so nobody is let in: set API_TOKENS or another credential, or open it to everyone with --auth.open instead of the key"
	)
	key := map[string]string{"METRICS_VERIFICATION_KEY": "0123456789abcdef"}
	token := map[string]string{"API_TOKENS": "0123456789abcdef"}
	list := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(list, []byte("basic_auth_users: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		env  map[string]string
		made string // how the creator of a token came in; empty: there is none
		args []string
		want string
	}{
		{"nothing", nil, "", nil, everything},
		{"a scrape key", key, "", nil, butScrapes},
		{"a token", token, "", nil, ""},
		{"a token and a scrape key", map[string]string{"API_TOKENS": "0123456789abcdef", "METRICS_VERIFICATION_KEY": "0123456789abcdef0"}, "", nil, ""},
		{"a token that somebody made", nil, "basic", nil, tokensOnly},
		{"a token that somebody made, and it is to be open", nil, "basic", []string{"--auth.open"}, asAsked},
		{"a token that a stranger made", nil, "none", nil, everything},
		{"a token that a stranger made, beside the key", key, "none", nil, butScrapes},
		{"a token that somebody made, beside another", token, "basic", nil, ""},
		{"a list without users", nil, "", []string{"--web.config.file=" + list}, nobody},
		{"a list without users, beside the key", key, "", []string{"--web.config.file=" + list}, scrapes},
		{"a list without users, and it is to be open", nil, "", []string{"--web.config.file=" + list, "--auth.open"}, asAsked},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			if test.made != "" {
				keepToken(t, dir, test.made)
			}
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			warnings := warned(t, dir, test.args...)
			if test.want == "" && len(warnings) > 0 || test.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], test.want)) {
				t.Errorf("warns %q", warnings)
			}
		})
	}
}

func TestItIsNotOpenBesideUsersOfAFile(t *testing.T) {
	users := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(users, []byte("basic_auth_users: {ann: $2y$10$jywvCJ2H8GecMKD94zYwJePABtV.cRdvgQl0zE5ldyHyk/In7umj2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := New(parse(t, "--web.listen-address=127.0.0.1:0", "--storage.path="+t.TempDir(), "--web.config.file="+users, "--auth.open"), slog.New(slog.DiscardHandler))
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "--auth.open can't be beside users in --web.config.file") {
		t.Errorf("got %v", err)
	}
}

func TestTheStartLogsTheAdminsByAnIssuer(t *testing.T) {
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
			a.logStandings(g)
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
