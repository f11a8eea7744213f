package store

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
	*Store
	durable      *Snapshot // the last durable one: what readers see
	transactions uint64

	// Of the last change: its stamp, its place in the order of all changes, and its
	// ran time.
	stamped, rank, ran int64
	settled            bool      // everything was loaded once
	retryAt            time.Time // after a failure: nothing by itself before

	tables    []table // in the order of tidy
	groupings *groupingTable
	refused   *refusedTable
	times     *clockTable

	noted []noted // memory for the next batch

	finishing bool // nothing will be written later

	loading  *transaction // while the journal reports everything
	complete bool         // it has, but for what came in the meantime
}

// Bounds of one batch: enough to share a sync among many, little enough to
// stay quick.
const (
	maxBatch      = 1024
	maxBatchBytes = 16 << 20
)

// saveEvery is how often the last refusals are written: they are not worth a
// write each.
const saveEvery = time.Second

// maxConflicts bounds how often a batch is tried again because somebody else
// wrote at the same time.
const maxConflicts = 5

func newCommitter(s *Store) *committer {
	c := &committer{Store: s, durable: s.Snapshot()}
	c.newTables()
	return c
}

// batch is the changes that become durable together.
type batch struct {
	transaction
	c       *committer
	now     time.Time // the stamp of what is done
	when    time.Time // the running time of it
	ran     int64     // and the ran time
	rank    int64     // its place among all changes that there ever were
	changes map[string]*pending
	order   []*pending
	bytes   int

	rejected []rejected // pushes that the store refuses
	entries  []Entry    // that go on record
	noted    []noted    // and all that there are, for the history

	full   bool // nothing may come behind what is in it
	tidied bool // what is due was added
	saving bool // and so were the refusals
}

// rejected is a refused push with its time.
type rejected struct {
	at, when time.Time // the stamp, and the running time
	Rejection
}

// pending is a change that waits for its revision.
type pending struct {
	journal.Change
	id      string // of the grouping that the record is; empty for other kinds
	dropped bool   // a later change of the same key stands for it
}

// add puts a change behind those of the batch. One of the same key from before
// is dropped: nobody will ever see it.
func (b *batch) add(id string, c journal.Change) {
	b.bytes += len(c.Value)
	if was, twice := b.changes[c.Key]; twice {
		c.If = was.If
		was.dropped = true
	}
	p := &pending{Change: c, id: id}
	b.changes[c.Key] = p
	b.order = append(b.order, p)
}

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

// idle is how long nothing has to be done by itself.
func (c *committer) idle() time.Duration {
	next, now := time.Hour, c.clock.Now()
	for _, x := range c.tables {
		if at, ok := x.due(); ok {
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
	for _, r := range requests {
		if err != nil {
			r.err = err // whatever it was: it was checked against what is void now
		}
		r.answer(c.durable.applied, r.err)
	}
	return nil, err
}

func (c *committer) newBatch() *batch {
	c.transactions++
	b := &batch{c: c, changes: map[string]*pending{}}
	b.transaction = transaction{Snapshot: c.durable.copy(), id: c.transactions}
	b.noted = c.noted[:0]
	c.tick(b)
	return b
}

// tick gives the next operation of a batch its times. No two changes share one.
// The rank is that of the stamps while the clock goes on; it says since when
// what is held, and goes on where a clock is set back.
func (c *committer) tick(b *batch) {
	wall, now := c.clock.Times()
	b.now, b.when = wall, now
	if at := b.now.UnixNano(); at <= c.stamped && c.stamped-at < int64(clock.SameMoment) {
		b.now = b.now.Add(time.Duration(c.stamped - at + 1))
	}
	c.stamped = b.now.UnixNano()
	c.clock.Note(c.stamped)
	c.ran = c.clock.NextRan(b.when, wall, c.ran)
	c.rank = max(c.rank+1, c.stamped)
	b.ran, b.rank = c.ran, c.rank
}

func (r *request) run(b *batch) {
	if r.err = r.ctx.Err(); r.err == nil {
		b.c.tick(b)
		r.err = r.op.apply(b)
	}
}

func (r *request) answer(rev journal.Revision, err error) {
	r.rev, r.err = rev, err
	close(r.answered)
}

// write makes a batch durable and shows it.
func (c *committer) write(b *batch) error {
	changes := make([]journal.Change, 0, len(b.order))
	b.order = slices.DeleteFunc(b.order, func(p *pending) bool { return p.dropped })
	for _, p := range b.order {
		changes = append(changes, p.Change)
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
	c.o.Observe(CommitStats{Duration: time.Since(begin), Changes: len(changes), Err: err})
	if err != nil {
		c.retryAt = c.clock.Now().Add(saveEvery)
		return explain(err)
	}
	c.written(b)
	first := last - journal.Revision(len(changes)) + 1
	if first != c.durable.applied+1 {
		// Somebody else's changes came in between: what was checked here may
		// not look like that now.
		return c.catchUp(last)
	}
	for i, p := range b.order {
		b.setRevision(p, first+journal.Revision(i))
	}
	b.applied = last
	c.publish(b.Snapshot)
	return nil
}

// setRevision completes what a change of the batch stands for: a grouping, what
// is left of one, or a wipe.
func (b *batch) setRevision(p *pending, rev journal.Revision) {
	if p.Key == wipeKey {
		b.wipes[len(b.wipes)-1].revision = rev // of this batch, so still ours
	}
	id := p.id
	if id == "" {
		return
	}
	if g, ok := b.groups.Get(id); ok {
		g.Revision = rev // not published yet, so still ours
	} else if x, ok := b.deleted.Get(id); ok {
		x.revision = rev
		b.deleted.Set(id, x)
	}
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
	c.durable = p
	c.snapshot.Store(p)
}
