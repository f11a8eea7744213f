package push

import (
	"strings"
	"testing"
	"time"

	victoria "github.com/VictoriaMetrics/metrics"
	hashicorp "github.com/hashicorp/go-metrics"
	sink "github.com/hashicorp/go-metrics/prometheus"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

// victoriaSet has a metric of every kind.
func victoriaSet() *victoria.Set {
	set := victoria.NewSet()
	set.NewCounter("backups_total").Add(7)
	set.NewGauge(`backup_bytes{table="a \"b\"\\ü"}`, nil).Set(-0.5)
	set.NewPrometheusHistogramExt("backup_seconds", []float64{0.5, 1, 10}).Update(2)
	set.NewHistogram("backup_rows").Update(2)
	set.NewSummaryExt("backup_wait_seconds", time.Hour, []float64{0.5, 0.99}).Update(2)
	return set
}

// victorias is what that is in a grouping.
const victorias = `
backups_total{instance="",job="vm"} 7
backup_bytes{table="a \"b\"\\ü",instance="",job="vm"} -0.5
backup_seconds_bucket{le="0.5",instance="",job="vm"} 0
backup_seconds_bucket{le="1",instance="",job="vm"} 0
backup_seconds_bucket{le="10",instance="",job="vm"} 1
backup_seconds_bucket{le="+Inf",instance="",job="vm"} 1
backup_seconds_sum{instance="",job="vm"} 2
backup_seconds_count{instance="",job="vm"} 1
backup_rows_bucket{vmrange="1.896e+00...2.154e+00",instance="",job="vm"} 1
backup_rows_sum{instance="",job="vm"} 2
backup_rows_count{instance="",job="vm"} 1
backup_wait_seconds{quantile="0.5",instance="",job="vm"} 2
backup_wait_seconds{quantile="0.99",instance="",job="vm"} 2
backup_wait_seconds_sum{instance="",job="vm"} 2
backup_wait_seconds_count{instance="",job="vm"} 1
`

func TestAPushWithGetOfTheVictoriaMetricsClientGetsAHint(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/vm", "before 1\n")
	for name, options := range map[string]*victoria.PushOptions{
		"by default":          nil,
		"without compression": {DisableCompression: true},
		"HEAD":                {Method: "HEAD"},
	} {
		err := victoriaSet().PushMetrics(t.Context(), s.URL+"/metrics/job/vm", options)
		if err == nil || !strings.Contains(err.Error(), "400") || name != "HEAD" && !strings.Contains(err.Error(), "push with PUT or POST") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Holds("before{instance=\"\",job=\"vm\"} 1\n")
}

func TestTheVictoriaMetricsClientPushesMetricsOfEveryKind(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.VictoriaMetrics)
	s := harness.Start(t)
	path := s.URL + "/metrics/job/vm"
	harness.Must(t, victoriaSet().PushMetrics(t.Context(), path, &victoria.PushOptions{Method: "POST"}))
	s.Holds(victorias)

	victoria.ExposeMetadata(true) // for all that is pushed from here on
	defer victoria.ExposeMetadata(false)
	// The content type is sent twice then.
	harness.Must(t, victoriaSet().PushMetrics(t.Context(), path, &victoria.PushOptions{
		Method: "PUT", DisableCompression: true, Headers: []string{"Content-Type: text/plain; version=0.0.4"},
	}))
	s.Holds(victorias)
	if text := s.Want(200, "GET", "/metrics/job/vm", "").Body; !strings.Contains(text, "# TYPE backup_wait_seconds summary\n") {
		t.Errorf("a type is missing in\n%s", text)
	}
	harness.Must(t, victoriaSet().PushMetrics(t.Context(), path, &victoria.PushOptions{Method: "PUT", ExtraLabels: `instance="x",zone="z"`}))
	s.Holds(strings.ReplaceAll(victorias, `instance=""`, `zone="z",instance="x"`))
}

func TestTheHashicorpClientPushesWhenItEnds(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Hashicorp)
	s := harness.Start(t)
	pushing, err := sink.NewPrometheusPushSink(s.URL+"/", time.Hour, "hashi")
	harness.Must(t, err)
	config := hashicorp.DefaultConfig("backup")
	config.EnableHostname, config.EnableRuntimeMetrics = false, false
	m, err := hashicorp.New(config, pushing)
	harness.Must(t, err)
	m.SetGauge([]string{"last-run", "bytes"}, 7)
	m.SetGauge([]string{"größe"}, 3) // client_golang sends other characters as _
	m.IncrCounterWithLabels([]string{"runs"}, 2, []hashicorp.Label{{Name: "table", Value: "a \"b\"\n\\ü"}})
	m.AddSample([]string{"wait.seconds"}, 2)
	m.Shutdown()
	s.Holds(strings.ReplaceAll(`
backup_gr__e{LABELS} 3
backup_last_run_bytes{LABELS} 7
backup_runs{table="a \"b\"\n\\ü",LABELS} 2
backup_wait_seconds{quantile="0.5",LABELS} 2
backup_wait_seconds{quantile="0.9",LABELS} 2
backup_wait_seconds{quantile="0.99",LABELS} 2
backup_wait_seconds_sum{LABELS} 2
backup_wait_seconds_count{LABELS} 1
`, "LABELS", `instance="",job="hashi"`))
}
