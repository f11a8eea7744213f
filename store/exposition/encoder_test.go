package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/proto"
)

// encodeFamily is a family with its chunks, as Encoder.Family takes them.
type encodeFamily struct {
	name       string
	typ        Type
	help, unit string
	chunks     []Chunk
}

func encodeChunk(lines ...string) Chunk {
	return Chunk{Text: []byte(strings.Join(lines, "\n") + "\n"), Series: len(lines)}
}

func encodeUTF8Chunk(lines ...string) Chunk {
	c := encodeChunk(lines...)
	c.UTF8 = true
	return c
}

// encodeLegacyFamilies are families of every type with two groupings each.
func encodeLegacyFamilies() []encodeFamily {
	return []encodeFamily{
		{"build", Untyped, "", "", []Chunk{encodeChunk(`build 1`)}},
		{"free_bytes", Gauge, "C:\\ says \"free\"\nor not", "bytes", []Chunk{
			encodeChunk(`free_bytes{instance="",job="x",path="C:\\\"a\"\n"} 1e+06`, `free_bytes{instance="",job="x",path="é}{,=\\"} NaN`),
			encodeChunk(`free_bytes{instance="",job="y"} -Inf`),
		}},
		{"jobs", Counter, "No suffix.", "", []Chunk{encodeChunk(`jobs{job="x"} 3`)}},
		{"latency_seconds", Histogram, "Latency.", "seconds", []Chunk{
			encodeChunk(
				`latency_seconds_bucket{code="200",job="x",le="0.1"} 1`,
				`latency_seconds_bucket{code="200",job="x",le="1"} 2`,
				`latency_seconds_bucket{code="200",job="x",le="+Inf"} 4`,
				`latency_seconds_sum{code="200",job="x"} 12.5`,
				`latency_seconds_count{code="200",job="x"} 4`,
				`latency_seconds_bucket{code="500",job="x",le="+Inf"} 0`,
				`latency_seconds_sum{code="500",job="x"} 0`,
				`latency_seconds_count{code="500",job="x"} 0`,
			),
			encodeChunk(
				`latency_seconds_bucket{job="y",le="1"} 0.5`,
				`latency_seconds_bucket{job="y",le="+Inf"} 2`,
				`latency_seconds_sum{job="y"} 1`,
				`latency_seconds_count{job="y"} 2`,
			),
		}},
		{"queue", GaugeHistogram, "", "", []Chunk{encodeChunk(
			`queue_bucket{job="x",le="+Inf"} 4`, `queue_sum{job="x"} -1`, `queue_count{job="x"} 4`,
		)}},
		{"requests_total", Counter, "Requests.", "", []Chunk{encodeChunk(`requests_total{job="x"} 18446744073709551616`)}},
		{"size", Summary, "", "", []Chunk{encodeChunk(
			`size{job="x",quantile="0.5"} NaN`, `size{job="x",quantile="0.99"} 7`, `size_sum{job="x"} 8`, `size_count{job="x"} 9`,
			`size_sum{job="z"} 8`, `size_count{job="z"} 9`,
		)}},
	}
}

