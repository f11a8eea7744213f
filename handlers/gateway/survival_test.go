package gateway_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"gatehouse/handlers/handlertest"
)

func TestNoPushCanSpoilScrapesOrOtherPushes(t *testing.T) {
	const x, y = "/metrics/job/x", "/metrics/job/y"
	tests := []struct {
		name   string
		pushes []pushed
	}{
		{"a label value that is not UTF-8", []pushed{text("/metrics/job/x/l/%ff", "a 1\n", 400), text("/metrics/job/%ff", "", 400), text("/metrics/job/x/l@base64/_w", "a 1\n", 400)}},
		{"an empty instance beside none", []pushed{text(x, "a 1\n", 200), text(x+"/instance@base64/=", "a 2\n", 200), text(x+"/instance//", "a 3\n", 200)}},
		{"le as a grouping label of a histogram", []pushed{text("/metrics/job/x/le/7", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 400)}},
		{"quantile as a grouping label of a summary", []pushed{text("/metrics/job/x/quantile/7", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n", 400)}},
		{"le as a label of a histogram's own", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum{le=\"1\"} 1\nh_count{le=\"1\"} 1\n", 0)}},
		{"le as a label of a histogram in protobuf", []pushed{families(x, 400, family("h", dto.MetricType_HISTOGRAM, labelled(histogram(&dto.Histogram{SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1)}), "le", "1")))}},
		{"quantile as a label of a summary in protobuf", []pushed{families(x, 400, family("s", dto.MetricType_SUMMARY, labelled(&dto.Metric{Summary: &dto.Summary{SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1)}}, "quantile", "1")))}},
		{"a family without a name", []pushed{families(x, 400, family("", dto.MetricType_GAUGE, gauge(1)))}},
		{"a family whose name is absent", []pushed{families(x, 400, &dto.MetricFamily{Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{gauge(1)}})}},
		{"a gauge histogram without a histogram", []pushed{families(x, 400, family("aaa", dto.MetricType_GAUGE_HISTOGRAM, gauge(1))), families(x, 400, family("aaa", dto.MetricType_GAUGE_HISTOGRAM, &dto.Metric{}))}},
		{"a type that does not exist", []pushed{families(x, 400, family("aaa", dto.MetricType(77), gauge(1))), families(x, 400, family("aaa", dto.MetricType(-1), gauge(1)))}},
		{"a type that does not fit the value", []pushed{families(x, 400, family("aaa", dto.MetricType_COUNTER, gauge(1))), families(x, 400, family("aaa", dto.MetricType_HISTOGRAM, gauge(1))), families(x, 400, family("aaa", dto.MetricType_SUMMARY, gauge(1)))}},
		{"a metric without a value", []pushed{families(x, 400, family("aaa", dto.MetricType_GAUGE, &dto.Metric{}))}},
		{"the failure time without metrics, twice", []pushed{families(x, 200, family("push_failure_time_seconds", dto.MetricType_GAUGE)), families(x, 200, family("push_failure_time_seconds", dto.MetricType_GAUGE))}},
		{"the failure time of another type, twice", []pushed{text(x, "# TYPE push_failure_time_seconds counter\npush_failure_time_seconds 1\n", 0), text(x, "# TYPE push_failure_time_seconds counter\npush_failure_time_seconds 1\n", 0), text(y, "a 1\n", 200)}},
		{"the push time as a histogram", []pushed{text(x, "# TYPE push_time_seconds histogram\npush_time_seconds_bucket{le=\"+Inf\"} 1\npush_time_seconds_sum 1\npush_time_seconds_count 1\n", 0), text(y, "a 1\n", 200)}},
		{"a family that meets the push time's suffix", []pushed{text(x, "# TYPE push_time_seconds_count gauge\npush_time_seconds_count 1\n", 0), text(x, "# TYPE push_time_seconds_total counter\npush_time_seconds_total 1\n", 0)}},
		{"the server's own names with other types on a fresh server", []pushed{
			text(x, "# TYPE pushgateway_http_requests_total gauge\npushgateway_http_requests_total 1\n", 400),
			text(x, "# TYPE pushgateway_http_push_size_bytes gauge\npushgateway_http_push_size_bytes 1\n", 400),
			text(x, "# TYPE pushgateway_http_push_duration_seconds histogram\npushgateway_http_push_duration_seconds_bucket{le=\"+Inf\"} 1\npushgateway_http_push_duration_seconds_sum 1\npushgateway_http_push_duration_seconds_count 1\n", 400),
			text(x, "# TYPE pushgateway_http_push_size_bytes_count gauge\npushgateway_http_push_size_bytes_count 1\n", 400),
			text(x, "# TYPE gatehouse_store_writable counter\ngatehouse_store_writable 1\n", 400),
			text(x, "# TYPE go_gc_duration_seconds_count gauge\ngo_gc_duration_seconds_count 1\n", 400),
			text(x, "# TYPE gatehouse_scrape_size_bytes_bucket gauge\ngatehouse_scrape_size_bytes_bucket 1\n", 400),
		}},
		{"what the server's own counters are called in OpenMetrics", []pushed{text(x, "# TYPE pushgateway_http_requests gauge\npushgateway_http_requests 1\n", 0), text(y, "# TYPE pushgateway_http_requests counter\npushgateway_http_requests 1\n", 0)}},
		{"the server's own names with other HELP", []pushed{
			text(x, "# HELP pushgateway_http_requests_total Mine.\n# TYPE pushgateway_http_requests_total counter\npushgateway_http_requests_total 1\n", 200),
			text(x, "# HELP pushgateway_http_push_size_bytes Mine.\n# TYPE pushgateway_http_push_size_bytes summary\npushgateway_http_push_size_bytes_sum 1\npushgateway_http_push_size_bytes_count 1\n", 200),
			text(y, "# HELP process_start_time_seconds Mine.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1\n", 200),
		}},
		{"HELP that is not UTF-8", []pushed{
			{"PUT", x, invalid(helped("INVALID", family("aaa", dto.MetricType_GAUGE, gauge(1)))), 400, true},
			text(x, "# HELP aaa \xff\xfe\n# TYPE aaa gauge\naaa 1\n", 400),
		}},
		{"a metric name that is not UTF-8", []pushed{{"PUT", x, invalid(family("INVALID", dto.MetricType_GAUGE, gauge(1))), 400, true}, text(x, "a\xff 1\n", 400)}},
		{"a label name that is not UTF-8", []pushed{{"PUT", x, invalid(family("aaa", dto.MetricType_GAUGE, gauge(1, "INVALID", "v"))), 400, true}, text(x, "a{\xff=\"1\"} 1\n", 400)}},
		{"a pushed label value that is not UTF-8", []pushed{{"PUT", x, invalid(family("aaa", dto.MetricType_GAUGE, gauge(1, "l", "INVALID"))), 400, true}, text(x, "a{l=\"\xff\"} 1\n", 400)}},
		{"a unit that is not UTF-8", []pushed{{"PUT", x, invalid(&dto.MetricFamily{Name: proto.String("aaa"), Type: dto.MetricType_GAUGE.Enum(), Unit: proto.String("INVALID"), Metric: []*dto.Metric{gauge(1)}}), 0, true}}},
		{"a unit of several lines", []pushed{families(x, 0, &dto.MetricFamily{Name: proto.String("aaa_s"), Type: dto.MetricType_GAUGE.Enum(), Unit: proto.String("s\nb 1"), Metric: []*dto.Metric{gauge(1)}})}},
		{"a unit that is not in the name", []pushed{families(x, 0, &dto.MetricFamily{Name: proto.String("aaa"), Type: dto.MetricType_GAUGE.Enum(), Unit: proto.String("seconds"), Metric: []*dto.Metric{gauge(1)}})}},
		{"units that differ", []pushed{
			families(x, 0, &dto.MetricFamily{Name: proto.String("a_seconds"), Type: dto.MetricType_GAUGE.Enum(), Unit: proto.String("seconds"), Metric: []*dto.Metric{gauge(1)}}),
			families(y, 0, &dto.MetricFamily{Name: proto.String("a_seconds"), Type: dto.MetricType_GAUGE.Enum(), Unit: proto.String(""), Metric: []*dto.Metric{gauge(1)}}),
		}},
		{"HELP of several lines", []pushed{families(x, 0, helped("one\ntwo \\ \"three\"\r\n# TYPE a gauge", family("a", dto.MetricType_GAUGE, gauge(1))))}},
		{"a name of several lines", []pushed{families(x, 200, family("a 1\nb", dto.MetricType_GAUGE, gauge(1)))}},
		{"a label without a name", []pushed{families(x, 400, family("a", dto.MetricType_GAUGE, gauge(1, "", "v")))}},
		{"a label twice", []pushed{families(x, 400, family("a", dto.MetricType_GAUGE, gauge(1, "l", "1", "l", "2"))), text(x, "a{l=\"1\",l=\"2\"} 1\n", 400)}},
		{"a reserved label", []pushed{families(x, 400, family("a", dto.MetricType_GAUGE, gauge(1, "__name__", "b"))), text(x, "a{__name__=\"b\"} 1\n", 400), text(x, "a{__x=\"b\"} 1\n", 400)}},
		{"a plain sample of a histogram", []pushed{text(x, "# TYPE h histogram\nh 1\n", 200), text(x, "# TYPE h gaugehistogram\nh 1\n", 0)}},
		{"a plain sample of a summary", []pushed{text(x, "# TYPE s summary\ns 1\n", 200)}},
		{"a histogram without its end", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n", 0), text(x, "# TYPE h histogram\nh_sum 1\nh_count 1\n", 0), text(x, "# TYPE h histogram\nh_count 1\n", 0)}},
		{"a bucket without a bound", []pushed{text(x, "# TYPE h histogram\nh_bucket 1\nh_sum 1\nh_count 1\n", 0)}},
		{"a bound that is no number", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"x\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 200)}},
		{"bounds that are the same number", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 0)}},
		{"a bound that is NaN", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"NaN\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 0)}},
		{"buckets that fall", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 9\n", 0)}},
		{"quantiles that are the same number", []pushed{text(x, "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.50\"} 2\ns_sum 1\ns_count 1\n", 0)}},
		{"buckets of the same bound in protobuf", []pushed{families(x, 0, family("h", dto.MetricType_HISTOGRAM, histogram(&dto.Histogram{SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1), Bucket: []*dto.Bucket{
			{CumulativeCount: proto.Uint64(1), UpperBound: proto.Float64(1)}, {CumulativeCount: proto.Uint64(1), UpperBound: proto.Float64(1)},
		}})))}},
		{"a native histogram of billions of buckets", []pushed{families(x, 400, family("h", dto.MetricType_HISTOGRAM, histogram(&dto.Histogram{
			SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.1),
			PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(math.MaxUint32)}}, PositiveDelta: []int64{1},
		})))}},
		{"a native histogram of no schema that there is", []pushed{families(x, 400, family("h", dto.MetricType_HISTOGRAM, histogram(&dto.Histogram{
			SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1), Schema: proto.Int32(99), ZeroThreshold: proto.Float64(0.1),
			PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(1)}}, PositiveDelta: []int64{1},
		})))}},
		{"native buckets below zero", []pushed{families(x, 0, family("h", dto.MetricType_HISTOGRAM, histogram(&dto.Histogram{
			SampleCount: proto.Uint64(1), SampleSum: proto.Float64(1), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.1),
			PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(2)}}, PositiveDelta: []int64{1, -5},
		})))}},
		{"an exemplar of broken labels", []pushed{{"PUT", x, invalid(family("c", dto.MetricType_COUNTER, &dto.Metric{Counter: &dto.Counter{Value: proto.Float64(1), Exemplar: &dto.Exemplar{
			Label: []*dto.LabelPair{{Name: proto.String("a b"), Value: proto.String("INVALID")}}, Value: proto.Float64(1),
		}}})), 0, true}}},
		{"an exemplar in OpenMetrics", []pushed{{"PUT", x, "# TYPE c counter\nc_total 1 # {a=\"b\"} 1\n# EOF\n", 0, false}}},
		{"a series twice in another order of labels", []pushed{text(x, "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 2\n", 400), families(x, 400, family("a", dto.MetricType_GAUGE, gauge(1, "b", "1", "c", "2"), gauge(1, "c", "2", "b", "1")))}},
		{"a family twice in protobuf", []pushed{families(x, 0, family("a", dto.MetricType_GAUGE, gauge(1)), family("a", dto.MetricType_GAUGE, gauge(2))), families(x, 0, family("a", dto.MetricType_GAUGE, gauge(1)), family("a", dto.MetricType_COUNTER, &dto.Metric{Counter: &dto.Counter{Value: proto.Float64(1)}}))}},
		{"a timestamp in protobuf", []pushed{families(x, 400, family("a", dto.MetricType_GAUGE, &dto.Metric{Gauge: &dto.Gauge{Value: proto.Float64(1)}, TimestampMs: proto.Int64(1)}))}},
		{"a counter and its total", []pushed{text(x, "# TYPE a counter\na 1\n# TYPE a_total counter\na_total 2\n", 200), text(y, "# TYPE b_total counter\nb_total 1\n", 200), text(y+"/l/v", "# TYPE b gauge\nb 1\n", 200)}},
		{"a counter and what it creates", []pushed{text(x, "# TYPE a_total counter\na_total 1\n# TYPE a_created gauge\na_created 2\n", 200), text(y, "# TYPE a counter\na 1\n", 200)}},
		{"names that OpenMetrics gives a meaning", []pushed{text(x, "# TYPE a_info gauge\na_info 1\n# TYPE b_bucket gauge\nb_bucket 1\nc_sum 1\nd_count 2\ne_gsum 1\nf_gcount 1\n", 200)}},
		{"suffixes across groupings", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 200), text(y, "h_count 1\n", 400), text(y, "h_sum 1\n", 400), text(y, "h_bucket 1\n", 400), text(y, "h 1\n", 400)}},
		{"suffixes across groupings the other way round", []pushed{text(x, "h_count 1\n", 200), text(y, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", 400), text(y, "# TYPE h summary\nh_sum 1\nh_count 1\n", 400)}},
		{"suffixes that a merge brings", []pushed{text(x, "h_count 1\n", 200), merged(x, "# TYPE h summary\nh_sum 1\nh_count 1\n", 400), merged(x, "h_count 2\n", 200)}},
		{"types across groupings", []pushed{text(x, "# TYPE a gauge\na 1\n", 200), text(y, "# TYPE a counter\na 1\n", 400), text(y, "a 1\n", 400), text(x, "# TYPE a counter\na 1\n", 200), text(y, "# TYPE a counter\na 1\n", 200)}},
		{"a series across groupings", []pushed{text(x+"/instance/i", "a 1\n", 200), text(x, "a{instance=\"i\"} 1\n", 400), text(x, "a{instance=\"j\"} 1\n", 200), text(x+"/instance/j", "a 1\n", 400)}},
		{"a label value of odd characters", []pushed{text(x+"/l/%0A%22%5C%00%7F%E2%80%A8", "a{m=\"\\n\\\"\\\\\x00\"} 1\n", 200), text(y, "a{m=\"\r\t\x01\"} 1\n", 200)}},
		{"HELP of odd characters", []pushed{text(x, "# HELP a \x00\x01\\n\\\\ \"\t\x7f\n# TYPE a gauge\na 1\n", 0)}},
		{"odd values", []pushed{text(x, "a NaN\nb +Inf\nc -Inf\nd -0\ne 1e-400\nf 4.9e-324\ng 1.7976931348623157e308\nh 123456789012345678901234567890\n", 200)}},
		{"values that are none", []pushed{text(x, "a 1e400\n", 400), text(x, "a 0x1p-2\n", 400), text(x, "a 1_000\n", 400), text(x, "a 1,5\n", 400)}},
		{"negative counts", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} -1\nh_sum 1\nh_count -1\n", 0), text(x, "# TYPE s summary\ns_sum 1\ns_count -1\n", 0), text(x, "# TYPE s summary\ns_sum 1\ns_count NaN\n", 0), text(x, "# TYPE c counter\nc -1\n", 0)}},
		{"counts with fractions", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\"} 0.5\nh_bucket{le=\"+Inf\"} 1.5\nh_sum 1\nh_count 1.5\n", 0)}},
		{"garbage for protobuf", []pushed{{"PUT", x, "garbage", 400, true}, {"PUT", x, "\x05\x0a\x03abc", 0, true}, {"PUT", x, "\x00\x00\x00", 0, true}, {"PUT", x, handlertest.Delimited(gaugeFamily("a", 1))[:5], 400, true}}},
		{"a length that memory has not", []pushed{
			{"PUT", x, "\x80\x80\x80\x80\x04", 400, true},
			{"PUT", x, string(binary.AppendUvarint(nil, math.MaxInt64)), 400, true},
			{"PUT", x, string(binary.AppendUvarint(nil, math.MaxUint64)), 400, true},
			{"PUT", x, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 400, true},
		}},
		{"groups that never end", []pushed{{"PUT", x, nestedGroups(5000), 400, true}}},
	}
	for _, check := range []bool{true, false} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, checked %v", test.name, check), func(t *testing.T) {
				s := handlertest.Start(t, func(c handlertest.Setup) { c.CheckConsistency, c.Store.CheckConsistency = check, check })
				wantSurvival(s, test.pushes, check)
				// What was refused left nothing behind.
				refusedOnly := true
				for _, p := range test.pushes {
					refusedOnly = refusedOnly && p.status == 400
				}
				if check && refusedOnly {
					s.WantGroupings(`{instance="other",job="aaa"}`, `{instance="other",job="zzz"}`)
				}
				if log := s.Log.String(); strings.Contains(log, "level=ERROR") {
					t.Errorf("the log says\n%s", log)
				}
			})
		}
	}
}

