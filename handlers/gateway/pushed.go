package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// metrics serves all groupings as JSON, in Pushgateway's shape: numbers are
// strings, families are beside the two fixed keys of a grouping.
func (h *Handler) metrics(c *fiber.Ctx) error {
	limit, err := h.web.Scope(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	p := h.store.Snapshot()
	return web.Stream(c, func(w io.Writer) (int64, error) {
		counted := &web.CountingWriter{W: w}
		out := bufio.NewWriterSize(counted, web.WriteSize)
		err := writePushed(out, web.GroupingsWithin(p, store.Selectors{}, limit))
		if err == nil {
			err = out.Flush()
		}
		return counted.N, err
	})
}

func writePushed(w io.Writer, groups iter.Seq[*store.Grouping]) error {
	if _, err := io.WriteString(w, `{"status":"success","data":[`); err != nil {
		return err
	}
	comma := ""
	for g := range groups {
		group, err := pushedGroup(g)
		if err != nil {
			return err
		}
		b, err := json.Marshal(group)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", comma, b); err != nil {
			return err
		}
		comma = ","
	}
	_, err := io.WriteString(w, "]}")
	return err
}

// The keys of a grouping that are no families.
const (
	pushedLabels     = "labels"
	pushedSuccessful = "last_push_successful"
)

func pushedGroup(g *store.Grouping) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range append(g.Families(), g.PushTimes()...) {
		if f.Name == pushedLabels || f.Name == pushedSuccessful {
			continue
		}
		family, err := pushedFamily(f)
		if err != nil {
			return nil, err
		}
		out[f.Name] = family
	}
	out[pushedLabels] = LabelMap(g.Key.Labels())
	out[pushedSuccessful] = g.LastPushSuccessful()
	return out, nil
}

type familyJSON struct {
	Time    time.Time        `json:"time_stamp"`
	Type    string           `json:"type"`
	Help    string           `json:"help,omitempty"`
	Metrics []map[string]any `json:"metrics"`
}

var pushedTypes = map[exposition.Type]dto.MetricType{
	exposition.Untyped: dto.MetricType_UNTYPED, exposition.Counter: dto.MetricType_COUNTER,
	exposition.Gauge: dto.MetricType_GAUGE, exposition.Summary: dto.MetricType_SUMMARY,
	exposition.Histogram: dto.MetricType_HISTOGRAM, exposition.GaugeHistogram: dto.MetricType_GAUGE_HISTOGRAM,
}

func pushedFamily(f store.GroupingFamily) (familyJSON, error) {
	metrics, err := exposition.Metrics(f.Name, f.Type, f.Chunk)
	if err != nil {
		return familyJSON{}, err
	}
	out := familyJSON{Time: f.Changed.UTC(), Type: pushedTypes[f.Type].String(), Help: f.Help, Metrics: make([]map[string]any, len(metrics))}
	for i, m := range metrics {
		out.Metrics[i] = pushedMetric(m)
	}
	for l := range f.LooseLines() {
		out.Metrics = append(out.Metrics, looseMetric(l))
	}
	return out, nil
}

// looseMetric is a sample that belongs to no histogram or summary, although it
// is named like one. Its name is among its labels.
func looseMetric(l *exposition.Line) map[string]any {
	labels := map[string]string{model.MetricNameLabel: exposition.Unescape(l.Name)}
	for _, x := range l.Labels {
		labels[exposition.Unescape(x.Name)] = exposition.Unescape(x.Value)
	}
	value, _ := strconv.ParseFloat(string(l.Value), 64)
	return map[string]any{"labels": labels, "value": Number(value)}
}

func pushedMetric(m *dto.Metric) map[string]any {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	out := map[string]any{"labels": labels}
	switch {
	case m.Summary != nil:
		quantiles := map[string]string{}
		for _, q := range m.Summary.Quantile {
			quantiles[Number(q.GetQuantile())] = Number(q.GetValue())
		}
		out["quantiles"] = quantiles
		out["count"] = Observations(m.Summary.GetSampleCount(), nil)
		out["sum"] = Number(m.Summary.GetSampleSum())
	case m.Histogram != nil:
		out["buckets"] = pushedBuckets(m.Histogram)
		out["count"] = Observations(m.Histogram.GetSampleCount(), m.Histogram.SampleCountFloat)
		out["sum"] = Number(m.Histogram.GetSampleSum())
	case m.Gauge != nil:
		out["value"] = Number(m.Gauge.GetValue())
	case m.Counter != nil:
		out["value"] = Number(m.Counter.GetValue())
	default:
		out["value"] = Number(m.Untyped.GetValue())
	}
	return out
}

