package pebble

import (
	"fmt"
	"sync"
	"time"

	"gatehouse/store/journal"
)

// health knows why nothing can be committed at present, if so. Three things
// can be wrong: the journal has failed for good, writes wait because the disk
// is full, and there is less free space than is to be left alone.
type health struct {
	mu      sync.Mutex
	failed  error // wraps journal.ErrBroken, never cleared
	parked  int   // writes that wait for the disk
	full    error // why the first of them waits
	low     error
	since   time.Time
	changed chan struct{} // closed at the next change
}

func newHealth() *health {
	return &health{changed: make(chan struct{})}
}

// watch returns why nothing can be committed, nil if commits are taken. The
// channel is closed as soon as the answer may be another one.
func (h *health) watch() (changed <-chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed, h.worst()
}

func (h *health) err() error {
	_, err := h.watch()
	return err
}

// stuck reports whether the journal has failed or a write is waiting: nothing
// that writes can be expected to end then.
func (h *health) stuck() (failed, full bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed != nil, h.parked > 0, h.changed
}

func (h *health) status() (since time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.since, h.worst()
}

func (h *health) worst() error {
	switch {
	case h.failed != nil:
		return h.failed
	case h.full != nil:
		return h.full
	default:
		return h.low
	}
}

// fail ends all commits for good; only the first cause is kept. It reports
// whether this was the first.
func (h *health) fail(cause error) bool {
	first := false
	h.change(func() {
		if h.failed == nil {
			h.failed = fmt.Errorf("%w: %w", journal.ErrBroken, cause)
			first = true
		}
	})
	return first
}

// park counts a write that waits. It reports whether it is the first.
func (h *health) park(cause error) bool {
	first := false
	h.change(func() {
		h.parked++
		if h.parked == 1 {
			h.full = fmt.Errorf("%w: %w", journal.ErrUnavailable, cause)
			first = true
		}
	})
	return first
}

// unpark takes back a park. It reports whether nothing waits any more.
func (h *health) unpark() bool {
	last := false
	h.change(func() {
		h.parked--
		if h.parked == 0 {
			h.full = nil
			last = true
		}
	})
	return last
}

// setLow says that there is too little free space; nil that there is enough.
// It reports whether that is a change.
func (h *health) setLow(cause error) bool {
	differs := false
	h.change(func() {
		differs = (h.low == nil) != (cause == nil)
		h.low = nil
		if cause != nil {
			h.low = fmt.Errorf("%w: %w", journal.ErrUnavailable, cause)
		}
	})
	return differs
}

func (h *health) change(apply func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.worst()
	apply()
	after := h.worst()
	if (before == nil) != (after == nil) {
		h.since = time.Time{}
		if after != nil {
			h.since = time.Now()
		}
	}
	close(h.changed)
	h.changed = make(chan struct{})
}
