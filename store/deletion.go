package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"gatehouse/store/exposition"
)

// deleteChunk bounds the groupings that one commit deletes, so that pushes get
// their turn in between.
const deleteChunk = 500

// Delete deletes one grouping and returns how many there were: 0 or 1.
func (s *Store) Delete(ctx context.Context, k GroupingKey, o Origin) (int, error) {
	if _, ok := s.Picture().Group(k); !ok {
		return s.deleteKeys(ctx, nil, k.String(), o)
	}
	return s.deleteKeys(ctx, []GroupingKey{k}, k.String(), o)
}

// DeleteMatching deletes the groupings that match now and returns how many it
// deleted. Many take several commits: an error may leave some of them deleted.
func (s *Store) DeleteMatching(ctx context.Context, sel Selectors, o Origin) (int, error) {
	var keys []GroupingKey
	for g := range s.Picture().Matching(sel) {
		keys = append(keys, g.Key)
	}
	return s.deleteKeys(ctx, keys, sel.String(), o)
}

func (s *Store) deleteKeys(ctx context.Context, keys []GroupingKey, what string, o Origin) (int, error) {
	op := &deleteOp{entry: Entry{Kind: EntryDelete, Origin: o, What: what}}
	if len(keys) == 0 {
		// Even so the answer must not promise what is not so: wait in line.
		_, err := s.submit(ctx, op)
		return 0, err
	}
	total := 0
	for len(keys) > 0 {
		n := min(len(keys), deleteChunk)
		op.keys, keys = keys[:n], keys[n:]
		op.before = total
		if _, err := s.submit(ctx, op); err != nil {
			return total, err
		}
		total += op.deleted
	}
	return total, nil
}

// Wipe deletes everything and returns how many groupings there were.
func (s *Store) Wipe(ctx context.Context, o Origin) (int, error) {
	op := &wipeOp{entry: Entry{Kind: EntryWipe, Origin: o}}
	_, err := s.submit(ctx, op)
	return op.deleted, err
}

// deleteOp deletes groupings. Several in a row may be one operation, which has
// one entry in the activity log.
type deleteOp struct {
	keys    []GroupingKey
	entry   Entry
	before  int // deleted by earlier ones of the operation
	deleted int
}

func (op *deleteOp) apply(b *batch) error {
	if op.entry.Operation == "" {
		op.entry.Operation, op.entry.At = newOperation(b.now), b.now
	}
	op.deleted = 0
	for _, k := range op.keys {
		if g, ok := b.groups.Get(k.id); ok {
			b.bury(g, tombstone{at: b.now.UnixNano(), operation: op.entry.Operation})
			op.deleted++
		}
	}
	if op.deleted > 0 {
		op.entry.Count = op.before + op.deleted
		b.addEntry(op.entry)
	}
	return nil
}

// bury takes a grouping out and leaves what an undo needs.
func (b *batch) bury(g *Group, t tombstone) {
	condition := g.Revision
	b.remove(g)
	b.leave(g, t, condition)
}

func (b *batch) leave(g *Group, t tombstone, condition Revision) {
	packed := pack(g.body)
	b.addGroup(g, packed, t, condition)
	b.addGone(gone{key: g.Key, at: t.at, bytes: int64(len(packed))})
	if !g.Failed.IsZero() {
		b.add("", Change{Key: recordKey(kindRefused, g.Key)})
	}
}

// wipeOp deletes everything by one record that makes all older ones void.
type wipeOp struct {
	entry   Entry
	deleted int
}

func (op *wipeOp) apply(b *batch) error {
	op.deleted = b.stats.Groupings
	op.entry.Operation, op.entry.At, op.entry.Count = newOperation(b.now), b.now, op.deleted
	b.wipe(b.now.UnixNano(), b.c.o.Own)
	b.add("", Change{Key: wipeKey, Value: encodeControl(b.now, op.entry.Operation)})
	if op.deleted > 0 {
		b.addEntry(op.entry)
	}
	return nil
}

