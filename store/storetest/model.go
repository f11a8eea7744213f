package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/pebble"
)

// Describe is everything that the store returns about a grouping, but for its
// revision and the effects of others.
func Describe(g *store.Grouping) string {
	s := fmt.Sprintln(g.Key, g.Pushed.UnixNano(), g.Failed.UnixNano(), g.Failure, g.Origin, g.Expires, g.PushInterval, g.Series, g.Bytes, g.LastPushSuccessful())
	for _, f := range append(g.Families(), g.PushTimes()...) {
		s += fmt.Sprintf("%s %s %q %q %d\n", f.Name, f.Type, f.Help, f.Text, f.Changed.UnixNano())
	}
	return s
}

// Scrape renders what the store shows in the same way.
func Scrape(s *store.Store) string {
	p := s.Snapshot()
	var b strings.Builder
	for f := range p.Exposed(p.Groupings(), p.Stats().Groupings) {
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

// RandomPush returns a push to one of a few groupings.
func RandomPush(t *testing.T, r *rand.Rand) store.Push {
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
		return RandomPush(t, r)
	}
	return p
}

// OpenDir opens the store in a directory. closeAll closes it and its journal.
func OpenDir(t *testing.T, dir string, o store.Options) (s *store.Store, closeAll func()) {
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

// LastOperation returns the id of the newest operation on record.
func LastOperation(t *testing.T, s *store.Store) string {
	t.Helper()
	// Refusals are on record too, but nothing can be done about them.
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{
		Kinds: []store.EntryKind{store.EntryDelete, store.EntryWipe, store.EntryExpiry, store.EntryUndo}, Limit: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		return ""
	}
	return entries[0].Operation
}
