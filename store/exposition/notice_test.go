package exposition

import (
	"fmt"
	"strings"
	"testing"
)

func TestNamesAndLabelsAreLinted(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "m{id=\"%d\",zone=\"%d\"} 1\n", i, i%7)
		}
		return b.String()
	}
	for _, c := range []struct{ sentence, body, want string }{
		{"nothing is odd", "# TYPE a_seconds gauge\na_seconds 1\n# TYPE b_total counter\nb_total 1\n", ""},
		{"a counter without _total", "# TYPE jobs counter\njobs 1\n", "jobs counter_without_total*1"},
		{"a gauge without _total", "# TYPE jobs gauge\njobs 1\n", ""},
		{"units of one quantity", "a_seconds 1\nb_milliseconds_total 1\nc_bytes 1\nd_hours 1\n", "b_milliseconds_total mixed_units*1, d_hours mixed_units*1"},
		{"no base unit among them", "b_milliseconds 1\nd_hours 1\n", "b_milliseconds mixed_units*1, d_hours mixed_units*1"},
		{"one unit in several families", "a_milliseconds 1\nb_milliseconds 1\n", ""},
		{"units of several quantities", "a_seconds 1\nb_bytes 1\nc_ratio 1\n", ""},
		{"a name that is a unit", "seconds 1\nminutes 1\n_hours 1\nx_ 1\n", ""},
		{"a created gauge beside its counter", "# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created 1\n", "c_created created_gauge*1"},
		{"a created gauge beside its histogram", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nh_created 1\n", "h_created created_gauge*1"},
		{"a created gauge beside a gauge", "# TYPE c gauge\nc 1\n# TYPE c_created gauge\nc_created 1\n", ""},
		{"a created gauge alone", "# TYPE c_created gauge\nc_created 1\n", ""},
		{"the same HELP and TYPE twice", "# HELP a x\\ny\n# TYPE a gauge\na 1\n# HELP a x\\ny\n# TYPE a gauge\n", ""},
		{"another HELP and another TYPE", "# HELP a x\n# TYPE a gauge\na 1\n# HELP a y\n# TYPE a counter\n", "a ignored_metadata*2"},
		{"a thousand values of a label", many(1000), ""},
		{"more than a thousand", many(1001), "m high_cardinality*1"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			families, err := DecodeText([]byte(c.body), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range families {
				for _, n := range f.Notices {
					got = append(got, fmt.Sprintf("%s %s*%d", f.Name, n.Kind, n.Count))
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func TestKindsOfNoticesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range NoticeKinds() {
		if name := k.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("kind %d is called %q", k, name)
		} else {
			seen[name] = true
		}
	}
	if NoticeKind(0).String() != "unknown" || NoticeKind(200).String() != "unknown" {
		t.Error("a kind that is not known has a name")
	}
}
