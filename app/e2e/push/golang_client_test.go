package push

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

var formats = map[string]expfmt.Format{
	"protobuf": expfmt.NewFormat(expfmt.TypeProtoDelim),
	"text":     expfmt.NewFormat(expfmt.TypeTextPlain),
	// Without the end that the format asks for.
	"OpenMetrics": expfmt.NewFormat(expfmt.TypeOpenMetrics),
}

// registry has a metric of every kind; n is in their values.
func registry(n float64) *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "backup_bytes", Help: "Size of the last \\ backup\nin bytes."}, []string{"table"})
	gauge.WithLabelValues("orders").Set(n)
	gauge.WithLabelValues("a \"b\"\n\\ü").Set(-0.5)
	gauge.WithLabelValues("").Set(1e21)
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "backups_total", Help: "Backups so far."})
	counter.(prometheus.ExemplarAdder).AddWithExemplar(n+1, prometheus.Labels{"trace_id": "abc"})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "backup_seconds", Buckets: []float64{0.5, 1, 10}})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "backup_wait_seconds", Objectives: map[float64]float64{0.5: 0.01, 0.99: 0.001}, MaxAge: time.Hour})
	for _, v := range []float64{0.25, 2, 2, 64} {
		histogram.Observe(v)
		summary.Observe(v)
	}
	r.MustRegister(gauge, counter, histogram, summary, native())
	return r
}

// native is a histogram that has no buckets in text.
func native() prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "backup_rows", NativeHistogramBucketFactor: 1.1})
	for _, v := range []float64{-3, 0, 0.001, 7, 7, 1e6} {
		h.Observe(v)
	}
	return h
}

// registered is what a registry with n = 7 is in a grouping without an
// instance.
const registered = `
backup_bytes{table="orders",instance="",job="go"} 7
backup_bytes{table="a \"b\"\n\\ü",instance="",job="go"} -0.5
backup_bytes{table="",instance="",job="go"} 1e+21
backups_total{instance="",job="go"} 8
backup_seconds_bucket{le="0.5",instance="",job="go"} 1
backup_seconds_bucket{le="1",instance="",job="go"} 1
backup_seconds_bucket{le="10",instance="",job="go"} 3
backup_seconds_bucket{le="+Inf",instance="",job="go"} 4
backup_seconds_sum{instance="",job="go"} 68.25
backup_seconds_count{instance="",job="go"} 4
backup_wait_seconds{quantile="0.5",instance="",job="go"} 2
backup_wait_seconds{quantile="0.99",instance="",job="go"} 64
backup_wait_seconds_sum{instance="",job="go"} 68.25
backup_wait_seconds_count{instance="",job="go"} 4
backup_rows_bucket{le="+Inf",instance="",job="go"} 6
backup_rows_sum{instance="",job="go"} 1.000011001e+06
backup_rows_count{instance="",job="go"} 6
`

func TestTheGoClientPushesMetricsOfEveryKind(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Go)
	peers.Runs(t, peers.Parser)
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			harness.Must(t, push.New(s.URL, "go").Gatherer(registry(7)).Format(format).Push())
			s.Holds(registered)
		})
	}
}

func TestNativeHistogramsFromTheGoClientComeBackWhole(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	h := native()
	harness.Must(t, push.New(s.Addr, "go").Collector(h).Push())
	var m dto.Metric
	harness.Must(t, h.Write(&m))
	want := m.Histogram
	for _, mf := range harness.DecodeProtobuf(t, s.Want(200, "GET", "/metrics", "", "Accept", harness.AcceptProtobuf).Body) {
		if mf.GetName() != "backup_rows" {
			continue
		}
		got := mf.Metric[0].GetHistogram()
		// A bucket that adds nothing new may be there or not.
		got.Bucket, want.Bucket, got.CreatedTimestamp, want.CreatedTimestamp = nil, nil, nil, nil
		if mf.GetType() != dto.MetricType_HISTOGRAM || !proto.Equal(got, want) {
			t.Errorf("got  %v %v\nwant %v", mf.GetType(), got, want)
		}
		return
	}
	t.Error("it is not there")
}

func TestTheGoClientNamesTheSameGroupingInEveryCall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, job string
		grouping  map[string]string
		want      string // labels of the grouping; the client sends a space as a plus
	}{
		{"plain", "go", map[string]string{"instance": "db1"}, `instance="db1",job="go"`},
		{"spaces", "my job", map[string]string{"instance": "db 1"}, `instance="db+1",job="my+job"`},
		{"slashes", "a/b", map[string]string{"instance": "", "path": "/var/tmp/"}, `instance="",job="a/b",path="/var/tmp/"`},
		{"an empty value", "go", map[string]string{"zone": ""}, `instance="",job="go"`},
		{"signs", "50%", map[string]string{"instance": "a=b&c?d#e;f@base64"}, `instance="a=b&c?d#e;f@base64",job="50%"`},
		{"dots", "..", map[string]string{"instance": "."}, `instance=".",job=".."`},
		{"unicode", "größe", map[string]string{"instance": "日本 /"}, `instance="日本 /",job="größe"`},
		{"many labels", "go", map[string]string{"z": "1", "a": "2", "instance": "3", "M": "4"}, `M="4",a="2",instance="3",job="go",z="1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			s.Put("/metrics/job/bystander", "rest 1\n")
			pusher := func(name string, value float64) *push.Pusher {
				g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
				g.Set(value)
				p := push.New(s.URL, test.job).Collector(g)
				for k, v := range test.grouping {
					p.Grouping(k, v)
				}
				return p
			}
			const rest = "rest{instance=\"\",job=\"bystander\"} 1\n"
			harness.Must(t, pusher("first", 1).Push())
			harness.Must(t, pusher("second", 2).Add())
			harness.Must(t, pusher("second", 3).Add())
			s.Holds("first{" + test.want + "} 1\nsecond{" + test.want + "} 3\n" + rest)
			harness.Must(t, pusher("first", 4).Push())
			s.Holds("first{" + test.want + "} 4\n" + rest)
			harness.Must(t, pusher("first", 0).Delete())
			harness.Must(t, pusher("first", 0).Delete())
			s.Holds(rest)
		})
	}
}

func TestTheGoClientPushesUTF8NamesWhenItsFormatSaysSo(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			disk := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "disk.free", Help: "Free."}, []string{"mount.point"})
			disk.WithLabelValues("/").Set(7)
			pusher := push.New(s.URL, "go").Grouping("http.host", "a/b").Collector(disk)
			harness.Must(t, pusher.Format(format).Push()) // the names of the body arrive as disk_free and mount_point
			s.Holds(`disk_free{mount_point="/",http_host="a/b",instance="",job="go"} 7` + "\n")
			harness.Must(t, pusher.Format(format.WithEscapingScheme(model.NoEscaping)).Push())
			for _, accept := range []string{"text/plain;version=1.0.0", harness.AcceptOpenMetrics} {
				got := harness.Pushed(s.Scrape(accept + ";escaping=allow-utf-8"))
				if want := []string{`disk.free{http.host="a/b",instance="",job="go",mount.point="/"} 7`}; !slices.Equal(got, want) {
					t.Errorf("scraped as %s\n%s", accept, harness.Difference(got, want))
				}
			}
		})
	}
}
