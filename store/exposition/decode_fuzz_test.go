package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
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

var textSeeds = []string{
	"# TYPE h histogram\nh{quantile=\"0.5\"} 1\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum -1\nh_count 4\n",
	"# TYPE h histogram\nh_bucket 1\nh_bucket{le=\"x\"} -1\nh_count{le=\"1\"} -1\nh 2\n", "# TYPE s summary\ns 1\ns{quantile=\"x\"} 2\ns{quantile=\"1.5\"} -1\ns_count NaN\n",
	"# TYPE h summary\nh_sum 1\n# TYPE h_count gauge\nh_count 1\nh_count{a=\"1\"} 2\n", "m 1\n# TYPE m counter\nm{a=\"C:\\d\" b=\"1\"} -1\n",
	"", "\n", "m 1", "m 1 \r\n", "# TYPE m counter\nm{a=\"1\",b=\"x\\\\\\\"\\n\"} 1.50\n", "m{} 1\nm{a=\"\",} 2\n", "b 1\na 1\nb{x=\"1\"} +Inf\n",
	"# HELP h a\\nb\n# TYPE h histogram\nh_bucket{le=\"1.0\",a=\"b\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 2\nh_sum{a=\"b\"} 3\nh_count{a=\"b\"} 2\n",
	"# TYPE h gaugehistogram\nh_gsum 1\nh_gcount 2\n", "# TYPE s summary\ns{quantile=\"0.5\"} nan\ns_sum 1e3\ns_count 4\n",
	"{\"m.x\",\"a.b\"=\"1\",instance=\"q\"} -0\n", "# TYPE \"m.x\" gauge\n{\"m.x\"} 1\n", "{a=\"1\",\"m\"} 1\n", "m 1 1234\n", "m{__name__=\"x\"} 1\n",
	"push_time_seconds 1\nm 0x1\n", "# TYPE h histogram\nh 1\n", "h_count 1\n# TYPE h histogram\nh_sum 1\n", "m{a=\"\xff\"} 1\n", "m{a=\"\x00\"} 1\n# HELP m \x00\n",
	"#TYPE m gauge\nm+5\n", "m\t{ a = \"1\" , b=\"2\" } 1\n# EOF", "m 1e400\n", "m 123456789012345678\nq 007\n", "m{\"-name-\"=\"1\"} 1\n", "m{\"a\\n\\\\\\\"b\"=\"1\"} 1\n",
}

// FuzzText decodes with and without a grouping. What is accepted must be what
// the library reads, too, and must survive Prometheus' own parser.
func FuzzText(f *testing.F) {
	for _, seed := range textSeeds {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Add(batchPush(), false)
	f.Fuzz(func(t *testing.T, body []byte, utf8Names bool) {
		for _, grouping := range [][]Label{nil, {{"a", "over"}, {"job", "j\"\\\n"}}} {
			o := Options{Grouping: grouping, UTF8Names: utf8Names, MaxSeries: 1000}
			got, err := DecodeText(body, o)
			if err != nil {
				checkRefusal(t, err)
				continue
			}
			checkAccepted(t, got, o)
			if grouping == nil {
				checkAgainstLibrary(t, body, got)
			}
		}
	})
}

func FuzzOpenMetrics(f *testing.F) {
	for _, seed := range textSeeds {
		f.Add([]byte(seed+"# EOF\n"), true)
	}
	f.Add([]byte("# TYPE c counter\n# UNIT c_bytes bytes\nc_total 1 # {a=\"1\"} 1 2\nc_created 1\n# TYPE i info\ni_info{a=\"1\"} 1\n# TYPE s stateset\ns{s=\"a\"} 1\n# EOF"), false)
	f.Fuzz(func(t *testing.T, body []byte, utf8Names bool) {
		o := Options{Grouping: []Label{{"job", "j"}}, UTF8Names: utf8Names, MaxSeries: 1000}
		got, err := DecodeOpenMetrics(body, o)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkAccepted(t, got, o)
	})
}

func FuzzProtobuf(f *testing.F) {
	for _, seed := range []string{
		`name:"m" metric:{label:{name:"a" value:"1"} counter:{value:1 exemplar:{label:{name:"a" value:"b"} value:1}}}`,
		`name:"h" type:HISTOGRAM help:"x" metric:{histogram:{sample_count:3 sample_sum:1.5 bucket:{cumulative_count:2 upper_bound:2} bucket:{cumulative_count:1 upper_bound:1}}}`,
		`name:"h" type:GAUGE_HISTOGRAM metric:{histogram:{sample_count:3 sample_sum:6 schema:3 zero_threshold:0.01 zero_count:1 positive_span:{offset:0 length:2} positive_delta:1 positive_delta:0}}`,
		`name:"s" type:SUMMARY metric:{summary:{sample_count:3 sample_sum:1.5 quantile:{quantile:0.9 value:2}}}`,
		`name:"m.x" type:UNTYPED metric:{label:{name:"a.b" value:"1"} untyped:{value:nan}}`,
	} {
		f.Add(protobufBody(f, family(f, seed)), true)
	}
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x04}, false)
	f.Fuzz(func(t *testing.T, body []byte, utf8Names bool) {
		o := Options{Grouping: []Label{{"job", "j"}}, UTF8Names: utf8Names, MaxSeries: 1000}
		got, err := DecodeProtobuf(body, o)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkAccepted(t, got, o)
		for _, fam := range got {
			if fam.Proto == nil || len(fam.Notices) > 0 {
				continue
			}
			var kept dto.MetricFamily
			if err := proto.Unmarshal(fam.Proto, &kept); err != nil {
				t.Fatal(err)
			}
			kept.Name, kept.Type = proto.String(fam.Name), typeToDTO(fam.Type)
			again, err := FromDTO(&kept, Options{UTF8Names: true})
			if err != nil || !bytes.Equal(again.regular(), fam.regular()) {
				t.Errorf("what is kept says:\n%s\nthe text says:\n%s\n%v", again.Text, fam.Text, err)
			}
		}
	})
}

