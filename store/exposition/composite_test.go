package exposition

import (
	"fmt"
	"strings"
	"testing"
)

func TestHistogramsAndSummariesAreCompletedOrRefused(t *testing.T) {
	const h, g, s = "# TYPE h histogram\n", "# TYPE h gaugehistogram\n", "# TYPE s summary\n"
	for _, c := range []struct{ sentence, body, want, refusal string }{
		{"a whole one stays", h + "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2", "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{
			"lines are brought into order", h + "h_count 2\nh_sum 3\nh_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"2\"} 1",
			"h_bucket{le=\"2\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "",
		},
		{
			"series are brought together", h + "h_count{a=\"1\"} 1\nh_count{a=\"2\"} 2\nh_sum{a=\"1\"} 3\nh_sum{a=\"2\"} 4",
			"h_bucket{a=\"1\",le=\"+Inf\"} 1\nh_sum{a=\"1\"} 3\nh_count{a=\"1\"} 1\nh_bucket{a=\"2\",le=\"+Inf\"} 2\nh_sum{a=\"2\"} 4\nh_count{a=\"2\"} 2\n", "",
		},
		{"other families may stand between", h + "h_count{a=\"1\"} 1\nm 1\nh_sum{a=\"1\"} 3", "h_bucket{a=\"1\",le=\"+Inf\"} 1\nh_sum{a=\"1\"} 3\nh_count{a=\"1\"} 1\nm 1\n", ""},
		{
			"bounds are normalised", h + "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"1e1\"} 2\nh_bucket{le=\"0.00001\"} 0\nh_bucket{le=\"inf\"} 2\nh_sum 3\nh_count 2",
			"h_bucket{le=\"1e-05\"} 0\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "",
		},
		{"one bucket stands once, however it is spelled", h + "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"1\"} 2", "", "duplicate:3"},
		{"the sum stands once", h + "h_sum 1\nh_sum 1", "", "duplicate:3"},
		{"an empty label makes no other histogram", h + "h_sum{a=\"\"} 1\nh_sum 1", "", "duplicate:3"},
		{"lines may differ in empty labels", h + "h_sum{a=\"\"} 1\nh_count 1", "h_bucket{a=\"\",le=\"+Inf\"} 1\nh_sum{a=\"\"} 1\nh_count{a=\"\"} 1\n", ""},
		{"+Inf comes from the count", h + "h_bucket{le=\"1\"} 1\nh_count 2", "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0\nh_count 2\n", ""},
		{"the count comes from +Inf", h + "h_bucket{le=\"+Inf\"} 2\nh_sum 5", "h_bucket{le=\"+Inf\"} 2\nh_sum 5\nh_count 2\n", ""},
		{"both come from the highest bucket", h + "h_bucket{le=\"1\"} 2", "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 0\nh_count 2\n", ""},
		{"a sum alone has a count of zero", h + "h_sum 0", "h_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n", ""},
		{"+Inf and count must agree", h + "h_bucket{le=\"+Inf\"} 2\nh_count 3", "", "type:3"},
		{"counts that fall are accepted", h + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_count 5", "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 5\nh_sum 0\nh_count 5\n", ""},
		{"fractions are accepted", h + "h_bucket{le=\"1\"} 1.5\nh_count 2.5", "h_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 0\nh_count 2.5\n", ""},
		{"a negative bucket is refused", h + "h_bucket{le=\"1\"} -1", "", "value:2"},
		{"a NaN bucket is refused", h + "h_bucket{le=\"1\"} NaN", "", "value:2"},
		{"an infinite count is refused", h + "h_count +Inf", "", "value:2"},
		{"a negative count is refused", h + "h_count -1", "", "value:2"},
		{"a negative or missing sum is fine", h + "h_sum NaN\nh_count 0", "h_bucket{le=\"+Inf\"} 0\nh_sum NaN\nh_count 0\n", ""},
		{"a bucket needs le", h + "h_bucket{a=\"1\"} 1", "", "type:2"},
		{"le must be a number", h + "h_bucket{le=\"x\"} 1", "", "type:2"},
		{"le must not be NaN", h + "h_bucket{le=\"NaN\"} 1", "", "type:2"},
		{"le must not be a hexadecimal number", h + "h_bucket{le=\"0x1p1\"} 1", "", "type:2"},
		{"the sum has no le", h + "h_sum{le=\"1\"} 1", "", "type:2"},
		{"quantile is an ordinary label", h + "h_count{quantile=\"x\"} 1", "h_bucket{le=\"+Inf\",quantile=\"x\"} 1\nh_sum{quantile=\"x\"} 0\nh_count{quantile=\"x\"} 1\n", ""},
		{"a plain sample is refused, not dropped", h + "h 1", "", "type:2"},
		{"a plain sample of a gauge histogram, too", g + "h 1", "", "type:2"},
		{"a gauge histogram has its own suffixes", g + "h_bucket{le=\"1\"} 1\nh_gsum -3\nh_gcount 2", "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum -3\nh_count 2\n", ""},
		{"and the others as well", g + "h_sum 3\nh_count 2", "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"but not both", g + "h_gsum 3\nh_sum 2", "", "duplicate:3"},
		{"a histogram has no gsum", h + "h_gsum 3", "h_gsum 3\n", ""},
		{"without a type these are three families", "h_bucket{le=\"1.0\"} 1\nh_sum 2\nh_count 3", "h_bucket{le=\"1.0\"} 1\nh_count 3\nh_sum 2\n", ""},

		{"a summary", s + "s{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 4", "s{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 4\n", ""},
		{"quantiles are sorted and normalised", s + "s_count 4\ns{quantile=\"0.90\"} 2\ns{quantile=\".5\"} 1", "s{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 2\ns_sum 0\ns_count 4\n", ""},
		{"what a summary lacks is zero", s + "s{quantile=\"0.5\"} 1", "s{quantile=\"0.5\"} 1\ns_sum 0\ns_count 0\n", ""},
		{"a quantile stands once", s + "s{quantile=\"0.5\"} 1\ns{quantile=\"0.50\"} 1", "", "duplicate:3"},
		{"a summary's plain sample needs a quantile", s + "s 1", "", "type:2"},
		{"a quantile must be a number", s + "s{quantile=\"x\"} 1", "", "type:2"},
		{"a quantile must not be NaN", s + "s{quantile=\"nan\"} 1", "", "type:2"},
		{"the count has no quantile", s + "s_count{quantile=\"0.5\"} 1", "", "type:2"},
		{"a summary's count is not negative", s + "s_count -1", "", "value:2"},
		{"a summary has no buckets", s + "s_count 1\ns_bucket{le=\"1\"} 2", "s_sum 0\ns_count 1\ns_bucket{le=\"1\"} 2\n", ""},
		{"le is an ordinary label of a summary", s + "s_count{le=\"x\"} 1", "s_sum{le=\"x\"} 0\ns_count{le=\"x\"} 1\n", ""},

		{"a sample's name before the histogram", "h_count 1\n" + h + "h_sum 1", "", "type:3"},
		{"a sample's name behind the histogram is its own", h + "h_sum 1\nh_count 1", "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", ""},
		{"a type for a sample's name", h + "h_sum 1\n# TYPE h_count gauge\nh_count 1", "", "type:3"},
		{"a type for a sample's name in front", "# TYPE h_bucket gauge\nh_bucket 1\n" + h + "h_sum 1", "", "type:4"},
		{"a summary's suffixes", "s_sum 1\n" + s + "s_count 1", "", "type:3"},
		{"HELP for a sample's name is nothing", h + "# HELP h_count x\nh_count 1", "h_bucket{le=\"+Inf\"} 1\nh_sum 0\nh_count 1\n", ""},
		{"a histogram's metadata alone clashes with nothing", "h_count 1\n" + h, "h_count 1\n", ""},
		{"h_total is no suffix", h + "h_sum 1\nh_total 1", "h_bucket{le=\"+Inf\"} 0\nh_sum 1\nh_count 0\nh_total 1\n", ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := DecodeText([]byte(c.body), Options{})
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, Options{})
			text := ""
			for _, f := range got {
				text += string(f.Text)
			}
			if text != c.want {
				t.Errorf("body:\n%s\ngot:\n%s\nwant:\n%s", c.body, text, c.want)
			}
		})
	}
}

