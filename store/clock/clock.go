// Package clock is the time as a store has it: what the clock on the wall says, and
// two times that go on whatever that is set to.
package clock

import (
	"sync/atomic"
	"time"
)

// Source gives a store the time. The zero value is the machine's.
type Source struct {
	// Now returns the wall clock's time, which may be set at any moment. nil:
	// time.Now.
	Now func() time.Time
	// Elapsed is the time since any moment, on a clock that nobody sets. nil: the
	// monotonic one, or with Now the time that passes on that.
	Elapsed func() time.Duration
}

// How clocks are judged.
const (
	// Tolerance is the difference at which two clocks still count as one:
	// clocks are set by as much to keep them right.
	Tolerance = 5 * time.Second
	// SameMoment is how far the clock may go back so that the next stamp still
	// sorts after the last one.
	SameMoment = time.Second
	// maxHold is how long a clock that is behind can keep things from expiring.
	maxHold = time.Hour
	// HoldCheck is the interval at which that is checked.
	HoldCheck = time.Second
)

// Clock gives a store three times.
//
// Stamps are what the clock on the wall says; people and scrapers see them. The
// running time is a time.Time that begins with the wall's when the store is
// opened and is never set: whatever lasts for a while, and is due some time,
// goes by it. The ran time goes on from one process to the next, by the time in
// between where that is known, and else as if there was none: records have it
// besides their stamps, so that they are not taken for younger or older because
// the clock was wrong. Its lowest bit says whether the stamp can be relied on: it
// is 0 while the clock is behind other stamps.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration

	start time.Time     // of the running time
	began time.Duration // elapsed then
	// What follows up to base is only written before the store is ready.
	//
	// before is what the ran time had reached at the start: that of all records of
	// earlier processes is not above it.
	before int64
	saved  Saved
	// doubt is the ran time up to which the time between processes is not all in it:
	// what was made until then may be as old as its stamp says.
	doubt int64
	// base is what the wall should have said at the start, in Unix nanoseconds.
	base atomic.Int64

	highest     atomic.Int64 // the newest stamp that there is
	behindAbove atomic.Int64 // likewise, but for those that the clock was behind for too long
	late        time.Time    // since when it is behind that; zero: it is not
	newest      int64        // that there was when the store was opened
	wasSet      atomic.Bool  // in steps, since the start
	// askew: something does not expire when its stamps say so.
	askew atomic.Bool

	set  atomic.Int64 // by how much the wall was set since the start
	last atomic.Int64 // by how much at the last look, with what it is set gradually

	holding atomic.Bool // nothing expires
}

