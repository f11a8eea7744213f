package metrics

import (
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/history"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// groupingTable is the groupings, held and deleted.
type groupingTable struct {
	*Groupings
	batch   batch // the one that was asked for last
	expired expired
}

// Prefix is part of commit.Table.
func (*groupingTable) Prefix() string { return kindGrouping }

// Copy is part of commit.Table.
func (t *groupingTable) Copy(state any) any {
	if state == nil {
		p := newState(t.o.Own)
		p.clock = t.clock
		return p
	}
	return state.(*State).copy()
}

// Reader is part of commit.Reader.
func (*groupingTable) Reader() func(journal.Record) (any, error) {
	names := interned{}
	return func(r journal.Record) (any, error) { return readGrouping(r, names) }
}

// Apply is part of commit.Table.
func (t *groupingTable) Apply(tx *commit.Transaction, r commit.Event) error {
	e := t.change(tx)
	x, _ := r.Read.(*grouping)
	if x == nil && r.Value == nil {
		e.removeRecord(r.Key)
		return nil
	}
	if x == nil {
		var err error
		if x, err = readGrouping(r.Record, nil); err != nil {
			return err
		}
	}
	learnGrouping(tx, x.groupingRecord)
	end, wiped := x.deleted, false
	if end.stamp == 0 {
		end, wiped = e.wipedBy(r.Revision, x.base)
	}
	was, held := treesOf(e.State).groupings.Get(x.key.ID())
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

// Settle is part of commit.Settler.
func (t *groupingTable) Settle(tx *commit.Transaction) {
	e := t.change(tx)
	var ids []string
	treesOf(e.State).expiries.Scan(func(_, id string) bool {
		ids = append(ids, id)
		return true
	})
	treesOf(e.State).expiries.Clear()
	for _, id := range ids {
		was, _ := treesOf(e.State).groupings.Get(id)
		g := *was
		g.ends = e.endOf(&g)
		if time.Duration(g.ends-clock.Nanos(g.Expires)).Abs() > clock.Tolerance {
			e.clock.NoteAskew()
		}
		treesOf(e.State).groupings.Set(id, &g)
		treesOf(e.State).expiries.Set(clock.Key(g.ends, id), id)
	}
	e.settleDeleted()
}

func (e *transaction) settleDeleted() {
	var all []deletedGrouping
	treesOf(e.State).deleted.Scan(func(_ string, x deletedGrouping) bool {
		all = append(all, x)
		return true
	})
	for _, x := range all {
		e.addDeleted(x)
	}
}

// Lasts is part of commit.Settler.
func (t *groupingTable) Lasts(p *commit.Snapshot) bool {
	x := t.In(p)
	return treesOf(x).expiries.Len()+treesOf(x).deleted.Len() > 0
}

// Due is part of commit.Table.
func (t *groupingTable) Due(durable *commit.Snapshot) (at time.Time, ok bool) {
	if len(t.expired.waiting) > 0 {
		return t.clock.Now(), true
	}
	p := t.In(durable)
	at, ok = p.nextExpiry()
	if sweep, some := t.nextSweep(p); some && (!ok || sweep.Before(at)) {
		return sweep, true
	}
	return at, ok
}

// nextSweep is when a deleted grouping is to be forgotten.
func (t *groupingTable) nextSweep(p *State) (time.Time, bool) {
	at, _, ok := p.oldestDeleted()
	if !ok || t.clock.Holding() {
		return time.Time{}, false
	}
	if p.stats.DeletedBytes > t.o.UndoMaxBytes {
		return t.clock.Now(), true
	}
	return time.Unix(0, at).Add(t.o.UndoWindow), true
}

// Tidy is part of commit.Table.
func (t *groupingTable) Tidy(b *commit.Batch) {
	if len(t.expired.waiting) > 0 {
		t.writeExpired(t.in(b))
	}
	if at, ok := t.nextSweep(t.In(b.Snapshot)); ok && !at.After(t.clock.Now()) {
		t.sweep(t.in(b))
	}
}

// Written is part of commit.Writer.
func (t *groupingTable) Written(b *commit.Batch) {
	if b.IsTidied() {
		t.expired.written(t.IsOver(b.Snapshot))
	}
}

// Number is part of commit.Numberer. It completes the subject of a change: a
// grouping, a deleted one, or a wipe.
func (t *groupingTable) Number(b *commit.Batch) {
	for _, w := range b.Writes() {
		if w.ID != "" || w.Key == wipeKey {
			t.in(b).number(w)
		}
	}
	t.batch = batch{}
}

func (e *transaction) number(w *commit.Write) {
	if w.Key == wipeKey {
		e.wipes[len(e.wipes)-1].revision = w.Revision // of this batch, so still ours
		return
	}
	if g, ok := treesOf(e.State).groupings.Get(w.ID); ok {
		g.Revision = w.Revision // not published yet, so still ours
	} else if x, ok := treesOf(e.State).deleted.Get(w.ID); ok {
		x.revision = w.Revision
		e.ownDeleted()
		treesOf(e.State).deleted.Set(w.ID, x)
	}
}

// sweep forgets deleted groupings whose time is over, the oldest first.
func (t *groupingTable) sweep(b *batch) {
	before := b.Bytes()
	for n := 0; n < commit.Chunk && b.Bytes()-before < commit.ChunkBytes; n++ {
		at, id, ok := b.oldestDeleted()
		over := b.stats.DeletedBytes > t.o.UndoMaxBytes
		if !ok || !over && time.Unix(0, at).Add(t.o.UndoWindow).After(t.clock.Now()) {
			return
		}
		x, _ := treesOf(b.State).deleted.Get(id)
		name := key.RecordKey(kindGrouping, x.key)
		if b.Has(name) {
			return // it went in this very batch; next time
		}
		b.dropDeleted(id)
		b.Add(journal.Change{Key: name, If: &x.revision})
		b.Add(journal.Change{Key: key.RecordKey(history.Prefix, x.key)})
		if x.unmarked {
			b.Add(journal.Change{Key: key.RecordKey(kindRefused, x.key)})
		}
	}
}