// wipe empties the picture; what was there can be restored for a while.
func (e *edit) wipe(at int64, own []exposition.Family) {
	groups := e.groups
	empty := newPicture(own)
	e.groups, e.aliases, e.families = empty.groups, empty.aliases, empty.families
	e.claims, e.expiries = empty.claims, &btree.Map[string, string]{}
	e.stats = Stats{Gone: e.stats.Gone}
	e.touched = true
	groups.Scan(func(_ string, g *Group) bool {
		e.addGone(gone{key: g.Key, at: at, revision: g.Revision, bytes: int64(g.Bytes)})
		return true
	})
}

// expire takes out what has expired, whether or not that can be written now.
func (c *committer) expire() {
	now := c.o.Now()
	at, ok := c.durable.nextExpiry()
	if !ok || at.After(now) {
		return
	}
	c.edits++
	e := &edit{Picture: c.durable.copy(), id: c.edits}
	for ok && !at.After(now) {
		_, id, _ := e.expiries.Min()
		g, _ := e.groups.Get(id)
		e.remove(g)
		e.addGone(gone{key: g.Key, at: now.UnixNano(), revision: g.Revision, bytes: int64(g.Bytes)})
		c.expired = append(c.expired, g)
		at, ok = e.nextExpiry()
	}
	c.publish(e.Picture)
}

// housekeep adds to a batch what the store has to write by itself.
func (c *committer) housekeep(b *batch) {
	if c.o.Now().Before(c.retryAt) {
		return
	}
	b.kept = true
	c.buryExpired(b)
	if !c.o.Now().Before(c.saveAt) {
		c.saveRefused(b)
	}
	c.sweep(b)
	c.trimActivity(b)
}

func (c *committer) buryExpired(b *batch) {
	c.tick(b)
	op := newOperation(b.now)
	n := 0
	for _, g := range c.expired {
		// Pushed anew meanwhile: then its record says so already.
		if x, ok := b.gone.Get(g.Key.id); ok && x.revision == g.Revision {
			b.leave(g, tombstone{at: x.at, operation: op}, g.Revision)
			n++
		}
	}
	if n > 0 {
		b.addEntry(Entry{Kind: EntryExpiry, Operation: op, At: b.now, Count: n})
	}
}

func (c *committer) saveRefused(b *batch) {
	b.saving = true
	for id, u := range c.refused {
		if g, ok := b.groups.Get(id); ok && g.Failed.Equal(u.at) {
			b.add("", Change{Key: recordKey(kindRefused, u.key), Value: u.refusal.encode()})
		}
	}
}

// saved forgets what a batch has written.
func (c *committer) saved(b *batch) {
	if b.kept {
		c.expired = nil
	}
	if b.saving {
		clear(c.refused)
	}
	for _, p := range b.order {
		if strings.HasPrefix(p.Key, kindActivity) {
			if p.Value != nil {
				c.entries++
			} else {
				c.entries--
			}
		}
	}
}

// nextSweep is when a deleted grouping is to be forgotten.
func (c *committer) nextSweep() (time.Time, bool) {
	at, _, ok := c.durable.oldestGone()
	if !ok {
		return time.Time{}, false
	}
	if c.durable.goneSize > c.o.UndoMaxBytes {
		return c.o.Now(), true
	}
	return time.Unix(0, at).Add(c.o.UndoWindow), true
}

func (p *Picture) oldestGone() (at int64, id string, ok bool) {
	_, id, ok = p.goneTime.Min()
	if ok {
		x, _ := p.gone.Get(id)
		at = x.at
	}
	return at, id, ok
}

// sweep forgets deleted groupings whose time is over, the oldest first.
func (c *committer) sweep(b *batch) {
	for range deleteChunk {
		at, id, ok := b.oldestGone()
		over := b.goneSize > c.o.UndoMaxBytes
		if !ok || !over && time.Unix(0, at).Add(c.o.UndoWindow).After(c.o.Now()) {
			return
		}
		x, _ := b.gone.Get(id)
		key := recordKey(kindGrouping, x.key)
		if p, now := b.changes[key]; now && !p.dropped {
			return // it went in this very batch; next time
		}
		b.dropGone(id)
		b.add("", Change{Key: key, If: &x.revision})
	}
}

var operationSeed = maphash.MakeSeed()

// newOperation names an operation so that later ones sort behind it.
func newOperation(at time.Time) string {
	var h maphash.Hash
	h.SetSeed(operationSeed)
	return fmt.Sprintf("%016x-%08x", at.UnixNano(), uint32(h.Sum64()))
}
