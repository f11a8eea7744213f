package metrics

import (
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// family describes one name of a metric family across all groupings of a
// snapshot. A push that brings the same again leaves it as it is.
type family struct {
	madeBy uint64 // the transaction that made it and may still modify it
	name   string
	// defs are the types under which it is held: one, but for conflicts.
	defs []definition
	// sets counts the holders by their sets of label names. Groupings of equal
	// sets cannot hold the same series, because a grouping's labels override.
	sets []setCount
	// overlaps are the series that several groupings hold, with their
	// identities; nil while there are none.
	overlaps any // a *btree.Map[string, []string], kept out of the type as the trees of a State
}

type setCount struct {
	set     string
	holders int
}

// definition is a family of one type.
type definition struct {
	typ     exposition.Type
	own     bool // the server's own: it precedes all others and never goes
	holders int
	series  int
	// since is the lowest held-since of the holders. When that holder is gone
	// it is stale: too low, until it is needed and looked up.
	since int64
	stale bool
	// shadowed: it is left out of scrapes, because it cannot be shown together
	// with another one that was there before.
	shadowed bool
	example  string   // the identity of some holder, if known
	shown    helpText // the HELP in scrapes
	helps    any      // a *btree.Map[string, helpText], likewise
}

// helpText is a HELP that holders of a family have.
type helpText struct {
	*ident
	holders int
	since   int64
}

// helpKey distinguishes the definitions' holders by type and help.
func helpKey(i *ident) string {
	if i.unit == "" {
		return i.help
	}
	return i.help + key.Separator + i.unit
}

func (f *family) definition(t exposition.Type) *definition {
	for i := range f.defs {
		if f.defs[i].typ == t {
			return &f.defs[i]
		}
	}
	return nil
}

// exposed returns the definition that scrapes show, or nil.
func (f *family) exposed() *definition {
	for i := range f.defs {
		if d := &f.defs[i]; !d.shadowed && d.holders > 0 {
			return d
		}
	}
	return nil
}

func (f *family) holders() int {
	n := 0
	for i := range f.defs {
		n += f.defs[i].holders
	}
	return n
}

func (f *family) addSet(set string) {
	for i := range f.sets {
		if f.sets[i].set == set {
			f.sets[i].holders++
			return
		}
	}
	f.sets = append(f.sets, setCount{set, 1})
}

func (f *family) removeSet(set string) {
	for i := range f.sets {
		if f.sets[i].set == set {
			if f.sets[i].holders--; f.sets[i].holders == 0 {
				f.sets = slices.Delete(f.sets, i, i+1)
			}
			return
		}
	}
}

func (f *family) hasSet(set string) bool {
	return slices.ContainsFunc(f.sets, func(s setCount) bool { return s.set == set })
}

// onlySet says that every holder has that set of label names.
func (f *family) onlySet(set string) bool { return len(f.sets) == 1 && f.sets[0].set == set }

// addHelp counts one more holder of a HELP and returns its shared ident.
func (d *definition) addHelp(i *ident, since int64) *ident {
	if d.helps == nil {
		d.helps = &btree.Map[string, helpText]{}
	}
	key := helpKey(i)
	h, known := helpsOf(d).Get(key)
	if !known {
		own := *i // i is one of many in a push and would keep all of them
		h = helpText{ident: &own, since: since}
	}
	h.holders++
	h.since = min(h.since, since)
	helpsOf(d).Set(key, h)
	if d.shown.ident == nil || helpKey(d.shown.ident) == key || comesBefore(h, d.shown) {
		d.shown = h
	}
	return h.ident
}

func comesBefore(a, b helpText) bool {
	return a.since < b.since || a.since == b.since && helpKey(a.ident) < helpKey(b.ident)
}

// removeHelp counts one holder less. The HELP shown stays until its last
// holder has gone; then it is the one that is there the longest.
func (d *definition) removeHelp(i *ident) {
	key := helpKey(i)
	h, known := helpsOf(d).Get(key)
	if !known {
		return
	}
	h.holders--
	isShown := helpKey(d.shown.ident) == key
	if h.holders > 0 {
		helpsOf(d).Set(key, h)
		if isShown {
			d.shown = h
		}
		return
	}
	helpsOf(d).Delete(key)
	if isShown {
		d.shown = helpText{}
		helpsOf(d).Scan(func(_ string, h helpText) bool {
			if d.shown.ident == nil || comesBefore(h, d.shown) {
				d.shown = h
			}
			return true
		})
	}
}

// claim is a definition by name: it claims the names that its samples have.
type claim struct {
	family string
	typ    exposition.Type
}

// sampleNames returns every name that must belong to the definition alone, as
// the scrapers see it that get names escaped.
func (c claim) sampleNames() []string {
	suffixes := c.typ.SampleSuffixes()
	var names []string
	for _, name := range exposition.EscapedMetricNames(c.family) {
		for _, s := range suffixes {
			names = append(names, name+s)
		}
	}
	return names
}

func compareClaims(a, b claim) int {
	if c := strings.Compare(a.family, b.family); c != 0 {
		return c
	}
	return int(a.typ) - int(b.typ)
}

func overlapsOf(f *family) *btree.Map[string, []string] {
	return f.overlaps.(*btree.Map[string, []string])
}

func helpsOf(d *definition) *btree.Map[string, helpText] {
	return d.helps.(*btree.Map[string, helpText])
}
