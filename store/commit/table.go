package commit

import (
	"strings"
	"time"

	"gatehouse/store/journal"
)

// Table handles one kind of record. The committer calls its tables in its own
// goroutine, in the order in which they were added. A table may implement other
// interfaces of this file besides.
type Table interface {
	// Prefix begins the keys of its records.
	Prefix() string
	// Apply takes in a record that the journal reports; one without a value was
	// removed.
	Apply(x *Transaction, r Event) error
	// Due returns when there is something to write that nobody asks for, beside
	// the durable state.
	Due(durable *Snapshot) (at time.Time, ok bool)
	// Tidy adds to a batch what is due.
	Tidy(b *Batch)
	// Copy returns a copy of a state of the table that may be changed without a
	// change of the other; of nil that of a store without records. It is cheap:
	// every transaction that changes the state begins with it.
	Copy(state any) any
}

// Event is a record that the journal reports.
type Event struct {
	journal.Record
	// Read is the result of the table's Reader, and nil if it has none or was
	// not asked; then Record has no value.
	Read any
}

// Passive is a table that does nothing by itself and has no state; others say what
// they do.
type Passive struct{}

// Apply is part of Table.
func (Passive) Apply(*Transaction, Event) error { return nil }

// Due is part of Table.
func (Passive) Due(*Snapshot) (time.Time, bool) { return time.Time{}, false }

// Tidy is part of Table.
func (Passive) Tidy(*Batch) {}

// Copy is part of Table.
func (Passive) Copy(any) any { return nil }

// Resetter is a table that keeps something beside its state.
type Resetter interface {
	// Reset begins anew: the journal reports everything once more.
	Reset()
}

// Settler is a table of what lasts only for a while.
type Settler interface {
	// Settle gives all of it its place on the running time, when everything is
	// loaded and when the clock has caught up.
	Settle(x *Transaction)
	// Lasts reports whether there is any.
	Lasts(p *Snapshot) bool
}

// Expirer is a table of which something ends at once when its time comes, whether
// or not that can be written then.
type Expirer interface {
	// IsOver reports whether the time of something has come.
	IsOver(durable *Snapshot) bool
	// Expire takes it out, up to Chunk at once. It is called again while IsOver.
	Expire(x *Transaction)
}

// Writer is a table that takes note of what is durable.
type Writer interface {
	// Written is called once a batch is durable.
	Written(b *Batch)
}

// Numberer is a table whose state has revisions.
type Numberer interface {
	// Number completes the state with the revisions of a batch's writes, just
	// before it is shown.
	Number(b *Batch)
}

// Reader is a table whose records take long to read.
type Reader interface {
	// Reader returns what reads the records while everything is loaded, in the
	// goroutine of the journal. It must not keep anything of their values.
	Reader() func(journal.Record) (any, error)
}

// Unread is a table of whose records nothing is kept in memory: it is not asked
// while everything is loaded, and has no values later.
type Unread interface{ Unread() }

// Runner is a table that has something to do in a goroutine of its own.
type Runner interface {
	// Run is called when everything is loaded. It returns once the engine has
	// finished.
	Run()
}

// Slot is the place of a table's state in the snapshots of an engine.
type Slot int

// tables are those of an engine, and those that implement the further
// interfaces.
type tables struct {
	all       []Table
	resetters []Resetter
	settlers  []Settler
	expirers  []Expirer
	writers   []Writer
	numberers []Numberer
}

func (t *tables) add(x Table) Slot {
	t.all = append(t.all, x)
	t.resetters = appendIf(t.resetters, x)
	t.settlers = appendIf(t.settlers, x)
	t.expirers = appendIf(t.expirers, x)
	t.writers = appendIf(t.writers, x)
	t.numberers = appendIf(t.numberers, x)
	return Slot(len(t.all) - 1)
}

func appendIf[T any](all []T, x Table) []T {
	if y, ok := x.(T); ok {
		return append(all, y)
	}
	return all
}

// of returns the table of a record, or nil. Records of kinds that are not known
// are skipped: a later version may have written them.
func (t *tables) of(key string) Table {
	for _, x := range t.all {
		if strings.HasPrefix(key, x.Prefix()) {
			return x
		}
	}
	return nil
}

// apply takes in one record.
func (t *tables) apply(x *Transaction, r Event) error {
	table := t.of(r.Key)
	if table == nil {
		return nil
	}
	if err := table.Apply(x, r); err != nil {
		return journal.Unreadable(r.Record, err)
	}
	return nil
}

// settle gives everything that lasts only for a while its place on the running
// time.
func (t *tables) settle(x *Transaction) {
	for _, table := range t.settlers {
		table.Settle(x)
	}
}

// lasts reports whether a snapshot holds anything that lasts only for a while.
func (t *tables) lasts(p *Snapshot) bool {
	for _, table := range t.settlers {
		if table.Lasts(p) {
			return true
		}
	}
	return false
}
