package metrics

import (
	"bytes"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/tidwall/btree"

	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// A series that several groupings hold is an overlap: the one that has held the
// family the longest shows it. With the check on it cannot come about by
// pushing.

// updateOverlaps brings the overlaps up to date with a grouping's change.
// g is in the snapshot already, or out of it.
func (e *transaction) updateOverlaps(g *Grouping, before, after *body) {
	affected := map[string][]string{} // family to groupings
	for i := range before.holds {
		name := before.holds[i].name
		if f, ok := treesOf(e.State).families.Get(name); ok && f.overlaps != nil {
			affected[name] = e.removeOverlaps(g, before, i)
		}
	}
	for i := range after.holds {
		name := after.holds[i].name
		if f, ok := treesOf(e.State).families.Get(name); ok && len(f.sets) > 1 {
			affected[name] = append(affected[name], e.addOverlaps(f, g, i)...)
		}
	}
	for name, ids := range affected {
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			e.show(name, id)
		}
	}
}

// removeOverlaps takes a grouping's series out of the overlaps and returns the
// groupings that may show more for it.
func (e *transaction) removeOverlaps(g *Grouping, before *body, i int) []string {
	h := &before.holds[i]
	var affected []string
	f := e.family(h.name)
	for sid := range seriesOf(before.chunk(i), h.name, h.typ) {
		holders, ok := overlapsOf(f).Get(sid)
		if !ok || !slices.Contains(holders, g.Key.ID()) {
			continue
		}
		holders = slices.DeleteFunc(slices.Clone(holders), func(id string) bool { return id == g.Key.ID() })
		affected = append(affected, holders...)
		if len(holders) < 2 {
			overlapsOf(f).Delete(sid)
		} else {
			overlapsOf(f).Set(sid, holders)
		}
	}
	if overlapsOf(f).Len() == 0 {
		f.overlaps = nil
		e.overlapping--
	}
	return affected
}

// addOverlaps marks the series that g shares with other groupings and returns all
// groupings concerned.
func (e *transaction) addOverlaps(f *family, g *Grouping, i int) []string {
	var affected []string
	for other, sids := range e.sameSeries(f, g, i) {
		f = e.family(f.name)
		if f.overlaps == nil {
			f.overlaps = &btree.Map[string, []string]{}
			e.overlapping++
		}
		for _, sid := range sids {
			holders, _ := overlapsOf(f).Get(sid)
			holders = slices.Clone(holders)
			for _, id := range []string{g.Key.ID(), other} {
				if !slices.Contains(holders, id) {
					holders = append(holders, id)
				}
			}
			overlapsOf(f).Set(sid, holders)
		}
		affected = append(affected, g.Key.ID(), other)
	}
	return affected
}

// show works out what scrapes show of a grouping's family.
func (e *transaction) show(name, id string) {
	g, ok := treesOf(e.State).groupings.Get(id)
	if !ok {
		return
	}
	i := g.body.find(name)
	if i < 0 {
		return
	}
	h := &g.body.holds[i]
	lost := map[string]bool{}
	if f, ok := treesOf(e.State).families.Get(name); ok && f.overlaps != nil {
		for sid := range seriesOf(g.body.chunk(i), name, h.typ) {
			if holders, ok := overlapsOf(f).Get(sid); ok && e.winner(name, holders) != id {
				lost[sid] = true
			}
		}
	}
	hidden := 0
	if h.rare != nil {
		hidden = h.rare.hidden
	}
	if len(lost) == 0 && hidden == 0 {
		return
	}
	var shown *exposition.Chunk
	if len(lost) > 0 {
		c := g.body.chunk(i)
		shown = &exposition.Chunk{UTF8: c.UTF8, UntypedIn: c.UntypedIn}
		left := len(c.Text)
		for l := range exposition.Lines(c.Text) {
			size := len(l.Series) + len(l.Value) + 2
			if !lost[seriesID(l, name, h.typ)] {
				shown.Text = append(append(append(append(shown.Text, l.Series...), ' '), l.Value...), '\n')
				shown.Series++
				if left <= int(c.Loose) {
					shown.Loose += uint32(size)
				}
			}
			left -= size
		}
		if c.Proto != nil { // of which the text is not always regular on its own
			shown.Loose = 0
			*shown = exposition.Judge(exposition.Family{Name: name, Type: h.typ, Chunk: *shown}).Chunk
		}
	}
	next := *g
	next.body = g.body.withShown(i, shown)
	e.stats.Shadowed += next.body.holds[i].rare.hidden - hidden
	treesOf(e.State).groupings.Set(id, &next)
}

