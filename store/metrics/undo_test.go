package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/storetest"
)

func TestAnUndoBringsBackAllThatWasThereAndIsOnDiskByThen(t *testing.T) {
	for _, tt := range []struct {
		kind   store.EntryKind
		remove func(s *store.Store, c *storetest.Clock) error
	}{
		{store.EntryDelete, func(s *store.Store, _ *storetest.Clock) error {
			_, err := s.DeleteMatching(context.Background(), store.JobSelector("x"), store.Selectors{}, store.Origin{By: "ana"})
			return err
		}},
		{store.EntryWipe, func(s *store.Store, _ *storetest.Clock) error {
			_, err := s.Wipe(context.Background(), store.Origin{By: "ana"})
			return err
		}},
		{store.EntryExpiry, func(s *store.Store, c *storetest.Clock) error {
			c.Advance(10 * time.Minute)
			_, err := s.Delete(context.Background(), storetest.Key(t, "/job/nothing"), store.Origin{}) // has it look at the time
			return err
		}},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			c := &storetest.Clock{}
			o := storetest.Options
			o.Now = c.Time
			fs := storetest.Crashable(t)
			s := storetest.OpenOn(t, fs, o)
			for i := range 3 {
				p := storetest.Push(t, fmt.Sprintf("/job/x/i/%d", i), fmt.Sprintf("# HELP m Of x.\n# TYPE m gauge\nm %d\n", i))
				p.Origin = store.Origin{By: "ben", From: "::1"}
				if tt.kind == store.EntryExpiry {
					p.TTL = time.Minute
				}
				if _, err := s.Push(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x/i/0"), Reason: store.ReasonConflict, Message: "it was refused"})
			p := storetest.Push(t, "/job/x/i/1", "# HELP m Of x.\n# TYPE m gauge\nm 5\n# TYPE n gauge\nn 1\n")
			p.TTL = time.Minute
			if tt.kind != store.EntryExpiry {
				p.TTL = time.Hour
			}
			if _, err := s.Push(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			before := storetest.DescribeAll(s)
			if err := tt.remove(s, c); err != nil {
				t.Fatal(err)
			}
			if s.Snapshot().Stats().Groupings != 0 {
				t.Fatal("something is left")
			}
			operation := storetest.LastOperation(t, s)
			was, ok, err := s.Entry(t.Context(), operation)
			if err != nil || !ok || was.Kind != tt.kind {
				t.Fatalf("got %+v, %v, %v", was, ok, err)
			}
			if until, ok := s.Undoable(operation); !ok || until.Before(was.At.Add(o.UndoWindow/2)) || until.After(was.At.Add(o.UndoWindow)) {
				t.Errorf("undoable %v until %v, deleted at %v", ok, until, was.At)
			}
			u, err := s.Undo(t.Context(), operation, store.Origin{By: "eve", From: "::2"})
			want := s.Snapshot().Stats().Groupings
			if err != nil || u.Restored != 3 || want != 3 || len(u.Kept)+len(u.Conflicting) > 0 {
				t.Fatalf("got %+v, %v, %d groupings", u, err, want)
			}
			if tt.kind == store.EntryExpiry {
				for g := range s.Snapshot().Groupings() {
					if !g.Expires.IsZero() {
						t.Errorf("%s has expired and expires again", g.Key)
					}
				}
			} else if got := storetest.DescribeAll(s); got != before {
				t.Errorf("got\n%swant\n%s", got, before)
			}
			x, ok, err := s.Entry(t.Context(), u.Operation)
			if err != nil || !ok || x.Kind != store.EntryUndo || x.Undoes != operation || x.Count != 3 || x.What != was.What || x.Origin.By != "eve" || x.Origin.From != "::2" {
				t.Errorf("got %+v, %v, %v", x, ok, err)
			}
			got := storetest.DescribeAll(s)
			crashed := storetest.OpenOn(t, storetest.AfterCrash(fs), o)
			if after := storetest.DescribeAll(crashed); after != got {
				t.Errorf("after a crash\n%swant\n%s", after, got)
			}
			for _, s := range []*store.Store{s, crashed} {
				if u, err := s.Undo(t.Context(), operation, store.Origin{}); !errors.Is(err, store.ErrTooLate) {
					t.Errorf("a second time: %+v, %v", u, err)
				}
				if _, err := s.Undo(t.Context(), u.Operation, store.Origin{}); !errors.Is(err, store.ErrNoOperation) {
					t.Errorf("of the undo: %v", err)
				}
				if got := storetest.DescribeAll(s); got != storetest.DescribeAll(crashed) {
					t.Error("what can't be undone changed something")
				}
			}
		})
	}
}

func TestAnUndoIsRefusedWhereThereIsNothingToUndo(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	operation := storetest.LastOperation(t, s)
	for _, unknown := range []string{"", "x", "../x", "0000000000000000-00000000", strings.ToUpper(operation), operation + "0", strings.Repeat("a", 1<<20)} {
		if _, err := s.Undo(t.Context(), unknown, store.Origin{}); !errors.Is(err, store.ErrNoOperation) {
			t.Errorf("%.40q: got %v", unknown, err)
		}
		if _, ok, err := s.Entry(t.Context(), unknown); ok || err != nil {
			t.Errorf("%.40q: an entry: %v, %v", unknown, ok, err)
		}
	}
	c.Advance(o.UndoWindow + time.Second)
	if until, ok := s.Undoable(operation); ok {
		t.Errorf("it can be undone until %v, and that is over", until)
	}
	if _, err := s.Undo(t.Context(), operation, store.Origin{}); !errors.Is(err, store.ErrTooLate) {
		t.Errorf("after the window: %v", err)
	}
	if s.Snapshot().Stats().Groupings != 0 {
		t.Error("it is back")
	}
}

func TestAnUndoKeepsTheLimitsAndNamesWhatDoesNotFit(t *testing.T) {
	o := storetest.Options
	o.MaxGroupings = 2
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	storetest.MustPush(t, s, "/job/x/i/1", "m 1\n")
	storetest.MustPush(t, s, "/job/x/i/2", "m 1\n")
	if _, err := s.Wipe(t.Context(), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	operation := storetest.LastOperation(t, s)
	storetest.MustPush(t, s, "/job/y", "m 1\n")
	u, err := s.Undo(t.Context(), operation, store.Origin{})
	var limit *store.LimitError
	if err != nil || u.Restored != 1 || len(u.Conflicting) != 1 || !errors.As(u.Conflicting[0].Err, &limit) {
		t.Fatalf("got %+v, %v", u, err)
	}
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/y"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Undo(t.Context(), operation, store.Origin{}); err != nil || u.Restored != 1 || len(u.Conflicting) != 0 {
		t.Errorf("once there is room: %+v, %v", u, err)
	}
}

func TestAnUndoThatCouldNotBeWrittenChangesNothingAndCanBeRepeated(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	before := storetest.DescribeAll(s)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	operation := storetest.LastOperation(t, s)
	fail := func() error { return journal.ErrUnavailable }
	j.Before.Store(&fail)
	if u, err := s.Undo(t.Context(), operation, store.Origin{}); !errors.Is(err, journal.ErrUnavailable) || u.Restored != 0 || u.Operation != "" {
		t.Errorf("got %+v, %v", u, err)
	}
	if s.Snapshot().Stats().Groupings != 0 {
		t.Error("it is shown though it is not on disk")
	}
	j.Before.Store(nil)
	if u, err := s.Undo(t.Context(), operation, store.Origin{}); err != nil || u.Restored != 1 {
		t.Errorf("again: %+v, %v", u, err)
	}
	if got := storetest.DescribeAll(s); got != before {
		t.Errorf("got\n%swant\n%s", got, before)
	}
}

func TestWipesInOneGoAreUndoneEachByItself(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	wipe := func() {
		if _, err := s.Wipe(context.Background(), store.Origin{}); err != nil {
			t.Error(err)
		}
	}
	storetest.Queued(t, s, j,
		func() { storetest.MustPush(t, s, "/job/x", "m 1\n") }, wipe,
		func() { storetest.MustPush(t, s, "/job/y", "m 1\n") }, wipe,
		func() { storetest.MustPush(t, s, "/job/z", "m 1\n") })
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	slices.Reverse(entries) // oldest first
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	// As after a restart: everything is reported anew.
	j.Restart <- struct{}{}
	storetest.MustPush(t, s, "/job/z", "m 2\n")
	u, err := s.Undo(t.Context(), entries[1].Operation, store.Origin{})
	if err != nil || u.Restored != 1 {
		t.Errorf("of the second: %+v, %v", u, err)
	}
	want := []string{"y", "z"}
	jobs := func() (jobs []string) {
		for g := range s.Snapshot().Groupings() {
			jobs = append(jobs, g.Key.Job())
		}
		return jobs
	}
	if got := jobs(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if u, err = s.Undo(t.Context(), entries[0].Operation, store.Origin{}); err != nil || u.Restored != 2 {
		t.Errorf("of the first: %+v, %v", u, err)
	}
	if got, want := jobs(), []string{"first", "x", "y", "z"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOfVeryManyWipesTheLastOnesCanBeUndone(t *testing.T) {
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, storetest.Options)
	const n = 120
	for i := range n {
		storetest.MustPush(t, s, fmt.Sprintf("/job/x/i/%d", i), "m 1\n")
		if _, err := s.Wipe(t.Context(), store.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	slices.Reverse(entries) // oldest first
	if err != nil || len(entries) != n {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	undoable := func(s *store.Store) (list []int) {
		for i, x := range entries {
			if _, ok := s.Undoable(x.Operation); ok {
				list = append(list, i)
			}
		}
		return list
	}
	before := undoable(s)
	if len(before) < 99 || !slices.Contains(before, n-1) || slices.Contains(before, 0) {
		t.Errorf("%d can be undone: %v", len(before), before)
	}
	s = storetest.OpenOn(t, storetest.AfterCrash(fs), storetest.Options)
	if after := undoable(s); !slices.Equal(after, before) {
		t.Errorf("after a restart %v, before %v", after, before)
	}
	for _, i := range []int{n - 1, n - 50, before[0]} {
		u, err := s.Undo(t.Context(), entries[i].Operation, store.Origin{})
		_, back := s.Snapshot().Grouping(storetest.Key(t, fmt.Sprintf("/job/x/i/%d", i)))
		if err != nil || u.Restored != 1 || !back {
			t.Errorf("wipe %d: %+v, %v", i, u, err)
		}
	}
}

func TestUndosThatMeetPushesAndWipesLeaveTheSameAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 50 {
				path := fmt.Sprintf("/job/x/i/%d", (w+i)%5)
				var err error
				switch {
				case i%9 == 8:
					if operation := storetest.LastOperation(t, s); operation != "" {
						_, err = s.Undo(context.Background(), operation, store.Origin{})
					}
				case i%20 == 19:
					_, err = s.Wipe(context.Background(), store.Origin{})
				case i%4 == 3:
					_, err = s.Delete(context.Background(), storetest.Key(t, path), store.Origin{})
				default:
					_, err = s.Push(context.Background(), storetest.Push(t, path, fmt.Sprintf("m%d %d\n", i%3, i)))
				}
				if err != nil && !errors.Is(err, store.ErrTooLate) && !errors.Is(err, store.ErrNoOperation) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	before, stats := storetest.DescribeAll(s)+storetest.Scrape(s), s.Snapshot().Stats()
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got := storetest.DescribeAll(s) + storetest.Scrape(s); got != before {
		t.Errorf("after a restart:\n%swant\n%s", got, before)
	}
	if got := s.Snapshot().Stats(); got != stats {
		t.Errorf("after a restart %+v, before %+v", got, stats)
	}
}

func TestAFailureDoesNotOutliveItsGrouping(t *testing.T) {
	for _, remove := range []string{"delete", "wipe", "expiry"} {
		t.Run(remove, func(t *testing.T) {
			c := &storetest.Clock{}
			o := storetest.Options
			o.Now = c.Time
			fs := storetest.Crashable(t)
			s := storetest.OpenOn(t, fs, o)
			p := storetest.Push(t, "/job/x", "m 1\n")
			p.TTL = time.Minute
			if _, err := s.Push(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			s.Reject(t.Context(), store.Rejection{Key: p.Key, Reason: store.ReasonConflict, Message: "it was refused"})
			var err error
			switch remove {
			case "delete":
				_, err = s.Delete(t.Context(), p.Key, store.Origin{})
			case "wipe":
				_, err = s.Wipe(t.Context(), store.Origin{})
			default:
				c.Advance(time.Hour / 2)
			}
			if err != nil {
				t.Fatal(err)
			}
			storetest.MustPush(t, s, "/job/x", "m 2\n")
			s = storetest.OpenOn(t, storetest.AfterCrash(fs), o)
			if g, _ := s.Snapshot().Grouping(p.Key); !g.Failed.IsZero() {
				t.Errorf("the grouping pushed anew has the failure %q", g.Failure)
			}
		})
	}
}

func TestSeriesOfDifferentTypesDoNotOverlap(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), store.Options{Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 1 << 20}})
	for _, x := range []struct{ path, body string }{
		{"/job/h", "# TYPE m counter\nm 1\n"},
		{"/job/x/a/1", "# TYPE m gauge\nm{b=\"1\"} 2\n"},
		{"/job/x/b/1", "# TYPE m gauge\nm{a=\"1\"} 3\n"},
		{"/job/x/a/1/b/1", "# TYPE m counter\nm 4\n"},
		{"/job/x", "# TYPE m counter\nm{a=\"1\",b=\"1\"} 5\n"},
	} {
		storetest.MustPush(t, s, x.path, x.body)
	}
	want := "m counter \nm{instance=\"\",job=\"h\"} 1\nm{a=\"1\",b=\"1\",instance=\"\",job=\"x\"} 4\n"
	if got := storetest.Scrape(s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
