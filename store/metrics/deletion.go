package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// Delete deletes one grouping and returns how many there were: 0 or 1.
func (s *Groupings) Delete(ctx context.Context, k key.GroupingKey, o audit.Origin) (int, error) {
	d, err := s.delete(ctx, &deleteOp{entry: audit.Entry{Origin: o, What: k.String()}}, []GroupingVersion{{Key: k}})
	return d.Groupings, err
}

// ErrOutside says that some of the groupings are outside of the caller's scope.
var ErrOutside = errors.New("some of the groupings are outside of what the credential is limited to")

// DeleteMatching deletes the groupings that match now and returns how many it
// deleted. If any of them does not match within, nothing is deleted and the error
// is ErrOutside. Many take several commits: another error may leave some of them
// deleted.
func (s *Groupings) DeleteMatching(ctx context.Context, sel, within key.Selectors, o audit.Origin) (int, error) {
	var matching []GroupingVersion
	for g := range s.state().matching(sel) {
		if !within.Match(g.Key.Labels()) {
			return 0, ErrOutside
		}
		matching = append(matching, GroupingVersion{Key: g.Key})
	}
	d, err := s.delete(ctx, &deleteOp{entry: audit.Entry{Origin: o, What: sel.String()}}, matching)
	return d.Groupings, err
}

// GroupingVersion is a grouping as somebody has seen it.
type GroupingVersion struct {
	Key    key.GroupingKey
	Pushed time.Time // of the Grouping; zero: whatever it is
}

// Deleted is the result of a delete.
type Deleted struct {
	Operation string // for an undo; empty if nothing was deleted
	Groupings int
	// Changed were pushed anew since they were seen, and stay.
	Changed []key.GroupingKey
	// Missing are not there any more.
	Missing []key.GroupingKey
}

// ChangedError says that groupings are not what they were seen as.
type ChangedError struct {
	Changed []key.GroupingKey // pushed anew
	Missing []key.GroupingKey // not there any more
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%d of the groupings were pushed again and %d deleted meanwhile", len(e.Changed), len(e.Missing))
}

// DeleteVersions deletes those of the groupings that were not pushed anew since
// they were seen, as one operation on record, where what says what was meant;
// empty: the first one's key.
//
// exact asks for all or none: if any of them is not as it was seen when the
// delete begins, the error is a *ChangedError and nothing is deleted. Many take
// several commits: what is pushed meanwhile is among Changed even so, and
// after an error Deleted says what was done. Other errors are those of Push.
func (s *Groupings) DeleteVersions(ctx context.Context, seen []GroupingVersion, exact bool, what string, o audit.Origin) (Deleted, error) {
	if what == "" && len(seen) > 0 {
		what = seen[0].Key.String()
	}
	op := &deleteOp{entry: audit.Entry{Origin: o, What: what}}
	if exact {
		op.all = seen
	}
	return s.delete(ctx, op, seen)
}

func (s *Groupings) delete(ctx context.Context, op *deleteOp, seen []GroupingVersion) (Deleted, error) {
	op.entry.Kind = audit.Delete
	var d Deleted
	// Where there is nothing to be deleted the answer must not promise what is
	// not so either: wait in line.
	for first := true; first || len(seen) > 0; first = false {
		n := s.deleteChunk(seen)
		op.seen, seen = seen[:n], seen[n:]
		op.before = d.Groupings
		if _, err := s.submit(ctx, op); err != nil {
			return d, err
		}
		op.all = nil
		d.Groupings += op.deleted
		d.Changed = append(d.Changed, op.changed...)
		d.Missing = append(d.Missing, op.missing...)
		if d.Groupings > 0 {
			d.Operation = op.entry.Operation
		}
	}
	return d, nil
}

// deleteChunk returns how many of the groupings one commit deletes.
func (s *Groupings) deleteChunk(seen []GroupingVersion) (n int) {
	p := s.state()
	for bytes := 0; n < min(len(seen), commit.Chunk) && bytes < commit.ChunkBytes; n++ {
		if g, ok := p.Grouping(seen[n].Key); ok {
			bytes += g.Bytes
		}
	}
	return n
}

// Wipe deletes everything, as one operation on record. Errors are those of
// Push.
func (s *Groupings) Wipe(ctx context.Context, o audit.Origin) (Deleted, error) {
	op := &wipeOp{entry: audit.Entry{Kind: audit.Wipe, Origin: o}}
	if _, err := s.submit(ctx, op); err != nil || op.deleted == 0 {
		return Deleted{}, err
	}
	return Deleted{Operation: op.entry.Operation, Groupings: op.deleted}, nil
}

// deleteOp deletes groupings. Several in a row may be one operation, which has
// one entry in the activity log.
type deleteOp struct {
	seen   []GroupingVersion
	all    []GroupingVersion // nothing is deleted unless these are as they were seen
	entry  audit.Entry
	before int // deleted by earlier ones of the operation

	deleted          int
	changed, missing []key.GroupingKey
}

