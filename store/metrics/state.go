package metrics

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"gatehouse/store/clock"
	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// State is the groupings of a store, as they were at one moment. It is immutable:
// reading it neither blocks nor is disturbed by any change.
type State struct {
	clock *clock.Clock // nil: stamps are shown as they are
	wipes []wipe       // in their order; records before one are gone; never modified in place

	overlapping int // families that have overlaps
	stats       Stats
	deletedBy   uint64 // the transaction that may modify the deleted groupings

	// trees are a *trees. Their type is kept out of that of State, because every
	// package that uses a State would compile all instances of the B-tree anew.
	trees any
}

// trees are the indexes of a state.
type trees struct {
	groupings     *btree.Map[string, *Grouping] // by identity
	aliases       *btree.Map[string, string]    // alias to identity, where they differ
	digests       *btree.BTreeG[digested]       // the identities of both those and the deleted ones by their digests
	families      *btree.Map[string, *family]
	claims        *btree.Map[string, []claim]         // by sample name
	expiries      *btree.Map[string, string]          // by running time, then identity
	deleted       *btree.Map[string, deletedGrouping] // deleted, but kept for the undo; by identity
	deletedByTime *btree.Map[string, string]          // by running time, then identity
	deletions     *btree.Map[string, deletion]        // deleted groupings by operation
}

func treesOf(p *State) *trees { return p.trees.(*trees) }

// Stats counts what the groupings of a snapshot hold.
type Stats struct {
	Groupings int
	Families  int   // names of families that a grouping holds
	Series    int   // without the two push times of each grouping
	Bytes     int64 // of the text of those series
	Shadowed  int   // series left out of scrapes because of a conflict
	Deleted   int   // deleted groupings that can still be restored
	// DeletedBytes is what these count towards Undo.UndoMaxBytes.
	DeletedBytes int64
}

func newState(own []exposition.Family) *State {
	p := &State{trees: &trees{
		groupings:     &btree.Map[string, *Grouping]{},
		aliases:       &btree.Map[string, string]{},
		digests:       newDigests(),
		families:      &btree.Map[string, *family]{},
		claims:        &btree.Map[string, []claim]{},
		expiries:      &btree.Map[string, string]{},
		deleted:       &btree.Map[string, deletedGrouping]{},
		deletedByTime: &btree.Map[string, string]{},
		deletions:     &btree.Map[string, deletion]{},
	}}
	e := transaction{State: p}
	for _, f := range own {
		e.addOwn(f)
	}
	e.addOwn(exposition.Family{Name: pushTimeName, Type: exposition.Gauge, Help: pushTimeHelp})
	e.addOwn(exposition.Family{Name: failureTimeName, Type: exposition.Gauge, Help: failureTimeHelp})
	return p
}

// copy is cheap: both states share everything until one of them changes. The
// deleted groupings, which change rarely, are changed through a transaction's
// ownDeleted.
func (p *State) copy() *State {
	c, t := *p, *treesOf(p)
	t.groupings, t.aliases, t.families = t.groupings.Copy(), t.aliases.Copy(), t.families.Copy()
	t.claims, t.expiries = t.claims.Copy(), t.expiries.Copy()
	t.digests = t.digests.Copy()
	c.trees = &t
	return &c
}

// Stats counts what the groupings hold.
func (p *State) Stats() Stats { return p.stats }

// Grouping returns the grouping of that key.
func (p *State) Grouping(k key.GroupingKey) (*Grouping, bool) {
	return p.shown(treesOf(p).groupings.Get(k.ID()))
}

// Groupings returns all groupings in the order of their identities.
func (p *State) Groupings() iter.Seq[*Grouping] { return p.shownAll(p.all()) }

// all returns the groupings as their records have them.
func (p *State) all() iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		treesOf(p).groupings.Scan(func(_ string, g *Grouping) bool { return yield(g) })
	}
}

// Matching returns the groupings that the selectors mean, in the order of
// their identities.
func (p *State) Matching(s key.Selectors) iter.Seq[*Grouping] { return p.shownAll(p.matching(s)) }

func (p *State) matching(s key.Selectors) iter.Seq[*Grouping] {
	if s.All() {
		return p.all()
	}
	candidates := p.all()
	if job, one := s.Job(); one {
		candidates = p.ofJob(job)
	}
	return func(yield func(*Grouping) bool) {
		for g := range candidates {
			if s.Match(g.Key.Labels()) && !yield(g) {
				return
			}
		}
	}
}

