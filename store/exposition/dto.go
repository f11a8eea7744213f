package exposition

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// FromDTO encodes a family of Prometheus' client model. It holds the family to
// the same rules as a pushed one; errors are *Error. A family without metrics
// comes back with its metadata only. Nothing of mf is kept.
func FromDTO(mf *dto.MetricFamily, o Options) (Family, error) {
	a := newAssembly(o, proto.Size(mf))
	defer a.release()
	if err := a.addDTO(mf); err != nil {
		return Family{}, err
	}
	families, err := a.finish()
	if err != nil {
		return Family{}, err
	}
	if len(families) == 0 {
		f := &a.families[0]
		return Family{Name: string(f.name), Type: f.typ, Help: string(f.help), Unit: string(f.unit)}, nil
	}
	return families[0], nil
}

// FromDTOs is FromDTO for several families of different names, at less cost. Those
// without metrics are left out; the result is sorted by name.
func FromDTOs(families []*dto.MetricFamily, o Options) ([]Family, error) {
	size := 0
	for _, mf := range families {
		size += proto.Size(mf)
	}
	a := newAssembly(o, size)
	defer a.release()
	return a.addAll(families)
}

// A family without a type is a counter in protobuf, as COUNTER is zero.
func typeFromDTO(t dto.MetricType) (Type, bool) {
	switch t {
	case dto.MetricType_COUNTER:
		return Counter, true
	case dto.MetricType_GAUGE:
		return Gauge, true
	case dto.MetricType_SUMMARY:
		return Summary, true
	case dto.MetricType_UNTYPED:
		return Untyped, true
	case dto.MetricType_HISTOGRAM:
		return Histogram, true
	case dto.MetricType_GAUGE_HISTOGRAM:
		return GaugeHistogram, true
	}
	return Untyped, false
}

// addDTO adds a whole family.
func (a *assembly) addDTO(mf *dto.MetricFamily) error {
	name := []byte(mf.GetName())
	legacy := isLegacyMetric(name)
	if len(name) > maxDecodeName {
		return refuse(ReasonName, 0, "metric name %s is longer than %d bytes", quoted(name), maxDecodeName)
	}
	if !checkName(name, legacy, a.options.UTF8Names) {
		return refuse(ReasonName, 0, "invalid metric name %s", quoted(name))
	}
	t, ok := typeFromDTO(mf.GetType())
	if !ok {
		return refuse(ReasonType, 0, "metric %s: unknown type %d", quoted(name), mf.GetType())
	}
	help := mf.GetHelp()
	if !utf8.ValidString(help) {
		return refuse(ReasonValue, 0, "HELP of metric %s is not valid UTF-8", quoted(name))
	}
	if len(help) > maxDecodeHelp {
		return refuse(ReasonLimit, 0, "HELP of metric %s is longer than %d bytes", quoted(name), maxDecodeHelp)
	}
	n := a.family(name, legacy)
	f := &a.families[n]
	if f.typed {
		return refuse(ReasonType, 0, "two metrics are called %s", quoted(name))
	}
	a.setType(f, t)
	// Text formats can't separate blanks around it from those of the line.
	f.help = []byte(strings.Trim(help, " \t\r"))
	f.unit = fittingUnit(name, t, mf.GetUnit())
	lossy := false
	first := len(a.series)
	for _, m := range mf.GetMetric() {
		loses, err := a.addMetric(n, m)
		if err != nil {
			return err
		}
		lossy = lossy || loses
	}
	if lossy && !f.drop {
		a.messages = append(a.messages, asmMessage{family: n, metrics: mf.GetMetric(), series: first})
	}
	return nil
}

// fittingUnit drops a unit that OpenMetrics' parsers would refuse: the family's
// name has to end with it.
func fittingUnit(name []byte, t Type, unit string) []byte {
	family := string(name)
	if t == Counter && len(family) > len("_total") && family[len(family)-len("_total"):] == "_total" {
		family = family[:len(family)-len("_total")]
	}
	if cut := len(family) - len(unit); unit == "" || cut < 2 || family[cut-1:] != "_"+unit {
		return nil
	}
	return []byte(unit)
}

