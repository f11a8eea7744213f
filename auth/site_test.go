package auth_test

import (
	"net/url"
	"strings"
	"testing"

	"gatehouse/auth"
)

func TestPagesOfOtherSitesAreRecognized(t *testing.T) {
	host := []string{"push.test:9091"}
	proxied := []string{"10.0.0.5:9091", "https://push.example"}
	both := []string{"push.example", "https://push.example"}
	for _, tt := range []struct {
		name          string
		fetch, origin string
		ours          []string
		want          bool
	}{
		{"a program", "", "", host, false},
		{"our page", "same-origin", "http://push.test:9091", host, false},
		{"a typed address", "none", "", host, false},
		{"our page in an older browser", "", "http://push.test:9091", host, false},
		{"another site", "cross-site", "", host, true},
		{"another site that claims our origin", "cross-site", "http://push.test:9091", host, true},
		{"another port of the same site", "same-site", "", host, true},
		{"an unknown word", "same-origin2", "", host, true},
		{"another case", "Same-Origin", "", host, true},
		{"a list", "same-origin, none", "", host, true},
		{"another origin", "", "https://evil.test", host, true},
		{"another origin that claims to be the same", "same-origin", "https://evil.test", host, true},
		{"another origin without a page", "none", "https://evil.test", host, true},
		{"another port", "", "http://push.test:9092", host, true},
		{"the default port", "", "http://push.test", host, true},
		{"null", "", "null", host, true},
		{"null of ours", "same-origin", "null", host, true},
		{"another case of the host", "", "http://PUSH.test:9091", []string{"Push.TEST:9091"}, false},
		{"a name that begins like ours", "", "http://push.test:9091.evil.test", host, true},
		{"a name that ends like ours", "", "http://evilpush.test:9091", host, true},
		{"our name as a user", "", "http://push.test:9091@evil.test", host, true},
		{"a user", "", "http://x@push.test:9091", host, true},
		{"a path", "", "http://push.test:9091/", host, true},
		{"a query", "", "http://push.test:9091?", host, true},
		{"a fragment", "", "http://push.test:9091#", host, true},
		{"a backslash", "", `http://push.test:9091\`, host, true},
		{"no scheme", "", "push.test:9091", host, true},
		{"no host", "", "http://", []string{""}, true},
		{"another scheme", "", "ftp://push.test:9091", host, true},
		{"an extension", "", "chrome-extension://push.test:9091", host, true},
		{"two origins", "", "http://push.test:9091 http://push.test:9091", host, true},
		{"an escape", "", "http://%70ush.test:9091", host, true},
		{"nothing is ours", "", "http://push.test", nil, true},
		{"an empty host is ours", "", "http://push.test", []string{""}, true},
		{"a default port in Host", "", "https://push.test", []string{"push.test:443"}, false},
		{"another default port in Host", "", "http://push.test", []string{"push.test:80"}, false},
		{"the port of the other scheme in Host", "", "http://push.test", []string{"push.test:443"}, true},
		{"a default port in Origin", "", "http://push.test:80", []string{"push.test"}, false},
		{"IPv6", "", "http://[::1]:9091", []string{"[::1]:9091"}, false},
		{"IPv6 and the default port", "", "http://[::1]", []string{"[::1]:80"}, false},

		{"behind a proxy", "same-origin", "https://push.example", proxied, false},
		{"behind a proxy, past it", "", "http://10.0.0.5:9091", proxied, false},
		{"behind a proxy, without TLS", "", "http://push.example", proxied, true},
		{"without TLS, though Host is the same", "", "http://push.example", both, true},
		{"with TLS, and Host is the same", "", "https://push.example", both, false},
		{"two origins of ours", "", "http://push.example", []string{"https://push.example", "http://push.example"}, false},
		{"another case of the origin", "", "https://push.example", []string{"HTTPS://Push.Example:443"}, false},
	} {
		if got := auth.CrossSite(tt.fetch, tt.origin, tt.ours...); got != tt.want {
			t.Errorf("%s: %q, %q to %q: got %t", tt.name, tt.fetch, tt.origin, tt.ours, got)
		}
	}
}

func FuzzCrossSite(f *testing.F) {
	for _, origin := range []string{"http://a.test", "https://a.test:443", "http://[::1]:80", "null", "http://a@b", "http://a.test/", "x"} {
		f.Add("", origin, "a.test")
		f.Add("same-origin", origin, "http://a.test")
	}
	f.Add("cross-site", "", "a.test")
	f.Fuzz(func(t *testing.T, fetch, origin, our string) {
		if auth.CrossSite(fetch, origin, our) {
			return
		}
		if fetch != "" && fetch != "none" && fetch != "same-origin" {
			t.Errorf("%q is taken for ours", fetch)
		}
		if origin == "" {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || u.Hostname() == "" || !strings.Contains(strings.ToLower(our), strings.ToLower(u.Hostname())) {
			t.Errorf("%q is taken for %q", origin, our)
		}
	})
}
