package scrape

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
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
func startPrometheus(t *testing.T, s *harness.Server) *harness.Server {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	harness.Must(t, os.WriteFile(config, []byte(strings.ReplaceAll(prometheusConfig, "ADDRESS", s.Addr)), 0o600))
	return harness.StartDebian(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
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
	s := harness.Start(t, "--targets.scrape-interval=1.5s", "--targets.native-histograms", "--targets.unix-socket=/nowhere")
	groupings := discovered(s.Addr)
	wantTargets, wantSeries := map[string]string{}, map[string]string{}
	for i, g := range groupings {
		s.Put("/metrics/"+g.path, fmt.Sprintf("# TYPE queue_length gauge\nqueue_length %d\n", i))
		wantTargets[harness.Selector(g.target)] = "up"
		wantSeries[harness.Selector(g.series)] = fmt.Sprint(i)
	}
	peers.Runs(t, peers.Prometheus)
	p := startPrometheus(t, s)
	targetsAre := func(pool string, want map[string]string) {
		t.Helper()
		harness.Until(t, "targets of "+pool, func() string {
			found, why := p.Targets(pool)
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
			return harness.Compare(health, want)
		})
	}
	// Names that Prometheus 2 does not know are escaped: in the targets so that
	// it knows them again, in a scrape so that it may read them.
	seriesAre := func(seenBy string, want map[string]string) {
		t.Helper()
		harness.Until(t, "series seen by "+seenBy, func() string {
			found := p.Instant(`queue_length{seen_by="` + seenBy + `"}`)
			got := make(map[string]string)
			for labels, value := range found {
				got[strings.ReplaceAll(labels, `__name__="queue_length" `, "")] = value
			}
			return harness.Compare(got, want)
		})
	}
	wantWhole := maps.Clone(wantSeries)
	utf8 := groupings[len(groupings)-1]
	delete(wantWhole, harness.Selector(utf8.series))
	delete(utf8.series, "U__la_2e_b_e9_l")
	wantWhole[harness.Selector(utf8.series)] = fmt.Sprint(len(groupings) - 1)

	targetsAre("whole", map[string]string{harness.Selector(map[string]string{"job": "whole", "instance": s.Addr}): "up"})
	targetsAre("each", wantTargets)
	seriesAre("whole", wantWhole)
	seriesAre("each", wantSeries)

	// One changes, one comes, one goes.
	s.Want(200, "POST", "/metrics/"+groupings[0].path, "# TYPE queue_length gauge\nqueue_length 0.5\n")
	s.Put("/metrics/job/late/instance/i", "# TYPE queue_length gauge\nqueue_length 77\n")
	late := harness.Selector(map[string]string{"job": "late", "instance": "i"})
	s.Want(202, "DELETE", "/metrics/"+groupings[1].path, "")
	for _, m := range []map[string]string{wantWhole, wantSeries} {
		m[harness.Selector(groupings[0].series)] = "0.5"
		m[late] = "77"
		delete(m, harness.Selector(groupings[1].series))
	}
	wantTargets[late] = "up"
	delete(wantTargets, harness.Selector(groupings[1].target))
	targetsAre("each", wantTargets)
	seriesAre("whole", wantWhole)
	seriesAre("each", wantSeries)

	p.Stop()
	for l := range strings.Lines(p.Log.String()) {
		if regexp.MustCompile(`level=(warn|error)`).MatchString(l) && !strings.Contains(l, "Received SIGTERM") {
			t.Errorf("Prometheus complains: %s", l)
		}
	}
}
