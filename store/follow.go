package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/store/exposition"
)

// told is something the journal told.
type told struct {
	kind   toldKind
	record Record
	read   *grouping // of the record, if it was read already
	upTo   Revision
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
	ctx   context.Context
	s     *Store
	names interned
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
	f.send(told{kind: toldReset})
}

// Ready is part of Follower.
func (f *follower) Ready(r Revision) {
	f.names = nil
	f.send(told{kind: toldReady, upTo: r})
}

// Record is part of Follower.
func (f *follower) Record(r Record) {
	loading := f.names != nil
	if !loading && r.Revision <= f.s.Picture().applied {
		return // our own, shown already
	}
	t := told{record: r}
	if loading && r.Value != nil && strings.HasPrefix(r.Key, kindGrouping) {
		if t.read, t.err = readGrouping(r, f.names); t.err != nil {
			t = told{kind: toldEnd, err: unreadable(r, t.err)}
		}
		t.record.Value = nil
	} else if r.Value != nil {
		t.record.Value = append([]byte{}, r.Value...)
	}
	f.send(t)
}

func unreadable(r Record, err error) error {
	return fmt.Errorf("record %q cannot be read: %w", r.Key, err)
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
	c.startOver()
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

func (c *committer) startOver() {
	c.edits++
	c.entries = 0
	c.loading = &edit{Picture: newPicture(c.o.Own), id: c.edits}
}

// tell takes in what the journal told. An error means that what the store
// shows can't be trusted to be up to date any more.
func (c *committer) tell(t told) error {
	switch t.kind {
	case toldReset:
		c.startOver()
	case toldReady:
		if c.loading != nil {
			c.loading.applied = t.upTo
			p := c.loading.Picture
			c.loading = nil
			c.publish(p)
		}
	case toldEnd:
		return c.fail(t.err)
	case toldRecord:
		if c.loading != nil {
			if err := c.take(c.loading, t); err != nil {
				return c.fail(err)
			}
			return nil
		}
		if t.record.Revision <= c.durable.applied {
			return nil
		}
		c.edits++
		e := &edit{Picture: c.durable.copy(), id: c.edits}
		if err := c.take(e, t); err != nil {
			return c.fail(err)
		}
		e.applied = t.record.Revision
		c.publish(e.Picture)
	}
	return nil
}

func (c *committer) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrBroken, err)
	c.failure.Store(&err)
	c.log.Error("The store does not learn of changes any more; restart the server.", "err", err)
	return err
}

// catchUp takes in what the journal tells until the picture shows rev.
func (c *committer) catchUp(rev Revision) error {
	timeout := time.NewTimer(c.o.Timeout)
	defer timeout.Stop()
	for c.durable.applied < rev {
		select {
		case t := <-c.followed:
			if err := c.tell(t); err != nil {
				return err
			}
		case <-timeout.C:
			return fmt.Errorf("%w: changes are not told in time", ErrUnavailable)
		}
	}
	return nil
}

// take applies one record. Records of kinds that are not known are skipped: a
// later version may have written them.
func (c *committer) take(e *edit, t told) error {
	var err error
	switch r := t.record; {
	case r.Key == wipeKey && r.Value != nil:
		err = c.takeWipe(e, r)
	case strings.HasPrefix(r.Key, kindActivity) && r.Value != nil:
		c.entries++
	case strings.HasPrefix(r.Key, kindGrouping):
		err = takeGrouping(e, t)
	case strings.HasPrefix(r.Key, kindRefused) && r.Value != nil:
		err = takeRefusal(e, r)
	}
	if err != nil {
		return unreadable(t.record, err)
	}
	return nil
}

func (c *committer) takeWipe(e *edit, r Record) error {
	t, err := decodeControl(r.Value)
	if err != nil {
		return err
	}
	e.wipe(t.at, c.o.Own)
	e.wiped, e.wipedAt = r.Revision, t.at
	return nil
}

// grouping is what a grouping's record says.
type grouping struct {
	*groupRecord
	key   GroupingKey
	bytes int64
	group *Group // nil: it was deleted
}

// readGrouping reads a grouping's record. Nothing of it is kept.
func readGrouping(r Record, names interned) (*grouping, error) {
	rec, err := decodeGroupRecord(r.Value)
	if err != nil {
		return nil, err
	}
	x := &grouping{groupRecord: rec, bytes: int64(len(r.Value))}
	if x.key, err = NewGroupingKey(rec.labels); err != nil || rec.deleted.at != 0 {
		rec.packed = nil
		return x, err
	}
	b, err := rec.body(names)
	rec.packed = nil
	if err != nil {
		return nil, err
	}
	g := newGroup(x.key, b)
	g.Pushed, g.Expires = unixNano(rec.pushed), unixNano(rec.expires)
	g.Origin, g.Revision = rec.origin, r.Revision
	g.renderTimes()
	x.group = g
	return x, nil
}

func takeGrouping(e *edit, t told) error {
	x, r := t.read, t.record
	if x == nil && r.Value == nil {
		e.removeRecord(r.Key)
		return nil
	}
	if x == nil {
		var err error
		if x, err = readGrouping(r, nil); err != nil {
			return err
		}
	}
	at := x.deleted.at
	if at == 0 && (r.Revision < e.wiped || x.base != 0 && x.base < e.wiped) {
		at = e.wipedAt
	}
	was, held := e.groups.Get(x.key.id)
	if at != 0 {
		if held {
			e.remove(was)
		}
		e.addGone(gone{key: x.key, at: at, revision: r.Revision, bytes: x.bytes})
		return nil
	}
	if held && !was.Failed.IsZero() {
		x.group.Failed, x.group.Failure, x.group.failureReason = was.Failed, was.Failure, was.failureReason
		x.group.renderTimes()
	}
	e.put(x.group)
	return nil
}

// removeRecord takes out what the record of that key stands for, which cannot
// be told from the key alone.
func (e *edit) removeRecord(key string) {
	e.gone.Scan(func(id string, x gone) bool {
		if recordKey(kindGrouping, x.key) == key {
			e.dropGone(id)
			return false
		}
		return true
	})
	for g := range e.Groups() {
		if recordKey(kindGrouping, g.Key) == key {
			e.remove(g)
			return
		}
	}
}

func unixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func takeRefusal(e *edit, r Record) error {
	rec, err := decodeRefusal(r.Value)
	if err != nil {
		return err
	}
	if g, ok := e.groups.Get(rec.id); ok {
		e.setFailure(g, unixNano(rec.at), rec.reason, rec.message)
	}
	return nil
}

// setFailure notes a refused push to a grouping.
func (e *edit) setFailure(g *Group, at time.Time, reason exposition.Reason, message string) {
	next := *g
	next.Failed, next.Failure, next.failureReason = at, message, reason
	next.renderTimes()
	e.renew(&next)
}
