package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/storetest"
)

func TestOnlyUnchangedGroupingsAreDeleted(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		exact                     bool
		change                    []string // pushed anew
		gone                      []string // deleted
		deleted, changed, missing int
		refused                   bool
	}{
		{name: "nothing has changed", deleted: 3},
		{name: "nothing has changed, all or none", exact: true, deleted: 3},
		{name: "one was pushed anew", change: []string{"/job/x/i/1"}, deleted: 2, changed: 1},
		{name: "one was pushed anew, all or none", exact: true, change: []string{"/job/x/i/1"}, changed: 1, refused: true},
		{name: "one is gone", gone: []string{"/job/x/i/1"}, deleted: 2, missing: 1},
		{name: "one is gone, all or none", exact: true, gone: []string{"/job/x/i/1"}, missing: 1, refused: true},
		{name: "one was pushed and one is gone", change: []string{"/job/x/i/2"}, gone: []string{"/job/x/i/1"}, deleted: 1, changed: 1, missing: 1},
		{name: "one was deleted and pushed anew, all or none", exact: true, gone: []string{"/job/x/i/1"}, change: []string{"/job/x/i/1"}, changed: 1, refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
			var seen []store.GroupingVersion
			for i := range 3 {
				path := fmt.Sprintf("/job/x/i/%d", i)
				storetest.MustPush(t, s, path, "m 1\n")
				g, _ := s.Snapshot().Grouping(storetest.Key(t, path))
				seen = append(seen, store.GroupingVersion{Key: g.Key, Pushed: g.Pushed})
			}
			storetest.MustPush(t, s, "/job/y", "m 1\n")
			for _, path := range tt.gone {
				if _, err := s.Delete(t.Context(), storetest.Key(t, path), store.Origin{}); err != nil {
					t.Fatal(err)
				}
			}
			for _, path := range tt.change {
				storetest.MustPush(t, s, path, "m 1\n")
			}
			before := s.Snapshot().Stats().Groupings
			d, err := s.DeleteVersions(t.Context(), seen, tt.exact, "these", store.Origin{By: "ana"})
			var changed *store.ChangedError
			if errors.As(err, &changed) != tt.refused || err != nil && !tt.refused {
				t.Fatalf("got %v", err)
			}
			if changed != nil {
				d.Changed, d.Missing = changed.Changed, changed.Missing
			}
			if d.Groupings != tt.deleted || len(d.Changed) != tt.changed || len(d.Missing) != tt.missing || (d.Operation != "") != (tt.deleted > 0) {
				t.Errorf("got %+v", d)
			}
			if left := s.Snapshot().Stats().Groupings; left != before-tt.deleted {
				t.Errorf("%d groupings are left of %d", left, before)
			}
			x, ok, err := s.Entry(t.Context(), d.Operation)
			if err != nil || ok != (tt.deleted > 0) || ok && (x.Count != tt.deleted || x.What != "these" || x.Origin.By != "ana") {
				t.Errorf("the entry: %+v, %v, %v", x, ok, err)
			}
		})
	}
}

// A push has to get its turn while thousands are deleted or restored.
func TestADeleteOfThousandsAndItsUndoLetPushesThrough(t *testing.T) {
	const n = 2500 // several commits for either
	s, pushes := storetest.Filled(t, n)
	var seen []store.GroupingVersion
	for g := range s.Snapshot().Groupings() {
		seen = append(seen, store.GroupingVersion{Key: g.Key, Pushed: g.Pushed})
	}
	other := storetest.Push(t, "/job/other", "m 1\n")
	// meanwhile pushes until f has ended, and returns how many pushes were answered
	// when f had done a part.
	meanwhile := func(f func()) (answered int) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		for {
			if _, err := s.Push(context.Background(), other); err != nil {
				t.Error(err)
			}
			if held := s.Snapshot().Stats().Groupings; held > 10 && held < n-10 {
				answered++
			}
			select {
			case <-done:
				return answered
			default:
			}
		}
	}
	var d store.Deleted
	var err error
	answered := meanwhile(func() { d, err = s.DeleteVersions(context.Background(), seen, true, "", store.Origin{}) })
	if err != nil || d.Groupings != n || answered == 0 {
		t.Errorf("deleted %d, %v; %d pushes were answered meanwhile", d.Groupings, err, answered)
	}
	// One of them is pushed anew while the others come back.
	if _, err := s.Push(context.Background(), pushes[n/2]); err != nil {
		t.Fatal(err)
	}
	var u store.Undone
	answered = meanwhile(func() { u, err = s.Undo(context.Background(), d.Operation, store.Origin{}) })
	if err != nil || u.Restored != n-1 || len(u.Kept) != 1 || answered == 0 {
		t.Errorf("restored %d, kept %d, %v; %d pushes were answered meanwhile", u.Restored, len(u.Kept), err, answered)
	}
	if x, _, err := s.Entry(t.Context(), u.Operation); err != nil || x.Count != n-1 {
		t.Errorf("the entry: %+v, %v", x, err)
	}
	slices.Reverse(seen)
	if d, err := s.DeleteVersions(context.Background(), seen, true, "", store.Origin{}); err == nil {
		t.Errorf("one was pushed anew: %+v", d)
	}
}

