package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"gatehouse/auth"
	"gatehouse/handlers/gateway"
)

func parse(t *testing.T, args ...string) Options {
	t.Helper()
	o, err := Parse(args, io.Discard)
	if err != nil {
		t.Fatalf("Parse(%q): %v", args, err)
	}
	return o
}

func TestDefaultsAreThoseOfAPushgateway(t *testing.T) {
	o := parse(t)
	want := map[string]string{
		"activity.retention":             "90d",
		"api.exact-job-match":            "false",
		"auth.allowed-cidrs":             "",
		"auth.basic-user":                "",
		"auth.client-certificate-role":   "none",
		"auth.default-role":              "",
		"auth.localhost-bypass":          "auto",
		"auth.open":                      "false",
		"auth.role-claim":                "",
		"auth.role-map":                  "",
		"auth.session-idle-timeout":      "1h",
		"auth.session-lifetime":          "12h",
		"delete.undo-max-bytes":          "256MiB",
		"delete.undo-window":             "24h",
		"jwt.audience":                   "",
		"jwt.issuer":                     "",
		"jwt.jwks-uri":                   "",
		"jwt.required-claims":            "",
		"limits.body-bytes-in-flight":    "256MiB",
		"limits.groupings":               "1000000",
		"limits.label-sets-per-family":   "64",
		"limits.series":                  "20000000",
		"limits.series-per-push":         "100000",
		"env.allow-unknown":              "",
		"log.format":                     "logfmt",
		"log.level":                      "info",
		"metrics.allowed-cidrs":          "",
		"metrics.exclude-own":            "false",
		"oidc.ca-file":                   "",
		"oidc.client-id":                 "",
		"oidc.issuer":                    "",
		"oidc.scopes":                    "",
		"persistence.file":               "",
		"persistence.interval":           "5m",
		"push.default-ttl":               "0s",
		"push.disable-consistency-check": "false",
		"push.enable-utf8-names":         "true",
		"push.legacy-names":              "false",
		"push.max-body-bytes":            "16MiB",
		"storage.path":                   "data",
		"storage.min-free":               "64MiB",
		"storage.timeout":                "3s",
		"targets.native-histograms":      "false",
		"targets.scrape-interval":        "",
		"targets.unix-socket":            "",
		"ui.old-after":                   "24h",
		"ui.stale-after":                 "1h",
		"web.config.file":                "",
		"web.enable-admin-api":           "false",
		"web.enable-lifecycle":           "false",
		"web.enable-pprof":               "false",
		"web.external-url":               "",
		"web.idle-timeout":               "2m",
		"web.listen-address":             ":9091",
		"web.read-timeout":               "1m",
		"web.route-prefix":               "",
		"web.scrape-internal-only":       "false",
		"web.scrape-listen-address":      "",
		"web.shutdown-timeout":           "10s",
		"web.systemd-socket":             "false",
		"web.unix-socket-mode":           "0660",
		"web.unix-socket-owner":          "",
		"web.telemetry-path":             "/metrics",
		"web.trusted-proxies":            "",
		"web.write-timeout":              "2m",
	}
	for _, f := range o.Flags {
		if value, ok := want[f.Name]; !ok || f.Value != value || f.Default != value || f.From != "" || f.Help == "" {
			t.Errorf("got %+v, want %q as value and default", f, value)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("flag %s is not shown", name)
	}
	if a := o.Auth; a.BasicUser != "" || a.BasicPassword != "" || a.Tokens != nil || a.ScrapeKey != "" || a.Issuer+a.ClientID+a.LoginIssuer != "" ||
		a.IssuerCAs != nil || a.CertificateRole != auth.NoRole || len(a.Allowed)+len(a.ScrapeAllowed)+len(o.TrustedProxies) != 0 {
		t.Error("a credential or a restriction is there that nobody configured")
	}
	if !o.Store.CheckConsistency || o.MaxBodyBytes != 16<<20 || o.StaleAfter != time.Hour || o.DefaultTTL != 0 {
		t.Errorf("got %+v", o)
	}
}

// spelt returns addresses as they were configured.
func spelt(addresses []Address) string {
	var texts []string
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}

// shown is a flag as the status shows it.
func shown(o Options, name string) gateway.Flag {
	i := slices.IndexFunc(o.Flags, func(f gateway.Flag) bool { return f.Name == name })
	return o.Flags[i]
}

func TestTheStatusShowsWhereFlagsComeFrom(t *testing.T) {
	t.Setenv("GATEHOUSE_LOG_LEVEL", "warn")
	t.Setenv("JWT_ISSUER", "https://a.example")
	t.Setenv("JWT_AUDIENCE", "a,b")
	t.Setenv("GATEHOUSE_LOG_FORMAT", "json")
	o := parse(t, "--log.format=logfmt", "--web.listen-address=:1", "--web.listen-address=:2", "--web.enable-lifecycle",
		"--persistence.file=/var/pg/metrics", "--jwt.jwks-uri=https://a.example/keys?key=a-secret")
	for _, want := range []gateway.Flag{
		{Name: "log.level", Value: "warn", Default: "info", From: "GATEHOUSE_LOG_LEVEL"},
		{Name: "log.format", Value: "logfmt", Default: "logfmt", From: "command line"},
		{Name: "jwt.issuer", Value: "https://a.example", From: "JWT_ISSUER"},
		{Name: "jwt.audience", Value: "a,b", From: "JWT_AUDIENCE"},
		{Name: "web.listen-address", Value: ":1,:2", Default: ":9091", From: "command line"},
		{Name: "web.enable-lifecycle", Value: "true", Default: "false", From: "command line"},
		{Name: "storage.path", Value: "/var/pg/gatehouse-data", Default: "/var/pg/gatehouse-data", Place: true},
		{Name: "jwt.jwks-uri", Value: "https://a.example/keys?…", From: "command line"},
		{Name: "ui.stale-after", Value: "1h", Default: "1h"},
	} {
		got := shown(o, want.Name)
		got.Help = ""
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if o.Auth.JWKSURI != "https://a.example/keys?key=a-secret" {
		t.Errorf("the keys are asked for at %s", o.Auth.JWKSURI)
	}
}

func TestFlagsAreUnderstood(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		ok   func(Options) bool
	}{
		{
			"listen addresses repeat",
			[]string{"--web.listen-address=:1", "--web.listen-address=[::1]:2,vsock://:3"},
			nil,
			func(o Options) bool { return spelt(o.ListenAddresses) == ":1 [::1]:2 vsock://:3" },
		},
		{
			"a socket among the addresses",
			[]string{"--web.listen-address=:1,unix:///run/../run/x.sock", "--web.unix-socket-mode=0600", "--web.unix-socket-owner=17:18"},
			nil,
			func(o Options) bool {
				return len(o.ListenAddresses) == 2 && o.Sockets == SocketAccess{0o600, Owner{17, 18}}
			},
		},
		{
			"the group of sockets",
			[]string{"--web.unix-socket-owner=:18"},
			nil,
			func(o Options) bool { return o.Sockets == SocketAccess{0o660, Owner{-1, 18}} },
		},
		{
			"the owner of sockets by name",
			[]string{"--web.unix-socket-owner=root:root"},
			nil,
			func(o Options) bool { return o.Sockets == SocketAccess{0o660, Owner{0, 0}} },
		},
		{
			"proxies that come by a socket",
			[]string{"--web.trusted-proxies=unix,10.0.0.1"},
			nil,
			func(o Options) bool { return o.TrustSockets && len(o.TrustedProxies) == 1 },
		},
		{
			"the environment gives several addresses with commas", nil,
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1, :2"},
			func(o Options) bool { return spelt(o.ListenAddresses) == ":1 :2" },
		},
		{
			"the environment gives several addresses in lines", nil,
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1\n:2\n"},
			func(o Options) bool { return spelt(o.ListenAddresses) == ":1 :2" },
		},
		{
			"a flag beats the environment",
			[]string{"--web.listen-address=:3"},
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1"},
			func(o Options) bool { return spelt(o.ListenAddresses) == ":3" },
		},
		{
			"a negated flag beats the environment",
			[]string{"--no-web.enable-lifecycle"},
			map[string]string{"GATEHOUSE_WEB_ENABLE_LIFECYCLE": "true"},
			func(o Options) bool { return !o.EnableLifecycle },
		},
		{
			"a switch in the environment", nil,
			map[string]string{"GATEHOUSE_WEB_ENABLE_PPROF": "true"},
			func(o Options) bool { return o.EnablePprof },
		},
		{
			"an empty variable counts as unset", nil,
			map[string]string{"GATEHOUSE_STORAGE_TIMEOUT": ""},
			func(o Options) bool { return o.Store.Timeout == 3*time.Second },
		},
		{
			"a version in the environment is not a flag",
			[]string{"--env.allow-unknown=GATEHOUSE_VERSION,GATEHOUSE_HELP"},
			map[string]string{"GATEHOUSE_VERSION": "1.0", "GATEHOUSE_HELP": "x"},
			func(o Options) bool { return o.LogLevel == "info" },
		},
		{
			"the check is disabled",
			[]string{"--push.disable-consistency-check"},
			nil,
			func(o Options) bool { return !o.Store.CheckConsistency },
		},
		{
			"bytes without unit",
			[]string{"--push.max-body-bytes=16777216"},
			nil,
			func(o Options) bool { return o.MaxBodyBytes == 16<<20 },
		},
		{
			"space to be left alone",
			[]string{"--storage.min-free=1GiB"},
			nil,
			func(o Options) bool { return o.Disk.MinFree == 1<<30 },
		},
		{
			"no space to be left alone",
			[]string{"--storage.min-free=0"},
			nil,
			func(o Options) bool { return o.Disk.MinFree == 0 },
		},
		{
			"days",
			[]string{"--push.default-ttl=1d12h"},
			nil,
			func(o Options) bool { return o.DefaultTTL == 36*time.Hour },
		},
		{
			"the prefix is the external URL's path",
			[]string{"--web.external-url=https://a.example/pg/x/"},
			nil,
			func(o Options) bool {
				return o.RoutePrefix == "/pg/x" && o.PublicPrefix == "/pg/x" && o.ExternalURL.String() == "https://a.example/pg/x"
			},
		},
		{
			"a prefix of / is none",
			[]string{"--web.external-url=https://a.example/pg", "--web.route-prefix=/"},
			nil,
			func(o Options) bool {
				return o.RoutePrefix == "" && o.PublicPrefix == "/pg" && o.ExternalURL.Path == "/pg"
			},
		},
		{
			"a prefix gets its slash",
			[]string{"--web.route-prefix=abc/"},
			nil,
			func(o Options) bool { return o.RoutePrefix == "/abc" && o.PublicPrefix == "/abc" },
		},
		{
			"the store is beside the persistence file",
			[]string{"--persistence.file=/var/lib/pg/metrics"},
			nil,
			func(o Options) bool { return o.Disk.Path == "/var/lib/pg/gatehouse-data" },
		},
		{
			"a given storage path counts",
			[]string{"--persistence.file=/var/lib/pg/metrics", "--storage.path=/x"},
			nil,
			func(o Options) bool { return o.Disk.Path == "/x" && shown(o, "storage.path").Value == "/x" },
		},
		{
			"the interval is accepted with a note",
			[]string{"--persistence.interval=10m"},
			nil,
			func(o Options) bool {
				return len(o.Notes) == 1 && strings.Contains(o.Notes[0], "--persistence.interval")
			},
		},
		{
			"the file of the exporter toolkit",
			[]string{"--web.config.file=web.yml"},
			nil,
			func(o Options) bool { return o.WebConfigFile == "web.yml" },
		},
		{"open, whatever the store says", []string{"--auth.open"}, nil, func(o Options) bool { return o.Auth.Open }},
		{"open by the environment", nil, map[string]string{"GATEHOUSE_AUTH_OPEN": "true"}, func(o Options) bool { return o.Auth.Open }},
		{
			"not open beside a credential",
			[]string{"--no-auth.open"},
			map[string]string{"API_TOKENS": "0123456789abcdef"},
			func(o Options) bool { return !o.Auth.Open },
		},
		{
			"a listener for scrapes",
			[]string{"--web.scrape-listen-address=127.0.0.1:9092", "--web.scrape-internal-only"},
			nil,
			func(o Options) bool {
				return spelt(o.ScrapeListenAddresses) == "127.0.0.1:9092" && o.ScrapeInternalOnly && len(o.ListenAddresses) == 1
			},
		},
		{
			"listeners on free ports are never the same",
			[]string{"--web.listen-address=127.0.0.1:0", "--web.scrape-listen-address=127.0.0.1:0"},
			nil,
			func(o Options) bool { return len(o.ScrapeListenAddresses) == 1 },
		},
		{
			"addresses and networks",
			[]string{"--web.trusted-proxies=10.0.0.1, 2001:db8::/32", "--auth.allowed-cidrs=10.0.0.0/8", "--metrics.allowed-cidrs=192.0.2.7"},
			nil,
			func(o Options) bool {
				in := func(p auth.Prefixes, s string) bool { return p.Contain(netip.MustParseAddr(s)) }
				return len(o.TrustedProxies) == 2 && in(o.TrustedProxies, "2001:db8::1") &&
					in(o.Auth.Allowed, "10.1.2.3") && !in(o.Auth.Allowed, "11.0.0.1") && in(o.Auth.ScrapeAllowed, "192.0.2.7")
			},
		},
		{
			"an issuer of which every token may do everything", nil,
			map[string]string{"JWT_ISSUER": "https://T.example/", "JWT_AUDIENCE": "a, b"},
			func(o Options) bool {
				c := o.Auth.Claims
				return o.Auth.Issuer == "https://T.example/" && c.Issuer == o.Auth.Issuer && slices.Equal(c.Audiences, []string{"a", "b"}) &&
					c.DefaultRole == auth.Admin && len(c.RoleMap)+len(c.Required) == 0 && o.Auth.JWKSURI == "" && len(o.Notes) == 0
			},
		},
		{
			"an issuer of which roles are mapped",
			[]string{
				"--jwt.issuer=https://a.example", "--jwt.audience=a", "--jwt.jwks-uri=https://b.example/keys?p=1", "--jwt.required-claims=hd=a.example",
				"--auth.role-claim=realm_access.roles", "--auth.role-map=ops=admin,cn=ci=pusher",
			},
			nil,
			func(o Options) bool {
				c := o.Auth.Claims
				return o.Auth.JWKSURI == "https://b.example/keys?p=1" && c.RoleClaim == "realm_access.roles" && c.DefaultRole == auth.NoRole &&
					maps.Equal(c.RoleMap, map[string]auth.Role{"ops": auth.Admin, "cn=ci": auth.Pusher}) &&
					maps.Equal(c.Required, map[string]string{"hd": "a.example"})
			},
		},
		{
			"a default role beside a role map",
			[]string{"--jwt.issuer=https://a.example", "--jwt.audience=a", "--auth.role-map=ops=admin", "--auth.default-role=reader"},
			nil,
			func(o Options) bool { return o.Auth.Claims.DefaultRole == auth.Reader && len(o.Notes) == 0 },
		},
		{
			"a login at the issuer of tokens",
			[]string{"--web.external-url=https://gate.example", "--jwt.issuer=https://a.example", "--jwt.audience=api", "--oidc.client-id=gatehouse pages", "--auth.role-map=ops=admin"},
			nil,
			func(o Options) bool {
				l := o.Auth.Login
				return o.Auth.ClientID == "gatehouse pages" && o.Auth.ClientSecret == "" && o.Auth.LoginIssuer == "https://a.example" && o.Auth.Scopes == nil &&
					l.Issuer == "https://a.example" && slices.Equal(l.Audiences, []string{"gatehouse pages"}) && l.RoleMap["ops"] == auth.Admin && l.DefaultRole == auth.NoRole &&
					slices.Equal(o.Auth.Claims.Audiences, []string{"api"}) && len(o.Notes) == 0
			},
		},
		{
			"a login at an issuer of its own", nil,
			map[string]string{
				"GATEHOUSE_WEB_EXTERNAL_URL": "https://gate.example", "JWT_ISSUER": "https://a.example", "JWT_AUDIENCE": "api",
				"OIDC_CLIENT_ID": "gatehouse", "OIDC_ISSUER": "https://b.example/", "OIDC_CLIENT_SECRET": "s", "OIDC_SCOPES": "openid profile, groups",
			},
			func(o Options) bool {
				return o.Auth.LoginIssuer == "https://b.example/" && o.Auth.Login.Issuer == "https://b.example/" && o.Auth.Claims.Issuer == "https://a.example" &&
					slices.Equal(o.Auth.Scopes, []string{"openid", "profile", "groups"}) && shown(o, "oidc.scopes").Value == "openid profile,groups" &&
					shown(o, "oidc.client-id").From == "OIDC_CLIENT_ID" && o.Auth.ClientSecret == "s"
			},
		},
		{
			"a login without tokens, with all rules for who signs in",
			[]string{
				"--web.external-url=https://gate.example", "--oidc.issuer=https://accounts.google.com", "--oidc.client-id=a", "--jwt.required-claims=hd=a.example",
				"--auth.default-role=reader", "--auth.role-claim=x",
			},
			nil,
			func(o Options) bool {
				l := o.Auth.Login
				return o.Auth.Issuer == "" && o.Auth.Claims.Issuer == "" && l.Required["hd"] == "a.example" && l.DefaultRole == auth.Reader && l.RoleClaim == "x" && len(o.Notes) == 0
			},
		},
		{
			"how long sessions and records last",
			[]string{"--auth.session-idle-timeout=0", "--activity.retention=0"},
			nil,
			func(o Options) bool { return o.Auth.SessionIdle == 0 && o.Store.Retention == 0 },
		},
		{
			"how long they last unless told", nil, nil,
			func(o Options) bool { return o.Auth.SessionIdle == time.Hour && o.Store.Retention == 90*24*time.Hour },
		},
		{
			"variables with names of their own", nil,
			map[string]string{
				"JWT_ISSUER": "https://a.example", "JWT_AUDIENCE": "a\nb", "JWKS_URI": "https://a.example/k", "JWT_REQUIRED_CLAIMS": "a=b,c=d",
				"AUTH_LOCALHOST_BYPASS": "true",
			},
			func(o Options) bool {
				return o.Auth.JWKSURI == "https://a.example/k" && len(o.Auth.Claims.Audiences) == 2 && len(o.Auth.Claims.Required) == 2 &&
					o.Auth.LocalhostBypass == "true" && shown(o, "jwt.audience").Value == "a,b"
			},
		},
		{
			"variables with a prefix", nil,
			map[string]string{
				"GATEHOUSE_WEB_CONFIG_FILE": "web.yml", "GATEHOUSE_WEB_TRUSTED_PROXIES": "10.0.0.1", "GATEHOUSE_AUTH_ALLOWED_CIDRS": "10.0.0.0/8",
				"GATEHOUSE_METRICS_ALLOWED_CIDRS": "10.0.0.2", "GATEHOUSE_AUTH_CLIENT_CERTIFICATE_ROLE": "reader", "GATEHOUSE_METRICS_EXCLUDE_OWN": "true",
			},
			func(o Options) bool {
				return o.WebConfigFile == "web.yml" && o.Auth.CertificateRole == auth.Reader && o.ExcludeOwn &&
					len(o.TrustedProxies) == 1 && len(o.Auth.Allowed) == 1 && len(o.Auth.ScrapeAllowed) == 1
			},
		},
		{
			"what Kubernetes tells about services is no typo", nil,
			map[string]string{
				"GATEHOUSE_METRICS_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_METRICS_SERVICE_PORT": "9091", "GATEHOUSE_METRICS_SERVICE_PORT_HTTP": "9091",
				"GATEHOUSE_METRICS_PORT": "tcp://10.0.0.1:9091", "GATEHOUSE_METRICS_PORT_9091_TCP": "tcp://10.0.0.1:9091",
				"GATEHOUSE_METRICS_PORT_9091_TCP_PROTO": "tcp", "GATEHOUSE_METRICS_PORT_9091_TCP_ADDR": "10.0.0.1", "GATEHOUSE_METRICS_PORT_9091_TCP_PORT": "9091",
			},
			func(o Options) bool { return len(o.Notes) == 0 },
		},
		{
			"an empty variable with a wrong name is unset too", nil,
			map[string]string{"GATEHOUSE_JWT_ISSUER": "", "JWKS_URL": "", "API_TOKENS": "", "API_TOKENS_FILE": "", "JWT_ISSUER": ""},
			func(o Options) bool { return o.Auth.Issuer == "" && o.Auth.Tokens == nil },
		},
		{"no flags, no notes", nil, nil, func(o Options) bool { return len(o.Notes) == 0 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			if o := parse(t, test.args...); !test.ok(o) {
				t.Errorf("Parse(%q) with %v = %+v", test.args, test.env, o)
			}
		})
	}
}

func TestNamesAreOfAnyUTF8UnlessOnlyLegacyOnesAreWanted(t *testing.T) {
	const utf8, legacy = "--push.enable-utf8-names", "--push.legacy-names"
	const utf8Variable, legacyVariable = "GATEHOUSE_PUSH_ENABLE_UTF8_NAMES", "GATEHOUSE_PUSH_LEGACY_NAMES"
	contradiction := func(legacy, utf8, value string) string {
		return fmt.Sprintf("%s %q: contradicts %s %q; set only one of them", legacy, value, utf8, value)
	}
	type variables = map[string]string
	for _, test := range []struct {
		name string
		args []string
		env  variables
		utf8 bool
		from string // what the status says of both flags' values
		want string // the problem; empty: there is none
	}{
		{"nothing is said", nil, nil, true, "", ""},
		{"Pushgateway's flag", []string{utf8}, nil, true, "command line", ""},
		{"its variable", nil, variables{utf8Variable: "true"}, true, utf8Variable, ""},
		{"its negation", []string{"--no-push.enable-utf8-names"}, nil, false, "command line", ""},
		{"its variable says no", nil, variables{utf8Variable: "false"}, false, utf8Variable, ""},
		{"the new flag", []string{legacy}, nil, false, "command line", ""},
		{"the new variable", nil, variables{legacyVariable: "true"}, false, legacyVariable, ""},
		{"the new flag negated", []string{"--no-push.legacy-names"}, nil, true, "command line", ""},
		{"a flag beats its variable", []string{utf8}, variables{utf8Variable: "false"}, true, "command line", ""},
		{"both say legacy names", []string{legacy, "--no-push.enable-utf8-names"}, nil, false, "command line", ""},
		{"both say UTF-8", []string{"--no-push.legacy-names", utf8}, nil, true, "command line", ""},
		{"both flags", []string{utf8, legacy}, nil, false, "", contradiction(legacy, utf8, "true")},
		{"a flag and the other's variable", []string{legacy}, variables{utf8Variable: "true"}, false, "", contradiction(legacy, utf8+" (from "+utf8Variable+")", "true")},
		{"both variables", nil, variables{utf8Variable: "true", legacyVariable: "true"}, false, "", contradiction(legacy+" (from "+legacyVariable+")", utf8+" (from "+utf8Variable+")", "true")},
		{"both say no", []string{"--no-push.legacy-names", "--no-push.enable-utf8-names"}, nil, false, "", contradiction(legacy, utf8, "false")},
		{"what is no switch", nil, variables{utf8Variable: "yes", legacyVariable: "true"}, false, "", utf8 + " (from " + utf8Variable + `) "yes": expected true or false`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want != "" {
				wantProblems(t, test.args, test.env, []string{test.want})
				return
			}
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			o := parse(t, test.args...)
			if o.UTF8Names != test.utf8 {
				t.Errorf("UTF-8 names are allowed: %v", o.UTF8Names)
			}
			for name, value := range map[string]bool{"push.enable-utf8-names": test.utf8, "push.legacy-names": !test.utf8} {
				if got := shown(o, name); got.Value != fmt.Sprint(value) || got.From != test.from || got.Default != fmt.Sprint(name == "push.enable-utf8-names") {
					t.Errorf("the status says %+v, want %v from %q", got, value, test.from)
				}
			}
		})
	}
}

