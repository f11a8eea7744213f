package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

func TestARefusedPushChangesOnlyTheFailureTimeOfAGroupingThatExists(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	storetest.MustPush(t, s, "/job/x", "# TYPE m gauge\nm 1\n")
	storetest.MustPush(t, s, "/job/y", "n 1\n")
	before := storetest.Scrape(s)
	for _, path := range []string{"/job/y", "/job/new"} {
		_, err := s.Push(t.Context(), storetest.Push(t, path, "# TYPE m counter\nm 1\n"))
		var r *store.Refusal
		if !errors.As(err, &r) || r.Reason != store.ReasonConflict || !strings.Contains(err.Error(), `{job="x"}`) {
			t.Fatalf("got %v", err)
		}
	}
	if got := storetest.Scrape(s); got != before {
		t.Errorf("got\n%swant\n%s", got, before)
	}
	if _, ok := s.Snapshot().Grouping(storetest.Key(t, "/job/new")); ok {
		t.Error("the refused push left a grouping")
	}
	check := func() {
		t.Helper()
		g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/y"))
		if g.LastPushSuccessful() || g.Failed.IsZero() || !strings.Contains(g.Failure, "m") {
			t.Errorf("the failure is not shown: %+v", g)
		}
	}
	check()
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	check()
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: exposition.ReasonSyntax, Message: "line 1: bad"})
	if g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x")); g.Failure != "line 1: bad" {
		t.Errorf("got %q", g.Failure)
	}
	storetest.MustPush(t, s, "/job/y", "n 1\n")
	if g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/y")); !g.LastPushSuccessful() || g.Failed.IsZero() {
		t.Error("an accepted push must show as such and keep the time of the failure")
	}
}

func TestAGroupingExpiresAndLeavesATrace(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	p := storetest.Push(t, "/job/x", "m 1\n")
	p.TTL = time.Millisecond
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	storetest.MustPush(t, s, "/job/y", "m 1\n")
	storetest.Eventually(t, "only one grouping is left", func() bool { return s.Snapshot().Stats().Groupings == 1 })
	storetest.Eventually(t, "the expiry is on record", func() bool {
		entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
		return err == nil && len(entries) == 1 && entries[0].Kind == store.EntryExpiry && entries[0].Count == 1
	})
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatalf("a push after the expiry: %v", err)
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	storetest.Eventually(t, "what expired while nobody looked is gone", func() bool { return s.Snapshot().Stats().Groupings == 1 })
	p.TTL = time.Hour
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	if g, _ := s.Snapshot().Grouping(p.Key); !g.Expires.IsZero() {
		t.Error("a push without a TTL must clear it")
	}
}

func TestWhatWasDeletedIsKeptForTheUndoAndForgottenThen(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    store.Options
		kept bool
	}{
		{"within the window", storetest.Options, true},
		{"after the window", store.Options{Undo: store.Undo{UndoWindow: time.Millisecond, UndoMaxBytes: 1 << 20}}, false},
		{"over the size", store.Options{Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 1}}, false},
	} {
		for _, remove := range []string{"delete", "wipe"} {
			t.Run(tt.name+", "+remove, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				j, err := pebble.Open(pebble.Options{Path: dir})
				if err != nil {
					t.Fatal(err)
				}
				s, err := store.Open(t.Context(), j, tt.o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
				storetest.MustPush(t, s, "/job/x/a/1", "m 1\n")
				storetest.MustPush(t, s, "/job/x/a/2", "m 1\n")
				if remove == "wipe" {
					_, err = s.Wipe(t.Context(), store.Origin{})
				} else {
					_, err = s.DeleteMatching(t.Context(), store.JobSelector("x"), store.Selectors{}, store.Origin{})
				}
				if err != nil || s.Snapshot().Stats().Groupings != 0 {
					t.Fatal(err)
				}
				records := func() int {
					rs, err := j.Scan(t.Context(), "g.", "", 10)
					if err != nil {
						t.Fatal(err)
					}
					return len(rs)
				}
				if tt.kept {
					if records() != 2 || s.Snapshot().Stats().Deleted != 2 {
						t.Errorf("%d records, %d gone, want 2", records(), s.Snapshot().Stats().Deleted)
					}
					storetest.MustPush(t, s, "/job/x/a/1", "m 1\n")
					if gone := s.Snapshot().Stats().Deleted; gone != 1 {
						t.Errorf("a new push must end the undo: %d gone", gone)
					}
				} else {
					storetest.Eventually(t, "the records are gone", func() bool { return records() == 0 })
				}
			})
		}
	}
}

