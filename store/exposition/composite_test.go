package exposition

import (
	"fmt"
	"strings"
	"testing"
)

func TestHistogramsAndSummariesAreTakenAsTheyAreWritten(t *testing.T) {
	const h, g, s = "# TYPE h histogram\n", "# TYPE h gaugehistogram\n", "# TYPE s summary\n"
	for _, c := range []struct{ sentence, body, want, refusal string }{
		{"a whole one stays", h + "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2", "# h histogram \"\"\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"lines are brought into order", h + "h_count 2\nh_sum 3\nh_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"2\"} 1", "# h histogram \"\"\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"series are brought together", h + "h_count{a=\"1\"} 1\nh_count{a=\"2\"} 2\nh_sum{a=\"1\"} 3\nh_sum{a=\"2\"} 4", "# h histogram \"\"\n--\nh_sum{a=\"1\"} 3\nh_count{a=\"1\"} 1\nh_sum{a=\"2\"} 4\nh_count{a=\"2\"} 2\n! incomplete*2 STRICT\n", ""},
		{"other families may stand between", h + "h_count{a=\"1\"} 1\nm 1\nh_sum{a=\"1\"} 3", "# h histogram \"\"\n--\nh_sum{a=\"1\"} 3\nh_count{a=\"1\"} 1\n! incomplete STRICT\nm 1\n", ""},
		{"bounds are normalised", h + "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"1e1\"} 2\nh_bucket{le=\"0.00001\"} 0\nh_bucket{le=\"inf\"} 2\nh_sum 3\nh_count 2", "# h histogram \"\"\nh_bucket{le=\"1e-05\"} 0\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", ""},
		{"a bucket has one value, however it is spelled", h + "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"1\"} 2", "", "duplicate:3"},
		{"the sum is there once", h + "h_sum 1\nh_sum 1", "", "duplicate:3"},
		{"an empty label makes no other histogram", h + "h_sum{a=\"\"} 1\nh_sum 1", "", "duplicate:3"},
		{"lines may differ in empty labels", h + "h_sum{a=\"\"} 1\nh_count 1", "# h histogram \"\"\n--\nh_sum{a=\"\"} 1\nh_count{a=\"\"} 1\n! incomplete STRICT\n", ""},
		{"a missing +Inf stays missing", h + "h_bucket{le=\"1\"} 1\nh_count 2", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 1\nh_count 2\n! incomplete STRICT\n", ""},
		{"a missing count stays missing", h + "h_bucket{le=\"+Inf\"} 2\nh_sum 5", "# h histogram \"\"\n--\nh_bucket{le=\"+Inf\"} 2\nh_sum 5\n! incomplete STRICT\n", ""},
		{"buckets alone stay alone", h + "h_bucket{le=\"1\"} 2", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 2\n! incomplete STRICT\n", ""},
		{"so does a sum", h + "h_sum 0", "# h histogram \"\"\n--\nh_sum 0\n! incomplete STRICT\n", ""},
		{"+Inf and count of a race", h + "h_bucket{le=\"+Inf\"} 2\nh_count 3", "# h histogram \"\"\n--\nh_bucket{le=\"+Inf\"} 2\nh_count 3\n! incomplete STRICT\n", ""},
		{"counts that fall are accepted", h + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_count 5", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_count 5\n! incomplete falling_buckets STRICT\n", ""},
		{"fractions are accepted", h + "h_bucket{le=\"1\"} 1.5\nh_count 2.5", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 1.5\nh_count 2.5\n! incomplete STRICT\n", ""},
		{"a negative bucket", h + "h_bucket{le=\"1\"} -1", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} -1\n! bad_count incomplete TEXT STRICT\n", ""},
		{"a NaN bucket", h + "h_bucket{le=\"1\"} NaN", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} NaN\n! bad_count incomplete STRICT\n", ""},
		{"an infinite count", h + "h_count +Inf", "# h histogram \"\"\n--\nh_count +Inf\n! bad_count incomplete STRICT\n", ""},
		{"a negative count", h + "h_count -1", "# h histogram \"\"\n--\nh_count -1\n! bad_count incomplete TEXT STRICT\n", ""},
		{"a NaN sum", h + "h_sum NaN\nh_count 0", "# h histogram \"\"\n--\nh_sum NaN\nh_count 0\n! incomplete STRICT\n", ""},
		{"a bucket without le", h + "h_bucket{a=\"1\"} 1", "# h histogram \"\"\n--\nh_bucket{a=\"1\"} 1\n! bucket_without_le STRICT\n", ""},
		{"le that is no number", h + "h_bucket{le=\"x\"} 1", "# h histogram \"\"\n--\nh_bucket{le=\"x\"} 1\n! bad_bound TEXT STRICT\n", ""},
		{"le that is NaN", h + "h_bucket{le=\"NaN\"} 1", "# h histogram \"\"\n--\nh_bucket{le=\"NaN\"} 1\n! bad_bound STRICT\n", ""},
		{"le that is hexadecimal", h + "h_bucket{le=\"0x1p1\"} 1", "# h histogram \"\"\n--\nh_bucket{le=\"2\"} 1\n! incomplete STRICT\n", ""},
		{"a sum with an empty le", h + "h_sum{le=\"\"} 1", "# h histogram \"\"\n--\nh_sum 1\n! incomplete STRICT\n", ""},
		{"a sum twice but for an empty le", h + "h_sum 1\nh_sum{le=\"\"} 2", "", "duplicate:3"},
		{"a count twice but for an empty quantile", s + "s_count{quantile=\"\"} 1\ns_count 2", "", "duplicate:3"},
		{"a sum with one le spelled in two ways", h + "h_sum{le=\"1\"} 1\nh_sum{le=\"1.0\"} 2", "", "duplicate:3"},
		{"NaN as bound, spelled in two ways", h + "h_bucket{le=\"NaN\"} 1\nh_bucket{le=\"nan\"} 1", "", "duplicate:3"},
		{"NaN as quantile, spelled in two ways", s + "s{quantile=\"NaN\"} 1\ns{quantile=\"nan\"} 1", "# s summary \"\"\n--\ns{quantile=\"NaN\"} 1\n! bad_bound written_twice STRICT\n", ""},
		{"a sum with le", h + "h_sum{le=\"1\"} 1", "# h histogram \"\"\n--\nh_sum{le=\"1\"} 1\n! bad_bound STRICT\n", ""},
		{"quantile is an ordinary label", h + "h_count{quantile=\"x\"} 1", "# h histogram \"\"\n--\nh_count{quantile=\"x\"} 1\n! incomplete STRICT\n", ""},
		{"a sample of just the name", h + "h 1", "# h histogram \"\"\n--\nh 1\n! bare_sample STRICT\n", ""},
		{"a sample of just a gauge histogram's name", g + "h 1", "# h gaugehistogram \"\"\n--\nh 1\n! bare_sample STRICT\n", ""},
		{"a gauge histogram has its own suffixes", g + "h_bucket{le=\"1\"} 1\nh_gsum -3\nh_gcount 2", "# h gaugehistogram \"\"\n--\nh_bucket{le=\"1\"} 1\nh_gsum -3\nh_gcount 2\n! STRICT\n", ""},
		{"and the others as well", g + "h_sum 3\nh_count 2", "# h gaugehistogram \"\"\n--\nh_sum 3\nh_count 2\n! incomplete STRICT\n", ""},
		{"or a mixture", g + "h_gsum 3\nh_sum 2", "# h gaugehistogram \"\"\n--\nh_sum 2\nh_gsum 3\n! incomplete STRICT\n", ""},
		{"a histogram has no gsum", h + "h_gsum 3", "h_gsum 3\n", ""},
		{"without a type these are three families", "h_bucket{le=\"1.0\"} 1\nh_sum 2\nh_count 3", "h_bucket{le=\"1.0\"} 1\nh_count 3\nh_sum 2\n", ""},
		{"a summary", s + "s{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 4", "# s summary \"\"\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 4\n", ""},
		{"quantiles are sorted and normalised", s + "s_count 4\ns{quantile=\"0.90\"} 2\ns{quantile=\".5\"} 1", "# s summary \"\"\n--\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} 2\ns_count 4\n! incomplete STRICT\n", ""},
		{"what a summary lacks stays missing", s + "s{quantile=\"0.5\"} 1", "# s summary \"\"\n--\ns{quantile=\"0.5\"} 1\n! incomplete STRICT\n", ""},
		{"a quantile written twice, equally", s + "s{quantile=\"0.5\"} 1\ns{quantile=\"0.50\"} 1", "# s summary \"\"\n--\ns{quantile=\"0.5\"} 1\n! written_twice incomplete STRICT\n", ""},
		{"a summary's plain sample", s + "s 1", "# s summary \"\"\n--\ns 1\n! bare_sample STRICT\n", ""},
		{"a quantile that is no number", s + "s{quantile=\"x\"} 1", "# s summary \"\"\n--\ns{quantile=\"x\"} 1\n! bad_bound TEXT STRICT\n", ""},
		{"a quantile that is NaN", s + "s{quantile=\"nan\"} 1", "# s summary \"\"\n--\ns{quantile=\"nan\"} 1\n! bad_bound STRICT\n", ""},
		{"a count with quantile", s + "s_count{quantile=\"0.5\"} 1", "# s summary \"\"\n--\ns_count{quantile=\"0.5\"} 1\n! bad_bound STRICT\n", ""},
		{"a summary's negative count", s + "s_count -1", "# s summary \"\"\n--\ns_count -1\n! bad_count incomplete STRICT\n", ""},
		{"a summary has no buckets", s + "s_count 1\ns_bucket{le=\"1\"} 2", "# s summary \"\"\n--\ns_count 1\n! incomplete STRICT\ns_bucket{le=\"1\"} 2\n", ""},
		{"le is an ordinary label of a summary", s + "s_count{le=\"x\"} 1", "# s summary \"\"\n--\ns_count{le=\"x\"} 1\n! incomplete STRICT\n", ""},
		{"a family called as a sample, before the histogram", "h_count 1\n# TYPE h histogram\nh_sum 1", "h_count 1\nh_sum 1\n! incomplete overlapping_names\n", ""},
		{"a sample's name behind the histogram is its own", h + "h_sum 1\nh_count 1", "# h histogram \"\"\n--\nh_sum 1\nh_count 1\n! incomplete STRICT\n", ""},
		{"one with a type", h + "h_sum 1\n# TYPE h_count gauge\nh_count 1", "# h_count gauge \"\"\nh_count 1\nh_sum 1\n! incomplete overlapping_names\n", ""},
		{"one with a type in front", "# TYPE h_bucket gauge\nh_bucket 1\n# TYPE h histogram\nh_sum 1", "# h_bucket gauge \"\"\nh_bucket 1\nh_sum 1\n! incomplete overlapping_names\n", ""},
		{"one called as a sample of a summary", "s_sum 1\n# TYPE s summary\ns_count 1", "s_count 1\n! incomplete overlapping_names\ns_sum 1\n", ""},
		{"HELP for a sample's name is nothing", h + "# HELP h_count x\nh_count 1", "# h histogram \"\"\n--\nh_count 1\n! incomplete STRICT\n", ""},
		{"a histogram's metadata alone clashes with nothing", "h_count 1\n" + h, "h_count 1\n", ""},
		{"h_total is no suffix", h + "h_sum 1\nh_total 1", "# h histogram \"\"\n--\nh_sum 1\n! incomplete STRICT\nh_total 1\n", ""},
		{"quantiles in a histogram, as Micrometer writes them", h + "h{quantile=\"0.95\",} 3\nh_bucket{le=\"1\",} 1\nh_bucket{le=\"+Inf\",} 2\nh_count 2\nh_sum 3\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n--\nh{quantile=\"0.95\"} 3\n! quantile_in_histogram STRICT\n", ""},
		{"a quantile of a histogram written twice, equally", h + "h{quantile=\"0.95\"} 3\nh{quantile=\"0.95\"} 3\n", "# h histogram \"\"\n--\nh{quantile=\"0.95\"} 3\n! quantile_in_histogram written_twice STRICT\n", ""},
		{"a quantile of a histogram with two values", h + "h{quantile=\"0.95\"} 3\nh{quantile=\"0.95\"} 4\n", "", "duplicate:3"},
		{"quantiles of a histogram are labels like others", h + "h{quantile=\"0.95\"} 3\nh{quantile=\"0.950\"} 3\n", "# h histogram \"\"\n--\nh{quantile=\"0.95\"} 3\nh{quantile=\"0.950\"} 3\n! quantile_in_histogram*2 STRICT\n", ""},
		{"buckets that fall", h + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n! falling_buckets STRICT\n", ""},
		{"+Inf that is not the count", h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 4\n", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 4\n! inf_bucket STRICT\n", ""},
		{"+Inf below the last bucket", h + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 5\n", "# h histogram \"\"\n--\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 5\n! inf_bucket falling_buckets STRICT\n", ""},
		{"whole fractions", h + "h_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 1\nh_count 2.5\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 1\nh_count 2.5\n! STRICT\n", ""},
		{"a negative sum", h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum -1\nh_count 2\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum -1\nh_count 2\n! STRICT\n", ""},
		{"negative bounds", h + "h_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", "# h histogram \"\"\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n! STRICT\n", ""},
		{"a bound of -Inf", h + "h_bucket{le=\"-Inf\"} 0\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", "# h histogram \"\"\n--\nh_bucket{le=\"-Inf\"} 0\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n! STRICT\n", ""},
		{"NaN everywhere", h + "h_bucket{le=\"+Inf\"} NaN\nh_sum NaN\nh_count NaN\n", "# h histogram \"\"\n--\nh_bucket{le=\"+Inf\"} NaN\nh_sum NaN\nh_count NaN\n! bad_count*2 inf_bucket STRICT\n", ""},
		{"the regular ones come first", h + "h_bucket{a=\"1\",le=\"1\"} 5\nh_bucket{a=\"1\",le=\"+Inf\"} 3\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 5\nh{a=\"1\"} 7\nh_bucket{a=\"2\",le=\"+Inf\"} 3\nh_sum{a=\"2\"} 1\nh_count{a=\"2\"} 3\n", "# h histogram \"\"\nh_bucket{a=\"2\",le=\"+Inf\"} 3\nh_sum{a=\"2\"} 1\nh_count{a=\"2\"} 3\n--\nh_bucket{a=\"1\",le=\"1\"} 5\nh_bucket{a=\"1\",le=\"+Inf\"} 3\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 5\nh{a=\"1\"} 7\n! bare_sample inf_bucket falling_buckets STRICT\n", ""},
		{"a type of histogram over the lines of a summary", h + "h{quantile=\"0.5\"} 1\nh{quantile=\"0.9\"} 2\nh_sum 3\nh_count 4\n", "# h histogram \"\"\n--\nh_sum 3\nh_count 4\nh{quantile=\"0.5\"} 1\nh{quantile=\"0.9\"} 2\n! quantile_in_histogram*2 incomplete STRICT\n", ""},
		{"a bucket with an empty bound has none", h + "h_bucket{le=\"\"} 1\n", "# h histogram \"\"\n--\nh_bucket{le=\"\"} 1\n! bucket_without_le TEXT STRICT\n", ""},
		{"a bare sample twice", s + "s 1\ns 1\n", "", "duplicate:3"},
		{"a bare sample twice but for an empty label", s + "s{a=\"\"} 1\ns 1\n", "", "duplicate:3"},
		{"a bucket written twice, equally", h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n", "# h histogram \"\"\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n! written_twice\n", ""},
		{"a quantile with two values", s + "s{quantile=\"0.5\"} 1\ns{quantile=\"0.50\"} 2\n", "", "duplicate:3"},
		{"a quantile written twice as NaN", s + "s{quantile=\"0.5\"} NaN\ns{quantile=\"0.50\"} NaN\ns_sum 1\ns_count 2\n", "# s summary \"\"\ns{quantile=\"0.5\"} NaN\ns_sum 1\ns_count 2\n! written_twice\n", ""},
		{"quantiles outside 0 to 1", s + "s{quantile=\"1.5\"} 1\ns_sum 3\ns_count 4\n", "# s summary \"\"\ns{quantile=\"1.5\"} 1\ns_sum 3\ns_count 4\n! STRICT\n", ""},
		{"a negative quantile", s + "s{quantile=\"0.5\"} -1\ns_sum 3\ns_count 4\n", "# s summary \"\"\ns{quantile=\"0.5\"} -1\ns_sum 3\ns_count 4\n! STRICT\n", ""},
		{"a fraction as count of a summary", s + "s_sum 3\ns_count 4.5\n", "# s summary \"\"\n--\ns_sum 3\ns_count 4.5\n! bad_count STRICT\n", ""},
		{"a type that comes behind the samples of a histogram", "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n" + h, "h_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n", ""},
		{"a type that comes too late for a histogram", "h 1\n# TYPE h histogram\nh_sum 1\n", "h 1\n! ignored_metadata\nh_sum 1\n", ""},
		{"an overlap with a series twice", h + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count gauge\nh_count{a=\"\"} 1\n", "", "duplicate"},
		{"an overlap with other series", h + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count gauge\nh_count{a=\"1\"} 1\n", "h_bucket{le=\"+Inf\"} 1\n! overlapping_names\n# h_count gauge \"\"\nh_count{a=\"1\"} 1\nh_count 1\nh_sum 1\n", ""},
		{"an overlap keeps the bounds that Prometheus stores", h + "h_bucket{a=\",le=\",le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n# TYPE h_count gauge\nh_count 1\n", "h_bucket{a=\",le=\",le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\n! incomplete*2 overlapping_names\n# h_count gauge \"\"\nh_count 1\n", ""},
		{"an overlap with a bound twice, spelled in two ways", "# TYPE h summary\nh_count{quantile=\"1\"} 1\n# TYPE h_count summary\nh_count{quantile=\"1.0\"} 1\n", "", "duplicate"},
		{"a type of counter that comes behind a negative sample", "c_total -1\n# TYPE c_total counter\n", "# c_total counter \"\"\nc_total -1\n! STRICT\n", ""},
		{"an overlap of two summaries", "# TYPE h summary\nh_sum 1\nh_count 1\n# TYPE h_count summary\nh_count{quantile=\"0.5\"} 1\nh_count_sum 2\nh_count_count 2\n", "# h_count summary \"\"\nh_count{quantile=\"0.5\"} 1\nh_count_sum 2\nh_count_count 2\n--\nh_count 1\n! overlapping_names STRICT\nh_sum 1\n", ""},
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
			if text := judgedText(got); text != c.want {
				t.Errorf("body:\n%s\ngot:\n%s\nwant:\n%s", c.body, text, c.want)
			}
		})
	}
}

func TestTheBoundIsSortedAmongTheGroupingsLabels(t *testing.T) {
	o := Options{Grouping: []Label{{"job", "j"}, {"zone", "z"}}}
	got, err := DecodeText([]byte("# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 1\n# TYPE s summary\ns{quantile=\"0.5\"} 1\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	want := `# h histogram ""
h_bucket{a="1",instance="",job="j",le="1",zone="z"} 1
# s summary ""
s{instance="",job="j",quantile="0.5",zone="z"} 1
`
	if text := decodedText(got); text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

func TestAGroupingLabelIsNeverBesideABoundOfItsName(t *testing.T) {
	_, err := DecodeText([]byte("# TYPE h histogram\nh_count 1\n"), Options{Grouping: []Label{{"job", "j"}, {"le", "7"}}})
	wantRefusal(t, err, "name:2")
	_, err = DecodeText([]byte("# TYPE s summary\ns_count 1\n"), Options{Grouping: []Label{{"job", "j"}, {"quantile", "7"}}})
	wantRefusal(t, err, "name:2")
}

func TestManyOverlapsTakeLinearTime(t *testing.T) {
	var body strings.Builder
	const families = 20_000
	for i := range families {
		fmt.Fprintf(&body, "# TYPE a%d histogram\na%d_sum 1\n", i, i)
		fmt.Fprintf(&body, "# TYPE b%d histogram\nb%d_sum 1\n# TYPE b%d_sum gauge\nb%d_sum{x=\"1\"} 1\n", i, i, i, i)
	}
	got, err := DecodeText([]byte(body.String()), Options{})
	if err != nil || len(got) != 2*families {
		t.Fatalf("got %d families, %v", len(got), err)
	}
	if want := "b0_sum{x=\"1\"} 1\nb0_sum 1\n"; string(got[families].Text) != want {
		t.Errorf("got %q, want %q", got[families].Text, want)
	}
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