func TestTargetsAreScrapedAsTheFlagsSay(t *testing.T) {
	const expectedInterval, expectedPath = "expected push, or a duration from 1s to 1d such as 30s", "expected an absolute path of a socket such as /run/gatehouse.sock"
	long := "/" + strings.Repeat("x", 106)
	for _, test := range []struct {
		flag, value string
		want        gateway.Targets
		problem     string // empty: there is none
	}{
		{"targets.scrape-interval", "", gateway.Targets{}, ""},
		{"targets.scrape-interval", "30s", gateway.Targets{ScrapeInterval: 30 * time.Second}, ""},
		{"targets.scrape-interval", "1.5s", gateway.Targets{ScrapeInterval: 1500 * time.Millisecond}, ""},
		{"targets.scrape-interval", "1d", gateway.Targets{ScrapeInterval: 24 * time.Hour}, ""},
		{"targets.scrape-interval", "push", gateway.Targets{FollowPushes: true}, ""},
		{"targets.scrape-interval", "pushes", gateway.Targets{}, expectedInterval},
		{"targets.scrape-interval", "0s", gateway.Targets{}, expectedInterval},
		{"targets.scrape-interval", "999ms", gateway.Targets{}, expectedInterval},
		{"targets.scrape-interval", "1.0000001s", gateway.Targets{}, expectedInterval},
		{"targets.scrape-interval", "25h", gateway.Targets{}, expectedInterval},
		{"targets.scrape-interval", "-1m", gateway.Targets{}, expectedInterval},
		{"targets.unix-socket", "/run/gatehouse.sock", gateway.Targets{UnixSocket: "/run/gatehouse.sock"}, ""},
		{"targets.unix-socket", long, gateway.Targets{UnixSocket: long}, ""},
		{"targets.unix-socket", long + "x", gateway.Targets{}, "expected a path of at most 107 bytes, which is all that sockets can have"},
		{"targets.unix-socket", "gatehouse.sock", gateway.Targets{}, expectedPath},
		{"targets.unix-socket", "unix:///run/gatehouse.sock", gateway.Targets{}, expectedPath},
		{"targets.unix-socket", "/run/", gateway.Targets{}, expectedPath},
		{"targets.unix-socket", "@gatehouse", gateway.Targets{}, expectedPath},
		{"targets.unix-socket", "/run/a\nb", gateway.Targets{}, "expected a path of UTF-8 without control characters"},
		{"targets.native-histograms", "", gateway.Targets{NativeHistograms: true}, ""},
	} {
		arg := "--" + test.flag + "=" + test.value
		if test.flag == "targets.native-histograms" {
			arg = "--" + test.flag
		}
		if test.problem != "" {
			wantProblems(t, []string{arg}, nil, []string{fmt.Sprintf("--%s %q: %s", test.flag, test.value, test.problem)})
			continue
		}
		if got := parse(t, arg).Targets; got != test.want {
			t.Errorf("%s: got %+v, want %+v", arg, got, test.want)
		}
	}
}

