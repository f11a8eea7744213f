package exposition

import (
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

func TestOpenMetricsBecomesTheFamiliesOfItsSamples(t *testing.T) {
	for _, c := range []struct{ sentence, body, want, refusal string }{
		{"a counter is called as its samples", "# TYPE c counter\n# HELP c text\nc_total{b=\"1\",a=\"2\"} 5\n# EOF\n", "# c_total counter \"text\"\nc_total{a=\"2\",b=\"1\"} 5\n", ""},
		{"its created timestamp is a series, as Prometheus has it", "# TYPE c counter\nc_total 5\nc_created 1600000000.5\n# EOF\n", "# c_created gauge \"\"\nc_created 1600000000.5\n! created_gauge\n# c_total counter \"\"\nc_total 5\n", ""},
		{"a counter's unit is kept", "# TYPE c_bytes counter\n# UNIT c_bytes bytes\nc_bytes_total 5\n# EOF\n", "# c_bytes_total counter \"\"bytes\nc_bytes_total 5\n", ""},
		{"a gauge", "# TYPE g gauge\ng 1.5\n# EOF\n", "# g gauge \"\"\ng 1.5\n", ""},
		{"unknown is untyped", "# TYPE g unknown\ng 1\n# EOF\n", "g 1\n", ""},
		{"so is a family without a type", "g 1\n# EOF\n", "g 1\n", ""},
		{"an info is a gauge", "# TYPE i info\n# HELP i text\ni_info{v=\"1\"} 1\n# EOF\n", "# i_info gauge \"text\"\ni_info{v=\"1\"} 1\n", ""},
		{"a state set is a gauge", "# TYPE s stateset\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n# EOF\n", "# s gauge \"\"\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n", ""},
		{"a summary", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 3\ns_created 1\n# EOF\n", "# s summary \"\"\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n# s_created gauge \"\"\ns_created 1\n! created_gauge\n", ""},
		{"a histogram", "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n# EOF\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"a gauge histogram", "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 2\nh_gcount 2\nh_gsum -3\n# EOF\n", "# h gaugehistogram \"\"\n--\nh_bucket{le=\"+Inf\"} 2\nh_gcount 2\nh_gsum -3\n! STRICT\n", ""},
		{"an exemplar is no part of the text", "# TYPE c counter\nc_total 5 # {trace=\"x\"} 1 1600000000.1\n# EOF\n", "# c_total counter \"\"\nc_total 5\n", ""},
		{"escapes", "# TYPE g gauge\n# HELP g a\\nb\\\\c\\\"d\ng{a=\"\\\\\\\"\\n\"} 1\n# EOF\n", "# g gauge \"a\\nb\\\\c\\\"d\"\ng{a=\"\\\\\\\"\\n\"} 1\n", ""},
		{"the newline behind # EOF may be missing", "g 1\n# EOF", "g 1\n", ""},
		{"CRLF is accepted", "# TYPE g gauge\r\ng 1\r\n# EOF\r\n", "# g gauge \"\"\ng 1\n", ""},
		{"nothing but the end", "# EOF\n", "", ""},
		{"push times are dropped", "# TYPE push_time_seconds gauge\npush_time_seconds 1\n# EOF\n", "", ""},
		{"# EOF may be missing", "g 1\n", "g 1\n", ""},
		{"an empty body", "", "", ""},
		{"nothing follows # EOF but blanks", "# EOF\ng 1\n", "", "syntax:2"},
		{"a timestamp is refused", "q 1\ng 1 1600000000\n# EOF\n", "", "timestamp:2"},
		{"a counter without _total is called as its samples", "# TYPE c counter\nc 1\n# EOF\n", "# c counter \"\"\nc 1\n! counter_without_total\n", ""},
		{"a created timestamp alone", "# TYPE c counter\nc_created 1\n# EOF\n", "# c_created gauge \"\"\nc_created 1\n", ""},
		{"a sample twice", "# TYPE c counter\nc_total 1\nc_total 1\n# EOF\n", "", "duplicate:3"},
		{"a gauge twice", "g 1\ng 1\n# EOF\n", "", "duplicate:2"},
		{"a second TYPE is ignored", "# TYPE g gauge\n# TYPE g gauge\n# EOF\n", "", ""},
		{"a second HELP is ignored", "# HELP g gauge\n# HELP g gauge\n# EOF\n", "", ""},
		{"TYPE may stand behind samples", "g 1\n# TYPE g gauge\n# HELP g text\n# EOF\n", "# g gauge \"text\"\ng 1\n", ""},
		{"an exemplar of a gauge is dropped", "# TYPE g gauge\ng 1 # {a=\"1\"} 1\n# EOF\n", "# g gauge \"\"\ng 1\n! dropped_exemplar\n", ""},
		{"a long exemplar is dropped", "# TYPE c counter\nc_total 1 # {a=\"" + strings.Repeat("x", 128) + "\"} 1\n# EOF\n", "# c_total counter \"\"\nc_total 1\n! dropped_exemplar\n", ""},
		{"a bucket without le", "# TYPE h histogram\nh_bucket 1\n# EOF\n", "# h histogram \"\"\n--\nh_bucket 1\n! bucket_without_le STRICT\n", ""},
		{"a negative count", "# TYPE h histogram\nh_count -1\n# EOF\n", "# h histogram \"\"\n--\nh_count -1\n! bad_count incomplete TEXT STRICT\n", ""},
		{"__name__ as a label", "g{__name__=\"x\"} 1\n# EOF\n", "", "name:1"},
		{"a label twice", "g{a=\"1\",a=\"2\"} 1\n# EOF\n", "", "duplicate:1"},
		{"counter and gauge of one name", "# TYPE c counter\nc_total 1\n# TYPE c_total gauge\nc_total 2\n# EOF\n", "", "duplicate:4"},
		{"a name that needs the option", "{\"a.b\"} 1\n# EOF\n", "", "name:1"},
		{"no more series than allowed", "a 1\nb 1\nc 1\nd 1\ne 1\nf 1\n# EOF\n", "", "limit:6"},
		{"no more labels than allowed", "a{" + strings.Repeat("l=\"1\",", 4*maxDecodeLabels+1) + "} 1\n# EOF\n", "", "limit:1"},
		{"a string that goes beyond its line", "a 1\n{\"a\nb\"} 1\n# EOF\n", "", "syntax:2"},
		{"a created timestamp is any number", "# TYPE c counter\nc_total 1\nc_created 1e300\n# EOF\n", "# c_created gauge \"\"\nc_created 1e+300\n! created_gauge\n# c_total counter \"\"\nc_total 1\n", ""},
		{"TYPE may name the samples of a counter", "# TYPE a_total counter\n# HELP a_total text\na_total 1\n", "# a_total counter \"text\"\na_total 1\n", ""},
		{"blank lines, blanks and tabs", "\n# TYPE\tg  gauge \n\n  g\t{ a = \"1\" , }  1 \n\n# EOF \n\n \n", "# g gauge \"\"\ng{a=\"1\"} 1\n", ""},
		{"free comments", "# hello\n#\n# TYPE g gauge\n#TYPE g counter\ng 1\n# EOF\n", "# g gauge \"\"\ng 1\n", ""},
		{"untyped", "# TYPE g untyped\ng 1\n", "g 1\n", ""},
		{"a second HELP of a family with samples", "# HELP g a\n# HELP g b\n# TYPE g gauge\n# TYPE g counter\ng 1\n# EOF\n", "# g gauge \"a\"\ng 1\n! ignored_metadata*2\n", ""},
		{"the same HELP and TYPE twice", "# HELP g a\\nb\n# HELP g a\\nb\n# TYPE g gauge\n# TYPE g gauge\ng 1\n", "# g gauge \"a\\nb\"\ng 1\n", ""},
		{"a gauge and a counter of one base name", "# TYPE c gauge\nc 1\n# TYPE c_total counter\nc_total 2\n", "# c gauge \"\"\nc 1\n# c_total counter \"\"\nc_total 2\n", ""},
		{"quantiles in a histogram", "# TYPE h histogram\nh{quantile=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", "# h histogram \"\"\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n--\nh{quantile=\"0.5\"} 1\n! quantile_in_histogram STRICT\n", ""},
		{"HELP behind the samples", "# TYPE g gauge\ng 1\n# HELP g text\n", "# g gauge \"text\"\ng 1\n", ""},
		{"a unit that doesn't fit the name", "# TYPE g gauge\n# UNIT g bytes\ng 1\n", "# g gauge \"\"\ng 1\n", ""},
		{"interleaved families", "a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n", "a{x=\"1\"} 1\na{x=\"2\"} 1\nb 1\n", ""},
		{"an exemplar without labels, with a time", "# TYPE c counter\nc_total 1 # {} 0.5 1e9\n", "# c_total counter \"\"\nc_total 1\n", ""},
		{"an exemplar of a bare bucket", "# TYPE h histogram\nh_bucket 1 # {a=\"1\"} 1\n", "# h histogram \"\"\n--\nh_bucket 1\n! bucket_without_le dropped_exemplar STRICT\n", ""},
		{"a comment without line ends", "# TYPE c counter c_total 1 # EOF", "", "syntax:1"},
		{"a comment that is all", "# hello\n", "", "syntax:1"},
		{"an exemplar without a value", "# TYPE c counter\nc_total 1 # {a=\"1\"}\n", "", "syntax:2"},
		{"an exemplar without braces", "c_total 1 # hello\n", "", "syntax:1"},
		{"an exemplar whose time is no number", "c_total 1 # {} 1 now\n", "", "value:1"},
		{"an unknown type", "# TYPE c sketch\nc 1\n", "", "syntax:1"},
		{"a composite value of OpenMetrics 2.0", "# TYPE s summary\ns {count:1,sum:2,quantile:[0.5:1]}\n# EOF\n", "", "syntax:2"},
		{"a start timestamp of OpenMetrics 2.0", "# TYPE c counter\nc_total 1 st@1520430000.123\n# EOF\n", "", "syntax:2"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			o := Options{MaxSeries: 5}
			got, err := DecodeOpenMetrics([]byte(c.body), o)
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, o)
			if text := judgedText(got); text != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, c.want)
			}
		})
	}
}

