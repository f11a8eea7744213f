package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/pebble"
)

// model is what the store should do, in the most naive way: it keeps what was
// pushed and looks at everything each time.
type model struct {
	check  bool
	own    map[string]exposition.Type
	groups map[string]*modelGroup
	helps  map[string]int // definition and help: when it was first held
	now    int
}

type modelGroup struct {
	key      store.GroupingKey
	families map[string]modelFamily
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
	owner := map[string]string{}
	since := map[string]int{}
	for id, g := range m.groups {
		for _, f := range g.families {
			for s := range series(f.Family) {
				s = f.Type.String() + " " + s
				if o, ok := owner[s]; !ok || f.since < since[s] || f.since == since[s] && id < o {
					owner[s], since[s] = id, f.since
				}
			}
		}
	}
	shown = map[string]map[string]bool{}
	for s, id := range owner {
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
	m.groups[p.Key.ID()] = g
	if m.check && !m.isConsistent() {
		delete(m.groups, p.Key.ID())
		if old != nil {
			m.groups[p.Key.ID()] = old
		}
		return false
	}
	m.countHelps()
	return true
}

func (m *model) delete(k store.GroupingKey) int {
	m.now++
	if m.groups[k.ID()] == nil {
		return 0
	}
	delete(m.groups, k.ID())
	m.countHelps()
	return 1
}

func (m *model) countHelps() {
	held := map[string]bool{}
	for _, g := range m.groups {
		for _, f := range g.families {
			key := m.definition(f.Family) + "\n" + f.Help
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

// scrapeOf renders what the store shows in the same way.
func scrapeOf(s *store.Store) string {
	p := s.Picture()
	var b strings.Builder
	for f := range p.Exposed(p.Groups(), p.Stats().Groupings) {
		if f.Name == "push_time_seconds" || f.Name == "push_failure_time_seconds" {
			continue
		}
		text := ""
		for _, c := range f.Chunks {
			text += string(c.Text)
		}
		if text != "" {
			fmt.Fprintf(&b, "%s %s %s\n%s", f.Name, f.Type, f.Help, text)
		}
	}
	return b.String()
}

func randomPush(t *testing.T, r *rand.Rand) store.Push {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	labels := []exposition.Label{{Name: "job", Value: pick("a", "b")}}
	if r.IntN(2) == 0 {
		labels = append(labels, exposition.Label{Name: "instance", Value: pick("i", "j")})
	}
	if r.IntN(3) == 0 {
		labels = append(labels, exposition.Label{Name: "zone", Value: pick("y", "z")})
	}
	key, err := store.NewGroupingKey(labels)
	if err != nil {
		t.Fatal(err)
	}
	p := store.Push{Key: key, Mode: store.Mode(r.IntN(2))}
	var body strings.Builder
	for _, name := range []string{"m", "h", "h_count", "h_sum_sum", "own_gauge", "s"} {
		if r.IntN(3) > 0 {
			continue
		}
		typ := pick("gauge", "gauge", "counter")
		switch {
		case name == "h" && r.IntN(3) > 0:
			typ = "histogram"
		case name == "s" || name == "h_sum_sum" && r.IntN(2) == 0:
			typ = "summary"
		case name == "own_gauge" && r.IntN(4) > 0:
			typ = "gauge"
		}
		if r.IntN(4) > 0 {
			fmt.Fprintf(&body, "# HELP %s %s\n", name, pick("one", "two", "three"))
		}
		fmt.Fprintf(&body, "# TYPE %s %s\n", name, typ)
		extra := pick("", "", `instance="i"`, `zone="y"`, `zone=""`, `instance="j",zone="z"`)
		switch typ {
		case "histogram":
			sep := ""
			if extra != "" {
				sep = ","
			}
			fmt.Fprintf(&body, "%[1]s_bucket{%[2]s%[3]sle=\"1\"} 1\n%[1]s_bucket{%[2]s%[3]sle=\"+Inf\"} 2\n%[1]s_sum{%[2]s} %[4]d\n%[1]s_count{%[2]s} 2\n", name, extra, sep, r.IntN(9))
		case "summary":
			fmt.Fprintf(&body, "%[1]s_sum{%[2]s} %[3]d\n%[1]s_count{%[2]s} 2\n", name, extra, r.IntN(9))
		default:
			fmt.Fprintf(&body, "%s{%s} %d\n", name, extra, r.IntN(9))
			if r.IntN(2) == 0 {
				fmt.Fprintf(&body, "%s{other=\"1\"} %d\n", name, r.IntN(9))
			}
		}
	}
	p.Families, err = exposition.DecodeText([]byte(body.String()), exposition.Options{Grouping: key.Labels()})
	var bad *exposition.Error
	if err != nil && !errors.As(err, &bad) {
		t.Fatalf("%s: %v", body.String(), err)
	}
	if err != nil {
		return randomPush(t, r)
	}
	return p
}

func openStore(t *testing.T, dir string, o store.Options) (s *store.Store, closeAll func()) {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), j, o)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	closeAll = func() {
		if closed {
			return
		}
		closed = true
		if err := errors.Join(s.Close(), j.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(closeAll)
	return s, closeAll
}

func TestRandomPushesGiveWhatTheNaiveModelGives(t *testing.T) {
	for _, check := range []bool{true, false} {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("check %v, seed %d", check, seed), func(t *testing.T) {
				t.Parallel()
				followModel(t, check, seed, 250)
			})
		}
	}
}

func followModel(t *testing.T, check bool, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 7))
	dir := t.TempDir()
	o := store.Options{
		CheckConsistency: check, UndoWindow: time.Hour, UndoMaxBytes: 1 << 20, Timeout: time.Minute,
		Own: []exposition.Family{{Name: "own_gauge", Type: exposition.Gauge, Help: "own"}},
	}
	m := &model{
		check: check, groups: map[string]*modelGroup{}, helps: map[string]int{},
		own: map[string]exposition.Type{"own_gauge": exposition.Gauge},
	}
	s, closeStore := openStore(t, dir, o)
	ctx := context.Background()
	accepted := 0
	for step := range steps {
		var what string
		switch n := r.IntN(40); {
		case n == 0:
			closeStore()
			s, closeStore = openStore(t, dir, o)
			what = "restart"
		case n == 1:
			if _, err := s.Wipe(ctx, store.Origin{}); err != nil {
				t.Fatal(err)
			}
			m.now++
			clear(m.groups)
			m.countHelps()
			what = "wipe"
		case n < 10:
			p := randomPush(t, r)
			got, err := s.Delete(ctx, p.Key, store.Origin{})
			if want := m.delete(p.Key); err != nil || got != want {
				t.Fatalf("step %d: delete %s: %d, %v, want %d", step, p.Key, got, err, want)
			}
			what = "delete " + p.Key.String()
		default:
			p := randomPush(t, r)
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
			}
		}
		if got, want := scrapeOf(s), m.scrape(); got != want {
			t.Fatalf("step %d: %s\ngot:\n%s\nwant:\n%s", step, what, got, want)
		}
		if got := s.Picture().Stats().Groupings; got != len(m.groups) {
			t.Fatalf("step %d: %d groupings, want %d", step, got, len(m.groups))
		}
		if shadowed := s.Picture().Stats().Shadowed; check && shadowed != 0 {
			t.Fatalf("step %d: %s: %d series are shadowed", step, what, shadowed)
		}
	}
	if accepted < steps/10 {
		t.Errorf("only %d of %d pushes were accepted: the test tries too little", accepted, steps)
	}
}
