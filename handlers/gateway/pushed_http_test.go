package gateway_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"gatehouse/handlers/handlertest"
)

// decodedJSON makes values comparable, whatever the order of keys.
func decodedJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %.200q", err, text)
	}
	return v
}

func TestEverythingPushedIsThereAsJSON(t *testing.T) {
	// The store adds a nanosecond to keep its changes apart.
	at := time.Date(2026, 11, 22, 18, 51, 20, 652618698, time.UTC)
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.Now = func() time.Time { return at } })
	if a := s.Get("/api/v1/metrics"); a.Body != `{"status":"success","data":[]}` || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("without groupings: %v", a)
	}
	s.Put("/metrics/job/batch/instance/h1", `# TYPE c counter
c{code="200"} 12345678901234
c{code="500"} +Inf
# TYPE dur summary
# HELP dur Duration.
dur{quantile="0.5"} 1.5
dur{quantile="0.99"} NaN
dur_sum 10.25
dur_count 7
g 0.1
# TYPE h histogram
h_bucket{le="0.1"} 1
h_bucket{le="1"} 3
h_bucket{le="+Inf"} 12345678
h_sum 12
h_count 12345678
`)
	got := decodedJSON(t, strings.ReplaceAll(s.Get("/api/v1/metrics").Body, "Last Unix time when a push to this grouping was", "LAST"))
	want := decodedJSON(t, `{"status":"success","data":[{
"c":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"COUNTER","metrics":[
 {"labels":{"code":"200","instance":"h1","job":"batch"},"value":"1.2345678901234e+13"},
 {"labels":{"code":"500","instance":"h1","job":"batch"},"value":"+Inf"}]},
"dur":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"SUMMARY","help":"Duration.","metrics":[
 {"count":"7","labels":{"instance":"h1","job":"batch"},"quantiles":{"0.5":"1.5","0.99":"NaN"},"sum":"10.25"}]},
"g":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"UNTYPED","metrics":[{"labels":{"instance":"h1","job":"batch"},"value":"0.1"}]},
"h":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"HISTOGRAM","metrics":[
 {"buckets":{"+Inf":"12345678","0.1":"1","1":"3"},"count":"12345678","labels":{"instance":"h1","job":"batch"},"sum":"12"}]},
"labels":{"instance":"h1","job":"batch"},
"last_push_successful":true,
"push_failure_time_seconds":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"GAUGE","help":"LAST refused.",
 "metrics":[{"labels":{"instance":"h1","job":"batch"},"value":"0"}]},
"push_time_seconds":{"time_stamp":"2026-11-22T18:51:20.652618699Z","type":"GAUGE","help":"LAST accepted.",
 "metrics":[{"labels":{"instance":"h1","job":"batch"},"value":"1.7953734806526186e+09"}]}}]}`)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestGroupingsAreListedInAStableOrder(t *testing.T) {
	s := handlertest.Start(t)
	for _, path := range []string{"/job/b", "/job/a/instance/i", "/job/a", "/job/c"} {
		s.Put("/metrics"+path, "m 1\n")
	}
	s.Do("PUT", "/metrics/job/b", "?")
	var got struct {
		Data []struct {
			Labels     map[string]string `json:"labels"`
			Successful bool              `json:"last_push_successful"`
		} `json:"data"`
	}
	first := s.Get("/api/v1/metrics").Body
	for range 5 {
		if again := s.Get("/api/v1/metrics").Body; again != first {
			t.Errorf("the order changes:\n%s\n%s", first, again)
		}
	}
	handlertest.Must(t, json.Unmarshal([]byte(first), &got))
	var order []string
	for _, g := range got.Data {
		order = append(order, g.Labels["job"]+g.Labels["instance"])
		if g.Successful == (g.Labels["job"] == "b") {
			t.Errorf("%v: last push successful: %v", g.Labels, g.Successful)
		}
	}
	if strings.Join(order, " ") != "a ai b c" {
		t.Errorf("the order is %q", order)
	}
}

func TestMetricsOfTheNamesOfFixedKeysDoNotReplaceThem(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "labels 1\nlast_push_successful 0\nstatus 2\n")
	data := decodedJSON(t, s.Get("/api/v1/metrics").Body).(map[string]any)["data"].([]any)
	g := data[0].(map[string]any)
	if !reflect.DeepEqual(g["labels"], map[string]any{"job": "x"}) || g["last_push_successful"] != true || g["status"] == nil {
		t.Errorf("got %v", g)
	}
	s.WantSamples(`labels{instance="",job="x"} 1`, `last_push_successful{instance="",job="x"} 0`, `status{instance="",job="x"} 2`)
	s.WantSoundScrapes()
}

func TestNativeHistogramsAreShownByTheirBuckets(t *testing.T) {
	spans := func(pairs ...int) []*dto.BucketSpan {
		var all []*dto.BucketSpan
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, &dto.BucketSpan{Offset: proto.Int32(int32(pairs[i])), Length: proto.Uint32(uint32(pairs[i+1]))})
		}
		return all
	}
	tests := []struct {
		name           string
		histogram      *dto.Histogram
		buckets, count string
	}{
		{
			"integers",
			&dto.Histogram{
				Schema: proto.Int32(0), SampleCount: proto.Uint64(5), SampleSum: proto.Float64(1), ZeroThreshold: proto.Float64(0.001), ZeroCount: proto.Uint64(1),
				NegativeSpan: spans(0, 1), NegativeDelta: []int64{1}, PositiveSpan: spans(0, 1, 2, 1), PositiveDelta: []int64{2, -1},
			},
			`[[1,"-1","-0.5","1"],[3,"-0.001","0.001","1"],[0,"0.5","1","2"],[0,"4","8","1"]]`, "5",
		},
		{
			"floats",
			&dto.Histogram{
				Schema: proto.Int32(1), SampleCountFloat: proto.Float64(3.5), SampleSum: proto.Float64(1), ZeroThreshold: proto.Float64(0.25), ZeroCountFloat: proto.Float64(1.5),
				PositiveSpan: spans(2, 1), PositiveCount: []float64{2},
			},
			`[[3,"-0.25","0.25","1.5"],[0,"1.414213562373095","2","2"]]`, "3.5",
		},
		{
			"wide buckets",
			&dto.Histogram{
				Schema: proto.Int32(-2), SampleCount: proto.Uint64(3), SampleSum: proto.Float64(1),
				PositiveSpan: spans(-1, 2), PositiveDelta: []int64{1, 1},
			},
			`[[0,"0.00390625","0.0625","1"],[0,"0.0625","1","2"]]`, "3",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			family := &dto.MetricFamily{Name: proto.String("h"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{Histogram: test.histogram}}}
			s.Put("/metrics/job/x", handlertest.Delimited(family), "Content-Type", handlertest.ProtobufType)
			data := decodedJSON(t, s.Get("/api/v1/metrics").Body).(map[string]any)["data"].([]any)
			metric := data[0].(map[string]any)["h"].(map[string]any)["metrics"].([]any)[0].(map[string]any)
			if want := decodedJSON(t, test.buckets); !reflect.DeepEqual(metric["buckets"], want) || metric["count"] != test.count || metric["sum"] != "1" {
				t.Errorf("got %v, want %v", metric, want)
			}
			s.WantSoundScrapes()
		})
	}
}
