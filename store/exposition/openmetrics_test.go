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
		{"its created timestamp is no series", "# TYPE c counter\nc_total 5\nc_created 1600000000.5\n# EOF\n", "# c_total counter \"\"\nc_total 5\n", ""},
		{"a counter's unit is kept", "# TYPE c_bytes counter\n# UNIT c_bytes bytes\nc_bytes_total 5\n# EOF\n", "# c_bytes_total counter \"\"bytes\nc_bytes_total 5\n", ""},
		{"a gauge", "# TYPE g gauge\ng 1.5\n# EOF\n", "# g gauge \"\"\ng 1.5\n", ""},
		{"unknown is untyped", "# TYPE g unknown\ng 1\n# EOF\n", "g 1\n", ""},
		{"so is a family without a type", "g 1\n# EOF\n", "g 1\n", ""},
		{"an info is a gauge", "# TYPE i info\n# HELP i text\ni_info{v=\"1\"} 1\n# EOF\n", "# i_info gauge \"text\"\ni_info{v=\"1\"} 1\n", ""},
		{"a state set is a gauge", "# TYPE s stateset\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n# EOF\n", "# s gauge \"\"\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n", ""},
		{"a summary", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 3\ns_created 1\n# EOF\n", "# s summary \"\"\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n", ""},
		{"a histogram", "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n# EOF\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"a gauge histogram", "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 2\nh_gcount 2\nh_gsum -3\n# EOF\n", "# h gaugehistogram \"\"\nh_bucket{le=\"+Inf\"} 2\nh_sum -3\nh_count 2\n", ""},
		{"an exemplar is no part of the text", "# TYPE c counter\nc_total 5 # {trace=\"x\"} 1 1600000000.1\n# EOF\n", "# c_total counter \"\"\nc_total 5\n", ""},
		{"escapes", "# TYPE g gauge\n# HELP g a\\nb\\\\c\\\"d\ng{a=\"\\\\\\\"\\n\"} 1\n# EOF\n", "# g gauge \"a\\nb\\\\c\\\"d\"\ng{a=\"\\\\\\\"\\n\"} 1\n", ""},
		{"the newline behind # EOF may be missing", "g 1\n# EOF", "g 1\n", ""},
		{"CRLF is accepted", "# TYPE g gauge\r\ng 1\r\n# EOF\r\n", "# g gauge \"\"\ng 1\n", ""},
		{"nothing but the end", "# EOF\n", "", ""},
		{"push times are dropped", "# TYPE push_time_seconds gauge\npush_time_seconds 1\n# EOF\n", "", ""},

		{"without # EOF the body was cut off", "g 1\n", "", "syntax:2"},
		{"an empty body was, too", "", "", "syntax:1"},
		{"nothing follows # EOF", "# EOF\ng 1\n", "", "syntax:1"},
		{"a timestamp is refused", "q 1\ng 1 1600000000\n# EOF\n", "", "timestamp:2"},
		{"a counter without _total", "# TYPE c counter\nc 1\n# EOF\n", "", "type:2"},
		{"a counter of a created timestamp only", "# TYPE c counter\nc_created 1\n# EOF\n", "", "type"},
		{"a sample twice", "# TYPE c counter\nc_total 1\nc_total 1\n# EOF\n", "", "duplicate:3"},
		{"a gauge twice", "g 1\ng 1\n# EOF\n", "", "duplicate"},
		{"a second TYPE", "# TYPE g gauge\n# TYPE g gauge\n# EOF\n", "", "syntax:2"},
		{"a second HELP", "# HELP g gauge\n# HELP g gauge\n# EOF\n", "", "syntax:2"},
		{"TYPE behind samples", "g 1\n# TYPE g gauge\n# EOF\n", "", "syntax:2"},
		{"an exemplar on a gauge", "# TYPE g gauge\ng 1 # {a=\"1\"} 1\n# EOF\n", "", "type:2"},
		{"a long exemplar", "# TYPE c counter\nc_total 1 # {a=\"" + strings.Repeat("x", 128) + "\"} 1\n# EOF\n", "", "limit:2"},
		{"a bucket without le", "# TYPE h histogram\nh_bucket 1\n# EOF\n", "", "type:2"},
		{"a negative count", "# TYPE h histogram\nh_count -1\n# EOF\n", "", "value"},
		{"__name__ as a label", "g{__name__=\"x\"} 1\n# EOF\n", "", "name:1"},
		{"a label twice", "g{a=\"1\",a=\"2\"} 1\n# EOF\n", "", "duplicate"},
		{"counter and gauge of one name", "# TYPE c counter\nc_total 1\n# TYPE c_total gauge\nc_total 2\n# EOF\n", "", "duplicate:4"},
		{"a name that needs the option", "{\"a.b\"} 1\n# EOF\n", "", "name"},
		{"no more series than allowed", "a 1\nb 1\nc 1\nd 1\ne 1\nf 1\n# EOF\n", "", "limit:6"},
		{"no more labels than allowed", "a{" + strings.Repeat("l=\"1\",", 4*maxDecodeLabels+1) + "} 1\n# EOF\n", "", "limit:1"},
		{"a string that goes beyond its line", "a 1\n{\"a\nb\"} 1\n# EOF\n", "", "syntax:2"},
		{"a created timestamp out of range", "# TYPE c counter\nc_total 1\nc_created 1e300\n# EOF\n", "", "duplicate:3"},
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
			if text := decodedText(got); text != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, c.want)
			}
		})
	}
}

func TestOpenMetricsKeepsExemplarsAndCreatedTimestamps(t *testing.T) {
	body := `# TYPE c counter
c_total{a="1"} 5 # {trace="a\"b"} 0.5 1600000000.25
c_created{a="1"} 1500000000.5
# TYPE h histogram
h_bucket{le="1"} 1 # {} 0.5
h_bucket{le="+Inf"} 2
h_count 2
h_sum 3
# EOF
`
	got, err := DecodeOpenMetrics([]byte(body), Options{Grouping: []Label{{"job", "j"}}})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	want := []string{
		`metric:{label:{name:"a" value:"1"} label:{name:"instance" value:""} label:{name:"job" value:"j"} counter:{value:5 exemplar:{label:{name:"trace" value:"a\"b"} value:0.5 timestamp:{seconds:1600000000 nanos:250000000}} created_timestamp:{seconds:1500000000 nanos:500000000}}}`,
		`metric:{label:{name:"instance" value:""} label:{name:"job" value:"j"} histogram:{sample_count:2 sample_sum:3 bucket:{cumulative_count:1 upper_bound:1 exemplar:{value:0.5}} bucket:{cumulative_count:2 upper_bound:inf}}}`,
	}
	for i, f := range got {
		var kept dto.MetricFamily
		if err := proto.Unmarshal(f.Proto, &kept); err != nil {
			t.Fatal(err)
		}
		if w := family(t, want[i]); !proto.Equal(&kept, w) {
			t.Errorf("%s: kept %v\nwant %v", f.Name, &kept, w)
		}
	}
}
