package commit

import (
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// Operation changes the snapshot in the making. An error leaves it untouched, but
// for what the error itself causes.
type Operation interface {
	Apply(b *Batch) error
}

// Batch is the changes that become durable together. It is for one goroutine.
type Batch struct {
	Transaction
	Now  time.Time // the stamp of what is done
	When time.Time // the running time of it
	Ran  int64     // and the ran time
	Rank int64     // its place among all changes that there ever were

	changes map[string]*Write
	order   []*Write
	bytes   int

	full   bool // nothing may be added any more
	tidied bool // due changes were added
	kept   bool // there were some
}

// Write is a change of a batch that waits for its revision.
type Write struct {
	journal.Change
	ID       string           // says to the table what the record is of
	Revision journal.Revision // 0: it was not written yet
	dropped  bool             // a later change of the same key replaces it
}

func (c *committer) newBatch() *Batch {
	b := &Batch{changes: map[string]*Write{}, Transaction: c.newTransaction(c.durable)}
	b.Tick()
	return b
}

// Aside returns a batch that is never written, on a snapshot or, of nil, on what is
// durable now.
func (b *Batch) Aside(from *Snapshot) *Batch {
	if from == nil {
		from = b.c.durable
	}
	x := &Batch{changes: map[string]*Write{}, Transaction: b.c.newTransaction(from)}
	x.Tick()
	return x
}

// Tick gives the next change its times. No two changes share one. The rank is that
// of the stamps while the clock goes on; it says since when what is held, and goes
// on where a clock is set back.
func (b *Batch) Tick() {
	c := b.c
	wall, now := c.clock.Times()
	b.Now, b.When = wall, now
	if at := b.Now.UnixNano(); at <= c.stamped && c.stamped-at < int64(clock.SameMoment) {
		b.Now = b.Now.Add(time.Duration(c.stamped - at + 1))
	}
	c.stamped = b.Now.UnixNano()
	c.clock.Note(c.stamped)
	c.ran = c.clock.NextRan(b.When, wall, c.ran)
	c.rank = max(c.rank+1, c.stamped)
	b.Ran, b.Rank = c.ran, c.rank
}

// Add adds a change after those of the batch. An earlier one of the same key is
// dropped: nobody will ever see it.
func (b *Batch) Add(c journal.Change) { b.AddOf("", c) }

// AddOf is Add for a record whose revision matters to the table: id is for its
// Number.
func (b *Batch) AddOf(id string, c journal.Change) {
	b.bytes += len(c.Key) + len(c.Value)
	if was, twice := b.changes[c.Key]; twice {
		c.If = was.If
		was.dropped = true
	}
	w := &Write{Change: c, ID: id}
	b.changes[c.Key] = w
	b.order = append(b.order, w)
}

// Has reports whether the batch changes the record of that key.
func (b *Batch) Has(key string) bool {
	_, ok := b.changes[key]
	return ok
}

// Writes returns the changes of the batch; for Written and Number.
func (b *Batch) Writes() []*Write { return b.order }

// Bytes returns the size of the keys and values that were added.
func (b *Batch) Bytes() int { return b.bytes }

// SetFull closes the batch to further changes.
func (b *Batch) SetFull() { b.full = true }

// IsTidied reports whether the tables were asked to tidy.
func (b *Batch) IsTidied() bool { return b.tidied }

// IsLast reports whether nothing will be written later.
func (b *Batch) IsLast() bool { return b.c.finishing }
