package audit

import (
	"context"
	"errors"
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
)

// MaxEntries bounds the activity log where Options don't: the oldest entries go.
const MaxEntries = 100_000

// Options are the rules of the activity log.
type Options struct {
	Retention  time.Duration // how long entries are kept; 0: as many as there may be
	MaxEntries int           // how many there may be; 0: the constant MaxEntries
	Recorded   func(Entry)   // called with each entry once it is durable, in their order; nil: no function is
}

// Log is the activity log of a store. It is safe for concurrent use.
type Log struct {
	engine   *commit.Engine
	clock    *clock.Clock
	o        Options
	refusals *Sums
	denials  *Sums
	table    table
}

// New returns the activity log of an engine.
func New(e *commit.Engine, o Options) *Log {
	if o.MaxEntries <= 0 {
		o.MaxEntries = MaxEntries
	}
	l := &Log{engine: e, clock: e.Clock(), o: o, refusals: NewRefusals(e.Wanted()), denials: NewDenials(e.Wanted())}
	l.table.Log = l
	return l
}

// Table returns the table of the entries.
func (l *Log) Table() commit.Table { return &l.table }

// Find returns the entries that a query asks for, newest first, see the function.
func (l *Log) Find(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	return Find(ctx, l.engine.Journal(), q, func(at time.Time) time.Time { return l.clock.Shown(at, 0) })
}

// NewEntry makes an entry about what happens now in a batch.
func NewEntry(b *commit.Batch, kind Kind, o Origin) Entry {
	return Entry{Operation: OperationIn(b), Kind: kind, At: b.Now, Origin: o}
}

// OperationIn names the operation of now in a batch so that later ones sort behind
// it, and apart from those of that moment before the clock was set back.
func OperationIn(b *commit.Batch) string { return NewOperation(b.Now, b.Rank) }

// Denied is a request that was not let in.
type Denied struct {
	Origin Origin
	Reason string // in words; there are few of them
	What   string // the request, in one line without secrets
}

// Deny notes that a request was not let in: with others of its minute it comes
// on record. It never waits.
func (l *Log) Deny(d Denied) {
	who := d.Origin.From + "\x00" + d.Origin.Via + "\x00" + d.Origin.ID
	l.denials.Add(l.clock.Now(), l.clock.Stamp(), who, exposition.Reason(d.Reason), d.Origin, func() Entry { return Entry{What: Shortened(d.What, MaxMessage)} })
}

// Refused is a push that was refused.
type Refused struct {
	ID, What string // of the grouping: its identity, and its name for people
	Reason   exposition.Reason
	Message  string
	Origin   Origin
}

// Refuse counts a refused push: with others of its minute it comes on record.
func (l *Log) Refuse(when, at time.Time, r *Refused) {
	l.refusals.Add(when, at, r.ID, r.Reason, r.Origin, func() Entry { return Entry{What: r.What, Message: r.Message} })
}

// Entry returns the entry of an operation. It may be gone though the operation
// took place: the log is bounded.
func (l *Log) Entry(ctx context.Context, operation string) (Entry, bool, error) {
	if !IsOperation(operation) {
		return Entry{}, false, nil
	}
	r, err := l.engine.Journal().Read(ctx, Prefix+operation)
	if errors.Is(err, journal.ErrNoRecord) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	x, err := Decode(operation, r.Value)
	x.At = l.clock.Shown(x.At, 0)
	return x, err == nil, err
}
