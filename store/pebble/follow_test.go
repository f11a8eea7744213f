package pebble

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatehouse/store/journal"
)

func TestABacklogIsBoundedAndReportsItsGap(t *testing.T) {
	for _, test := range []struct {
		name    string
		records int
		size    int
		gap     bool
	}{
		{"few records", 100, 10, false},
		{"as many as fit", maxBacklog, 0, false},
		{"too many", maxBacklog + 1, 0, true},
		{"too large together", 17, 1 << 20, true},
		{"one that is too large alone", 1, maxBacklogBytes + 1, false},
	} {
		b, value := newBacklog(), make([]byte, test.size)
		for i := range test.records {
			b.add([]journal.Record{{Value: value, Revision: journal.Revision(i)}})
		}
		records, err := b.take()
		if gap := errors.Is(err, errGap); gap != test.gap {
			t.Errorf("%s: got gap %v, want %v", test.name, gap, test.gap)
		}
		if !test.gap && len(records) != test.records {
			t.Errorf("%s: got %d records, want %d", test.name, len(records), test.records)
		}
		if b.bytes != 0 || b.records != nil {
			t.Errorf("%s: %d bytes are kept", test.name, b.bytes)
		}
	}
}

func TestAFollowerThatFellBehindGetsEverythingAnew(t *testing.T) {
	j := mustOpen(t, Options{Path: t.TempDir()})
	put(t, j, "a", "1")
	f := &held{release: make(chan struct{})}
	go func() { _ = j.Follow(t.Context(), f) }()
	value := strings.Repeat("x", 1<<20)
	for i := range 18 {
		put(t, j, fmt.Sprint(i%3), value)
	}
	close(f.release)
	put(t, j, "last", "1")
	until(t, "the follower gets the last change", func() bool { return f.has("last", "1") })
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.resets == 0 || len(f.held) != 5 {
		t.Errorf("got %d resets and %d records, want some and 5", f.resets, len(f.held))
	}
}

// held is a follower that waits at its first record.
type held struct {
	copyOf
	release chan struct{}
	resets  int
}

func (f *held) Record(r journal.Record) {
	<-f.release
	f.copyOf.Record(r)
}

func (f *held) Reset() {
	f.copyOf.Reset()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resets++
}
