package exposition

import (
	"bytes"
	"hash/maphash"
	"math"
	"slices"
)

// samplePart says what a sample is to its family. The lines of a histogram or
// summary stand in this order.
type samplePart uint8

const (
	partBound samplePart = iota // a bucket or a quantile
	partSum
	partCount
	partValue // the sample of a family of another type
	partNone  // nothing that the type knows
)

// asmSeries is one histogram or summary.
type asmSeries struct {
	family   int32
	from, to uint32 // in arena: its labels, a comma behind each
	cut      uint32 // where among them the label of a bucket or quantile belongs
	key      uint32 // in arena: its identity
	keyEnd   uint32
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

// boundLabel is the label that tells the buckets or quantiles of a type apart.
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

// partOf tells what a sample is that is called as its family with a suffix.
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
	case "_gsum":
		if t == GaugeHistogram {
			return partSum
		}
	case "_gcount":
		if t == GaugeHistogram {
			return partCount
		}
	}
	return partNone
}

var partSuffixes = [...]string{"_bucket", "_sum", "_count", "_gsum", "_gcount"}

// takeBound takes the label of a bucket or quantile out of labels, which stay
// sorted. text is its value.
func takeBound(f *asmFamily, part samplePart, labels []asmLabel, line int) (rest []asmLabel, text []byte, err error) {
	name := f.typ.boundLabel()
	for i := range labels {
		if string(labels[i].name) != name {
			continue
		}
		if part != partBound {
			return nil, nil, refuse(ReasonType, line, "metric %s: label %q belongs to no sum or count of a %s", quoted(f.name), name, f.typ)
		}
		text = labels[i].text[len(name)+2:]
		return slices.Delete(labels, i, i+1), text[:len(text)-1], nil
	}
	if part == partBound {
		return nil, nil, refuse(ReasonType, line, "metric %s: a sample of the %s has no label %q", quoted(f.name), f.typ, name)
	}
	return labels, nil, nil
}

// addPart adds a pushed line of a histogram or summary.
func (a *assembly) addPart(n int, part samplePart, labels []asmLabel, value number, line int) error {
	f := &a.families[n]
	labels, text, err := takeBound(f, part, labels, line)
	if err != nil {
		return err
	}
	bound := number{text: text}
	if part == partBound {
		var canonical, ok bool
		if bound.float, canonical, ok = parseBound(text); !ok {
			return refuse(ReasonType, line, "metric %s: %s=%s is not a number", quoted(f.name), f.typ.boundLabel(), quoted(text))
		}
		if !canonical {
			bound.text = nil
		}
	}
	if err := a.sample(f, line); err != nil {
		return err
	}
	series, _, err := a.openSeries(n, labels, line)
	if err != nil {
		return err
	}
	return a.addPoint(series, part, bound, value, line)
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

func (a *assembly) addPoint(series int, part samplePart, bound, value number, line int) error {
	f := &a.families[a.series[series].family]
	isCount := part == partCount || part == partBound && f.typ != Summary
	if v := value.float; isCount && !(v >= 0 && !math.IsInf(v, 1)) {
		return refuse(ReasonValue, line, "metric %s: %v is not a number of observations", quoted(f.name), v)
	}
	p := asmPoint{series: int32(series), line: int32(line), part: part, bound: bound.float, value: value.float, from: uint32(len(a.arena))}
	if part == partBound {
		a.arena = bound.append(a.arena)
	}
	p.mid = uint32(len(a.arena))
	a.arena = value.append(a.arena)
	p.to = uint32(len(a.arena))
	a.points = append(a.points, p)
	return nil
}
