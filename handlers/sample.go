package handlers

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/views"
)

// samples turns a part of a family's chunk into what pages show.
func (v *detailView) samples(f store.GroupFamily, part exposition.Chunk) ([]views.Sample, error) {
	metrics, err := exposition.Metrics(f.Name, f.Type, part)
	if err != nil {
		return nil, err
	}
	out := make([]views.Sample, len(metrics))
	for i, m := range metrics {
		out[i] = sampleOf(f.Name, m)
		out[i].Labels = ownLabels(v.group.Key, m)
	}
	return out, nil
}

// ownLabels are those that the grouping does not give. An empty one is as good
// as none.
func ownLabels(k store.GroupingKey, m *dto.Metric) []views.Label {
	var own []views.Label
	for _, l := range m.GetLabel() {
		fromKey := slices.ContainsFunc(k.Labels(), func(of exposition.Label) bool { return of.Name == l.GetName() })
		if !fromKey && l.GetValue() != "" {
			own = append(own, views.Label{Name: shorten(l.GetName(), maxShownLabel), Value: shorten(l.GetValue(), maxShownLabel)})
		}
	}
	return own
}

func sampleOf(family string, m *dto.Metric) views.Sample {
	switch {
	case m.Summary != nil:
		s := &views.Summary{Count: float64(m.Summary.GetSampleCount()), Sum: m.Summary.GetSampleSum()}
		for _, q := range m.Summary.Quantile {
			s.Quantiles = append(s.Quantiles, views.Quantile{Rank: number(q.GetQuantile()), Value: views.NewValue(family, q.GetValue())})
		}
		return views.Sample{Summary: s}
	case m.Histogram != nil:
		d := distribution(m.Histogram)
		d.Family = family
		return views.Sample{Histogram: &d}
	case m.Gauge != nil:
		return views.Sample{Value: views.NewValue(family, m.Gauge.GetValue())}
	case m.Counter != nil:
		return views.Sample{Value: views.NewValue(family, m.Counter.GetValue())}
	}
	return views.Sample{Value: views.NewValue(family, m.Untyped.GetValue())}
}

// distribution takes a histogram apart, whichever kind it is.
func distribution(h *dto.Histogram) views.Distribution {
	d := views.Distribution{Count: float64(h.GetSampleCount()), Sum: h.GetSampleSum(), Native: isNative(h)}
	if h.GetSampleCountFloat() > 0 {
		d.Count = h.GetSampleCountFloat()
	}
	if d.Native {
		d.Buckets = nativeDistribution(h)
	} else {
		d.Buckets = classicBuckets(h.Bucket, d.Count)
	}
	return d
}

// classicBuckets undoes the counting up. Counts that go down count nothing.
// Protobuf may leave out the last bucket, which holds all that were observed.
func classicBuckets(buckets []*dto.Bucket, observed float64) []views.Bucket {
	out := make([]views.Bucket, len(buckets), len(buckets)+1)
	lower, below := math.Inf(-1), 0.0
	for i, b := range buckets {
		upper, sum := b.GetUpperBound(), float64(b.GetCumulativeCount())
		if b.GetCumulativeCountFloat() > 0 {
			sum = b.GetCumulativeCountFloat()
		}
		if i == 0 && upper > 0 && !math.IsInf(upper, 1) {
			lower = 0 // as Prometheus assumes
		}
		out[i] = views.Bucket{Lower: lower, Upper: upper, Count: max(sum-below, 0)}
		lower, below = upper, max(sum, below)
	}
	if !math.IsInf(lower, 1) {
		out = append(out, views.Bucket{Lower: lower, Upper: math.Inf(1), Count: max(observed-below, 0)})
	}
	return out
}

func nativeDistribution(h *dto.Histogram) []views.Bucket {
	var out []views.Bucket
	eachNative(h, h.NegativeSpan, h.NegativeDelta, h.NegativeCount, func(lower, upper float64, n string) {
		out = append(out, views.Bucket{Lower: -upper, Upper: -lower, Count: countOfText(n)})
	})
	slices.Reverse(out)
	if n := countOfText(count(h.GetZeroCount(), h.ZeroCountFloat)); n > 0 {
		out = append(out, views.Bucket{Lower: -h.GetZeroThreshold(), Upper: h.GetZeroThreshold(), Count: n, Zero: true})
	}
	eachNative(h, h.PositiveSpan, h.PositiveDelta, h.PositiveCount, func(lower, upper float64, n string) {
		out = append(out, views.Bucket{Lower: lower, Upper: upper, Count: countOfText(n)})
	})
	return out
}

func countOfText(n string) float64 {
	v, err := strconv.ParseFloat(n, 64)
	if err != nil {
		return 0
	}
	return v
}

// cutMetrics takes n metrics out of a family's chunk, from one of them on, and
// counts all. A histogram or a summary is one metric.
func cutMetrics(f store.GroupFamily, from, n int) (part exposition.Chunk, total int) {
	starts, end := metricStarts(f)
	total = len(starts)
	starts = append(starts, end)
	from = min(from, total)
	a, z := starts[from], starts[from+min(n, total-from)]
	if f.Proto != nil {
		return exposition.Chunk{Text: f.Text, Proto: f.Proto[a:z:z], UTF8: f.UTF8}, total
	}
	return exposition.Chunk{Text: f.Text[a:z:z], UTF8: f.UTF8}, total
}

// metricStarts is where the metrics of a chunk begin, in its Proto if it has
// one, else in its Text, and where the last one ends.
func metricStarts(f store.GroupFamily) (starts []int, end int) {
	if f.Proto != nil {
		return fieldStarts(f.Proto)
	}
	composite := f.Type == exposition.Histogram || f.Type == exposition.GaugeHistogram || f.Type == exposition.Summary
	last := []byte("_count")
	for l := range exposition.Lines(f.Text) {
		if starts == nil || !composite {
			starts = append(starts, end)
		}
		end += len(l.Series) + len(" ") + len(l.Value) + len("\n")
		// The count is the last line of each.
		if composite && bytes.HasSuffix(l.Name, last) && len(exposition.Unescape(l.Name)) == len(f.Name)+len(last) && end < len(f.Text) {
			starts = append(starts, end)
		}
	}
	return starts, end
}

func fieldStarts(wire []byte) (starts []int, end int) {
	for end < len(wire) {
		_, _, n := protowire.ConsumeField(wire[end:])
		if n < 0 {
			return starts, end
		}
		starts = append(starts, end)
		end += n
	}
	return starts, end
}