func TestAContradictionAboutNamesIsReportedWithAllOtherProblems(t *testing.T) {
	wantProblems(t, []string{"--push.legacy-names", "--push.enable-utf8-names", "--log.level=no"}, nil, []string{
		`--log.level "no": expected one of debug, info, warn, error`,
		`--push.legacy-names "true": contradicts --push.enable-utf8-names "true"; set only one of them`,
	})
}

func TestAProblemNamesTheFlagTheValueAndWhatIsExpected(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--push.default-ttl=soon", `--push.default-ttl "soon": expected a duration such as 90s`},
		{"--push.default-ttl=-1h", `--push.default-ttl "-1h": expected a duration`},
		{"--storage.timeout=0s", `--storage.timeout "0s": expected a duration above zero`},
		{"--push.max-body-bytes=0", `--push.max-body-bytes "0": expected a number of bytes above zero`},
		{"--storage.min-free=-1", `--storage.min-free "-1": expected a number of bytes such as 67108864 or 64MiB, or 0`},
		{"--push.max-body-bytes=16XB", `--push.max-body-bytes "16XB": expected a number of bytes`},
		{"--limits.series=-1", `--limits.series "-1": expected a whole number`},
		{"--limits.series=1e6", `--limits.series "1e6": expected a whole number`},
		{"--log.level=verbose", `--log.level "verbose": expected one of debug, info, warn, error`},
		{"--log.format=xml", `--log.format "xml": expected one of logfmt, json`},
		{"--web.listen-address=9091", `--web.listen-address "9091": expected host:port`},
		{"--web.listen-address=", `--web.listen-address "": expected at least one value`},
		{"--web.listen-address=:70000", `--web.listen-address ":70000": expected host:port`},
		{"--web.listen-address=vsock://x:1", `--web.listen-address "vsock://x:1": expected host:port`},
		{"--web.external-url=example.org", `--web.external-url "example.org": expected an absolute URL`},
		{"--web.external-url=ftp://example.org", `--web.external-url "ftp://example.org": expected an absolute URL`},
		{"--web.external-url=http://u:secret@example.org", `"http://u:xxxxx@example.org": expected a URL without user and password`},
		{"--web.external-url=http://example.org?x=1", "expected a URL without query and fragment"},
		{"--web.external-url=http://example.org/#", "expected a URL without query and fragment"},
		{"--web.external-url=http://example.org/a%20b", "give one with --web.route-prefix"},
		{"--web.route-prefix=/:job", `--web.route-prefix "/:job": expected a path`},
		{"--web.route-prefix=/a/../b", `--web.route-prefix "/a/../b": expected a path`},
		{"--web.telemetry-path=metrics", `--web.telemetry-path "metrics": expected a path such as /metrics`},
		{"--web.telemetry-path=/", `--web.telemetry-path "/": expected a path such as /metrics`},
		{"--web.telemetry-path=/status", `--web.telemetry-path "/status": expected a path that is not in use otherwise; /status is`},
		{"--web.telemetry-path=/api/v1/x", "/api is"},
		{"--web.telemetry-path=/-/ready", "/- is"},
		{"--web.telemetry-path=/metrics/job", "/metrics is"},
		{"--web.telemetry-path=/metrics/", "without a slash at the end"},
		{"--web.listen-address=unix://gatehouse.sock", `--web.listen-address "unix://gatehouse.sock": expected an absolute path of a socket such as /run/gatehouse.sock`},
		{"--web.listen-address=unix:/run/gatehouse.sock", `--web.listen-address "unix:/run/gatehouse.sock": expected host:port, :port, vsock://:port or unix:///path`},
		{"--web.listen-address=unix://", "expected an absolute path of a socket"},
		{"--web.listen-address=unix:///run/", "expected an absolute path of a socket"},
		{"--web.listen-address=unix:///" + strings.Repeat("x", 107), "expected a path of at most 107 bytes"},
		{"--web.listen-address=unix:///run/a\x01", "expected a path of UTF-8 without control characters"},
		{"--web.scrape-listen-address=unix://x", `--web.scrape-listen-address "unix://x": expected an absolute path`},
		{"--web.unix-socket-mode=rw", `--web.unix-socket-mode "rw": expected permissions in octal digits, from 0600 to 0777, such as 0660`},
		{"--web.unix-socket-mode=0888", "expected permissions in octal digits"},
		{"--web.unix-socket-mode=0060", "expected permissions in octal digits"},
		{"--web.unix-socket-mode=4660", "expected permissions in octal digits"},
		{"--web.unix-socket-mode=", "expected permissions in octal digits"},
		{"--web.unix-socket-owner=nobody-of-that-name", `--web.unix-socket-owner "nobody-of-that-name": there is no user "nobody-of-that-name" on this machine`},
		{"--web.unix-socket-owner=:no-such-group", `there is no group "no-such-group" on this machine`},
		{"--web.unix-socket-owner=root:", "expected a user, user:group or :group"},
		{"--web.unix-socket-owner=:", "expected a user, user:group or :group"},
		{"--web.unix-socket-owner=-1", `there is no user "-1" on this machine`},
		{"--auth.allowed-cidrs=unix", `--auth.allowed-cidrs "unix": expected an address or a network`},
		{"--web.trusted-proxies=proxy", `--web.trusted-proxies "proxy": expected an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, or unix`},
		{"--auth.allowed-cidrs=10.0.0.0/33", `--auth.allowed-cidrs "10.0.0.0/33": expected an address or a network`},
		{"--metrics.allowed-cidrs=*", `--metrics.allowed-cidrs "*": expected an address or a network`},
		{"--web.scrape-listen-address=9092", `--web.scrape-listen-address "9092": expected host:port, :port, vsock://:port or unix:///path`},
		{"--auth.localhost-bypass=yes", `--auth.localhost-bypass "yes": expected one of auto, true, false`},
		{"--auth.session-lifetime=0s", `--auth.session-lifetime "0s": expected a duration from 1s to 400d such as 12h`},
		{"--auth.session-lifetime=401d", `--auth.session-lifetime "401d": expected a duration from 1s to 400d`},
		{"--auth.session-lifetime=long", `--auth.session-lifetime "long": expected a duration from 1s to 400d`},
		{"--auth.session-idle-timeout=10ms", `--auth.session-idle-timeout "10ms": expected a duration of 1s or more such as 1h, or 0`},
		{"--auth.session-idle-timeout=never", `--auth.session-idle-timeout "never": expected a duration of 1s or more such as 1h, or 0`},
		{"--activity.retention=long", `--activity.retention "long": expected a duration such as 90s`},
		{"--web.telemetry-path=/account", "/account is"},
		{"--auth.client-certificate-role=scraper", `--auth.client-certificate-role "scraper": expected one of none, reader, pusher, admin`},
		{"--ui.old-after=1m", `--ui.old-after "1m": expected no less than --ui.stale-after, 1h`},
		{"--push.max-body-bytes=1GiB", `--limits.body-bytes-in-flight "256MiB": expected no less than --push.max-body-bytes, 1GiB`},
		{"--no-such-flag", "unknown long flag '--no-such-flag'; --help lists all flags"},
		{"stray", "unexpected stray; --help lists all flags"},
	}
	for _, test := range tests {
		t.Run(test.arg, func(t *testing.T) {
			_, err := Parse([]string{test.arg}, io.Discard)
			if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse(%q) = %v, want one line with %q", test.arg, err, test.want)
			}
		})
	}
}

