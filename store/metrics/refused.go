package metrics

import (
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

// saveEvery is the interval at which last refusals are written: they are not
// worth a write each.
const saveEvery = time.Second

// refusedTable is the last refused push of each grouping, which is shown at once
// and written within a second or so.
type refusedTable struct {
	commit.Passive
	*Groupings
	unsaved map[string]unsaved // that the journal does not know yet, by identity
	saveAt  time.Time          // when to write them
	saved   *commit.Batch      // with which they are written
}

// unsaved is a refusal that is not in the journal yet.
type unsaved struct {
	key key.GroupingKey
	at  time.Time
	refusal
}

// Prefix is part of commit.Table.
func (*refusedTable) Prefix() string { return kindRefused }

// Apply is part of commit.Table.
func (t *refusedTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		return nil
	}
	rec, err := decodeRefusal(r.Value)
	if err != nil {
		return err
	}
	tx.Learn(rec.at, rec.ran)
	if g, ok := treesOf(t.In(tx.Snapshot)).groupings.Get(rec.id); ok {
		e := t.change(tx)
		e.setFailure(g, rec)
	}
	return nil
}

// add notes a refusal at a running time.
func (t *refusedTable) add(k key.GroupingKey, r refusal, when time.Time) {
	if len(t.unsaved) == 0 {
		t.saveAt = when.Add(saveEvery)
	}
	t.unsaved[k.ID()] = unsaved{key: k, at: clock.FromNanos(r.at), refusal: r}
}

// Due is part of commit.Table.
func (t *refusedTable) Due(*commit.Snapshot) (time.Time, bool) { return t.saveAt, len(t.unsaved) > 0 }

// Tidy is part of commit.Table.
func (t *refusedTable) Tidy(b *commit.Batch) {
	if b.IsLast() || !t.clock.Now().Before(t.saveAt) {
		t.save(t.table.in(b))
	}
}

// save writes all that the journal does not know yet.
func (t *refusedTable) save(b *batch) {
	t.saved = b.Batch
	for id, u := range t.unsaved {
		if g, ok := treesOf(b.State).groupings.Get(id); ok && g.Failed.Equal(u.at) {
			b.Add(journal.Change{Key: key.RecordKey(kindRefused, u.key), Value: u.refusal.encode()})
		}
	}
}

// Written is part of commit.Writer.
func (t *refusedTable) Written(b *commit.Batch) {
	if t.saved == b {
		clear(t.unsaved)
	}
}

// setFailure notes a refused push to a grouping.
func (e *transaction) setFailure(g *Grouping, r refusal) {
	next := *g
	next.Failed, next.failedRan, next.Failure, next.failureReason = clock.FromNanos(r.at), r.ran, r.message, r.reason
	next.renderTimes()
	e.renew(&next)
}

// refusal is the journal's record of the last refused push to a grouping.
type refusal struct {
	id      string // of the grouping
	at, ran int64  // the stamp, and the ran time
	reason  exposition.Reason
	message string
}

func (r refusal) encode() []byte {
	return record.Marshal(&record.Refusal{Format: record.Format, At: r.at, Ran: r.ran, Reason: string(r.reason), Message: r.message, Id: r.id})
}

func decodeRefusal(b []byte) (refusal, error) {
	var r record.Refusal
	err := record.Unmarshal(b, &r)
	return refusal{id: r.Id, at: r.At, ran: r.Ran, reason: exposition.Reason(r.Reason), message: r.Message}, err
}
