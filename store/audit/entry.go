// Package audit is the activity log, the record of all changes and their
// authors: its entries, queries for them, and sums of events too frequent for
// an entry each.
package audit

import (
	"time"

	"gatehouse/store/exposition"
	"gatehouse/store/record"
)

// Prefix begins the keys of the entries' records; the rest is the operation.
const Prefix = "a."

// Origin says where a change came from.
type Origin struct {
	By   string // the principal, for people; empty while no credential is required
	From string // the client's address
	Via  string // how the principal is known: the scheme of its credential
	// ID distinguishes the principal from all others. Only the activity log
	// keeps it.
	ID string
}

// Anonymous is the Via of requests that need no credential: anybody's.
const Anonymous = "none"

// Authenticated reports whether the author is known.
func (o Origin) Authenticated() bool { return o.Via != "" && o.Via != Anonymous }

// Kind says what an entry of the activity log is about.
type Kind string

// Kinds of entries.
const (
	Delete Kind = "delete"
	Wipe   Kind = "wipe"
	Expiry Kind = "expiry"
	Undo   Kind = "undo"
	Import Kind = "import"
	// Refusal is pushes to one grouping that were refused for one reason
	// within a minute.
	Refusal Kind = "refusal"
	// Denial is requests that were not let in, from one client and for one
	// reason within a minute.
	Denial      Kind = "denial"
	SignIn      Kind = "sign_in"
	SignOut     Kind = "sign_out"
	TokenCreate Kind = "token_create"
	TokenRotate Kind = "token_rotate"
	TokenRevoke Kind = "token_revoke"
)

// Entry is one entry of the activity log.
type Entry struct {
	Operation string // names it; later ones sort behind earlier ones
	Kind      Kind
	At        time.Time
	Origin    Origin
	What      string // the selector or grouping that was named, of an undo: at first; the request; the token
	Count     int    // of groupings; of a refusal: of pushes; of a denial: of requests; of a sign-out: of sessions
	Undoes    string // of an undo: the operation that it undid
	// Of a refusal: why, in a word and, of the first push, in a line. Of others
	// Message may say more.
	Reason  exposition.Reason
	Message string
}

// Encode returns the entry as its record has it, which the operation is not part of.
func (x Entry) Encode() []byte {
	return record.Marshal(&record.Entry{
		Format: record.Format, Kind: string(x.Kind), At: x.At.UnixNano(),
		By: x.Origin.By, From: x.Origin.From, Via: x.Origin.Via, Id: x.Origin.ID,
		What: x.What, Count: int64(x.Count), Undoes: x.Undoes, Reason: string(x.Reason), Message: x.Message,
	})
}

// Decode returns the entry of a record.
func Decode(operation string, b []byte) (Entry, error) {
	var r record.Entry
	err := record.Unmarshal(b, &r)
	return Entry{
		Operation: operation, Kind: Kind(r.Kind), At: time.Unix(0, r.At),
		Origin: Origin{By: r.By, From: r.From, Via: r.Via, ID: r.Id},
		What:   r.What, Count: int(r.Count), Undoes: r.Undoes, Reason: exposition.Reason(r.Reason), Message: r.Message,
	}, err
}

// IsRemoval reports whether entries of the kind are about deleted groupings, which can
// be restored for a while.
func (k Kind) IsRemoval() bool { return k == Delete || k == Wipe || k == Expiry }
