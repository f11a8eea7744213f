package groupings

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gatehouse/views/ui"
)

// Bucket counts the observations above Lower, up to Upper. The bounds may be
// infinite.
type Bucket struct {
	Lower, Upper, Count float64
	Zero                bool // of a native histogram: what is as good as zero
}

// Distribution is the content of a histogram.
type Distribution struct {
	Family     string // its name shows the unit
	Count, Sum float64
	Native     bool
	Buckets    []Bucket // ascending; of a native histogram only the filled ones
}

// Average of all observations; NaN without any.
func (d Distribution) Average() float64 { return d.Sum / d.Count }

// Estimate is the position of a quantile. Beyond the last finite bound only
// that is known, and which side of it.
type Estimate struct {
	Value float64
	Side  int // 0: about there; 1: above; -1: at or below
}

// Quantile estimates a quantile as histogram_quantile does. It is false where
// nothing can be said.
func (d Distribution) Quantile(q float64) (Estimate, bool) {
	total := 0.0
	for _, b := range d.Buckets {
		total += b.Count
	}
	if !(total > 0) || math.IsInf(total, 0) {
		return Estimate{}, false
	}
	rank, below := q*total, 0.0
	for i, b := range d.Buckets {
		if b.Count <= 0 || below+b.Count < rank && i < len(d.Buckets)-1 {
			below += b.Count
			continue
		}
		return d.within(b, min(max((rank-below)/b.Count, 0), 1), i == 0)
	}
	return Estimate{}, false
}

// within finds the place in a bucket below which that part of its observations
// lies.
func (d Distribution) within(b Bucket, part float64, first bool) (Estimate, bool) {
	switch {
	case math.IsInf(b.Upper, 1):
		return Estimate{b.Lower, 1}, !math.IsInf(b.Lower, 0)
	case math.IsInf(b.Lower, -1):
		return Estimate{b.Upper, -1}, true
	case b.Zero && first:
		return Estimate{b.Upper * part, 0}, true
	case d.Native && !b.Zero:
		// The bounds of native buckets grow exponentially.
		return Estimate{b.Lower * math.Pow(b.Upper/b.Lower, part), 0}, true
	}
	return Estimate{b.Lower + (b.Upper-b.Lower)*part, 0}, true
}

// quantiles are those that are estimated.
var quantiles = []float64{0.5, 0.9, 0.99}

// estimate is a quantile in words.
func (d Distribution) estimate(q float64) string {
	e, ok := d.Quantile(q)
	if !ok {
		return "–"
	}
	return [...]string{"≤ ", "≈ ", "> "}[e.Side+1] + Approximate(d.Family, e.Value)
}

// The chart is so large in units of its own; it is stretched to the page.
const (
	chartWidth  = 600
	chartHeight = 80
	maxBars     = 120 // more could not be distinguished
)

// Chart is the picture of a distribution.
type Chart struct {
	Bars        []ui.Bar
	Label       string // says in a sentence what is to be seen
	First, Last string // the ends of the axis
	Log         bool
}