func TestWithLegacyNamesOthersAreRefused(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = false })
	const x = "/metrics/job/x"
	wantSurvival(s, []pushed{
		text(x, "{\"a.b\"} 1\n", 400), text(x, "a{\"l.m\"=\"1\"} 1\n", 400), text(x, "# TYPE \"a.b\" gauge\n", 400),
		families(x, 400, family("a 1\nb", dto.MetricType_GAUGE, gauge(1))), families(x, 400, family("a.b", dto.MetricType_GAUGE, gauge(1))),
		families(x, 400, family("a", dto.MetricType_GAUGE, gauge(1, "l.m", "1"))),
		{"PUT", x, "# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n# EOF\n", 400, false},
	}, true)
	s.WantGroupings(`{instance="other",job="aaa"}`, `{instance="other",job="zzz"}`)
	wantSurvival(s, []pushed{text(x, "{\"a_b\"} 1\n{\"a:c\",\"l\"=\"v\"} 1\n", 200), text(x+"/U__a_2e_b/1", "U__a_2e_b 1\n", 200)}, true)
}

func TestNoNameCanSpoilScrapesOrOtherPushes(t *testing.T) {
	const x, y = "/metrics/job/x", "/metrics/job/y"
	tests := []struct {
		name   string
		pushes []pushed
	}{
		{"reserved names that are escaped", []pushed{text(x+"/U______name____/1", "a 1\n", 400), text(x+"/U______/1", "a 1\n", 400)}},
		{"names that are one once escaped", []pushed{text(x, "{\"a.b\"} 1\n", 200), text(y, "a_b 1\n", 400), text(y, "{\"a-b\"} 1\n", 400), text(y, "# TYPE a_b gauge\na_b 1\n", 400), text(y, "{\"a.b\"} 1\n", 200)}},
		{"names that are one once escaped in one push", []pushed{text(x, "{\"a.b\"} 1\na_b 2\n", 400), families(x, 400, family("a.b", dto.MetricType_GAUGE, gauge(1)), family("a_b", dto.MetricType_COUNTER, &dto.Metric{Counter: &dto.Counter{Value: proto.Float64(1)}}))}},
		{"names that are one once escaped in a merge", []pushed{text(x, "{\"a.b\"} 1\n", 200), merged(x, "a_b 1\n", 400)}},
		{"names that are one once escaped by values", []pushed{text(x, "{\"a.b\"} 1\n", 200), text(y, "U__a_2e_b 1\n", 400)}},
		{"suffixes of names that are escaped", []pushed{text(x, "# TYPE \"h.d\" histogram\n{\"h.d_bucket\",le=\"+Inf\"} 1\n{\"h.d_sum\"} 1\n{\"h.d_count\"} 1\n", 200), text(y, "h_d_count 1\n", 400), text(y, "{\"h.d_sum\"} 1\n", 400)}},
		{"labels that are one once escaped", []pushed{text(x, "a{\"l.m\"=\"1\",l_m=\"2\"} 1\n", 400), text(x, "a{\"l.m\"=\"1\"} 1\na{l_m=\"1\"} 2\n", 400)}},
		{"a pushed label that is a grouping label once escaped", []pushed{text(x+"/l_m/1", "a{\"l.m\"=\"2\"} 1\n", 0), text(x+"/l.m/1", "a{l_m=\"2\"} 1\n", 0)}},
		{"the same series once escaped in two groupings", []pushed{text(x+"/l.m/1", "a 1\n", 200), text(x, "a{l_m=\"1\"} 2\n", 400)}},
		{"a name that is le once escaped", []pushed{text(x, "# TYPE h histogram\nh_bucket{le=\"1\",\"l.e\"=\"2\"} 1\nh_bucket{le=\"+Inf\",\"l.e\"=\"2\"} 1\nh_sum{\"l.e\"=\"2\"} 1\nh_count{\"l.e\"=\"2\"} 1\n", 0)}},
		{"labels that are instance once escaped", []pushed{text(x, "a{\"inst ance\"=\"1\"} 1\n", 200), text(y, "a{\"U__instance\"=\"1\"} 1\n", 0)}},
		{"names of odd characters", []pushed{text(x, "{\"a b\\n\\\"\\\\{}#\"} 1\n", 0), families(x, 0, family("a\nb 1\n# EOF", dto.MetricType_GAUGE, gauge(1, "l\nm=\"", "v\n"))), text(y, "{\"\u00e9\",\"\u00fc \"=\"1\"} 1\n", 0)}},
		{"an empty quoted name", []pushed{text(x, "{\"\"} 1\n", 400), text(x, "a{\"\"=\"1\"} 1\n", 400)}},
		{"a name of only odd characters", []pushed{text(x, "{\"..\"} 1\n", 0), text(x, "a{\"..\"=\"1\"} 1\n", 0), text(x, "{\"1a\"} 1\n", 0)}},
		{"the server's own name once escaped", []pushed{text(x, "# TYPE \"go.goroutines\" gauge\n{\"go.goroutines\"} 1\n", 400), text(x, "# TYPE \"push.time.seconds\" gauge\n{\"push.time.seconds\"} 1\n", 400)}},
		{"a counter whose name is escaped and its total", []pushed{text(x, "# TYPE \"a.total\" counter\n{\"a.total\"} 1\n# TYPE a counter\na 1\n", 0)}},
	}
	for _, check := range []bool{true, false} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, checked %v", test.name, check), func(t *testing.T) {
				s := handlertest.Start(t, func(c handlertest.Setup) { c.CheckConsistency, c.Store.CheckConsistency = check, check })
				wantSurvival(s, test.pushes, check)
			})
		}
	}
}

