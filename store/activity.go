package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
)

// What the activity log is made of, see the package audit.
type (
	// Origin tells where a change came from, see audit.Origin.
	Origin = audit.Origin
	// Entry is one entry of the activity log, see audit.Entry.
	Entry = audit.Entry
	// EntryKind says what an entry is about, see audit.Kind.
	EntryKind = audit.Kind
	// ActivityQuery says which entries are asked for, see audit.Query.
	ActivityQuery = audit.Query
)

// Anonymous is the Via of those who need no credential: anybody.
const Anonymous = audit.Anonymous

// What is on record.
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
	// MaxEntries bounds the activity log where Options don't: the oldest entries go.
	MaxEntries = 100_000
	// MaxActivity is how many entries one call of Activity returns at the most.
	MaxActivity = audit.MaxFound
)

// Activity returns the entries that a query asks for, newest first, see
// audit.Find.
func (s *Store) Activity(ctx context.Context, q ActivityQuery) (entries []Entry, next string, err error) {
	return audit.Find(ctx, s.journal, q, func(at time.Time) time.Time { return s.clock.Shown(at, 0) })
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
	s.denials.Add(s.clock.Now(), s.clock.Stamp(), who, exposition.Reason(d.Reason), d.Origin, func() Entry { return Entry{What: audit.Shortened(d.What, audit.MaxMessage)} })
}

// addRefusal counts one refused push.
func addRefusal(x *audit.Sums, when, at time.Time, r *Rejection) {
	x.Add(when, at, r.Key.ID(), r.Reason, r.Origin, func() Entry { return Entry{What: r.Key.String(), Message: r.Message} })
}

func (b *batch) addEntry(x Entry) {
	b.entries = append(b.entries, x)
	b.add("", journal.Change{Key: audit.Prefix + x.Operation, Value: x.Encode()})
}

// Entry returns the entry of an operation. It may be gone though the operation
// took place: the log is bounded.
func (s *Store) Entry(ctx context.Context, operation string) (Entry, bool, error) {
	if !audit.IsOperation(operation) {
		return Entry{}, false, nil
	}
	r, err := s.journal.Read(ctx, audit.Prefix+operation)
	if errors.Is(err, journal.ErrNoRecord) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	x, err := audit.Decode(operation, r.Value)
	x.At = s.clock.Shown(x.At, 0)
	return x, err == nil, err
}

// activityTable is the activity log.
type activityTable struct {
	passive
	c       *committer
	entries int
	trimAt  time.Time // when some of them may be too old
	summed  []Entry   // of what was refused, not yet in the journal
}

func (*activityTable) prefix() string { return audit.Prefix }

func (t *activityTable) reset() { t.entries = 0 }

func (t *activityTable) apply(_ *transaction, ev event) error {
	if ev.record.Value != nil {
		t.entries++
		t.c.learn(audit.OperationStamp(ev.record.Key[len(audit.Prefix):]), 0)
	}
	return nil
}

func (t *activityTable) due() (at time.Time, ok bool) {
	if len(t.summed) > 0 {
		return t.c.clock.Now(), true
	}
	at, ok = t.trimAt, t.c.o.Retention > 0 && t.entries > 0
	for _, x := range []*audit.Sums{t.c.refusals, t.c.denials} {
		if next, some := x.Due(); some && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}

func (t *activityTable) tidy(b *batch) {
	t.addSums(b)
	t.trim(b)
}

// addSums puts on record what was refused in the minutes that are over.
func (t *activityTable) addSums(b *batch) {
	if now, all := t.c.clock.Now(), t.c.finishing; len(t.summed) == 0 { // else the last ones could not be written yet
		t.summed = append(t.c.refusals.Take(now, all), t.c.denials.Take(now, all)...)
	}
	for _, x := range t.summed {
		b.addEntry(x)
	}
}

func (t *activityTable) written(b *batch) {
	if b.tidied {
		t.summed = nil
	}
	for i := range b.rejected {
		x := &b.rejected[i]
		addRefusal(t.c.refusals, x.when, x.at, &x.Rejection)
	}
	for _, p := range b.order {
		switch {
		case !strings.HasPrefix(p.Key, audit.Prefix):
		case p.Value != nil:
			t.entries++
		default:
			t.entries--
		}
	}
	if t.c.o.Recorded == nil {
		return
	}
	for _, x := range b.entries {
		t.c.o.Recorded(x)
	}
}

// trimEvery is how often entries are looked for that are too old.
const trimEvery = time.Hour

// trim drops the oldest entries beyond what the log may hold, and those
// that are too old.
func (t *activityTable) trim(b *batch) {
	now := t.c.clock.Now()
	over, aged := t.entries-t.c.o.MaxEntries, t.c.o.Retention > 0 && !now.Before(t.trimAt)
	if over <= 0 && !aged {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.c.o.Timeout)
	defer cancel()
	records, err := t.c.journal.Scan(ctx, audit.Prefix, audit.Prefix, deleteChunk)
	if err != nil {
		t.c.log.Warn("The activity log can't be trimmed.", "err", err)
		t.trimAt = now.Add(saveEvery)
		return
	}
	oldest := ""
	if aged {
		oldest = audit.OldestKey(t.c.clock.Stamp().Add(-t.c.o.Retention))
		t.trimAt = now.Add(trimEvery)
	}
	for i, r := range records {
		if i >= over && r.Key >= oldest {
			return
		}
		b.add("", journal.Change{Key: r.Key})
	}
	if aged && len(records) == deleteChunk {
		t.trimAt = now // there may be more
	}
}