func TestADeleteOfManyIsOneOperationOnRecord(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	const n = 1203
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				if _, err := s.Push(t.Context(), storetest.Push(t, fmt.Sprintf("/job/x/i/%d", i), "m 1\n")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	storetest.MustPush(t, s, "/job/xy", "m 1\n")
	deleted, err := s.DeleteMatching(t.Context(), store.JobSelector("x"), store.Selectors{}, store.Origin{By: "me", From: "::1"})
	if err != nil || deleted != n || s.Snapshot().Stats().Groupings != 1 {
		t.Fatalf("deleted %d, %v; %d are left", deleted, err, s.Snapshot().Stats().Groupings)
	}
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if x := entries[0]; x.Kind != store.EntryDelete || x.Count != n || x.What != `{job="x"}` || x.Origin.By != "me" || x.Origin.From != "::1" || x.At.IsZero() {
		t.Errorf("got %+v", x)
	}
}

func TestMergesThatMeetLoseNothing(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	const writers = 40
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			p := storetest.Push(t, "/job/x", fmt.Sprintf("m%d 1\n", i))
			p.Mode = store.Merge
			if _, err := s.Push(context.Background(), p); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x"))
	if g.FamilyCount() != writers {
		t.Errorf("%d families, want %d", g.FamilyCount(), writers)
	}
	before := storetest.Scrape(s)
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got := storetest.Scrape(s); got != before {
		t.Errorf("after a restart:\n%swant\n%s", got, before)
	}
}

func TestPushesAndWipesThatMeetLeaveTheSameAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 60 {
				path := fmt.Sprintf("/job/x/i/%d", (w+i)%5)
				var err error
				switch {
				case i%20 == 19:
					_, err = s.Wipe(context.Background(), store.Origin{})
				case i%7 == 6:
					_, err = s.Delete(context.Background(), storetest.Key(t, path), store.Origin{})
				default:
					p := storetest.Push(t, path, fmt.Sprintf("m%d %d\n", i%3, i))
					p.Mode = store.Mode(i % 2)
					_, err = s.Push(context.Background(), p)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	before, stats := storetest.Scrape(s), s.Snapshot().Stats()
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got := storetest.Scrape(s); got != before {
		t.Errorf("after a restart:\n%swant\n%s", got, before)
	}
	if got := s.Snapshot().Stats(); got.Groupings != stats.Groupings || got.Series != stats.Series || got.Deleted != stats.Deleted {
		t.Errorf("after a restart %+v, before %+v", got, stats)
	}
}

func TestNothingIsShownThatCouldNotBeWritten(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	before := storetest.Scrape(s)
	for _, cause := range []error{journal.ErrUnavailable, journal.ErrBroken, context.DeadlineExceeded, errors.New("disk on fire")} {
		fail := func() error { return cause }
		j.Before.Store(&fail)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				_, err := s.Push(context.Background(), storetest.Push(t, fmt.Sprintf("/job/y/i/%d", i), "m 2\n"))
				if !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, journal.ErrBroken) {
					t.Errorf("%v: got %v", cause, err)
				}
			})
		}
		wg.Wait()
		if _, err := s.Delete(context.Background(), storetest.Key(t, "/job/x"), store.Origin{}); err == nil {
			t.Error("the delete was acknowledged")
		}
		if got := storetest.Scrape(s); got != before {
			t.Errorf("%v: got\n%swant\n%s", cause, got, before)
		}
	}
	j.Before.Store(nil)
	storetest.MustPush(t, s, "/job/x", "m 3\n")
	if got, want := storetest.Scrape(s), strings.Replace(before, " 1\n", " 3\n", 1); got != want {
		t.Errorf("afterwards: got\n%swant\n%s", got, want)
	}
}

