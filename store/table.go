package store

import (
	"strings"
	"time"

	"gatehouse/store/journal"
)

// table is what a store does about one kind of record. All of them are asked by
// the committer, in its goroutine and in the order of committer.tables; a new kind
// of record is a new table there.
type table interface {
	// prefix is what the keys of its records begin with.
	prefix() string
	// reset says that the journal reports everything anew.
	reset()
	// apply takes in a record that the journal reports; one without a value was
	// removed.
	apply(e *transaction, t event) error
	// settle gives what lasts only for a while its place on the running time.
	settle(e *transaction)
	// due is when there is something to write that nobody asks for.
	due() (at time.Time, ok bool)
	// tidy adds to a batch what is due.
	tidy(b *batch)
	// written reports that a batch is durable.
	written(b *batch)
}

// passive is a table that does nothing by itself; others say what they do.
type passive struct{}

func (passive) reset()                          {}
func (passive) apply(*transaction, event) error { return nil }
func (passive) settle(*transaction)             {}
func (passive) due() (time.Time, bool)          { return time.Time{}, false }
func (passive) tidy(*batch)                     {}
func (passive) written(*batch)                  {}

// newTables makes the tables of a store. Their order is that of what tidy adds: the
// uses of a session go with the session, and how long the store has been running is
// written behind all else.
func (c *committer) newTables() {
	c.groupings = &groupingTable{c: c}
	c.refused = &refusedTable{c: c, unsaved: map[string]unsaved{}}
	c.times = &clockTable{c: c}
	c.tables = []table{
		&historyTable{c: c}, c.groupings, &wipeTable{c: c}, c.refused, &activityTable{c: c},
		&sessionTable{c: c}, &tokenTable{c: c}, &useTable{c: c}, &signingKeyTable{}, c.times,
	}
}

// apply takes in one record. Records of kinds that are not known are skipped: a
// later version may have written them.
func (c *committer) apply(e *transaction, t event) error {
	for _, x := range c.tables {
		if !strings.HasPrefix(t.record.Key, x.prefix()) {
			continue
		}
		if err := x.apply(e, t); err != nil {
			return journal.Unreadable(t.record, err)
		}
		return nil
	}
	return nil
}

// settle gives everything that lasts only for a while its place on the running
// time.
func (c *committer) settle(e *transaction) {
	for _, x := range c.tables {
		x.settle(e)
	}
}

// tidy adds to a batch what the store has to write by itself.
func (c *committer) tidy(b *batch) {
	if c.clock.Now().Before(c.retryAt) {
		return
	}
	b.tidied = true
	for _, x := range c.tables {
		x.tidy(b)
	}
}

// written reports to the tables that a batch is durable.
func (c *committer) written(b *batch) {
	for _, x := range c.tables {
		x.written(b)
	}
}
