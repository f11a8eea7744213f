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
	for points := a.points; len(points) > 0; {
		end := 1
		for end < len(points) && points[end].series == points[0].series {
			end++
		}
		s := a.series[points[0].series]
		f := &a.families[s.family]
		if !f.drop {
			if f.lines == 0 {
				f.from = len(a.text)
			}
			if err := a.finishSeries(f, s, points[:end]); err != nil {
				return err
			}
			f.to = len(a.text)
		}
		points = points[end:]
	}
	return nil
}

// finishSeries writes the lines of one histogram or summary, and those that
// are missing as the protobuf format would have them.
func (a *assembly) finishSeries(f *asmFamily, s asmSeries, points []asmPoint) error {
	line := int(points[0].line)
	for i := range points[1:] {
		if p, q := points[i], points[i+1]; p.part == q.part && p.bound == q.bound {
			return a.pointTwice(f, s, q)
		}
	}
	bounds := 0
	for bounds < len(points) && points[bounds].part == partBound {
		bounds++
	}
	sum, count := []byte{'0'}, []byte{'0'}
	if bounds > 0 && f.typ != Summary {
		count = a.valueOf(points[bounds-1])
	}
	for _, p := range points[bounds:] {
		if p.part == partSum {
			sum = a.valueOf(p)
			continue
		}
		count = a.valueOf(p)
		if last := points[max(bounds-1, 0)]; f.typ != Summary && last.part == partBound && math.IsInf(last.bound, 1) && last.value != p.value {
			return refuse(ReasonType, int(p.line), "%s %s: bucket +Inf holds %v, but the count is %v", f.typ, quoted(a.seriesText(f, s)), last.value, p.value)
		}
	}
	before := f.lines
	for _, p := range points[:bounds] {
		a.writeLine(f, s, f.typ.boundSuffix(), a.arena[p.from:p.mid], a.valueOf(p))
	}
	if f.typ != Summary && (bounds == 0 || !math.IsInf(points[bounds-1].bound, 1)) {
		a.writeLine(f, s, "_bucket", []byte("+Inf"), count)
	}
	a.writeLine(f, s, "_sum", nil, sum)
	a.writeLine(f, s, "_count", nil, count)
	return a.count(f.lines-before-len(points), line)
}

func (a *assembly) valueOf(p asmPoint) []byte { return a.arena[p.mid:p.to] }

func (a *assembly) pointTwice(f *asmFamily, s asmSeries, p asmPoint) error {
	what := map[samplePart]string{partBound: f.typ.boundLabel() + "=" + quoted(a.arena[p.from:p.mid]), partSum: "the sum", partCount: "the count"}[p.part]
	return refuse(ReasonDuplicate, int(p.line), "%s %s: %s stands twice", f.typ, quoted(a.seriesText(f, s)), what)
}

func (a *assembly) seriesText(f *asmFamily, s asmSeries) []byte {
	return appendClosing(append(appendOpening(nil, f, ""), a.arena[s.from:s.to]...))
}

// writeLine writes one line of a histogram or summary. bound is nil for a sum
// or count.
func (a *assembly) writeLine(f *asmFamily, s asmSeries, suffix string, bound, value []byte) {
	dst := append(appendOpening(a.text, f, suffix), a.arena[s.from:s.cut]...)
	if bound != nil {
		dst = append(append(dst, f.typ.boundLabel()...), '=', '"')
		dst = append(append(dst, bound...), '"', ',')
	}
	dst = append(appendClosing(append(dst, a.arena[s.cut:s.to]...)), ' ')
	a.text = append(append(dst, value...), '\n')
	f.lines++
}