func TestTheBoundStandsAmongTheGroupingsLabels(t *testing.T) {
	o := Options{Grouping: []Label{{"job", "j"}, {"zone", "z"}}}
	got, err := DecodeText([]byte("# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 1\n# TYPE s summary\ns{quantile=\"0.5\"} 1\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	want := `# h histogram ""
h_bucket{a="1",instance="",job="j",le="1",zone="z"} 1
h_bucket{a="1",instance="",job="j",le="+Inf",zone="z"} 1
h_sum{a="1",instance="",job="j",zone="z"} 0
h_count{a="1",instance="",job="j",zone="z"} 1
# s summary ""
s{instance="",job="j",quantile="0.5",zone="z"} 1
s_sum{instance="",job="j",zone="z"} 0
s_count{instance="",job="j",zone="z"} 0
`
	if text := decodedText(got); text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

func TestAGroupingLabelNeverStandsBesideABoundOfItsName(t *testing.T) {
	_, err := DecodeText([]byte("# TYPE h histogram\nh_count 1\n"), Options{Grouping: []Label{{"job", "j"}, {"le", "7"}}})
	wantRefusal(t, err, "name:2")
	_, err = DecodeText([]byte("# TYPE s summary\ns_count 1\n"), Options{Grouping: []Label{{"job", "j"}, {"quantile", "7"}}})
	wantRefusal(t, err, "name:2")
}

func TestManyInterleavedFamiliesTakeLinearTime(t *testing.T) {
	var body strings.Builder
	const families = 20_000
	for round := range 3 {
		for i := range families {
			fmt.Fprintf(&body, "m%05d{r=\"%d\"} 1\n", i, round)
		}
	}
	got, err := DecodeText([]byte(body.String()), Options{})
	if err != nil || len(got) != families {
		t.Fatalf("got %d families, %v", len(got), err)
	}
	if want := "m00007{r=\"0\"} 1\nm00007{r=\"1\"} 1\nm00007{r=\"2\"} 1\n"; string(got[7].Text) != want {
		t.Errorf("got %q, want %q", got[7].Text, want)
	}
}
