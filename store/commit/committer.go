package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// committer is the one goroutine that changes things.
type committer struct {
	*Engine
	*tables
	durable      *Snapshot // the last durable one: what readers see
	transactions uint64

	// Of the last change: its stamp, its place in the order of all changes, and its
	// ran time.
	stamped, rank, ran int64
	settled            bool      // everything was loaded once
	retryAt            time.Time // after a failure: nothing by itself before

	times clockTable

	finishing bool // nothing will be written later

	loading  *Transaction // while the journal reports everything
	complete bool         // it has, but for what came in the meantime
}

// Bounds of one batch: enough to share a sync among many, little enough to
// stay quick.
const (
	maxBatch      = 1024
	maxBatchBytes = 16 << 20
)

// RetryAfter is the pause after a failure, before anything is written by
// itself.
const RetryAfter = time.Second

// Bounds of what a table writes by itself at once, and of one commit of an operation
// that takes several: others get their turn in between, and no commit outgrows what a
// journal takes.
const (
	Chunk      = 500
	ChunkBytes = 16 << 20
)

// maxConflicts bounds how often a batch is tried again because somebody else
// wrote at the same time.
const maxConflicts = 5

// run takes requests until the store closes, then finishes what is queued.
func (c *committer) run() {
	defer close(c.finished)
	defer c.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(c.idle())
		select {
		case r := <-c.requests:
			c.handle(r)
		case t := <-c.events:
			_ = c.receive(t) // reported in the status
		case <-timer.C:
			c.handle(nil)
		case <-c.wanted:
			// It is to be woken when that is due.
		case <-c.closing:
			c.finish()
			return
		}
	}
}

func (c *committer) finish() {
	c.retryAt, c.finishing = time.Time{}, true
	for {
		select {
		case r := <-c.requests:
			c.handle(r)
		default:
			c.handle(nil)
			return
		}
	}
}

// idle returns how long nothing has to be done by itself.
func (c *committer) idle() time.Duration {
	if slices.ContainsFunc(c.expirers, func(x Expirer) bool { return x.IsOver(c.durable) }) {
		return 0
	}
	next, now := time.Hour, c.clock.Now()
	for _, x := range c.all {
		if at, ok := x.Due(c.durable); ok {
			next = min(next, max(0, at.Sub(now)))
		}
	}
	if c.clock.Holding() {
		next = min(next, clock.HoldCheck)
	}
	return max(next, c.retryAt.Sub(now))
}

// handle carries out r, and all that is queued behind it, as one batch.
func (c *committer) handle(r *request) {
	var requests []*request
	if r != nil {
		requests = append(requests, r)
	}
	c.receiveAll()
	c.mindClock()
	c.expire()
	for range maxConflicts {
		var err error
		requests, err = c.try(requests)
		if !errors.Is(err, journal.ErrConflict) {
			return
		}
		if err := c.catchUp(c.journal.Status().Revision); err != nil {
			break
		}
	}
	for _, r := range requests {
		r.answer(0, fmt.Errorf("%w: others write the same records all the time", journal.ErrUnavailable))
	}
}

// try makes one batch of the given requests and what is queued, and answers
// them all unless the error is ErrConflict.
func (c *committer) try(requests []*request) ([]*request, error) {
	b := c.newBatch()
	for _, r := range requests {
		r.run(b)
	}
	for !b.full && len(requests) < maxBatch && b.bytes < maxBatchBytes {
		select {
		case r := <-c.requests:
			r.run(b)
			requests = append(requests, r)
			continue
		default:
		}
		break
	}
	c.tidy(b)
	err := c.write(b)
	if errors.Is(err, journal.ErrConflict) {
		return requests, err
	}
	if b.tidied {
		c.noteHousekeeping(err, b.kept)
	}
	for _, r := range requests {
		if err != nil {
			r.err = err // whatever it was: it was checked against what is void now
		}
		r.answer(c.durable.applied, r.err)
	}
	return nil, err
}

// noteHousekeeping notes whether the tables could write what was due, and logs when
// that changes. kept: something was.
func (c *committer) noteHousekeeping(err error, kept bool) {
	was := c.housekeeping.Load()
	switch {
	case err != nil && !kept:
		return // nothing was due, so nothing is known
	case err != nil:
		c.housekeeping.Store(&err)
		if was == nil {
			c.log.Error("Housekeeping fails: expired and deleted groupings and the activity log are not written; it is tried again", "err", err)
		}
	case was != nil:
		c.housekeeping.Store(nil)
		c.log.Info("Housekeeping works again")
	}
}

// write makes a batch durable and shows it.
func (c *committer) write(b *Batch) error {
	changes := make([]journal.Change, 0, len(b.order))
	b.order = slices.DeleteFunc(b.order, func(w *Write) bool { return w.dropped })
	for _, w := range b.order {
		changes = append(changes, w.Change)
	}
	if len(changes) == 0 {
		c.written(b)
		if b.touched {
			c.publish(b.Snapshot)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	begin := time.Now()
	last, err := c.journal.Commit(ctx, changes...)
	c.o.Observe(Stats{Duration: time.Since(begin), Changes: len(changes), Err: err})
	if err != nil {
		c.retryAt = c.clock.Now().Add(RetryAfter)
		return explain(err)
	}
	c.written(b)
	first := last - journal.Revision(len(changes)) + 1
	if first != c.durable.applied+1 {
		// Somebody else's changes came in between: the checks made here may be
		// outdated.
		return c.catchUp(last)
	}
	c.number(b, first)
	b.applied = last
	c.publish(b.Snapshot)
	return nil
}

func explain(err error) error {
	if errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrUnavailable) || errors.Is(err, journal.ErrBroken) {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
}

func (c *committer) publish(p *Snapshot) {
	p.sequence = c.durable.sequence
	if p.changes != c.durable.changes {
		p.sequence++
	}
	c.show(p)
}

// show has readers see a snapshot.
func (c *committer) show(p *Snapshot) {
	c.durable = p
	c.snapshot.Store(p)
	c.o.Published(p)
}

// expire takes out some of what has expired, whether or not that can be written now.
func (c *committer) expire() {
	for _, table := range c.expirers {
		if table.IsOver(c.durable) {
			x := c.newTransaction(c.durable)
			table.Expire(&x)
			c.publish(x.Snapshot)
		}
	}
}

// tidy adds to a batch what the tables have to write by themselves.
func (c *committer) tidy(b *Batch) {
	if c.clock.Now().Before(c.retryAt) {
		return
	}
	b.tidied = true
	asked := len(b.order)
	for _, table := range c.all {
		table.Tidy(b)
	}
	b.kept = len(b.order) > asked
}

// written reports to the tables that a batch is durable.
func (c *committer) written(b *Batch) {
	for _, table := range c.writers {
		table.Written(b)
	}
}

// number gives the writes of a batch their revisions.
func (c *committer) number(b *Batch, first journal.Revision) {
	for i, w := range b.order {
		w.Revision = first + journal.Revision(i)
	}
	for _, table := range c.numberers {
		table.Number(b)
	}
}
