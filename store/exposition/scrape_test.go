package exposition

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// What Prometheus makes of a scrape is found by the parsers that its scrapes use,
// with the options that a scrape_config has.

// scrapeAccepts are what Prometheus asks for by its scrape protocols.
var scrapeAccepts = map[string]string{
	"text":             "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	"text 1":           "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1",
	"OpenMetrics":      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	"OpenMetrics 2.42": "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	"only OpenMetrics": "application/openmetrics-text;version=1.0.0;q=0.6,*/*;q=0.1",
	"protobuf":         negotiateAskProto + ";q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1",
	"protobuf legacy":  negotiateAskProto + ";q=0.7,*/*;q=0.1",
}

// scrapeOptions are all combinations of what a scrape_config has to say about
// histograms.
func scrapeOptions() map[string]textparse.ParserOptions {
	all := map[string]textparse.ParserOptions{}
	for i := range 16 {
		o := textparse.ParserOptions{
			IgnoreNativeHistograms: i&1 != 0, ConvertClassicHistogramsToNHCB: i&2 != 0,
			KeepClassicOnClassicAndNativeHistograms: i&4 != 0, OpenMetricsSkipSTSeries: i&8 != 0,
		}
		all[fmt.Sprintf("native=%t,nhcb=%t,classic=%t,st=%t", !o.IgnoreNativeHistograms, o.ConvertClassicHistogramsToNHCB, o.KeepClassicOnClassicAndNativeHistograms, o.OpenMetricsSkipSTSeries)] = o
	}
	return all
}

// encoded writes families in a format, as a scrape does.
func encoded(t *testing.T, format Format, families []Family) []byte {
	t.Helper()
	taken := map[string]bool{}
	for _, f := range families {
		for _, name := range append(EscapedMetricNames(f.Name), f.Name) {
			for _, suffix := range f.Type.SampleSuffixes() {
				taken[name+suffix] = true
			}
		}
	}
	var b bytes.Buffer
	e := NewEncoder(&b, format, func(name string) bool { return taken[name] })
	for _, f := range families {
		if err := e.Family(f.Name, f.Type, f.Help, f.Unit, []Chunk{f.Chunk}); err != nil {
			t.Fatalf("family %s: %v", f.Name, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// namesOf is the name validation of a scrape_config that asks for an escaping.
func namesOf(s escapeScheme) model.ValidationScheme {
	if s == escapeNothing {
		return model.UTF8Validation
	}
	return model.LegacyValidation
}

// scraped returns the series that Prometheus stores of a scrape, with their
// values; an error if it drops the whole scrape.
func scraped(body []byte, f Format, o textparse.ParserOptions) (map[string]string, error) {
	series := map[string]string{}
	p, err := textparse.New(body, f.ContentType(), labels.NewSymbolTable(), o)
	if err != nil {
		return nil, err
	}
	for {
		entry, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			return series, nil
		case err != nil:
			return nil, err
		}
		var ls labels.Labels
		var value string
		switch entry {
		case textparse.EntrySeries:
			_, ts, v := p.Series()
			if ts != nil {
				return nil, fmt.Errorf("timestamp %d", *ts)
			}
			value = fmt.Sprint(v)
		case textparse.EntryHistogram:
			_, _, h, fh := p.Histogram()
			if h != nil {
				err, value = h.Validate(), h.String()
			} else {
				err, value = fh.Validate(), fh.String()
			}
			if err != nil {
				return nil, err
			}
		default:
			continue
		}
		p.Labels(&ls)
		if name, twice := ls.HasDuplicateLabelNames(); twice {
			return nil, fmt.Errorf("label %s twice in %s", name, ls)
		}
		if !ls.IsValid(namesOf(f.scheme)) {
			return nil, fmt.Errorf("invalid labels %s", ls)
		}
		id := ls.WithoutEmpty().String()
		if entry == textparse.EntryHistogram {
			id = "native " + id // beside a bare sample, of which Prometheus drops one
		}
		if before, twice := series[id]; twice {
			return nil, fmt.Errorf("%s is %s and %s", id, before, value)
		}
		series[id] = value
	}
}

// checkEncoded checks that a scrape of what was accepted is never lost, in no
// format and under no option, that it has the same series in all formats, and that
// other readers take it as well.
func checkEncoded(t *testing.T, families []Family) {
	t.Helper()
	classic := textparse.ParserOptions{IgnoreNativeHistograms: true}
	text := Negotiate(scrapeAccepts["text 1"])
	want, err := scraped(encoded(t, text, families), text, classic)
	if err != nil {
		t.Fatalf("text: %v", err)
	}
	for name, accept := range scrapeAccepts {
		format := Negotiate(accept)
		body := encoded(t, format, families)
		for options, o := range scrapeOptions() {
			if _, err := scraped(body, format, o); err != nil {
				t.Fatalf("%s with %s: the scrape is lost: %v\n%q", name, options, err, body)
			}
		}
		got, _ := scraped(body, format, classic)
		if format.scheme == escapeNothing && !maps.Equal(got, want) && !isNativeAndOdd(families) {
			t.Fatalf("%s:\n%s\nbut in text\n%s\n%q", name, sortedSeries(got), sortedSeries(want), body)
		}
		if format.kind == formatText || format.kind == formatText1 {
			parser := expfmt.NewTextParser(model.UTF8Validation)
			if _, err := parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
				t.Fatalf("%s: the library refuses it: %v\n%s", name, err, body)
			}
		}
	}
}

// isNativeAndOdd reports whether the classic half of a native histogram is left out
// of protobuf.
func isNativeAndOdd(families []Family) bool {
	return slices.ContainsFunc(families, func(f Family) bool { return f.Proto != nil && len(f.Notices) > 0 })
}

func sortedSeries(series map[string]string) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(series)) {
		fmt.Fprintln(&b, id, series[id])
	}
	return b.String()
}

