package pebble

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gatehouse/store/journal"
)

// How far a follower may be behind before it has to start over.
const (
	maxBacklog      = 1 << 16
	maxBacklogBytes = 16 << 20
)

// errGap says that a follower was too slow to get every change.
var errGap = errors.New("the follower fell behind")

// backlog holds the changes that a follower has not received yet.
type backlog struct {
	mu      sync.Mutex
	records []journal.Record
	bytes   int
	gap     bool
	filled  chan struct{} // holds a token if there may be something to take
}

func newBacklog() *backlog { return &backlog{filled: make(chan struct{}, 1)} }

func (b *backlog) add(records []journal.Record) {
	b.mu.Lock()
	for _, r := range records {
		size := len(r.Key) + len(r.Value)
		if len(b.records) > 0 && (len(b.records) >= maxBacklog || b.bytes+size > maxBacklogBytes) {
			b.gap = true
		}
		if b.gap {
			b.records, b.bytes = nil, 0
			break
		}
		b.records = append(b.records, r)
		b.bytes += size
	}
	b.mu.Unlock()
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

func (b *backlog) take() ([]journal.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	records := b.records
	b.records, b.bytes = nil, 0
	if b.gap {
		return nil, errGap
	}
	return records, nil
}

// publish shows a group of durable changes to readers and followers.
func (j *Journal) publish(changed []journal.Record) {
	next := &view{snapshot: j.db.NewSnapshot(), revision: j.index.totals.Revision}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.view.replaced = true; j.view.uses == 0 {
		j.retire(j.view)
	}
	j.view = next
	for b := range j.backlogs {
		b.add(changed)
	}
}

// Follow reports everything there is to f, and then every change. It returns the
// context's error when ctx ends, and an error when the journal is closed or
// cannot be read. To a follower that is far behind everything is reported anew; it
// never holds up commits.
func (j *Journal) Follow(ctx context.Context, f journal.Follower) error {
	for {
		err := j.followOnce(ctx, f)
		if !errors.Is(err, errGap) {
			return err
		}
		j.log.Debug("a follower fell behind and starts over")
		f.Reset()
	}
}

func (j *Journal) followOnce(ctx context.Context, f journal.Follower) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBacklog()
	v, err := j.borrow(b)
	if err != nil {
		return err
	}
	defer j.unfollow(b)
	if err := j.reportAll(ctx, f, v); err != nil {
		return err
	}
	f.Ready(v.revision)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-j.closing:
			return errClosed
		case <-b.filled:
		}
		records, err := b.take()
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := j.ended(ctx); err != nil {
				return err
			}
			f.Record(r)
		}
	}
}

// tellAll reports what a view holds, and gives the view back.
func (j *Journal) reportAll(ctx context.Context, f journal.Follower, v *view) error {
	defer j.giveBack(v)
	var ended error
	err := eachRecord(v.snapshot, []byte(recordPrefix), []byte(recordsEnd), func(r journal.Record) bool {
		if ended = j.ended(ctx); ended == nil {
			f.Record(r)
		}
		return ended == nil
	})
	if ended != nil {
		return ended
	}
	if err != nil {
		return fmt.Errorf("store %s cannot be read: %s", j.dir.path, oneLine(err.Error()))
	}
	return j.ended(ctx)
}

func (j *Journal) ended(ctx context.Context) error {
	select {
	case <-j.closing:
		return errClosed
	default:
		return ctx.Err()
	}
}

func (j *Journal) unfollow(b *backlog) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.backlogs, b)
}
