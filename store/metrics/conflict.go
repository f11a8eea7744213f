package metrics

import (
	"fmt"
	"slices"

	"gatehouse/store/key"
)

// Definitions that cannot be shown together, because samples of one would be
// taken for samples of the other, are rivals. Of rivals the one that is held
// the longest is shown; the same holds on every replica and after a restart,
// because it follows from the records alone.

func (e *transaction) addClaims(c claim) {
	for _, name := range c.sampleNames() {
		others, _ := treesOf(e.State).claims.Get(name)
		if !slices.Contains(others, c) {
			treesOf(e.State).claims.Set(name, append(slices.Clip(others), c))
		}
	}
}

func (e *transaction) removeClaims(c claim) {
	for _, name := range c.sampleNames() {
		others, _ := treesOf(e.State).claims.Get(name)
		if others = slices.DeleteFunc(slices.Clone(others), func(o claim) bool { return o == c }); len(others) == 0 {
			treesOf(e.State).claims.Delete(name)
		} else {
			treesOf(e.State).claims.Set(name, others)
		}
	}
}

// rivals returns the definitions that cannot be shown together with c.
func (p *State) rivals(c claim) []claim {
	var found []claim
	for _, name := range c.sampleNames() {
		others, _ := treesOf(p).claims.Get(name)
		for _, o := range others {
			if o != c && !slices.Contains(found, o) {
				found = append(found, o)
			}
		}
	}
	return found
}

func (p *State) isRivalled(c claim) bool { return len(p.rivals(c)) > 0 }

func (p *State) definition(c claim) *definition {
	if f, ok := treesOf(p).families.Get(c.family); ok {
		return f.definition(c.typ)
	}
	return nil
}

// resolveDirty decides anew which definitions are shown, among those that a
// change concerns.
func (e *transaction) resolveDirty() {
	for len(e.dirty) > 0 {
		c := e.dirty[len(e.dirty)-1]
		e.dirty = e.dirty[:len(e.dirty)-1]
		if e.definition(c) != nil {
			e.resolve(c)
		}
	}
}

// resolve decides which definitions are shown among c and all that are tied to
// it by rivalry.
func (e *transaction) resolve(c claim) {
	members := []claim{c}
	for i := 0; i < len(members); i++ {
		for _, r := range e.rivals(members[i]) {
			if !slices.Contains(members, r) {
				members = append(members, r)
			}
		}
	}
	if len(members) == 1 {
		e.setShadowed(c, false)
		return
	}
	for _, m := range members {
		e.refreshSince(m)
	}
	slices.SortFunc(members, func(a, b claim) int {
		x, y := e.definition(a), e.definition(b)
		switch {
		case x.own != y.own && x.own:
			return -1
		case x.own != y.own:
			return 1
		case x.since < y.since:
			return -1
		case x.since > y.since:
			return 1
		}
		return compareClaims(a, b)
	})
	shown := map[claim]bool{}
	for _, m := range members {
		shown[m] = !slices.ContainsFunc(e.rivals(m), func(r claim) bool { return shown[r] })
		e.setShadowed(m, !shown[m])
	}
}

func (e *transaction) setShadowed(c claim, shadowed bool) {
	if d := e.definition(c); d == nil || d.shadowed == shadowed {
		return
	}
	d := e.family(c.family).definition(c.typ)
	d.shadowed = shadowed
	if shadowed {
		e.stats.Shadowed += d.series
	} else {
		e.stats.Shadowed -= d.series
	}
}

// refreshSince looks up a time that is stale. It visits every grouping, which
// only happens where there is a conflict and its oldest holder has gone.
func (e *transaction) refreshSince(c claim) {
	if d := e.definition(c); d == nil || !d.stale {
		return
	}
	d := e.family(c.family).definition(c.typ)
	first := true
	for g := range e.all() {
		i := g.body.find(c.family)
		if i < 0 || g.body.holds[i].typ != c.typ {
			continue
		}
		if s := g.body.holds[i].since; first || s < d.since {
			d.since, first = s, false
		}
	}
	d.stale = false
}

