package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"google.golang.org/protobuf/proto"
)

func encodeUTF8Families() []encodeFamily {
	return []encodeFamily{
		{"0 to\n\"one\"\\é", Gauge, "Help.", "", []Chunk{encodeUTF8Chunk(`{"0 to\n\"one\"\\é"} 1`, `{"0 to\n\"one\"\\é","é\"\\\n"="\"\\\n"} 2`)}},
		{"a.b_seconds", Histogram, "Time.", "seconds", []Chunk{
			encodeUTF8Chunk(
				`{"a.b_seconds_bucket","la.bel_a"="1",le="1"} 1`,
				`{"a.b_seconds_bucket","la.bel_a"="1",le="+Inf"} 2`,
				`{"a.b_seconds_sum","la.bel_a"="1"} 2`,
				`{"a.b_seconds_count","la.bel_a"="1"} 2`,
				`{"a.b_seconds_bucket",job="\"\\\n",le="+Inf"} 2`,
				`{"a.b_seconds_sum",job="\"\\\n"} 2`,
				`{"a.b_seconds_count",job="\"\\\n"} 2`,
			),
		}},
		{"a.c_total", Counter, "", "", []Chunk{encodeUTF8Chunk(`{"a.c_total",job="x"} 1`)}},
		{"a.d", Summary, "", "", []Chunk{encodeUTF8Chunk(`{"a.d",quantile="0.5"} 1`, `{"a.d_sum"} 1`, `{"a.d_count"} 1`)}},
		{"le_gacy", Gauge, "", "", []Chunk{
			encodeChunk(`le_gacy{a_b="1"} 1`), encodeUTF8Chunk(`le_gacy{a_b="2","é.ö"="1"} 2`),
		}},
	}
}

// encodeModel is the client model's view of a family.
func encodeModel(t *testing.T, f encodeFamily) *dto.MetricFamily {
	t.Helper()
	mf := &dto.MetricFamily{Name: &f.name, Type: dto.MetricType(encodeProtobufTypes[f.typ]).Enum()}
	if f.help != "" {
		mf.Help = &f.help
	}
	if f.unit != "" {
		mf.Unit = &f.unit
	}
	for _, c := range f.chunks {
		ms, err := Metrics(f.name, f.typ, c)
		if err != nil {
			t.Fatal(err)
		}
		mf.Metric = append(mf.Metric, ms...)
	}
	return mf
}

var encodeSchemes = map[string]model.EscapingScheme{
	"underscores": model.UnderscoreEscaping, "dots": model.DotsEscaping, "values": model.ValueEncodingEscaping, "allow-utf-8": model.NoEscaping,
}

func TestNamesAreEscapedAsTheClientLibraryDoes(t *testing.T) {
	families := encodeUTF8Families()
	for name, scheme := range encodeSchemes {
		t.Run(name, func(t *testing.T) {
			var text, openMetrics, protobuf bytes.Buffer
			for _, f := range families {
				mf := encodeModel(t, f)
				for _, e := range []expfmt.Encoder{
					expfmt.NewEncoder(&text, expfmt.FmtText.WithEscapingScheme(scheme)),
					expfmt.NewEncoder(&openMetrics, expfmt.FmtOpenMetrics_1_0_0.WithEscapingScheme(scheme)),
					expfmt.NewEncoder(&protobuf, expfmt.FmtProtoDelim.WithEscapingScheme(scheme)),
				} {
					if err := e.Encode(mf); err != nil {
						t.Fatal(err)
					}
				}
			}
			openMetrics.WriteString("# EOF\n")

			body, contentType := encodeAll(t, "text/plain;escaping="+name, families)
			if !bytes.Equal(body, text.Bytes()) {
				t.Errorf("text: got\n%s\nwant\n%s", body, text.Bytes())
			}
			want := encodeParse(t, body, contentType)

			body, contentType = encodeAll(t, negotiateAskOM+";escaping="+name, families)
			// Only values of `le` are spelled differently.
			if got, want := encodeParse(t, body, contentType), encodeParse(t, openMetrics.Bytes(), contentType); !maps.Equal(got.types, want.types) || !maps.Equal(got.helps, want.helps) || !maps.Equal(got.units, want.units) || !maps.Equal(got.series, want.series) {
				t.Errorf("openmetrics: got\n%s\nwant\n%s", body, openMetrics.Bytes())
			}

			body, contentType = encodeAll(t, negotiateAskProto+";escaping="+name, families)
			got := encodeParse(t, body, contentType)
			if !maps.Equal(got.series, want.series) {
				t.Errorf("protobuf: got %v\nwant %v", got.series, want.series)
			}
			encodeCompareProto(t, body, protobuf.Bytes())
		})
	}
}

