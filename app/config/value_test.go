package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// flagNames returns the names in the tags.
func flagNames() map[string]bool {
	names := make(map[string]bool)
	addFlagNames(names, reflect.TypeFor[Options]())
	return names
}

func addFlagNames(names map[string]bool, options reflect.Type) {
	for f := range options.Fields() {
		if name := f.Tag.Get("flag"); name != "" {
			names[name] = true
		} else if f.Type.Kind() == reflect.Struct {
			addFlagNames(names, f.Type)
		}
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
		"1d": 24 * time.Hour, "1w": 168 * time.Hour, "250ms": 250 * time.Millisecond,
	} {
		if got, err := parseDuration(in); got != want || err != nil {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "1", "d", "-1s", "1 h", "99999999999999y"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]int64{
		"1": 1, "16777216": 16 << 20, "16MiB": 16 << 20, "16 MiB": 16 << 20, "16m": 16 << 20, "16MB": 16e6,
		"512KiB": 512 << 10, "1g": 1 << 30, "3B": 3,
	} {
		if got, err := parseBytes(in); got != want || err != nil {
			t.Errorf("parseBytes(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "0MiB", "-1", "+1", "1.5MiB", "MiB", "1Mi", "1MBB", "9223372036854775807K", "99999999999999999999"} {
		if got, err := parseBytes(in); err == nil {
			t.Errorf("parseBytes(%q) = %v, want an error", in, got)
		}
		got, err := parseBytesOrNone(in)
		if none := in == "0" || in == "0MiB"; got != 0 || none != (err == nil) {
			t.Errorf("parseBytesOrNone(%q) = %v, %v", in, got, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, in := range []string{":9091", "localhost:0", "127.0.0.1:65535", "[::1]:1", "[fe80::1%eth0]:1", "0.0.0.0:http", "vsock://:9091", "vsock://3:9091", "unix:///run/x.sock", "unix:///x,y"} {
		if got, err := ParseAddress(in); err != nil || got.VSock != strings.HasPrefix(in, "vsock") {
			t.Errorf("ParseAddress(%q) = %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", ":", "9091", "::1:1", "host", "host:", ":x y", ":-1", ":65536", "http://a:1", "unix:/x", "unix://x", "unix://", "unix:///x/", "unix:", "vsock://", "vsock://9091", "vsock://:-1"} {
		if got, err := ParseAddress(in); err == nil {
			t.Errorf("ParseAddress(%q) = %+v, want an error", in, got)
		}
	}
}

func TestTelemetryPathsThatDoNotClash(t *testing.T) {
	for _, in := range []string{"/metrics", "/prom", "/a/metrics", "/statuses", "/_/m.x~y-z"} {
		if err := checkTelemetryPath(in); err != nil {
			t.Errorf("checkTelemetryPath(%q) = %v", in, err)
		}
	}
}

func TestTelemetryPathsThatClash(t *testing.T) {
	for _, first := range []string{
		"-", "account", "activity", "api", "auth", "debug", "deleted", "docs", "events", "export", "favicon.ico",
		"groupings", "health", "login", "push", "settings", "static", "status", "targets", "tokens", "ui", "undo", "wipe", "metrics/x",
	} {
		for _, in := range []string{"/" + first, "/" + first + "/more"} {
			want := "expected a path that is not in use otherwise; /" + strings.TrimSuffix(first, "/x") + " is"
			if err := checkTelemetryPath(in); err == nil || err.Error() != want {
				t.Errorf("checkTelemetryPath(%q) = %v, want %s", in, err, want)
			}
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"1h30m", "1d", "16MiB", ":9091", "vsock://3:1", "https://a.example/b/", "/metrics", "a/b", "1000000", "unix:///run/x.sock", "0660", "root:root", "push"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, kind := range kinds {
			if err := kind.check(s); err != nil && (err.Error() == "" || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s of %q: %q is not a line", name, s, err)
			}
		}
		if d, err := parseDuration(s); err == nil && d < 0 {
			t.Errorf("parseDuration(%q) = %v", s, d)
		}
		if n, err := parseBytes(s); err == nil && n <= 0 {
			t.Errorf("parseBytes(%q) = %v", s, n)
		}
		if p, err := parseRoutePrefix(s); err == nil && p != "" {
			again, err := parseRoutePrefix(p)
			if again != p || err != nil || p[0] != '/' || strings.HasSuffix(p, "/") || strings.ContainsAny(p, ":*+?(){}%") {
				t.Errorf("parseRoutePrefix(%q) = %q, then %q, %v", s, p, again, err)
			}
		}
		if u, err := parseExternalURL(s); err == nil && u != nil && (u.User != nil || u.Host == "" || strings.HasSuffix(u.Path, "/")) {
			t.Errorf("parseExternalURL(%q) = %+v", s, u)
		}
	})
}