func (op *deleteOp) apply(b *batch) error {
	if op.entry.Operation == "" {
		op.entry.Operation, op.entry.At = audit.OperationIn(b.Batch), b.Now
	}
	if _, changed, missing := b.compare(op.all); len(changed)+len(missing) > 0 {
		return &ChangedError{changed, missing}
	}
	var same []key.GroupingKey
	same, op.changed, op.missing = b.compare(op.seen)
	op.deleted = 0
	for _, k := range same {
		// Each is looked up anew: that others go may change what it shows.
		if g, ok := treesOf(b.State).groupings.Get(k.ID()); ok {
			b.delete(g, b.tombstone(op.entry.Operation))
			op.deleted++
		}
	}
	if op.deleted > 0 {
		op.entry.Count = op.before + op.deleted
		b.t.log.AddPart(b.Batch, op.entry, audit.Part{Again: op.before > 0})
	}
	return nil
}

// compare sorts groupings by what has become of them since they were seen.
func (p *State) compare(seen []GroupingVersion) (same, changed, missing []key.GroupingKey) {
	for _, x := range seen {
		switch g, ok := p.Grouping(x.Key); {
		case !ok:
			missing = append(missing, x.Key)
		case !x.Pushed.IsZero() && !x.Pushed.Equal(g.Pushed):
			changed = append(changed, x.Key)
		default:
			same = append(same, x.Key)
		}
	}
	return same, changed, missing
}

// delete takes a grouping out and leaves what an undo needs.
func (b *batch) delete(g *Grouping, t tombstone) {
	condition := g.Revision
	b.remove(g)
	b.leave(g, t, condition)
}

func (b *batch) leave(g *Grouping, t tombstone, condition journal.Revision) {
	packed := pack(g.body)
	size := b.addGrouping(g, packed, t, condition)
	b.addDeleted(deletedGrouping{key: g.Key, tombstone: t, bytes: int64(size)})
	if !g.Failed.IsZero() {
		b.Add(journal.Change{Key: key.RecordKey(kindRefused, g.Key)})
	}
}

// wipeOp deletes everything by one record that makes all older ones void.
type wipeOp struct {
	entry   audit.Entry
	deleted int
}

func (op *wipeOp) apply(b *batch) error {
	op.deleted = b.stats.Groupings
	op.entry.Operation, op.entry.At, op.entry.Count = audit.OperationIn(b.Batch), b.Now, op.deleted
	b.t.refused.save(b) // for the undo
	b.wipes = b.earlierWipes()
	t := b.tombstone(op.entry.Operation)
	b.Add(journal.Change{Key: wipeKey, Value: encodeControl(t, b.wipes)})
	b.wipe(wipe{tombstone: t}, b.t.o.Own)
	// Each wipe has to have a record, and what comes behind it a higher revision.
	b.SetFull()
	if op.deleted > 0 {
		b.t.log.Add(b.Batch, op.entry)
	}
	return nil
}

// wipe is a wipe that has taken place: groupings whose records are older are
// gone.
type wipe struct {
	tombstone
	revision journal.Revision
}

// maxWipes bounds the wipes that are kept apart.
const maxWipes = 100

// earlierWipes returns the earlier wipes that a further one must keep apart:
// those with anything left to undo. The oldest ones beyond the bound become one
// that can't be undone.
func (e *transaction) earlierWipes() []wipe {
	var earlier []wipe
	for _, w := range e.wipes {
		if _, left := treesOf(e.State).deletions.Get(w.operation); left || w.operation == "" {
			earlier = append(earlier, w)
		}
	}
	for len(earlier) >= maxWipes {
		e.ownDeleted()
		treesOf(e.State).deletions.Delete(earlier[0].operation)
		treesOf(e.State).deletions.Delete(earlier[1].operation)
		earlier = earlier[1:]
		earlier[0].operation = ""
	}
	return earlier
}

// wipedBy returns the wipe that a record is older than, if there is one, or
// what a merge was based on; 0: nothing.
func (p *State) wipedBy(r, base journal.Revision) (tombstone, bool) {
	for _, w := range p.wipes {
		if r < w.revision || base != 0 && base < w.revision {
			return w.tombstone, true
		}
	}
	return tombstone{}, false
}

// wipe empties the snapshot; what was there can be restored for a while.
func (e *transaction) wipe(w wipe, own []exposition.Family) {
	e.wipes = append(slices.Clip(e.wipes), w)
	groups := treesOf(e.State).groupings
	empty := newState(own)
	treesOf(e.State).groupings, treesOf(e.State).aliases, treesOf(e.State).families = treesOf(empty).groupings, treesOf(empty).aliases, treesOf(empty).families
	treesOf(e.State).claims, treesOf(e.State).expiries = treesOf(empty).claims, treesOf(empty).expiries
	e.stats = Stats{Deleted: e.stats.Deleted, DeletedBytes: e.stats.DeletedBytes}
	e.tx.Touch()
	groups.Scan(func(_ string, g *Grouping) bool {
		e.addDeleted(deletedGrouping{key: g.Key, tombstone: w.tombstone, revision: g.Revision, bytes: int64(g.recorded), unmarked: true})
		return true
	})
}

func (p *State) oldestDeleted() (at int64, id string, ok bool) {
	_, id, ok = treesOf(p).deletedByTime.Min()
	if ok {
		x, _ := treesOf(p).deleted.Get(id)
		at = x.at
	}
	return at, id, ok
}

// tombstone says that an operation ends something now.
func (b *batch) tombstone(operation string) tombstone {
	return tombstone{stamp: b.Now.UnixNano(), ran: b.Ran, operation: operation}
}