func TestAProblemOfTheIssuersTokensIsReported(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--auth.default-role=root", `--auth.default-role "root": expected one of none, reader, pusher, admin`},
		{"--auth.role-map=ops", `--auth.role-map "ops": expected value=role, where the role is none, reader, pusher or admin`},
		{"--auth.role-map=ops=root", `--auth.role-map "ops=root": expected value=role`},
		{"--auth.role-map=ops=admin,ops=reader", `--auth.role-map "ops=admin,ops=reader": "ops" is given two roles, admin and reader`},
		{"--jwt.required-claims=hd", `--jwt.required-claims "hd": expected claim=value such as hd=example.com`},
		{"--jwt.required-claims=a=b,a=c", `--jwt.required-claims "a=b,a=c": the claim "a" is required to be both "b" and "c"`},
		{"--jwt.issuer=a.example", `--jwt.issuer "a.example": expected an absolute URL such as https://login.example.org`},
		{"--jwt.issuer=https://a.example/ b", "expected an absolute URL such as https://login.example.org"},
		{"--jwt.issuer=https://u:secret@a.example", `--jwt.issuer "https://u:xxxxx@a.example": expected a URL without user and password`},
		{"--jwt.issuer=https://a.example?", "expected a URL without query and fragment"},
		{"--jwt.issuer=https://a.example/#", "expected a URL without query and fragment"},
		{"--jwt.jwks-uri=file:///keys", `--jwt.jwks-uri "file:///keys": expected an absolute URL such as https://login.example.org/keys`},
		{"--jwt.jwks-uri=https://secret@a.example/k", `--jwt.jwks-uri "https://xxxxx@a.example/k": expected a URL without user and password`},
		{"--jwt.jwks-uri=ftp://a.example/k?key=secret", `--jwt.jwks-uri "ftp://a.example/k?…": expected an absolute URL`},
		{"--jwt.jwks-uri=https://u:sec%ret@a.example/k", `--jwt.jwks-uri "https://xxxxx@a.example/k": expected an absolute URL`},
	}
	for _, test := range tests {
		t.Run(test.arg, func(t *testing.T) {
			t.Setenv("JWT_ISSUER", "https://a.example")
			_, err := Parse([]string{"--jwt.audience=a", test.arg}, io.Discard)
			if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse(%q) = %v, want one line with %q", test.arg, err, test.want)
			}
		})
	}
}

