package exposition

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// samplePart is the part of its family that a sample is. The lines of a
// histogram or summary are in this order.
type samplePart uint8

const (
	partBound samplePart = iota // a bucket or a quantile
	partSum
	partCount
	partValue // the sample of a family of another type
	partLoose // of a gauge histogram, but called otherwise than in protobuf
	partNone  // nothing that the type knows
)

// asmSeries is one histogram or summary.
type asmSeries struct {
	family   int32
	from, to uint32 // in arena: its labels, a comma behind each
	cut      uint32 // where among them the label of a bucket or quantile belongs
	key      uint32 // in arena: its identity
	keyEnd   uint32
	native   bool  // a native histogram, of which these are the classic buckets
	odd      bool  // not regular
	metric   int32 // which of the family's regular metrics it became, from 1
}

// asmPoint is a pushed line of a histogram or summary.
type asmPoint struct {
	series       int32
	line         int32
	part         samplePart
	bound, value float64
	from, to     uint32 // in arena: the spelling of the bound, then of the value
	mid          uint32
}

func (t Type) isComposite() bool { return t == Summary || t == Histogram || t == GaugeHistogram }

// boundLabel returns the label that distinguishes the buckets or quantiles of a
// type.
func (t Type) boundLabel() string {
	if t == Summary {
		return "quantile"
	}
	return "le"
}

func (t Type) boundSuffix() string {
	if t == Summary {
		return ""
	}
	return "_bucket"
}

// sampleSuffixes returns the suffixes of a composite type's samples.
func (t Type) sampleSuffixes() []string {
	switch t {
	case Summary:
		return []string{"_sum", "_count"}
	case Histogram:
		return []string{"_bucket", "_sum", "_count"}
	case GaugeHistogram:
		return []string{"_bucket", "_sum", "_count", "_gsum", "_gcount"}
	}
	return nil
}

// SampleSuffixes returns what the names of a family's samples have behind the
// name of the family: nothing at all, and for some types one of several suffixes.
func (t Type) SampleSuffixes() []string { return append([]string{""}, t.sampleSuffixes()...) }

// partOf returns what a sample is that is called as its family with a suffix.
// OpenMetrics' _gsum and _gcount are no parts: the series keep these names.
func partOf(t Type, suffix []byte) samplePart {
	switch string(suffix) {
	case "":
		switch t {
		case Summary:
			return partBound
		case Histogram, GaugeHistogram:
			return partNone
		}
		return partValue
	case "_sum":
		if t.isComposite() {
			return partSum
		}
	case "_count":
		if t.isComposite() {
			return partCount
		}
	case "_bucket":
		if t == Histogram || t == GaugeHistogram {
			return partBound
		}
	case "_gsum", "_gcount":
		if t == GaugeHistogram {
			return partLoose
		}
	}
	return partNone
}

// takeBound takes the label of a bucket or quantile out of labels, which stay
// sorted. text is the value of that label. ok reports whether the label is as the
// sample's part needs it; otherwise labels are left alone.
func takeBound(t Type, part samplePart, labels []asmLabel) (rest []asmLabel, bound number, ok bool) {
	name := t.boundLabel()
	at := slices.IndexFunc(labels, func(l asmLabel) bool { return string(l.name) == name })
	if at >= 0 && part != partBound && labels[at].empty { // which is no label at all
		labels, at = slices.Delete(labels, at, at+1), -1
	}
	if at < 0 || part != partBound {
		return labels, number{}, at < 0 && (part == partSum || part == partCount)
	}
	text := labels[at].text[len(name)+2:]
	bound.text = text[:len(text)-1]
	var canonical bool
	if bound.float, canonical, ok = parseBound(bound.text); !ok {
		return labels, number{}, false
	}
	if !canonical {
		bound.text = nil
	}
	return slices.Delete(labels, at, at+1), bound, true
}

// addPart adds a pushed line of a histogram or summary that is called as its
// family with a suffix.
func (a *assembly) addPart(n int, part samplePart, suffix []byte, labels []asmLabel, value number, line int) error {
	f := &a.families[n]
	rest, bound, ok := takeBound(f.typ, part, labels)
	if !ok {
		return a.addLoose(n, suffix, labels, value, line)
	}
	if err := a.sample(f, line); err != nil {
		return err
	}
	series, _, err := a.openSeries(n, rest, line)
	if err != nil {
		return err
	}
	a.addPoint(series, part, bound, value, line)
	return nil
}

// openSeries returns the number of the histogram or summary with these labels,
// which are sorted and differ, and whether it is new.
func (a *assembly) openSeries(n int, labels []asmLabel, line int) (series int, fresh bool, err error) {
	f := &a.families[n]
	if a.reach != "" && a.reach == f.typ.boundLabel() {
		return 0, false, refuse(ReasonName, line, "metric %s: a %s can't be in a grouping with the label %q", quoted(f.name), f.typ, a.reach)
	}
	special, err := a.merge(labels, f, line)
	if err != nil {
		return 0, false, err
	}
	s := asmSeries{family: int32(n), from: uint32(len(a.arena))}
	a.arena = a.appendMerged(a.arena)
	s.to = uint32(len(a.arena))
	if last := len(a.series) - 1; last >= 0 { // usually a line belongs to the same series as the one before
		l := a.series[last]
		if l.family == s.family && bytes.Equal(a.arena[l.from:l.to], a.arena[s.from:s.to]) {
			a.arena = a.arena[:s.from]
			return last, false, nil
		}
	}
	s.key, s.keyEnd = s.from, s.to
	s.cut = s.from + a.cutFor(f.typ.boundLabel())
	if special {
		identity, err := a.identity(f, line)
		if err != nil {
			return 0, false, err
		}
		s.key = s.to
		a.arena = appendLabels(a.arena, identity)
		s.keyEnd = uint32(len(a.arena))
	}
	if len(a.arena) > a.limit {
		return 0, false, refuse(ReasonLimit, line, "with the grouping's labels the push is more than %d bytes", a.limit)
	}
	series, fresh = a.knownSeries(s)
	return series, fresh, nil
}

// knownSeries finds the series that has the identity of s, or adds s.
func (a *assembly) knownSeries(s asmSeries) (series int, fresh bool) {
	key := a.arena[s.key:s.keyEnd]
	hash := maphash.Bytes(seriesSeed, key) ^ uint64(s.family)<<40
	found := a.known.find(hash, func(i int) bool {
		other := a.series[i]
		return other.family == s.family && bytes.Equal(a.arena[other.key:other.keyEnd], key)
	})
	if found >= 0 {
		a.arena = a.arena[:s.from]
		return found, false
	}
	a.known.put(hash, len(a.series))
	a.series = append(a.series, s)
	return len(a.series) - 1, true
}

// cutFor returns how far into the spelling of a.merged one more label belongs.
func (a *assembly) cutFor(name string) (cut uint32) {
	for _, m := range a.merged {
		l := a.label(m)
		if string(l.name) > name {
			break
		}
		cut += uint32(len(l.text) + 1)
	}
	return cut
}

func (a *assembly) addPoint(series int, part samplePart, bound, value number, line int) {
	p := asmPoint{series: int32(series), line: int32(line), part: part, bound: bound.float, value: value.float, from: uint32(len(a.arena))}
	if part == partBound {
		a.arena = bound.append(a.arena)
	}
	p.mid = uint32(len(a.arena))
	a.arena = value.append(a.arena)
	p.to = uint32(len(a.arena))
	a.points = append(a.points, p)
}
