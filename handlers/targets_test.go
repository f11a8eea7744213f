package handlers

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
)

func (s *served) targets(query string, headers ...string) []targetJSON {
	s.t.Helper()
	a := s.get(s.prefix+"/api/v1/targets"+query, headers...)
	var list []targetJSON
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 || a.header.Get("Content-Type") != "application/json" {
		s.t.Fatalf("%v %v: %v", a, a.header, err)
	}
	return list
}

func TestEveryGroupingIsATarget(t *testing.T) {
	at := time.Unix(1_700_000_000, 250_000_000)
	s := serve(t, func(c setup) {
		c.UTF8Names = true
		c.Store.Now = func() time.Time { return at }
	})
	if a := s.get("/api/v1/targets"); a.body != "[]" {
		t.Errorf("without groupings: %v", a)
	}
	s.put("/metrics/job/x", "a 1\nb{c=\"d\"} 1\nb{c=\"e\"} 1\n")
	s.put("/metrics/job/x/instance/a%2Fb%20c", "a 1\n")
	s.put("/metrics/job/x/my.label/v", "")
	s.do("PUT", "/metrics/job/x/my.label/v", "?")
	meta := func(families, series, success string, labels ...string) map[string]string {
		m := map[string]string{
			"__scheme__": "http", "__meta_gatehouse_last_push_timestamp_seconds": "1700000000.25", "__meta_gatehouse_last_push_success": success,
			"__meta_gatehouse_families": families, "__meta_gatehouse_series": series,
		}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		return m
	}
	want := []targetJSON{
		{[]string{"gate.test:9091"}, meta("2", "3", "true", "job", "x", "__metrics_path__", "/metrics/job/x/instance@base64/=")},
		{[]string{"gate.test:9091"}, meta("1", "1", "true", "job", "x", "instance", "a/b c", "__metrics_path__", "/metrics/job/x/instance@base64/YS9iIGM")},
		{[]string{"gate.test:9091"}, meta("0", "0", "false", "job", "x", "U__my_2e_label", "v", "__metrics_path__", "/metrics/job/x/U__my_2e_label/v")},
	}
	got := s.targets("", "Host", "gate.test:9091")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if got := s.targets("?match[]=" + url.QueryEscape(`{instance="a/b c"}`)); len(got) != 1 || got[0].Labels["instance"] != "a/b c" {
		t.Errorf("selected %v", got)
	}
	if a := s.get("/api/v1/targets?match[]={"); a.status != 400 || !strings.Contains(a.body, `"errorType":"bad_data"`) {
		t.Errorf("%v", a)
	}
}

func TestTheTargetsTogetherHaveEverythingOnce(t *testing.T) {
	s := serve(t, func(c setup) { c.UTF8Names, c.RoutePrefix = true, "/pg" })
	for i, path := range []string{
		"/job/x", "/job/x/instance/i", "/job/x/instance/i/zone/z", "/job/a%2Fb", "/job/%C3%A9/l/..", "/job/x/l/%20", "/job/x/my.label/v",
		"/job/x/path/%2Fvar%2Ftmp", "/job/..", "/job/x/l/a+b", "/job/x/l/%25", "/job/x/l/a%3Fb%23c", "/job/x/l/-_.~",
	} {
		s.put("/metrics"+path, "m "+strconv.Itoa(i)+"\n")
	}
	all := map[string]int{}
	for _, target := range s.targets("") {
		path := target.Labels["__metrics_path__"]
		// Prometheus takes the path for a decoded one and encodes it.
		u := url.URL{Path: path}
		if u.EscapedPath() != path {
			t.Errorf("%s changes to %s on its way", path, u.EscapedPath())
		}
		a := s.get(path)
		if a.status != 200 {
			t.Errorf("%v", a)
		}
		for line := range strings.SplitSeq(a.body, "\n") {
			if strings.HasPrefix(line, "m{") {
				all[line]++
			}
		}
	}
	for line := range strings.SplitSeq(s.get("/pg/metrics").body, "\n") {
		if strings.HasPrefix(line, "m{") && all[line] != 1 {
			t.Errorf("%s is told %d times", line, all[line])
		}
	}
	if len(all) != 13 {
		t.Errorf("told %d series, want 13", len(all))
	}
}