func TestChangesOfSomebodyElseAreTakenInBeforeTheAnswer(t *testing.T) {
	other, _ := storetest.OpenFailing(t)
	storetest.MustPush(t, other, "/job/foreign", "f 1\n")
	var foreign journal.Record
	s, j := storetest.OpenFailing(t)
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	// A grouping's record, as another replica would have written it.
	records, err := j.Scan(t.Context(), "g.", "", 1)
	if err != nil || len(records) != 1 {
		t.Fatal(err)
	}
	foreign = records[0]

	for _, tt := range []struct {
		name string
		key  string
		push store.Push
		want func() bool
	}{
		{"of another key", "g.job/elsewhere", storetest.Push(t, "/job/z", "m 5\n"), func() bool {
			_, ok := s.Snapshot().Grouping(storetest.Key(t, "/job/z"))
			return ok
		}},
		{"of the same key", foreign.Key, storetest.Push(t, "/job/x", "m 6\n"), func() bool {
			return strings.Contains(storetest.Scrape(s), `m{instance="",job="x"} 6`)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var once sync.Once
			intrude := func() (err error) {
				once.Do(func() {
					_, err = j.Journal.Commit(context.Background(), journal.Change{Key: tt.key, Value: foreign.Value})
				})
				return err
			}
			j.Before.Store(&intrude)
			defer j.Before.Store(nil)
			if _, err := s.Push(t.Context(), tt.push); err != nil {
				t.Fatal(err)
			}
			if !tt.want() {
				t.Errorf("the push is not shown:\n%s", storetest.Scrape(s))
			}
			storetest.MustPush(t, s, "/job/after", "n 1\n")
		})
	}
}

func TestLimitsRefuseWhatGoesBeyondThemAndNothingElse(t *testing.T) {
	o := storetest.Options
	o.MaxGroupings, o.MaxSeries, o.MaxLabelSets = 2, 5, 2
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	var limit *store.LimitError
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	storetest.MustPush(t, s, "/job/y", "m 1\nn 1\no 1\n")
	if _, err := s.Push(t.Context(), storetest.Push(t, "/job/z", "m 1\n")); !errors.As(err, &limit) {
		t.Errorf("a third grouping: %v", err)
	}
	if _, err := s.Push(t.Context(), storetest.Push(t, "/job/x", "a 1\nb 1\nc 1\n")); !errors.As(err, &limit) {
		t.Errorf("a sixth series: %v", err)
	}
	storetest.MustPush(t, s, "/job/x", "a 1\nb 1\n")
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/y"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	storetest.MustPush(t, s, "/job/x/i/1", "a 1\n")
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x/i/1"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	o.MaxGroupings, o.MaxSeries = 0, 0
	s, _ = storetest.OpenDir(t, t.TempDir(), o)
	storetest.MustPush(t, s, "/job/x", "a 1\n")
	storetest.MustPush(t, s, "/job/x/i/1", "a 1\n")
	var r *store.Refusal
	if _, err := s.Push(t.Context(), storetest.Push(t, "/job/x/i/1/j/1", "a 1\n")); !errors.As(err, &r) {
		t.Errorf("a third set of grouping labels: %v", err)
	}
	storetest.MustPush(t, s, "/job/x/i/1/j/1", "b 1\n")
}

func TestARefusalHasAMessageWithoutTheOtherGrouping(t *testing.T) {
	for _, test := range []struct{ held, holds, path, body, want string }{
		{"/job/foreign", "# TYPE m gauge\nm 1\n", "/job/x", "# TYPE m counter\nm 1\n", `metric "m" is pushed as counter but is a gauge of another grouping`},
		{"/job/foreign", "# TYPE m histogram\nm_bucket{le=\"+Inf\"} 1\nm_sum 1\nm_count 1\n", "/job/x", "m_count 2\n", `metric "m_count" of type untyped collides with "m" of type histogram of another grouping`},
		{"/job/foreign", "m{zone=\"z\"} 1\n", "/job/foreign/zone/z", "m 1\n", `metric "m": a series of the push is held by another grouping already`},
		{"/job/foreign/U__a_2e_b/1", "m 1\n", "/job/foreign/a_b/1", "m 1\n", `grouping {a_b="1",job="foreign"} is the same as another grouping to scrapers without UTF-8 names`},
	} {
		s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
		storetest.MustPush(t, s, test.held, test.holds)
		var r *store.Refusal
		if _, err := s.Push(t.Context(), storetest.Push(t, test.path, test.body)); !errors.As(err, &r) {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		other := storetest.Key(t, test.held).String()
		if r.Discreet != test.want || r.Other.String() != other || !strings.Contains(r.Message, "grouping "+other) {
			t.Errorf("%q, discreetly %q, of %s", r.Message, r.Discreet, r.Other)
		}
	}
}

func TestNamesThatAreTheSameOnceEscapedConflict(t *testing.T) {
	for _, tt := range []struct{ name, first, firstBody, second, secondBody string }{
		{"metrics, underscores", "/job/x", "{\"a.b\"} 1\n", "/job/y", "a_b 1\n"},
		{"metrics, underscores, the other way", "/job/x", "a_b 1\n", "/job/y", "{\"a.b\"} 1\n"},
		{"metrics, values", "/job/x", "{\"a.b\"} 1\n", "/job/y", "U__a_2e_b 1\n"},
		{"metrics, dots", "/job/x", "{\"a.b\"} 1\n", "/job/y", "a_dot_b 1\n"},
		{"a histogram's samples", "/job/x", "# TYPE \"a.b\" histogram\n{\"a.b_bucket\",le=\"+Inf\"} 1\n{\"a.b_sum\"} 1\n{\"a.b_count\"} 1\n", "/job/y", "a_b_count 1\n"},
		{"groupings", "/job/x/U__a_2e_b/1", "m 1\n", "/job/x/a_b/1", "n 1\n"},
		{"a label of the body and one of the grouping", "/job/x/a_b/1", "m 1\n", "/job/x", "m{\"a.b\"=\"1\"} 1\n"},
		{"the same, the other way", "/job/x", "m{\"a.b\"=\"1\"} 1\n", "/job/x/a_b/1", "m 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
			storetest.MustPush(t, s, tt.first, tt.firstBody)
			var r *store.Refusal
			if _, err := s.Push(t.Context(), storetest.Push(t, tt.second, tt.secondBody)); !errors.As(err, &r) || r.Reason != store.ReasonConflict {
				t.Errorf("got %v", err)
			}
			if _, err := s.Delete(t.Context(), storetest.Key(t, tt.first), store.Origin{}); err != nil {
				t.Fatal(err)
			}
			storetest.MustPush(t, s, tt.second, tt.secondBody)
		})
	}
}

