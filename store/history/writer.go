package history

import (
	"context"
	"errors"
	"time"

	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

// run writes what is due until the store closes, and everything then.
func (h *Writer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(h.idle())
		select {
		case <-timer.C:
		case <-h.wanted:
		case <-h.engine.Closing():
			<-h.engine.Finished() // nobody else commits any more
			h.finish()
			return
		}
		h.writeDue()
	}
}

// idle returns how long nothing has to be written.
func (h *Writer) idle() time.Duration {
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

func (h *Writer) writeDue() {
	if lost := h.takeLost(); lost > 0 {
		h.log.Warn("Pushes are missing in the history of some groupings: more came than could be written.", "pushes", lost)
	}
	for now := h.clock.Now(); !now.Before(h.retryAt); {
		taken := h.take(now, false)
		if len(taken) == 0 {
			return
		}
		if err := h.write(context.Background(), taken, h.commitInTurn); err != nil {
			h.retryAt = now.Add(commit.RetryAfter)
			h.log.Debug("The history of pushes can't be written now.", "err", err)
			return
		}
	}
}

// finish writes all that is left.
func (h *Writer) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), h.engine.Timeout())
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

// write adds pushes after those that the journal has. On an error they wait for
// the next time.
func (h *Writer) write(ctx context.Context, taken []*unwritten, commit func(context.Context, *writeOp) error) error {
	op := &writeOp{Writer: h}
	var err error
	for _, p := range taken {
		var value []byte
		if value, err = h.record(ctx, p); err != nil {
			break
		}
		if value != nil {
			op.of = append(op.of, p)
			op.changes = append(op.changes, journal.Change{Key: key.RecordKey(Prefix, p.key), Value: value})
		}
	}
	if err == nil {
		err = commit(ctx, op)
	}
	h.done(taken, err == nil)
	return err
}

// record is a grouping's new record; nil: it must be left as it is.
func (h *Writer) record(ctx context.Context, p *unwritten) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, h.engine.Timeout())
	defer cancel()
	old, err := h.engine.Journal().Read(ctx, key.RecordKey(Prefix, p.key))
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

// writeOp writes histories.
type writeOp struct {
	*Writer
	of      []*unwritten
	changes []journal.Change
}

// Apply is part of commit.Operation.
func (op *writeOp) Apply(b *commit.Batch) error {
	for i, p := range op.of {
		// It must not come back where the grouping went, or began anew, even in
		// this batch.
		if op.remembers(b.Snapshot, p.key.ID()) && !b.Has(op.changes[i].Key) && !op.isVoid(p) {
			b.Add(op.changes[i])
		}
	}
	return nil
}

func (h *Writer) commitInTurn(ctx context.Context, op *writeOp) error {
	_, err := h.engine.Submit(ctx, op)
	return err
}

// commitAtOnce commits when the committer has finished.
func (h *Writer) commitAtOnce(ctx context.Context, op *writeOp) error {
	var changes []journal.Change
	for i, p := range op.of {
		if h.remembers(h.engine.Snapshot(), p.key.ID()) {
			changes = append(changes, op.changes[i])
		}
	}
	_, err := h.engine.Journal().Commit(ctx, changes...)
	return err
}