// encodeAll encodes families in the format that accept asks for.
func encodeAll(t *testing.T, accept string, families []encodeFamily) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	format := Negotiate(accept)
	e := NewEncoder(&b, format, func(name string) bool {
		return slices.ContainsFunc(families, func(f encodeFamily) bool { return f.name == name })
	})
	for _, f := range families {
		if err := e.Family(f.name, f.typ, f.help, f.unit, f.chunks); err != nil {
			t.Fatalf("Family(%q): %v", f.name, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), format.ContentType()
}

// encodeScrape is what Prometheus makes of an exposition.
type encodeScrape struct {
	types, helps, units, series map[string]string
}

func encodeParse(t *testing.T, body []byte, contentType string) encodeScrape {
	t.Helper()
	p, err := textparse.New(body, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := encodeScrape{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	put := func(m map[string]string, k, v string) {
		if _, twice := m[k]; twice {
			t.Errorf("%s %q comes twice in\n%s", k, v, body)
		}
		m[k] = v
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatalf("%v in %q:\n%s", err, contentType, body)
		}
		switch entry {
		case textparse.EntryType:
			name, typ := p.Type()
			put(s.types, string(name), string(typ))
		case textparse.EntryHelp:
			if name, help := p.Help(); len(help) > 0 {
				put(s.helps, string(name), string(help))
			}
		case textparse.EntryUnit:
			name, unit := p.Unit()
			put(s.units, string(name), string(unit))
		case textparse.EntrySeries:
			var ls labels.Labels
			_, _, v := p.Series()
			p.Labels(&ls)
			if name, twice := ls.HasDuplicateLabelNames(); twice {
				t.Errorf("%s has %q twice", ls, name)
			}
			put(s.series, ls.String(), fmt.Sprint(v))
		case textparse.EntryHistogram:
			var ls labels.Labels
			_, _, h, fh := p.Histogram()
			p.Labels(&ls)
			if h != nil {
				put(s.series, ls.String(), h.String())
			} else {
				put(s.series, ls.String(), fh.String())
			}
		}
	}
}

var encodeAccepts = map[string]string{
	"text":        "",
	"text 1":      "text/plain;version=1.0.0",
	"Prometheus":  negotiateAskOM + ",text/plain;q=0.5",
	"openmetrics": negotiateAskOM,
	"protobuf":    negotiateAskProto,
}

func TestPrometheusReadsTheSameSeriesInEveryFormat(t *testing.T) {
	families := encodeLegacyFamilies()
	want := map[string]string{
		`{__name__="build"}`: "1",
		`{__name__="free_bytes", instance="", job="x", path="C:\\\"a\"\n"}`:   "1e+06",
		`{__name__="free_bytes", instance="", job="x", path="é}{,=\\"}`:       "NaN",
		`{__name__="free_bytes", instance="", job="y"}`:                       "-Inf",
		`{__name__="jobs", job="x"}`:                                          "3",
		`{__name__="latency_seconds_bucket", code="200", job="x", le="0.1"}`:  "1",
		`{__name__="latency_seconds_bucket", code="200", job="x", le="1.0"}`:  "2",
		`{__name__="latency_seconds_bucket", code="200", job="x", le="+Inf"}`: "4",
		`{__name__="latency_seconds_sum", code="200", job="x"}`:               "12.5",
		`{__name__="latency_seconds_count", code="200", job="x"}`:             "4",
		`{__name__="latency_seconds_bucket", code="500", job="x", le="+Inf"}`: "0",
		`{__name__="latency_seconds_sum", code="500", job="x"}`:               "0",
		`{__name__="latency_seconds_count", code="500", job="x"}`:             "0",
		`{__name__="latency_seconds_bucket", job="y", le="1.0"}`:              "0.5",
		`{__name__="latency_seconds_bucket", job="y", le="+Inf"}`:             "2",
		`{__name__="latency_seconds_sum", job="y"}`:                           "1",
		`{__name__="latency_seconds_count", job="y"}`:                         "2",
		`{__name__="queue_bucket", job="x", le="+Inf"}`:                       "4",
		`{__name__="queue_sum", job="x"}`:                                     "-1",
		`{__name__="queue_count", job="x"}`:                                   "4",
		`{__name__="requests_total", job="x"}`:                                "1.8446744073709552e+19",
		`{__name__="size", job="x", quantile="0.5"}`:                          "NaN",
		`{__name__="size", job="x", quantile="0.99"}`:                         "7",
		`{__name__="size_sum", job="x"}`:                                      "8",
		`{__name__="size_count", job="x"}`:                                    "9",
		`{__name__="size_sum", job="z"}`:                                      "8",
		`{__name__="size_count", job="z"}`:                                    "9",
	}
	for name, accept := range encodeAccepts {
		for _, escaping := range []string{"underscores", "dots", "values", "allow-utf-8"} {
			t.Run(name+" "+escaping, func(t *testing.T) {
				if accept == "" {
					accept = "text/plain"
				}
				body, contentType := encodeAll(t, accept+";escaping="+escaping, families)
				got := encodeParse(t, body, contentType)
				if !maps.Equal(got.series, want) {
					t.Errorf("got %v\nwant %v", got.series, want)
				}
			})
		}
	}
}

func TestMetadataFitsTheFormat(t *testing.T) {
	help := "C:\\ says \"free\"\nor not"
	helps := map[string]string{"free_bytes": help, "jobs": "No suffix.", "latency_seconds": "Latency.", "requests_total": "Requests."}
	helpsOM := map[string]string{"free_bytes": help, "jobs": "No suffix.", "latency_seconds": "Latency.", "requests": "Requests."}
	types := func(queue, requests, jobs string) map[string]string {
		return map[string]string{
			"build": "unknown", "free_bytes": "gauge", "jobs": jobs, "latency_seconds": "histogram",
			"queue": queue, requests: "counter", "size": "summary",
		}
	}
	strict := types("histogram", "requests", "unknown")
	delete(strict, "queue")
	strict["queue_bucket"], strict["queue_sum"], strict["queue_count"] = "unknown", "unknown", "unknown"
	units := map[string]string{"free_bytes": "bytes", "latency_seconds": "seconds"}
	tests := map[string]encodeScrape{
		"text":        {types: types("histogram", "requests_total", "counter"), helps: helps},
		"text 1":      {types: types("histogram", "requests_total", "counter"), helps: helps},
		"Prometheus":  {types: types("gaugehistogram", "requests", "counter"), helps: helpsOM, units: units},
		"openmetrics": {types: strict, helps: helpsOM, units: units},
		"protobuf":    {types: types("gaugehistogram", "requests_total", "counter"), helps: helps, units: units},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			body, contentType := encodeAll(t, encodeAccepts[name], encodeLegacyFamilies())
			got := encodeParse(t, body, contentType)
			if !maps.Equal(got.types, want.types) {
				t.Errorf("types: got %v\nwant %v", got.types, want.types)
			}
			if !maps.Equal(got.helps, want.helps) {
				t.Errorf("helps: got %q\nwant %q", got.helps, want.helps)
			}
			if !maps.Equal(got.units, want.units) {
				t.Errorf("units: got %v\nwant %v", got.units, want.units)
			}
		})
	}
}

