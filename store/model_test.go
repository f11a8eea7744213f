package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/storetest"
)

// model is the store in the most naive way: it keeps all pushes and looks at
// everything each time.
type model struct {
	check  bool
	own    map[string]exposition.Type
	groups map[string]*modelGroup
	helps  map[string]int // definition and help: when it was first held
	// The pushes to each grouping, by identity: their sizes, "!" if refused.
	history map[string][]string
	graves  map[string]*modelGrave
	now     int
	// clock is set now and then; nil: it is right. The times that are shown then are
	// not those of the model.
	clock *storetest.WallClock
}

type modelGroup struct {
	key      store.GroupingKey
	families map[string]modelFamily
	after    string // the operation that had deleted it before
	pushed   []time.Time
}

// every returns the push interval: of the times between two pushes, the last
// one counts a quarter and those before three.
func (g *modelGroup) every() (every time.Duration) {
	for i := 1; i < len(g.pushed); i++ {
		between := g.pushed[i].Sub(g.pushed[i-1])
		if i == 1 {
			every = between
		}
		every += (between - every) / 4
	}
	return every
}

type modelGrave struct {
	*modelGroup
	operation string
	wiped     bool
	helps     map[string]int
	shown     string // the store's portrait of it
}

type modelFamily struct {
	exposition.Family
	since int
}

func (m *model) definition(f exposition.Family) string { return f.Name + " " + f.Type.String() }

func sampleNames(name string, t exposition.Type) []string {
	switch t {
	case exposition.Histogram:
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	case exposition.Summary:
		return []string{name, name + "_sum", name + "_count"}
	}
	return []string{name}
}

// series returns the identities of a family's series; a line's labels without
// empty ones and, of histograms and summaries, without the ones of its lines.
func series(f exposition.Family) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(string(f.Text)) {
		_, labels, _ := strings.Cut(line, "{")
		labels, _, _ = strings.Cut(labels, "}")
		id := f.Name
		for l := range strings.SplitSeq(labels, ",") {
			name, value, _ := strings.Cut(l, "=")
			if value == `""` || f.Type == exposition.Histogram && name == "le" || f.Type == exposition.Summary && name == "quantile" {
				continue
			}
			id += "," + l
		}
		out[id] = append(out[id], line)
	}
	return out
}

// conflicts returns the definitions that can't be shown because of ones that
// are held longer, and the series that another grouping shows.
func (m *model) conflicts() (hidden map[string]bool, shown map[string]map[string]bool) {
	type def struct {
		name  string
		typ   exposition.Type
		since int
	}
	defs := map[string]def{}
	for name, typ := range m.own {
		defs[name+" "+typ.String()] = def{name, typ, -1}
	}
	for _, g := range m.groups {
		for _, f := range g.families {
			d, ok := defs[m.definition(f.Family)]
			if !ok || f.since < d.since {
				d = def{f.Name, f.Type, f.since}
			}
			defs[m.definition(f.Family)] = d
		}
	}
	sorted := slices.SortedFunc(maps.Values(defs), func(a, b def) int {
		if a.since != b.since {
			return a.since - b.since
		}
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return int(a.typ) - int(b.typ)
	})
	hidden = map[string]bool{}
	taken := map[string]bool{}
	for _, d := range sorted {
		names := sampleNames(d.name, d.typ)
		if slices.ContainsFunc(names, func(n string) bool { return taken[n] }) {
			hidden[d.name+" "+d.typ.String()] = true
			continue
		}
		for _, n := range names {
			taken[n] = true
		}
	}
	winner := map[string]string{}
	since := map[string]int{}
	for id, g := range m.groups {
		for _, f := range g.families {
			for s := range series(f.Family) {
				s = f.Type.String() + " " + s
				if o, ok := winner[s]; !ok || f.since < since[s] || f.since == since[s] && id < o {
					winner[s], since[s] = id, f.since
				}
			}
		}
	}
	shown = map[string]map[string]bool{}
	for s, id := range winner {
		if shown[id] == nil {
			shown[id] = map[string]bool{}
		}
		shown[id][s] = true
	}
	return hidden, shown
}

func (m *model) isConsistent() bool {
	hidden, shown := m.conflicts()
	if len(hidden) > 0 {
		return false
	}
	for id, g := range m.groups {
		for _, f := range g.families {
			for s := range series(f.Family) {
				if !shown[id][f.Type.String()+" "+s] {
					return false
				}
			}
		}
	}
	return true
}

