package metrics

import (
	"gatehouse/store/clock"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// deletedGrouping is a grouping that was deleted, wiped or has expired, while its record
// is kept for the undo.
type deletedGrouping struct {
	key       key.GroupingKey
	at        int64 // the running time, in Unix nanoseconds
	tombstone       // its operation is empty if there is none that can be undone
	revision  journal.Revision
	bytes     int64 // of its record
	unmarked  bool  // its own record does not say so: it was wiped, or has just expired
}

// cost returns what a deleted grouping counts towards the space of the undo: its record
// on disk, and what its key takes in memory, where its labels, its
// identity and its place by time are kept apart.
func (x *deletedGrouping) cost() int64 {
	const fixed, perLabel = 512, 32
	return x.bytes + fixed + int64(perLabel*len(x.key.Labels())+3*len(x.key.ID()))
}

// addDeleted keeps a deleted grouping, at the place that its tombstone has on the
// running time.
func (e *transaction) addDeleted(x deletedGrouping) {
	x.at = e.clock.Place(x.stamp, x.ran).UnixNano()
	e.dropDeleted(x.key.ID())
	e.ownDeleted()
	e.countDeleted(&x)
	treesOf(e.State).deleted.Set(x.key.ID(), x)
	treesOf(e.State).deletedByTime.Set(clock.Key(x.at, x.key.ID()), x.key.ID())
	treesOf(e.State).digests.Set(digestOf(x.key.ID()))
	e.stats.DeletedBytes += x.cost()
	e.stats.Deleted++
}

// ownDeleted copies the deleted groupings so that the transaction may change
// them.
func (e *transaction) ownDeleted() {
	if e.deletedBy != e.id {
		treesOf(e.State).deleted, treesOf(e.State).deletedByTime, treesOf(e.State).deletions = treesOf(e.State).deleted.Copy(), treesOf(e.State).deletedByTime.Copy(), treesOf(e.State).deletions.Copy()
		e.deletedBy = e.id
	}
}

func (e *transaction) dropDeleted(id string) {
	if x, ok := treesOf(e.State).deleted.Get(id); ok {
		e.ownDeleted()
		treesOf(e.State).deleted.Delete(id)
		treesOf(e.State).deletedByTime.Delete(clock.Key(x.at, id))
		if _, held := treesOf(e.State).groupings.Get(id); !held {
			treesOf(e.State).digests.Delete(digestOf(id))
		}
		e.stats.DeletedBytes -= x.cost()
		e.uncountDeleted(x)
		e.stats.Deleted--
	}
}

// deletion holds the rest of the groupings that one operation deleted.
type deletion struct {
	operation string
	groupings int
	// When the first and the last of them were deleted, in Unix nanoseconds of the
	// running time. The first may be forgotten by now.
	first, last int64
	stamp       int64 // of the last
}

func (e *transaction) countDeleted(x *deletedGrouping) {
	if x.operation == "" {
		return
	}
	d, ok := treesOf(e.State).deletions.Get(x.operation)
	if !ok {
		d.operation, d.first = x.operation, x.at
	}
	x.operation = d.operation // one string for all
	d.groupings++
	if d.first = min(d.first, x.at); x.at >= d.last {
		d.last, d.stamp = x.at, x.stamp
	}
	treesOf(e.State).deletions.Set(d.operation, d)
}

func (e *transaction) uncountDeleted(x deletedGrouping) {
	d, ok := treesOf(e.State).deletions.Get(x.operation)
	if !ok {
		return
	}
	if d.groupings--; d.groupings == 0 {
		treesOf(e.State).deletions.Delete(d.operation)
		return
	}
	treesOf(e.State).deletions.Set(d.operation, d)
}
