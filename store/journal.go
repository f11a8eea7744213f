package store

import (
	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// What callers of a store need of its journal.
type (
	// Journal makes changes durable, see journal.Journal.
	Journal = journal.Journal
	// JournalStatus is how a journal is doing, see journal.Status.
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

// What callers of a store need of its clock.
type (
	// Clock is where a store has the time from, see clock.Source.
	Clock = clock.Source
	// ClockStatus is how the clock is doing, see clock.Status.
	ClockStatus = clock.Status
)