func FuzzReadBody(f *testing.F) {
	for _, encoding := range []string{"", "gzip", "snappy", "zstd"} {
		f.Add(encoding, compressed(f, encoding, []byte("m 1\n")))
		f.Add(encoding, compressed(f, encoding, make([]byte, 9_000)))
	}
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		const limit = 8_000
		got, err := ReadBody(bytes.NewReader(body), encoding, limit, nil)
		var refusal *Error
		if len(got) > limit || err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrEncoding) && !errors.As(err, &refusal) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})
}

func typeToDTO(t Type) *dto.MetricType {
	return map[Type]dto.MetricType{
		Untyped: dto.MetricType_UNTYPED, Counter: dto.MetricType_COUNTER, Gauge: dto.MetricType_GAUGE,
		Summary: dto.MetricType_SUMMARY, Histogram: dto.MetricType_HISTOGRAM, GaugeHistogram: dto.MetricType_GAUGE_HISTOGRAM,
	}[t].Enum()
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("not an *Error: %v", err)
	}
	for _, r := range err.Error() {
		if r < ' ' || r == 0x7f {
			t.Fatalf("not one printable line: %q", err.Error())
		}
	}
}

// exposed writes families as a scrape does, in the spelling of text 1.0.0.
func exposed(families []Family) []byte {
	return bytes.ReplaceAll(pushable(families), []byte(" gaugehistogram\n"), []byte(" histogram\n"))
}

// pushable writes families as they can be pushed again.
func pushable(families []Family) []byte {
	var b bytes.Buffer
	for _, f := range families {
		name := f.Name
		if !isLegacyMetric(name) {
			name = `"` + string(appendQuotable(nil, name)) + `"`
		}
		help := strings.NewReplacer("\\", `\\`, "\n", `\n`).Replace(f.Help)
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, f.Type)
		b.Write(f.Text)
	}
	return b.Bytes()
}

