package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"gatehouse/store"
)

func TestOnlyWhatIsAsItWasSeenIsDeleted(t *testing.T) {
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
			s, _ := openStore(t, t.TempDir(), checked)
			var seen []store.Seen
			for i := range 3 {
				path := fmt.Sprintf("/job/x/i/%d", i)
				mustPush(t, s, path, "m 1\n")
				g, _ := s.Picture().Group(key(t, path))
				seen = append(seen, store.Seen{Key: g.Key, Pushed: g.Pushed})
			}
			mustPush(t, s, "/job/y", "m 1\n")
			for _, path := range tt.gone {
				if _, err := s.Delete(t.Context(), key(t, path), store.Origin{}); err != nil {
					t.Fatal(err)
				}
			}
			for _, path := range tt.change {
				mustPush(t, s, path, "m 1\n")
			}
			before := s.Picture().Stats().Groupings
			d, err := s.DeleteSeen(t.Context(), seen, tt.exact, "these", store.Origin{By: "ana"})
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
			if left := s.Picture().Stats().Groupings; left != before-tt.deleted {
				t.Errorf("%d groupings are left of %d", left, before)
			}
			x, ok, err := s.Entry(t.Context(), d.Operation)
			if err != nil || ok != (tt.deleted > 0) || ok && (x.Count != tt.deleted || x.What != "these" || x.Origin.By != "ana") {
				t.Errorf("the entry: %+v, %v, %v", x, ok, err)
			}
		})
	}
}

// raceDetected says whether the race detector slows everything down.
func raceDetected() bool {
	b, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// A push has to get its turn while thousands are deleted or restored.
func TestADeleteOfThousandsAndItsUndoLetPushesThrough(t *testing.T) {
	n, most, mostPush := 5000, 5*time.Second, time.Second
	if raceDetected() {
		n, most, mostPush = 500, time.Minute, time.Minute
	}
	s, pushes := filled(t, n)
	var seen []store.Seen
	for g := range s.Picture().Groups() {
		seen = append(seen, store.Seen{Key: g.Key, Pushed: g.Pushed})
	}
	other := push(t, "/job/other", "m 1\n")
	// meanwhile pushes as long as f takes, and returns how long the slowest took.
	meanwhile := func(f func()) (slowest time.Duration, taken time.Duration) {
		done := make(chan struct{})
		begin := time.Now()
		go func() {
			defer close(done)
			f()
			taken = time.Since(begin)
		}()
		for {
			at := time.Now()
			if _, err := s.Push(context.Background(), other); err != nil {
				t.Error(err)
			}
			slowest = max(slowest, time.Since(at))
			select {
			case <-done:
				return slowest, taken
			default:
			}
		}
	}
	var d store.Deleted
	var err error
	slowest, taken := meanwhile(func() { d, err = s.DeleteSeen(context.Background(), seen, true, "", store.Origin{}) })
	t.Logf("deleted in %v, slowest push meanwhile %v", taken, slowest)
	if err != nil || d.Groupings != n || taken > most || slowest > mostPush {
		t.Errorf("deleted %d, %v, in %v; a push meanwhile took %v", d.Groupings, err, taken, slowest)
	}
	// One of them is pushed anew while the others come back.
	if _, err := s.Push(context.Background(), pushes[n/2]); err != nil {
		t.Fatal(err)
	}
	var u store.Undone
	slowest, taken = meanwhile(func() { u, err = s.Undo(context.Background(), d.Operation, store.Origin{}) })
	t.Logf("restored in %v, slowest push meanwhile %v", taken, slowest)
	if err != nil || u.Restored != n-1 || len(u.Kept) != 1 || taken > most || slowest > mostPush {
		t.Errorf("restored %d, kept %d, %v, in %v; a push meanwhile took %v", u.Restored, len(u.Kept), err, taken, slowest)
	}
	if x, _, err := s.Entry(t.Context(), u.Operation); err != nil || x.Count != n-1 {
		t.Errorf("the entry: %+v, %v", x, err)
	}
	slices.Reverse(seen)
	if d, err := s.DeleteSeen(context.Background(), seen, true, "", store.Origin{}); err == nil {
		t.Errorf("one was pushed anew: %+v", d)
	}
}
