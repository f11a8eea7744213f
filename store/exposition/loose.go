package exposition

import "bytes"

// asmLoose is a line of a histogram or summary that its type can't express.
type asmLoose struct {
	family   int32
	from, to uint32 // of arena
}

// addLoose adds a sample that belongs to a histogram or summary by its name, but
// not by its labels: a quantile of a histogram, a bucket without a bound, a sample
// of just the family's name. Prometheus stores such lines as they are.
func (a *assembly) addLoose(n int, suffix []byte, labels []asmLabel, value number, line int) error {
	f := &a.families[n]
	if err := a.sample(f, line); err != nil || f.drop {
		return err
	}
	special, err := a.merge(labels, f, line)
	if err != nil {
		return err
	}
	l := asmLoose{family: int32(n), from: uint32(len(a.arena))}
	a.arena = appendClosing(a.appendMerged(appendOpening(a.arena, f, string(suffix))))
	bound := f.typ.boundLabel()
	key := string(appendNormalized(nil, a.arena[l.from:], bound))
	if special {
		identity, err := a.identity(f, line)
		if err != nil {
			return err
		}
		key = string(appendNormalized(nil, appendClosing(appendLabels(appendOpening(nil, f, string(suffix)), identity)), bound))
	}
	a.arena = append(value.append(append(a.arena, ' ')), '\n')
	l.to = uint32(len(a.arena))
	if len(a.arena) > a.limit {
		return refuse(ReasonLimit, line, "with the grouping's labels the push is more than %d bytes", a.limit)
	}
	if before, known := a.looseKeys[key]; known {
		same := bytes.Equal(valueOf(a.arena[before.from:before.to]), valueOf(a.arena[l.from:l.to]))
		if len(suffix) > 0 || !same || !hasLabel(labels, "quantile") {
			return refuse(ReasonDuplicate, line, "series %s is duplicated", quoted(key))
		}
		a.arena = a.arena[:l.from]
		f.notice(NoticeTwice)
		return nil
	}
	if a.looseKeys == nil {
		a.looseKeys = map[string]asmLoose{}
	}
	a.looseKeys[key] = l
	a.loose = append(a.loose, l)
	f.judgeLoose(string(suffix), labels, value.float)
	return nil
}

// valueOf returns what follows the series of a line.
func valueOf(line []byte) []byte { return line[bytes.LastIndexByte(line, ' '):] }

// judgeLoose notes what is odd about a loose line.
func (f *asmFamily) judgeLoose(suffix string, labels []asmLabel, value float64) {
	bound := f.typ.boundLabel()
	switch {
	case suffix == "_gsum" || suffix == "_gcount":
		// They have these names in OpenMetrics.
	case hasLabel(labels, bound):
		f.notice(NoticeBadBound)
	case suffix == "" && f.typ != Summary && hasLabel(labels, "quantile"):
		f.notice(NoticeQuantile)
	case suffix == "_bucket":
		f.notice(NoticeNoBound)
	default:
		f.notice(NoticeBareSample)
	}
	if f.typ != Summary && value < 0 && (suffix == "_count" || suffix != "_sum" && hasLabel(labels, bound)) {
		f.untypedIn |= InText
	}
	for _, l := range labels {
		if string(l.name) != bound {
			continue
		}
		if _, ok := parseFloat(l.text[len(bound)+2 : len(l.text)-1]); !ok {
			f.untypedIn |= InText
		}
	}
}

func hasLabel(labels []asmLabel, name string) bool {
	for i := range labels {
		if string(labels[i].name) == name && !labels[i].empty {
			return true
		}
	}
	return false
}
