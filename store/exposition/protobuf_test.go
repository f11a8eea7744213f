package exposition

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// family reads a MetricFamily in protobuf's text form.
func family(tb testing.TB, text string) *dto.MetricFamily {
	tb.Helper()
	mf := new(dto.MetricFamily)
	if err := (prototext.UnmarshalOptions{AllowPartial: true}).Unmarshal([]byte(text), mf); err != nil {
		tb.Fatal(err)
	}
	return mf
}

func protobufBody(tb testing.TB, families ...*dto.MetricFamily) []byte {
	tb.Helper()
	var b bytes.Buffer
	for _, mf := range families {
		if _, err := protodelim.MarshalTo(&b, mf); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestProtobufFollowsTheModel(t *testing.T) {
	for _, c := range []struct{ sentence, family, want, refusal string }{
		{"a counter", `name:"m" help:"x" type:COUNTER metric:{label:{name:"b" value:"1"} label:{name:"a" value:"2"} counter:{value:5}}`, "# m counter \"x\"\nm{a=\"2\",b=\"1\"} 5\n! counter_without_total\n", ""},
		{"an unset type is a counter", `name:"m" metric:{counter:{value:5}}`, "# m counter \"\"\nm 5\n! counter_without_total\n", ""},
		{"a value of none is zero", `name:"m" type:GAUGE metric:{gauge:{}}`, "# m gauge \"\"\nm 0\n", ""},
		{"an untyped metric", `name:"m" type:UNTYPED metric:{untyped:{value:nan}}`, "m NaN\n", ""},
		{"a family without metrics is nothing", `name:"m" type:GAUGE`, "", ""},
		{
			"a summary", `name:"s" type:SUMMARY metric:{summary:{sample_count:3 sample_sum:1.5 quantile:{quantile:0.9 value:2} quantile:{quantile:0.5 value:1}}}`,
			"# s summary \"\"\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 2\ns_sum 1.5\ns_count 3\n", "",
		},
		{
			"a histogram", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 sample_sum:1.5 bucket:{cumulative_count:2 upper_bound:2} bucket:{cumulative_count:1 upper_bound:1}}}`,
			"# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1.5\nh_count 3\n", "",
		},
		{
			"a histogram without a count", `name:"h" type:HISTOGRAM metric:{histogram:{bucket:{cumulative_count:2 upper_bound:2}}}`,
			"# h histogram \"\"\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 0\nh_count 2\n", "",
		},
		{"an empty histogram", `name:"h" type:HISTOGRAM metric:{histogram:{}}`, "# h histogram \"\"\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n", ""},
		{
			"a float histogram", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:2.5 bucket:{cumulative_count_float:1.5 upper_bound:1}}}`,
			"# h histogram \"\"\nh_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 0\nh_count 2.5\n! STRICT\n", "",
		},
		{
			"a gauge histogram", `name:"h" type:GAUGE_HISTOGRAM metric:{histogram:{sample_count:3 sample_sum:-1}}`,
			"# h gaugehistogram \"\"\nh_bucket{le=\"+Inf\"} 3\nh_sum -1\nh_count 3\n! STRICT\n", "",
		},
		{
			"a native histogram is its count in text", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 sample_sum:6 schema:3 zero_threshold:0.01 zero_count:1 positive_span:{offset:0 length:2} positive_delta:1 positive_delta:0}}`,
			"# h histogram \"\"\nh_bucket{le=\"+Inf\"} 3\nh_sum 6\nh_count 3\n", "",
		},
		{"a unit that the name ends with", `name:"m_bytes" type:GAUGE unit:"bytes" metric:{gauge:{value:1}}`, "# m_bytes gauge \"\"bytes\nm_bytes 1\n", ""},
		{"a counter's unit", `name:"m_bytes_total" type:COUNTER unit:"bytes" metric:{counter:{value:1}}`, "# m_bytes_total counter \"\"bytes\nm_bytes_total 1\n", ""},
		{"another unit would break OpenMetrics", `name:"m" type:GAUGE unit:"bytes" metric:{gauge:{value:1}}`, "# m gauge \"\"\nm 1\n", ""},

		{"a family without a name would empty scrapes", `type:GAUGE metric:{gauge:{value:1}}`, "", "name"},
		{"an invalid name", `name:"a b" type:GAUGE metric:{gauge:{value:1}}`, "", "name"},
		{"a UTF-8 name without the option", `name:"a.b" type:GAUGE metric:{gauge:{value:1}}`, "", "name"},
		{"an invalid name of an empty family", `name:"a b"`, "", "name"},
		{"a gauge histogram without a histogram would cut scrapes off", `name:"aaa" type:GAUGE_HISTOGRAM metric:{}`, "", "type"},
		{"a value of another type", `name:"m" type:COUNTER metric:{gauge:{value:1}}`, "", "type"},
		{"no value at all", `name:"m" type:UNTYPED metric:{}`, "", "type"},
		{"a timestamp", `name:"m" type:GAUGE metric:{gauge:{value:1} timestamp_ms:1}`, "", "timestamp"},
		{"a timestamp of zero", `name:"m" type:GAUGE metric:{gauge:{value:1} timestamp_ms:0}`, "", "timestamp"},
		{"a label twice", `name:"m" metric:{label:{name:"a" value:"1"} label:{name:"a" value:"1"} counter:{value:1}}`, "", "duplicate"},
		{"a reserved label", `name:"m" metric:{label:{name:"__name__" value:"1"} counter:{value:1}}`, "", "name"},
		{"an empty label name", `name:"m" metric:{label:{value:"1"} counter:{value:1}}`, "", "name"},
		{"an invalid label name", `name:"m" metric:{label:{name:"a-b" value:"1"} counter:{value:1}}`, "", "name"},
		{"a series twice", `name:"m" metric:{counter:{value:1}} metric:{counter:{value:2}}`, "", "duplicate"},
		{"a series twice but for an empty label", `name:"m" metric:{label:{name:"a"} counter:{value:1}} metric:{counter:{value:2}}`, "", "duplicate"},
		{"a histogram twice", `name:"h" type:HISTOGRAM metric:{histogram:{bucket:{upper_bound:1}}} metric:{histogram:{bucket:{upper_bound:2}}}`, "", "duplicate"},
		{"a bucket twice, equally", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:0 bucket:{upper_bound:1} bucket:{upper_bound:1}}}`, "# h histogram \"\"\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n! written_twice\n", ""},
		{"a bucket with two values", `name:"h" type:HISTOGRAM metric:{histogram:{bucket:{upper_bound:1} bucket:{upper_bound:1 cumulative_count:1}}}`, "", "duplicate"},
		{"a quantile twice, equally", `name:"s" type:SUMMARY metric:{summary:{quantile:{quantile:0.5} quantile:{quantile:0.5}}}`, "# s summary \"\"\ns{quantile=\"0.5\"} 0\ns_sum 0\ns_count 0\n! written_twice\n", ""},
		{"a quantile with two values", `name:"s" type:SUMMARY metric:{summary:{quantile:{quantile:0.5} quantile:{quantile:0.5 value:1}}}`, "", "duplicate"},
		{"a NaN bucket", `name:"h" type:HISTOGRAM metric:{histogram:{bucket:{upper_bound:nan}}}`, "# h histogram \"\"\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n--\nh_bucket{le=\"NaN\"} 0\n! bad_bound STRICT\n", ""},
		{"a NaN quantile", `name:"s" type:SUMMARY metric:{summary:{quantile:{quantile:nan}}}`, "# s summary \"\"\ns_sum 0\ns_count 0\n--\ns{quantile=\"NaN\"} 0\n! bad_bound STRICT\n", ""},
		{"le beside buckets", `name:"h" type:HISTOGRAM metric:{label:{name:"le" value:"1"} histogram:{}}`, "", "type"},
		{"quantile beside quantiles", `name:"s" type:SUMMARY metric:{label:{name:"quantile" value:"1"} summary:{}}`, "", "type"},
		{"a negative float count", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:-1}}`, "# h histogram \"\"\n--\nh_bucket{le=\"+Inf\"} -1\nh_sum 0\nh_count -1\n! bad_count*2 TEXT STRICT\n", ""},
		{"a +Inf bucket that is not the count", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:1 bucket:{upper_bound:inf cumulative_count:2}}}`, "# h histogram \"\"\n--\nh_bucket{le=\"+Inf\"} 2\nh_sum 0\nh_count 1\n! inf_bucket STRICT\n", ""},
		{"buckets that fall", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:5} bucket:{upper_bound:2 cumulative_count:2}}}`, "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 0\nh_count 3\n! falling_buckets STRICT\n", ""},
		{"a float histogram whose count is below its buckets", `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:0.5 bucket:{upper_bound:1 cumulative_count_float:1.5}}}`, "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 0.5\nh_sum 0\nh_count 0.5\n! falling_buckets STRICT\n", ""},
		{"a gauge histogram whose buckets fall", `name:"h" type:GAUGE_HISTOGRAM metric:{histogram:{sample_count:1 bucket:{upper_bound:1 cumulative_count:2}}}`, "# h gaugehistogram \"\"\n--\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 0\nh_count 1\n! falling_buckets STRICT\n", ""},
		{"an invalid created timestamp", `name:"m" metric:{counter:{value:1 created_timestamp:{seconds:1 nanos:-1}}}`, "", "value"},
		{"an invalid exemplar", `name:"m" metric:{counter:{value:1 exemplar:{label:{value:"1"}}}}`, "", "value"},

		{
			"a native histogram takes no count from classic buckets", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 positive_span:{offset:0 length:0} bucket:{cumulative_count:48 upper_bound:1}}}`,
			"# h histogram \"\"\nh_bucket{le=\"1\"} 48\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n! falling_buckets STRICT\n", "",
		},
		{"an unknown schema", `name:"h" type:HISTOGRAM metric:{histogram:{schema:9 zero_threshold:1}}`, "", "type"},
		{"custom buckets, which protobuf has no bounds for", `name:"h" type:HISTOGRAM metric:{histogram:{schema:-53 positive_span:{offset:0 length:1} positive_delta:1 sample_count:1}}`, "", "type"},
		{"a negative zero threshold", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 zero_threshold:-1}}`, "", "type"},
		{"spans of more buckets than there are", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 sample_count:1 positive_span:{offset:0 length:4000000000} positive_delta:1}}`, "", "type"},
		{"buckets without spans", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 sample_count:1 positive_delta:1}}`, "", "type"},
		{"deltas that lead below zero", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 sample_count:1 positive_span:{offset:0 length:2} positive_delta:1 positive_delta:-2}}`, "", "type"},
		{"a count that is not that of the buckets", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 sample_count:2 positive_span:{offset:0 length:1} positive_delta:1}}`, "", "type"},
		{"negative float buckets", `name:"h" type:HISTOGRAM metric:{histogram:{schema:1 sample_count_float:2 positive_span:{offset:0 length:1} positive_count:-1}}`, "", "type"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			mf := family(t, c.family)
			got, err := DecodeProtobuf(protobufBody(t, mf), Options{})
			if single, singleErr := FromDTO(mf, Options{}); (err == nil) != (singleErr == nil) || err == nil && len(got) == 1 && decodedText([]Family{single}) != decodedText(got) {
				t.Errorf("FromDTO says %q, %v", decodedText([]Family{single}), singleErr)
			}
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, Options{})
			if text := judgedText(got); text != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, c.want)
			}
		})
	}
}

func TestProtobufRefusesWhatItsTextFormCannotSay(t *testing.T) {
	gauge := func(change func(mf *dto.MetricFamily)) []byte {
		mf := family(t, `name:"m" type:GAUGE metric:{label:{name:"a" value:"1"} gauge:{value:1}}`)
		change(mf)
		return protobufBody(t, mf)
	}
	for _, c := range []struct {
		sentence string
		body     []byte
		refusal  string
	}{
		{"a type out of range", gauge(func(mf *dto.MetricFamily) { mf.Type = dto.MetricType(77).Enum() }), "type"},
		{"HELP that is not UTF-8", gauge(func(mf *dto.MetricFamily) { mf.Help = proto.String("\xff") }), "value"},
		{"long HELP", gauge(func(mf *dto.MetricFamily) { mf.Help = proto.String(strings.Repeat("x", maxDecodeHelp+1)) }), "limit"},
		{"a name that is not UTF-8", gauge(func(mf *dto.MetricFamily) { mf.Name = proto.String("\xff") }), "name"},
		{"a label name that is not UTF-8", gauge(func(mf *dto.MetricFamily) { mf.Metric[0].Label[0].Name = proto.String("\xff") }), "name"},
		{"a label value that is not UTF-8", gauge(func(mf *dto.MetricFamily) { mf.Metric[0].Label[0].Value = proto.String("\xff") }), "value"},
		{"a NUL in a name", gauge(func(mf *dto.MetricFamily) { mf.Name = proto.String("a\x00") }), "name"},
		{"series over the limit", gauge(func(mf *dto.MetricFamily) {
			for i := range 3 {
				m := proto.CloneOf(mf.Metric[0])
				m.Label[0].Value = proto.String(strings.Repeat("x", i))
				mf.Metric = append(mf.Metric, m)
			}
		}), "limit"},
		{"labels over the limit", gauge(func(mf *dto.MetricFamily) {
			mf.Metric[0].Label = make([]*dto.LabelPair, maxDecodeLabels+1)
			for i := range mf.Metric[0].Label {
				mf.Metric[0].Label[i] = &dto.LabelPair{Name: proto.String("a"), Value: proto.String("a")}
			}
		}), "limit"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			_, err := DecodeProtobuf(c.body, Options{MaxSeries: 3, UTF8Names: true})
			wantRefusal(t, err, c.refusal)
		})
	}
}

func TestLengthPrefixesAreNotBelieved(t *testing.T) {
	for _, body := range [][]byte{
		{0x80, 0x80, 0x80, 0x80, 0x04}, // 1 GiB
		binary.AppendUvarint(nil, math.MaxInt64),
		binary.AppendUvarint(nil, math.MaxUint64),
		binary.AppendUvarint(nil, 1),
		{0x80},
		bytes.Repeat([]byte{0xff}, 20),
		append(binary.AppendUvarint(nil, 100), make([]byte, 99)...),
		{2, 0x0a, 5},       // a name longer than its message
		{3, 0x0a, 1, 'm'},  // fine, then nothing
		{4, 0x22, 5, 0, 0}, // a metric longer than its message
		[]byte("m 1\n"),
	} {
		got, err := DecodeProtobuf(body, Options{})
		if len(body) == 4 && body[0] == 3 {
			if err != nil || len(got) != 0 {
				t.Errorf("% x: got %v, %v", body, got, err)
			}
			continue
		}
		wantRefusal(t, err, "syntax")
	}
	allocated := testing.AllocsPerRun(10, func() {
		_, _ = DecodeProtobuf([]byte{0x80, 0x80, 0x80, 0x80, 0x04}, Options{})
	})
	if allocated > 50 {
		t.Errorf("%v allocations for a broken prefix", allocated)
	}
	for _, body := range [][]byte{nil, {0}, {0, 0}} {
		if got, err := DecodeProtobuf(body, Options{}); err != nil || len(got) != 0 {
			t.Errorf("% x: got %v, %v", body, got, err)
		}
	}
}

func TestTinyMessagesCannotBecomeMuchMemory(t *testing.T) {
	labels := bytes.Repeat([]byte{0x0a, 0}, maxDecodeMessages)
	metric := append(binary.AppendUvarint([]byte{0x22}, uint64(len(labels))), labels...)
	body := append(binary.AppendUvarint(nil, uint64(len(metric))), metric...)
	_, err := DecodeProtobuf(body, Options{})
	wantRefusal(t, err, "limit")
}

func TestMessagesOfOneNameAreOneFamily(t *testing.T) {
	first := family(t, `name:"m" help:"x" type:GAUGE metric:{label:{name:"a" value:"1"} gauge:{value:1}}`)
	second := family(t, `name:"m" help:"y" type:GAUGE metric:{gauge:{value:2}}`)
	got, err := DecodeProtobuf(protobufBody(t, first, family(t, `name:"n" metric:{counter:{value:1}}`), second), Options{})
	if want := "# m gauge \"x\"\nm{a=\"1\"} 1\nm 2\n# n counter \"\"\nn 1\n"; err != nil || decodedText(got) != want {
		t.Errorf("got %q, %v, want %q", decodedText(got), err, want)
	}
	_, err = DecodeProtobuf(protobufBody(t, first, first), Options{})
	wantRefusal(t, err, "duplicate")
	second.Type = dto.MetricType_UNTYPED.Enum()
	_, err = DecodeProtobuf(protobufBody(t, first, second), Options{})
	wantRefusal(t, err, "type")

	exemplar := family(t, `name:"c" metric:{label:{name:"a" value:"1"} counter:{value:1 exemplar:{value:1}}}`)
	got, err = DecodeProtobuf(protobufBody(t, family(t, `name:"c" metric:{counter:{value:2}}`), exemplar), Options{})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	var kept dto.MetricFamily
	if err := proto.Unmarshal(got[0].Proto, &kept); err != nil || len(kept.Metric) != 2 {
		t.Errorf("of the two, %v is kept, %v", &kept, err)
	}
}

func TestProtobufFamiliesMayOverlapUnlessASeriesIsThereTwice(t *testing.T) {
	h := `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:1}}`
	got, err := DecodeProtobuf(protobufBody(t, family(t, `name:"h_count" type:GAUGE metric:{label:{name:"a" value:"1"} gauge:{value:1}}`), family(t, h)), Options{})
	want := "h_bucket{le=\"+Inf\"} 1\n! overlapping_names\n# h_count gauge \"\"\nh_count{a=\"1\"} 1\nh_count 1\nh_sum 0\n"
	if err != nil || judgedText(got) != want {
		t.Errorf("got %s, %v, want %s", judgedText(got), err, want)
	}
	_, err = DecodeProtobuf(protobufBody(t, family(t, `name:"h_count" metric:{counter:{value:1}}`), family(t, h)), Options{})
	wantRefusal(t, err, "duplicate")
	got, err = DecodeProtobuf(protobufBody(t, family(t, `name:"push_time_seconds" type:COUNTER metric:{counter:{value:1}}`), family(t, `name:"push_failure_time_seconds" type:GAUGE`)), Options{})
	if err != nil || len(got) != 0 {
		t.Errorf("push times are not dropped: %v, %v", got, err)
	}
}

func TestTextIsTheSameWhicheverFormatItCameIn(t *testing.T) {
	o := Options{Grouping: batchGrouping, UTF8Names: true}
	for i, body := range []string{
		string(batchPush()),
		"# TYPE s summary\ns{quantile=\"0.5\",a=\"x\"} 1\ns{quantile=\"0.9\",a=\"x\"} NaN\ns_sum{a=\"x\"} 3\ns_count{a=\"x\"} 2\n# HELP s a\\nb\n",
		"# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n",
		"# TYPE h histogram\nh_bucket{a=\"1\",le=\"+Inf\"} 3\nh_count{a=\"1\"} 3\nh_sum{a=\"1\"} 3\n",
		"# TYPE h histogram\nh_bucket{le=\"0.3\"} 1.5\nh_bucket{le=\"0.2\"} 0.5\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 1\nh_count 2.5\n",
		"m{b=\"\",a=\"\\\"\\\\\\n\"} +Inf\n",
		"{\"m.x\",\"a.b\"=\"1\"} 1e-7\n",
		"# TYPE c counter\nc 1.7953734806526186e+09\n",
	} {
		protobuf := delimited(t, []byte(body))
		got, err := DecodeProtobuf(protobuf, o)
		if err != nil {
			t.Fatal(err)
		}
		text := []byte(body)
		if i == 0 {
			text = spelledByLibrary(t, protobuf)
		}
		want, err := DecodeText(text, o)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if decodedText(got) != decodedText(want) {
			t.Errorf("from protobuf:\n%s\nfrom text:\n%s", decodedText(got), decodedText(want))
		}
	}
}

// spelledByLibrary turns a body into text whose values are spelled as FromDTO
// spells them.
func spelledByLibrary(t *testing.T, body []byte) []byte {
	t.Helper()
	families, err := splitDelimited(body)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, mf := range families {
		if _, err := expfmt.MetricFamilyToText(&text, mf); err != nil {
			t.Fatal(err)
		}
	}
	return text.Bytes()
}

func TestWhatTextCannotSayIsKeptAsProtobuf(t *testing.T) {
	o := Options{Grouping: []Label{{"a", "over"}, {"job", "j"}}}
	exemplar := `exemplar:{label:{name:"trace" value:"t"} value:1 timestamp:{seconds:1}}`
	for _, c := range []struct {
		sentence, family string
		kept             bool
	}{
		{"a counter", `name:"m" metric:{counter:{value:1}}`, false},
		{"a counter with an exemplar", `name:"m" metric:{counter:{value:1 ` + exemplar + `}}`, true},
		{"a counter with a created timestamp", `name:"m" metric:{counter:{value:1 created_timestamp:{seconds:1}}}`, true},
		{"a summary", `name:"m" type:SUMMARY metric:{summary:{sample_count:1}}`, false},
		{"a summary with a created timestamp", `name:"m" type:SUMMARY metric:{summary:{sample_count:1 created_timestamp:{seconds:1}}}`, true},
		{"a histogram", `name:"m" type:HISTOGRAM metric:{histogram:{sample_count:1 bucket:{upper_bound:1}}}`, false},
		{"a huge count", `name:"m" type:HISTOGRAM metric:{histogram:{sample_count:9007199254740993}}`, true},
		{"a histogram with an exemplar", `name:"m" type:HISTOGRAM metric:{histogram:{sample_count:1 bucket:{upper_bound:1 ` + exemplar + `}}}`, true},
		{"a native histogram", `name:"m" type:HISTOGRAM metric:{histogram:{sample_count:1 sample_sum:1 schema:1 positive_span:{offset:0 length:1} positive_delta:1}}`, true},
		{"a native histogram of nothing", `name:"m" type:HISTOGRAM metric:{histogram:{schema:1 positive_span:{offset:0 length:0}}}`, true},
		{"a native float histogram", `name:"m" type:HISTOGRAM metric:{histogram:{sample_count_float:1 schema:1 positive_span:{offset:0 length:1} positive_count:1}}`, true},
		{"one of several", `name:"m" metric:{label:{name:"x" value:"1"} label:{name:"a" value:"body"} counter:{value:1}} metric:{label:{name:"b" value:"2"} counter:{value:1 ` + exemplar + `}}`, true},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			mf := family(t, c.family)
			got, err := FromDTO(mf, o)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Proto != nil) != c.kept {
				t.Fatalf("kept %d bytes, want some: %v", len(got.Proto), c.kept)
			}
			if !c.kept {
				return
			}
			var kept dto.MetricFamily
			if err := proto.Unmarshal(got.Proto, &kept); err != nil {
				t.Fatal(err)
			}
			if len(kept.Metric) != len(mf.Metric) {
				t.Fatalf("kept %v", &kept)
			}
			kept.Name, kept.Type = mf.Name, mf.Type
			again, err := FromDTO(&kept, Options{})
			if err != nil || string(again.Text) != string(got.Text) {
				t.Errorf("the text of what is kept:\n%s\nwant:\n%s (%v)", again.Text, got.Text, err)
			}
			for i, m := range kept.Metric {
				for _, l := range m.Label {
					if l.GetName() == "a" && l.GetValue() != "over" {
						t.Errorf("the grouping does not override: %v", m.Label)
					}
				}
				want := mf.Metric[i]
				if !proto.Equal(m.Histogram, want.Histogram) || !proto.Equal(m.Counter, want.Counter) || !proto.Equal(m.Summary, want.Summary) {
					t.Errorf("kept %v, want %v", m, want)
				}
			}
		})
	}
}

func TestWhatIsKeptHasTheOrderAndCountOfItsText(t *testing.T) {
	mf := family(t, `name:"m" type:HISTOGRAM metric:{histogram:{created_timestamp:{seconds:5} bucket:{upper_bound:2 cumulative_count:7} bucket:{upper_bound:1 cumulative_count:3}}}`)
	before := proto.CloneOf(mf)
	got, err := FromDTO(mf, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(mf, before) {
		t.Error("FromDTO changed its argument")
	}
	var kept dto.MetricFamily
	if err := proto.Unmarshal(got.Proto, &kept); err != nil {
		t.Fatal(err)
	}
	h := kept.Metric[0].GetHistogram()
	if h.GetSampleCount() != 7 || h.GetBucket()[0].GetUpperBound() != 1 || !h.GetCreatedTimestamp().AsTime().Equal(time.Unix(5, 0)) {
		t.Errorf("kept %v", h)
	}
}

func TestFromDTOKeepsTheMetadataOfAnEmptyFamily(t *testing.T) {
	got, err := FromDTO(&dto.MetricFamily{Name: proto.String("m"), Help: proto.String("x"), Type: dto.MetricType_GAUGE.Enum()}, Options{})
	if err != nil || got.Name != "m" || got.Help != "x" || got.Type != Gauge || got.Series != 0 || got.Text != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = FromDTO(&dto.MetricFamily{Name: proto.String("m"), Metric: []*dto.Metric{{Counter: &dto.Counter{CreatedTimestamp: &timestamppb.Timestamp{Nanos: -1}}}}}, Options{})
	wantRefusal(t, err, "value")
}
