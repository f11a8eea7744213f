package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// run writes what is due until the store closes, and everything then.
func (h *historyWriter) run() {
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
func (h *historyWriter) idle() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return time.Hour
	}
	at := h.queue[0].due
	if h.bytes > earlyBytes {
		at = h.clock.Now()
	}
	if at.Before(h.retryAt) {
		at = h.retryAt
	}
	return max(0, at.Sub(h.clock.Now()))
}

func (h *historyWriter) writeDue() {
	if lost := h.takeLost(); lost > 0 {
		h.log.Warn("Pushes are missing in the history of some groupings: more came than could be written.", "pushes", lost)
	}
	for now := h.clock.Now(); !now.Before(h.retryAt); {
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
func (h *historyWriter) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Timeout)
	defer cancel()
	for {
		taken := h.take(h.clock.Now(), true)
		if len(taken) == 0 {
			return
		}
		if err := h.write(ctx, taken, h.commitAtOnce); err != nil {
			h.log.Warn("The last pushes are missing in the history of some groupings.", "err", err)
			return
		}
	}
}

// write puts pushes behind those that the journal has. On an error they wait
// for the next time.
func (h *historyWriter) write(ctx context.Context, taken []*unwritten, commit func(context.Context, *historyOp) error) error {
	op := &historyOp{historyWriter: h}
	var err error
	for _, p := range taken {
		var value []byte
		if value, err = h.record(ctx, p); err != nil {
			break
		}
		if value != nil {
			op.of = append(op.of, p)
			op.changes = append(op.changes, journal.Change{Key: recordKey(kindHistory, p.key), Value: value})
		}
	}
	if err == nil {
		err = commit(ctx, op)
	}
	h.done(taken, err == nil)
	return err
}

// record is a grouping's new record; nil: it must be left as it is.
func (h *historyWriter) record(ctx context.Context, p *unwritten) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	old, err := h.journal.Read(ctx, recordKey(kindHistory, p.key))
	if err != nil && !errors.Is(err, journal.ErrNoRecord) {
		return nil, err
	}
	value, err := mergeHistory(old.Value, p.writing)
	if errors.Is(err, record.ErrNewer) {
		return nil, nil
	}
	if err != nil {
		h.log.Warn("The history of a grouping begins anew.", "err", journal.Unreadable(old, err))
		return mergeHistory(nil, p.writing)
	}
	return value, nil
}

// historyOp writes histories.
type historyOp struct {
	*historyWriter
	of      []*unwritten
	changes []journal.Change
}

func (op *historyOp) apply(b *batch) error {
	for i, p := range op.of {
		// It must not come back where the grouping went, or began anew, even in
		// this batch.
		_, changed := b.changes[op.changes[i].Key]
		if b.remembers(p.key.ID()) && !changed && !op.isVoid(p) {
			b.add("", op.changes[i])
		}
	}
	return nil
}

func (h *historyWriter) commitInTurn(ctx context.Context, op *historyOp) error {
	_, err := h.submit(ctx, op)
	return err
}

// commitAtOnce commits when the committer has finished.
func (h *historyWriter) commitAtOnce(ctx context.Context, op *historyOp) error {
	var changes []journal.Change
	for i, p := range op.of {
		if h.Snapshot().remembers(p.key.ID()) {
			changes = append(changes, op.changes[i])
		}
	}
	_, err := h.journal.Commit(ctx, changes...)
	return err
}

// historyTable is the histories. Nothing of them is kept in memory: the history
// writer reads and writes them.
type historyTable struct {
	passive
	c *committer
}

func (*historyTable) prefix() string { return kindHistory }

func (t *historyTable) written(b *batch) {
	t.c.history.note(b.noted)
	clear(b.noted)
	t.c.noted = b.noted
}