// addMetric adds a metric of family n. lossy says that it holds more than the
// text format can say.
func (a *assembly) addMetric(n int, m *dto.Metric) (lossy bool, err error) {
	f := &a.families[n]
	if m.TimestampMs != nil {
		return false, refuse(ReasonTimestamp, 0, "metric %s: pushed samples can't carry a timestamp, got %d", quoted(f.name), m.GetTimestampMs())
	}
	if err := a.dtoLabels(f, m.GetLabel()); err != nil {
		return false, err
	}
	switch f.typ {
	case Counter:
		if c := m.GetCounter(); c != nil {
			lossy = c.Exemplar != nil || c.CreatedTimestamp != nil
			return lossy, a.addSingle(n, c.GetValue(), c.CreatedTimestamp, c.Exemplar)
		}
	case Gauge:
		if g := m.GetGauge(); g != nil {
			return false, a.addSingle(n, g.GetValue(), nil)
		}
	case Untyped:
		if u := m.GetUntyped(); u != nil {
			return false, a.addSingle(n, u.GetValue(), nil)
		}
	case Summary:
		if s := m.GetSummary(); s != nil {
			return a.addSummary(n, s)
		}
	case Histogram, GaugeHistogram:
		if h := m.GetHistogram(); h != nil {
			return a.addHistogram(n, h)
		}
	}
	return false, refuse(ReasonType, 0, "metric %s has no value of its type %s", quoted(f.name), f.typ)
}

// dtoLabels puts labels into a.labels, sorted.
func (a *assembly) dtoLabels(f *asmFamily, pairs []*dto.LabelPair) error {
	a.labels, a.spelled = a.labels[:0], a.spelled[:0]
	if len(pairs) > maxDecodeLabels {
		return refuse(ReasonLimit, 0, "metric %s: more than %d labels", quoted(f.name), maxDecodeLabels)
	}
	for _, p := range pairs {
		name := p.GetName()
		if err := a.checkLabel(f, name, p.GetValue()); err != nil {
			return err
		}
		from := len(a.spelled)
		a.spelled = append(a.spelled, name...)
		mid := len(a.spelled)
		l := asmLabel{name: a.spelled[from:mid], empty: p.GetValue() == "", utf8: !isLegacyLabel(name)}
		a.spelled = appendLabel(a.spelled, l.name, p.GetValue())
		l.text = a.spelled[mid:]
		a.labels = append(a.labels, l)
	}
	return sortLabels(a.labels, f.name, 0)
}

func (a *assembly) checkLabel(f *asmFamily, name, value string) error {
	switch {
	case isReserved(name):
		return refuse(ReasonName, 0, "metric %s: label name %s is reserved", quoted(f.name), quoted(name))
	case len(name) > maxDecodeName:
		return refuse(ReasonName, 0, "metric %s: label name %s is longer than %d bytes", quoted(f.name), quoted(name), maxDecodeName)
	case !checkName([]byte(name), isLegacyLabel(name), a.options.UTF8Names):
		return refuse(ReasonName, 0, "metric %s: invalid label name %s", quoted(f.name), quoted(name))
	case !utf8.ValidString(value):
		return refuse(ReasonValue, 0, "metric %s: the value %s of label %s is not valid UTF-8", quoted(f.name), quoted(value), quoted(name))
	}
	return nil
}

// asmMessage is a family of which the text doesn't say all.
type asmMessage struct {
	family  int
	metrics []*dto.Metric
	series  int // of the first of them, if these are histograms or summaries
}

