package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/record"
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

// MaxEntries bounds the activity log: the oldest entries go.
const MaxEntries = 100_000

func (x Entry) encode() []byte {
	return record.Marshal(&record.Entry{
		Format: record.Format, Kind: string(x.Kind), At: x.At.UnixNano(),
		By: x.Origin.By, From: x.Origin.From, Via: x.Origin.Via, Id: x.Origin.ID,
		What: x.What, Count: int64(x.Count), Undoes: x.Undoes, Reason: string(x.Reason), Message: x.Message,
	})
}

func decodeEntry(operation string, b []byte) (Entry, error) {
	var r record.Entry
	err := record.Unmarshal(b, &r)
	return Entry{
		Operation: operation, Kind: EntryKind(r.Kind), At: time.Unix(0, r.At),
		Origin: Origin{By: r.By, From: r.From, Via: r.Via, ID: r.Id},
		What:   r.What, Count: int(r.Count), Undoes: r.Undoes, Reason: exposition.Reason(r.Reason), Message: r.Message,
	}, err
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
	b.add("", journal.Change{Key: kindActivity + x.Operation, Value: x.encode()})
}

// Entry returns the entry of an operation. It may be gone though the operation
// took place: the log is bounded.
func (s *Store) Entry(ctx context.Context, operation string) (Entry, bool, error) {
	if !isOperation(operation) {
		return Entry{}, false, nil
	}
	r, err := s.journal.Read(ctx, kindActivity+operation)
	if errors.Is(err, journal.ErrNoRecord) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	x, err := decodeEntry(operation, r.Value)
	x.At = s.clock.shown(x.At, 0)
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

func (*activityTable) prefix() string { return kindActivity }

func (t *activityTable) reset() { t.entries = 0 }

func (t *activityTable) take(_ *edit, told told) error {
	if told.record.Value != nil {
		t.entries++
		t.c.learn(operationStamp(told.record.Key[len(kindActivity):]), 0)
	}
	return nil
}

func (t *activityTable) due() (at time.Time, ok bool) {
	if len(t.summed) > 0 {
		return t.c.clock.now(), true
	}
	at, ok = t.trimAt, t.c.o.Retention > 0 && t.entries > 0
	for _, x := range []*sums{t.c.refusals, t.c.denials} {
		if next, some := x.due(); some && (!ok || next.Before(at)) {
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
	if now, all := t.c.clock.now(), t.c.finishing; len(t.summed) == 0 { // else the last ones could not be written yet
		t.summed = append(t.c.refusals.take(now, all), t.c.denials.take(now, all)...)
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
		t.c.refusals.addRefusal(b.rejected[i].when, b.rejected[i].at, &b.rejected[i].Rejection)
	}
	for _, p := range b.order {
		switch {
		case !strings.HasPrefix(p.Key, kindActivity):
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
	now := t.c.clock.now()
	over, aged := t.entries-MaxEntries, t.c.o.Retention > 0 && !now.Before(t.trimAt)
	if over <= 0 && !aged {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.c.o.Timeout)
	defer cancel()
	records, err := t.c.journal.Scan(ctx, kindActivity, kindActivity, deleteChunk)
	if err != nil {
		t.c.log.Warn("The activity log can't be trimmed.", "err", err)
		t.trimAt = now.Add(saveEvery)
		return
	}
	oldest := ""
	if aged {
		oldest = kindActivity + operationTime(t.c.clock.stamp().Add(-t.c.o.Retention))
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