// winner returns the grouping that shows a series that several hold.
func (e *transaction) winner(name string, holders []string) string {
	best, since := "", int64(0)
	for _, id := range holders {
		g, ok := treesOf(e.State).groupings.Get(id)
		if !ok {
			continue
		}
		i := g.body.find(name)
		if i < 0 {
			continue
		}
		if s := g.body.holds[i].since; best == "" || s < since || s == since && id < best {
			best, since = id, s
		}
	}
	return best
}

// sameSeries finds series of g's i-th family that other groupings hold too, by
// grouping. Only a grouping with another set of label names can: each pushed
// series is projected onto every such set, which gives the only grouping of
// that set that may hold it. No index of all series is needed.
func (p *State) sameSeries(f *family, g *Grouping, i int) map[string][]string {
	h := &g.body.holds[i]
	var suspects map[string]map[string]bool
	for _, s := range f.sets {
		if s.set == g.set {
			continue
		}
		names := key.SplitSet(s.set)
		for l := range exposition.Lines(g.body.chunk(i).Text) {
			alias, ok := project(l, names)
			if !ok {
				continue
			}
			other := p.byAlias(alias)
			if other == nil || other.Key.ID() == g.Key.ID() {
				continue
			}
			if suspects == nil {
				suspects = map[string]map[string]bool{}
			}
			if suspects[other.Key.ID()] == nil {
				suspects[other.Key.ID()] = map[string]bool{}
			}
			suspects[other.Key.ID()][seriesID(l, h.name, h.typ)] = true
		}
	}
	var found map[string][]string
	for id, sids := range suspects {
		other, _ := treesOf(p).groupings.Get(id)
		j := other.body.find(h.name)
		if j < 0 || other.body.holds[j].typ != h.typ {
			continue
		}
		for sid := range seriesOf(other.body.chunk(j), h.name, h.typ) {
			if sids[sid] {
				if found == nil {
					found = map[string][]string{}
				}
				found[id] = append(found[id], sid)
			}
		}
	}
	return found
}

// project returns the alias of the grouping with these label names that a
// series would belong to.
func project(l *exposition.Line, names []string) (string, bool) {
	job, ok := lineLabel(l, key.JobLabel)
	if !ok {
		return "", false
	}
	alias := []byte(job)
	for _, name := range names {
		value, ok := lineLabel(l, name)
		if !ok {
			return "", false
		}
		alias = append(append(append(append(alias, key.Separator...), name...), key.Separator...), value...)
	}
	return string(alias), true
}

// lineLabel returns the value of a label of the given legacy name, unless it
// is empty.
func lineLabel(l *exposition.Line, name string) (string, bool) {
	for _, x := range l.Labels {
		if len(x.Value) > 0 && (string(x.Name) == name || legacyLineName(x.Name) == name) {
			return exposition.Unescape(x.Value), true
		}
	}
	return "", false
}

func legacyLineName(raw []byte) string {
	if name := string(raw); model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return exposition.LegacyLabelName(exposition.Unescape(raw))
}

// seriesOf yields the identities of a chunk's series; those of a histogram or
// summary once a line.
func seriesOf(c exposition.Chunk, family string, t exposition.Type) func(func(string) bool) {
	return func(yield func(string) bool) {
		for l := range exposition.Lines(c.Text) {
			if !yield(seriesID(l, family, t)) {
				return
			}
		}
	}
}

// seriesID identifies series as Prometheus does: labels with an empty value do
// not count. A histogram or a summary is one series. Where a family is held
// under two types, which never are shown together, so are their series.
func seriesID(l *exposition.Line, family string, t exposition.Type) string {
	skip := ""
	switch t {
	case exposition.Histogram, exposition.GaugeHistogram:
		skip = model.BucketLabel
	case exposition.Summary:
		skip = model.QuantileLabel
	}
	id := append(append(make([]byte, 0, len(l.Series)+1), byte(t)), family...)
	var pairs [][2]string
	plain := true
	for _, x := range l.Labels {
		name := legacyLineName(x.Name)
		plain = plain && len(name) == len(x.Name) && bytes.Equal([]byte(name), x.Name)
		if len(x.Value) > 0 && name != skip {
			pairs = append(pairs, [2]string{name, string(x.Value)})
		}
	}
	if !plain {
		slices.SortFunc(pairs, func(a, b [2]string) int { return bytes.Compare([]byte(a[0]), []byte(b[0])) })
	}
	for _, p := range pairs {
		id = append(append(append(append(id, key.Separator...), p[0]...), key.Separator...), p[1]...)
	}
	return string(id)
}
