package gateway_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"gatehouse/auth"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
)

func targetsOf(s *handlertest.Server, query string, headers ...string) []handlertest.Target {
	s.T.Helper()
	a := s.Get(s.Prefix+"/api/v1/targets"+query, headers...)
	var list []handlertest.Target
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil || a.Status != 200 || a.Header.Get("Content-Type") != "application/json" {
		s.T.Fatalf("%v %v: %v", a, a.Header, err)
	}
	return list
}

func TestEveryGroupingIsATarget(t *testing.T) {
	at := time.Unix(1_700_000_000, 250_000_000)
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Store.Now = func() time.Time { return at }
	})
	if a := s.Get("/api/v1/targets"); a.Body != "[]" {
		t.Errorf("without groupings: %v", a)
	}
	s.Put("/metrics/job/x", "a 1\nb{c=\"d\"} 1\nb{c=\"e\"} 1\n")
	s.Put("/metrics/job/x/instance/a%2Fb%20c", "a 1\n")
	s.Put("/metrics/job/x/my.label/v", "")
	s.Do("PUT", "/metrics/job/x/my.label/v", "?")
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
	want := []handlertest.Target{
		{Targets: []string{"gate.test:9091"}, Labels: meta("2", "3", "true", "job", "x", "__metrics_path__", "/metrics/job/x/instance@base64/=")},
		{Targets: []string{"gate.test:9091"}, Labels: meta("1", "1", "true", "job", "x", "instance", "a/b c", "__metrics_path__", "/metrics/job/x/instance@base64/YS9iIGM")},
		{Targets: []string{"gate.test:9091"}, Labels: meta("0", "0", "false", "job", "x", "U__my_2e_label", "v", "__metrics_path__", "/metrics/job/x/U__my_2e_label/v")},
	}
	got := targetsOf(s, "", "Host", "gate.test:9091")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if got := targetsOf(s, "?match[]="+url.QueryEscape(`{instance="a/b c"}`)); len(got) != 1 || got[0].Labels["instance"] != "a/b c" {
		t.Errorf("selected %v", got)
	}
	if a := s.Get("/api/v1/targets?match[]={"); a.Status != 400 || !strings.Contains(a.Body, `"errorType":"bad_data"`) {
		t.Errorf("%v", a)
	}
}

func TestTheTargetsTogetherHaveEverythingOnce(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	for i, path := range []string{
		"/job/x", "/job/x/instance/i", "/job/x/instance/i/zone/z", "/job/a%2Fb", "/job/%C3%A9/l/..", "/job/x/l/%20", "/job/x/my.label/v",
		"/job/x/path/%2Fvar%2Ftmp", "/job/..", "/job/x/l/a+b", "/job/x/l/%25", "/job/x/l/a%3Fb%23c", "/job/x/l/-_.~",
	} {
		s.Put("/metrics"+path, "m "+strconv.Itoa(i)+"\n")
	}
	all := map[string]int{}
	for _, target := range targetsOf(s, "") {
		path := target.Labels["__metrics_path__"]
		// Prometheus takes the path for a decoded one and encodes it.
		u := url.URL{Path: path}
		if u.EscapedPath() != path {
			t.Errorf("%s changes to %s on its way", path, u.EscapedPath())
		}
		a := s.Get(path)
		if a.Status != 200 {
			t.Errorf("%v", a)
		}
		for line := range strings.SplitSeq(a.Body, "\n") {
			if strings.HasPrefix(line, "m{") {
				all[line]++
			}
		}
	}
	for line := range strings.SplitSeq(s.Get("/pg/metrics").Body, "\n") {
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
			s := handlertest.Start(t, func(c handlertest.Setup) {
				c.RoutePrefix = test.prefix
				if test.external != "" {
					c.ExternalURL, _ = url.Parse(test.external)
				}
			})
			s.Put("/metrics/job/x/l/v", "")
			got := targetsOf(s, "", "Host", test.host)[0]
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
			s := handlertest.Start(t, func(c handlertest.Setup) {
				c.Guard.Trusted = test.trusted
				if test.external != "" {
					c.ExternalURL, _ = url.Parse(test.external)
				}
			})
			s.Put("/metrics/job/x", "a 1\n")
			headers := append([]string{"Host", "gate.test"}, test.headers...)
			want, _ := url.Parse(test.want)
			port := want.Port()
			if port == "" {
				port = map[string]string{"http": "80", "https": "443"}[want.Scheme]
			}
			if got := targetsOf(s, "", headers...)[0]; got.Labels["__scheme__"] != want.Scheme || got.Targets[0] != want.Hostname()+":"+port {
				t.Errorf("the target is %v", got)
			}
			visit := append(headers, handlertest.BrowserHeaders...)
			curl := test.want + "/metrics/job/x"
			for page, text := range map[string]string{
				"/targets?view=scrapers": want.Hostname() + ":" + port,
				"/docs/pushing":          test.want + "/metrics/job/",
				"/push?job=x":            curl,
				"/status":                test.want,
				"/groupings/" + s.Grouping("/metrics/job/x").Key.Digest(): curl,
			} {
				other := map[string]string{"http": "https", "https": "http"}[want.Scheme] + "://" + want.Host
				if a := s.Get(page, visit...); a.Status != 200 || !handlertest.Contains(a.Body, text) || handlertest.Contains(a.Body, other) {
					t.Errorf("%s: %d, %q is missing, or %q is there", page, a.Status, text, other)
				}
			}
			if a := s.Get("/targets?view=scrapers", visit...); handlertest.Contains(a.Body, "scheme: https") != (want.Scheme == "https") {
				t.Errorf("the settings for Prometheus: %v", a)
			}
		})
	}
}