// check says what speaks against a body for the grouping g, of which kept says
// which families were not pushed but stay as they are. labelSets bounds the
// sets of label names under which a family may be held; 0: no bound.
func (p *State) check(g *Grouping, before *body, kept func(name string) bool, labelSets int) error {
	if before == nil {
		before = emptyBody
	}
	for i := range g.body.holds {
		h := &g.body.holds[i]
		if kept(h.name) {
			continue
		}
		if err := p.checkFamily(g, i, before, kept, labelSets); err != nil {
			return err
		}
	}
	return nil
}

func (p *State) checkFamily(g *Grouping, i int, before *body, kept func(string) bool, labelSets int) error {
	h := &g.body.holds[i]
	f, known := treesOf(p).families.Get(h.name)
	if known && len(f.defs) == 1 && f.defs[0].typ == h.typ && !f.defs[0].shadowed && f.onlySet(g.set) {
		return nil // the usual case: as the others do it
	}
	if !known || f.definition(h.typ) == nil || f.definition(h.typ).shadowed {
		if err := p.checkRivals(g, h, before, kept); err != nil {
			return err
		}
	}
	if !known || f.onlySet(g.set) {
		return nil
	}
	if !f.hasSet(g.set) && labelSets > 0 && len(f.sets) >= labelSets {
		return refuse(ReasonConflict, "metric %s is held under %d different sets of grouping labels already, no more are allowed", key.Quote(h.name), len(f.sets))
	}
	for other := range p.sameSeries(f, g, i) {
		o, _ := treesOf(p).groupings.Get(other)
		return refuseBeside(o.Key, "metric %[2]s: a series of the push is held by %[1]s already", key.Quote(h.name))
	}
	return nil
}

// checkRivals refuses a definition that another grouping or the server rivals.
func (p *State) checkRivals(g *Grouping, h *hold, before *body, kept func(string) bool) error {
	for _, r := range p.rivals(claim{h.name, h.typ}) {
		d := p.definition(r)
		others := d.holders
		j := before.find(r.family)
		mine := j >= 0 && before.holds[j].typ == r.typ
		if mine && !(kept(r.family) && r.family != h.name) {
			others-- // it goes with this push
		}
		if d.own {
			return refuse(ReasonConflict, "metric %s of type %s collides with the server's own %s of type %s", key.Quote(h.name), h.typ, key.Quote(r.family), r.typ)
		}
		if others == 0 {
			continue
		}
		text := fmt.Sprintf("metric %s of type %s collides with %s of type %s", key.Quote(h.name), h.typ, key.Quote(r.family), r.typ)
		if r.family == h.name {
			text = fmt.Sprintf("metric %s is pushed as %s but is a %s", key.Quote(h.name), h.typ, r.typ)
		}
		if o := p.holder(r, d, g.Key.ID()); o != nil {
			return refuseBeside(o.Key, "%[2]s of %[1]s", text)
		}
		if mine {
			text += " of the same grouping"
		}
		return refuse(ReasonConflict, "%s", text)
	}
	return nil
}

// maxHolderLookup bounds the search for a grouping to be named in a message.
const maxHolderLookup = 1000

// holder returns a grouping other than self that holds the definition, if one
// is found quickly.
func (p *State) holder(c claim, d *definition, self string) *Grouping {
	if g, ok := treesOf(p).groupings.Get(d.example); ok && d.example != "" && d.example != self {
		return g
	}
	n := 0
	for g := range p.all() {
		if n++; n > maxHolderLookup {
			break
		}
		if i := g.body.find(c.family); i >= 0 && g.body.holds[i].typ == c.typ && g.Key.ID() != self {
			return g
		}
	}
	return nil
}

func (p *State) byAlias(alias string) *Grouping {
	if g, ok := treesOf(p).groupings.Get(alias); ok && g.alias == alias {
		return g
	}
	if id, ok := treesOf(p).aliases.Get(alias); ok {
		g, _ := treesOf(p).groupings.Get(id)
		return g
	}
	return nil
}
