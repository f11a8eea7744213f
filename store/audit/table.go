package audit

import (
	"context"
	"strings"
	"time"

	"gatehouse/store/commit"
	"gatehouse/store/journal"
)

// table is the records of the activity log.
type table struct {
	commit.Passive
	*Log
	entries int
	trimAt  time.Time // when some of them may be too old
	summed  []Entry   // of refusals and denials, not yet in the journal

	batch    *commit.Batch // the one that was added to last
	added    []added       // in it
	rejected []rejected    // likewise
}

// Prefix is part of commit.Table.
func (*table) Prefix() string { return Prefix }

// Reset is part of commit.Resetter.
func (t *table) Reset() { t.entries = 0 }

// Apply is part of commit.Table.
func (t *table) Apply(x *commit.Transaction, r commit.Event) error {
	if r.Value != nil {
		t.entries++
		x.Learn(OperationStamp(r.Key[len(Prefix):]), 0)
	}
	return nil
}

// Due is part of commit.Table.
func (t *table) Due(*commit.Snapshot) (at time.Time, ok bool) {
	if len(t.summed) > 0 {
		return t.clock.Now(), true
	}
	at, ok = t.trimAt, t.o.Retention > 0 && t.entries > 0
	for _, x := range []*Sums{t.refusals, t.denials} {
		if next, some := x.Due(); some && (!ok || next.Before(at)) {
			at, ok = next, true
		}
	}
	return at, ok
}

// Tidy is part of commit.Table.
func (t *table) Tidy(b *commit.Batch) {
	t.addSums(b)
	t.trim(b)
}

// addSums puts on record what was refused in the minutes that are over.
func (t *table) addSums(b *commit.Batch) {
	if now, all := t.clock.Now(), b.IsLast(); len(t.summed) == 0 { // else the last ones could not be written yet
		t.summed = append(t.refusals.Take(now, all), t.denials.Take(now, all)...)
	}
	for _, x := range t.summed {
		t.Add(b, x)
	}
}

// rejected is a refused push with its times.
type rejected struct {
	when, at time.Time // the running time, and the stamp
	Refused
}

// in begins to collect what is added to a batch.
func (t *table) in(b *commit.Batch) {
	if t.batch != b {
		t.batch, t.added, t.rejected = b, t.added[:0], t.rejected[:0]
	}
}

// added is an entry of a batch.
type added struct {
	Entry
	Part
}

// Part is the place of an entry among those of an operation that takes several
// commits: each one replaces the entry before it.
type Part struct {
	Again bool // there is one before it
	More  bool // there will be one behind it; only the last one is reported to Recorded
}

// Add puts an entry on record with a batch. It is for the committer's goroutine.
func (l *Log) Add(b *commit.Batch, x Entry) { l.AddPart(b, x, Part{}) }

// AddPart is Add for an operation that takes several commits.
func (l *Log) AddPart(b *commit.Batch, x Entry, p Part) {
	l.table.in(b)
	l.table.added = append(l.table.added, added{x, p})
	b.Add(journal.Change{Key: Prefix + x.Operation, Value: x.Encode()})
}

// RefuseIn is Refuse for a push that the store refuses in a batch, once that is
// durable. It is for the committer's goroutine.
func (l *Log) RefuseIn(b *commit.Batch, r Refused) {
	l.table.in(b)
	l.table.rejected = append(l.table.rejected, rejected{b.When, b.Now, r})
}

// Written is part of commit.Writer.
func (t *table) Written(b *commit.Batch) {
	if b.IsTidied() {
		t.summed = nil
	}
	t.in(b)
	for i := range t.rejected {
		x := &t.rejected[i]
		t.Refuse(x.when, x.at, &x.Refused)
	}
	for _, w := range b.Writes() {
		if w.Value == nil && strings.HasPrefix(w.Key, Prefix) {
			t.entries--
		}
	}
	for _, x := range t.added {
		if !x.Again {
			t.entries++
		}
		if t.o.Recorded != nil && !x.More {
			t.o.Recorded(x.Entry)
		}
	}
	clear(t.added)
	clear(t.rejected)
	t.in(nil)
}

// trimEvery is the interval of the search for entries that are too old.
const trimEvery = time.Hour

// trim drops the oldest entries beyond what the log may hold, and those
// that are too old.
func (t *table) trim(b *commit.Batch) {
	now := t.clock.Now()
	over, aged := t.entries-t.o.MaxEntries, t.o.Retention > 0 && !now.Before(t.trimAt)
	if over <= 0 && !aged {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.engine.Timeout())
	defer cancel()
	records, err := t.engine.Journal().Scan(ctx, Prefix, Prefix, commit.Chunk)
	if err != nil {
		t.engine.Log().Warn("The activity log can't be trimmed.", "err", err)
		t.trimAt = now.Add(commit.RetryAfter)
		return
	}
	oldest := ""
	if aged {
		oldest = OldestKey(t.clock.Stamp().Add(-t.o.Retention))
		t.trimAt = now.Add(trimEvery)
	}
	for i, r := range records {
		if i >= over && r.Key >= oldest {
			return
		}
		b.Add(journal.Change{Key: r.Key})
	}
	if aged && len(records) == commit.Chunk {
		t.trimAt = now // there may be more
	}
}
