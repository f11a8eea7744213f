package groupings

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

var inf = math.Inf(1)

// classic makes the buckets of counts by upper bound.
func classic(lower float64, boundsAndCounts ...float64) []Bucket {
	var out []Bucket
	for i := 0; i < len(boundsAndCounts); i += 2 {
		out = append(out, Bucket{Lower: lower, Upper: boundsAndCounts[i], Count: boundsAndCounts[i+1]})
		lower = boundsAndCounts[i]
	}
	return out
}

func TestQuantilesAreEstimatedAsPrometheusDoes(t *testing.T) {
	for _, test := range []struct {
		name string
		d    Distribution
		q    float64
		want Estimate
		ok   bool
	}{
		{"in the middle of a bucket", Distribution{Buckets: classic(0, 1, 10, 2, 10, inf, 0)}, 0.75, Estimate{1.5, 0}, true},
		{"at a bound", Distribution{Buckets: classic(0, 1, 10, 2, 10, inf, 0)}, 0.5, Estimate{1, 0}, true},
		{"behind empty buckets", Distribution{Buckets: classic(0, 1, 0, 2, 0, 4, 4, inf, 0)}, 0.5, Estimate{3, 0}, true},
		{"above all bounds", Distribution{Buckets: classic(0, 1, 1, inf, 9)}, 0.9, Estimate{1, 1}, true},
		{"below all bounds", Distribution{Buckets: classic(-inf, -5, 9, inf, 1)}, 0.5, Estimate{-5, -1}, true},
		{"without bounds", Distribution{Buckets: classic(-inf, inf, 9)}, 0.5, Estimate{}, false},
		{"without observations", Distribution{Buckets: classic(0, 1, 0, inf, 0)}, 0.5, Estimate{}, false},
		{"without buckets", Distribution{}, 0.5, Estimate{}, false},
		{"in a native bucket", Distribution{Native: true, Buckets: classic(1, 4, 10)}, 0.5, Estimate{2, 0}, true},
		{"in a negative native bucket", Distribution{Native: true, Buckets: []Bucket{{Lower: -4, Upper: -1, Count: 10}}}, 0.5, Estimate{-2, 0}, true},
		{"in the zero bucket", Distribution{Native: true, Buckets: []Bucket{{Lower: -0.5, Upper: 0.5, Count: 10, Zero: true}}}, 0.5, Estimate{0.25, 0}, true},
		{"in the zero bucket of both signs", Distribution{Native: true, Buckets: []Bucket{
			{Lower: -4, Upper: -1, Count: 5}, {Lower: -0.5, Upper: 0.5, Count: 10, Zero: true}, {Lower: 1, Upper: 4, Count: 5},
		}}, 0.5, Estimate{0, 0}, true},
	} {
		got, ok := test.d.Quantile(test.q)
		if ok != test.ok || ok && (math.Abs(got.Value-test.want.Value) > 1e-9 || got.Side != test.want.Side) {
			t.Errorf("%s: %v %v, want %v %v", test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestBoundsThatGrowByAFactorHaveALogarithmicAxis(t *testing.T) {
	for _, test := range []struct {
		name    string
		buckets []Bucket
		want    bool
	}{
		{"client defaults", classic(0, .005, 1, .01, 1, .025, 1, .05, 1, .1, 1, .25, 1, .5, 1, 1, 1, 2.5, 1, 5, 1, 10, 1, inf, 1), true},
		{"linear", classic(0, 10, 1, 20, 1, 30, 1, 40, 1, 50, 1, inf, 1), false},
		{"uneven", classic(0, .001, 1, .01, 1, 1e3, 1, 1e6, 1, inf, 1), false},
		{"negative", classic(-inf, -4, 1, -2, 1, 2, 1, 4, 1, inf, 1), false},
		{"few", classic(0, 1, 1, 10, 1, inf, 0), false},
	} {
		if got := geometric(test.buckets); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestEveryBarIsInsideTheChart(t *testing.T) {
	many := classic(0, 1, 1)
	for i := range 5000 {
		many = append(many, Bucket{Lower: float64(i + 1), Upper: float64(i + 2), Count: float64(i % 7)})
	}
	for name, d := range map[string]Distribution{
		"classic":          {Buckets: classic(0, .1, 3, .2, 5, .4, 9, .8, 2, inf, 1)},
		"linear":           {Buckets: classic(0, 10, 3, 20, 5, 30, 9, inf, 1)},
		"one bucket":       {Buckets: classic(-inf, inf, 4)},
		"uneven":           {Buckets: classic(0, 1, 3, 1e9, 5, 2e9, 1, inf, 0)},
		"negative bounds":  {Buckets: classic(-inf, -10, 1, 0, 2, 10, 3, inf, 4)},
		"many":             {Buckets: many},
		"native":           {Native: true, Buckets: []Bucket{{-4, -2, 1, false}, {-1e-9, 1e-9, 3, true}, {1, 2, 4, false}, {1e6, 2e6, 1, false}}},
		"only zero":        {Native: true, Buckets: []Bucket{{-0.1, 0.1, 3, true}}},
		"a threshold of 0": {Native: true, Buckets: []Bucket{{0, 0, 3, true}}},
		"to infinity":      {Native: true, Buckets: []Bucket{{1, 2, 3, false}, {math.MaxFloat64, inf, 3, false}}},
		"float counts":     {Buckets: classic(0, 1, .5, 2, inf, 3, math.NaN(), inf, 1)},
	} {
		c := NewChart(d)
		if len(c.Bars) == 0 || len(c.Bars) > maxBars || !strings.HasPrefix(c.Label, "Distribution of ") {
			t.Errorf("%s: %d bars, %q", name, len(c.Bars), c.Label)
		}
		for _, b := range c.Bars {
			var n [4]float64
			for i, text := range []string{b.X, b.Width, b.Y, b.Height} {
				v, err := strconv.ParseFloat(text, 64)
				if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Errorf("%s: a bar %+v", name, b)
				}
				n[i] = v
			}
			if n[0]+n[1] > chartWidth+1 || n[2]+n[3] > chartHeight+0.2 || n[1] == 0 {
				t.Errorf("%s: a bar outside %+v", name, b)
			}
		}
	}
	if c := NewChart(Distribution{Buckets: classic(0, 1, 0, inf, 0)}); len(c.Bars) != 0 {
		t.Errorf("without observations: %+v", c)
	}
}

func TestTheChartIsDescribedInASentence(t *testing.T) {
	d := Distribution{Family: "m_seconds", Count: 17, Buckets: classic(0, .25, 3, .5, 14, inf, 0)}
	want := "Distribution of 17 observations over 3 buckets; the fullest, 250 ms to 500 ms, holds 14."
	if got := NewChart(d).Label; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestTheTableOfBucketsIsBounded(t *testing.T) {
	d := Distribution{Native: true}
	for i := range 1000 {
		d.Buckets = append(d.Buckets, Bucket{Lower: float64(i), Upper: float64(i + 1), Count: 1})
	}
	rows, more := d.rows()
	if len(rows) != maxBucketRows || more != 1000-maxBucketRows || rows[1] != (BucketRow{"(1, 2]", "1", "2", false}) {
		t.Errorf("%d rows, %d more, %+v", len(rows), more, rows[1])
	}
}
