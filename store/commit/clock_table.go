package commit

import (
	"log/slog"
	"math"
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// saveClockEvery is the interval at which the clock's state is written.
const saveClockEvery = time.Minute

// ClockKey is the key of the record of that.
const ClockKey = "c.clock"

// clockTable keeps how long the store has been running.
type clockTable struct {
	Passive
	c      *committer
	saveAt time.Time // when to write it
}

// Prefix is part of Table.
func (*clockTable) Prefix() string { return ClockKey }

// Apply is part of Table.
func (t *clockTable) Apply(_ *Transaction, r Event) error {
	if r.Value == nil {
		return nil
	}
	x, err := decodeClock(r.Value)
	if err != nil {
		return err
	}
	x.Ran = min(max(0, x.Ran), math.MaxInt64/4)
	t.c.learn(x.At, x.Ran)
	if !t.c.settled {
		t.c.clock.Restore(x)
	}
	return nil
}

// Due is part of Table.
func (t *clockTable) Due(durable *Snapshot) (time.Time, bool) { return t.saveAt, t.c.lasts(durable) }

// Tidy writes how long the store has been running, if anything in it lasts only
// for a while.
func (t *clockTable) Tidy(b *Batch) {
	if !t.c.lasts(b.Snapshot) || !t.c.finishing && t.c.clock.Now().Before(t.saveAt) {
		return
	}
	b.Tick()
	t.saveAt = b.When.Add(saveClockEvery)
	b.Add(journal.Change{Key: ClockKey, Value: encodeClock(t.c.clock.Save(b.Now, b.Ran))})
}

func encodeClock(x clock.Saved) []byte {
	return record.Marshal(&record.Clock{Format: record.Format, At: x.At, Ran: x.Ran, Doubt: x.Doubt})
}

func decodeClock(b []byte) (clock.Saved, error) {
	var r record.Clock
	err := record.Unmarshal(b, &r)
	return clock.Saved{At: r.At, Ran: r.Ran, Doubt: r.Doubt}, err
}

// learn reads the times of a record. Only records that the store had when it
// was opened say anything about the clock.
func (c *committer) learn(stamp, ran int64) {
	if !c.settled {
		c.clock.Learn(stamp, min(ran, math.MaxInt64/4))
	}
	c.clock.Note(stamp)
}

// mindClock looks at the clock, logs when it was set, and takes in that it has
// caught up.
func (c *committer) mindClock() {
	caughtUp, set := c.clock.Look()
	if set != 0 {
		way := "forward"
		if set < 0 {
			way = "back"
		}
		c.log.Warn("The clock was set; what has been pushed since the start keeps its age, and expires when it would have.", "way", way, "by", set.Abs().Round(time.Millisecond))
	}
	if caughtUp {
		c.log.Info("The clock has caught up with the newest time in the store; groupings expire again.")
	}
	if set == 0 && !caughtUp {
		return
	}
	c.times.saveAt = c.clock.Now()
	x := c.newTransaction(c.durable)
	if caughtUp {
		c.settle(&x)
	}
	x.Touch() // it may show other times
	c.publish(x.Snapshot)
}

// settleClock judges the clock when everything is loaded for the first time.
func (c *committer) settleClock() {
	c.settled = true
	c.clock.Loaded()
	c.times.saveAt = c.clock.Now().Add(saveClockEvery)
	x := c.clock.Status()
	if x.Behind == 0 {
		return
	}
	c.log.Warn("The clock is behind the newest time in the store. Times that are ahead of it are shown as the time of this start, and nothing expires until the clock has caught up, or for an hour. If the clock is right, it was ahead before; if not, set it.",
		slog.Duration("behind", x.Behind.Round(time.Second)), slog.Time("now", x.Now.UTC()), slog.Time("newest", c.clock.Newest().UTC()))
}