// NewChart draws a distribution. Without any observation it has no bars.
func NewChart(d Distribution) Chart {
	buckets := joined(d.Buckets)
	highest := 0.0
	for _, b := range buckets {
		if b.Count > highest && !math.IsInf(b.Count, 1) {
			highest = b.Count
		}
	}
	if highest == 0 {
		return Chart{}
	}
	spans, log := spread(buckets, d.Native)
	c := Chart{Log: log, Label: d.sentence()}
	c.First, c.Last = d.ends()
	left, right := spans[0][0], spans[len(spans)-1][1]
	scale := chartWidth / (right - left)
	for i, b := range buckets {
		if !(b.Count > 0) {
			continue
		}
		// Neighbours are separated by a gap, and the smallest are still seen.
		x, width := (spans[i][0]-left)*scale, (spans[i][1]-spans[i][0])*scale
		height := max(min(b.Count/highest, 1)*chartHeight, 1.5)
		c.Bars = append(c.Bars, ui.Bar{
			X: coordinate(x), Width: coordinate(max(width*0.92, width-2, 1)), Y: coordinate(chartHeight - height), Height: coordinate(height),
			Title: d.interval(b) + ": " + ui.ShortNumber(b.Count), Zero: b.Zero,
		})
	}
	return c
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// joined puts neighbours together until there are not too many.
func joined(buckets []Bucket) []Bucket {
	for len(buckets) > maxBars {
		var half []Bucket
		for pair := range slices.Chunk(buckets, 2) {
			b := pair[0]
			if len(pair) == 2 {
				b.Upper, b.Count = pair[1].Upper, b.Count+max(pair[1].Count, 0)
				b.Zero = b.Zero || pair[1].Zero
			}
			half = append(half, b)
		}
		buckets = half
	}
	return buckets
}

// spread says from where to where each bucket reaches on the axis, and whether
// the axis is logarithmic.
func spread(buckets []Bucket, native bool) (spans [][2]float64, log bool) {
	place := func(x float64) float64 { return x }
	if log = native || geometric(buckets); log {
		place = logarithmic(buckets)
	}
	width, finite := 0.0, 0.0
	for _, b := range buckets {
		if !math.IsInf(b.Lower, 0) && !math.IsInf(b.Upper, 0) {
			width, finite = width+place(b.Upper)-place(b.Lower), finite+1
		}
	}
	if width = width / finite; !(width > 0) || math.IsInf(width, 0) {
		return ordinal(buckets), false
	}
	for _, b := range buckets {
		lower, upper := place(b.Lower), place(b.Upper)
		if math.IsInf(b.Lower, 0) {
			lower = upper - width
		}
		if math.IsInf(b.Upper, 0) {
			upper = place(b.Lower) + width
		}
		spans = append(spans, [2]float64{lower, upper})
	}
	// Where some would be too thin to be seen, all are the same.
	whole := spans[len(spans)-1][1] - spans[0][0]
	for _, s := range spans {
		if !native && !(s[1]-s[0] > whole/200) {
			return ordinal(buckets), false
		}
	}
	return spans, log
}

func ordinal(buckets []Bucket) [][2]float64 {
	spans := make([][2]float64, len(buckets))
	for i := range buckets {
		spans[i] = [2]float64{float64(i), float64(i + 1)}
	}
	return spans
}

// geometric reports whether positive bounds grow by about the same factor: as
// much as 1, 2.5, 5, 10 do.
func geometric(buckets []Bucket) bool {
	var factors []float64
	for _, b := range buckets {
		switch {
		case math.IsInf(b.Upper, 1) || b.Lower == 0:
		case b.Lower < 0 || math.IsInf(b.Lower, -1):
			return false
		default:
			factors = append(factors, b.Upper/b.Lower)
		}
	}
	return len(factors) >= 3 && slices.Min(factors) >= 1.3 && slices.Max(factors) <= 3*slices.Min(factors)
}

// logarithmic returns a scale for bounds of both signs. Around zero it gives
// what lies below the smallest bound the place of one bucket.
func logarithmic(buckets []Bucket) func(float64) float64 {
	least, largest, n := math.Inf(1), 0.0, 0.0
	for _, b := range buckets {
		n++
		for _, x := range []float64{math.Abs(b.Lower), math.Abs(b.Upper)} {
			if x > 0 && !math.IsInf(x, 0) && !b.Zero {
				least, largest = min(least, x), max(largest, x)
			}
		}
	}
	gap := max(math.Log(largest/least)/n, 0.1)
	if math.IsInf(least, 1) { // nothing but zeros
		least, gap = 1, 1
	}
	return func(x float64) float64 {
		switch {
		case x == 0:
			return 0
		case math.Abs(x) < least: // the bounds of the zero bucket
			return math.Copysign(gap, x)
		}
		return math.Copysign(gap+math.Log(math.Abs(x)/least), x)
	}
}

// interval is a bucket in words.
func (d Distribution) interval(b Bucket) string {
	switch {
	case b.Zero:
		return "zero, up to ±" + Approximate(d.Family, b.Upper)
	case math.IsInf(b.Lower, -1):
		return "up to " + Approximate(d.Family, b.Upper)
	case math.IsInf(b.Upper, 1):
		return "above " + Approximate(d.Family, b.Lower)
	}
	return Approximate(d.Family, b.Lower) + " to " + Approximate(d.Family, b.Upper)
}

// ends are the lower and the upper end of the axis.
func (d Distribution) ends() (first, last string) {
	a, z := d.Buckets[0], d.Buckets[len(d.Buckets)-1]
	first, last = Approximate(d.Family, a.Lower), Approximate(d.Family, z.Upper)
	if a.Zero {
		first = "0"
	}
	return first, last
}

// sentence describes it to people who don't see the chart.
func (d Distribution) sentence() string {
	most := slices.MaxFunc(d.Buckets, func(a, b Bucket) int {
		switch {
		case a.Count > b.Count:
			return 1
		case a.Count < b.Count:
			return -1
		}
		return 0
	})
	return fmt.Sprintf("Distribution of %s observations over %d buckets; the fullest, %s, holds %s.",
		ui.ShortNumber(d.Count), len(d.Buckets), d.interval(most), ui.ShortNumber(most.Count))
}

// maxBucketRows bounds the table of a histogram.
const maxBucketRows = 300

// BucketRow is a line of the table of a histogram.
type BucketRow struct {
	Bound, Count, Cumulative string
	Zero                     bool
}

// rows are the lines of the table, and how many more there would be.
func (d Distribution) rows() (rows []BucketRow, more int) {
	sum := 0.0
	for i, b := range d.Buckets {
		if i == maxBucketRows {
			return rows, len(d.Buckets) - i
		}
		sum += b.Count
		bound := ui.FullNumber(b.Upper)
		if d.Native {
			bound = "(" + ui.Significant(b.Lower, 4) + ", " + ui.Significant(b.Upper, 4) + "]"
		}
		if d.Native && b.Upper <= 0 { // the end away from zero belongs to it
			bound = "[" + ui.Significant(b.Lower, 4) + ", " + ui.Significant(b.Upper, 4) + ")"
		}
		if b.Zero {
			bound = "±" + ui.Significant(b.Upper, 4)
		}
		rows = append(rows, BucketRow{bound, ui.ShortNumber(b.Count), ui.ShortNumber(sum), b.Zero})
	}
	return rows, 0
}