func TestWhatIsHalfSetIsRefusedWithWhatToDo(t *testing.T) {
	issuer := []string{"--jwt.issuer=https://a.example", "--jwt.audience=a"}
	github := []string{"--jwt.issuer=https://token.actions.githubusercontent.com", "--jwt.audience=a"}
	const needsIssuer = "needs --jwt.issuer or JWT_ISSUER"
	const needsEither = needsIssuer + ", or --oidc.client-id or OIDC_CLIENT_ID"
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want []string // whole lines
	}{
		{
			"an issuer without audience", nil,
			map[string]string{"JWT_ISSUER": "https://a.example"},
			[]string{`--jwt.issuer (from JWT_ISSUER) "https://a.example": needs --jwt.audience or JWT_AUDIENCE, or tokens for any other program would do`},
		},
		{
			"rules about tokens without an issuer",
			[]string{
				"--jwt.audience=a,b", "--jwt.jwks-uri=https://a.example/k", "--auth.role-claim=c", "--auth.role-map=ops=admin",
				"--auth.default-role=reader", "--oidc.ca-file=testdata/none.pem",
			},
			map[string]string{"JWT_REQUIRED_CLAIMS": "hd=a.example"},
			[]string{
				`--auth.role-claim "c": ` + needsEither,
				`--auth.role-map "ops=admin": ` + needsEither,
				`--auth.default-role "reader": ` + needsEither,
				`--jwt.required-claims (from JWT_REQUIRED_CLAIMS) "hd=a.example": ` + needsEither,
				`--oidc.ca-file "testdata/none.pem": ` + needsEither,
				`--jwt.audience "a,b": ` + needsIssuer,
				`--jwt.jwks-uri "https://a.example/k": ` + needsIssuer,
				`--oidc.ca-file "testdata/none.pem": no such file or directory`,
			},
		},
		{
			"keys in plain of an issuer with https", append(issuer, "--jwt.jwks-uri=http://a.example/k"), nil,
			[]string{`--jwt.jwks-uri "http://a.example/k": expected https, as that of the issuer`},
		},
		{
			"an issuer of tokens for the world", github, nil,
			[]string{`--jwt.issuer "https://token.actions.githubusercontent.com": strangers come in by it too; ` + sayWho},
		},
		{"the same with required claims", append(github, "--jwt.required-claims=repository_owner=me"), nil, nil},
		{"the same with a role map", append(github, "--auth.role-map=me=admin", "--auth.role-claim=repository_owner"), nil, nil},
		{
			"a bypass behind a proxy",
			[]string{"--web.trusted-proxies=10.0.0.1"},
			map[string]string{"AUTH_LOCALHOST_BYPASS": "true"},
			[]string{`--auth.localhost-bypass (from AUTH_LOCALHOST_BYPASS) "true": can't be beside --web.trusted-proxies, behind which everyone may look local; leave it at auto, which is off then`},
		},
		{"an automatic bypass behind a proxy", []string{"--web.trusted-proxies=10.0.0.1"}, nil, nil},
		{
			"no listener for scrapes",
			[]string{"--web.scrape-internal-only"},
			nil,
			[]string{`--web.scrape-internal-only "true": needs --web.scrape-listen-address or GATEHOUSE_WEB_SCRAPE_LISTEN_ADDRESS, or nothing can be scraped`},
		},
		{
			"one address for both listeners",
			[]string{"--web.scrape-listen-address=:9092,:9091"},
			nil,
			[]string{`--web.scrape-listen-address ":9091": is a --web.listen-address too; choose another one`},
		},
		{"an address that systemd's sockets replace", []string{"--web.scrape-listen-address=:9091", "--web.systemd-socket"}, nil, nil},
		{
			"open beside a password",
			[]string{"--auth.open"},
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": "0123456789abcdef"},
			[]string{`--auth.open "true": can't be beside PUSHGATEWAY_AUTH_PASS, which asks for a credential; unset one of them`},
		},
		{
			"open beside tokens", nil,
			map[string]string{"GATEHOUSE_AUTH_OPEN": "true", "API_TOKENS": "0123456789abcdef"},
			[]string{`--auth.open (from GATEHOUSE_AUTH_OPEN) "true": can't be beside API_TOKENS, which asks for a credential; unset one of them`},
		},
		{
			"open beside the scrape key",
			[]string{"--auth.open"},
			map[string]string{"METRICS_VERIFICATION_KEY": "0123456789abcdef"},
			[]string{`--auth.open "true": can't be beside METRICS_VERIFICATION_KEY, which asks for a credential; unset one of them`},
		},
		{
			"open beside an issuer", append(issuer, "--auth.open"), nil,
			[]string{`--auth.open "true": can't be beside --jwt.issuer, which asks for a credential; unset one of them`},
		},
		{
			"open beside a provider",
			[]string{"--auth.open", "--oidc.client-id=x", "--oidc.issuer=https://id.example.org", "--web.external-url=https://push.example.org"},
			nil,
			[]string{`--auth.open "true": can't be beside --oidc.client-id, which asks for a credential; unset one of them`},
		},
		{
			"open beside certificates",
			[]string{"--auth.open", "--auth.client-certificate-role=reader", "--web.config.file=x"},
			nil,
			[]string{`--auth.open "true": can't be beside --auth.client-certificate-role, which asks for a credential; unset one of them`},
		},
		{
			"a role of certificates without TLS",
			[]string{"--auth.client-certificate-role=pusher"},
			nil,
			[]string{`--auth.client-certificate-role "pusher": needs --web.config.file or GATEHOUSE_WEB_CONFIG_FILE with TLS and the authorities of clients`},
		},
		{
			"lists that hold nothing", append(issuer, "--auth.allowed-cidrs=", "--metrics.allowed-cidrs=,", "--web.scrape-listen-address=", "--auth.role-map="),
			map[string]string{"JWT_REQUIRED_CLAIMS": ",", "GATEHOUSE_WEB_TRUSTED_PROXIES": " "},
			[]string{
				`--web.trusted-proxies (from GATEHOUSE_WEB_TRUSTED_PROXIES) "": expected at least one value`,
				`--web.scrape-listen-address "": expected at least one value`,
				`--auth.allowed-cidrs "": expected at least one value`,
				`--metrics.allowed-cidrs "": expected at least one value`,
				`--auth.role-map "": expected at least one value`,
				`--jwt.required-claims (from JWT_REQUIRED_CLAIMS) "": expected at least one value`,
			},
		},
		{
			"an audience that holds nothing",
			[]string{"--jwt.issuer=https://a.example", "--jwt.audience="},
			nil,
			[]string{`--jwt.audience "": expected at least one value`},
		},
		{
			"a user without password",
			[]string{"--auth.basic-user=admin"},
			nil,
			[]string{"PUSHGATEWAY_AUTH_USER or --auth.basic-user is set without a password: set PUSHGATEWAY_AUTH_PASS too"},
		},
		{
			"a user with an empty password", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": ""},
			[]string{"PUSHGATEWAY_AUTH_USER or --auth.basic-user is set without a password: set PUSHGATEWAY_AUTH_PASS too"},
		},
		{
			"a password without user", nil,
			map[string]string{"PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{"PUSHGATEWAY_AUTH_PASS is set without a user: set PUSHGATEWAY_AUTH_USER or --auth.basic-user too"},
		},
		{
			"a password whose user the command line takes away",
			[]string{"--auth.basic-user="},
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{"PUSHGATEWAY_AUTH_PASS is set without a user: set PUSHGATEWAY_AUTH_USER or --auth.basic-user too"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantProblems(t, test.args, test.env, test.want) })
	}
}

