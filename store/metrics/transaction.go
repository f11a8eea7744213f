package metrics

import (
	"slices"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
)

// transaction is the groupings of a snapshot in the making. It is for one goroutine.
type transaction struct {
	*State
	id    uint64 // marks the families that this transaction may modify in place
	tx    *commit.Transaction
	dirty []claim
}

func (e *transaction) addOwn(f exposition.Family) {
	own := &ident{name: f.Name, typ: f.Type, help: f.Help, unit: f.Unit}
	fam := e.family(f.Name)
	fam.defs = append(fam.defs, definition{typ: f.Type, own: true, shown: helpText{ident: own}})
	e.addClaims(claim{f.Name, f.Type})
}

// family returns the family of that name for modification.
func (e *transaction) family(name string) *family {
	f, ok := treesOf(e.State).families.Get(name)
	switch {
	case !ok:
		f = &family{madeBy: e.id, name: name}
	case f.madeBy == e.id && e.id != 0:
		return f
	default:
		c := *f
		f = &c
		f.madeBy = e.id
		f.defs, f.sets = slices.Clone(f.defs), slices.Clone(f.sets)
		for i := range f.defs {
			if f.defs[i].helps != nil {
				f.defs[i].helps = helpsOf(&f.defs[i]).Copy()
			}
		}
		if f.overlaps != nil {
			f.overlaps = overlapsOf(f).Copy()
		}
	}
	treesOf(e.State).families.Set(name, f)
	return f
}

// put adds or replaces a grouping whose body has its ages.
func (e *transaction) put(g *Grouping) {
	before := e.place(g)
	e.updateOverlaps(g, before, g.body)
	e.resolveDirty()
}

// putAdmitted puts a grouping that admit has let in. With the check on it shares no
// series with another one, so that there are no overlaps.
func (b *batch) putAdmitted(g *Grouping) {
	if !b.t.o.CheckConsistency || b.overlapping > 0 {
		b.put(g)
		return
	}
	b.place(g)
	b.resolveDirty()
}

// place does what put does, but for what concerns other groupings. It returns the
// body that was there.
func (e *transaction) place(g *Grouping) (before *body) {
	old, _ := treesOf(e.State).groupings.Get(g.Key.ID())
	before = emptyBody
	if old != nil {
		before = old.body
		e.forget(old)
	}
	e.replaceHolds(g, before, g.body)
	treesOf(e.State).groupings.Set(g.Key.ID(), g)
	if old == nil {
		treesOf(e.State).digests.Set(digestOf(g.Key.ID()))
	}
	if g.alias != g.Key.ID() {
		treesOf(e.State).aliases.Set(g.alias, g.Key.ID())
	}
	if !g.Expires.IsZero() {
		g.ends = e.endOf(g)
		treesOf(e.State).expiries.Set(clock.Key(g.ends, g.Key.ID()), g.Key.ID())
	}
	e.tx.Touch()
	e.stats.Groupings++
	e.stats.Series += g.Series
	e.stats.Bytes += int64(g.Bytes)
	e.dropDeleted(g.Key.ID())
	return before
}

// remove takes a grouping out.
func (e *transaction) remove(g *Grouping) {
	e.tx.Touch()
	e.forget(g)
	treesOf(e.State).groupings.Delete(g.Key.ID())
	treesOf(e.State).digests.Delete(digestOf(g.Key.ID()))
	if id, _ := treesOf(e.State).aliases.Get(g.alias); id == g.Key.ID() {
		treesOf(e.State).aliases.Delete(g.alias)
	}
	e.updateOverlaps(g, g.body, emptyBody)
	e.replaceHolds(g, g.body, emptyBody)
	e.resolveDirty()
}

// forget takes back what put counted, but for the holds.
func (e *transaction) forget(g *Grouping) {
	e.stats.Groupings--
	e.stats.Series -= g.Series
	e.stats.Bytes -= int64(g.Bytes)
	for i := range g.body.holds {
		if r := g.body.holds[i].rare; r != nil {
			e.stats.Shadowed -= r.hidden
		}
	}
	if !g.Expires.IsZero() {
		treesOf(e.State).expiries.Delete(clock.Key(g.ends, g.Key.ID()))
	}
}

// renew replaces a grouping by one that differs in its failure only.
func (e *transaction) renew(g *Grouping) {
	e.tx.Touch()
	treesOf(e.State).groupings.Set(g.Key.ID(), g)
}

