// Package storetest opens stores for tests: on disks of memory that can crash, on
// journals that can fail, and with clocks that tests set.
package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
)

// Options are those of most tests: with the consistency check and with undo.
var Options = store.Options{Limits: store.Limits{CheckConsistency: true}, Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 16 << 20}, Timeout: time.Minute}

// Key returns the grouping key of a path.
func Key(t testing.TB, path string) store.GroupingKey {
	t.Helper()
	p, err := store.ParsePath(path, true)
	if err != nil {
		t.Fatal(err)
	}
	return p.Key
}

// Push returns the push of a body in the text format to a path.
func Push(t testing.TB, path, body string) store.Push {
	t.Helper()
	k := Key(t, path)
	families, err := exposition.DecodeText([]byte(body), exposition.Options{Grouping: k.Labels(), UTF8Names: true})
	if err != nil {
		t.Fatal(err)
	}
	return store.Push{Key: k, Families: families}
}

// MustPush pushes a body in the text format to a path.
func MustPush(t testing.TB, s *store.Store, path, body string) {
	t.Helper()
	if _, err := s.Push(t.Context(), Push(t, path, body)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Eventually waits until a condition holds.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for tick := time.Tick(2 * time.Millisecond); !holds(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// Failing is a real journal that can be made to fail.
type Failing struct {
	journal.Journal
	Before  atomic.Pointer[func() error]                // called before each commit
	Lose    atomic.Pointer[func([]journal.Change) bool] // says whose answer is lost
	Reading atomic.Pointer[func(key string)]            // called after each read
	Restart chan struct{}                               // makes following start over
}

// Commit implements journal.Journal.
func (j *Failing) Commit(ctx context.Context, changes ...journal.Change) (journal.Revision, error) {
	if f := j.Before.Load(); f != nil {
		if err := (*f)(); err != nil {
			return 0, err
		}
	}
	r, err := j.Journal.Commit(ctx, changes...)
	if f := j.Lose.Load(); f != nil && (*f)(changes) {
		return 0, context.DeadlineExceeded
	}
	return r, err
}

// Read implements journal.Journal.
func (j *Failing) Read(ctx context.Context, key string) (journal.Record, error) {
	r, err := j.Journal.Read(ctx, key)
	if f := j.Reading.Load(); f != nil {
		(*f)(key)
	}
	return r, err
}

// OpenFailing opens a store in memory whose journal can be made to fail.
func OpenFailing(t *testing.T) (*store.Store, *Failing) {
	t.Helper()
	return OpenFailingAt(t, nil)
}

// OpenFailingAt has the store take the time from a clock.
func OpenFailingAt(t *testing.T, c *Clock) (*store.Store, *Failing) {
	t.Helper()
	o := Options
	if c != nil {
		o.Now = c.Time
	}
	real, err := pebble.Open(pebble.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	j := &Failing{Journal: real, Restart: make(chan struct{})}
	s, err := store.Open(t.Context(), j, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = real.Close() })
	return s, j
}

// Follow starts over whenever the test says so, as an engine does that fell
// behind.
func (j *Failing) Follow(ctx context.Context, f journal.Follower) error {
	for first := true; ; first = false {
		if !first {
			f.Reset()
		}
		once, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-j.Restart:
				cancel()
			case <-once.Done():
			}
		}()
		err := j.Journal.Follow(once, f)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return err
		}
	}
}