// wantSurvival pushes in turn and wants scrapes to be whole whatever is answered.
// With the consistency check on the answers are those of the pushes.
func wantSurvival(s *handlertest.Server, pushes []pushed, check bool) {
	s.T.Helper()
	for i, p := range pushes {
		a := send(s, p)
		switch {
		case check && p.status != 0 && a.Status != p.status, a.Status != 200 && a.Status != 202 && a.Status != 400:
			s.T.Errorf("push %d: %v, want %d", i, a, p.status)
		case a.Status == 400 && !handlertest.OneLine(a.Body):
			s.T.Errorf("push %d: %v, which is not one line", i, a)
		}
		if check || i == len(pushes)-1 {
			s.WantSoundScrapes()
		}
	}
}

func TestACollisionOnceEscapedIsRefusedWithBothNames(t *testing.T) {
	const x, y = "/metrics/job/x", "/metrics/job/y"
	for _, test := range []struct {
		name         string
		held         [2]string // path and body of what is held; empty: nothing
		path, body   string
		first, other string
	}{
		{"metrics of a push", [2]string{}, x, "{\"a.b\"} 1\na_b 2\n", "a.b", "a_b"},
		{"metrics of two groupings", [2]string{x, "{\"a.b\"} 1\n"}, y, "a_b 1\n", "a.b", "a_b"},
		{"the other way round", [2]string{x, "a_b 1\n"}, y, "{\"a.b\"} 1\n", "a.b", "a_b"},
		{"two that are not legacy names", [2]string{x, "{\"a.b\"} 1\n"}, y, "{\"a-b\"} 1\n", "a.b", "a-b"},
		{"a metric and what its name becomes by values", [2]string{x, "{\"a.b\"} 1\n"}, y, "U__a_2e_b 1\n", "a.b", "U__a_2e_b"},
		{"a sample of a histogram", [2]string{x, "# TYPE \"h.d\" histogram\n{\"h.d_bucket\",le=\"+Inf\"} 1\n{\"h.d_sum\"} 1\n{\"h.d_count\"} 1\n"}, y, "h_d_count 1\n", "h.d", "h_d_count"},
		{"the server's own metric", [2]string{}, x, "{\"go.goroutines\"} 1\n", "go.goroutines", "go_goroutines"},
		{"labels of a series", [2]string{}, x, "a{\"l.m\"=\"1\",l_m=\"2\"} 1\n", "l.m", "l_m"},
		{"labels of two series", [2]string{}, x, "a{\"l.m\"=\"1\"} 1\na{l_m=\"1\"} 2\n", "l.m", "l_m"},
		{"labels of the path", [2]string{}, x + "/l.m/1/l_m/2", "a 1\n", "l.m", "l_m"},
		{"labels of two paths", [2]string{x + "/l.m/1", "a 1\n"}, x + "/l_m/1", "b 1\n", "l.m", "l_m"},
		{"labels of two paths that are not legacy names", [2]string{x + "/l.m/1", "a 1\n"}, x + "/l-m/1", "b 1\n", "l.m", "l-m"},
		{"a label of the path and one of another grouping's series", [2]string{x + "/l.m/1", "a 1\n"}, x, "a{l_m=\"1\"} 2\n", "l.m", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			if test.held[0] != "" {
				s.Put(test.held[0], test.held[1])
			}
			before := s.Samples()
			a := s.Do("PUT", test.path, test.body)
			if a.Status != 400 || !handlertest.OneLine(a.Body) || !strings.Contains(a.Body, test.first) || !strings.Contains(a.Body, test.other) {
				t.Errorf("%v, want %q and %q in it", a, test.first, test.other)
			}
			if after := s.Samples(); !slices.Equal(after, before) {
				t.Errorf("holds %q, before %q", after, before)
			}
			s.WantSoundScrapes()
		})
	}
}
