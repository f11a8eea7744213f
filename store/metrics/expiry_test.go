package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/storetest"
)

// pushMany pushes the groupings of a job, with a body and a TTL each.
func pushMany(t *testing.T, s *store.Store, job string, n int, ttl time.Duration, body func(i int) string) {
	t.Helper()
	pushes := make([]store.Push, n)
	for i := range pushes {
		pushes[i] = storetest.Push(t, fmt.Sprintf("/job/%s/i/%d", job, i), body(i))
		pushes[i].TTL = ttl
	}
	var workers sync.WaitGroup
	for w := range 64 {
		workers.Go(func() {
			for i := w; i < n; i += 64 {
				if _, err := s.Push(context.Background(), pushes[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

func small(int) string { return "m 1\nn 2\n" }

// watched counts the commits of a journal, and the most changes and bytes in one.
type watched struct{ commits, changes, bytes atomic.Int64 }

func watch(j *storetest.Failing) *watched {
	w := &watched{}
	look := func(changes []journal.Change) bool {
		bytes := 0
		for _, c := range changes {
			bytes += len(c.Key) + len(c.Value)
		}
		w.commits.Add(1)
		w.changes.Store(max(w.changes.Load(), int64(len(changes))))
		w.bytes.Store(max(w.bytes.Load(), int64(bytes)))
		return false
	}
	j.Lose.Store(&look)
	return w
}

func TestManyThatExpireTogetherTakeSeveralCommitsAndAreOneOperation(t *testing.T) {
	const n = 3*commit.Chunk + 7
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	pushMany(t, s, "x", n, time.Minute, small)
	w := watch(j)
	c.Advance(10 * time.Minute)
	storetest.MustPush(t, s, "/job/y", "m 1\n")
	if w.commits.Load() > 3 {
		t.Errorf("a push waited for %d commits", w.commits.Load())
	}
	storetest.Eventually(t, "all have expired", func() bool { return s.Snapshot().Stats().Groupings == 1 })
	expiries := func() []store.Entry {
		return storetest.AllEntries(t, s, store.ActivityQuery{Kinds: []store.EntryKind{store.EntryExpiry}})
	}
	storetest.Eventually(t, "all are on record", func() bool { x := expiries(); return len(x) == 1 && x[0].Count == n })
	if most := w.changes.Load(); most > 2*commit.Chunk {
		t.Errorf("%d changes in one commit", most)
	}
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/y"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	u, err := s.Undo(t.Context(), expiries()[0].Operation, store.Origin{})
	if err != nil || u.Restored != n {
		t.Fatalf("restored %d, %v", u.Restored, err)
	}
	if got := s.Snapshot().Stats().Groupings; got != n {
		t.Errorf("%d groupings are back", got)
	}

	// What expires later is an operation of its own.
	pushMany(t, s, "z", 2, time.Minute, small)
	c.Advance(10 * time.Minute)
	storetest.ReadClock(t, s)
	storetest.Eventually(t, "there is another operation", func() bool { x := expiries(); return len(x) == 2 && x[0].Count == 2 })
}

func TestLargeGroupingsAreDeletedInSeveralCommits(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	r := rand.New(rand.NewPCG(1, 2))
	const n, size = 12, 4 << 20
	pushMany(t, s, "x", n, 0, func(int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, "m{i=\"%d\",v=\"%x%x%x%x\"} %v\n", i, r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Float64())
		}
		return b.String()
	})
	w := watch(j)
	sel, err := store.ParseSelectors([]string{`{job="x"}`})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := s.DeleteMatching(t.Context(), sel, store.Selectors{}, store.Origin{})
	if err != nil || deleted != n {
		t.Fatalf("deleted %d, %v", deleted, err)
	}
	if w.commits.Load() < 3 || w.bytes.Load() > commit.ChunkBytes+size {
		t.Errorf("%d commits, %d bytes at the most", w.commits.Load(), w.bytes.Load())
	}
	if x := storetest.AllEntries(t, s, store.ActivityQuery{}); len(x) != 1 || x[0].Count != n {
		t.Errorf("%+v", x)
	}
}

func TestAnOperationOfSeveralCommitsIsOneEntry(t *testing.T) {
	o := storetest.Options
	o.MaxEntries = 3
	recorded := map[string]int{}
	o.Recorded = func(x store.Entry) { recorded[x.Operation]++ }
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	pushMany(t, s, "x", 3*commit.Chunk, 0, small)
	pushMany(t, s, "y", 2, 0, small)
	for i := range 2 {
		if _, err := s.Delete(t.Context(), storetest.Key(t, fmt.Sprintf("/job/y/i/%d", i)), store.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	sel, err := store.ParseSelectors([]string{`{job="x"}`})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.DeleteMatching(t.Context(), sel, store.Selectors{}, store.Origin{}); err != nil || n != 3*commit.Chunk {
		t.Fatalf("deleted %d, %v", n, err)
	}
	storetest.MustPush(t, s, "/job/z", "m 1\n") // it would take along what is trimmed
	if x := storetest.AllEntries(t, s, store.ActivityQuery{}); len(x) != 3 {
		t.Errorf("%d entries of 3 are left", len(x))
	}
}

func TestHousekeepingThatFailsIsInTheStatus(t *testing.T) {
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	pushMany(t, s, "x", 3, time.Minute, small)
	fail := func() error { return errors.New("the disk is slow") }
	j.Before.Store(&fail)
	c.Advance(10 * time.Minute)
	storetest.Eventually(t, "it is noticed", func() bool {
		_, _ = s.Delete(context.Background(), storetest.Key(t, "/job/nothing"), store.Origin{}) // reads the clock
		return s.Status().Housekeeping != nil
	})
	if n := s.Snapshot().Stats().Groupings; n != 0 {
		t.Errorf("%d groupings are still shown", n)
	}
	j.Before.Store(nil)
	storetest.Eventually(t, "it works again", func() bool {
		c.Advance(time.Second)
		storetest.ReadClock(t, s)
		return s.Status().Housekeeping == nil
	})
	if x := storetest.AllEntries(t, s, store.ActivityQuery{}); len(x) != 1 || x[0].Count != 3 {
		t.Errorf("%+v", x)
	}
}