func TestLabelNamesOfTargetsAreRawForThoseThatReadThem(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/my.zone/z", "a 1\n")
	for _, test := range []struct {
		userAgent, query string
		raw              bool
	}{
		{"Prometheus/3.16.0", "", true},
		{"Prometheus/3", "", true},
		{"Prometheus/3.0.0-rc.1", "", true},
		{"Prometheus/4.0.0+ds", "", true},
		{"Prometheus/10.2.1", "", true},
		{"Prometheus/11", "", true},
		{"Prometheus/3.5.0 (a proxy)", "", true},
		{"Prometheus/2.42.0+ds", "", false},
		{"Prometheus/2.55.1", "", false},
		{"Prometheus/", "", false},
		{"Prometheus/three", "", false},
		{"Prometheus/3x", "", false},
		{"Prometheus/-3", "", false},
		{"Prometheus/99999999999999999999", "", false},
		{"prometheus/3.1.0", "", false},
		{"not Prometheus/3.1.0", "", false},
		{"Grafana Alloy/1.0", "", false},
		{"curl/8.5.0", "", false},
		{"curl/8.5.0", "?names=utf-8", true},
		{"Prometheus/2.42.0", "?names=utf-8", true},
		{"Prometheus/3.16.0", "?names=legacy", false},
	} {
		a := s.Get("/api/v1/targets"+test.query, "User-Agent", test.userAgent)
		want := `"U__my_2e_zone":"z"`
		if test.raw {
			want = `"my.zone":"z"`
		}
		if a.Status != 200 || !strings.Contains(a.Body, want) || strings.Contains(a.Body, "my.zone") != test.raw || strings.Contains(a.Body, `"U__my`) == test.raw {
			t.Errorf("%q %q: %v, want %s", test.userAgent, test.query, a, want)
		}
		if !strings.Contains(a.Body, `"__metrics_path__":"/metrics/job/x/U__my_2e_zone/z"`) {
			t.Errorf("%q: the path is another: %s", test.userAgent, a.Body)
		}
	}
	for _, query := range []string{"?names=", "?names=UTF-8", "?names=utf-8&names=utf-8", "?names=underscores"} {
		if a := s.Get("/api/v1/targets" + query); a.Status != 400 || !strings.Contains(a.Body, "names must be utf-8 or legacy") {
			t.Errorf("%s: %v", query, a)
		}
	}
}