func TestTargetsSayWhereTheServerIs(t *testing.T) {
	tests := []struct {
		name, external, prefix, host string
		want, scheme, path           string
	}{
		{"as the request says", "", "", "gate.test:9091", "gate.test:9091", "http", "/metrics/job/x/l/v"},
		{"the request says no port", "", "", "gate.test", "gate.test:80", "http", "/metrics/job/x/l/v"},
		{"an IPv6 address", "", "", "[::1]", "[::1]:80", "http", "/metrics/job/x/l/v"},
		{"an IPv6 address and a port", "", "", "[::1]:9091", "[::1]:9091", "http", "/metrics/job/x/l/v"},
		{"as the operator says", "https://push.example.org:8443/pg", "/pg", "inside:9091", "push.example.org:8443", "https", "/pg/metrics/job/x/l/v"},
		{"the operator says no port", "https://push.example.org/pg", "/pg", "inside:9091", "push.example.org:443", "https", "/pg/metrics/job/x/l/v"},
		{"plain HTTP without a port", "http://push.example.org", "", "inside:9091", "push.example.org:80", "http", "/metrics/job/x/l/v"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(c setup) {
				c.RoutePrefix = test.prefix
				if test.external != "" {
					c.ExternalURL, _ = url.Parse(test.external)
				}
			})
			s.put("/metrics/job/x/l/v", "")
			got := s.targets("", "Host", test.host)[0]
			if got.Targets[0] != test.want || got.Labels["__scheme__"] != test.scheme || got.Labels["__metrics_path__"] != test.path {
				t.Errorf("got %v, want %s %s %s", got, test.scheme, test.want, test.path)
			}
		})
	}
}

func TestAbsoluteAddressesHaveTheSchemeOfATrustedProxy(t *testing.T) {
	loopback := auth.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	for _, test := range []struct {
		name     string
		trusted  auth.Prefixes
		external string
		headers  []string
		want     string
	}{
		{"a proxy with TLS", loopback, "", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, "https://gate.test"},
		{"a proxy without", loopback, "", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http"}, "http://gate.test"},
		{"a proxy that does not say", loopback, "", []string{"X-Forwarded-For", "192.0.2.1"}, "http://gate.test"},
		{"what the client has made up", loopback, "", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https, http"}, "http://gate.test"},
		{"another scheme", loopback, "", []string{"X-Forwarded-Proto", "javascript"}, "http://gate.test"},
		{"others are not believed", auth.Prefixes{netip.MustParsePrefix("10.0.0.0/8")}, "", []string{"X-Forwarded-Proto", "https"}, "http://gate.test"},
		{"nobody is", nil, "", []string{"X-Forwarded-Proto", "https"}, "http://gate.test"},
		{"the host is the request's", loopback, "", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.test", "X-Forwarded-Port", "1"}, "https://gate.test"},
		{"the operator knows better", loopback, "http://push.example.org:8080", []string{"X-Forwarded-Proto", "https"}, "http://push.example.org:8080"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(c setup) {
				c.Guard.Trusted = test.trusted
				if test.external != "" {
					c.ExternalURL, _ = url.Parse(test.external)
				}
			})
			s.put("/metrics/job/x", "a 1\n")
			headers := append([]string{"Host", "gate.test"}, test.headers...)
			want, _ := url.Parse(test.want)
			port := want.Port()
			if port == "" {
				port = map[string]string{"http": "80", "https": "443"}[want.Scheme]
			}
			if got := s.targets("", headers...)[0]; got.Labels["__scheme__"] != want.Scheme || got.Targets[0] != want.Hostname()+":"+port {
				t.Errorf("the target is %v", got)
			}
			visit := append(headers, aBrowser...)
			curl := test.want + "/metrics/job/x"
			for page, text := range map[string]string{
				"/targets?view=scrapers": want.Hostname() + ":" + port,
				"/docs/pushing":          test.want + "/metrics/job/",
				"/push?job=x":            curl,
				"/status":                test.want,
				"/groupings/" + s.group("/metrics/job/x").Key.Digest(): curl,
			} {
				other := map[string]string{"http": "https", "https": "http"}[want.Scheme] + "://" + want.Host
				if a := s.get(page, visit...); a.status != 200 || !contains(a.body, text) || contains(a.body, other) {
					t.Errorf("%s: %d, %q is missing, or %q is there", page, a.status, text, other)
				}
			}
			if a := s.get("/targets?view=scrapers", visit...); contains(a.body, "scheme: https") != (want.Scheme == "https") {
				t.Errorf("the settings for Prometheus: %v", a)
			}
		})
	}
}
