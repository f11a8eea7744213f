package store

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"gatehouse/store/clock"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// Snapshot is everything the store holds, as it was at one moment. It is
// immutable: reading it neither blocks nor is disturbed by any change.
type Snapshot struct {
	clock    *clock.Clock // nil: stamps are shown as they are
	sequence uint64
	changes  uint64
	resets   uint64           // how often the journal had started over
	applied  journal.Revision // the last change it shows
	wipes    []wipe           // in their order; records before one are gone; never modified in place

	groups        *btree.Map[string, *Grouping] // by identity
	aliases       *btree.Map[string, string]    // alias to identity, where they differ
	digests       *btree.BTreeG[digested]       // the identities of both those and the deleted ones by their digests
	families      *btree.Map[string, *family]
	overlapping   int                                 // families that have overlaps
	claims        *btree.Map[string, []claim]         // by sample name
	expiries      *btree.Map[string, string]          // by running time, then identity
	deleted       *btree.Map[string, deletedGrouping] // deleted, but kept for the undo; by identity
	deletedByTime *btree.Map[string, string]          // by running time, then identity
	deletions     *btree.Map[string, deletion]        // what is gone by operation
	stats         Stats
	deletedBytes  int64
	sessions      sessions
	tokens        tokens
	signingKey    []byte // see Store.Secret
}

// Stats counts what a snapshot holds.
type Stats struct {
	Groupings int
	Families  int   // names of families that a grouping holds
	Series    int   // without the two push times of each grouping
	Bytes     int64 // of the text of those series
	Shadowed  int   // series left out of scrapes because of a conflict
	Deleted   int   // deleted groupings that can still be restored
	Sessions  int
	Tokens    int // the expired ones too
}

// newSnapshot is an empty snapshot of the store's.
func (s *Store) newSnapshot() *Snapshot {
	p := newSnapshot(s.o.Own)
	p.clock = s.clock
	return p
}

func newSnapshot(own []exposition.Family) *Snapshot {
	p := &Snapshot{
		groups:        &btree.Map[string, *Grouping]{},
		aliases:       &btree.Map[string, string]{},
		digests:       newDigests(),
		families:      &btree.Map[string, *family]{},
		claims:        &btree.Map[string, []claim]{},
		expiries:      &btree.Map[string, string]{},
		deleted:       &btree.Map[string, deletedGrouping]{},
		deletedByTime: &btree.Map[string, string]{},
		deletions:     &btree.Map[string, deletion]{},
		sessions:      newSessions(),
		tokens:        newTokens(),
	}
	e := transaction{Snapshot: p}
	for _, f := range own {
		e.addOwn(f)
	}
	e.addOwn(exposition.Family{Name: pushTimeName, Type: exposition.Gauge, Help: pushTimeHelp})
	e.addOwn(exposition.Family{Name: failureTimeName, Type: exposition.Gauge, Help: failureTimeHelp})
	return p
}

// copy is cheap: both snapshots share everything until one of them changes. Sessions
// and tokens, which change rarely, are changed by way of a transaction's changeSessions and
// changeTokens.
func (p *Snapshot) copy() *Snapshot {
	c := *p
	c.groups, c.aliases, c.families = p.groups.Copy(), p.aliases.Copy(), p.families.Copy()
	c.claims, c.expiries = p.claims.Copy(), p.expiries.Copy()
	c.deleted, c.deletedByTime, c.deletions = p.deleted.Copy(), p.deletedByTime.Copy(), p.deletions.Copy()
	c.digests = p.digests.Copy()
	return &c
}

// Sequence is another one with every change of what the snapshot shows of groupings.
// It is new in every process.
func (p *Snapshot) Sequence() uint64 {
	if second, ahead := p.clock.Read().Ahead(); ahead {
		// Times that are ahead are shown as they are once the clock has reached them.
		return p.sequence<<32 ^ uint64(second)
	}
	return p.sequence
}

// Changes counts how often groupings have changed in this process: pushes,
// refusals noted, deletes, expiries, undos. It is the same of two snapshots only
// if their groupings are.
func (p *Snapshot) Changes() uint64 { return p.changes }

// Stats counts what the snapshot holds.
func (p *Snapshot) Stats() Stats {
	s := p.stats
	s.Sessions, s.Tokens = p.sessions.byKey.Len(), p.tokens.byID.Len()
	return s
}

// Grouping returns the grouping of that key.
func (p *Snapshot) Grouping(k GroupingKey) (*Grouping, bool) { return p.shown(p.groups.Get(k.ID())) }

// Groups returns all groupings in the order of their identities.
func (p *Snapshot) Groupings() iter.Seq[*Grouping] { return p.shownAll(p.all()) }

// all returns the groupings as their records have them.
func (p *Snapshot) all() iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		p.groups.Scan(func(_ string, g *Grouping) bool { return yield(g) })
	}
}

// Matching returns the groupings that the selectors mean, in the order of
// their identities.
func (p *Snapshot) Matching(s Selectors) iter.Seq[*Grouping] { return p.shownAll(p.matching(s)) }

func (p *Snapshot) matching(s Selectors) iter.Seq[*Grouping] {
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

func (p *Snapshot) ofJob(job string) iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		if g, ok := p.groups.Get(job); ok && !yield(g) {
			return
		}
		p.groups.Ascend(job+key.Separator, func(id string, g *Grouping) bool {
			return strings.HasPrefix(id, job+key.Separator) && yield(g)
		})
	}
}

// IsTaken reports whether a family or a sample of one may be called so in a scrape,
// however names are escaped.
func (p *Snapshot) IsTaken(name string) bool {
	if _, claimed := p.claims.Get(name); claimed {
		return true
	}
	_, held := p.families.Get(name)
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
func (p *Snapshot) Exposed(groups iter.Seq[*Grouping], expected int) iter.Seq[Exposed] {
	return func(yield func(Exposed) bool) {
		for _, s := range p.collect(groups, expected) {
			if !yield(s.Exposed) {
				return
			}
		}
	}
}

// shownFamily is a family with all that is to be shown of it.
type shownFamily struct {
	Exposed
	hidden bool // a conflict keeps all of it out
}

// collect goes through the groupings once and sorts their chunks by family.
// What has to be looked up for a chunk is looked up here, where it lies close
// to that of its neighbours: a scrape is bound by the memory it touches.
func (p *Snapshot) collect(groups iter.Seq[*Grouping], expected int) []*shownFamily {
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

func (p *Snapshot) shownFamily(name string, expected int) *shownFamily {
	f, _ := p.families.Get(name)
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
func (p *Snapshot) nextExpiry() (time.Time, bool) {
	_, id, ok := p.expiries.Min()
	if !ok {
		return time.Time{}, false
	}
	g, _ := p.groups.Get(id)
	return time.Unix(0, g.ends), true
}