func TestTargetsSayWhatTheyDependOn(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/my.zone/z", "a 1\n")
	old, raw := s.Get("/api/v1/targets", "User-Agent", "Prometheus/2.42.0"), s.Get("/api/v1/targets", "User-Agent", "Prometheus/3.16.0")
	for _, a := range []handlertest.Answer{old, raw} {
		if vary := strings.Join(a.Header.Values("Vary"), ", "); !handlertest.Contains(vary, "Host", "User-Agent") {
			t.Errorf("Vary: %s", vary)
		}
	}
	if old.Header.Get("ETag") == raw.Header.Get("ETag") {
		t.Error("two lists have one ETag")
	}
	if a := s.Get("/api/v1/targets", "User-Agent", "Prometheus/3.16.0", "If-None-Match", raw.Header.Get("ETag")); a.Status != 304 || a.Header.Get("Vary") == "" {
		t.Errorf("%v %v", a, a.Header)
	}
	if a := s.Get("/api/v1/targets", "User-Agent", "Prometheus/3.16.0", "If-None-Match", old.Header.Get("ETag")); a.Status != 200 {
		t.Errorf("the other list is taken for this one: %v", a)
	}
}

// discoveredLabels are those of a target as Prometheus makes them: without what is
// for Prometheus itself, and with an instance.
func discoveredLabels(t *testing.T, target handlertest.Target) labels.Labels {
	t.Helper()
	b := labels.NewBuilder(labels.EmptyLabels())
	b.Set("instance", target.Targets[0])
	for name, value := range target.Labels {
		if !strings.HasPrefix(name, "__") {
			b.Set(name, value)
		}
	}
	return b.Labels()
}

// With honor_labels Prometheus adds to a series the labels of the target that it
// lacks. With raw names it lacks none but an instance that was not pushed.
func TestADiscoveredSeriesHasNoLabelTwice(t *testing.T) {
	const accept = "text/plain;version=1.0.0;escaping=allow-utf-8"
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/instance/i/my.zone/z/k8s.pod%2Fname/p", "a 1\n{\"http.status\",\"http.code\"=\"200\"} 2\n")
	target := targetsOf(s, "", "User-Agent", "Prometheus/3.16.0")[0]
	of := discoveredLabels(t, target)
	p := textparse.NewPromParser([]byte(s.Get(target.Labels["__metrics_path__"], "Accept", accept).Body), labels.NewSymbolTable(), false)
	found := 0
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		handlertest.Must(t, err)
		if entry != textparse.EntrySeries {
			continue
		}
		var series labels.Labels
		p.Labels(&series)
		b := labels.NewBuilder(series)
		of.Range(func(l labels.Label) {
			if !series.Has(l.Name) {
				b.Set(l.Name, l.Value)
			}
		})
		if got := b.Labels(); !labels.Equal(got, series) {
			t.Errorf("%s becomes %s", series, got)
		}
		found++
	}
	if found != 4 {
		t.Errorf("found %d series, want 4", found)
	}
	if old := discoveredLabels(t, targetsOf(s, "", "User-Agent", "Prometheus/2.42.0")[0]); !old.Has("U__my_2e_zone") || old.Has("my.zone") {
		t.Errorf("Prometheus 2 finds %s", old)
	}
}

