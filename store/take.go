package store

import (
	"strings"
	"time"

	"gatehouse/store/journal"
)

// take applies one record. Records of kinds that are not known are skipped: a
// later version may have written them.
func (c *committer) take(e *edit, t told) error {
	var err error
	switch r := t.record; {
	case r.Key == wipeKey && r.Value != nil:
		err = c.takeWipe(e, r)
	case strings.HasPrefix(r.Key, kindActivity) && r.Value != nil:
		c.entries++
		c.learn(operationStamp(r.Key[len(kindActivity):]), 0)
	case r.Key == clockKey && r.Value != nil:
		err = c.takeClock(r)
	case strings.HasPrefix(r.Key, kindGrouping):
		err = c.takeGrouping(e, t)
	case strings.HasPrefix(r.Key, kindRefused) && r.Value != nil:
		err = c.takeRefusal(e, r)
	case strings.HasPrefix(r.Key, kindSession):
		err = c.takeSession(e, r)
	case strings.HasPrefix(r.Key, kindToken):
		err = c.takeToken(e, r)
	case strings.HasPrefix(r.Key, kindUse) && r.Value != nil:
		err = c.takeUse(e, r)
	case r.Key == secretKey && r.Value != nil:
		err = takeSecret(e, r)
	}
	if err != nil {
		return unreadable(t.record, err)
	}
	return nil
}

func (c *committer) takeWipe(e *edit, r journal.Record) error {
	t, earlier, err := decodeControl(r.Value)
	if err != nil {
		return err
	}
	c.learn(t.stamp, t.ran)
	e.wipes = earlier
	e.wipe(wipe{tombstone: t, revision: r.Revision}, c.o.Own)
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
func readGrouping(r journal.Record, names interned) (*grouping, error) {
	rec, err := decodeGroupRecord(r.Value)
	if err != nil {
		return nil, err
	}
	x := &grouping{groupRecord: rec, bytes: int64(len(r.Value))}
	if x.key, err = NewGroupingKey(rec.labels); err != nil || rec.deleted.stamp != 0 {
		rec.packed = nil
		return x, err
	}
	b, err := rec.body(names)
	rec.packed = nil
	if err != nil {
		return nil, err
	}
	x.group = rec.newGroup(x.key, b)
	x.group.Revision = r.Revision
	x.group.renderTimes()
	return x, nil
}

// newGroup makes the grouping of a record, but for its revision.
func (r *groupRecord) newGroup(k GroupingKey, b *body) *Group {
	g := newGroup(k, b)
	g.Pushed, g.ran, g.Expires, g.Origin = unixNano(r.pushed), r.ran, unixNano(r.expires), r.origin
	g.Every, g.pace = r.every, r.pace
	if r.after.stamp != 0 {
		after := r.after // and nothing else of the record
		g.after = &after
	}
	return g
}

func (c *committer) takeGrouping(e *edit, t told) error {
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
	c.learnGrouping(x.groupRecord)
	end, wiped := x.deleted, false
	if end.stamp == 0 {
		end, wiped = e.wipedBy(r.Revision, x.base)
	}
	was, held := e.groups.Get(x.key.ID())
	if end.stamp != 0 {
		if held {
			e.remove(was)
		}
		e.addGone(gone{key: x.key, tombstone: end, revision: r.Revision, bytes: x.bytes, unmarked: wiped})
		return nil
	}
	if held && !was.Failed.IsZero() {
		x.group.Failed, x.group.failedRan, x.group.Failure, x.group.failureReason = was.Failed, was.failedRan, was.Failure, was.failureReason
		x.group.renderTimes()
	}
	e.put(x.group)
	return nil
}

// learnGrouping takes in the times of a grouping's record.
func (c *committer) learnGrouping(r *groupRecord) {
	c.learn(r.pushed, r.ran)
	c.learn(r.deleted.stamp, r.deleted.ran)
	for _, run := range r.ages {
		c.learn(run.age.changed, 0)
		c.rank = max(c.rank, run.age.since, run.age.helpSince)
	}
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
	for g := range e.all() {
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

func (c *committer) takeRefusal(e *edit, r journal.Record) error {
	rec, err := decodeRefusal(r.Value)
	if err != nil {
		return err
	}
	c.learn(rec.at, rec.ran)
	if g, ok := e.groups.Get(rec.id); ok {
		e.setFailure(g, rec)
	}
	return nil
}

// setFailure notes a refused push to a grouping.
func (e *edit) setFailure(g *Group, r refusal) {
	next := *g
	next.Failed, next.failedRan, next.Failure, next.failureReason = unixNano(r.at), r.ran, r.message, r.reason
	next.renderTimes()
	e.renew(&next)
}