// sayWho is what to do about an issuer of the world.
const sayWho = "say who counts with --jwt.required-claims or JWT_REQUIRED_CLAIMS, give roles with --auth.role-map or GATEHOUSE_AUTH_ROLE_MAP, " +
	"or say what everyone may do with --auth.default-role or GATEHOUSE_AUTH_DEFAULT_ROLE"

func TestStrangersAreAdminOnlyIfSomebodySaysSo(t *testing.T) {
	bearer := func(issuer string) []string { return []string{"--jwt.issuer=" + issuer, "--jwt.audience=a"} }
	login := func(issuer string) []string {
		return []string{"--web.external-url=https://gate.example", "--oidc.client-id=a", "--oidc.issuer=" + issuer}
	}
	both := func(issuer string) []string {
		return append(bearer(issuer), "--web.external-url=https://gate.example", "--oidc.client-id=a")
	}
	refused := func(flag, issuer string) []string {
		return []string{fmt.Sprintf("--%s %q: strangers come in by it too; %s", flag, issuer, sayWho)}
	}
	unrestricted := func(flag, issuer string) []string {
		return []string{fmt.Sprintf("--%s %q: strangers come in by it too, and the claims that are looked at keep none of them out; %s", flag, issuer, sayWho)}
	}
	const google = "https://accounts.google.com"
	for _, issuer := range []string{
		google, "https://token.actions.githubusercontent.com", "https://gitlab.com", "https://GitLab.com:443/", "https://agent.buildkite.com", "https://app.terraform.io",
		"https://oidc.codefresh.io", "https://oidc.vercel.com", "https://oidc.circleci.com", "https://api.pulumi.com/oidc",
		"https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.us/organizations/v2.0", "https://login.partner.microsoftonline.cn/consumers/v2.0",
		"https://oauth2.sigstore.dev/auth", "https://appleid.apple.com", "https://www.facebook.com", "https://slack.com", "https://www.linkedin.com/oauth",
		"https://api.login.yahoo.com", "https://id.twitch.tv/oauth2", "https://login.salesforce.com", "https://oauth.telegram.org",
	} {
		for _, test := range []struct {
			args            []string
			jwt, oidc, both []string // what is told of each way; Google's tokens alone are only warned about
		}{
			{nil, refused("jwt.issuer", issuer), refused("oidc.issuer", issuer), refused("jwt.issuer", issuer)},
			{[]string{"--jwt.required-claims=iss=" + issuer}, unrestricted("jwt.issuer", issuer), unrestricted("oidc.issuer", issuer), unrestricted("jwt.issuer", issuer)},
			{
				[]string{"--jwt.required-claims=aud=a,azp=a,exp=1,nbf=1,iat=1,typ=JWT,token_use=id,email_verified=true"},
				unrestricted("jwt.issuer", issuer), unrestricted("oidc.issuer", issuer), unrestricted("jwt.issuer", issuer),
			},
			{
				[]string{"--auth.role-map=a=admin", "--auth.role-claim=aud"},
				unrestricted("jwt.issuer", issuer), unrestricted("oidc.issuer", issuer), unrestricted("jwt.issuer", issuer),
			},
			{
				[]string{"--auth.role-map=t1=admin,9188040d-6c67-4c5b-b112-36a304b66dad=reader", "--auth.role-claim=tid"},
				unrestricted("jwt.issuer", issuer), unrestricted("oidc.issuer", issuer), unrestricted("jwt.issuer", issuer),
			},
			{[]string{"--auth.role-map=t1=admin,t2=reader", "--auth.role-claim=tid"}, nil, nil, nil},
			{[]string{"--jwt.required-claims=email_verified=true,sub=me"}, nil, nil, nil},
			{[]string{"--auth.role-map=ops=admin"}, nil, nil, nil},
			{[]string{"--auth.role-map=me=admin", "--auth.role-claim=sub"}, nil, nil, nil},
			{[]string{"--auth.default-role=admin"}, nil, nil, nil},
			{[]string{"--auth.default-role=none"}, nil, nil, nil},
		} {
			if issuer == google {
				test.jwt = nil
			}
			wantProblems(t, append(bearer(issuer), test.args...), nil, test.jwt)
			wantProblems(t, append(login(issuer), test.args...), nil, test.oidc)
			wantProblems(t, append(both(issuer), test.args...), nil, test.both)
		}
	}
	for _, issuer := range []string{
		"https://keycloak.example/realms/acme", "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "https://oidc.vercel.com/acme",
		"https://oidc.circleci.com/org/6f3c4c7c-3c3d-4b0e-9a3f-0d3c1f3c9c11", "https://token.actions.githubusercontent.com/acme", "https://gitlab.example",
	} {
		wantProblems(t, bearer(issuer), nil, nil)
		wantProblems(t, login(issuer), nil, nil)
		wantProblems(t, both(issuer), nil, nil)
	}
	wantProblems(t, []string{"--jwt.audience=a"}, map[string]string{"JWT_ISSUER": "https://gitlab.com", "JWT_REQUIRED_CLAIMS": "iss=https://gitlab.com"},
		[]string{`--jwt.issuer (from JWT_ISSUER) "https://gitlab.com": strangers come in by it too, and the claims that are looked at keep none of them out; ` + sayWho})
}