// New returns a clock that starts now.
func New(o Source) *Clock {
	c := &Clock{wall: o.Now, elapsed: o.Elapsed}
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

// running returns how long the store has been open.
func (c *Clock) running() time.Duration { return c.elapsed() - c.began }

// Now returns the running time.
func (c *Clock) Now() time.Time { return c.start.Add(c.running()) }

// Ran returns the ran time of a running time, which is about now; 0: it was before
// the first.
func (c *Clock) Ran(at time.Time) int64 { return c.RanAt(at, c.Stamp()) }

// RanAt is Ran, given what the clock on the wall says.
func (c *Clock) RanAt(at, wall time.Time) int64 {
	ran := c.before + 2 + int64(at.Sub(c.start))
	if ran <= 0 {
		return 0
	}
	if c.isBehind(wall) {
		return ran &^ 1
	}
	return ran | 1
}

// NextRan returns the ran time of a running time, or the one after another.
func (c *Clock) NextRan(at, wall time.Time, last int64) int64 {
	ran := c.RanAt(at, wall)
	if ran > last {
		return ran
	}
	return last&^1 + 2 + ran&1
}

// isBehind reports whether the clock is behind stamps that it made itself, or that
// were there before.
func (c *Clock) isBehind(wall time.Time) bool {
	return time.Duration(c.behindAbove.Load()-wall.UnixNano()) > Tolerance
}

// Stamp returns what the clock on the wall says, and takes down how far it was
// set since the start.
func (c *Clock) Stamp() time.Time {
	wall, _ := c.Times()
	return wall
}

// Times returns what stamp and now do, with one look at each clock.
func (c *Clock) Times() (wall, now time.Time) {
	wall, now = c.wall().Round(0), c.Now()
	set := int64(wall.Sub(now))
	if was := c.set.Load(); time.Duration(set-was).Abs() > Tolerance {
		c.set.Store(set)
	}
	return wall, now
}

// Learn takes in a stamp of a record, and its ran time if it has one, while the
// store is loaded. Times that no clock can say are none.
func (c *Clock) Learn(stamp, ran int64) {
	c.Note(stamp)
	c.before = max(c.before, ran)
}

// Note takes in a stamp that was made or reported later.
func (c *Clock) Note(stamp int64) {
	raise(&c.highest, stamp)
	raise(&c.behindAbove, stamp)
}

func raise(x *atomic.Int64, to int64) {
	for was := x.Load(); to > was && !x.CompareAndSwap(was, to); was = x.Load() {
	}
}

// Saved is the state of the clock that one process leaves to the next.
type Saved struct {
	At    int64 // the stamp; 0: the clock was behind others
	Ran   int64 // the ran time of it
	Doubt int64 // as of Clock
}

// Restore restores that state, before Loaded.
func (c *Clock) Restore(x Saved) { c.saved = x }

// Loaded judges the clock by all that was learnt.
func (c *Clock) Loaded() {
	c.newest = c.highest.Load()
	start := c.start.UnixNano()
	c.holding.Store(time.Duration(c.newest-start) > Tolerance)
	closed := start - c.saved.At
	if c.saved.At == 0 || time.Duration(-closed) > Tolerance {
		c.doubt = c.before // its length is unknown
		return
	}
	c.doubt = c.saved.Doubt
	c.before = max(c.before, c.saved.Ran+closed)
}

// Save returns what is to be kept of the clock.
func (c *Clock) Save(now time.Time, ran int64) Saved {
	x := Saved{At: now.UnixNano(), Ran: ran, Doubt: c.doubt}
	if time.Duration(c.highest.Load()-x.At) > Tolerance {
		x.At = 0
	}
	if c.wasSet.Load() {
		x.Doubt = c.before // it may have been wrong at the start
	}
	return x
}

// Look says whether the clock has caught up with the newest stamp since it was
// looked at last, and how far it was set at once meanwhile. It is for one
// goroutine.
func (c *Clock) Look() (caughtUp bool, set time.Duration) {
	wall, now := c.Times()
	at := int64(wall.Sub(now))
	if set = time.Duration(at - c.last.Swap(at)); set.Abs() <= Tolerance {
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
func (c *Clock) lookBehind(wall time.Time) {
	switch {
	case !c.isBehind(wall):
		c.late = time.Time{}
	case c.late.IsZero():
		c.late = c.Now()
	case c.Now().Sub(c.late) >= maxHold:
		c.behindAbove.Store(wall.UnixNano())
	}
}

// holdEnds is when the clock keeps nothing from expiring any more at the latest.
func (c *Clock) holdEnds() time.Time { return c.start.Add(maxHold) }

// IsOurs reports whether a record of that ran time was made by this process.
func (c *Clock) IsOurs(ran int64) bool { return ran > c.before }

// Place returns the running time of what has that stamp and ran time. Where the
// ran time does not say all, and the stamp can be relied on, what other processes
// made is as old as that says, but not from the future, and not younger than the
// store has been running since.
func (c *Clock) Place(stamp, ran int64) time.Time {
	if c == nil {
		return time.Unix(0, stamp)
	}
	if c.IsOurs(ran) {
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

// ShownAt returns a running time as the clock on the wall would have said it, had
// it always gone as it goes now.
func (c *Clock) ShownAt(at time.Time) time.Time { return at.Add(time.Duration(c.set.Load())) }

// Status is the state of a clock.
type Status struct {
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

// Status never blocks.
func (c *Clock) Status() Status {
	now := c.Stamp()
	x := Status{Now: now, Set: time.Duration(c.set.Load())}
	if ahead := time.Duration(c.highest.Load() - now.UnixNano()); ahead > Tolerance {
		x.Behind = ahead
	}
	if c.holding.Load() {
		x.Held = c.ShownAt(c.holdEnds())
	}
	return x
}

// Newest is the newest stamp that there was when everything was loaded.
func (c *Clock) Newest() time.Time { return time.Unix(0, c.newest) }

// Holding reports whether nothing expires, because the clock is behind.
func (c *Clock) Holding() bool { return c.holding.Load() }

// NoteAskew notes that something does not expire when its stamps say so.
func (c *Clock) NoteAskew() { c.askew.Store(true) }

// Reached returns the running time of a stamp as the wall should have said it.
func (c *Clock) Reached(at time.Time) time.Time {
	return at.Add(c.start.Sub(time.Unix(0, c.base.Load())))
}