// push applies a push and says whether it is accepted.
func (m *model) push(p store.Push) bool {
	m.now++
	old := m.groups[p.Key.ID()]
	g := &modelGroup{key: p.Key, families: map[string]modelFamily{}}
	if old != nil && p.Mode == store.Merge {
		maps.Copy(g.families, old.families)
		for _, f := range p.Families {
			delete(g.families, f.Of)
		}
	}
	for _, f := range p.Families {
		since := m.now
		if old != nil {
			if o, ok := old.families[f.Name]; ok && o.Type == f.Type {
				since = o.since
			}
		}
		g.families[f.Name] = modelFamily{f, since}
	}
	size := fmt.Sprint(p.Size)
	if old != nil {
		g.after, g.pushed = old.after, old.pushed
	} else if x := m.graves[p.Key.ID()]; x != nil {
		g.after = x.operation
	}
	m.groups[p.Key.ID()] = g
	if m.check && !m.isConsistent() {
		delete(m.groups, p.Key.ID())
		if old != nil {
			m.groups[p.Key.ID()] = old
			m.history[p.Key.ID()] = append(m.history[p.Key.ID()], size+"!")
		}
		return false
	}
	if x := m.graves[p.Key.ID()]; x != nil && x.wiped {
		m.history[p.Key.ID()] = nil
	}
	m.history[p.Key.ID()] = append(m.history[p.Key.ID()], size)
	delete(m.graves, p.Key.ID())
	m.countHelps()
	return true
}

// delete deletes what matches as one operation and returns how much that was.
func (m *model) delete(p *store.Snapshot, operation string, wiped bool, matches func(store.GroupingKey) bool) int {
	m.now++
	n := 0
	for id, g := range m.groups {
		if !matches(g.key) {
			continue
		}
		was, _ := p.Grouping(g.key)
		x := &modelGrave{modelGroup: g, operation: operation, wiped: wiped, helps: map[string]int{}, shown: m.portrait(was)}
		for _, f := range g.families {
			x.helps[m.helpKey(f)] = m.helps[m.helpKey(f)]
		}
		m.graves[id] = x
		delete(m.groups, id)
		n++
	}
	m.countHelps()
	return n
}

// undo returns the groupings that it restores, those that are in the way of
// themselves, and those that were pushed anew.
func (m *model) undo(operation string) (restored, conflicting, kept []string) {
	m.now++
	for _, id := range slices.Sorted(maps.Keys(m.graves)) {
		x := m.graves[id]
		if x.operation != operation {
			continue
		}
		m.groups[id] = x.modelGroup
		if m.check && !m.isConsistent() {
			delete(m.groups, id)
			conflicting = append(conflicting, id)
			continue
		}
		for key, since := range x.helps {
			if _, held := m.helps[key]; !held {
				m.helps[key] = since
			}
		}
		restored = append(restored, id)
	}
	for _, id := range restored {
		delete(m.graves, id)
	}
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		if m.groups[id].after == operation && !slices.Contains(restored, id) {
			kept = append(kept, id)
		}
	}
	return restored, conflicting, kept
}

func (m *model) helpKey(f modelFamily) string { return m.definition(f.Family) + "\n" + f.Help }

// portrait is that of a grouping, without its times where the clock is set.
func (m *model) portrait(g *store.Grouping) string {
	if m.clock == nil {
		return storetest.Describe(g)
	}
	s := fmt.Sprintln(g.Key, g.Failure, g.Origin, g.Series, g.Bytes, g.LastPushSuccessful())
	for _, f := range g.Families() {
		s += fmt.Sprintf("%s %s %q %q\n", f.Name, f.Type, f.Help, f.Text)
	}
	return s
}

// setClock sets the clock by random, to something that is possible.
func (m *model) setClock(r *rand.Rand, of ...time.Duration) {
	if m.clock != nil {
		m.clock.Pass(time.Millisecond)
		m.clock.Set(of[r.IntN(len(of))])
	}
}

func (m *model) countHelps() {
	held := map[string]bool{}
	for _, g := range m.groups {
		for _, f := range g.families {
			key := m.helpKey(f)
			held[key] = true
			if _, ok := m.helps[key]; !ok {
				m.helps[key] = m.now
			}
		}
	}
	maps.DeleteFunc(m.helps, func(key string, _ int) bool { return !held[key] })
}

func (m *model) help(def string) string {
	best, since := "", 0
	for key, at := range m.helps {
		d, help, _ := strings.Cut(key, "\n")
		if d == def && (since == 0 || at < since || at == since && help < best) {
			best, since = help, at
		}
	}
	return best
}

