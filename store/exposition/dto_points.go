package exposition

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// addSingle adds a metric of one value with the labels in a.labels.
func (a *assembly) addSingle(n int, value float64, created *timestamppb.Timestamp, exemplars ...*dto.Exemplar) error {
	if err := a.checkExtras(&a.families[n], created, exemplars...); err != nil {
		return err
	}
	return a.addLine(n, a.labels, number{float: value}, 0)
}

// addSummary adds a summary with the labels in a.labels.
func (a *assembly) addSummary(n int, s *dto.Summary) (lossy bool, err error) {
	f := &a.families[n]
	if err := a.checkExtras(f, s.CreatedTimestamp); err != nil {
		return false, err
	}
	series, err := a.newSeries(n)
	if err != nil {
		return false, err
	}
	for _, q := range s.GetQuantile() {
		if err := a.dtoPoint(n, series, partBound, q.GetQuantile(), q.GetValue()); err != nil {
			return false, err
		}
	}
	if err := a.dtoPoint(n, series, partSum, 0, s.GetSampleSum()); err != nil {
		return false, err
	}
	err = a.dtoPoint(n, series, partCount, 0, float64(s.GetSampleCount()))
	return s.CreatedTimestamp != nil || inexact(s.GetSampleCount()), err
}

// addHistogram adds a histogram with the labels in a.labels. Its text has the
// classic buckets only; of a native histogram that is +Inf alone. As every reader
// of protobuf does, it adds a +Inf bucket where there is none.
func (a *assembly) addHistogram(n int, h *dto.Histogram) (lossy bool, err error) {
	f := &a.families[n]
	if err := a.checkExtras(f, h.CreatedTimestamp, h.GetExemplars()...); err != nil {
		return false, err
	}
	if err := checkNative(f, h); err != nil {
		return false, err
	}
	series, err := a.newSeries(n)
	if err != nil {
		return false, err
	}
	count := observations(h)
	a.series[series].native = isNative(h) && isObservations(count)
	lossy = h.CreatedTimestamp != nil || len(h.Exemplars) > 0 || hasNative(h) || inexact(h.GetSampleCount()) || h.SampleCountFloat != nil
	whole := false
	for _, b := range h.GetBucket() {
		if err := a.checkExtras(f, nil, b.Exemplar); err != nil {
			return false, err
		}
		whole = whole || math.IsInf(b.GetUpperBound(), 1)
		lossy = lossy || b.Exemplar != nil || b.CumulativeCountFloat != nil || inexact(b.GetCumulativeCount())
		if err := a.dtoPoint(n, series, partBound, b.GetUpperBound(), floatOr(b.CumulativeCountFloat, b.GetCumulativeCount())); err != nil {
			return false, err
		}
	}
	if !whole {
		if err := a.dtoPoint(n, series, partBound, math.Inf(1), count); err != nil {
			return false, err
		}
	}
	if err := a.dtoPoint(n, series, partSum, 0, h.GetSampleSum()); err != nil {
		return false, err
	}
	return lossy, a.dtoPoint(n, series, partCount, 0, count)
}

// observations returns the count of a histogram. One that lacks it leaves it to
// its highest bucket.
func observations(h *dto.Histogram) float64 {
	if !lacksCount(h) || len(h.Bucket) == 0 {
		return floatOr(h.SampleCountFloat, h.GetSampleCount())
	}
	highest := slices.MaxFunc(h.Bucket, byBound)
	return floatOr(highest.CumulativeCountFloat, highest.GetCumulativeCount())
}

func byBound(x, y *dto.Bucket) int { return cmp.Compare(x.GetUpperBound(), y.GetUpperBound()) }

// isNative reports whether Prometheus takes h for a native histogram, which comes
// with its classic buckets only if somebody asks for them.
func isNative(h *dto.Histogram) bool {
	return len(h.PositiveSpan) > 0 || len(h.NegativeSpan) > 0 || h.GetZeroThreshold() > 0 || h.GetZeroCount() > 0
}

// lacksCount says whether a classic histogram leaves its count to its buckets.
func lacksCount(h *dto.Histogram) bool {
	return h.SampleCount == nil && h.SampleCountFloat == nil && !hasNative(h)
}

// floatOr returns what a pair of fields says, of which the float wins unless it
// is zero.
func floatOr(f *float64, n uint64) float64 {
	if f != nil && *f != 0 {
		return *f
	}
	return float64(n)
}

// newSeries opens the histogram or summary that has the labels in a.labels.
func (a *assembly) newSeries(n int) (int, error) {
	f := &a.families[n]
	for _, l := range a.labels {
		if string(l.name) == f.typ.boundLabel() {
			return 0, refuse(ReasonType, 0, "metric %s: a %s can't have a label %s", quoted(f.name), f.typ, quoted(l.name))
		}
	}
	series, fresh, err := a.openSeries(n, a.labels, 0)
	if err == nil && !fresh && !f.drop {
		err = refuse(ReasonDuplicate, 0, "%s %s is duplicated", f.typ, quoted(a.seriesText(f, &a.series[series])))
	}
	return series, err
}

