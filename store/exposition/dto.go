package exposition

import (
	"cmp"
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
	// Text formats can't tell blanks around it from those of the line.
	f.help = []byte(strings.Trim(help, " \t\r"))
	f.unit = fittingUnit(name, t, mf.GetUnit())
	lossy := false
	for _, m := range mf.GetMetric() {
		loses, err := a.addMetric(n, m)
		if err != nil {
			return err
		}
		lossy = lossy || loses
	}
	if lossy && !f.drop {
		return a.keepProto(f, mf.GetMetric())
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
	case !checkName([]byte(name), isLegacyLabel(name), a.options.UTF8Names):
		return refuse(ReasonName, 0, "metric %s: invalid label name %s", quoted(f.name), quoted(name))
	case !utf8.ValidString(value):
		return refuse(ReasonValue, 0, "metric %s: the value %s of label %s is not valid UTF-8", quoted(f.name), quoted(value), quoted(name))
	}
	return nil
}

// keepProto keeps the metrics of a family as they are, but with the labels and
// the order of buckets that their text has.
func (a *assembly) keepProto(f *asmFamily, metrics []*dto.Metric) error {
	for _, m := range metrics {
		kept := &dto.Metric{
			Label: a.protoLabels(m.GetLabel()), Gauge: m.Gauge, Counter: m.Counter,
			Summary: m.Summary, Untyped: m.Untyped, Histogram: canonicalHistogram(m.Histogram),
		}
		f.proto = protowire.AppendTag(f.proto, 4, protowire.BytesType)
		f.proto = protowire.AppendVarint(f.proto, uint64(proto.Size(kept)))
		var err error
		if f.proto, err = (proto.MarshalOptions{UseCachedSize: true, Deterministic: true}).MarshalAppend(f.proto, kept); err != nil {
			return refuse(ReasonValue, 0, "metric %s can't be encoded", quoted(f.name))
		}
		if len(f.proto) > a.limit {
			return refuse(ReasonLimit, 0, "with the grouping's labels metric %s is more than %d bytes", quoted(f.name), a.limit)
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

// canonicalHistogram gives a histogram the order of buckets and the count that
// its text has.
func canonicalHistogram(h *dto.Histogram) *dto.Histogram {
	byBound := func(x, y *dto.Bucket) int { return cmp.Compare(x.GetUpperBound(), y.GetUpperBound()) }
	if h == nil {
		return nil
	}
	counted := !lacksCount(h) || len(h.Bucket) == 0
	if counted && slices.IsSortedFunc(h.Bucket, byBound) {
		return h
	}
	h = proto.CloneOf(h)
	slices.SortFunc(h.Bucket, byBound)
	if !counted {
		last := h.Bucket[len(h.Bucket)-1]
		h.SampleCount, h.SampleCountFloat = last.CumulativeCount, last.CumulativeCountFloat
	}
	return h
}

// inexact says whether the text format, whose numbers are floats, loses a count.
func inexact(count uint64) bool { return count > 1<<53 }
