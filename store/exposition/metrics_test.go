package exposition

import (
	"bytes"
	"io"
	"slices"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

func TestLinesBecomeTheMetricsOfTheClientModel(t *testing.T) {
	tests := []struct {
		name, family string
		typ          Type
		chunk        Chunk
		want         []string
	}{
		{"no lines", "g", Gauge, Chunk{}, nil},
		{"a gauge", "g", Gauge, encodeChunk(`g 0.1`), []string{`gauge:{value:0.1}`}},
		{"an untyped", "u", Untyped, encodeChunk(`u NaN`), []string{`untyped:{value:nan}`}},
		{"counters", "c_total", Counter, encodeChunk(`c_total{a="",b="x"} +Inf`, `c_total{a="y"} 1e-7`), []string{
			`label:{name:"a" value:""} label:{name:"b" value:"x"} counter:{value:inf}`,
			`label:{name:"a" value:"y"} counter:{value:1e-07}`,
		}},
		{"escapes", "g", Gauge, encodeUTF8Chunk(`g{"a\\\"\n."="\\\"\n"} 1`), []string{`label:{name:"a\\\"\n." value:"\\\"\n"} gauge:{value:1}`}},
		{"a quoted name", "g.\"", Gauge, encodeUTF8Chunk(`{"g.\"",a="1"} 1`), []string{`label:{name:"a" value:"1"} gauge:{value:1}`}},
		{"summaries", "s", Summary, encodeChunk(
			`s{a="1",quantile="0.5"} NaN`, `s{a="1",quantile="0.9"} 2`, `s_sum{a="1"} 3.5`, `s_count{a="1"} 4`, `s_sum{a="2"} 0`, `s_count{a="2"} 0`,
		), []string{
			`label:{name:"a" value:"1"} summary:{sample_count:4 sample_sum:3.5 quantile:{quantile:0.5 value:nan} quantile:{quantile:0.9 value:2}}`,
			`label:{name:"a" value:"2"} summary:{sample_count:0 sample_sum:0}`,
		}},
		{"histograms", "h", Histogram, encodeChunk(
			`h_bucket{a="1",le="-1"} 0`, `h_bucket{a="1",le="+Inf"} 300`, `h_sum{a="1"} -3.5`, `h_count{a="1"} 300`,
			`h_bucket{le="+Inf"} 0`, `h_sum 0`, `h_count 0`,
		), []string{
			`label:{name:"a" value:"1"} histogram:{sample_count:300 sample_sum:-3.5 bucket:{cumulative_count:0 upper_bound:-1} bucket:{cumulative_count:300 upper_bound:inf}}`,
			`histogram:{sample_count:0 sample_sum:0 bucket:{cumulative_count:0 upper_bound:inf}}`,
		}},
		{"histograms of the same labels but one", "h", GaugeHistogram, encodeChunk(
			`h_bucket{le="+Inf"} 1`, `h_sum 1`, `h_count 1`, `h_bucket{a="1",le="+Inf"} 2`, `h_sum{a="1"} 2`, `h_count{a="1"} 2`,
		), []string{
			`histogram:{sample_count:1 sample_sum:1 bucket:{cumulative_count:1 upper_bound:inf}}`,
			`label:{name:"a" value:"1"} histogram:{sample_count:2 sample_sum:2 bucket:{cumulative_count:2 upper_bound:inf}}`,
		}},
		{"a histogram of floats", "h", Histogram, encodeChunk(`h_bucket{le="1"} 0.5`, `h_bucket{le="+Inf"} 2`, `h_sum 1`, `h_count 2`), []string{
			`histogram:{sample_count_float:2 sample_sum:1 bucket:{cumulative_count_float:0.5 upper_bound:1} bucket:{cumulative_count_float:2 upper_bound:inf}}`,
		}},
		{"more than an integer holds", "h", Histogram, encodeChunk(`h_bucket{le="+Inf"} 1e+30`, `h_sum 1`, `h_count 1e+30`), []string{
			`histogram:{sample_count_float:1e+30 sample_sum:1 bucket:{cumulative_count_float:1e+30 upper_bound:inf}}`,
		}},
		{"a summary's count that is no integer", "s", Summary, encodeChunk(`s_sum 1`, `s_count 1e+30`, `s_sum{a="1"} 1`, `s_count{a="1"} NaN`), []string{
			`summary:{sample_count:18446744073709551615 sample_sum:1}`,
			`label:{name:"a" value:"1"} summary:{sample_count:0 sample_sum:1}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Metrics(tt.family, tt.typ, tt.chunk)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v\nwant %v", got, tt.want)
			}
			for i, text := range tt.want {
				var want dto.Metric
				if err := prototext.Unmarshal([]byte(text), &want); err != nil {
					t.Fatal(err)
				}
				if !proto.Equal(got[i], &want) {
					t.Errorf("got  %v\nwant %v", got[i], &want)
				}
			}
		})
	}
}

func TestEncodedMetricsAreTakenAsTheyAre(t *testing.T) {
	want := &dto.Metric{Counter: &dto.Counter{Value: proto.Float64(1), Exemplar: &dto.Exemplar{Value: proto.Float64(2)}}}
	wire, err := proto.Marshal(&dto.MetricFamily{Metric: []*dto.Metric{want}})
	if err != nil {
		t.Fatal(err)
	}
	c := encodeChunk(`c 1`)
	c.Proto = wire
	got, err := Metrics("c", Counter, c)
	if err != nil || len(got) != 1 || !proto.Equal(got[0], want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	c.Proto = []byte{0xff}
	if _, err := Metrics("c", Counter, c); err == nil {
		t.Error("broken bytes are no error")
	}
}

func TestLinesThatAreNotCanonicalAreErrors(t *testing.T) {
	tests := []struct {
		name string
		typ  Type
		text string
	}{
		{"no newline", Gauge, "m 1"},
		{"an empty line", Gauge, "\n"},
		{"no value", Gauge, "m\n"},
		{"an empty value", Gauge, "m \n"},
		{"an empty name", Gauge, " 1\n"},
		{"a timestamp", Gauge, "m 1 2\n"},
		{"a value that is no number", Gauge, "m x\n"},
		{"braces without a name", Gauge, "{a=\"1\"} 1\n"},
		{"braces that don't end", Gauge, "m{a=\"1\" 1\n"},
		{"braces cut off", Gauge, "m{\n"},
		{"braces cut off after a comma", Gauge, "m{a=\"1\",\n"},
		{"nothing after the braces", Gauge, "m{}\n"},
		{"no blank after the braces", Gauge, "m{}1\n"},
		{"two names", Gauge, "m{\"m\"} 1\n"},
		{"a name behind a label", Gauge, "{a=\"1\",\"m\"} 1\n"},
		{"a label without a value", Gauge, "m{a} 1\n"},
		{"a label value without quotes", Gauge, "m{a=1} 1\n"},
		{"a label value without end", Gauge, "m{a=\"1} 1\n"},
		{"a label value that ends in an escape", Gauge, "m{a=\"1\\\"} 1\n"},
		{"a quoted name without end", Gauge, "{\"m 1\n"},
		{"another family", Gauge, "n 1\n"},
		{"a suffix at a gauge", Gauge, "m_sum 1\n"},
		{"a suffix that histograms don't have", Histogram, "m_total 1\n"},
		{"no suffix at a histogram", Histogram, "m{le=\"1\"} 1\n"},
		{"a bucket of a summary", Summary, "m_bucket{le=\"1\"} 1\n"},
		{"a bucket without le", Histogram, "m_bucket 1\n"},
		{"a bucket whose le is no number", Histogram, "m_bucket{le=\"x\"} 1\n"},
		{"a summary without quantile", Summary, "m 1\n"},
	}
	for _, tt := range tests {
		if got, err := Metrics("m", tt.typ, Chunk{Text: []byte(tt.text), Series: 1}); err == nil {
			t.Errorf("%s: %q becomes %v", tt.name, tt.text, got)
		}
	}
}

// encodeParsedByLibrary is what the client library makes of a chunk.
func encodeParsedByLibrary(name string, typ Type, text []byte) (*dto.MetricFamily, error) {
	word := typ.String()
	if typ == GaugeHistogram {
		word = "histogram"
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	head := "# TYPE " + escapeMetadataName(name) + " " + word + "\n"
	families, err := parser.TextToMetricFamilies(io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(text)))
	return families[name], err
}

// encodeLegacyLabels says whether the lines can have been canonical: blanks
// around a name, which the library skips, would be part of it here.
func encodeLegacyLabels(metrics []*dto.Metric) bool {
	for _, m := range metrics {
		for _, l := range m.Label {
			if !model.LegacyValidation.IsValidLabelName(l.GetName()) {
				return false
			}
		}
	}
	return true
}

func FuzzMetrics(f *testing.F) {
	for _, family := range slices.Concat(encodeLegacyFamilies(), encodeUTF8Families()) {
		for _, c := range family.chunks {
			f.Add(family.name, uint8(family.typ), c.Text)
		}
	}
	f.Add("m", uint8(Gauge), []byte("m{a=\"1\\"))
	f.Fuzz(func(t *testing.T, name string, typ uint8, text []byte) {
		family := encodeFamily{name, Type(typ % 6), "", "", []Chunk{{Text: text, UTF8: true, Series: 1}}}
		for _, accept := range []string{"", "text/plain;escaping=values", negotiateAskOM, negotiateAskProto} {
			e := NewEncoder(io.Discard, Negotiate(accept), nil)
			_ = e.Family(family.name, family.typ, "", "", family.chunks)
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
		got, err := Metrics(family.name, family.typ, family.chunks[0])
		if err != nil || !model.LegacyValidation.IsValidMetricName(name) || family.typ >= Summary || !encodeLegacyLabels(got) {
			return
		}
		// What the library takes, too, means the same to it.
		want, err := encodeParsedByLibrary(family.name, family.typ, text)
		if err != nil || want == nil || len(want.Metric) != len(got) {
			return
		}
		for i, m := range got {
			if !proto.Equal(m, want.Metric[i]) {
				t.Errorf("%q\n got %v\nwant %v", text, m, want.Metric[i])
			}
		}
	})
}
