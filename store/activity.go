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
	// EntryRefusal is pushes to one grouping that were refused for one reason
	// within a minute.
	EntryRefusal EntryKind = "refusal"
)

// Entry is one entry of the activity log.
type Entry struct {
	Operation string // names it; later ones sort behind earlier ones
	Kind      EntryKind
	At        time.Time
	Origin    Origin
	What      string // the selector or grouping that was named; of an undo: at first
	Count     int    // of groupings; of a refusal: of pushes
	Undoes    string // of an undo: the operation that it undid
	// Of a refusal: why, in a word and, of the first push, in a line.
	Reason  exposition.Reason
	Message string
}

// maxEntries bounds the activity log: the oldest entries go.
const maxEntries = 100_000

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
	return appendString(b, entryMessage, x.Message)
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
		}
		return nil
	})
	return x, err
}

func (b *batch) addEntry(x Entry) {
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
	return x, err == nil, err
}

// trimActivity drops the oldest entries beyond what the log may hold.
func (c *committer) trimActivity(b *batch) {
	over := c.entries - maxEntries
	if over <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	records, err := c.journal.Scan(ctx, kindActivity, kindActivity, min(over, deleteChunk))
	if err != nil {
		c.log.Warn("The activity log can't be trimmed.", "err", err)
		return
	}
	for _, r := range records {
		b.add("", Change{Key: r.Key})
	}
}
