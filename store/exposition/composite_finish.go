package exposition

import (
	"cmp"
	"math"
	"slices"
)

// finishComposites writes the lines of all histograms and summaries.
func (a *assembly) finishComposites() error {
	order := func(p, q asmPoint) int {
		if p.series != q.series {
			return cmp.Or(cmp.Compare(a.series[p.series].family, a.series[q.series].family), cmp.Compare(p.series, q.series))
		}
		return cmp.Or(cmp.Compare(p.part, q.part), cmp.Compare(p.bound, q.bound))
	}
	if !slices.IsSortedFunc(a.points, order) {
		slices.SortStableFunc(a.points, order)
	}
	slices.SortStableFunc(a.loose, func(x, y asmLoose) int { return cmp.Compare(x.family, y.family) })
	points, loose := a.points, a.loose
	for len(points)+len(loose) > 0 {
		n := int32(math.MaxInt32)
		if len(points) > 0 {
			n = a.series[points[0].series].family
		}
		if len(loose) > 0 {
			n = min(n, loose[0].family)
		}
		end, looseEnd := 0, 0
		for end < len(points) && a.series[points[end].series].family == n {
			end++
		}
		for looseEnd < len(loose) && loose[looseEnd].family == n {
			looseEnd++
		}
		if f := &a.families[n]; !f.drop {
			if err := a.finishComposite(f, points[:end], loose[:looseEnd]); err != nil {
				return err
			}
		}
		points, loose = points[end:], loose[looseEnd:]
	}
	return nil
}

// finishComposite writes the lines of one family: the regular ones first.
func (a *assembly) finishComposite(f *asmFamily, points []asmPoint, loose []asmLoose) error {
	f.from = len(a.text)
	a.rest = a.rest[:0]
	for len(points) > 0 {
		end := 1
		for end < len(points) && points[end].series == points[0].series {
			end++
		}
		if err := a.finishSeries(f, &a.series[points[0].series], points[:end]); err != nil {
			return err
		}
		points = points[end:]
	}
	for _, l := range loose {
		a.rest = append(a.rest, a.arena[l.from:l.to]...)
		f.lines++
	}
	f.loose = len(a.rest)
	if f.loose > 0 {
		f.untypedIn |= InStrict
	}
	a.text = append(a.text, a.rest...)
	f.to = len(a.text)
	return nil
}

// finishSeries writes the lines of one histogram or summary.
func (a *assembly) finishSeries(f *asmFamily, s *asmSeries, points []asmPoint) error {
	points, err := a.withoutRepeats(f, s, points)
	if err != nil {
		return err
	}
	s.odd = !f.judge(points)
	dst := &a.rest
	if !s.odd || s.native {
		dst = &a.text
		f.metrics++
		s.metric = f.metrics
	}
	if s.odd {
		f.untypedIn |= InStrict
	}
	size := 0
	for _, p := range points {
		size += len(f.name) + len("_bucket{le=\"\",} \n") + int(s.to-s.from) + int(p.to-p.from)
	}
	if err := a.room(size, int(points[0].line)); err != nil {
		return err
	}
	for _, p := range points {
		switch p.part {
		case partBound:
			*dst = a.appendPart(*dst, f, s, f.typ.boundSuffix(), a.arena[p.from:p.mid], a.valueOf(p))
		case partSum:
			*dst = a.appendPart(*dst, f, s, "_sum", nil, a.valueOf(p))
		default:
			*dst = a.appendPart(*dst, f, s, "_count", nil, a.valueOf(p))
		}
	}
	f.lines += len(points)
	return nil
}

// withoutRepeats returns the points of one histogram or summary with each bound
// once. Some libraries write a bucket or a quantile twice; the same value is held
// once, another one makes it two samples of one series.
func (a *assembly) withoutRepeats(f *asmFamily, s *asmSeries, points []asmPoint) ([]asmPoint, error) {
	kept := points[:1]
	for _, q := range points[1:] {
		p := kept[len(kept)-1]
		if p.part != q.part || p.bound != q.bound {
			kept = append(kept, q)
			continue
		}
		if same := p.value == q.value || math.IsNaN(p.value) && math.IsNaN(q.value); p.part != partBound || !same {
			return nil, a.pointTwice(f, s, q)
		}
		f.notice(NoticeTwice)
	}
	return kept, nil
}

func (a *assembly) valueOf(p asmPoint) []byte { return a.arena[p.mid:p.to] }

