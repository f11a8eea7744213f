package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A push must not cost a second record, so its summary waits in memory until
// the grouping's history is written, which is once a minute at the most.
const (
	historyEvery = time.Minute
	historyChunk = 64 // histories in one commit, so that pushes get their turn
	// What waits beyond earlyBytes is written before its time; beyond
	// maxUnwritten the oldest is dropped: history is not worth more memory.
	earlyBytes   = 8 << 20
	maxUnwritten = 16 << 20
)

// unwritten is what the journal does not know yet of a grouping's history.
type unwritten struct {
	key     GroupingKey
	news    []byte // the pushes as the record has them
	count   int    // of news
	writing []byte // what is on its way to the journal
	taken   int    // pushes of writing
	due     time.Time
	queued  bool
	void    bool // the history has begun anew
}

// unwrittenBytes is about what an unwritten takes besides its pushes.
const unwrittenBytes = 256

// historian writes the histories. Everybody may note pushes; the rest is for
// its own goroutine.
type historian struct {
	*Store
	retryAt time.Time // after a failure

	mu     sync.Mutex
	of     map[string]*unwritten // by identity
	queue  []*unwritten          // as they become due; void ones are skipped
	bytes  int
	lost   int           // pushes that were dropped
	wanted chan struct{} // told when there may be something to do
}

func newHistorian(s *Store) *historian {
	return &historian{Store: s, of: map[string]*unwritten{}, wanted: make(chan struct{}, 1)}
}

// noted is a push that was accepted, or refused, and its grouping.
type noted struct {
	key    GroupingKey
	begins bool // what is known of earlier ones is void
	PushSummary
}

// note takes in pushes that are durable. It never waits for the journal.
func (h *historian) note(pushes []noted) {
	if len(pushes) == 0 {
		return
	}
	now := h.o.Now()
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

func (h *historian) noteOne(x *noted, now time.Time) {
	p := h.of[x.key.id]
	if p != nil && x.begins {
		h.forget(p)
		p.void, p.news = true, nil
		p = nil
	}
	if p == nil {
		p = &unwritten{key: x.key}
		h.of[x.key.id] = p
		h.bytes += unwrittenBytes + len(x.key.id)
	}
	h.enqueue(p, now)
	h.bytes -= len(p.news)
	p.news = appendPush(p.news, &x.PushSummary)
	if p.count++; p.count > 2*maxHistory {
		p.news, p.count = slices.Clone(lastPushes(p.news, maxHistory)), maxHistory
	}
	h.bytes += len(p.news)
}

func (h *historian) enqueue(p *unwritten, now time.Time) {
	if !p.queued {
		p.queued, p.due = true, now.Add(historyEvery)
		h.queue = append(h.queue, p)
	}
}

func (h *historian) dequeue() *unwritten {
	p := h.queue[0]
	h.queue[0] = nil
	h.queue = h.queue[1:]
	p.queued = false
	return p
}

// forget takes out what waits of a grouping.
func (h *historian) forget(p *unwritten) {
	delete(h.of, p.key.id)
	h.bytes -= unwrittenBytes + len(p.key.id) + len(p.news) + len(p.writing)
}

func (h *historian) dropOldest() {
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
func (h *historian) unwrittenOf(k GroupingKey) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of[k.id]
	if p == nil {
		return nil
	}
	return slices.Concat(p.writing, p.news)
}

// run writes what is due until the store closes, and everything then.
func (h *historian) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(h.idle())
		select {
		case <-timer.C:
		case <-h.wanted:
		case <-h.closing:
			<-h.finished // nobody else commits any more
			h.finish()
			return
		}
		h.writeDue()
	}
}

// idle is how long nothing has to be written.
func (h *historian) idle() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return time.Hour
	}
	at := h.queue[0].due
	if h.bytes > earlyBytes {
		at = h.o.Now()
	}
	if at.Before(h.retryAt) {
		at = h.retryAt
	}
	return max(0, at.Sub(h.o.Now()))
}

func (h *historian) writeDue() {
	for now := h.o.Now(); !now.Before(h.retryAt); {
		taken := h.take(now, false)
		if len(taken) == 0 {
			return
		}
		if err := h.write(context.Background(), taken, h.commitInTurn); err != nil {
			h.retryAt = now.Add(saveEvery)
			h.log.Debug("The history of pushes can't be written now.", "err", err)
			return
		}
	}
}

// finish writes all that is left.
func (h *historian) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Timeout)
	defer cancel()
	for {
		taken := h.take(h.o.Now(), true)
		if len(taken) == 0 {
			return
		}
		if err := h.write(ctx, taken, h.commitAtOnce); err != nil {
			h.log.Warn("The last pushes are missing in the history of some groupings.", "err", err)
			return
		}
	}
}

// take returns what is to be written now, or all, up to a chunk.
func (h *historian) take(now time.Time, all bool) []*unwritten {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost > 0 {
		h.log.Warn("Pushes are missing in the history of some groupings: more came than could be written.", "pushes", h.lost)
		h.lost = 0
	}
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

// write puts pushes behind those that the journal has. On an error they wait
// for the next time.
func (h *historian) write(ctx context.Context, taken []*unwritten, commit func(context.Context, *historyOp) error) error {
	op := &historyOp{historian: h}
	var err error
	for _, p := range taken {
		var record []byte
		if record, err = h.record(ctx, p); err != nil {
			break
		}
		if record != nil {
			op.of = append(op.of, p)
			op.changes = append(op.changes, Change{Key: recordKey(kindHistory, p.key), Value: record})
		}
	}
	if err == nil {
		err = commit(ctx, op)
	}
	h.done(taken, err == nil)
	return err
}

// record is a grouping's new record; nil: it must be left as it is.
func (h *historian) record(ctx context.Context, p *unwritten) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	old, err := h.journal.Read(ctx, recordKey(kindHistory, p.key))
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return nil, err
	}
	record, err := mergeHistory(old.Value, p.writing)
	if errors.Is(err, errNewerFormat) {
		return nil, nil
	}
	if err != nil {
		h.log.Warn("The history of a grouping begins anew.", "err", unreadable(old, err))
		return mergeHistory(nil, p.writing)
	}
	return record, nil
}

// done takes note of what was written, or was not.
func (h *historian) done(taken []*unwritten, written bool) {
	now := h.o.Now()
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
func (h *historian) isVoid(p *unwritten) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.void
}

// historyOp writes histories.
type historyOp struct {
	*historian
	of      []*unwritten
	changes []Change
}

func (op *historyOp) apply(b *batch) error {
	for i, p := range op.of {
		// It must not come back where the grouping went, or began anew, even in
		// this batch.
		_, changed := b.changes[op.changes[i].Key]
		if b.remembers(p.key.id) && !changed && !op.isVoid(p) {
			b.add("", op.changes[i])
		}
	}
	return nil
}

func (h *historian) commitInTurn(ctx context.Context, op *historyOp) error {
	_, err := h.submit(ctx, op)
	return err
}

// commitAtOnce commits when the committer has finished.
func (h *historian) commitAtOnce(ctx context.Context, op *historyOp) error {
	var changes []Change
	for i, p := range op.of {
		if h.Picture().remembers(p.key.id) {
			changes = append(changes, op.changes[i])
		}
	}
	_, err := h.journal.Commit(ctx, changes...)
	return err
}
