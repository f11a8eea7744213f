package metrics

import (
	"gatehouse/store/audit"
	"gatehouse/store/commit"
)

// expired are groupings that have expired: they are out of the snapshot, but not yet
// in the journal. Those that follow one another without a pause are one operation with
// one entry in the activity log, however many commits they take.
type expired struct {
	waiting []*Grouping
	entry   audit.Entry // of the operation, as it was written last; zero: none is under way

	// Of the batch in the making.
	writing int         // how many of those that wait
	next    audit.Entry // as it is written with them
}

// written reports that the batch in the making is durable. more: others have expired
// that do not wait yet.
func (x *expired) written(more bool) {
	x.waiting, x.entry, x.writing = x.waiting[x.writing:], x.next, 0
	if len(x.waiting) == 0 && !more {
		*x = expired{}
	}
}

// IsOver is part of commit.Expirer.
func (t *groupingTable) IsOver(durable *commit.Snapshot) bool {
	at, ok := t.In(durable).nextExpiry()
	return ok && !t.clock.Holding() && !at.After(t.clock.Now())
}

// Expire is part of commit.Expirer.
func (t *groupingTable) Expire(tx *commit.Transaction) {
	now := t.clock.Now()
	end := tombstone{stamp: t.clock.Stamp().UnixNano(), ran: t.clock.Ran(now)}
	e := t.change(tx)
	for range commit.Chunk {
		at, ok := e.nextExpiry()
		if !ok || at.After(now) {
			return
		}
		_, id, _ := treesOf(e.State).expiries.Min()
		g, _ := treesOf(e.State).groupings.Get(id)
		e.remove(g)
		e.addDeleted(deletedGrouping{key: g.Key, tombstone: end, revision: g.Revision, bytes: int64(g.recorded), unmarked: true})
		t.expired.waiting = append(t.expired.waiting, g)
	}
}

// writeExpired adds some of the groupings that wait to a batch.
func (t *groupingTable) writeExpired(b *batch) {
	x, before := &t.expired, b.Bytes()
	x.writing, x.next = 0, x.entry
	b.Tick()
	if x.next.Operation == "" {
		x.next = audit.Entry{Kind: audit.Expiry, Operation: audit.OperationIn(b.Batch), At: b.Now}
	}
	for _, g := range x.waiting[:min(len(x.waiting), commit.Chunk)] {
		if b.Bytes()-before >= commit.ChunkBytes {
			break
		}
		x.writing++
		// Pushed anew meanwhile: then its record says so already.
		if d, ok := treesOf(b.State).deleted.Get(g.Key.ID()); ok && d.revision == g.Revision {
			end := d.tombstone
			end.operation = x.next.Operation
			b.leave(g, end, g.Revision)
			x.next.Count++
		}
	}
	more := x.writing < len(x.waiting) || t.IsOver(b.Batch.Snapshot)
	if x.next.Count > x.entry.Count || x.next.Count > 0 && !more {
		t.log.AddPart(b.Batch, x.next, audit.Part{Again: x.entry.Count > 0, More: more})
	}
}