func (a *assembly) dtoPoint(n, series int, part samplePart, bound, value float64) error {
	f := &a.families[n]
	if math.IsNaN(bound) {
		label := asmLabel{name: []byte(f.typ.boundLabel())}
		label.text = appendLabel(nil, label.name, "NaN")
		at, _ := slices.BinarySearchFunc(a.labels, label, func(x, y asmLabel) int { return compareNames(x.name, y.name) })
		return a.addLoose(n, []byte(f.typ.boundSuffix()), slices.Insert(slices.Clone(a.labels), at, label), number{float: value}, 0)
	}
	if err := a.sample(f, 0); err != nil {
		return err
	}
	a.addPoint(series, part, number{float: bound}, number{float: value}, 0)
	return nil
}

// checkExtras checks what the text format can't say and is kept beside it.
func (a *assembly) checkExtras(f *asmFamily, created *timestamppb.Timestamp, exemplars ...*dto.Exemplar) error {
	if created != nil && !created.IsValid() {
		return refuse(ReasonValue, 0, "metric %s: invalid created timestamp", quoted(f.name))
	}
	for _, e := range exemplars {
		if e == nil {
			continue
		}
		if e.Timestamp != nil && !e.Timestamp.IsValid() {
			return refuse(ReasonValue, 0, "metric %s: invalid timestamp of an exemplar", quoted(f.name))
		}
		for _, l := range e.GetLabel() {
			if l.GetName() == "" || !utf8.ValidString(l.GetName()) || !utf8.ValidString(l.GetValue()) {
				return refuse(ReasonValue, 0, "metric %s: invalid label %s of an exemplar", quoted(f.name), quoted(l.GetName()))
			}
		}
	}
	return nil
}

// hasNative says whether anything in h is of native histograms only.
func hasNative(h *dto.Histogram) bool {
	return h.Schema != nil || h.ZeroThreshold != nil || h.ZeroCount != nil || h.ZeroCountFloat != nil ||
		len(h.PositiveSpan)+len(h.NegativeSpan)+len(h.PositiveDelta)+len(h.NegativeDelta)+len(h.PositiveCount)+len(h.NegativeCount) > 0
}

// checkNative holds a native histogram to what Prometheus accepts: one that is
// inconsistent would cost it the whole scrape.
func checkNative(f *asmFamily, h *dto.Histogram) error {
	if !hasNative(h) {
		return nil
	}
	if max(len(h.PositiveDelta), len(h.NegativeDelta), len(h.PositiveCount), len(h.NegativeCount), len(h.PositiveSpan), len(h.NegativeSpan)) > maxDecodeBuckets {
		return refuse(ReasonLimit, 0, "metric %s: more than %d buckets in a native histogram", quoted(f.name), maxDecodeBuckets)
	}
	if zero := h.GetZeroThreshold(); !(zero >= 0 && !math.IsInf(zero, 1)) {
		return refuse(ReasonType, 0, "metric %s: zero threshold %v in a native histogram", quoted(f.name), zero)
	}
	if !histogram.IsExponentialSchema(h.GetSchema()) {
		return refuse(ReasonType, 0, "metric %s: unknown schema %d of a native histogram", quoted(f.name), h.GetSchema())
	}
	if len(h.PositiveSpan)+len(h.NegativeSpan) == 0 && h.GetZeroThreshold() == 0 && h.GetZeroCount() == 0 && h.GetZeroCountFloat() == 0 {
		if len(h.PositiveDelta)+len(h.NegativeDelta)+len(h.PositiveCount)+len(h.NegativeCount) > 0 {
			return refuse(ReasonType, 0, "metric %s: a native histogram has buckets, but no spans", quoted(f.name))
		}
		return nil // readers take it for a classic one
	}
	var err error
	if h.GetSampleCountFloat() > 0 || h.GetZeroCountFloat() > 0 || len(h.PositiveCount)+len(h.NegativeCount) > 0 {
		err = floatHistogram(h).Validate()
		if err == nil && len(h.PositiveDelta)+len(h.NegativeDelta) > 0 {
			return refuse(ReasonType, 0, "metric %s: a native histogram has both deltas and float counts", quoted(f.name))
		}
	} else {
		err = intHistogram(h).Validate()
	}
	if err != nil {
		return refuse(ReasonType, 0, "metric %s: inconsistent native histogram: %v", quoted(f.name), err)
	}
	return nil
}

func intHistogram(h *dto.Histogram) *histogram.Histogram {
	return &histogram.Histogram{
		Schema: h.GetSchema(), ZeroThreshold: h.GetZeroThreshold(), ZeroCount: h.GetZeroCount(), Count: h.GetSampleCount(), Sum: h.GetSampleSum(),
		PositiveSpans: nativeSpans(h.PositiveSpan), PositiveBuckets: h.PositiveDelta,
		NegativeSpans: nativeSpans(h.NegativeSpan), NegativeBuckets: h.NegativeDelta,
	}
}

func floatHistogram(h *dto.Histogram) *histogram.FloatHistogram {
	return &histogram.FloatHistogram{
		Schema: h.GetSchema(), ZeroThreshold: h.GetZeroThreshold(), ZeroCount: h.GetZeroCountFloat(), Count: h.GetSampleCountFloat(), Sum: h.GetSampleSum(),
		PositiveSpans: nativeSpans(h.PositiveSpan), PositiveBuckets: h.PositiveCount,
		NegativeSpans: nativeSpans(h.NegativeSpan), NegativeBuckets: h.NegativeCount,
	}
}

func nativeSpans(spans []*dto.BucketSpan) []histogram.Span {
	native := make([]histogram.Span, len(spans))
	for i, s := range spans {
		native[i] = histogram.Span{Offset: s.GetOffset(), Length: s.GetLength()}
	}
	return native
}
