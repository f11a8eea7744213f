package app

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
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
		"api.exact-job-match":            "false",
		"delete.undo-max-bytes":          "256MiB",
		"delete.undo-window":             "24h",
		"limits.body-bytes-in-flight":    "256MiB",
		"limits.groupings":               "1000000",
		"limits.label-sets-per-family":   "64",
		"limits.series":                  "20000000",
		"limits.series-per-push":         "100000",
		"log.format":                     "logfmt",
		"log.level":                      "info",
		"metrics.exclude-own":            "false",
		"persistence.file":               "",
		"persistence.interval":           "5m",
		"push.default-ttl":               "0s",
		"push.disable-consistency-check": "false",
		"push.enable-utf8-names":         "false",
		"push.max-body-bytes":            "16MiB",
		"storage.path":                   "data",
		"storage.timeout":                "3s",
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
		"web.systemd-socket":             "false",
		"web.telemetry-path":             "/metrics",
		"web.write-timeout":              "2m",
	}
	for name, value := range want {
		if got, ok := o.Flags[name]; !ok || got != value {
			t.Errorf("flag %s is %q, want %q", name, got, value)
		}
	}
	for name := range o.Flags {
		if _, ok := want[name]; !ok {
			t.Errorf("flag %s is not in this table", name)
		}
	}
	if !o.CheckConsistency || o.MaxBodyBytes != 16<<20 || o.StaleAfter != time.Hour || o.DefaultTTL != 0 {
		t.Errorf("got %+v", o)
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
			func(o Options) bool { return strings.Join(o.ListenAddresses, " ") == ":1 [::1]:2 vsock://:3" },
		},
		{
			"the environment gives several addresses with commas", nil,
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1, :2"},
			func(o Options) bool { return strings.Join(o.ListenAddresses, " ") == ":1 :2" },
		},
		{
			"the environment gives several addresses in lines", nil,
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1\n:2\n"},
			func(o Options) bool { return strings.Join(o.ListenAddresses, " ") == ":1 :2" },
		},
		{
			"a flag beats the environment",
			[]string{"--web.listen-address=:3"},
			map[string]string{"GATEHOUSE_WEB_LISTEN_ADDRESS": ":1"},
			func(o Options) bool { return strings.Join(o.ListenAddresses, " ") == ":3" },
		},
		{
			"a negated flag beats the environment",
			[]string{"--no-web.enable-lifecycle"},
			map[string]string{"GATEHOUSE_WEB_ENABLE_LIFECYCLE": "true"},
			func(o Options) bool { return !o.EnableLifecycle },
		},
		{
			"a switch in the environment", nil,
			map[string]string{"GATEHOUSE_PUSH_ENABLE_UTF8_NAMES": "true"},
			func(o Options) bool { return o.UTF8Names },
		},
		{
			"an empty variable counts as unset", nil,
			map[string]string{"GATEHOUSE_STORAGE_TIMEOUT": ""},
			func(o Options) bool { return o.StorageTimeout == 3*time.Second },
		},
		{
			"a version in the environment is not a flag", nil,
			map[string]string{"GATEHOUSE_VERSION": "1.0", "GATEHOUSE_HELP": "x"},
			func(o Options) bool { return o.LogLevel == "info" },
		},
		{
			"the check is disabled",
			[]string{"--push.disable-consistency-check"},
			nil,
			func(o Options) bool { return !o.CheckConsistency },
		},
		{
			"bytes without unit",
			[]string{"--push.max-body-bytes=16777216"},
			nil,
			func(o Options) bool { return o.MaxBodyBytes == 16<<20 },
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
				return o.RoutePrefix == "/pg/x" && o.ExternalURL.String() == "https://a.example/pg/x"
			},
		},
		{
			"a prefix of / is none",
			[]string{"--web.external-url=https://a.example/pg", "--web.route-prefix=/"},
			nil,
			func(o Options) bool { return o.RoutePrefix == "" && o.ExternalURL.Path == "/pg" },
		},
		{
			"a prefix gets its slash",
			[]string{"--web.route-prefix=abc/"},
			nil,
			func(o Options) bool { return o.RoutePrefix == "/abc" },
		},
		{
			"the store is beside the persistence file",
			[]string{"--persistence.file=/var/lib/pg/metrics"},
			nil,
			func(o Options) bool { return o.StoragePath == "/var/lib/pg/gatehouse-data" },
		},
		{
			"a given storage path counts",
			[]string{"--persistence.file=/var/lib/pg/metrics", "--storage.path=/x"},
			nil,
			func(o Options) bool { return o.StoragePath == "/x" && o.Flags["storage.path"] == "/x" },
		},
		{
			"the interval is accepted with a note",
			[]string{"--persistence.interval=10m"},
			nil,
			func(o Options) bool {
				return len(o.Notes) == 1 && strings.Contains(o.Notes[0], "--persistence.interval")
			},
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

func TestAProblemNamesTheFlagTheValueAndWhatIsExpected(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--push.default-ttl=soon", `--push.default-ttl "soon": expected a duration such as 90s`},
		{"--push.default-ttl=-1h", `--push.default-ttl "-1h": expected a duration`},
		{"--storage.timeout=0s", `--storage.timeout "0s": expected a duration above zero`},
		{"--push.max-body-bytes=0", `--push.max-body-bytes "0": expected a number of bytes above zero`},
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
		{"--web.config.file=web.yml", "TLS and users are not supported yet"},
		{"--ui.old-after=1m", `--ui.old-after "1m": expected no less than --ui.stale-after, 1h`},
		{"--push.max-body-bytes=1GiB", `--limits.body-bytes-in-flight "256MiB": expected no less than --push.max-body-bytes, 1GiB`},
		{"--no-such-flag", "unknown long flag '--no-such-flag'; --help lists all flags"},
		{"stray", "unexpected stray; --help lists all flags"},
	}
	for _, test := range tests {
		t.Run(test.arg, func(t *testing.T) {
			_, err := Parse([]string{test.arg}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Parse(%q) = %v, want one line with %q", test.arg, err, test.want)
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Setenv("GATEHOUSE_WEB_ENABLE_LIFECYCLE", "maybe")
	_, err := Parse([]string{"--push.default-ttl=soon", "--web.listen-address=:1", "--web.listen-address=x", "--log.level=no"}, io.Discard)
	want := `cannot start, 4 settings are wrong:
  --web.listen-address "x": expected host:port, :port or vsock://:port
  --web.enable-lifecycle (from GATEHOUSE_WEB_ENABLE_LIFECYCLE) "maybe": expected true or false
  --push.default-ttl "soon": expected a duration such as 90s, 15m, 1h30m or 1d
  --log.level "no": expected one of debug, info, warn, error`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestHelpAndVersionArePrinted(t *testing.T) {
	for arg, want := range map[string]string{
		"--help":    "($GATEHOUSE_WEB_LISTEN_ADDRESS)",
		"-h":        "--[no-]push.enable-utf8-names",
		"--version": "gatehouse, version ",
	} {
		var out strings.Builder
		// Even beside a wrong value.
		_, err := Parse([]string{arg, "--log.level=no"}, &out)
		if !errors.Is(err, ErrAnswered) || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, printed %q, want %q in it", arg, err, out.String(), want)
		}
	}
}

func TestEveryFieldOfFlagsIsAFlag(t *testing.T) {
	f := &flags{given: make(map[string]*bool)}
	k := kingpin.New("x", "")
	f.define(k)
	fields := flagNames()
	for name := range f.given {
		if !fields[name] {
			t.Errorf("--%s is defined under a name that no field has", name)
		}
	}
	if len(fields) != len(f.given) {
		t.Errorf("%d fields, %d flags", len(fields), len(f.given))
	}
}

func TestTheDocumentationNamesEveryFlagAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../views/docs/flags.md")
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