func TestALoginThatIsHalfSetIsRefusedWithWhatToDo(t *testing.T) {
	login := func(args ...string) []string {
		return append([]string{"--web.external-url=https://gate.example", "--oidc.client-id=gatehouse"}, args...)
	}
	const world = `: strangers come in by it too; ` + sayWho
	const google = "https://accounts.google.com"
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		want []string
	}{
		{
			"no client",
			[]string{"--oidc.issuer=https://a.example", "--oidc.scopes=groups"},
			map[string]string{"OIDC_CLIENT_SECRET": "secret"},
			[]string{
				`--oidc.issuer "https://a.example": needs --oidc.client-id or OIDC_CLIENT_ID`,
				`--oidc.scopes "groups": needs --oidc.client-id or OIDC_CLIENT_ID`,
				"OIDC_CLIENT_SECRET is set without a client: set OIDC_CLIENT_ID or --oidc.client-id too",
			},
		},
		{
			"neither issuer nor address", nil,
			map[string]string{"OIDC_CLIENT_ID": "gatehouse", "OIDC_CLIENT_SECRET": "secret"},
			[]string{
				`--oidc.client-id (from OIDC_CLIENT_ID) "gatehouse": needs --web.external-url or GATEHOUSE_WEB_EXTERNAL_URL, where the provider sends people back to`,
				`--oidc.client-id (from OIDC_CLIENT_ID) "gatehouse": needs --oidc.issuer or OIDC_ISSUER, where people sign in`,
			},
		},
		{
			"what is no name of a client",
			[]string{"--web.external-url=https://gate.example", "--oidc.issuer=https://a.example", "--oidc.client-id=gätehouse"},
			nil,
			[]string{`--oidc.client-id "gätehouse": expected the client's name at the provider, of visible ASCII characters`},
		},
		{
			"what is no issuer", login("--oidc.issuer=https://u:secret@a.example"), nil,
			[]string{`--oidc.issuer "https://u:xxxxx@a.example": expected a URL without user and password`},
		},
		{
			"what is no scope", login("--oidc.issuer=https://a.example", `--oidc.scopes=groups,"x"`), nil,
			[]string{`--oidc.scopes "\"x\"": expected names of scopes such as profile and groups`},
		},
		{
			"scopes that hold nothing", login("--oidc.issuer=https://a.example", "--oidc.scopes=,"), nil,
			[]string{`--oidc.scopes "": expected at least one value`},
		},
		{
			"a secret of two lines", login("--oidc.issuer=https://a.example"),
			map[string]string{"OIDC_CLIENT_SECRET": "secret\nsecret"},
			[]string{"OIDC_CLIENT_SECRET: expected one line of UTF-8 text of at most 1024 bytes"},
		},
		{
			"a secret in both ways", login("--oidc.issuer=https://a.example"),
			map[string]string{"OIDC_CLIENT_SECRET": "secret", "OIDC_CLIENT_SECRET_FILE": "x"},
			[]string{"OIDC_CLIENT_SECRET and OIDC_CLIENT_SECRET_FILE are both set: unset one of them"},
		},
		{"a provider of the world", login("--oidc.issuer=" + google), nil, []string{`--oidc.issuer "` + google + `"` + world}},
		{
			"the same, and tokens of it", login("--jwt.issuer="+google, "--jwt.audience=a"), nil,
			[]string{`--jwt.issuer "` + google + `"` + world},
		},
		{
			"tenants of the world", login("--oidc.issuer=https://login.microsoftonline.com/common/v2.0"), nil,
			[]string{`--oidc.issuer "https://login.microsoftonline.com/common/v2.0"` + world},
		},
		{"a provider of the world, and what everyone may do", login("--oidc.issuer="+google, "--auth.default-role=reader"), nil, nil},
		{"a provider of the world, with a required claim", login("--oidc.issuer="+google, "--jwt.required-claims=hd=a.example"), nil, nil},
		{"a provider of the world, with roles", login("--oidc.issuer="+google, "--auth.role-map=ops=admin"), nil, nil},
		{
			"likely mistakes", login("--oidc.issuer=https://a.example"),
			map[string]string{
				"GATEHOUSE_OIDC_CLIENT_ID": "a", "GATEHOUSE_OIDC_CLIENT_SECRET": "secret", "OIDC_CLIENT_ID_FILE": "x", "OIDC_CLIENT_SECRETS": "secret", "OIDC_ISSUER_URL": "x",
			},
			[]string{
				"GATEHOUSE_OIDC_CLIENT_ID is not read: set OIDC_CLIENT_ID instead",
				"GATEHOUSE_OIDC_CLIENT_SECRET is not read: set OIDC_CLIENT_SECRET instead",
				"OIDC_CLIENT_ID_FILE is not read: set OIDC_CLIENT_ID instead",
				"OIDC_CLIENT_SECRETS is not a known variable, the nearest is OIDC_CLIENT_SECRET: correct or unset it, or allow it with --env.allow-unknown=OIDC_CLIENT_SECRETS",
				"OIDC_ISSUER_URL is not a known variable, the nearest is OIDC_ISSUER: correct or unset it, or allow it with --env.allow-unknown=OIDC_ISSUER_URL",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) { wantProblems(t, test.args, test.env, test.want) })
	}
}