func (a *assembly) pointTwice(f *asmFamily, s *asmSeries, p asmPoint) error {
	what := map[samplePart]string{partBound: f.typ.boundLabel() + "=" + quoted(a.arena[p.from:p.mid]), partSum: "the sum", partCount: "the count"}[p.part]
	return refuse(ReasonDuplicate, int(p.line), "%s %s: %s is duplicated", f.typ, quoted(a.seriesText(f, s)), what)
}

func (a *assembly) seriesText(f *asmFamily, s *asmSeries) []byte {
	return appendClosing(append(appendOpening(nil, f, ""), a.arena[s.from:s.to]...))
}

// appendPart appends one line of a histogram or summary. bound is nil for a sum
// or count.
func (a *assembly) appendPart(dst []byte, f *asmFamily, s *asmSeries, suffix string, bound, value []byte) []byte {
	dst = append(appendOpening(dst, f, suffix), a.arena[s.from:s.cut]...)
	if bound != nil {
		dst = append(append(dst, f.typ.boundLabel()...), '=', '"')
		dst = append(append(dst, bound...), '"', ',')
	}
	dst = append(appendClosing(append(dst, a.arena[s.cut:s.to]...)), ' ')
	return append(append(dst, value...), '\n')
}

// judge reports whether one histogram or summary is regular: whether a protobuf
// message of its type says exactly what these points do, and Prometheus makes a
// native histogram of it without an error. It notes what is odd. points are
// sorted, without repeats.
func (f *asmFamily) judge(points []asmPoint) bool {
	bounds := 0
	for bounds < len(points) && points[bounds].part == partBound {
		bounds++
	}
	rest := points[bounds:]
	whole := len(rest) == 2 // the sum and the count
	if f.typ == Summary {
		return f.judgeSummary(points[:bounds], rest) && whole
	}
	return f.judgeHistogram(points[:bounds], rest, whole)
}

func (f *asmFamily) judgeSummary(quantiles, rest []asmPoint) bool {
	for _, p := range quantiles {
		if p.bound < 0 || p.bound > 1 || p.value < 0 {
			f.untypedIn |= InStrict
		}
	}
	regular := true
	for _, p := range rest {
		if p.part == partCount && !encodeIsCount(p.value) {
			regular = false
			f.notice(NoticeBadCount)
		}
		if !(p.value >= 0) {
			f.untypedIn |= InStrict
		}
	}
	if len(rest) < 2 {
		f.notice(NoticeIncomplete)
	}
	return regular
}

func (f *asmFamily) judgeHistogram(buckets, rest []asmPoint, whole bool) bool {
	regular := f.judgeCounts(buckets, rest)
	if last := len(buckets) - 1; !whole || last < 0 || !math.IsInf(buckets[last].bound, 1) {
		if f.typ != GaugeHistogram || len(rest) > 0 { // else its sum and count are called _gsum and _gcount
			f.notice(NoticeIncomplete)
		}
		regular = false
	} else if count := rest[1].value; buckets[last].value != count {
		regular = false
		f.notice(NoticeInfBucket)
	}
	for i := range buckets[min(1, len(buckets)):] {
		if buckets[i+1].value < buckets[i].value {
			f.notice(NoticeFallingBuckets)
			regular = false
			break
		}
	}
	return regular
}

// maxCount is the number of observations up to which Prometheus counts in
// integers when it makes a native histogram of a classic one.
const maxCount = 1 << 62

// isObservations reports whether Prometheus takes v for a number of observations when
// it makes a native histogram of a classic one: others cost it the scrape, even if
// there is not a bucket.
func isObservations(v float64) bool { return v >= 0 && v <= maxCount }

// judgeCounts checks the numbers of a histogram on their own.
func (f *asmFamily) judgeCounts(buckets, rest []asmPoint) bool {
	regular, negativeBound := true, false
	for _, points := range [...][]asmPoint{buckets, rest} {
		for _, p := range points {
			negativeBound = negativeBound || p.part == partBound && p.bound < 0
			regular = regular && !math.IsInf(p.bound, -1)
			if p.part == partSum {
				if !(p.value >= 0) || negativeBound {
					f.untypedIn |= InStrict
				}
				continue
			}
			if p.value != math.Trunc(p.value) {
				f.untypedIn |= InStrict
			}
			if p.value < 0 {
				f.untypedIn |= InText | InStrict
			}
			if !isObservations(p.value) {
				f.notice(NoticeBadCount)
				regular = false
			}
		}
	}
	return regular
}
