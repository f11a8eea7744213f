package store

import (
	"context"

	"gatehouse/store/audit"
)

// The parts of the activity log, see the package audit.
type (
	// Origin says where a change came from, see audit.Origin.
	Origin = audit.Origin
	// Entry is one entry of the activity log, see audit.Entry.
	Entry = audit.Entry
	// EntryKind says what an entry is about, see audit.Kind.
	EntryKind = audit.Kind
	// ActivityQuery says which entries are asked for, see audit.Query.
	ActivityQuery = audit.Query
	// Denial is a request that was not let in, see audit.Denied.
	Denial = audit.Denied
)

// Anonymous is the Via of requests that need no credential: anybody's.
const Anonymous = audit.Anonymous

// Kinds of entries.
const (
	EntryDelete      = audit.Delete
	EntryWipe        = audit.Wipe
	EntryExpiry      = audit.Expiry
	EntryUndo        = audit.Undo
	EntryImport      = audit.Import
	EntryRefusal     = audit.Refusal
	EntryDenial      = audit.Denial
	EntrySignIn      = audit.SignIn
	EntrySignOut     = audit.SignOut
	EntryTokenCreate = audit.TokenCreate
	EntryTokenRotate = audit.TokenRotate
	EntryTokenRevoke = audit.TokenRevoke
)

const (
	// MaxEntries bounds the activity log where Options don't, see audit.MaxEntries.
	MaxEntries = audit.MaxEntries
	// MaxActivity is the maximum number of entries that a call of Activity
	// returns.
	MaxActivity = audit.MaxFound
)

// Activity returns the entries that a query asks for, newest first, see
// audit.Find.
func (s *Store) Activity(ctx context.Context, q ActivityQuery) (entries []Entry, next string, err error) {
	return s.log.Find(ctx, q)
}

// Entry returns the entry of an operation, see audit.Log.
func (s *Store) Entry(ctx context.Context, operation string) (Entry, bool, error) {
	return s.log.Entry(ctx, operation)
}

// Deny notes that a request was not let in: with others of its minute it comes on
// record. It never waits.
func (s *Store) Deny(d Denial) { s.log.Deny(d) }