// scrape renders what scrapes should show, without the push times.
func (m *model) scrape() string {
	hidden, shown := m.conflicts()
	lines := map[string]string{} // by family
	heads := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		for _, f := range m.groups[id].families {
			def := m.definition(f.Family)
			if hidden[def] {
				continue
			}
			help := m.help(def)
			if _, own := m.own[f.Name]; own {
				help = "own"
			}
			heads[f.Name] = def + " " + help + "\n"
			visible := map[string]bool{}
			for s, ls := range series(f.Family) {
				for _, l := range ls {
					visible[l] = shown[id][f.Type.String()+" "+s]
				}
			}
			for line := range strings.Lines(string(f.Text)) {
				if visible[line] {
					lines[f.Name] += line
				}
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(heads)) {
		if lines[name] != "" {
			b.WriteString(heads[name] + lines[name])
		}
	}
	return b.String()
}

func TestRandomPushesGiveWhatTheNaiveModelGives(t *testing.T) {
	for _, check := range []bool{true, false} {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("check %v, seed %d", check, seed), func(t *testing.T) {
				t.Parallel()
				followModel(t, check, seed, 250, nil)
			})
			t.Run(fmt.Sprintf("check %v, seed %d, the clock is set", check, seed), func(t *testing.T) {
				t.Parallel()
				followModel(t, check, seed, 120, &storetest.WallClock{})
			})
		}
	}
}

// undoBoth has both undo an operation and compares what they say of it.
func undoBoth(t *testing.T, s *store.Store, m *model, operation string) (what string, restored int) {
	t.Helper()
	wantUndoable := false
	for _, x := range m.graves {
		wantUndoable = wantUndoable || x.operation == operation
	}
	if _, ok := s.Undoable(operation); ok != wantUndoable {
		t.Errorf("operation %s can be undone: %v, want %v", operation, ok, wantUndoable)
	}
	graves := maps.Clone(m.graves)
	want, conflicting, kept := m.undo(operation)
	u, err := s.Undo(context.Background(), operation, store.Origin{By: "me"})
	what = fmt.Sprintf("undo %s: %+v, %v", operation, u, err)
	if len(want)+len(conflicting)+len(kept) == 0 {
		if !errors.Is(err, store.ErrTooLate) {
			t.Errorf("%s: want ErrTooLate", what)
		}
		return what, 0
	}
	var gotConflicting, gotKept []string
	for _, c := range u.Conflicting {
		gotConflicting = append(gotConflicting, c.Key.ID())
	}
	for _, k := range u.Kept {
		gotKept = append(gotKept, k.ID())
	}
	if err != nil || u.Restored != len(want) || !slices.Equal(gotConflicting, conflicting) || !slices.Equal(gotKept, kept) {
		t.Errorf("%s: want %d restored, conflicting %q, kept %q", what, len(want), conflicting, kept)
	}
	for _, id := range want {
		if g, ok := s.Snapshot().Grouping(graves[id].key); !ok || m.portrait(g) != graves[id].shown {
			t.Errorf("%s\nrestored %v: %+v\nwant %s", what, ok, g, graves[id].shown)
		}
	}
	return what, len(want)
}

// compareHistories compares the last pushes to existing groupings in both.
func (m *model) compareHistories(t *testing.T, s *store.Store) {
	t.Helper()
	if m.clock != nil {
		return // they are identified by their times
	}
	for id, g := range m.groups {
		pushes, err := s.History(t.Context(), g.key)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range slices.Backward(pushes) {
			got = append(got, fmt.Sprint(x.Bytes))
			if x.Refused != "" {
				got[len(got)-1] += "!"
			}
		}
		if all := m.history[id]; !slices.Equal(got, all[max(0, len(all)-50):]) {
			t.Errorf("the history of %q is %q, want %q", id, got, all)
		}
	}
}