func TestTheStartRemarksWhatIsWeakerThanItLooks(t *testing.T) {
	issuer := []string{"--jwt.issuer=http://a.example", "--jwt.audience=a"}
	login := []string{"--web.external-url=https://gate.example", "--oidc.client-id=x"}
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"an issuer in plain", issuer, []string{"--jwt.issuer http://a.example is not https"}},
		{
			"keys in plain, whose address holds a key",
			[]string{"--jwt.issuer=http://localhost", "--jwt.audience=a", "--jwt.jwks-uri=http://a.example/k?key=secret"},
			[]string{"--jwt.jwks-uri http://a.example/k?… is not https"},
		},
		{"a login in plain", append(login, "--oidc.issuer=http://b.example"), []string{"--oidc.issuer http://b.example is not https"}},
		{"one issuer of both", append(login, issuer...), []string{"--jwt.issuer http://a.example is not https"}},
		{"a server in plain", []string{"--web.external-url=http://gate.example", "--oidc.client-id=x", "--oidc.issuer=https://b.example"}, []string{"--web.external-url http://gate.example is not https"}},
		{"all on this machine", []string{"--web.external-url=http://localhost:9091", "--oidc.client-id=x", "--oidc.issuer=http://127.0.0.1:1"}, nil},
	} {
		notes := parse(t, test.args...).Notes
		same := len(notes) == len(test.want)
		for i := range min(len(notes), len(test.want)) {
			same = same && strings.HasPrefix(notes[i], test.want[i]) && !strings.Contains(notes[i], "secret")
		}
		if !same {
			t.Errorf("%s: %q, want %q", test.name, notes, test.want)
		}
	}
}

// wantProblems parses and compares all that is told to be wrong.
func wantProblems(t *testing.T, args []string, env map[string]string, want []string) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	_, err := Parse(args, io.Discard)
	var got []string
	if err != nil {
		first, rest, several := strings.Cut(err.Error(), "\n  ")
		if got = strings.Split(rest, "\n  "); !several {
			got = []string{strings.TrimPrefix(first, "cannot start: ")}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Parse(%q) with %v tells\n%s\nwant\n%s", args, env, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsWeakIsNoted(t *testing.T) {
	const key, token = "0123456789abcdef", "fedcba9876543210"
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want []string
	}{
		{
			"an issuer in plain",
			[]string{"--jwt.issuer=http://a.example", "--jwt.audience=a", "--jwt.jwks-uri=http://a.example/k"},
			nil,
			[]string{"--jwt.issuer http://a.example is not https: anyone who can change the traffic can get in"},
		},
		{
			"keys in plain of a local issuer",
			[]string{"--jwt.issuer=http://localhost:8080", "--jwt.audience=a", "--jwt.jwks-uri=http://a.example/k"},
			nil,
			[]string{"--jwt.jwks-uri http://a.example/k is not https: anyone who can change the traffic can get in"},
		},
		{"a local issuer", []string{"--jwt.issuer=http://[::1]:8080/x", "--jwt.audience=a", "--jwt.jwks-uri=http://127.0.0.2/k"}, nil, nil},
		{"a scrape key beside tokens", nil, map[string]string{"METRICS_VERIFICATION_KEY": key, "API_TOKENS": token}, nil},
		{
			"a scrape key that is a token", nil,
			map[string]string{"METRICS_VERIFICATION_KEY": key, "API_TOKENS": token + "," + key},
			[]string{"METRICS_VERIFICATION_KEY is one of API_TOKENS too: anyone who scrapes may do everything"},
		},
		{
			"secrets that can be guessed", nil,
			map[string]string{"METRICS_VERIFICATION_KEY": key[1:], "API_TOKENS": "," + token + "," + token[1:] + ",x"},
			[]string{
				"token 2 of API_TOKENS is shorter than 16 characters: anyone who guesses it may do everything",
				"token 3 of API_TOKENS is shorter than 16 characters: anyone who guesses it may do everything",
				"METRICS_VERIFICATION_KEY is shorter than 16 characters: it can be guessed",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			if got := parse(t, test.args...).Notes; !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Setenv("GATEHOUSE_WEB_ENABLE_LIFECYCLE", "maybe")
	_, err := Parse([]string{"--push.default-ttl=soon", "--web.listen-address=:1", "--web.listen-address=x", "--log.level=no"}, io.Discard)
	want := `cannot start, 4 settings are wrong:
  --web.listen-address "x": expected host:port, :port, vsock://:port or unix:///path
  --web.enable-lifecycle (from GATEHOUSE_WEB_ENABLE_LIFECYCLE) "maybe": expected true or false
  --push.default-ttl "soon": expected a duration such as 90s, 15m, 1h30m or 1d
  --log.level "no": expected one of debug, info, warn, error`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestHelpAndVersionArePrinted(t *testing.T) {
	for arg, want := range map[string][]string{
		"--help":    {"($GATEHOUSE_WEB_LISTEN_ADDRESS)", "($JWT_ISSUER)", "API_TOKENS", "METRICS_VERIFICATION_KEY", "PUSHGATEWAY_AUTH_PASS", "_FILE"},
		"-h":        {"--[no-]push.enable-utf8-names"},
		"--version": {"gatehouse, version "},
	} {
		var out strings.Builder
		// Even beside a wrong value.
		_, err := Parse([]string{arg, "--log.level=no"}, &out)
		if !errors.Is(err, ErrAnswered) {
			t.Errorf("%s: %v", arg, err)
		}
		for _, want := range want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s printed %q, want %q in it", arg, out.String(), want)
			}
		}
	}
}

func TestEveryFieldOfFlagsIsAFlag(t *testing.T) {
	p := newParser()
	k := kingpin.New("x", "")
	p.define(k)
	defined := make(map[string]bool)
	for _, f := range k.Model().Flags {
		defined[f.Name] = true
	}
	fields := flagNames()
	for name := range fields {
		if !defined[name] {
			t.Errorf("--%s is not defined", name)
		}
	}
	for _, s := range p.settings {
		if !fields[s.name] || s.help == "" || s.kind.parse == nil || p.of(s.field.Addr().Interface()) != s || p.named(s.name) != s {
			t.Errorf("%+v", s)
		}
	}
	if len(fields) != len(p.settings) {
		t.Errorf("%d fields, %d flags", len(fields), len(p.settings))
	}
}

func TestTheDocumentationNamesEveryFlagAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../../views/docs/flags.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z0-9.-]+)`").FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = true
	}
	for name := range flagNames() {
		if !documented[name] {
			t.Errorf("--%s is not documented", name)
		}
		delete(documented, name)
	}
	delete(documented, "help") // kingpin's own
	delete(documented, "version")
	for name := range documented {
		t.Errorf("--%s is documented but does not exist", name)
	}
}

func TestTheDocumentationHasTheDefaultsAndTheNamesOfVariables(t *testing.T) {
	page, err := os.ReadFile("../../views/docs/flags.md")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z0-9.-]+)` \\| `([A-Z_]+)` \\|$").FindAllStringSubmatch(string(page), -1) {
		own[m[1]] = m[2]
	}
	for _, s := range newParser().settings {
		if row := fmt.Sprintf("| `--%s` | `%s` |", s.name, s.preset); s.preset != "" && !s.kind.toggle && !strings.Contains(string(page), row) {
			t.Errorf("there is no row that begins with %s", row)
		}
		if variable, isOwn := own[s.name]; isOwn != (s.variable != prefixedName(s.name)) || isOwn && variable != s.variable {
			t.Errorf("--%s has the variable %s, documented is %q", s.name, s.variable, variable)
		}
	}
}
