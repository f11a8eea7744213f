package store

import (
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// Clock is where a store has the time from. The zero value is the machine's.
type Clock struct {
	// Now is what the clock on the wall says. It may be set at any moment. nil:
	// time.Now.
	Now func() time.Time
	// Elapsed is the time since any moment, on a clock that nobody sets. nil: the
	// monotonic one, or with Now the time that passes on that.
	Elapsed func() time.Duration
}

const (
	// clockTolerance is how far clocks may be apart and count as one: as much as
	// they are set by to keep them right.
	clockTolerance = 5 * time.Second
	// sameMoment is how far the clock may go back so that the next stamp comes
	// behind the last one, and not before it.
	sameMoment = time.Second
	// maxHold is how long a clock that is behind can keep things from expiring.
	maxHold = time.Hour
	// holdCheck is how often it is looked at until then.
	holdCheck = time.Second
	// saveClockEvery is how often it is written how long the store has been running.
	saveClockEvery = time.Minute
)

// clock gives a store three times.
//
// Stamps are what the clock on the wall says; people and scrapers see them. The
// running time is a time.Time that begins with the wall's when the store is
// opened and is never set: whatever lasts for a while, and is due some time,
// goes by it. The ran time goes on from one process to the next, by the time in
// between where that is known, and else as if there was none: records have it
// besides their stamps, so that they are not taken for younger or older because
// the clock was wrong. Its lowest bit says whether the stamp can be relied on: it
// is 0 while the clock is behind other stamps.
type clock struct {
	wall    func() time.Time
	elapsed func() time.Duration

	start time.Time     // of the running time
	began time.Duration // elapsed then
	// What follows up to base is only written before the store is ready.
	//
	// before is what the ran time had reached at the start: that of all records of
	// earlier processes is not above it.
	before int64
	saved  savedClock
	// doubt is the ran time up to which the time between processes is not all in it:
	// what was made until then may be as old as its stamp says.
	doubt int64
	// base is what the wall should have said at the start, in Unix nanoseconds.
	base atomic.Int64

	highest     atomic.Int64 // the newest stamp that there is
	behindAbove atomic.Int64 // likewise, but for those that the clock was behind for too long
	late        time.Time    // since when it is behind the mark; zero: it is not
	newest      int64        // that there was when the store was opened
	wasSet      atomic.Bool  // in steps, since the start
	// askew: something does not expire when its stamps say so.
	askew atomic.Bool

	set  atomic.Int64 // by how much the wall was set since the start
	last atomic.Int64 // by how much at the last look, with what it is set gradually

	holding atomic.Bool // nothing expires
}

func newClock(o Clock) *clock {
	c := &clock{wall: o.Now, elapsed: o.Elapsed}
	switch {
	case c.wall == nil:
		c.wall = time.Now
		if c.elapsed == nil {
			since := time.Now()
			c.elapsed = func() time.Duration { return time.Since(since) }
		}
	case c.elapsed == nil:
		since := c.wall()
		c.elapsed = func() time.Duration { return c.wall().Sub(since) }
	}
	c.start, c.began = c.wall().Round(0), c.elapsed()
	c.base.Store(c.start.UnixNano())
	return c
}

// running is how long the store has been open.
func (c *clock) running() time.Duration { return c.elapsed() - c.began }

// now returns the running time.
func (c *clock) now() time.Time { return c.start.Add(c.running()) }

// ran returns the ran time of a running time, which is about now; 0: it was before
// the first.
func (c *clock) ran(at time.Time) int64 { return c.ranAt(at, c.stamp()) }

// ranAt is ran, given what the clock on the wall says.
func (c *clock) ranAt(at, wall time.Time) int64 {
	ran := c.before + 2 + int64(at.Sub(c.start))
	if ran <= 0 {
		return 0
	}
	if c.isBehind(wall) {
		return ran &^ 1
	}
	return ran | 1
}

// nextRan returns the ran time of a running time, or the one after another.
func (c *clock) nextRan(at, wall time.Time, last int64) int64 {
	ran := c.ranAt(at, wall)
	if ran > last {
		return ran
	}
	return last&^1 + 2 + ran&1
}

// isBehind reports whether the clock is behind stamps that it made itself, or that
// were there before.
func (c *clock) isBehind(wall time.Time) bool {
	return time.Duration(c.behindAbove.Load()-wall.UnixNano()) > clockTolerance
}

// stamp returns what the clock on the wall says, and takes down how far it was
// set since the start.
func (c *clock) stamp() time.Time {
	wall, _ := c.times()
	return wall
}

// times returns what stamp and now do, with one look at each clock.
func (c *clock) times() (wall, now time.Time) {
	wall, now = c.wall().Round(0), c.now()
	set := int64(wall.Sub(now))
	if was := c.set.Load(); time.Duration(set-was).Abs() > clockTolerance {
		c.set.Store(set)
	}
	return wall, now
}

// learn takes in a stamp of a record, and its ran time if it has one, while the
// store is loaded. Times that no clock can say are none.
func (c *clock) learn(stamp, ran int64) {
	c.note(stamp)
	c.before = max(c.before, ran)
}

func (c *clock) note(stamp int64) {
	raise(&c.highest, stamp)
	raise(&c.behindAbove, stamp)
}

func raise(x *atomic.Int64, to int64) {
	for was := x.Load(); to > was && !x.CompareAndSwap(was, to); was = x.Load() {
	}
}

// savedClock is what the journal keeps of the clock.
type savedClock struct {
	at    int64 // the stamp; 0: the clock was behind others
	ran   int64 // the ran time of it
	doubt int64 // as of clock
}

// loaded judges the clock by all that was learnt.
func (c *clock) loaded() {
	c.newest = c.highest.Load()
	start := c.start.UnixNano()
	c.holding.Store(time.Duration(c.newest-start) > clockTolerance)
	closed := start - c.saved.at
	if c.saved.at == 0 || time.Duration(-closed) > clockTolerance {
		c.doubt = c.before // nobody knows how long it was
		return
	}
	c.doubt = c.saved.doubt
	c.before = max(c.before, c.saved.ran+closed)
}

// save returns what is to be kept of the clock.
func (c *clock) save(now time.Time, ran int64) savedClock {
	x := savedClock{at: now.UnixNano(), ran: ran, doubt: c.doubt}
	if time.Duration(c.highest.Load()-x.at) > clockTolerance {
		x.at = 0
	}
	if c.wasSet.Load() {
		x.doubt = c.before // it may have been wrong at the start
	}
	return x
}

// look says whether the clock has caught up with the newest stamp since it was
// looked at last, and how far it was set at once meanwhile. It is for one
// goroutine.
func (c *clock) look() (caughtUp bool, set time.Duration) {
	wall, now := c.times()
	at := int64(wall.Sub(now))
	if set = time.Duration(at - c.last.Swap(at)); set.Abs() <= clockTolerance {
		set = 0
	} else {
		c.wasSet.Store(true)
	}
	c.lookBehind(wall)
	switch {
	case !c.holding.Load():
	case wall.UnixNano() >= c.newest:
		c.base.Store(c.start.UnixNano() + at)
		caughtUp = true
		c.holding.Store(false)
	case c.running() >= maxHold:
		c.holding.Store(false)
	}
	return caughtUp, set
}

// lookBehind has a clock that is behind for long count as right: it was ahead
// before.
func (c *clock) lookBehind(wall time.Time) {
	switch {
	case !c.isBehind(wall):
		c.late = time.Time{}
	case c.late.IsZero():
		c.late = c.now()
	case c.now().Sub(c.late) >= maxHold:
		c.behindAbove.Store(wall.UnixNano())
	}
}

// holdEnds is when the clock keeps nothing from expiring any more at the latest.
func (c *clock) holdEnds() time.Time { return c.start.Add(maxHold) }

// isOurs reports whether a record of that ran time was made by this process.
func (c *clock) isOurs(ran int64) bool { return ran > c.before }

// place returns the running time of what has that stamp and ran time. Where the
// ran time does not say all, and the stamp can be relied on, what other processes
// made is as old as that says, but not from the future, and not younger than the
// store has been running since.
func (c *clock) place(stamp, ran int64) time.Time {
	if c == nil {
		return time.Unix(0, stamp)
	}
	if c.isOurs(ran) {
		return c.start.Add(time.Duration(ran - c.before - 2))
	}
	age := max(0, c.base.Load()-stamp)
	switch {
	case ran > c.doubt || ran > 0 && ran&1 == 0:
		age = c.before - ran
	case ran > 0:
		age = max(age, c.before-ran)
	}
	return c.start.Add(-time.Duration(age))
}

// shownAt returns a running time as the clock on the wall would have said it, had
// it always gone as it goes now.
func (c *clock) shownAt(at time.Time) time.Time { return at.Add(time.Duration(c.set.Load())) }

// ClockStatus is how the clock is doing.
type ClockStatus struct {
	Now time.Time
	// Behind is how far the clock is behind the newest time in the store, if that
	// is more than a few seconds.
	Behind time.Duration
	// Held is until when nothing expires for it at the latest; zero: things do.
	Held time.Time
	// Set is by how much the clock was set since the store was opened, if by more
	// than a few seconds.
	Set time.Duration
}

func (c *clock) status() ClockStatus {
	now := c.stamp()
	x := ClockStatus{Now: now, Set: time.Duration(c.set.Load())}
	if ahead := time.Duration(c.highest.Load() - now.UnixNano()); ahead > clockTolerance {
		x.Behind = ahead
	}
	if c.holding.Load() {
		x.Held = c.shownAt(c.holdEnds())
	}
	return x
}

// Now returns what the clock on the wall says.
func (s *Store) Now() time.Time { return s.clock.stamp() }

// passes reports whether the snapshot holds anything that lasts only for a while.
func (p *Snapshot) passes() bool {
	return p.expiries.Len()+p.deleted.Len()+p.sessions.byKey.Len() > 0
}

// clockTable is how long the store has been running.
type clockTable struct {
	passive
	c      *committer
	saveAt time.Time // when to write it
}

func (*clockTable) prefix() string { return clockKey }

func (t *clockTable) apply(_ *transaction, ev event) error {
	if ev.record.Value == nil {
		return nil
	}
	x, err := decodeClock(ev.record.Value)
	if err != nil {
		return err
	}
	x.ran = min(max(0, x.ran), math.MaxInt64/4)
	t.c.learn(x.at, x.ran)
	if !t.c.settled {
		t.c.clock.saved = x
	}
	return nil
}

func (t *clockTable) due() (time.Time, bool) { return t.saveAt, t.c.durable.passes() }

// tidy writes how long the store has been running, if anything in it lasts only
// for a while.
func (t *clockTable) tidy(b *batch) {
	if !b.passes() || !t.c.finishing && t.c.clock.now().Before(t.saveAt) {
		return
	}
	t.c.tick(b)
	t.saveAt = b.when.Add(saveClockEvery)
	b.add("", journal.Change{Key: clockKey, Value: t.c.clock.save(b.now, b.ran).encode()})
}

func (x savedClock) encode() []byte {
	return record.Marshal(&record.Clock{Format: record.Format, At: x.at, Ran: x.ran, Doubt: x.doubt})
}

func decodeClock(b []byte) (savedClock, error) {
	var r record.Clock
	err := record.Unmarshal(b, &r)
	return savedClock{at: r.At, ran: r.Ran, doubt: r.Doubt}, err
}

// learn takes in the times of a record. Only those that the store had when it was
// opened say anything about the clock.
func (c *committer) learn(stamp, ran int64) {
	if !c.settled {
		c.clock.learn(stamp, min(ran, math.MaxInt64/4))
	}
	c.clock.note(stamp)
}

// mindClock looks at the clock, logs when it was set, and takes in that it has
// caught up.
func (c *committer) mindClock() {
	caughtUp, set := c.clock.look()
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
	c.times.saveAt = c.clock.now()
	c.transactions++
	e := &transaction{Snapshot: c.durable.copy(), id: c.transactions}
	if caughtUp {
		c.settle(e)
	}
	e.touch() // it may show other times
	c.publish(e.Snapshot)
}

// settleClock judges the clock when everything is loaded for the first time.
func (c *committer) settleClock() {
	c.settled = true
	c.clock.loaded()
	c.times.saveAt = c.clock.now().Add(saveClockEvery)
	x := c.clock.status()
	if x.Behind == 0 {
		return
	}
	c.log.Warn("The clock is behind the newest time in the store. Times that are ahead of it are shown as the time of this start, and nothing expires until the clock has caught up, or for an hour. If the clock is right, it was ahead before; if not, set it.",
		slog.Duration("behind", x.Behind.Round(time.Second)), slog.Time("now", x.Now.UTC()), slog.Time("newest", time.Unix(0, c.clock.newest).UTC()))
}

// endOf is when a grouping expires, in Unix nanoseconds of the running time.
func (p *Snapshot) endOf(g *Grouping) int64 {
	at := p.clock.place(nanos(g.Pushed), g.ran)
	return at.Add(g.Expires.Sub(g.Pushed)).UnixNano()
}
