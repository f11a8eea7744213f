package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"gatehouse/store/journal"
)

// view is the journal as it was when revision had become durable. The engine
// itself shows changes before they are.
type view struct {
	snapshot *pebble.Snapshot
	revision journal.Revision
	// Guarded by Journal.mu.
	uses     int
	replaced bool
}

// retire leaves an unused view to closeRetired: closing it may wait for the
// disk. j.mu is held.
func (j *Journal) retire(v *view) {
	j.retired = append(j.retired, v)
	select {
	case j.retirement <- struct{}{}:
	default:
	}
}

func (j *Journal) closeRetired() {
	j.mu.Lock()
	retired := j.retired
	j.retired = nil
	j.mu.Unlock()
	for _, v := range retired {
		if err := v.snapshot.Close(); err != nil {
			j.log.Debug("pebble: " + oneLine(err.Error()))
		}
	}
}

func (j *Journal) retireLoop() {
	for {
		select {
		case <-j.retirement:
			j.closeRetired()
		case <-j.closing:
			return
		}
	}
}

// borrow returns the newest view; b, if any, gets every change behind it.
func (j *Journal) borrow(b *backlog) (*view, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errClosed
	}
	if b != nil {
		j.backlogs[b] = struct{}{}
	}
	j.uses.Add(1)
	j.view.uses++
	return j.view, nil
}

func (j *Journal) giveBack(v *view) {
	defer j.uses.Done()
	j.mu.Lock()
	defer j.mu.Unlock()
	if v.uses--; v.uses == 0 && v.replaced {
		j.retire(v)
	}
}

// look reads from the newest view. It returns when ctx ends, even if the disk
// doesn't answer.
func look[T any](ctx context.Context, j *Journal, read func(*view) (T, error)) (T, error) {
	type result struct {
		read T
		err  error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	v, err := j.borrow(nil)
	if err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		defer j.giveBack(v)
		r, err := read(v)
		done <- result{r, err}
	}()
	select {
	case r := <-done:
		return r.read, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Read returns the newest durable record of key, or journal.ErrNoRecord.
func (j *Journal) Read(ctx context.Context, key string) (journal.Record, error) {
	return look(ctx, j, func(v *view) (journal.Record, error) {
		cell, closer, err := v.snapshot.Get(engineKey(key))
		if errors.Is(err, pebble.ErrNotFound) {
			return journal.Record{}, journal.ErrNoRecord
		}
		if err != nil {
			return journal.Record{}, fmt.Errorf("store %s: key %q: %s", j.dir.path, key, oneLine(err.Error()))
		}
		defer closer.Close()
		revision, value, err := openCell(bytes.Clone(cell))
		if err != nil {
			return journal.Record{}, fmt.Errorf("store %s: key %q: %w", j.dir.path, key, err)
		}
		return journal.Record{Key: key, Value: value, Revision: revision}, nil
	})
}

// Scan returns up to limit records whose keys begin with prefix and come
// behind after, in the order of the keys, all of one moment.
func (j *Journal) Scan(ctx context.Context, prefix, after string, limit int) ([]journal.Record, error) {
	lower, upper := bounds(prefix)
	if after != "" {
		if behind := append(engineKey(after), 0); bytes.Compare(behind, lower) > 0 {
			lower = behind
		}
	}
	return j.scan(ctx, lower, upper, limit, eachRecord)
}

// ScanBack returns up to limit records whose keys begin with prefix and come
// before the key before, the last key first, all of one moment.
func (j *Journal) ScanBack(ctx context.Context, prefix, before string, limit int) ([]journal.Record, error) {
	lower, upper := bounds(prefix)
	if before != "" {
		if end := engineKey(before); bytes.Compare(end, upper) < 0 {
			upper = end
		}
	}
	return j.scan(ctx, lower, upper, limit, eachRecordBack)
}

// scan returns up to limit of the records that each yields.
func (j *Journal) scan(ctx context.Context, lower, upper []byte, limit int, each func(from pebble.Reader, lower, upper []byte, call func(journal.Record) bool) error) ([]journal.Record, error) {
	return look(ctx, j, func(v *view) ([]journal.Record, error) {
		if limit <= 0 || bytes.Compare(lower, upper) >= 0 {
			return nil, nil
		}
		var records []journal.Record
		err := each(v.snapshot, lower, upper, func(r journal.Record) bool {
			r.Value = bytes.Clone(r.Value)
			records = append(records, r)
			return len(records) < limit && ctx.Err() == nil
		})
		if err != nil {
			return nil, fmt.Errorf("store %s: %s", j.dir.path, oneLine(err.Error()))
		}
		return records, ctx.Err()
	})
}

// bounds are the engine's keys from which, and before which, the keys with
// prefix lie.
func bounds(prefix string) (lower, upper []byte) {
	lower, upper = engineKey(prefix), engineKey(prefix)
	for i := len(upper) - 1; ; i-- { // ends at recordPrefix
		if upper[i] < 0xff {
			upper[i]++
			return lower, upper[:i+1]
		}
	}
}