func TestClosingTwiceIsFineAndNothingIsTakenAfterwards(t *testing.T) {
	s, closeStore := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	closeStore()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Push(context.Background(), storetest.Push(t, "/job/x", "m 2\n")); err == nil {
		t.Error("a push to a closed store was acknowledged")
	}
	if s.Status().Ready {
		t.Error("a closed store is ready")
	}
}

func TestWhatWasAcknowledgedIsShownThoughTheJournalStartsOver(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	done := make(chan struct{})
	var resets sync.WaitGroup
	resets.Go(func() {
		for {
			select {
			case j.Restart <- struct{}{}:
			case <-done:
				return
			}
		}
	})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			path := fmt.Sprintf("/job/x/i/%d", w)
			for i := range 100 {
				if _, err := s.Push(context.Background(), storetest.Push(t, path, fmt.Sprintf("m %d\n", i))); err != nil {
					t.Error(err)
					return
				}
				g, ok := s.Snapshot().Grouping(storetest.Key(t, path))
				if want := fmt.Sprintf("m{i=\"%d\",instance=\"\",job=\"x\"} %d\n", w, i); !ok || string(g.Families()[0].Text) != want {
					t.Errorf("push %d to %s is acknowledged but not shown", i, path)
					return
				}
			}
		})
	}
	wg.Wait()
	close(done)
	resets.Wait()
	if n := s.Snapshot().Stats().Groupings; n != 4 {
		t.Errorf("%d groupings, want 4", n)
	}
}

func TestAMergeReplacesWhatItBringsThoughItsNamesOverlap(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	const plain = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
	const both = plain + "# TYPE h_count gauge\nh_count{a=\"1\"} 1\n"
	storetest.MustPush(t, s, "/job/x", plain+"other 1\n")
	p := storetest.Push(t, "/job/x", both)
	p.Mode = store.Merge
	outcome, err := s.Preview(p)
	if want := (store.Outcome{Exists: true, Series: 5, Added: 3, Kept: 1, Removed: 1}); err != nil || outcome != want {
		t.Errorf("got %+v, %v, want %+v", outcome, err, want)
	}
	for range 2 {
		if _, err := s.Push(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	want := `h_bucket untyped 
h_bucket{instance="",job="x",le="+Inf"} 1
h_count gauge 
h_count{a="1",instance="",job="x"} 1
h_count{instance="",job="x"} 1
h_sum untyped 
h_sum{instance="",job="x"} 1
other untyped 
other{instance="",job="x"} 1
`
	if got := storetest.Scrape(s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	p = storetest.Push(t, "/job/x", plain)
	p.Mode = store.Merge
	if _, err := s.Push(t.Context(), p); err == nil || !strings.Contains(err.Error(), "of the same grouping") {
		t.Errorf("got %v", err)
	}
}