// oddBodies are accepted although something is odd about them.
var oddBodies = map[string]string{
	"buckets that fall":                "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n",
	"+Inf below the last bucket":       "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 5\n",
	"+Inf that is not the count":       "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 4\n",
	"quantiles in a histogram":         "# TYPE h histogram\nh{quantile=\"0.95\"} 3\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n",
	"a histogram that is a summary":    "# TYPE h histogram\nh{quantile=\"0.95\"} 3\nh_count 2\nh_sum 3\n",
	"a bare sample of a summary":       "# TYPE s summary\ns 1\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n",
	"a bucket without le":              "# TYPE h histogram\nh_bucket 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n",
	"le that is no number":             "# TYPE h histogram\nh_bucket{le=\"x\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n",
	"NaN counts":                       "# TYPE h histogram\nh_bucket{le=\"1\"} NaN\nh_bucket{le=\"+Inf\"} NaN\nh_sum NaN\nh_count NaN\n",
	"negative counts":                  "# TYPE h histogram\nh_bucket{le=\"1\"} -2\nh_bucket{le=\"+Inf\"} -1\nh_sum 1\nh_count -1\n",
	"a negative bucket by its label":   "# TYPE h histogram\nh{le=\"0\"} -1\n",
	"infinite counts":                  "# TYPE h histogram\nh_bucket{le=\"+Inf\"} +Inf\nh_sum 1\nh_count +Inf\n",
	"a bound of -Inf":                  "# TYPE h histogram\nh_bucket{le=\"-Inf\"} 0\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n",
	"huge counts":                      "# TYPE h histogram\nh_bucket{le=\"1\"} 1e19\nh_bucket{le=\"+Inf\"} 2e19\nh_sum 1\nh_count 2e19\n",
	"fractions":                        "# TYPE h histogram\nh_bucket{le=\"1\"} 0.1\nh_bucket{le=\"2\"} 0.30000000000000004\nh_bucket{le=\"+Inf\"} 0.7\nh_sum 1\nh_count 0.7\n",
	"no +Inf":                          "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_sum 1\nh_count 5\n",
	"no sum":                           "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 5\nh_count 5\n",
	"no count":                         "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 5\nh_sum 5\n",
	"only a sum":                       "# TYPE h histogram\nh_sum 5\n",
	"a bucket written twice":           "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
	"a quantile written twice":         "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.50\"} 1\ns_sum 1\ns_count 1\n",
	"a quantile that is no number":     "# TYPE s summary\ns{quantile=\"x\"} 1\ns_sum 1\ns_count 1\n",
	"a quantile of NaN":                "# TYPE s summary\ns{quantile=\"NaN\"} 1\ns_sum 1\ns_count 1\n",
	"a quantile above 1":               "# TYPE s summary\ns{quantile=\"95\"} 1\ns_sum 1\ns_count 1\n",
	"a summary without count":          "# TYPE s summary\ns{quantile=\"0.5\"} 1\n",
	"a summary with half a count":      "# TYPE s summary\ns_sum 1\ns_count 0.5\n",
	"a negative counter":               "# TYPE c_total counter\nc_total -1\n",
	"a NaN counter":                    "# TYPE c_total counter\nc_total NaN\n",
	"a counter without _total":         "# TYPE c counter\nc 1\n",
	"a counter beside its created":     "# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created 1\n",
	"a histogram beside its created":   "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_created gauge\nh_created 1\n",
	"a counter and a gauge":            "# TYPE c_total counter\nc_total 1\n# TYPE c gauge\nc 1\n",
	"a counter called as a sample":     "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count_total counter\nh_count_total 1\n",
	"overlapping names":                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count gauge\nh_count{a=\"1\"} 1\n",
	"overlapping names with bounds":    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count gauge\nh_count{a=\"1\"} 1\n# TYPE s summary\ns{quantile=\"1\"} 1\n# TYPE s_sum gauge\ns_sum 1\n",
	"a value that looks like a bound":  "# TYPE h histogram\nh_bucket{a=\"{le=\",b=\",le=\",le=\"1\"} 5\nh_bucket{a=\"{le=\",b=\",le=\",le=\"+Inf\"} 3\n",
	"overlapping summaries":            "# TYPE h summary\nh_sum 1\nh_count 1\n# TYPE h_count summary\nh_count{quantile=\"0.5\"} 1\nh_count_sum 1\nh_count_count 1\n",
	"an overlap with a strange bound":  "# TYPE s histogram\ns_sum{le=\"x\"} -1\n# TYPE s_sum histogram\ns_sum_count 1\n",
	"the regular beside the odd":       "# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 5\nh_bucket{a=\"1\",le=\"+Inf\"} 3\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 5\nh_bucket{a=\"2\",le=\"+Inf\"} 3\nh_sum{a=\"2\"} 1\nh_count{a=\"2\"} 3\n",
	"UTF-8 names":                      "# TYPE \"h.x\" histogram\n{\"h.x\",quantile=\"0.5\"} 1\n{\"h.x_bucket\",\"a.b\"=\"1\",le=\"1\"} 2\n{\"h.x_bucket\",\"a.b\"=\"1\",le=\"+Inf\"} 1\n{\"h.x_count\",\"a.b\"=\"1\"} 1\n",
	"a gauge histogram":                "# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum -1\nh_count 1\n",
	"OpenMetrics' gauge histogram":     "# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_gsum -1\nh_gcount 3\n",
	"a backslash that escapes nothing": "m{path=\"C:\\dir\"} 1\n",
}

// oddMessages are accepted families of protobuf about which something is odd.
var oddMessages = map[string]string{
	"buckets that fall":                    `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:5} bucket:{upper_bound:2 cumulative_count:2}}}`,
	"+Inf below the last bucket":           `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:5} bucket:{upper_bound:inf cumulative_count:3}}}`,
	"float buckets that fall":              `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:0.5 bucket:{upper_bound:1 cumulative_count_float:1.5}}}`,
	"a gauge histogram whose buckets fall": `name:"h" type:GAUGE_HISTOGRAM metric:{histogram:{sample_count:1 bucket:{upper_bound:1 cumulative_count:2}}}`,
	"the classic half of a native one":     `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:1 sample_sum:1 schema:1 positive_span:{offset:0 length:1} positive_delta:1 bucket:{upper_bound:1 cumulative_count:5} bucket:{upper_bound:2 cumulative_count:2}}}`,
	"with an exemplar":                     `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:5 exemplar:{value:1}} bucket:{upper_bound:2 cumulative_count:2}}} metric:{label:{name:"a" value:"1"} histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:2 exemplar:{value:1}}}}`,
	"a native one whose count is negative": `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:1 sample_count_float:-1 sample_sum:1 schema:1 positive_span:{offset:0 length:1} positive_delta:1}}`,
	"a native one whose count is NaN":      `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:nan schema:1 positive_span:{offset:0 length:1} positive_count:1}}`,
	"a NaN bound":                          `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 bucket:{upper_bound:nan cumulative_count:1}}}`,
	"a NaN quantile":                       `name:"s" type:SUMMARY metric:{summary:{sample_count:3 quantile:{quantile:nan value:1} quantile:{quantile:0.5 value:1} quantile:{quantile:0.5 value:1} } } metric:{label:{name:"a" value:"1"} summary:{sample_count:9007199254740993 quantile:{quantile:nan value:1}}}`,
	"a negative count":                     `name:"h" type:HISTOGRAM metric:{histogram:{sample_count_float:-1}}`,
	"buckets out of order, twice":          `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 created_timestamp:{seconds:1} bucket:{upper_bound:2 cumulative_count:2} bucket:{upper_bound:1 cumulative_count:1} bucket:{upper_bound:2 cumulative_count:2}}}`,
	"a native histogram":                   `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:3 sample_sum:6 schema:3 zero_threshold:0.01 zero_count:1 positive_span:{offset:0 length:2} positive_delta:1 positive_delta:0}}`,
	"classic and native in one family":     `name:"h" type:HISTOGRAM metric:{histogram:{sample_count:1 sample_sum:1 schema:1 positive_span:{offset:0 length:1} positive_delta:1}} metric:{label:{name:"a" value:"1"} histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:5}}} metric:{label:{name:"a" value:"2"} histogram:{sample_count:3 bucket:{upper_bound:1 cumulative_count:1}}}`,
}

func TestNoPushEndsAScrape(t *testing.T) {
	o := Options{Grouping: []Label{{"job", "j"}}, UTF8Names: true}
	for name, body := range oddBodies {
		t.Run(name, func(t *testing.T) {
			families, err := DecodeText([]byte(body), o)
			if err != nil {
				t.Fatal(err)
			}
			checkEncoded(t, families)
		})
	}
	for name, message := range oddMessages {
		t.Run("protobuf: "+name, func(t *testing.T) {
			families, err := DecodeProtobuf(protobufBody(t, family(t, message)), o)
			if err != nil {
				t.Fatal(err)
			}
			checkEncoded(t, families)
		})
	}
}

// TestTheSameSeriesArrive compares a scrape of a job with a scrape of what the job
// has pushed.
func TestTheSameSeriesArrive(t *testing.T) {
	classic := textparse.ParserOptions{IgnoreNativeHistograms: true}
	for name, body := range oddBodies {
		if strings.Contains(body, "gaugehistogram") || strings.Contains(name, "twice") {
			continue // Prometheus knows the type in OpenMetrics only; and drops what is written twice
		}
		t.Run(name, func(t *testing.T) {
			direct, err := scraped([]byte(body), Negotiate(scrapeAccepts["text 1"]), classic)
			if err != nil {
				t.Fatal(err)
			}
			families, err := DecodeText([]byte(body), Options{UTF8Names: true})
			if err != nil {
				t.Fatal(err)
			}
			for format, accept := range scrapeAccepts {
				f := Negotiate(accept)
				if f.scheme != escapeNothing {
					continue
				}
				got, err := scraped(encoded(t, f, families), f, classic)
				if err != nil || !maps.Equal(got, direct) {
					t.Errorf("%s: got\n%s%v\nwant\n%s", format, sortedSeries(got), err, sortedSeries(direct))
				}
			}
		})
	}
}

// TestRegularHistogramsConvert tries many histograms: Prometheus makes a native one
// of each that is regular.
func TestRegularHistogramsConvert(t *testing.T) {
	values := []string{"0", "1", "2", "2.5", "3", "-1", "NaN", "+Inf", "9007199254740993", "4e18", "1e19"}
	bounds := []string{"-Inf", "-1", "0", "1"}
	tried := 0
	for i := range len(values) * len(values) * len(values) * len(bounds) {
		a, b, count, le := values[i%11], values[i/11%11], values[i/121%11], bounds[i/1331]
		body := fmt.Sprintf("# TYPE h histogram\nh_bucket{le=%q} %s\nh_bucket{le=\"7\"} %s\nh_bucket{le=\"+Inf\"} %s\nh_sum 1\nh_count %s\n", le, a, b, count, count)
		families, err := DecodeText([]byte(body), Options{})
		if err != nil {
			t.Fatalf("%v in\n%s", err, body)
		}
		if families[0].Loose > 0 {
			continue
		}
		tried++
		f := Negotiate(scrapeAccepts["protobuf"])
		if _, err := scraped(encoded(t, f, families), f, textparse.ParserOptions{ConvertClassicHistogramsToNHCB: true}); err != nil {
			t.Errorf("%v in\n%s", err, body)
		}
	}
	if tried < 100 {
		t.Errorf("only %d were regular", tried)
	}
}

func TestOddGroupingsDoNotChangeTheSeriesOfOthers(t *testing.T) {
	regular := "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n"
	decode := func(body, job string) Family {
		families, err := DecodeText([]byte(body), Options{Grouping: []Label{{"job", job}}})
		if err != nil || len(families) != 1 {
			t.Fatal(families, err)
		}
		return families[0]
	}
	good, bad := decode(regular, "good"), decode(oddBodies["buckets that fall"], "bad")
	for name, accept := range scrapeAccepts {
		f := Negotiate(accept)
		if f.strict {
			continue
		}
		for options, o := range scrapeOptions() {
			series := func(chunks ...Chunk) map[string]string {
				var b bytes.Buffer
				e := NewEncoder(&b, f, nil)
				if err := cmp.Or(e.Family("h", Histogram, "", "", chunks), e.Close()); err != nil {
					t.Fatal(err)
				}
				got, err := scraped(b.Bytes(), f, o)
				if err != nil {
					t.Fatal(err)
				}
				maps.DeleteFunc(got, func(id, _ string) bool { return !strings.Contains(id, `job="good"`) })
				return got
			}
			if alone, beside := series(good.Chunk), series(bad.Chunk, good.Chunk); !maps.Equal(alone, beside) || len(alone) == 0 {
				t.Errorf("%s with %s: got %v, want %v", name, options, beside, alone)
			}
		}
	}
}