// keepProto keeps the regular metrics of a family as they are, but with the labels
// and the order of buckets that their text has. What the classic half of a native
// histogram holds is left out if it isn't regular.
func (a *assembly) keepProto(x asmMessage) error {
	f := &a.families[x.family]
	for i, m := range x.metrics {
		kept := &dto.Metric{Label: a.protoLabels(m.GetLabel()), Gauge: m.Gauge, Counter: m.Counter, Untyped: m.Untyped}
		if f.typ.isComposite() {
			s := a.series[x.series+i]
			if s.metric == 0 {
				continue
			}
			kept.Summary, kept.Histogram = canonicalSummary(m.Summary), canonicalHistogram(m.Histogram, s.odd)
		}
		f.proto = protowire.AppendTag(f.proto, encodeFamilyMetric, protowire.BytesType)
		f.proto = protowire.AppendVarint(f.proto, uint64(proto.Size(kept)))
		var err error
		if f.proto, err = (proto.MarshalOptions{UseCachedSize: true, Deterministic: true}).MarshalAppend(f.proto, kept); err != nil {
			return refuse(ReasonValue, 0, "metric %s can't be encoded", quoted(f.name))
		}
		a.wire += proto.Size(kept)
		if err := a.room(0, 0); err != nil {
			return err
		}
	}
	return nil
}

// protoLabels merges labels as merge does.
func (a *assembly) protoLabels(pairs []*dto.LabelPair) []*dto.LabelPair {
	merged := make([]*dto.LabelPair, 0, len(pairs)+len(a.options.Grouping)+1)
	add := func(name, value string) {
		merged = append(merged, &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)})
	}
	instance := a.filler >= 0
	for _, p := range pairs {
		name := p.GetName()
		if slices.ContainsFunc(a.options.Grouping, func(l Label) bool { return l.Name == name }) {
			continue
		}
		instance = instance && name != instanceLabel
		add(name, p.GetValue())
	}
	for _, l := range a.options.Grouping {
		add(l.Name, l.Value)
	}
	if instance {
		add(instanceLabel, "")
	}
	slices.SortFunc(merged, func(x, y *dto.LabelPair) int { return cmp.Compare(x.GetName(), y.GetName()) })
	return merged
}

// canonicalSummary gives a summary the quantiles that its text has.
func canonicalSummary(s *dto.Summary) *dto.Summary {
	byQuantile := func(x, y *dto.Quantile) int { return cmp.Compare(x.GetQuantile(), y.GetQuantile()) }
	if s == nil {
		return nil
	}
	s = proto.CloneOf(s)
	s.Quantile = slices.DeleteFunc(s.Quantile, func(q *dto.Quantile) bool { return math.IsNaN(q.GetQuantile()) })
	slices.SortFunc(s.Quantile, byQuantile)
	s.Quantile = slices.CompactFunc(s.Quantile, func(x, y *dto.Quantile) bool { return byQuantile(x, y) == 0 })
	return s
}

// canonicalHistogram gives a histogram the buckets, their order and the count that
// its text has; or no classic buckets at all.
func canonicalHistogram(h *dto.Histogram, bare bool) *dto.Histogram {
	if h == nil {
		return nil
	}
	h = proto.CloneOf(h)
	if bare {
		h.Bucket = nil
		return h
	}
	h.Bucket = slices.DeleteFunc(h.Bucket, func(b *dto.Bucket) bool { return math.IsNaN(b.GetUpperBound()) })
	slices.SortFunc(h.Bucket, byBound)
	h.Bucket = slices.CompactFunc(h.Bucket, func(x, y *dto.Bucket) bool { return byBound(x, y) == 0 })
	if lacksCount(h) && len(h.Bucket) > 0 {
		last := h.Bucket[len(h.Bucket)-1]
		h.SampleCount, h.SampleCountFloat = last.CumulativeCount, last.CumulativeCountFloat
	}
	return h
}

// inexact says whether the text format, whose numbers are floats, loses a count.
func inexact(count uint64) bool { return count > 1<<53 }
