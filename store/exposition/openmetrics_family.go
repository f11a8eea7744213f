package exposition

import (
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// omFamily is a family as OpenMetrics knows it.
type omFamily struct {
	mf                 *dto.MetricFamily
	typ                model.MetricType
	typed, helped, has bool // has samples
	metrics            map[string]*dto.Metric
}

// setType also gives the family the name that its samples have.
func (f *omFamily) setType(t model.MetricType) {
	f.typed, f.typ = true, t
	switch t {
	case model.MetricTypeCounter:
		f.mf.Type = dto.MetricType_COUNTER.Enum()
		f.mf.Name = proto.String(f.mf.GetName() + "_total")
	case model.MetricTypeInfo:
		f.mf.Type = dto.MetricType_GAUGE.Enum()
		f.mf.Name = proto.String(f.mf.GetName() + "_info")
	case model.MetricTypeGauge, model.MetricTypeStateset:
		f.mf.Type = dto.MetricType_GAUGE.Enum()
	case model.MetricTypeSummary:
		f.mf.Type = dto.MetricType_SUMMARY.Enum()
	case model.MetricTypeHistogram:
		f.mf.Type = dto.MetricType_HISTOGRAM.Enum()
	case model.MetricTypeGaugeHistogram:
		f.mf.Type = dto.MetricType_GAUGE_HISTOGRAM.Enum()
	}
}

// omSuffixes are those that the samples of a type have.
var omSuffixes = map[model.MetricType][]string{
	model.MetricTypeCounter:        {"_total", "_created"},
	model.MetricTypeInfo:           {"_info"},
	model.MetricTypeSummary:        {"", "_sum", "_count", "_created"},
	model.MetricTypeHistogram:      {"_bucket", "_sum", "_count", "_created"},
	model.MetricTypeGaugeHistogram: {"_bucket", "_gsum", "_gcount", "_sum", "_count", "_created"},
	model.MetricTypeGauge:          {""},
	model.MetricTypeStateset:       {""},
	model.MetricTypeUnknown:        {""},
}

func (f *omFamily) takes(suffix string) bool {
	for _, s := range omSuffixes[f.typ] {
		if s == suffix {
			return true
		}
	}
	return false
}

// checkValues refuses counters that were created, but never counted.
func (f *omFamily) checkValues() error {
	for _, m := range f.mf.GetMetric() {
		if m.Counter != nil && m.Counter.Value == nil {
			return refuse(ReasonType, 0, "a counter %s has a created timestamp, but no value", quoted(f.mf.GetName()))
		}
	}
	return nil
}

// single says that each sample of the family is a metric.
func (f *omFamily) single() bool {
	t := f.mf.GetType()
	return t == dto.MetricType_GAUGE || t == dto.MetricType_UNTYPED
}

// set puts a sample into its metric. It says false if its place is taken.
func (f *omFamily) set(m *dto.Metric, suffix string, bound *float64, value float64, e *dto.Exemplar) bool {
	switch f.mf.GetType() {
	case dto.MetricType_GAUGE:
		m.Gauge = &dto.Gauge{Value: &value}
		return true
	case dto.MetricType_UNTYPED:
		m.Untyped = &dto.Untyped{Value: &value}
		return true
	case dto.MetricType_COUNTER:
		if m.Counter == nil {
			m.Counter = &dto.Counter{}
		}
		if suffix == "_created" {
			return setCreated(&m.Counter.CreatedTimestamp, value)
		}
		m.Counter.Exemplar = e
		return setOnce(&m.Counter.Value, value)
	case dto.MetricType_SUMMARY:
		if m.Summary == nil {
			m.Summary = &dto.Summary{}
		}
		return setSummary(m.Summary, suffix, bound, value)
	default:
		if m.Histogram == nil {
			m.Histogram = &dto.Histogram{}
		}
		return setHistogram(m.Histogram, suffix, bound, value, e)
	}
}

func setSummary(s *dto.Summary, suffix string, bound *float64, value float64) bool {
	switch suffix {
	case "_created":
		return setCreated(&s.CreatedTimestamp, value)
	case "_sum":
		return setOnce(&s.SampleSum, value)
	case "_count":
		if s.SampleCount != nil || !isWhole(value) {
			return false
		}
		s.SampleCount = proto.Uint64(uint64(value))
		return true
	}
	s.Quantile = append(s.Quantile, &dto.Quantile{Quantile: bound, Value: &value})
	return true
}

func setHistogram(h *dto.Histogram, suffix string, bound *float64, value float64, e *dto.Exemplar) bool {
	switch suffix {
	case "_created":
		return setCreated(&h.CreatedTimestamp, value)
	case "_sum", "_gsum":
		return setOnce(&h.SampleSum, value)
	case "_count", "_gcount":
		if h.SampleCount != nil || h.SampleCountFloat != nil {
			return false
		}
		if isWhole(value) {
			h.SampleCount = proto.Uint64(uint64(value))
		} else {
			h.SampleCountFloat = &value
		}
		return true
	}
	b := &dto.Bucket{UpperBound: bound, Exemplar: e}
	if isWhole(value) {
		b.CumulativeCount = proto.Uint64(uint64(value))
	} else {
		b.CumulativeCountFloat = &value
	}
	h.Bucket = append(h.Bucket, b)
	return true
}

func isWhole(v float64) bool { return v >= 0 && v < 1<<53 && v == math.Trunc(v) }

func setOnce(field **float64, value float64) bool {
	if *field != nil {
		return false
	}
	*field = &value
	return true
}

func setCreated(field **timestamppb.Timestamp, seconds float64) bool {
	const most = 253402300799 // the end of the year 9999
	if *field != nil || !(seconds >= 0 && seconds <= most) {
		return false
	}
	whole, fraction := math.Modf(seconds)
	*field = timestamppb.New(time.Unix(int64(whole), int64(math.Round(fraction*1e9))))
	return true
}