func TestTheGroupingsThatAnOperationDeletedAreListed(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, o)
	for i := range 5 {
		storetest.MustPush(t, s, fmt.Sprintf("/job/x/i/%d", i), "m 1\n")
	}
	p := storetest.Push(t, "/job/brief", "m 1\n")
	p.TTL = time.Minute
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	d, err := s.DeleteVersions(t.Context(), []store.GroupingVersion{{Key: storetest.Key(t, "/job/x/i/3")}, {Key: storetest.Key(t, "/job/x/i/1")}}, true, "", store.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(10 * time.Minute)
	storetest.ReadClock(t, s)
	expiry := storetest.LastOperation(t, s)
	storetest.MustPush(t, s, "/job/x/i/1", "m 1\n")
	w, err := s.Wipe(t.Context(), store.Origin{})
	if err != nil || w.Groupings != 4 || w.Operation != storetest.LastOperation(t, s) {
		t.Fatalf("wiped %+v, %v", w, err)
	}
	if none, err := s.Wipe(t.Context(), store.Origin{}); err != nil || none.Groupings != 0 || none.Operation != "" {
		t.Errorf("wiped nothing: %+v, %v", none, err)
	}
	check := func(s *store.Store, name, operation string, limit, total int, want ...string) {
		t.Helper()
		keys, n := s.DeletedBy(operation, limit)
		var got []string
		for _, k := range keys {
			got = append(got, k.String())
		}
		if n != total || !slices.Equal(got, want) {
			t.Errorf("%s, %d at the most: %q of %d, want %q of %d", name, limit, got, n, want, total)
		}
	}
	for _, s := range []*store.Store{s, storetest.OpenOn(t, storetest.AfterCrash(fs), o)} {
		check(s, "the delete", d.Operation, 10, 1, `{i="3",job="x"}`)
		check(s, "the expiry", expiry, 10, 1, `{job="brief"}`)
		check(s, "the wipe", w.Operation, 10, 4, `{i="0",job="x"}`, `{i="1",job="x"}`, `{i="2",job="x"}`, `{i="4",job="x"}`)
		check(s, "the wipe", w.Operation, 2, 4, `{i="0",job="x"}`, `{i="1",job="x"}`)
		check(s, "the wipe", w.Operation, 0, 4)
		check(s, "nothing", "", 10, 0)
		check(s, "nonsense", "nonsense", 10, 0)

		x, ok := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/x/i/3").Digest())
		if !ok || x.Key.ID() != storetest.Key(t, "/job/x/i/3").ID() || x.Operation != d.Operation || !x.At.Equal(time.Unix(0, x.At.UnixNano())) || x.At.IsZero() {
			t.Errorf("what was deleted: %+v, %v", x, ok)
		}
		if x, ok := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/x/i/1").Digest()); !ok || x.Operation != w.Operation {
			t.Errorf("what was wiped: %+v, %v", x, ok)
		}
		if x, ok := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/brief").Digest()); !ok || x.Operation != expiry {
			t.Errorf("what expired: %+v, %v", x, ok)
		}
		for _, digest := range []string{"", "x", storetest.Key(t, "/job/nothing").Digest(), storetest.Key(t, "/job/x/i/3").Digest() + "\n"} {
			if x, ok := s.Snapshot().DeletedByDigest(digest); ok {
				t.Errorf("%q: %+v", digest, x)
			}
		}
	}
	storetest.MustPush(t, s, "/job/x/i/3", "m 1\n")
	if _, ok := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/x/i/3").Digest()); ok {
		t.Error("it was pushed anew and is gone all the same")
	}
	if _, ok := s.Snapshot().ByDigest(storetest.Key(t, "/job/x/i/3").Digest()); !ok {
		t.Error("it was pushed anew and is not found")
	}
	check(s, "the delete of what was pushed anew", d.Operation, 10, 0)
	if u, err := s.Undo(t.Context(), w.Operation, store.Origin{}); err != nil || u.Restored != 4 {
		t.Errorf("undone %+v, %v", u, err)
	}
	check(s, "the wipe that was undone", w.Operation, 10, 0)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x/i/0"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	last := storetest.LastOperation(t, s)
	c.Advance(2 * time.Hour)
	check(s, "what is too old", last, 10, 0)
	storetest.ReadClock(t, s)
	if _, ok := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/x/i/0").Digest()); ok {
		t.Error("it is forgotten and found")
	}
}