func TestTargetsSayHowTheyAreToBeScraped(t *testing.T) {
	const interval, timeout, native, socket = "__scrape_interval__", "__scrape_timeout__", "__scrape_native_histograms__", "__unix_socket__"
	external, _ := url.Parse("https://push.example.org/pg")
	type wanted = map[string]string
	for _, test := range []struct {
		name   string
		change func(handlertest.Setup)
		want   wanted // of those four, the scheme and the path
	}{
		{"nothing is said", func(handlertest.Setup) {}, wanted{"__scheme__": "http", "__metrics_path__": "/metrics/job/x/l/v"}},
		{"a short interval", func(c handlertest.Setup) { c.Targets.ScrapeInterval = 5 * time.Second }, wanted{interval: "5s", timeout: "5s"}},
		{"an interval as the longest timeout", func(c handlertest.Setup) { c.Targets.ScrapeInterval = 10 * time.Second }, wanted{interval: "10s", timeout: "10s"}},
		{"a long interval", func(c handlertest.Setup) { c.Targets.ScrapeInterval = 90 * time.Second }, wanted{interval: "1m30s", timeout: "10s"}},
		{"parts of a second", func(c handlertest.Setup) { c.Targets.ScrapeInterval = 1500 * time.Millisecond }, wanted{interval: "1s500ms", timeout: "1s500ms"}},
		{"that of the pushes, which is not known", func(c handlertest.Setup) { c.Targets.FollowPushes = true }, wanted{}},
		{"native histograms", func(c handlertest.Setup) { c.Targets.NativeHistograms = true }, wanted{native: "true"}},
		{"a socket", func(c handlertest.Setup) { c.Targets.UnixSocket = "/run/gatehouse.sock" }, wanted{socket: "/run/gatehouse.sock", "__scheme__": "http"}},
		{"a socket past a proxy", func(c handlertest.Setup) {
			c.Targets.UnixSocket, c.ExternalURL, c.PublicPrefix = "/run/gatehouse.sock", external, "/pg"
		}, wanted{socket: "/run/gatehouse.sock", "__scheme__": "http", "__metrics_path__": "/metrics/job/x/l/v"}},
		{"a socket with TLS", func(c handlertest.Setup) { c.Targets.UnixSocket, c.TLS = "/run/gatehouse.sock", true }, wanted{socket: "/run/gatehouse.sock", "__scheme__": "https"}},
		{"all of it", func(c handlertest.Setup) {
			c.Targets = gateway.Targets{ScrapeInterval: time.Minute, NativeHistograms: true, UnixSocket: "/s"}
		}, wanted{interval: "1m", timeout: "10s", native: "true", socket: "/s"}},
	} {
		s := handlertest.Start(t, test.change)
		s.Put("/metrics/job/x/l/v", "a 1\n")
		got := targetsOf(s, "")[0].Labels
		for _, name := range []string{interval, timeout, native, socket} {
			if got[name] != test.want[name] {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got[name], test.want[name])
			}
		}
		for name, want := range test.want {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got[name], want)
			}
		}
	}
}

func TestTargetsFollowThePushesOfTheirGroupings(t *testing.T) {
	var ahead time.Duration
	var mu sync.Mutex
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Targets.FollowPushes = true
		c.Store.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Unix(1_700_000_000, 0).Add(ahead) }
	})
	s.Put("/metrics/job/once", "a 1\n")
	for i, push := range []struct {
		after    time.Duration
		interval string
		timeout  string
	}{
		{0, "", ""},
		{40 * time.Second, "30s", "10s"},
		{5 * time.Second, "30s", "10s"},
		{5 * time.Second, "30s", "10s"},
		{5 * time.Second, "15s", "10s"},
		{time.Hour, "15s", "10s"},
		{14 * time.Second, "15s", "10s"},
		{3 * time.Minute, "15s", "10s"},
		{2 * time.Minute, "15s", "10s"},
		{time.Hour, "2m", "10s"},
	} {
		mu.Lock()
		ahead += push.after
		mu.Unlock()
		before := s.Get("/api/v1/targets?match[]={job=%22x%22}").Header.Get("ETag")
		s.Do([]string{"PUT", "POST"}[i%2], "/metrics/job/x", "b 1\n")
		all := targetsOf(s, "")
		got := all[len(all)-1].Labels
		if got["__scrape_interval__"] != push.interval || got["__scrape_timeout__"] != push.timeout {
			t.Errorf("after push %d: %v, want %s and %s", i+1, got, push.interval, push.timeout)
		}
		if after := s.Get("/api/v1/targets?match[]={job=%22x%22}").Header.Get("ETag"); after == before {
			t.Error("a list that has changed has the same ETag") // the time of the push is in it
		}
		if other := all[0].Labels; other["job"] != "once" || other["__scrape_interval__"] != "" {
			t.Errorf("the other grouping: %v", other)
		}
	}
}
