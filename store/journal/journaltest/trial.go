package journaltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"gatehouse/store/journal"
)

// patience is the maximum time that a test waits.
const patience = 30 * time.Second

// trial is a journal under test.
type trial struct {
	*testing.T
	engine  Engine
	dir     string
	journal journal.Journal
}

func begin(t *testing.T, e Engine) *trial {
	t.Helper()
	tr := &trial{T: t, engine: e, dir: t.TempDir()}
	tr.open()
	t.Cleanup(func() { tr.close() })
	return tr
}

func (tr *trial) open() {
	tr.Helper()
	j, err := tr.engine.Open(tr.dir)
	if err != nil {
		tr.Fatalf("Open(%q): %v", tr.dir, err)
	}
	tr.journal = j
}

func (tr *trial) close() {
	tr.Helper()
	if tr.journal == nil {
		return
	}
	if err := tr.journal.Close(); err != nil {
		tr.Errorf("Close: %v", err)
	}
	tr.journal = nil
}

func (tr *trial) reopen() {
	tr.Helper()
	tr.close()
	tr.open()
}

// commit writes and must succeed.
func (tr *trial) commit(changes ...journal.Change) journal.Revision {
	tr.Helper()
	r, err := tr.journal.Commit(tr.Context(), changes...)
	if err != nil {
		tr.Fatalf("Commit(%s): %v", names(changes), err)
	}
	return r
}

func (tr *trial) put(key, value string) journal.Revision {
	tr.Helper()
	return tr.commit(journal.Change{Key: key, Value: []byte(value)})
}

// holds checks that key has the value and revision.
func (tr *trial) holds(key, value string, revision journal.Revision) {
	tr.Helper()
	got, err := tr.journal.Read(tr.Context(), key)
	if err != nil {
		tr.Fatalf("Read(%q): %v", key, err)
	}
	if got.Key != key || string(got.Value) != value || got.Value == nil || got.Revision != revision {
		tr.Fatalf("Read(%q): got %s, want %s", key, show(got), show(journal.Record{Key: key, Value: []byte(value), Revision: revision}))
	}
}

func (tr *trial) lacks(key string) {
	tr.Helper()
	if got, err := tr.journal.Read(tr.Context(), key); !errors.Is(err, journal.ErrNoRecord) {
		tr.Fatalf("Read(%q): got %s and error %v, want ErrNoRecord", key, show(got), err)
	}
}

func at(r journal.Revision) *journal.Revision { return &r }

func names(changes []journal.Change) string {
	s := ""
	for _, c := range changes {
		s += fmt.Sprintf(" %q", c.Key)
	}
	return s
}

func show(r journal.Record) string {
	value := fmt.Sprintf("%q", r.Value)
	if r.Value == nil {
		value = "removed"
	}
	if len(value) > 40 {
		value = fmt.Sprintf("%s… (%d bytes)", value[:40], len(r.Value))
	}
	return fmt.Sprintf("%q = %s @%d", r.Key, value, r.Revision)
}

// audience is a follower that remembers. It fails the test as soon as it is
// sent something out of order.
type audience struct {
	t       *testing.T
	mu      sync.Mutex
	held    map[string]journal.Record // removals are not in it
	changes []journal.Record          // reported since Ready
	resets  int
	ready   bool
	started bool
	lastKey string
	at      journal.Revision // reported up to here, once ready
	called  chan struct{}    // closed at the next call
	before  func()           // called before every record, if not nil
	err     error            // of Follow
	ended   bool
}

// follow starts following until the test ends.
func (tr *trial) follow(ctx context.Context, before func()) *audience {
	a := &audience{t: tr.T, held: map[string]journal.Record{}, called: make(chan struct{}), before: before}
	journal := tr.journal
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		err := journal.Follow(ctx, a)
		a.note(func() { a.err, a.ended = err, true })
	}()
	tr.Cleanup(func() { cancel(); <-done })
	return a
}

func (a *audience) note(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	close(a.called)
	a.called = make(chan struct{})
}

func (a *audience) Reset() {
	a.note(func() {
		a.held, a.changes = map[string]journal.Record{}, nil
		a.ready, a.started, a.at = false, false, 0
		a.resets++
	})
}

func (a *audience) Record(r journal.Record) {
	if a.before != nil {
		a.before()
	}
	if r.Value != nil {
		r.Value = append([]byte{}, r.Value...)
	}
	a.note(func() {
		switch {
		case a.ready && r.Revision <= a.at:
			a.t.Errorf("follower got %s behind revision %d", show(r), a.at)
		case !a.ready && a.started && r.Key <= a.lastKey:
			a.t.Errorf("follower got key %q behind %q before it was ready", r.Key, a.lastKey)
		case !a.ready && r.Value == nil:
			a.t.Errorf("follower got the removal of %q before it was ready", r.Key)
		}
		a.started, a.lastKey = true, r.Key
		if a.ready {
			a.at = r.Revision
			a.changes = append(a.changes, r)
		}
		if r.Value == nil {
			delete(a.held, r.Key)
		} else {
			a.held[r.Key] = r
		}
	})
}

func (a *audience) Ready(r journal.Revision) {
	a.note(func() {
		if a.ready {
			a.t.Errorf("follower was ready twice")
		}
		for _, held := range a.held {
			if held.Revision > r {
				a.t.Errorf("follower was ready at revision %d but had received %s", r, show(held))
			}
		}
		a.ready, a.at = true, r
	})
}

// wait waits until ok, which is called with the lock held.
func (a *audience) wait(what string, ok func() bool) {
	a.t.Helper()
	timeout := time.After(patience)
	for {
		a.mu.Lock()
		met, called := ok(), a.called
		a.mu.Unlock()
		if met {
			return
		}
		select {
		case <-called:
		case <-timeout:
			a.mu.Lock()
			defer a.mu.Unlock()
			a.t.Fatalf("follower was not %s: ready %v at revision %d with %d records, ended %v with %v",
				what, a.ready, a.at, len(a.held), a.ended, a.err)
		}
	}
}

func (a *audience) waitReady() {
	a.t.Helper()
	a.wait("ready", func() bool { return a.ready })
}

// waitFor waits until revision r was reported to the follower.
func (a *audience) waitFor(r journal.Revision) {
	a.t.Helper()
	a.wait(fmt.Sprintf("revision %d", r), func() bool { return a.ready && a.at >= r })
}

func (a *audience) waitEnd() error {
	a.t.Helper()
	a.wait("ended", func() bool { return a.ended })
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// contents returns the follower's records, in the order of the keys.
func (a *audience) contents() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(a.held)) {
		lines = append(lines, show(a.held[key]))
	}
	return lines
}

// contents returns the journal's records, in the order of the keys.
func (tr *trial) contents() []string {
	tr.Helper()
	records, err := tr.journal.Scan(tr.Context(), "", "", 1<<20)
	if err != nil {
		tr.Fatalf("Scan: %v", err)
	}
	var lines []string
	for _, r := range records {
		lines = append(lines, show(r))
	}
	return lines
}

func (tr *trial) same(what string, got, want []string) {
	tr.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			tr.Fatalf("%s: got %d records, want %d; first difference at %d: got %s, want %s", what, len(got), len(want), i, g, w)
		}
	}
}
