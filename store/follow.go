package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/store/journal"
)

// told is something the journal told.
type told struct {
	kind   toldKind
	record journal.Record
	read   *grouping // of the record, if it was read already
	upTo   journal.Revision
	resets uint64
	err    error
}

type toldKind uint8

const (
	toldRecord toldKind = iota
	toldReset
	toldReady
	toldEnd // following ended: err
)

// follower passes on what the journal tells to the committer. While everything
// is loaded it reads the records itself, which takes longer than to apply them.
type follower struct {
	ctx    context.Context
	s      *Store
	names  interned
	resets uint64
}

func (f *follower) send(t told) {
	select {
	case f.s.followed <- t:
	case <-f.ctx.Done():
	}
}

// Reset is part of Follower.
func (f *follower) Reset() {
	f.names = interned{}
	f.resets++
	f.send(told{kind: toldReset, resets: f.resets})
}

// Ready is part of Follower.
func (f *follower) Ready(r journal.Revision) {
	f.names = nil
	f.send(told{kind: toldReady, upTo: r})
}

// Record is part of Follower.
func (f *follower) Record(r journal.Record) {
	loading := f.names != nil
	if p := f.s.Snapshot(); !loading && p.told == f.resets && r.Revision <= p.applied {
		return // our own, shown already
	}
	t := told{record: r}
	if strings.HasPrefix(r.Key, kindHistory) {
		if loading {
			return // nothing is kept in memory of it
		}
		t.record.Value = nil
	} else if loading && r.Value != nil && strings.HasPrefix(r.Key, kindGrouping) {
		if t.read, t.err = readGrouping(r, f.names); t.err != nil {
			t = told{kind: toldEnd, err: journal.Unreadable(r, t.err)}
		}
		t.record.Value = nil
	} else if r.Value != nil {
		t.record.Value = append([]byte{}, r.Value...)
	}
	f.send(t)
}

func (s *Store) follow(ctx context.Context) {
	f := follower{ctx: ctx, s: s, names: interned{}}
	err := s.journal.Follow(ctx, &f)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("the journal ended")
	}
	f.send(told{kind: toldEnd, err: err})
}

// load applies everything the journal tells until it is ready.
func (c *committer) load(ctx context.Context) error {
	c.startOver(0)
	for c.loading != nil {
		select {
		case t := <-c.followed:
			if t.kind == toldEnd {
				return t.err
			}
			if err := c.tell(t); err != nil {
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
	c.edits++
	for _, x := range c.tables {
		x.reset()
	}
	c.loading, c.complete = &edit{Snapshot: c.newSnapshot(), id: c.edits}, false
	c.loading.told, c.loading.changes = resets, 1
}

// showLoaded shows what was loaded, once it is no older than what is shown.
func (c *committer) showLoaded() {
	if c.complete && c.loading.applied >= c.durable.applied {
		if !c.settled {
			c.settleClock()
		}
		c.settle(c.loading)
		p := c.loading.Snapshot
		p.changes += c.durable.changes // so that what is told anew counts as changed
		c.loading = nil
		c.publish(p)
	}
}

// tell takes in what the journal told. An error means that what the store
// shows can't be trusted to be up to date any more.
func (c *committer) tell(t told) error {
	switch t.kind {
	case toldReset:
		c.startOver(t.resets)
	case toldReady:
		if c.loading != nil {
			c.loading.applied, c.complete = t.upTo, true
			c.showLoaded()
		}
	case toldEnd:
		return c.fail(t.err)
	case toldRecord:
		if c.loading != nil {
			if err := c.take(c.loading, t); err != nil {
				return c.fail(err)
			}
			if c.complete {
				c.loading.applied = t.record.Revision
				c.showLoaded()
			}
			return nil
		}
		if t.record.Revision <= c.durable.applied {
			return nil
		}
		c.edits++
		e := &edit{Snapshot: c.durable.copy(), id: c.edits}
		if err := c.take(e, t); err != nil {
			return c.fail(err)
		}
		e.applied = t.record.Revision
		c.publish(e.Snapshot)
	}
	return nil
}

// takeTold takes in what the journal has told by now, mostly echoes of the
// store's own changes.
//
// After a reset it waits until everything is loaded: what would be committed
// meanwhile would not be seen afterwards.
func (c *committer) takeTold() {
	for {
		select {
		case t := <-c.followed:
			_ = c.tell(t) // told in the status
			continue
		default:
		}
		if c.loading == nil {
			return
		}
		select {
		case t := <-c.followed:
			_ = c.tell(t)
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

// catchUp takes in what the journal tells until the snapshot shows rev.
func (c *committer) catchUp(rev journal.Revision) error {
	timeout := time.NewTimer(c.o.Timeout)
	defer timeout.Stop()
	for c.durable.applied < rev {
		select {
		case t := <-c.followed:
			if err := c.tell(t); err != nil {
				return err
			}
		case <-timeout.C:
			return fmt.Errorf("%w: changes are not told in time", journal.ErrUnavailable)
		}
	}
	return nil
}
