package commit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/store/journal"
)

// event is something that the journal reports.
type event struct {
	kind eventKind
	Event
	upTo   journal.Revision
	resets uint64
	err    error
}

type eventKind uint8

const (
	eventRecord eventKind = iota
	eventReset
	eventReady
	eventEnd // following ended: err
)

// follower passes on what the journal reports to the committer. While everything
// is loaded it reads the records itself, which takes longer than to apply them.
type follower struct {
	ctx context.Context
	*Engine
	readers map[Table]func(journal.Record) (any, error) // nil: everything is loaded
	resets  uint64
}

func (f *follower) send(t event) {
	select {
	case f.events <- t:
	case <-f.ctx.Done():
	}
}

// Reset is part of Follower.
func (f *follower) Reset() {
	f.begin()
	f.resets++
	f.send(event{kind: eventReset, resets: f.resets})
}

// Ready is part of Follower.
func (f *follower) Ready(r journal.Revision) {
	f.readers = nil
	f.send(event{kind: eventReady, upTo: r})
}

// begin makes what reads records while everything is loaded.
func (f *follower) begin() {
	f.readers = map[Table]func(journal.Record) (any, error){}
	for _, table := range f.tables.all {
		if r, ok := table.(Reader); ok {
			f.readers[table] = r.Reader()
		}
	}
}

// Record is part of Follower.
func (f *follower) Record(r journal.Record) {
	loading := f.readers != nil
	if p := f.Snapshot(); !loading && p.resets == f.resets && r.Revision <= p.applied {
		return // our own, shown already
	}
	table := f.tables.of(r.Key)
	if _, unread := table.(Unread); unread {
		if !loading {
			r.Value = nil
			f.send(event{Event: Event{Record: r}})
		}
		return
	}
	f.send(f.read(table, r))
}

// read makes an event of a record of which nothing may be kept.
func (f *follower) read(table Table, r journal.Record) event {
	read := f.readers[table]
	if read == nil || r.Value == nil {
		if r.Value != nil {
			r.Value = append([]byte{}, r.Value...)
		}
		return event{Event: Event{Record: r}}
	}
	x, err := read(r)
	if err != nil {
		return event{kind: eventEnd, err: journal.Unreadable(r, err)}
	}
	r.Value = nil
	return event{Event: Event{Record: r, Read: x}}
}

func (e *Engine) follow(ctx context.Context) {
	f := follower{ctx: ctx, Engine: e}
	f.begin()
	err := e.journal.Follow(ctx, &f)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("the journal ended")
	}
	f.send(event{kind: eventEnd, err: err})
}

// load applies everything the journal reports until it is ready.
func (c *committer) load(ctx context.Context) error {
	c.startOver(0)
	for c.loading != nil {
		select {
		case t := <-c.events:
			if t.kind == eventEnd {
				return t.err
			}
			if err := c.receive(t); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.expire()
	return nil
}

func (c *committer) startOver(resets uint64) {
	for _, table := range c.resetters {
		table.Reset()
	}
	x := c.newEmpty()
	c.loading, c.complete = &x, false
	c.loading.resets, c.loading.changes = resets, 1
}

// showLoaded shows what was loaded, once it is no older than what is shown.
func (c *committer) showLoaded() {
	if c.complete && c.loading.applied >= c.durable.applied {
		if !c.settled {
			c.settleClock()
		}
		c.settle(c.loading)
		p := c.loading.Snapshot
		p.changes += c.durable.changes // so that what is reported anew counts as changed
		c.loading = nil
		c.publish(p)
	}
}

// receive takes in what the journal reports. An error means that what the store
// shows can't be trusted to be up to date any more.
func (c *committer) receive(t event) error {
	switch t.kind {
	case eventReset:
		c.startOver(t.resets)
	case eventReady:
		if c.loading != nil {
			c.loading.applied, c.complete = t.upTo, true
			c.showLoaded()
		}
	case eventEnd:
		return c.fail(t.err)
	case eventRecord:
		if c.loading != nil {
			if err := c.apply(c.loading, t.Event); err != nil {
				return c.fail(err)
			}
			if c.complete {
				c.loading.applied = t.Revision
				c.showLoaded()
			}
			return nil
		}
		if t.Revision <= c.durable.applied {
			return nil
		}
		x := c.newTransaction(c.durable)
		if err := c.apply(&x, t.Event); err != nil {
			return c.fail(err)
		}
		x.applied = t.Revision
		c.publish(x.Snapshot)
	}
	return nil
}

// receiveAll takes in what the journal has reported by now, mostly echoes of the
// store's own changes.
//
// After a reset it waits until everything is loaded: what would be committed
// meanwhile would not be seen afterwards.
func (c *committer) receiveAll() {
	for {
		select {
		case t := <-c.events:
			_ = c.receive(t) // reported in the status
			continue
		default:
		}
		if c.loading == nil {
			return
		}
		select {
		case t := <-c.events:
			_ = c.receive(t)
		case <-c.closing:
			return
		}
	}
}

func (c *committer) fail(err error) error {
	err = fmt.Errorf("%w: %w", journal.ErrBroken, err)
	c.failure.Store(&err)
	c.loading = nil
	c.log.Error("The store does not learn of changes any more; restart the server.", "err", err)
	return err
}

// catchUp takes in what the journal reports until the snapshot shows rev.
func (c *committer) catchUp(rev journal.Revision) error {
	timeout := time.NewTimer(c.o.Timeout)
	defer timeout.Stop()
	for c.durable.applied < rev {
		select {
		case t := <-c.events:
			if err := c.receive(t); err != nil {
				return err
			}
		case <-timeout.C:
			return fmt.Errorf("%w: changes are not reported in time", journal.ErrUnavailable)
		}
	}
	return nil
}