func TestOpenMetricsKeepsExemplars(t *testing.T) {
	body := `# TYPE c counter
c_total{a="1"} 5 # {trace="a\"b"} 0.5 1600000000.25
other{a="1"} 5
c_total{a="2"} 6
c_created{a="1"} 1500000000.5
# TYPE h histogram
h_bucket{le="2"} 2 # {} 1.5
h_bucket{le="1"} 1 # {} 0.5
h_bucket{le="+Inf"} 2
h_count 2
h_sum 3
h_bucket{a="1",le="1"} 5 # {} 0.5
h_bucket{a="1",le="+Inf"} 2 # {} 0.5
# EOF
`
	got, err := DecodeOpenMetrics([]byte(body), Options{Grouping: []Label{{"job", "j"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"c_total": `metric:{label:{name:"a" value:"1"} label:{name:"instance" value:""} label:{name:"job" value:"j"} counter:{value:5 exemplar:{label:{name:"trace" value:"a\"b"} value:0.5 timestamp:{seconds:1600000000 nanos:250000000}}}} metric:{label:{name:"a" value:"2"} label:{name:"instance" value:""} label:{name:"job" value:"j"} counter:{value:6}}`,
		"h":       `metric:{label:{name:"instance" value:""} label:{name:"job" value:"j"} histogram:{sample_count:2 sample_sum:3 bucket:{cumulative_count:1 upper_bound:1 exemplar:{value:0.5}} bucket:{cumulative_count:2 upper_bound:2 exemplar:{value:1.5}} bucket:{cumulative_count:2 upper_bound:inf}}}`,
	}
	for _, f := range got {
		w, has := want[f.Name]
		if (f.Proto != nil) != has {
			t.Errorf("%s: kept %d bytes, want some: %v", f.Name, len(f.Proto), has)
			continue
		}
		if !has {
			continue
		}
		var kept dto.MetricFamily
		if err := proto.Unmarshal(f.Proto, &kept); err != nil {
			t.Fatal(err)
		}
		if w := family(t, w); !proto.Equal(&kept, w) {
			t.Errorf("%s: kept %v\nwant %v", f.Name, &kept, w)
		}
	}
}
