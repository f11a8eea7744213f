package metrics

import (
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// grouping returns the grouping of a record.
type grouping struct {
	*groupingRecord
	key   key.GroupingKey
	bytes int64
	group *Grouping // nil: it was deleted
}

// readGrouping reads a grouping's record. Nothing of it is kept.
func readGrouping(r journal.Record, names interned) (*grouping, error) {
	rec, err := decodeGroupingRecord(r.Value)
	if err != nil {
		return nil, err
	}
	x := &grouping{groupingRecord: rec, bytes: int64(len(r.Value))}
	if x.key, err = key.NewGroupingKey(rec.labels); err != nil || rec.deleted.stamp != 0 {
		rec.packed = nil
		return x, err
	}
	b, err := rec.body(names)
	rec.packed = nil
	if err != nil {
		return nil, err
	}
	x.group = rec.newGrouping(x.key, b)
	x.group.Revision, x.group.recorded = r.Revision, len(r.Value)
	x.group.renderTimes()
	return x, nil
}

// newGrouping makes the grouping of a record, but for its revision.
func (r *groupingRecord) newGrouping(k key.GroupingKey, b *body) *Grouping {
	g := newGrouping(k, b)
	g.Pushed, g.ran, g.Expires, g.Origin = clock.FromNanos(r.pushed), r.ran, clock.FromNanos(r.expires), r.origin
	g.PushInterval, g.pace = r.pushInterval, r.pace
	if r.after.stamp != 0 {
		after := r.after // and nothing else of the record
		g.after = &after
	}
	return g
}

// learnGrouping takes in the times of a grouping's record.
func learnGrouping(x *commit.Transaction, r *groupingRecord) {
	x.Learn(r.pushed, r.ran)
	x.Learn(r.deleted.stamp, r.deleted.ran)
	for _, run := range r.ages {
		x.Learn(run.age.changed, 0)
		x.LearnRank(max(run.age.since, run.age.helpSince))
	}
}

// removeRecord removes the subject of that key's record, which cannot be known
// from the key alone.
func (e *transaction) removeRecord(name string) {
	treesOf(e.State).deleted.Scan(func(id string, x deletedGrouping) bool {
		if key.RecordKey(kindGrouping, x.key) == name {
			e.dropDeleted(id)
			return false
		}
		return true
	})
	for g := range e.all() {
		if key.RecordKey(kindGrouping, g.Key) == name {
			e.remove(g)
			return
		}
	}
}