func (p *State) ofJob(job string) iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		if g, ok := treesOf(p).groupings.Get(job); ok && !yield(g) {
			return
		}
		treesOf(p).groupings.Ascend(job+key.Separator, func(id string, g *Grouping) bool {
			return strings.HasPrefix(id, job+key.Separator) && yield(g)
		})
	}
}

// IsTaken reports whether a family or a sample of one may be called so in a scrape,
// however names are escaped.
func (p *State) IsTaken(name string) bool {
	if _, claimed := treesOf(p).claims.Get(name); claimed {
		return true
	}
	_, held := treesOf(p).families.Get(name)
	return held
}

// Exposed is a metric family as scrapes show it.
type Exposed struct {
	Name       string
	Type       exposition.Type
	Help, Unit string
	Chunks     []exposition.Chunk // in the order of the groupings
}

// Exposed returns the families of the given groupings, sorted by name. What
// conflicts with something that was there before is left out.
//
// expected is about how many groupings there will be; it saves copying.
func (p *State) Exposed(groups iter.Seq[*Grouping], expected int) iter.Seq[Exposed] {
	return func(yield func(Exposed) bool) {
		for _, s := range p.collect(groups, expected) {
			if !yield(s.Exposed) {
				return
			}
		}
	}
}

// shownFamily is a family with everything to show of it.
type shownFamily struct {
	Exposed
	hidden bool // a conflict keeps all of it out
}

// collect goes through the groupings once and sorts their chunks by family.
// What has to be looked up for a chunk is looked up here, where it lies close
// to that of its neighbours: a scrape is bound by the memory it touches.
func (p *State) collect(groups iter.Seq[*Grouping], expected int) []*shownFamily {
	families := map[string]*shownFamily{}
	find := func(name string) *shownFamily {
		f, known := families[name]
		if !known {
			f = p.shownFamily(name, expected)
			families[name] = f
		}
		return f
	}
	pushTimes, failureTimes := find(pushTimeName), find(failureTimeName)
	// Neighbours mostly hold the same families: try those of the one before.
	var last []*shownFamily
	for g := range groups {
		pushTimes.Chunks = append(pushTimes.Chunks, g.pushTime())
		failureTimes.Chunks = append(failureTimes.Chunks, g.failureTime())
		for i := range g.body.holds {
			h := &g.body.holds[i]
			if i == len(last) {
				last = append(last, find(h.name))
			} else if last[i].Name != h.name {
				last[i] = find(h.name)
			}
			if f := last[i]; f.Type == h.typ && !f.hidden {
				f.Chunks = append(f.Chunks, g.body.exposed(h))
			}
		}
	}
	shown := make([]*shownFamily, 0, len(families))
	for _, f := range families {
		if len(f.Chunks) > 0 {
			shown = append(shown, f)
		}
	}
	slices.SortFunc(shown, func(a, b *shownFamily) int { return strings.Compare(a.Name, b.Name) })
	return shown
}

func (p *State) shownFamily(name string, expected int) *shownFamily {
	f, _ := treesOf(p).families.Get(name)
	s := &shownFamily{Exposed: Exposed{Name: name}}
	d := f.exposed()
	if d == nil && f.defs[0].own {
		d = &f.defs[0]
	}
	if d == nil {
		s.hidden = true
		return s
	}
	s.Type = d.typ
	if name != pushTimeName && name != failureTimeName {
		expected = min(d.holders, expected)
	}
	s.Chunks = make([]exposition.Chunk, 0, expected)
	if d.shown.ident != nil {
		s.Help, s.Unit = d.shown.help, d.shown.unit
	}
	return s
}

// nextExpiry returns the running time at which the next grouping expires.
func (p *State) nextExpiry() (time.Time, bool) {
	_, id, ok := treesOf(p).expiries.Min()
	if !ok {
		return time.Time{}, false
	}
	g, _ := treesOf(p).groupings.Get(id)
	return time.Unix(0, g.ends), true
}

// remembers reports whether a grouping is there or can be restored.
func (p *State) remembers(id string) bool {
	_, held := treesOf(p).groupings.Get(id)
	if !held {
		_, held = treesOf(p).deleted.Get(id)
	}
	return held
}

// endOf is when a grouping expires, in Unix nanoseconds of the running time.
func (p *State) endOf(g *Grouping) int64 {
	at := p.clock.Place(clock.Nanos(g.Pushed), g.ran)
	return at.Add(g.Expires.Sub(g.Pushed)).UnixNano()
}