func TestEveryChangeOfGroupingsIsCounted(t *testing.T) {
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	x := storetest.Key(t, "/job/x")
	var operation string
	for _, tt := range []struct {
		name    string
		do      func() error
		changes bool
	}{
		{"a push", func() error { storetest.MustPush(t, s, "/job/x", "# TYPE m gauge\nm 1\n"); return nil }, true},
		{"the same push", func() error { storetest.MustPush(t, s, "/job/x", "# TYPE m gauge\nm 1\n"); return nil }, true},
		{"a refused push", func() error {
			s.Reject(t.Context(), store.Rejection{Key: x, Reason: "syntax", Message: "bad"})
			return nil
		}, true},
		{"a refused push to nothing", func() error {
			s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/y"), Reason: "syntax", Message: "bad"})
			return nil
		}, false},
		{"its entry, and the history", func() error {
			c.Advance(2 * time.Minute)
			storetest.ReadClock(t, s)
			return nil
		}, false},
		{"a session", func() error {
			return s.CreateSession(t.Context(), "id", auth.Session{Name: "ana", Expires: c.Time().Add(time.Hour)})
		}, false},
		{"a delete", func() error {
			d, err := s.DeleteVersions(t.Context(), []store.GroupingVersion{{Key: x}}, true, "", store.Origin{})
			operation = d.Operation
			return err
		}, true},
		{"a delete of nothing", func() error { _, err := s.Delete(t.Context(), x, store.Origin{}); return err }, false},
		{"an undo", func() error { _, err := s.Undo(t.Context(), operation, store.Origin{}); return err }, true},
		{"a wipe", func() error { _, err := s.Wipe(t.Context(), store.Origin{}); return err }, true},
		{"a push that expires", func() error {
			p := storetest.Push(t, "/job/x", "m 1\n")
			p.TTL = time.Minute
			_, err := s.Push(t.Context(), p)
			return err
		}, true},
		{"an expiry", func() error { c.Advance(time.Hour / 2); storetest.ReadClock(t, s); return nil }, true},
		{"everything reported anew", func() error {
			before := s.Snapshot().Changes()
			j.Restart <- struct{}{}
			storetest.Eventually(t, "it is reported", func() bool { storetest.ReadClock(t, s); return s.Snapshot().Changes() != before })
			return nil
		}, true},
	} {
		before := s.Snapshot()
		if err := tt.do(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		after := s.Snapshot()
		if counted := after.Changes() > before.Changes(); counted != tt.changes || (after.Sequence() > before.Sequence()) != tt.changes {
			t.Errorf("%s: %d changes before, %d after; sequence %d and %d", tt.name, before.Changes(), after.Changes(), before.Sequence(), after.Sequence())
		}
	}
}

func TestHowOftenAGroupingIsPushedIsLearned(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, o)
	every := func() time.Duration {
		g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x"))
		return g.PushInterval.Round(time.Millisecond) // no two changes have the same time
	}
	for i, tt := range []struct {
		after, want time.Duration
	}{
		{0, 0},
		{time.Minute, time.Minute},
		{time.Minute, time.Minute},
		{5 * time.Minute, 2 * time.Minute}, // (3 × 1 + 5) / 4
		{2 * time.Minute, 2 * time.Minute},
		{10 * time.Minute, 4 * time.Minute},
	} {
		c.Advance(tt.after)
		p := storetest.Push(t, "/job/x", "m 1\n")
		p.Mode = store.Mode(i % 2)
		if _, err := s.Push(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if got := every(); got != tt.want {
			t.Errorf("push %d: every %v, want %v", i, got, tt.want)
		}
	}
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: "syntax", Message: "bad"})
	if got := every(); got != 4*time.Minute {
		t.Errorf("a refused push counts: every %v", got)
	}
	s = storetest.OpenOn(t, storetest.AfterCrash(fs), o)
	if got := every(); got != 4*time.Minute {
		t.Errorf("after a crash every %v", got)
	}
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(t.Context(), storetest.LastOperation(t, s), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if got := every(); got != 4*time.Minute {
		t.Errorf("after an undo every %v", got)
	}
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if storetest.MustPush(t, s, "/job/x", "m 1\n"); every() != 0 {
		t.Errorf("pushed anew every %v", every())
	}
}

func TestDeletedGroupingsStayWithinTheirSpaceHoweverSmallTheyAre(t *testing.T) {
	o := storetest.Options
	o.UndoMaxBytes = 64 << 10
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	for i := range 300 {
		path := fmt.Sprintf("/job/x/build/%d", i)
		storetest.MustPush(t, s, path, "")
		if n, err := s.Delete(t.Context(), storetest.Key(t, path), store.Origin{}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	storetest.Eventually(t, "the oldest are forgotten", func() bool {
		st := s.Snapshot().Stats()
		return st.DeletedBytes <= o.UndoMaxBytes && st.Deleted > 50 && st.Deleted < 200
	})
}
