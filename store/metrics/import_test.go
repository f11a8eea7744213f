package metrics_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/storetest"
)

func arrival(t testing.TB, path, body string, pushed time.Time) store.Arrival {
	t.Helper()
	p := storetest.Push(t, path, body)
	return store.Arrival{Key: p.Key, Families: p.Families, Pushed: pushed}
}

func TestAnImportReplacesNothingAndBringsNothingBack(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Clock = store.Clock{Now: c.Time}
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	storetest.MustPush(t, s, "/job/held", "m 1\n")
	for _, path := range []string{"/job/deleted", "/job/undone"} {
		storetest.MustPush(t, s, path, "m 2\n")
		d, err := s.DeleteVersions(t.Context(), []store.GroupingVersion{{Key: storetest.Key(t, path)}}, true, "", store.Origin{})
		if err == nil && path == "/job/undone" {
			_, err = s.Undo(t.Context(), d.Operation, store.Origin{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := storetest.DescribeAll(s)
	old := time.Unix(1_600_000_000, 0)
	arrivals := slices.Values([]store.Arrival{
		arrival(t, "/job/held", "m 9\n", old), arrival(t, "/job/deleted", "m 9\n", old), arrival(t, "/job/undone", "m 9\n", old),
		arrival(t, "/job/other", "# TYPE m counter\nm 9\n", old), arrival(t, "/job/new", "n 9\n", old), arrival(t, "/job/newer", "# TYPE n counter\nn 9\n", old),
		arrival(t, "/job/new", "n 10\n", old),
	})
	check := func(what string, left []error, err error) {
		t.Helper()
		var refusal *store.Refusal
		if err != nil || len(left) != 7 || !errors.Is(left[0], store.ErrHeld) || !errors.Is(left[1], store.ErrDeleted) || !errors.Is(left[2], store.ErrHeld) ||
			!errors.As(left[3], &refusal) || left[4] != nil || !errors.As(left[5], &refusal) || !errors.Is(left[6], store.ErrHeld) {
			t.Errorf("%s: %v, %v", what, left, err)
		}
	}
	left, err := s.TryImport(t.Context(), arrivals)
	check("a trial", left, err)
	if got := storetest.DescribeAll(s); got != before {
		t.Errorf("a trial changed\n%sto\n%s", before, got)
	}
	left, err = s.Import(t.Context(), arrivals, "metrics", store.Origin{By: "ana"})
	check("the import", left, err)
	g, ok := s.Snapshot().Grouping(storetest.Key(t, "/job/new"))
	if !ok || !g.Pushed.Equal(old) {
		t.Errorf("it came in as %+v", g)
	}
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryImport}})
	if err != nil || len(entries) != 1 || entries[0].Count != 1 || entries[0].Origin.By != "ana" || entries[0].What != "metrics" {
		t.Errorf("on record is %+v, %v", entries, err)
	}
	// What can't be restored any more may come in.
	c.Advance(2 * time.Hour)
	left, err = s.Import(t.Context(), slices.Values([]store.Arrival{arrival(t, "/job/deleted", "m 9\n", old)}), "", store.Origin{})
	if err != nil || left[0] != nil {
		t.Errorf("after the undo window: %v, %v", left, err)
	}
}

func TestTimesOfAnImportThatAreAheadAreThoseOfTheImport(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	ahead := now.Add(365 * 24 * time.Hour)
	for name, test := range map[string]struct{ clock, pushed, want time.Time }{
		"behind":                    {now, time.Unix(1, 0), time.Unix(1, 0)},
		"ahead":                     {now, ahead, now},
		"as far as clocks are":      {now, now.Add(2 * time.Second), now.Add(2 * time.Second)},
		"of a clock without a time": {time.Unix(100, 0), now, now},
	} {
		t.Run(name, func(t *testing.T) {
			dir, o := t.TempDir(), storetest.Options
			o.Clock = store.Clock{Now: func() time.Time { return test.clock }}
			s, closeStore := storetest.OpenDir(t, dir, o)
			a := arrival(t, "/job/x", "m 1\n", test.pushed)
			a.Failed, a.Changed = test.pushed, map[string]time.Time{"m": test.pushed}
			if left, err := s.Import(t.Context(), slices.Values([]store.Arrival{a}), "", store.Origin{}); err != nil || left[0] != nil {
				t.Fatal(left, err)
			}
			closeStore()
			// On a clock that is far enough, times are shown as they are held.
			o.Clock.Now = func() time.Time { return ahead.Add(time.Hour) }
			s, closeStore = storetest.OpenDir(t, dir, o)
			g, ok := s.Snapshot().Grouping(storetest.Key(t, "/job/x"))
			if !ok {
				t.Fatal("it is not held")
			}
			for what, at := range map[string]time.Time{"pushed": g.Pushed, "failed": g.Failed, "changed": g.Families()[0].Changed} {
				if at.Sub(test.want).Abs() > time.Second {
					t.Errorf("%s: %v, want %v", what, at, test.want)
				}
			}
			closeStore()
			o.Clock.Now = func() time.Time { return test.clock }
			s, _ = storetest.OpenDir(t, dir, o)
			if held := s.Status().Clock.Behind > 0; held != test.want.After(test.clock.Add(time.Minute)) {
				t.Errorf("the clock is behind: %v", held)
			}
		})
	}
}

func TestAnImportOfManyIsOneOperation(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	var many []store.Arrival
	for i := range 1200 {
		many = append(many, arrival(t, fmt.Sprintf("/job/x/instance/%d", i), "m 1\n", time.Unix(1, 0)))
	}
	// The last one twice: the trial knows what would have come in before.
	arrivals := slices.Values(append(many, many[len(many)-1], many[0]))
	check := func(what string, left []error, err error) {
		t.Helper()
		if err != nil || len(left) != 1202 || slices.IndexFunc(left, func(err error) bool { return err != nil }) != 1200 || !errors.Is(left[1200], store.ErrHeld) || !errors.Is(left[1201], store.ErrHeld) {
			t.Errorf("%s: %d %v", what, len(left), err)
		}
	}
	left, err := s.TryImport(t.Context(), arrivals)
	check("a trial", left, err)
	if n := s.Snapshot().Stats().Groupings; n != 0 {
		t.Errorf("a trial left %d groupings", n)
	}
	left, err = s.Import(t.Context(), arrivals, "", store.Origin{By: "ana"})
	check("the import", left, err)
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	if err != nil || len(entries) != 1 || entries[0].Kind != store.EntryImport || entries[0].Count != 1200 {
		t.Errorf("on record is %+v, %v", entries, err)
	}
}

func TestAnImportIsDueUntilTheFirstChange(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *store.Store) error
		want   store.ImportState
	}{
		"nothing": {func(*store.Store) error { return nil }, store.ImportState{Due: true}},
		"a push":  {func(s *store.Store) error { storetest.MustPush(t, s, "/job/x", "m 1\n"); return nil }, store.ImportState{}},
		"a push and its delete": {func(s *store.Store) error {
			storetest.MustPush(t, s, "/job/x", "m 1\n")
			_, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{})
			return err
		}, store.ImportState{}},
		"a wipe":                       {func(s *store.Store) error { _, err := s.Wipe(t.Context(), store.Origin{}); return err }, store.ImportState{}},
		"an import that was cut short": {func(s *store.Store) error { return s.BeginImport(t.Context()) }, store.ImportState{Due: true, Begun: true}},
		"an import": {func(s *store.Store) error {
			return errors.Join(s.BeginImport(t.Context()), s.EndImport(t.Context(), "abc"))
		}, store.ImportState{Done: true, File: "abc"}},
		"an import that was given up": {func(s *store.Store) error {
			return errors.Join(s.BeginImport(t.Context()), s.EndImport(t.Context(), ""))
		}, store.ImportState{Done: true}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
			if err := test.change(s); err != nil {
				t.Fatal(err)
			}
			closeStore()
			s, _ = storetest.OpenDir(t, dir, storetest.Options)
			if got, err := s.ImportState(t.Context()); got != test.want || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}