func TestTheTextIsWrittenToTheLetter(t *testing.T) {
	counter := encodeFamily{"c_total", Counter, "He said \"\\\".\n", "", []Chunk{encodeChunk(`c_total{job="x"} 1`)}}
	tests := []struct {
		name, accept string
		families     []encodeFamily
		want         string
	}{
		{"nothing", "", nil, ""},
		{"nothing in OpenMetrics", negotiateAskOM, nil, "# EOF\n"},
		{"nothing in protobuf", negotiateAskProto, nil, ""},
		{"a family without samples", "", []encodeFamily{{"a", Gauge, "A.", "", []Chunk{{}}}}, ""},
		{"a family without samples in protobuf", negotiateAskProto, []encodeFamily{{"a", Gauge, "A.", "", nil}}, ""},
		{"HELP leaves quotes alone in text", "", []encodeFamily{counter}, `# HELP c_total He said "\\".\n
# TYPE c_total counter
c_total{job="x"} 1
`},
		{"HELP escapes quotes in OpenMetrics", negotiateAskOM, []encodeFamily{counter}, `# HELP c He said \"\\\".\n
# TYPE c counter
c_total{job="x"} 1
# EOF
`},
		{"a counter keeps its name while the shorter one is taken", negotiateAskOM, []encodeFamily{
			{"c", Gauge, "", "", []Chunk{encodeChunk(`c 1`)}}, {"c_total", Counter, "", "", []Chunk{encodeChunk(`c_total 1`)}},
		}, "# TYPE c gauge\nc 1\n# TYPE c_total unknown\nc_total 1\n# EOF\n"},
		{"a counter whose escaped name ends in _total", negotiateAskOM, []encodeFamily{
			{"c.total", Counter, "", "", []Chunk{encodeUTF8Chunk(`{"c.total"} 1`)}},
		}, "# TYPE c counter\nc_total 1\n# EOF\n"},
		{"a counter whose escaped name is taken without _total", negotiateAskOM, []encodeFamily{
			{"a.b_total", Counter, "", "", []Chunk{encodeUTF8Chunk(`{"a.b_total"} 1`)}}, {"a_b", Gauge, "", "", []Chunk{encodeChunk(`a_b 1`)}},
		}, "# TYPE a_b_total unknown\na_b_total 1\n# TYPE a_b gauge\na_b 1\n# EOF\n"},
		{"a counter called _total", negotiateAskOM, []encodeFamily{
			{"_total", Counter, "", "", []Chunk{encodeChunk(`_total 1`)}},
		}, "# TYPE _total unknown\n_total 1\n# EOF\n"},
		{"the unit of a counter", negotiateAskOM, []encodeFamily{
			{"c_seconds_total", Counter, "", "seconds", []Chunk{encodeChunk(`c_seconds_total 1`)}},
		}, "# TYPE c_seconds counter\n# UNIT c_seconds seconds\nc_seconds_total 1\n# EOF\n"},
		{"a unit that is not in the name", negotiateAskOM, []encodeFamily{
			{"seconds", Gauge, "", "seconds", []Chunk{encodeChunk(`seconds 1`)}}, {"x_", Gauge, "", "", []Chunk{encodeChunk(`x_ 1`)}},
		}, "# TYPE seconds gauge\nseconds 1\n# TYPE x_ gauge\nx_ 1\n# EOF\n"},
		{"chunks follow each other", "", []encodeFamily{
			{"a", Gauge, "A.", "", []Chunk{encodeChunk(`a{b="1"} 1`), {}, encodeChunk(`a{b="2"} 1`)}},
		}, "# HELP a A.\n# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, contentType := encodeAll(t, tt.accept, tt.families)
			if string(body) != tt.want {
				t.Errorf("got\n%s\nwant\n%s", body, tt.want)
			}
			encodeParse(t, body, contentType)
		})
	}
}