// Number is a value as the API writes it.
func Number(v float64) string { return fmt.Sprint(v) }

// Observations is a number of observations, which a float histogram has as a float.
func Observations(n uint64, float *float64) string {
	if float != nil && *float > 0 {
		return Number(*float)
	}
	return strconv.FormatUint(n, 10)
}

// pushedBuckets are cumulative counts by upper bound, or for a native
// histogram its buckets.
func pushedBuckets(h *dto.Histogram) any {
	if IsNative(h) {
		return nativeBuckets(h)
	}
	buckets := map[string]string{}
	for _, b := range h.Bucket {
		buckets[Number(b.GetUpperBound())] = Observations(b.GetCumulativeCount(), b.CumulativeCountFloat)
	}
	return buckets
}

// IsNative reports whether a histogram is a native one that has observations or could
// have.
func IsNative(h *dto.Histogram) bool {
	return h.Schema != nil && (len(h.PositiveSpan) > 0 || len(h.NegativeSpan) > 0 || h.GetZeroThreshold() > 0 || h.GetZeroCount() > 0 || h.GetZeroCountFloat() > 0)
}

// Which ends of a native bucket belong to it.
const (
	upperInclusive = iota
	lowerInclusive
	_ // neither
	bothInclusive
)

// nativeBuckets lists boundaries, lower, upper and count of each bucket that
// is not empty, in ascending order.
func nativeBuckets(h *dto.Histogram) [][4]any {
	out := [][4]any{}
	EachNative(h, h.NegativeSpan, h.NegativeDelta, h.NegativeCount, func(lower, upper float64, n string) {
		out = append(out, [4]any{lowerInclusive, Number(-upper), Number(-lower), n})
	})
	slices.Reverse(out)
	if n := Observations(h.GetZeroCount(), h.ZeroCountFloat); n != "0" {
		out = append(out, [4]any{bothInclusive, Number(-h.GetZeroThreshold()), Number(h.GetZeroThreshold()), n})
	}
	EachNative(h, h.PositiveSpan, h.PositiveDelta, h.PositiveCount, func(lower, upper float64, n string) {
		out = append(out, [4]any{upperInclusive, Number(lower), Number(upper), n})
	})
	return out
}

// EachNative walks the buckets of one side by rising distance from zero. They
// are deltas of counts, or counts themselves in a float histogram.
func EachNative(h *dto.Histogram, spans []*dto.BucketSpan, deltas []int64, counts []float64, f func(lower, upper float64, n string)) {
	index, i, total := 0, 0, int64(0)
	for _, s := range spans {
		index += int(s.GetOffset())
		for range s.GetLength() {
			lower, upper := nativeBound(h.GetSchema(), index-1), nativeBound(h.GetSchema(), index)
			switch {
			case i < len(counts):
				if counts[i] > 0 {
					f(lower, upper, Number(counts[i]))
				}
			case i < len(deltas):
				if total += deltas[i]; total > 0 {
					f(lower, upper, strconv.FormatInt(total, 10))
				}
			default:
				return
			}
			i++
			index++
		}
	}
}

// nativeBound is the upper bound of a native bucket: 2 to the power of
// index / 2^schema, exact wherever that is a whole number.
func nativeBound(schema int32, index int) float64 {
	if schema < 0 {
		return math.Ldexp(1, index<<-schema)
	}
	fraction := index & (1<<schema - 1)
	return math.Ldexp(math.Exp2(math.Ldexp(float64(fraction), -int(schema))), index>>schema)
}

// LabelMap returns labels by their names.
func LabelMap(labels []exposition.Label) map[string]string {
	m := make(map[string]string, len(labels))
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	return m
}
