package metrics

import (
	"context"
	"errors"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

var (
	// ErrNoOperation says that no operation of that name has deleted anything.
	ErrNoOperation = errors.New("there is no such operation to undo")
	// ErrTooLate says that nothing is left to be restored: the time is over, the
	// space was needed, or it was undone already.
	ErrTooLate = errors.New("it is too late to undo that")
)

// Undone is the result of an undo. Groupings in neither list were restored, or
// could not be any more.
type Undone struct {
	Operation string // of the undo itself; empty if it restored nothing
	Restored  int
	// Kept were pushed anew since, and stay as they are.
	Kept []key.GroupingKey
	// Conflicting stay deleted, because of what is held by now.
	Conflicting []Conflicting
}

// Conflicting is a grouping that conflicts with the store's contents.
type Conflicting struct {
	Key key.GroupingKey
	// Err is a *Refusal or a *LimitError.
	Err error
}

// Bounds of what one commit restores, so that pushes get their turn in between
// and memory holds little of it twice.
const (
	undoChunk      = 2000
	undoChunkBytes = 16 << 20 // of the records
)

// chunk returns how many of the deleted groupings one commit restores.
func chunk(deleted []deletedGrouping) int {
	bytes := deleted[0].bytes
	n := 1
	for n < min(len(deleted), undoChunk) && bytes+deleted[n].bytes <= undoChunkBytes {
		bytes += deleted[n].bytes
		n++
	}
	return n
}

// Undo restores the groupings that an operation deleted, wiped, or that expired
// by it, with their values, times and failures. Their time to live goes on; the
// ones whose time is over by now do not expire any more. Groupings pushed anew
// since stay as they are. With the check on, so do those deleted that conflict
// with what is held by now; without it scrapes leave out whatever is held for
// less long.
//
// Up to 2,000 groupings of 16 MiB in all are restored by one commit, all or
// none. More take several: an error may leave some of them restored, which
// Undone says, and a further Undo restores the others. Errors: ErrNoOperation,
// ErrTooLate, those of Push.
func (s *Groupings) Undo(ctx context.Context, operation string, o audit.Origin) (Undone, error) {
	was, known, err := s.log.Entry(ctx, operation)
	if err != nil {
		return Undone{}, err
	}
	_, undoable := s.Undoable(operation)
	if !known && !undoable || was.Kind == audit.Undo {
		return Undone{}, ErrNoOperation
	}
	u := Undone{}
	op := &undoOp{entry: audit.Entry{Kind: audit.Undo, Origin: o, What: was.What, Undoes: operation}}
	if undoable {
		for deleted := s.restorable(operation); len(deleted) > 0; {
			n := chunk(deleted)
			if op.records, err = s.readDeleted(ctx, deleted[:n]); err == nil {
				_, err = s.submit(ctx, op)
			}
			deleted = deleted[n:]
			if err != nil {
				return u, err
			}
			op.before += op.restored
			if u.Restored = op.before; u.Restored > 0 {
				u.Operation = op.entry.Operation
			}
			u.Conflicting = append(u.Conflicting, op.conflicting...)
		}
	}
	u.Kept = s.pushedAfter(operation)
	if u.Restored == 0 && len(u.Kept) == 0 && len(u.Conflicting) == 0 {
		return Undone{}, ErrTooLate
	}
	return u, nil
}

// Undoable says until when an operation can be undone, if it can be now, at
// least in part. It looks at nothing but memory.
func (s *Groupings) Undoable(operation string) (until time.Time, ok bool) {
	d, ok := treesOf(s.state()).deletions.Get(operation)
	if !ok {
		return time.Time{}, false
	}
	until = time.Unix(0, d.last).Add(s.o.UndoWindow)
	shown := s.clock.Reckoned(time.Unix(0, d.stamp).Add(s.o.UndoWindow), until)
	return shown, until.After(s.clock.Now())
}

// DeletedBy returns up to limit of the groupings that an operation deleted and
// that can still be restored, in the order in which they went, and how many
// those are in all. It looks at nothing but memory, and there mostly at what
// the operation deleted.
func (s *Groupings) DeletedBy(operation string, limit int) (keys []key.GroupingKey, total int) {
	p := s.state()
	d, ok := treesOf(p).deletions.Get(operation)
	if !ok {
		return nil, 0
	}
	from := s.clock.Now().Add(-s.o.UndoWindow).UnixNano() + 1
	counted := d.first >= from // none of them is too old
	treesOf(p).deletedByTime.Ascend(clock.Key(max(d.first, from), ""), func(_, id string) bool {
		x, _ := treesOf(p).deleted.Get(id)
		if x.at > d.last || counted && len(keys) >= limit {
			return false
		}
		if x.operation == operation {
			total++
			if len(keys) < limit {
				keys = append(keys, x.key)
			}
		}
		return true
	})
	if counted {
		total = d.groupings
	}
	return keys, total
}

// restorable returns what an operation has deleted and may still be restored.
func (s *Groupings) restorable(operation string) []deletedGrouping {
	var deleted []deletedGrouping
	treesOf(s.state()).deleted.Scan(func(_ string, x deletedGrouping) bool {
		if x.operation == operation && s.inUndoWindow(x.tombstone) {
			deleted = append(deleted, x)
		}
		return true
	})
	return deleted
}

func (s *Groupings) inUndoWindow(t tombstone) bool {
	return s.clock.Place(t.stamp, t.ran).Add(s.o.UndoWindow).After(s.clock.Now())
}

// pushedAfter returns the groupings that an operation deleted and that were
// pushed anew then.
func (s *Groupings) pushedAfter(operation string) []key.GroupingKey {
	var keys []key.GroupingKey
	for g := range s.state().all() {
		if g.after != nil && g.after.operation == operation && s.inUndoWindow(*g.after) {
			keys = append(keys, g.Key)
		}
	}
	return keys
}

// deletedRecord is a deleted grouping with all that its record says.
type deletedRecord struct {
	deletedGrouping
	grouping *Grouping
	packed   []byte
}

// readDeleted reads what is still there of deleted groupings.
func (s *Groupings) readDeleted(ctx context.Context, deleted []deletedGrouping) ([]deletedRecord, error) {
	records := make([]deletedRecord, 0, len(deleted))
	names := interned{}
	for _, x := range deleted {
		r, err := s.engine.Journal().Read(ctx, key.RecordKey(kindGrouping, x.key))
		if errors.Is(err, journal.ErrNoRecord) || err == nil && r.Revision != x.revision {
			continue // forgotten or pushed anew in this moment
		}
		if err != nil {
			return nil, err
		}
		rec, err := decodeGroupingRecord(r.Value)
		if err != nil {
			return nil, journal.Unreadable(r, err)
		}
		b, err := rec.body(names)
		if err != nil {
			return nil, journal.Unreadable(r, err)
		}
		f := deletedRecord{deletedGrouping: x, grouping: rec.newGrouping(x.key, b), packed: rec.packed}
		if err := s.readRefusal(ctx, f, rec.refused); err != nil {
			return nil, err
		}
		f.grouping.renderTimes()
		records = append(records, f)
	}
	return records, nil
}

// readRefusal reads the last refused push, which is part of the record unless a
// wipe left everything where it was.
func (s *Groupings) readRefusal(ctx context.Context, f deletedRecord, refused []byte) error {
	if f.unmarked {
		r, err := s.engine.Journal().Read(ctx, key.RecordKey(kindRefused, f.key))
		if err != nil && !errors.Is(err, journal.ErrNoRecord) {
			return err
		}
		refused = r.Value
	}
	if len(refused) == 0 {
		return nil
	}
	r, err := decodeRefusal(refused)
	if err != nil {
		return journal.Unreadable(journal.Record{Key: key.RecordKey(kindRefused, f.key)}, err)
	}
	f.grouping.Failed, f.grouping.failedRan, f.grouping.Failure, f.grouping.failureReason = clock.FromNanos(r.at), r.ran, r.message, r.reason
	return nil
}

// undoOp restores groupings. Several in a row may be one operation, as of
// deleteOp.
type undoOp struct {
	records     []deletedRecord
	entry       audit.Entry
	before      int // restored by earlier ones of the operation
	restored    int
	conflicting []Conflicting
}

func (op *undoOp) apply(b *batch) error {
	if op.entry.Operation == "" {
		op.entry.Operation, op.entry.At = audit.OperationIn(b.Batch), b.Now
	}
	op.restored, op.conflicting = 0, nil
	for _, f := range op.records {
		if x, ok := treesOf(b.State).deleted.Get(f.key.ID()); !ok || x.revision != f.revision {
			continue
		}
		if err := b.restore(f); err != nil {
			op.conflicting = append(op.conflicting, Conflicting{f.key, err})
			continue
		}
		op.restored++
	}
	if op.restored > 0 {
		op.entry.Count = op.before + op.restored
		b.t.log.AddPart(b.Batch, op.entry, audit.Part{Again: op.before > 0})
	}
	return nil
}

// restore puts a deleted grouping back in unless the rules of a push are
// against it.
func (b *batch) restore(f deletedRecord) error {
	g := *f.grouping
	if err := b.admit(&b.t.o, &g, nil, keptNone); err != nil {
		return err
	}
	if !g.Expires.IsZero() && b.endOf(&g) <= b.When.UnixNano() {
		g.Expires = time.Time{}
	}
	b.joinHelps(g.body)
	b.putAdmitted(&g)
	g.recorded = b.addGrouping(&g, f.packed, tombstone{}, f.revision)
	if !g.Failed.IsZero() {
		b.Add(journal.Change{Key: key.RecordKey(kindRefused, g.Key), Value: g.refusal().encode()})
	}
	return nil
}

func keptNone(string) bool { return false }

// joinHelps gives a body that returns the HELP times of what is held by now:
// all holders of a HELP agree since when it is there, or it would depend on
// what has been deleted which one is shown.
func (e *transaction) joinHelps(b *body) {
	var was, is *age
	for i := range b.holds {
		h := &b.holds[i]
		a := *h.age
		if a.helpSince = e.helpSince(h.ident, a.helpSince); is == nil || h.age != was || *is != a {
			was, is = h.age, &a
		}
		h.age = is
	}
}

// refusal returns the journal's record of the last refused push.
func (g *Grouping) refusal() refusal {
	return refusal{id: g.Key.ID(), at: clock.Nanos(g.Failed), ran: g.failedRan, reason: g.failureReason, message: g.Failure}
}

// afterOf returns the delete before a grouping that is pushed anew, while it
// can be undone.
func (b *batch) afterOf(current *Grouping, id string) *tombstone {
	if current == nil {
		if x, ok := treesOf(b.State).deleted.Get(id); ok && x.operation != "" {
			end := x.tombstone
			return &end
		}
		return nil
	}
	if current.after != nil && b.t.inUndoWindow(*current.after) {
		return current.after
	}
	return nil
}
