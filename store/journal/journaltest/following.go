package journaltest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"gatehouse/store/journal"
)

func follows(t *testing.T, e Engine) {
	tr := begin(t, e)
	for _, key := range []string{"c", "a", "b", "e", "d"} {
		tr.put(key, "first "+key)
	}
	last := tr.put("b", "second b")
	tr.commit(journal.Change{Key: "e"})
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	tr.same("received before ready", a.contents(), tr.contents())
	if a.at != last+1 {
		t.Errorf("ready at revision %d, want %d", a.at, last+1)
	}
	for i := range 50 {
		last = tr.commit(
			journal.Change{Key: strconv.Itoa(i % 7), Value: []byte(strconv.Itoa(i))},
			journal.Change{Key: "z", Value: []byte(strconv.Itoa(i))})
	}
	a.waitFor(last)
	tr.same("received in the end", a.contents(), tr.contents())
	if a.resets == 0 && len(a.changes) != 100 {
		t.Errorf("received %d changes since ready, want every one of 100", len(a.changes))
	}
}

func followsNothing(t *testing.T, e Engine) {
	tr := begin(t, e)
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	if len(a.held) != 0 {
		t.Errorf("an empty journal has %d records", len(a.held))
	}
	a.waitFor(tr.put("a", "1"))
	tr.same("received", a.contents(), tr.contents())
}

func followsRemovals(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	tr.commit(journal.Change{Key: "a"})
	tr.commit(journal.Change{Key: "never there"})
	r := tr.commit(journal.Change{Key: "b", Value: []byte("1")}, journal.Change{Key: "a", If: at(0)})
	a.waitFor(r)
	a.mu.Lock()
	var got []string
	for _, c := range a.changes {
		got = append(got, show(c))
	}
	a.mu.Unlock()
	tr.same("changes", got, []string{
		show(journal.Record{Key: "a", Revision: r - 3}),
		show(journal.Record{Key: "never there", Revision: r - 2}),
		show(journal.Record{Key: "b", Value: []byte("1"), Revision: r - 1}),
		show(journal.Record{Key: "a", Revision: r}),
	})
}

func followsNoConflict(t *testing.T, e Engine) {
	tr := begin(t, e)
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	tr.put("a", "1")
	_, err := tr.journal.Commit(t.Context(), journal.Change{Key: "b", Value: []byte("no")}, journal.Change{Key: "a", If: at(0)})
	if !errors.Is(err, journal.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	a.waitFor(tr.put("c", "1"))
	tr.same("received", a.contents(), tr.contents())
	if len(a.held) != 2 {
		t.Errorf("received %d records, want 2", len(a.held))
	}
}

func followsSeveral(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	first, second := tr.follow(t.Context(), nil), tr.follow(t.Context(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	third := tr.follow(ctx, nil)
	third.waitReady()
	cancel()
	if err := third.waitEnd(); !errors.Is(err, context.Canceled) {
		t.Errorf("Follow whose context ended: got %v", err)
	}
	var last journal.Revision
	for i := range 20 {
		last = tr.put(strconv.Itoa(i), "x")
	}
	first.waitFor(last)
	second.waitFor(last)
	tr.same("first", first.contents(), tr.contents())
	tr.same("second", second.contents(), tr.contents())
}

func followsJoining(t *testing.T, e Engine) {
	tr := begin(t, e)
	for i := range 200 {
		tr.put(fmt.Sprintf("old %03d", i), "x")
	}
	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				c := journal.Change{Key: fmt.Sprintf("new %d %d", w, i%50)}
				if i%5 > 0 {
					c.Value = []byte(strconv.Itoa(i))
				}
				if _, err := tr.journal.Commit(t.Context(), c); err != nil {
					t.Errorf("Commit: %v", err)
					return
				}
			}
		})
	}
	var all []*audience
	for range 5 {
		a := tr.follow(t.Context(), nil)
		a.waitReady()
		all = append(all, a)
	}
	stop.Store(true)
	writers.Wait()
	last := tr.put("last", "x")
	for i, a := range all {
		a.waitFor(last)
		tr.same(fmt.Sprintf("follower %d", i), a.contents(), tr.contents())
	}
}

// followsSlowly holds a follower up while more is written than any engine
// should keep for it.
func followsSlowly(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	held := make(chan struct{})
	var release sync.Once
	free := func() { release.Do(func() { close(held) }) }
	t.Cleanup(free)
	slow := tr.follow(t.Context(), func() { <-held })
	value := make([]byte, 1<<20)
	var last journal.Revision
	for i := range 48 {
		last = tr.commit(journal.Change{Key: strconv.Itoa(i % 3), Value: value})
	}
	free()
	slow.waitFor(last)
	tr.same("received", slow.contents(), tr.contents())
}

func endsFollow(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancelled, closed := tr.follow(ctx, nil), tr.follow(t.Context(), nil)
	cancelled.waitReady()
	closed.waitReady()
	cancel()
	if err := cancelled.waitEnd(); !errors.Is(err, context.Canceled) {
		t.Errorf("Follow whose context ended: got %v, want the context's error", err)
	}
	tr.close()
	if err := closed.waitEnd(); err == nil {
		t.Error("Follow of a closed journal: got no error")
	}
}
