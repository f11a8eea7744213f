package history

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/key"
)

// A push must not cost a second record, so its summary waits in memory until
// the grouping's history is written, which is once a minute at the most.
const (
	historyEvery = time.Minute
	historyChunk = 64 // histories in one commit, so that pushes get their turn
	// Pushes that wait beyond earlyBytes are written early; beyond maxUnwritten
	// the oldest are dropped: history is not worth more memory.
	earlyBytes   = 8 << 20
	maxUnwritten = 16 << 20
)

// unwritten is the part of a grouping's history that the journal does not have
// yet.
type unwritten struct {
	key     key.GroupingKey
	news    []byte // the pushes as the record has them
	count   int    // of news
	writing []byte // on its way to the journal
	taken   int    // pushes of writing
	due     time.Time
	queued  bool
	void    bool // the history has begun anew
}

// unwrittenBytes is about what an unwritten takes besides its pushes.
const unwrittenBytes = 256

// Writer keeps the pushes that are not in the histories yet, and writes
// them. Everybody may note pushes; the rest is for its own goroutine.
type Writer struct {
	engine    *commit.Engine
	clock     *clock.Clock
	log       *slog.Logger
	remembers func(p *commit.Snapshot, id string) bool
	table     table
	retryAt   time.Time // after a failure

	mu      sync.Mutex
	of      map[string]*unwritten // by identity
	queue   []*unwritten          // as they become due; void ones are skipped
	bytes   int
	encoder pushEncoder
	lost    int           // pushes that were dropped
	wanted  chan struct{} // gets a value when there may be something to do
}

// New returns the histories of an engine's groupings; remembers reports whether the
// grouping of an identity is there or can be restored.
func New(e *commit.Engine, remembers func(p *commit.Snapshot, id string) bool) *Writer {
	h := &Writer{
		engine: e, clock: e.Clock(), log: e.Log(), remembers: remembers,
		of: map[string]*unwritten{}, wanted: make(chan struct{}, 1),
	}
	h.table.of = h
	return h
}

// Table returns the table of the histories.
func (h *Writer) Table() commit.Table { return &h.table }

// Noted is a push that was accepted, or refused, and its grouping.
type Noted struct {
	Key    key.GroupingKey
	Begins bool // earlier pushes are void
	Summary
}

// note takes in pushes that are durable. It never waits for the journal.
func (h *Writer) note(pushes []Noted) {
	if len(pushes) == 0 {
		return
	}
	now := h.clock.Now()
	h.mu.Lock()
	wake := len(h.queue) == 0
	for i := range pushes {
		h.noteOne(&pushes[i], now)
	}
	for h.bytes > maxUnwritten && len(h.queue) > 0 {
		h.dropOldest()
	}
	wake = wake || h.bytes > earlyBytes || len(h.queue) > 0 && !now.Before(h.queue[0].due)
	h.mu.Unlock()
	if wake {
		select {
		case h.wanted <- struct{}{}:
		default:
		}
	}
}

func (h *Writer) noteOne(x *Noted, now time.Time) {
	p := h.of[x.Key.ID()]
	if p != nil && x.Begins {
		h.forget(p)
		p.void, p.news = true, nil
		p = nil
	}
	if p == nil {
		p = &unwritten{key: x.Key}
		h.of[x.Key.ID()] = p
		h.bytes += unwrittenBytes + len(x.Key.ID())
	}
	h.enqueue(p, now)
	h.bytes -= len(p.news)
	p.news = h.encoder.append(p.news, &x.Summary)
	if p.count++; p.count > 2*maxPushes {
		p.news, p.count = lastPushes(p.news, maxPushes), maxPushes
	}
	h.bytes += len(p.news)
}

func (h *Writer) enqueue(p *unwritten, now time.Time) {
	if !p.queued {
		p.queued, p.due = true, now.Add(historyEvery)
		h.queue = append(h.queue, p)
	}
}

func (h *Writer) dequeue() *unwritten {
	p := h.queue[0]
	h.queue[0] = nil
	h.queue = h.queue[1:]
	p.queued = false
	return p
}

// forget takes out what waits of a grouping.
func (h *Writer) forget(p *unwritten) {
	delete(h.of, p.key.ID())
	h.bytes -= unwrittenBytes + len(p.key.ID()) + len(p.news) + len(p.writing)
}

func (h *Writer) dropOldest() {
	p := h.dequeue()
	if p.void {
		return
	}
	h.lost += p.count
	h.bytes -= len(p.news)
	p.news, p.count = nil, 0
	if p.writing == nil {
		h.forget(p)
	}
}

// unwrittenOf returns the pushes to a grouping that its record may not have.
func (h *Writer) unwrittenOf(k key.GroupingKey) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of[k.ID()]
	if p == nil {
		return nil
	}
	return slices.Concat(p.writing, p.news)
}

// take returns what is to be written now, or all, up to a chunk.
func (h *Writer) take(now time.Time, all bool) []*unwritten {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = all || h.bytes > earlyBytes
	var taken []*unwritten
	for len(h.queue) > 0 && len(taken) < historyChunk && (all || !now.Before(h.queue[0].due)) {
		p := h.dequeue()
		if p.void {
			continue
		}
		p.writing, p.taken, p.news, p.count = p.news, p.count, nil, 0
		taken = append(taken, p)
	}
	return taken
}

// takeLost returns how many pushes were dropped since the last call.
func (h *Writer) takeLost() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	lost := h.lost
	h.lost = 0
	return lost
}

// done notes whether pushes were written.
func (h *Writer) done(taken []*unwritten, written bool) {
	now := h.clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range taken {
		switch {
		case p.void:
		case !written:
			p.news, p.writing = append(p.writing, p.news...), nil
			p.count += p.taken
			h.enqueue(p, now)
		case p.queued: // there are new ones
			h.bytes -= len(p.writing)
			p.writing = nil
		default:
			h.forget(p)
			p.writing = nil
		}
	}
}

// isVoid says that a grouping's history has begun anew meanwhile.
func (h *Writer) isVoid(p *unwritten) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.void
}