func TestNativeHistogramsSurviveProtobuf(t *testing.T) {
	metric := func() *dto.Metric {
		return &dto.Metric{
			Label: []*dto.LabelPair{{Name: proto.String("la.bel"), Value: proto.String("1")}},
			Histogram: &dto.Histogram{
				SampleCount: proto.Uint64(3), SampleSum: proto.Float64(4.5), Schema: proto.Int32(3),
				ZeroThreshold: proto.Float64(1e-9), ZeroCount: proto.Uint64(1),
				PositiveSpan:  []*dto.BucketSpan{{Offset: proto.Int32(-1), Length: proto.Uint32(2)}},
				PositiveDelta: []int64{1, 0},
				Exemplars:     []*dto.Exemplar{{Label: []*dto.LabelPair{{Name: proto.String("trace"), Value: proto.String("x")}}, Value: proto.Float64(1)}},
			},
		}
	}
	wire, err := proto.Marshal(&dto.MetricFamily{Metric: []*dto.Metric{metric()}})
	if err != nil {
		t.Fatal(err)
	}
	c := encodeUTF8Chunk(`h_bucket{"la.bel"="1",le="+Inf"} 3`, `h_sum{"la.bel"="1"} 4.5`, `h_count{"la.bel"="1"} 3`)
	c.Proto = wire
	for _, typ := range []Type{Histogram, GaugeHistogram} {
		for scheme, label := range map[string]string{"underscores": "la_bel", "dots": "la_dot_bel", "values": "U__la_2e_bel", "allow-utf-8": "la.bel"} {
			body, contentType := encodeAll(t, negotiateAskProto+";escaping="+scheme, []encodeFamily{{"h", typ, "", "", []Chunk{c}}})
			var got dto.MetricFamily
			if err := expfmt.NewDecoder(bytes.NewReader(body), encodeProtoFormat).Decode(&got); err != nil {
				t.Fatal(err)
			}
			want := metric()
			want.Label[0].Name = &label
			if len(got.Metric) != 1 || !proto.Equal(got.Metric[0], want) {
				t.Errorf("%s: got %v\nwant %v", scheme, &got, want)
			}
			series := encodeParse(t, body, contentType).series
			if len(series) != 1 || !strings.HasPrefix(series[labels.FromStrings("__name__", "h", label, "1").String()], "{count:3, sum:4.5,") {
				t.Errorf("%s: Prometheus reads %v", scheme, series)
			}
		}
	}
}

func TestTheClientLibraryReadsTheText(t *testing.T) {
	families := append(encodeUTF8Families(), encodeLegacyFamilies()...)
	body, _ := encodeAll(t, "text/plain;escaping=allow-utf-8", families)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	got, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		want := encodeModel(t, f)
		want.Unit = nil
		if f.typ == GaugeHistogram {
			want.Type = dto.MetricType_HISTOGRAM.Enum()
		}
		if !proto.Equal(got[f.name], want) {
			t.Errorf("got  %v\nwant %v", got[f.name], want)
		}
	}
}

func TestABrokenChunkLeavesTheExpositionReadable(t *testing.T) {
	broken := []Chunk{encodeUTF8Chunk(`b{"x.y"="1"} 1`), encodeUTF8Chunk(`b{"x.y"="2} 1`)}
	for name, accept := range encodeAccepts {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			format := Negotiate(accept)
			e := NewEncoder(&b, format, nil)
			errs := []error{
				e.Family("a", Gauge, "", "", []Chunk{encodeChunk("a 1")}),
				e.Family("b", Gauge, "", "", broken),
				e.Family("c", Gauge, "", "", []Chunk{encodeChunk("c 1")}),
				e.Close(),
			}
			if errs[0] != nil || errs[1] == nil || errs[2] != nil || errs[3] != nil {
				t.Fatalf("errors are %v", errs)
			}
			got := encodeParse(t, b.Bytes(), format.ContentType()).series
			delete(got, `{__name__="b", x_y="1"}`)
			if want := map[string]string{`{__name__="a"}`: "1", `{__name__="c"}`: "1"}; !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

type encodeBrokenWriter struct{}

func (encodeBrokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAFailingWriterIsReported(t *testing.T) {
	large := Chunk{Text: []byte(strings.Repeat("a 1\n", 64<<10)), Series: 64 << 10}
	for name, accept := range encodeAccepts {
		e := NewEncoder(encodeBrokenWriter{}, Negotiate(accept), nil)
		if err := e.Family("a", Gauge, "", "", []Chunk{large}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: Family returns %v", name, err)
		}
		if err := e.Family("a", Gauge, "", "", []Chunk{large}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: the next Family returns %v", name, err)
		}
		if err := e.Close(); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: Close returns %v", name, err)
		}
	}
}

func TestClosingTwiceEndsOnce(t *testing.T) {
	var b bytes.Buffer
	e := NewEncoder(&b, Negotiate(negotiateAskOM), nil)
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if b.String() != "# EOF\n" {
		t.Errorf("got %q", b.String())
	}
}
