package store

import (
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// groupingTable is the groupings, held and deleted.
type groupingTable struct {
	passive
	c       *committer
	expired []*Grouping // out of the snapshot, but not yet in the journal
}

func (*groupingTable) prefix() string { return kindGrouping }

func (t *groupingTable) apply(e *transaction, ev event) error {
	x, r := ev.read, ev.record
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
	t.c.learnGrouping(x.groupingRecord)
	end, wiped := x.deleted, false
	if end.stamp == 0 {
		end, wiped = e.wipedBy(r.Revision, x.base)
	}
	was, held := e.groups.Get(x.key.ID())
	if end.stamp != 0 {
		if held {
			e.remove(was)
		}
		e.addDeleted(deletedGrouping{key: x.key, tombstone: end, revision: r.Revision, bytes: x.bytes, unmarked: wiped})
		return nil
	}
	if held && !was.Failed.IsZero() {
		x.group.Failed, x.group.failedRan, x.group.Failure, x.group.failureReason = was.Failed, was.failedRan, was.Failure, was.failureReason
		x.group.renderTimes()
	}
	e.put(x.group)
	return nil
}

func (t *groupingTable) settle(e *transaction) {
	var ids []string
	e.expiries.Scan(func(_, id string) bool {
		ids = append(ids, id)
		return true
	})
	e.expiries.Clear()
	for _, id := range ids {
		was, _ := e.groups.Get(id)
		g := *was
		g.ends = e.endOf(&g)
		if time.Duration(g.ends-clock.Nanos(g.Expires)).Abs() > clock.Tolerance {
			e.clock.NoteAskew()
		}
		e.groups.Set(id, &g)
		e.expiries.Set(clock.Key(g.ends, id), id)
	}
	e.settleDeleted()
}

func (e *transaction) settleDeleted() {
	var all []deletedGrouping
	e.deleted.Scan(func(_ string, x deletedGrouping) bool {
		all = append(all, x)
		return true
	})
	for _, x := range all {
		e.addDeleted(x)
	}
}

func (t *groupingTable) due() (at time.Time, ok bool) {
	if len(t.expired) > 0 {
		return t.c.clock.Now(), true
	}
	at, ok = t.c.durable.nextExpiry()
	if sweep, some := t.nextSweep(); some && (!ok || sweep.Before(at)) {
		return sweep, true
	}
	return at, ok
}

// nextSweep is when a deleted grouping is to be forgotten.
func (t *groupingTable) nextSweep() (time.Time, bool) {
	at, _, ok := t.c.durable.oldestDeleted()
	if !ok || t.c.clock.Holding() {
		return time.Time{}, false
	}
	if t.c.durable.deletedBytes > t.c.o.UndoMaxBytes {
		return t.c.clock.Now(), true
	}
	return time.Unix(0, at).Add(t.c.o.UndoWindow), true
}

func (t *groupingTable) tidy(b *batch) {
	t.writeExpired(b)
	t.sweep(b)
}

func (t *groupingTable) written(b *batch) {
	if b.tidied {
		t.expired = nil
	}
}

// expire takes out what has expired, whether or not that can be written now.
func (c *committer) expire() {
	at, ok := c.durable.nextExpiry()
	if !ok || c.clock.Holding() {
		return
	}
	now := c.clock.Now()
	if at.After(now) {
		return
	}
	end := tombstone{stamp: c.clock.Stamp().UnixNano(), ran: c.clock.Ran(now)}
	c.transactions++
	e := &transaction{Snapshot: c.durable.copy(), id: c.transactions}
	for ok && !at.After(now) {
		_, id, _ := e.expiries.Min()
		g, _ := e.groups.Get(id)
		e.remove(g)
		e.addDeleted(deletedGrouping{key: g.Key, tombstone: end, revision: g.Revision, bytes: int64(g.Bytes), unmarked: true})
		c.groupings.expired = append(c.groupings.expired, g)
		at, ok = e.nextExpiry()
	}
	c.publish(e.Snapshot)
}

func (t *groupingTable) writeExpired(b *batch) {
	if len(t.expired) == 0 {
		return
	}
	t.c.tick(b)
	op := b.newOperation()
	n := 0
	for _, g := range t.expired {
		// Pushed anew meanwhile: then its record says so already.
		if x, ok := b.deleted.Get(g.Key.ID()); ok && x.revision == g.Revision {
			end := x.tombstone
			end.operation = op
			b.leave(g, end, g.Revision)
			n++
		}
	}
	if n > 0 {
		b.addEntry(Entry{Kind: EntryExpiry, Operation: op, At: b.now, Count: n})
	}
}

// sweep forgets deleted groupings whose time is over, the oldest first.
func (t *groupingTable) sweep(b *batch) {
	if t.c.clock.Holding() {
		return
	}
	for range deleteChunk {
		at, id, ok := b.oldestDeleted()
		over := b.deletedBytes > t.c.o.UndoMaxBytes
		if !ok || !over && time.Unix(0, at).Add(t.c.o.UndoWindow).After(t.c.clock.Now()) {
			return
		}
		x, _ := b.deleted.Get(id)
		key := recordKey(kindGrouping, x.key)
		if p, now := b.changes[key]; now && !p.dropped {
			return // it went in this very batch; next time
		}
		b.dropDeleted(id)
		b.add("", journal.Change{Key: key, If: &x.revision})
		b.add("", journal.Change{Key: recordKey(kindHistory, x.key)})
		if x.unmarked {
			b.add("", journal.Change{Key: recordKey(kindRefused, x.key)})
		}
	}
}

// wipeTable is the last wipe.
type wipeTable struct {
	passive
	c *committer
}

func (*wipeTable) prefix() string { return wipeKey }

func (w *wipeTable) apply(e *transaction, ev event) error {
	r := ev.record
	if r.Value == nil {
		return nil
	}
	t, earlier, err := decodeControl(r.Value)
	if err != nil {
		return err
	}
	w.c.learn(t.stamp, t.ran)
	e.wipes = earlier
	e.wipe(wipe{tombstone: t, revision: r.Revision}, w.c.o.Own)
	return nil
}
