package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Both jobs see the same series: in one Prometheus only a label of their own
// keeps them apart.
const prometheusConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: whole
    honor_labels: true
    static_configs:
      - targets: ["ADDRESS"]
    metric_relabel_configs:
      - target_label: seen_by
        replacement: whole
  - job_name: each
    honor_labels: true
    http_sd_configs:
      - url: http://ADDRESS/api/v1/targets
        refresh_interval: 1s
    metric_relabel_configs:
      - target_label: seen_by
        replacement: each
`

// startPrometheus runs Debian's Prometheus, which scrapes s.
func startPrometheus(t *testing.T, s *server) *server {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(config, []byte(strings.ReplaceAll(prometheusConfig, "ADDRESS", s.addr)), 0o600))
	return startDebian(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
}

// ask decodes what the API of Prometheus answers into data. It says why there
// is no answer yet, or "".
func (s *server) ask(target string, data any) string {
	s.t.Helper()
	a := s.do("GET", target, "")
	if a.status == 503 { // while it starts
		return a.String()
	}
	envelope := struct {
		Status string
		Data   any
	}{Data: data}
	must(s.t, json.Unmarshal([]byte(a.body), &envelope))
	if envelope.Status != "success" {
		s.t.Fatal(a)
	}
	return ""
}

type target struct {
	ScrapePool, ScrapeURL, LastError, Health string
	ScrapeInterval, ScrapeTimeout            string
	Labels                                   map[string]string
}

// targets returns the active targets of a scrape job by their labels, job and
// instance first.
func (s *server) targets(pool string) (found map[string]target, why string) {
	s.t.Helper()
	var data struct{ ActiveTargets []target }
	why = s.ask("/api/v1/targets?state=active", &data)
	found = make(map[string]target)
	for _, g := range data.ActiveTargets {
		if g.ScrapePool == pool {
			found[selector(g.Labels)] = g
		}
	}
	return found, why
}

// instant evaluates a query and returns the values by the labels of the series.
func (s *server) instant(query string) map[string]string {
	s.t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	s.ask("/api/v1/query?query="+url.QueryEscape(query), &data)
	found := make(map[string]string)
	for _, r := range data.Result {
		delete(r.Metric, "seen_by")
		found[selector(r.Metric)] = fmt.Sprint(r.Value[1])
	}
	return found
}

func selector(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%s=%q ", name, labels[name])
	}
	return b.String()
}

// discovered are the groupings that Prometheus is to find: what is pushed to,
// and the labels of the target and of the series there. A series without an
// instance has none; a target without one has the address.
func discovered(addr string) []struct {
	path           string
	target, series map[string]string
} {
	type labels = map[string]string
	return []struct {
		path           string
		target, series map[string]string
	}{
		{"job/plain/instance/db1:9100", labels{"job": "plain", "instance": "db1:9100"}, labels{"job": "plain", "instance": "db1:9100"}},
		{"job/plain/instance/db2", labels{"job": "plain", "instance": "db2"}, labels{"job": "plain", "instance": "db2"}},
		{"job/bare", labels{"job": "bare", "instance": addr}, labels{"job": "bare"}},
		{"job/bare/zone/z", labels{"job": "bare", "instance": addr, "zone": "z"}, labels{"job": "bare", "zone": "z"}},
		{"job/empty/instance@base64/=/zone/z", labels{"job": "empty", "instance": addr, "zone": "z"}, labels{"job": "empty", "zone": "z"}},
		{"job/my%20job/instance/a%20b", labels{"job": "my job", "instance": "a b"}, labels{"job": "my job", "instance": "a b"}},
		{"job/a%2Fb/path/%2Fvar%2Ftmp%2F/instance/i", labels{"job": "a/b", "path": "/var/tmp/", "instance": "i"}, labels{"job": "a/b", "path": "/var/tmp/", "instance": "i"}},
		{"job/100%25/instance/%2525", labels{"job": "100%", "instance": "%25"}, labels{"job": "100%", "instance": "%25"}},
		{"job/..;a=b&c+d@x~y/instance/..", labels{"job": "..;a=b&c+d@x~y", "instance": ".."}, labels{"job": "..;a=b&c+d@x~y", "instance": ".."}},
		{"job/größe/instance/%e6%97%a5%0a%22%5c", labels{"job": "größe", "instance": "日\n\"\\"}, labels{"job": "größe", "instance": "日\n\"\\"}},
		{"job/utf8/instance/i/la.b%C3%A9l/v", labels{"job": "utf8", "instance": "i", "U__la_2e_b_e9_l": "v"}, labels{"job": "utf8", "instance": "i", "U__la_2e_b_e9_l": "v", "la_b_l": "v"}},
	}
}

func TestPrometheusScrapesEverythingAndDiscoversEveryGrouping(t *testing.T) {
	t.Parallel()
	// Labels of targets that it does not know change nothing.
	s := start(t, "--targets.scrape-interval=1.5s", "--targets.native-histograms", "--targets.unix-socket=/nowhere")
	groupings := discovered(s.addr)
	wantTargets, wantSeries := map[string]string{}, map[string]string{}
	for i, g := range groupings {
		s.put("/metrics/"+g.path, fmt.Sprintf("# TYPE queue_length gauge\nqueue_length %d\n", i))
		wantTargets[selector(g.target)] = "up"
		wantSeries[selector(g.series)] = fmt.Sprint(i)
	}
	runs(t, prometheusPeer)
	p := startPrometheus(t, s)
	targetsAre := func(pool string, want map[string]string) {
		t.Helper()
		until(t, "targets of "+pool, func() string {
			found, why := p.targets(pool)
			if why != "" {
				return why
			}
			health := make(map[string]string)
			for labels, g := range found {
				health[labels] = g.Health
				if pool == "each" && (g.ScrapeInterval != "1s500ms" || g.ScrapeTimeout != "1s500ms") {
					t.Fatalf("%s is scraped every %s for %s", labels, g.ScrapeInterval, g.ScrapeTimeout)
				}
				if _, wanted := want[labels]; wanted && g.Health == "down" {
					t.Fatalf("%s is down: %s: %s", labels, g.ScrapeURL, g.LastError)
				}
			}
			return compare(health, want)
		})
	}
	// Names that Prometheus 2 does not know are escaped: in the targets so that
	// it knows them again, in a scrape so that it may read them.
	seriesAre := func(seenBy string, want map[string]string) {
		t.Helper()
		until(t, "series seen by "+seenBy, func() string {
			found := p.instant(`queue_length{seen_by="` + seenBy + `"}`)
			got := make(map[string]string)
			for labels, value := range found {
				got[strings.ReplaceAll(labels, `__name__="queue_length" `, "")] = value
			}
			return compare(got, want)
		})
	}
	wantWhole := maps.Clone(wantSeries)
	utf8 := groupings[len(groupings)-1]
	delete(wantWhole, selector(utf8.series))
	delete(utf8.series, "U__la_2e_b_e9_l")
	wantWhole[selector(utf8.series)] = fmt.Sprint(len(groupings) - 1)

	targetsAre("whole", map[string]string{selector(map[string]string{"job": "whole", "instance": s.addr}): "up"})
	targetsAre("each", wantTargets)
	seriesAre("whole", wantWhole)
	seriesAre("each", wantSeries)

	// One changes, one comes, one goes.
	s.want(200, "POST", "/metrics/"+groupings[0].path, "# TYPE queue_length gauge\nqueue_length 0.5\n")
	s.put("/metrics/job/late/instance/i", "# TYPE queue_length gauge\nqueue_length 77\n")
	late := selector(map[string]string{"job": "late", "instance": "i"})
	s.want(202, "DELETE", "/metrics/"+groupings[1].path, "")
	for _, m := range []map[string]string{wantWhole, wantSeries} {
		m[selector(groupings[0].series)] = "0.5"
		m[late] = "77"
		delete(m, selector(groupings[1].series))
	}
	wantTargets[late] = "up"
	delete(wantTargets, selector(groupings[1].target))
	targetsAre("each", wantTargets)
	seriesAre("whole", wantWhole)
	seriesAre("each", wantSeries)

	p.stop()
	for l := range strings.Lines(p.log.String()) {
		if regexp.MustCompile(`level=(warn|error)`).MatchString(l) && !strings.Contains(l, "Received SIGTERM") {
			t.Errorf("Prometheus complains: %s", l)
		}
	}
}

// compare tells how two maps differ, "" if they don't.
func compare(got, want map[string]string) string {
	lines := func(m map[string]string) []string {
		var all []string
		for k, v := range m {
			all = append(all, k+"-> "+v)
		}
		slices.Sort(all)
		return all
	}
	return difference(lines(got), lines(want))
}
