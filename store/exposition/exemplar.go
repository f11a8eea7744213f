package exposition

import (
	"cmp"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// asmExtra is an exemplar of a sample that was read from text. Only protobuf has
// a place for it.
type asmExtra struct {
	family   int
	line     int     // which of a counter's lines it belongs to, from 0
	series   int     // of a histogram, with the bound
	bound    float64 // of the bucket
	exemplar *dto.Exemplar
}

// addExemplar keeps the exemplar of the sample that was added last, if there is a
// place for it: Prometheus takes exemplars of any sample, protobuf has them of
// counters and buckets.
func (a *assembly) addExemplar(n int, part samplePart, e *dto.Exemplar) {
	f := &a.families[n]
	x := asmExtra{family: n, line: f.lines - 1, exemplar: e}
	switch {
	case !exemplarFits(e) || f.drop:
	case f.typ == Counter:
		a.extras = append(a.extras, x)
		return
	case part == partBound && (f.typ == Histogram || f.typ == GaugeHistogram) && len(a.points) > 0:
		if p := a.points[len(a.points)-1]; int(a.series[p.series].family) == n && p.part == partBound {
			x.series, x.bound = int(p.series), p.bound
			a.extras = append(a.extras, x)
			return
		}
	}
	f.notice(NoticeExemplar)
}

// finishExtras makes protobuf messages of the families that have exemplars. The
// families' lines have been written.
func (a *assembly) finishExtras() error {
	if len(a.extras) == 0 {
		return nil
	}
	slices.SortStableFunc(a.extras, func(x, y asmExtra) int { return cmp.Compare(x.family, y.family) })
	split := a.sortSplit()
	for extras := a.extras; len(extras) > 0; {
		end := 1
		for end < len(extras) && extras[end].family == extras[0].family {
			end++
		}
		if err := a.finishFamilyExtras(extras[0].family, extras[:end], split); err != nil {
			return err
		}
		extras = extras[end:]
	}
	return nil
}

func (a *assembly) finishFamilyExtras(n int, extras []asmExtra, split []asmLine) error {
	f := &a.families[n]
	text := a.text[f.from:f.to]
	if f.split {
		text = a.appendSplit(nil, split, n)
	}
	metrics, err := Metrics(string(f.name), f.typ, Chunk{Text: text, Loose: uint32(f.loose)})
	if err != nil {
		return refuse(ReasonValue, 0, "metric %s can't be encoded", quoted(f.name))
	}
	for _, x := range extras {
		if !a.attach(f, metrics, x) {
			f.notice(NoticeExemplar)
		}
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(&dto.MetricFamily{Metric: metrics})
	if err != nil || len(wire) > a.limit {
		return refuse(ReasonLimit, 0, "with the grouping's labels metric %s is more than %d bytes", quoted(f.name), a.limit)
	}
	f.proto = wire
	return nil
}

// attach puts an exemplar into the metric that it belongs to. It reports false if
// the metric is not regular, so that it has no message.
func (a *assembly) attach(f *asmFamily, metrics []*dto.Metric, x asmExtra) bool {
	if f.typ == Counter {
		metrics[x.line].Counter.Exemplar = x.exemplar
		return true
	}
	m := int(a.series[x.series].metric) - 1
	if m < 0 {
		return false
	}
	buckets := metrics[m].GetHistogram().GetBucket()
	at, found := slices.BinarySearchFunc(buckets, x.bound, func(b *dto.Bucket, bound float64) int { return cmp.Compare(b.GetUpperBound(), bound) })
	if found {
		buckets[at].Exemplar = x.exemplar
	}
	return found
}