// checkAccepted checks what holds for everything that a decoder lets in.
func checkAccepted(t *testing.T, families []Family, o Options) {
	t.Helper()
	checkFamilies(t, families, o)
	text := exposed(families)
	series := 0
	seen := map[string]bool{}
	for parser := textparse.NewPromParser(text, labels.NewSymbolTable(), false); ; {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Prometheus refuses %v:\n%q", err, text)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		series++
		var ls labels.Labels
		parser.Labels(&ls)
		if name, twice := ls.HasDuplicateLabelNames(); twice {
			t.Errorf("label %s twice in %v", name, ls)
		}
		if id := ls.WithoutEmpty().String(); seen[id] {
			t.Errorf("series %s twice:\n%s", id, text)
		} else {
			seen[id] = true
		}
		for _, l := range o.Grouping {
			if got := ls.Get(l.Name); got != l.Value {
				t.Errorf("label %s of the grouping is %q", l.Name, got)
			}
		}
	}
	total := 0
	for _, f := range families {
		total += f.Series
	}
	if series != total {
		t.Errorf("Prometheus sees %d series of %d:\n%s", series, total, text)
	}
	text = pushable(families)
	again, err := DecodeText(text, Options{UTF8Names: o.UTF8Names})
	if err != nil || !bytes.Equal(pushable(again), text) {
		t.Errorf("decoded again:\n%s\nwant:\n%s\n%v", pushable(again), text, err)
	}
	checkEncoded(t, families)
}

// checkAgainstLibrary compares what the library reads in body with what it
// reads in our text. It knows less: gauge histograms lack their own suffixes.
func checkAgainstLibrary(t *testing.T, body []byte, families []Family) {
	t.Helper()
	if bytes.Contains(bytes.ToLower(body), []byte("gauge")) && bytes.Contains(body, []byte("_g")) {
		return
	}
	if bytes.Contains(body, []byte("#HELP")) || bytes.Contains(body, []byte("#TYPE")) {
		return // comments to Prometheus, but not to the library
	}
	for _, f := range families {
		if slices.ContainsFunc(f.Notices, func(n Notice) bool {
			return n.Kind == NoticeOverlap || n.Kind == NoticeTwice || n.Kind == NoticeMetadata
		}) {
			return
		}
	}
	want, err := parsedByLibrary(append(bytes.Clone(body), '\n'))
	if err != nil {
		return // we accept more
	}
	delete(want, pushTimeName)
	delete(want, failureTimeName)
	text := exposed(families)
	got, err := parsedByLibrary(text)
	if err != nil {
		t.Fatalf("the library refuses %v:\n%q", err, text)
	}
	for _, f := range families {
		mf := want[f.Name]
		if mf == nil || mf.GetHelp() != f.Help || f.Type != GaugeHistogram && mf.GetType() != *typeToDTO(f.Type) {
			t.Fatalf("family %q: got %s %q, the library says %v", f.Name, f.Type, f.Help, mf)
		}
		if g, w := librarySamples(got[f.Name]), librarySamples(mf); !maps.Equal(g, w) {
			t.Errorf("family %q:\ngot  %v\nwant %v", f.Name, g, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d families, want %d", len(got), len(want))
	}
}

func parsedByLibrary(text []byte) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// librarySamples flattens a family to series and values, without the +Inf
// buckets and counts.
func librarySamples(mf *dto.MetricFamily) map[string]string {
	samples := map[string]string{}
	for _, m := range mf.GetMetric() {
		var ls []string
		for _, l := range m.GetLabel() {
			if l.GetValue() != "" {
				ls = append(ls, fmt.Sprintf("%q=%q", l.GetName(), l.GetValue()))
			}
		}
		slices.Sort(ls)
		id := strings.Join(ls, ",")
		add := func(what string, v float64) { samples[what+"{"+id+"}"] = string(appendFloat(nil, v)) }
		switch {
		case m.Gauge != nil:
			add("", m.Gauge.GetValue())
		case m.Counter != nil:
			add("", m.Counter.GetValue())
		case m.Untyped != nil:
			add("", m.Untyped.GetValue())
		case m.Summary != nil:
			if m.Summary.SampleSum != nil {
				add("sum", m.Summary.GetSampleSum())
			}
			for _, q := range m.Summary.GetQuantile() {
				add(fmt.Sprint(q.GetQuantile()+0), q.GetValue())
			}
		case m.Histogram != nil:
			if m.Histogram.SampleSum != nil {
				add("sum", m.Histogram.GetSampleSum())
			}
			for _, b := range m.Histogram.GetBucket() {
				if !math.IsInf(b.GetUpperBound(), 1) {
					add(fmt.Sprint(b.GetUpperBound()+0), floatOr(b.CumulativeCountFloat, b.GetCumulativeCount()))
				}
			}
		}
	}
	return samples
}