func followModel(t *testing.T, check bool, seed uint64, steps int, clock *storetest.WallClock) {
	r := rand.New(rand.NewPCG(seed, 7))
	dir := t.TempDir()
	o := store.Options{
		Limits: store.Limits{CheckConsistency: check}, Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 16 << 20}, Timeout: time.Minute,
		Own: []exposition.Family{{Name: "own_gauge", Type: exposition.Gauge, Help: "own"}},
	}
	m := &model{
		check: check, groups: map[string]*modelGroup{}, helps: map[string]int{}, graves: map[string]*modelGrave{}, history: map[string][]string{},
		own: map[string]exposition.Type{"own_gauge": exposition.Gauge},
	}
	var last atomic.Pointer[string] // operation; the newest on record need not be it
	last.Store(new(string))
	o.Recorded = func(x store.Entry) {
		if x.Kind != store.EntryRefusal {
			last.Store(&x.Operation)
		}
	}
	if m.clock = clock; clock != nil {
		o.Clock = clock.StoreOptions().Clock
	}
	s, closeStore := storetest.OpenDir(t, dir, o)
	ctx := context.Background()
	var operations []string
	accepted, restored := 0, 0
	for step := range steps {
		var what string
		m.setClock(r, 0, 0, 0, time.Hour, -time.Hour, storetest.Year, -storetest.Year)
		switch n := r.IntN(40); {
		case n == 0:
			// It is put right while the store runs, and may be behind at the start.
			m.setClock(r, 0)
			if _, err := s.Delete(ctx, storetest.Key(t, "/job/none/such/there"), store.Origin{}); err != nil {
				t.Fatal(err)
			}
			closeStore()
			m.setClock(r, 0, -time.Hour, -storetest.Year)
			s, closeStore = storetest.OpenDir(t, dir, o)
			m.compareHistories(t, s)
			what = "restart"
		case n < 10:
			before := s.Snapshot()
			p := storetest.RandomPush(t, r)
			var got int
			var err error
			matches := func(k store.GroupingKey) bool { return k.ID() == p.Key.ID() }
			switch {
			case n == 1:
				what = "wipe"
				matches = func(store.GroupingKey) bool { return true }
				var d store.Deleted
				d, err = s.Wipe(ctx, store.Origin{})
				got = d.Groupings
			case n < 5:
				what = "delete job " + p.Key.Job()
				matches = func(k store.GroupingKey) bool { return k.Job() == p.Key.Job() }
				got, err = s.DeleteMatching(ctx, store.JobSelector(p.Key.Job()), store.Selectors{}, store.Origin{})
			default:
				what = "delete " + p.Key.String()
				got, err = s.Delete(ctx, p.Key, store.Origin{})
			}
			operation := *last.Load()
			if want := m.delete(before, operation, what == "wipe", matches); err != nil || got != want {
				t.Fatalf("step %d: %s: %d, %v, want %d", step, what, got, err, want)
			}
			if got > 0 {
				operations = append(operations, operation)
			}
		case n < 16 && len(operations) > 0:
			// Mostly one of the last ones.
			operation := operations[max(0, len(operations)-1-int(r.ExpFloat64()*2))]
			var n int
			what, n = undoBoth(t, s, m, operation)
			restored += n
		default:
			p := storetest.RandomPush(t, r)
			p.Size = step
			_, err := s.Push(ctx, p)
			var refusal *store.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			what = fmt.Sprintf("push %v to %s: %v", p.Mode, p.Key, err)
			for _, f := range p.Families {
				what += fmt.Sprintf("\n  %s %s %q", f.Name, f.Type, f.Text)
			}
			if want := m.push(p); want != (err == nil) {
				t.Fatalf("step %d: %s\nwant accepted: %v, got %v\nheld:\n%s", step, what, want, err, m.scrape())
			}
			if err == nil {
				accepted++
				g, _ := s.Snapshot().Grouping(p.Key)
				m.groups[p.Key.ID()].pushed = append(m.groups[p.Key.ID()].pushed, g.Pushed.Round(0))
			}
		}
		if t.Failed() {
			t.Fatalf("step %d: %s", step, what)
		}
		if got, want := storetest.Scrape(s), m.scrape(); got != want {
			t.Fatalf("step %d: %s\ngot:\n%s\nwant:\n%s", step, what, got, want)
		}
		for id, g := range m.groups {
			if got, ok := s.Snapshot().Grouping(g.key); !ok || m.clock == nil && got.PushInterval != g.every() {
				t.Fatalf("step %d: %s: %q is pushed every %v, want %v", step, what, id, got.PushInterval, g.every())
			}
		}
		if got := s.Snapshot().Stats().Groupings; got != len(m.groups) {
			t.Fatalf("step %d: %d groupings, want %d", step, got, len(m.groups))
		}
		if shadowed := s.Snapshot().Stats().Shadowed; check && shadowed != 0 {
			t.Fatalf("step %d: %s: %d series are shadowed", step, what, shadowed)
		}
	}
	if t.Failed() {
		return
	}
	m.compareHistories(t, s)
	if restored == 0 {
		t.Error("nothing was ever restored: the test tries too little")
	}
	if accepted < steps/10 {
		t.Errorf("only %d of %d pushes were accepted: the test tries too little", accepted, steps)
	}
}
