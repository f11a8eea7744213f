package handlers

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
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
