package store

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
)

// EntryKind says what an entry of the activity log is about.
type EntryKind string

// What is on record.
const (
	EntryDelete EntryKind = "delete"
	EntryWipe   EntryKind = "wipe"
	EntryExpiry EntryKind = "expiry"
	EntryUndo   EntryKind = "undo"
	EntryImport EntryKind = "import"
	// EntryRefusal is pushes to one grouping that were refused for one reason
	// within a minute.
	EntryRefusal EntryKind = "refusal"
	// EntryDenial is requests that were not let in, from one client and for one
	// reason within a minute.
	EntryDenial      EntryKind = "denial"
	EntrySignIn      EntryKind = "sign_in"
	EntrySignOut     EntryKind = "sign_out"
	EntryTokenCreate EntryKind = "token_create"
	EntryTokenRotate EntryKind = "token_rotate"
	EntryTokenRevoke EntryKind = "token_revoke"
)

// Entry is one entry of the activity log.
type Entry struct {
	Operation string // names it; later ones sort behind earlier ones
	Kind      EntryKind
	At        time.Time
	Origin    Origin
	What      string // the selector or grouping that was named, of an undo: at first; the request; the token
	Count     int    // of groupings; of a refusal: of pushes; of a denial: of requests; of a sign-out: of sessions
	Undoes    string // of an undo: the operation that it undid
	// Of a refusal: why, in a word and, of the first push, in a line. Of others
	// Message may tell more.
	Reason  exposition.Reason
	Message string
}

// MaxEntries bounds the activity log where Options don't: the oldest entries go.
const MaxEntries = 100_000

const (
	entryKind    protowire.Number = 2
	entryAt      protowire.Number = 3
	entryBy      protowire.Number = 4
	entryFrom    protowire.Number = 5
	entryWhat    protowire.Number = 6
	entryCount   protowire.Number = 7
	entryUndoes  protowire.Number = 8
	entryReason  protowire.Number = 9
	entryMessage protowire.Number = 10
	entryVia     protowire.Number = 11
	entryID      protowire.Number = 12
)

func (x Entry) encode() []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendString(b, entryKind, x.Kind)
	b = appendVarint(b, entryAt, uint64(x.At.UnixNano()))
	b = appendString(b, entryBy, x.Origin.By)
	b = appendString(b, entryFrom, x.Origin.From)
	b = appendString(b, entryWhat, x.What)
	b = appendVarint(b, entryCount, uint64(x.Count))
	b = appendString(b, entryUndoes, x.Undoes)
	b = appendString(b, entryReason, x.Reason)
	b = appendString(b, entryMessage, x.Message)
	b = appendString(b, entryVia, x.Origin.Via)
	return appendString(b, entryID, x.Origin.ID)
}

func decodeEntry(operation string, b []byte) (Entry, error) {
	x := Entry{Operation: operation}
	err := eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case entryKind:
			x.Kind = EntryKind(v.bytes)
		case entryAt:
			x.At = time.Unix(0, int64(v.number))
		case entryBy:
			x.Origin.By = string(v.bytes)
		case entryFrom:
			x.Origin.From = string(v.bytes)
		case entryWhat:
			x.What = string(v.bytes)
		case entryCount:
			x.Count = int(v.number)
		case entryUndoes:
			x.Undoes = string(v.bytes)
		case entryReason:
			x.Reason = exposition.Reason(v.bytes)
		case entryMessage:
			x.Message = string(v.bytes)
		case entryVia:
			x.Origin.Via = string(v.bytes)
		case entryID:
			x.Origin.ID = string(v.bytes)
		}
		return nil
	})
	return x, err
}

// newEntry makes an entry about what happens now.
func (b *batch) newEntry(kind EntryKind, o Origin) Entry {
	return Entry{Operation: b.newOperation(), Kind: kind, At: b.now, Origin: o}
}

// Denial is a request that was not let in.
type Denial struct {
	Origin Origin
	Reason string // in words; there are few of them
	What   string // the request, in one line without secrets
}

// Deny notes that a request was not let in: with others of its minute it comes
// on record. It never waits.
func (s *Store) Deny(d Denial) {
	who := d.Origin.From + "\x00" + d.Origin.Via + "\x00" + d.Origin.ID
	s.denials.add(s.clock.now(), s.clock.stamp(), who, exposition.Reason(d.Reason), d.Origin, func() Entry { return Entry{What: shortened(d.What, maxSumMessage)} })
}

func (b *batch) addEntry(x Entry) {
	b.entries = append(b.entries, x)
	b.add("", Change{Key: kindActivity + x.Operation, Value: x.encode()})
}

// Entry returns the entry of an operation. It may be gone though the operation
// took place: the log is bounded.
func (s *Store) Entry(ctx context.Context, operation string) (Entry, bool, error) {
	if !isOperation(operation) {
		return Entry{}, false, nil
	}
	r, err := s.journal.Read(ctx, kindActivity+operation)
	if errors.Is(err, ErrNoRecord) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	x, err := decodeEntry(operation, r.Value)
	x.At = s.clock.shown(x.At, 0)
	return x, err == nil, err
}

// trimEvery is how often entries are looked for that are too old.
const trimEvery = time.Hour

func (c *committer) nextTrim() (time.Time, bool) {
	return c.trimAt, c.o.Retention > 0 && c.entries > 0
}

// trimActivity drops the oldest entries beyond what the log may hold, and those
// that are too old.
func (c *committer) trimActivity(b *batch) {
	now := c.clock.now()
	over, aged := c.entries-c.o.MaxEntries, c.o.Retention > 0 && !now.Before(c.trimAt)
	if over <= 0 && !aged {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	records, err := c.journal.Scan(ctx, kindActivity, kindActivity, deleteChunk)
	if err != nil {
		c.log.Warn("The activity log can't be trimmed.", "err", err)
		c.trimAt = now.Add(saveEvery)
		return
	}
	oldest := ""
	if aged {
		oldest = kindActivity + operationTime(c.clock.stamp().Add(-c.o.Retention))
		c.trimAt = now.Add(trimEvery)
	}
	for i, r := range records {
		if i >= over && r.Key >= oldest {
			return
		}
		b.add("", Change{Key: r.Key})
	}
	if aged && len(records) == deleteChunk {
		c.trimAt = now // there may be more
	}
}
