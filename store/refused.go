package store

import (
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// refusedTable is the last refused push of each grouping, which is shown at once
// and written within a second or so.
type refusedTable struct {
	passive
	c       *committer
	unsaved map[string]unsaved // that the journal does not know yet, by identity
	saveAt  time.Time          // when to write them
}

// unsaved is a refusal that is not in the journal yet.
type unsaved struct {
	key GroupingKey
	at  time.Time
	refusal
}

func (*refusedTable) prefix() string { return kindRefused }

func (t *refusedTable) apply(e *transaction, ev event) error {
	if ev.record.Value == nil {
		return nil
	}
	rec, err := decodeRefusal(ev.record.Value)
	if err != nil {
		return err
	}
	t.c.learn(rec.at, rec.ran)
	if g, ok := e.groups.Get(rec.id); ok {
		e.setFailure(g, rec)
	}
	return nil
}

// add notes a refusal at a running time.
func (t *refusedTable) add(k GroupingKey, r refusal, when time.Time) {
	if len(t.unsaved) == 0 {
		t.saveAt = when.Add(saveEvery)
	}
	t.unsaved[k.ID()] = unsaved{key: k, at: clock.FromNanos(r.at), refusal: r}
}

func (t *refusedTable) due() (time.Time, bool) { return t.saveAt, len(t.unsaved) > 0 }

func (t *refusedTable) tidy(b *batch) {
	if t.c.finishing || !t.c.clock.Now().Before(t.saveAt) {
		t.save(b)
	}
}

// save writes all that the journal does not know yet.
func (t *refusedTable) save(b *batch) {
	b.saving = true
	for id, u := range t.unsaved {
		if g, ok := b.groups.Get(id); ok && g.Failed.Equal(u.at) {
			b.add("", journal.Change{Key: recordKey(kindRefused, u.key), Value: u.refusal.encode()})
		}
	}
}

func (t *refusedTable) written(b *batch) {
	if b.saving {
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

// refusal is what the journal keeps of the last refused push to a grouping.
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
