package metrics_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/storetest"
)

// refusalsOf are the refusals on record, oldest first.
func refusalsOf(t *testing.T, s *store.Store) (lines []string) {
	t.Helper()
	for _, x := range storetest.AllEntries(t, s, store.ActivityQuery{Kinds: []store.EntryKind{store.EntryRefusal}}) {
		lines = append(lines, fmt.Sprintf("%d of %s: %s, %s, by %s at %s", x.Count, x.What, x.Reason, x.Message, x.Origin.By, x.At.UTC().Format("04:05")))
	}
	slices.Reverse(lines)
	return lines
}

func TestRefusedPushesAreSummedUpByMinuteGroupingAndReason(t *testing.T) {
	c := &storetest.Clock{} // begins at 22:13:20
	o := storetest.Options
	o.Now = c.Time
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, o)
	reject := func(path string, reason exposition.Reason, message, by string) {
		s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, path), Reason: reason, Message: message, Origin: store.Origin{By: by}})
	}
	storetest.MustPush(t, s, "/job/x", "# TYPE m gauge\nm 1\n")
	for i := range 3 {
		reject("/job/x", exposition.ReasonSyntax, fmt.Sprintf("line %d", i), fmt.Sprint("p", i))
		c.Advance(time.Second)
	}
	reject("/job/x", exposition.ReasonLimit, "too many", "p")
	reject("/job/unknown", exposition.ReasonSyntax, "line 1", "q")
	for _, path := range []string{"/job/new", "/job/new"} {
		var r *store.Refusal
		p := storetest.Push(t, path, "# TYPE m counter\nm 1\n")
		p.Origin.By = "ana"
		if _, err := s.Push(t.Context(), p); !errors.As(err, &r) {
			t.Fatalf("got %v", err)
		}
	}
	if g := s.Snapshot().Stats().Groupings; g != 1 {
		t.Errorf("%d groupings, want 1", g)
	}
	storetest.ReadClock(t, s)
	if got := refusalsOf(t, s); len(got) != 0 {
		t.Errorf("before the minute is over: %q", got)
	}
	c.Advance(40 * time.Second) // 14:03
	reject("/job/x", exposition.ReasonSyntax, "line 9", "z")
	storetest.ReadClock(t, s)
	conflict := `metric "m" is pushed as counter but is a gauge of grouping {job="x"}`
	want := []string{
		`3 of {job="x"}: syntax, line 0, by p2 at 13:22`,
		`1 of {job="unknown"}: syntax, line 1, by q at 13:23`,
		`1 of {job="x"}: limit, too many, by p at 13:23`,
		`2 of {job="new"}: conflict, ` + conflict + `, by ana at 13:23`,
	}
	got := refusalsOf(t, s)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	crashed := storetest.OpenOn(t, storetest.AfterCrash(fs), o)
	after := refusalsOf(t, crashed)
	if slices.Sort(after); !slices.Equal(after, want) {
		t.Errorf("after a crash\n%s", strings.Join(after, "\n"))
	}
	// The names sort as the times do, among other operations too.
	storetest.MustPush(t, s, "/job/y", "n 1\n")
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/y"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	storetest.ReadClock(t, s)
	all := storetest.AllEntries(t, s, store.ActivityQuery{})
	if len(all) != 6 || !slices.IsSortedFunc(all, func(a, b store.Entry) int { return b.At.Compare(a.At) }) {
		t.Errorf("got %+v", all)
	}
	for _, x := range all {
		if e, ok, err := s.Entry(t.Context(), x.Operation); !ok || err != nil || e.Count != x.Count {
			t.Errorf("the entry %q by its name: %+v, %v, %v", x.Operation, e, ok, err)
		}
		if _, err := s.Undo(t.Context(), x.Operation, store.Origin{}); err == nil && x.Kind == store.EntryRefusal {
			t.Error("a refusal was undone")
		}
	}
}

func TestRefusalsAreWrittenAtTheEndToo(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: "syntax", Message: "bad"})
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got := refusalsOf(t, s); len(got) != 1 || !strings.HasPrefix(got[0], `1 of {job="x"}: syntax, bad`) {
		t.Errorf("got %q", got)
	}
}

func TestOfVeryManyRefusalsTheRestIsOneEntry(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	for i := range 1000 {
		for range 2 {
			s.Reject(t.Context(), store.Rejection{
				Key: storetest.Key(t, fmt.Sprintf("/job/x/i/%d", i)), Reason: "syntax", Message: strings.Repeat("ä", 1000),
			})
		}
	}
	c.Advance(time.Minute)
	storetest.ReadClock(t, s)
	entries := storetest.AllEntries(t, s, store.ActivityQuery{})
	pushes, rest := 0, 0
	for _, x := range entries {
		pushes += x.Count
		if x.What == "" {
			rest++
			if x.Count != 1600 || !strings.Contains(x.Message, "further") || x.Kind != store.EntryRefusal {
				t.Errorf("the rest: %+v", x)
			}
		} else if len(x.Message) > 510 || !strings.HasSuffix(x.Message, "ä…") {
			t.Errorf("the message has %d bytes: %.10q", len(x.Message), x.Message[len(x.Message)-10:])
		}
	}
	if len(entries) != 201 || pushes != 2000 || rest != 1 {
		t.Errorf("%d entries of %d pushes, %d of them of the rest", len(entries), pushes, rest)
	}
}

func TestRefusalsThatCannotBeWrittenAreWrittenLater(t *testing.T) {
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	fail := func() error { return journal.ErrUnavailable }
	j.Before.Store(&fail)
	for range 30 {
		for i := range 100 {
			s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, fmt.Sprintf("/job/x/i/%d", i)), Reason: "syntax", Message: "bad"})
		}
		c.Advance(time.Minute)
		if _, err := s.Push(t.Context(), storetest.Push(t, "/job/y", "m 1\n")); !errors.Is(err, journal.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	j.Before.Store(nil)
	c.Advance(time.Minute)
	storetest.ReadClock(t, s)
	storetest.ReadClock(t, s) // the first write has what could not be written before
	pushes, entries := 0, storetest.AllEntries(t, s, store.ActivityQuery{})
	for _, x := range entries {
		pushes += x.Count
	}
	if pushes != 3000 || len(entries) < 1000 || len(entries) > 1200 {
		t.Errorf("%d entries of %d pushes", len(entries), pushes)
	}
}
