package store

import (
	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// The journal for callers of a store.
type (
	// Journal makes changes durable, see journal.Journal.
	Journal = journal.Journal
	// JournalStatus is the state of a journal, see journal.Status.
	JournalStatus = journal.Status
	// Record is the newest content of a key, see journal.Record.
	Record = journal.Record
	// Change is one record to be written or removed, see journal.Change.
	Change = journal.Change
	// Revision numbers changes, see journal.Revision.
	Revision = journal.Revision
)

var (
	// ErrUnavailable says that nothing can be committed at present, see
	// journal.ErrUnavailable.
	ErrUnavailable = journal.ErrUnavailable
	// ErrBroken says that nothing can be committed until the program is restarted,
	// see journal.ErrBroken.
	ErrBroken = journal.ErrBroken
)

// The clock for callers of a store.
type (
	// Clock gives a store the time, see clock.Source.
	Clock = clock.Source
	// ClockStatus is the state of the clock, see clock.Status.
	ClockStatus = clock.Status
)