// replaceHolds counts what a grouping holds no more and holds anew. Families
// that stay as they were cost a comparison.
func (e *transaction) replaceHolds(g *Grouping, before, after *body) {
	i, j := 0, 0
	for i < len(before.holds) || j < len(after.holds) {
		switch {
		case j == len(after.holds) || i < len(before.holds) && before.holds[i].name < after.holds[j].name:
			e.unhold(g, &before.holds[i])
			i++
		case i == len(before.holds) || after.holds[j].name < before.holds[i].name:
			e.hold(g, &after.holds[j])
			j++
		default:
			was, is := &before.holds[i], &after.holds[j]
			if *was.ident == *is.ident && was.since == is.since {
				is.ident = was.ident
				if was.series != is.series {
					e.recount(is, int(is.series)-int(was.series))
				}
			} else {
				e.unhold(g, was)
				e.hold(g, is)
			}
			i, j = i+1, j+1
		}
	}
}

func (e *transaction) recount(h *hold, delta int) {
	d := e.family(h.name).definition(h.typ)
	d.series += delta
	if d.shadowed {
		e.stats.Shadowed += delta
	}
}

func (e *transaction) hold(g *Grouping, h *hold) {
	f := e.family(h.name)
	if f.holders() == 0 {
		e.stats.Families++
	}
	f.addSet(g.set)
	d := f.definition(h.typ)
	if d == nil {
		f.defs = append(f.defs, definition{typ: h.typ, since: h.since})
		d = &f.defs[len(f.defs)-1]
		e.addClaims(claim{h.name, h.typ})
		e.dirty = append(e.dirty, claim{h.name, h.typ})
	}
	if d.holders == 0 || h.since < d.since {
		d.since, d.stale = h.since, false
		if len(f.defs) > 1 || e.isRivalled(claim{h.name, h.typ}) {
			e.dirty = append(e.dirty, claim{h.name, h.typ})
		}
	}
	d.holders++
	d.series += int(h.series)
	if d.shadowed {
		e.stats.Shadowed += int(h.series)
	}
	d.example = g.Key.ID()
	if !d.own {
		h.ident = d.addHelp(h.ident, h.helpSince)
	}
}

func (e *transaction) unhold(g *Grouping, h *hold) {
	f := e.family(h.name)
	d := f.definition(h.typ)
	f.removeSet(g.set)
	d.holders--
	d.series -= int(h.series)
	if d.shadowed {
		e.stats.Shadowed -= int(h.series)
	}
	if d.example == g.Key.ID() {
		d.example = ""
	}
	c := claim{h.name, h.typ}
	switch {
	case d.own:
	case d.holders > 0:
		d.removeHelp(h.ident)
		if h.since == d.since {
			d.stale = true
			if e.isRivalled(c) {
				e.dirty = append(e.dirty, c)
			}
		}
	default:
		e.dirty = append(e.dirty, e.rivals(c)...)
		e.removeClaims(c)
		f.defs = slices.DeleteFunc(f.defs, func(d definition) bool { return d.typ == h.typ && !d.own })
	}
	if f.holders() == 0 {
		e.stats.Families--
		if len(f.defs) == 0 {
			treesOf(e.State).families.Delete(h.name)
		}
	}
}

// ages gives the families of a push their ages. kept says which families were
// not in the push but stay from before.
//
// rank is the place of the push among all changes, at its stamp.
func (e *transaction) ages(b, before *body, rank, at int64, kept func(name string) bool) {
	var last *age
	var held []hold // of before, from the place where the next family would be
	if before != nil {
		held = before.holds
	}
	for i := range b.holds {
		h := &b.holds[i]
		a := age{since: rank, helpSince: rank, changed: at}
		for len(held) > 0 && held[0].name < h.name {
			held = held[1:]
		}
		if len(held) > 0 && held[0].name == h.name && held[0].typ == h.typ {
			was := &held[0]
			a.since = was.since
			if kept(h.name) {
				a.changed = was.changed
			}
			if was.help == h.help && was.unit == h.unit {
				a.helpSince = was.helpSince
			} else {
				a.helpSince = e.helpSince(h.ident, rank)
			}
		} else {
			a.helpSince = e.helpSince(h.ident, rank)
		}
		if last == nil || *last != a {
			shared := a // a itself stays on the stack
			last = &shared
		}
		h.age = last
	}
}

// helpSince is since when a HELP is there: a grouping that joins its holders
// takes over their time, so that the HELP stays when the first of them goes.
func (e *transaction) helpSince(i *ident, now int64) int64 {
	f, ok := treesOf(e.State).families.Get(i.name)
	if !ok {
		return now
	}
	if d := f.definition(i.typ); d != nil && d.helps != nil {
		if h, known := helpsOf(d).Get(helpKey(i)); known {
			return h.since
		}
	}
	return now
}