// encodeProtoFormat makes the library's decoder take any name.
var encodeProtoFormat = expfmt.FmtProtoDelim.WithEscapingScheme(model.NoEscaping)

// encodeCompareProto compares messages, not bytes: the order of fields is free.
func encodeCompareProto(t *testing.T, got, want []byte) {
	t.Helper()
	g, w := expfmt.NewDecoder(bytes.NewReader(got), encodeProtoFormat), expfmt.NewDecoder(bytes.NewReader(want), encodeProtoFormat)
	for {
		var gotFamily, wantFamily dto.MetricFamily
		gotErr, wantErr := g.Decode(&gotFamily), w.Decode(&wantFamily)
		if errors.Is(gotErr, io.EOF) && errors.Is(wantErr, io.EOF) {
			return
		}
		if gotErr != nil || wantErr != nil {
			t.Fatalf("got %v, want %v", gotErr, wantErr)
		}
		if !proto.Equal(&gotFamily, &wantFamily) {
			t.Errorf("got  %v\nwant %v", &gotFamily, &wantFamily)
		}
	}
}

func TestNamesOfHistogramsAreEscapedBeforeTheirSuffix(t *testing.T) {
	f := encodeFamily{"a.b", Histogram, "", "", []Chunk{encodeUTF8Chunk(`{"a.b_bucket",le="+Inf"} 0`, `{"a.b_sum"} 0`, `{"a.b_count"} 0`)}}
	for scheme, name := range map[string]string{"underscores": "a_b", "dots": "a_dot_b", "values": "U__a_2e_b"} {
		body, _ := encodeAll(t, "text/plain;escaping="+scheme, []encodeFamily{f})
		want := fmt.Sprintf("# TYPE %[1]s histogram\n%[1]s_bucket{le=\"+Inf\"} 0\n%[1]s_sum 0\n%[1]s_count 0\n", name)
		if string(body) != want {
			t.Errorf("%s: got\n%s\nwant\n%s", scheme, body, want)
		}
	}
}

func TestLabelNamesWithColonsAreNoLegacyNames(t *testing.T) {
	f := encodeFamily{"a:b", Gauge, "", "", []Chunk{encodeUTF8Chunk(`a:b{"c:d_e"="1"} 1`, `a:b{"c:d.e_"="1"} 2`)}}
	tests := map[string][2]string{
		"underscores": {"c_d_e", "c_d_e_"},
		"dots":        {"c__d__e", "c__d_dot_e__"},
		"values":      {"U__c_3a_d__e", "U__c_3a_d_2e_e__"},
		"allow-utf-8": {`c:d_e`, `c:d.e_`},
	}
	for scheme, names := range tests {
		for _, accept := range []string{"text/plain", negotiateAskOM, negotiateAskProto} {
			body, contentType := encodeAll(t, accept+";escaping="+scheme, []encodeFamily{f})
			for i, name := range names {
				label := labels.FromStrings("__name__", "a:b", name, "1").String()
				if got := encodeParse(t, body, contentType).series[label]; got != fmt.Sprint(i+1) {
					t.Errorf("%s: %s is %q in\n%s", contentType, label, got, body)
				}
			}
			if u := model.UnescapeName(names[0], model.ValueEncodingEscaping); scheme == "values" && u != "c:d_e" {
				t.Errorf("%q is read as %q", names[0], u)
			}
		}
	}
}
