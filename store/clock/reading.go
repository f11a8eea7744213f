package clock

import "time"

// Reading converts stamps by the state of the clock at one moment.
type Reading struct {
	*Clock
	limit int64 // stamps beyond it are ahead of the clock
}

// Read looks at the clock.
func (c *Clock) Read() Reading {
	if c == nil {
		return Reading{}
	}
	return Reading{c, c.Stamp().Add(Tolerance).UnixNano()}
}

// IsTrue reports whether all stamps, and all times derived from them, can be
// shown as they are.
func (r Reading) IsTrue() bool {
	return r.Clock == nil || !r.askew.Load() && r.set.Load() == 0 && r.highest.Load() <= r.limit
}

// IsAhead reports whether a stamp is ahead of the clock.
func (r Reading) IsAhead(stamp int64) bool { return r.Clock != nil && stamp > r.limit }

// Shown returns a stamp as it is to be shown: one that is ahead of the clock as
// the time when the store was opened, or when this process made it.
func (r Reading) Shown(stamp time.Time, ran int64) time.Time {
	switch {
	case stamp.IsZero() || !r.IsAhead(stamp.UnixNano()):
		return stamp
	case r.IsOurs(ran):
		return r.ShownAt(r.Place(0, ran))
	}
	return r.ShownAt(r.start)
}

// Shown is that of a reading.
func (c *Clock) Shown(stamp time.Time, ran int64) time.Time { return c.Read().Shown(stamp, ran) }

// Reckoned returns a stamp or, where the two differ by more than clocks do, its
// running time.
func (c *Clock) Reckoned(stamp, at time.Time) time.Time {
	if stamp.IsZero() {
		return stamp
	}
	if x := c.ShownAt(at); x.Sub(stamp).Abs() > Tolerance {
		return x
	}
	return stamp
}

// Ahead reports whether the newest stamp is ahead of the clock, and which second
// it is then.
func (r Reading) Ahead() (second int64, ok bool) {
	if r.Clock == nil || r.highest.Load() <= r.limit {
		return 0, false
	}
	return r.limit / int64(time.Second), true
}
