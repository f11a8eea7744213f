package groupings

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
)

// samples turns a part of a family's chunk into what pages show.
func (v *detailView) samples(f store.GroupingFamily, part exposition.Chunk) ([]views.Sample, error) {
	metrics, err := exposition.Metrics(f.Name, f.Type, part)
	if err != nil {
		return nil, err
	}
	out := make([]views.Sample, len(metrics))
	for i, m := range metrics {
		out[i] = sampleOf(f.Name, m)
		out[i].Labels = ownLabels(v.group.Key, m.GetLabel())
	}
	for l := range part.LooseLines() {
		out = append(out, v.looseSample(f, l))
	}
	return out, nil
}

// looseSample is a line that belongs to no histogram or summary, although it is
// called so.
func (v *detailView) looseSample(f store.GroupingFamily, l *exposition.Line) views.Sample {
	var pairs []*dto.LabelPair
	for _, x := range l.Labels {
		name, value := exposition.Unescape(x.Name), exposition.Unescape(x.Value)
		pairs = append(pairs, &dto.LabelPair{Name: &name, Value: &value})
	}
	value, _ := strconv.ParseFloat(string(l.Value), 64)
	return views.Sample{
		Name: web.Shorten(exposition.Unescape(l.Name), maxShownName), Labels: ownLabels(v.group.Key, pairs), Value: views.NewValue(f.Name, value),
	}
}

// ownLabels are those that the grouping does not give. An empty one is as good
// as none.
func ownLabels(k store.GroupingKey, labels []*dto.LabelPair) []views.Label {
	var own []views.Label
	for _, l := range labels {
		fromKey := slices.ContainsFunc(k.Labels(), func(of exposition.Label) bool { return of.Name == l.GetName() })
		if !fromKey && l.GetValue() != "" {
			own = append(own, views.Label{Name: web.Shorten(l.GetName(), maxShownLabel), Value: web.Shorten(l.GetValue(), maxShownLabel)})
		}
	}
	return own
}

func sampleOf(family string, m *dto.Metric) views.Sample {
	switch {
	case m.Summary != nil:
		s := &views.Summary{Count: float64(m.Summary.GetSampleCount()), Sum: m.Summary.GetSampleSum()}
		for _, q := range m.Summary.Quantile {
			s.Quantiles = append(s.Quantiles, views.Quantile{Rank: gateway.Number(q.GetQuantile()), Value: views.NewValue(family, q.GetValue())})
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
	d := views.Distribution{Count: float64(h.GetSampleCount()), Sum: h.GetSampleSum(), Native: gateway.IsNative(h)}
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
	gateway.EachNative(h, h.NegativeSpan, h.NegativeDelta, h.NegativeCount, func(lower, upper float64, n string) {
		out = append(out, views.Bucket{Lower: -upper, Upper: -lower, Count: countOfText(n)})
	})
	slices.Reverse(out)
	if n := countOfText(gateway.Observations(h.GetZeroCount(), h.ZeroCountFloat)); n > 0 {
		out = append(out, views.Bucket{Lower: -h.GetZeroThreshold(), Upper: h.GetZeroThreshold(), Count: n, Zero: true})
	}
	gateway.EachNative(h, h.PositiveSpan, h.PositiveDelta, h.PositiveCount, func(lower, upper float64, n string) {
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
// counts all. A histogram or a summary is one metric, and so is each loose line
// behind them.
func cutMetrics(f store.GroupingFamily, from, n int) (part exposition.Chunk, total int) {
	regular := len(f.Text) - int(f.Loose)
	var starts []int
	var end int
	if f.Proto != nil {
		starts, end = fieldStarts(f.Proto)
	} else {
		starts, end = metricStarts(f, f.Text[:regular])
	}
	loose, looseEnd := lineStarts(f.Text[regular:])
	total = len(starts) + len(loose)
	from = min(from, total)
	a, z := span(append(starts, end), from, n)
	x, y := span(append(loose, looseEnd), from-len(starts), n)
	tail := f.Text[regular+x : regular+y]
	if f.Proto != nil {
		return exposition.Chunk{Text: tail, Loose: uint32(len(tail)), Proto: f.Proto[a:z:z], UTF8: f.UTF8}, total
	}
	return exposition.Chunk{Text: slices.Concat(f.Text[a:z], tail), Loose: uint32(len(tail)), UTF8: f.UTF8}, total
}

// span returns where n things begin and end, from one of them on, which may lie
// before the first. The last of the starts is where all of them end.
func span(starts []int, from, n int) (a, z int) {
	last := len(starts) - 1
	return starts[min(max(from, 0), last)], starts[min(max(from+n, 0), last)]
}

// metricStarts is where the metrics of regular text begin, and where the last one
// ends.
func metricStarts(f store.GroupingFamily, text []byte) (starts []int, end int) {
	composite := f.Type == exposition.Histogram || f.Type == exposition.GaugeHistogram || f.Type == exposition.Summary
	last := []byte("_count")
	for l := range exposition.Lines(text) {
		if starts == nil || !composite {
			starts = append(starts, end)
		}
		end += len(l.Series) + len(" ") + len(l.Value) + len("\n")
		// The count is the last line of each.
		if composite && bytes.HasSuffix(l.Name, last) && len(exposition.Unescape(l.Name)) == len(f.Name)+len(last) && end < len(text) {
			starts = append(starts, end)
		}
	}
	return starts, end
}

// lineStarts is where lines begin, and where the last one ends.
func lineStarts(text []byte) (starts []int, end int) {
	for line := range bytes.Lines(text) {
		starts = append(starts, end)
		end += len(line)
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
