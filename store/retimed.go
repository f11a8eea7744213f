package store

import (
	"iter"
	"time"
)

// reading shows stamps as the clock stands at one moment.
type reading struct {
	*clock
	limit int64 // stamps beyond it are ahead of the clock
}

// read looks at the clock.
func (c *clock) read() reading {
	if c == nil {
		return reading{}
	}
	return reading{c, c.stamp().Add(clockTolerance).UnixNano()}
}

// isTrue reports whether all stamps can be shown as they are, and so can what is
// derived from them.
func (r reading) isTrue() bool {
	return r.clock == nil || !r.askew.Load() && r.set.Load() == 0 && r.highest.Load() <= r.limit
}

// isAhead reports whether a stamp is ahead of the clock.
func (r reading) isAhead(stamp int64) bool { return r.clock != nil && stamp > r.limit }

// shown returns a stamp as it is to be shown: one that is ahead of the clock as
// the time when the store was opened, or when this process made it.
func (r reading) shown(stamp time.Time, ran int64) time.Time {
	switch {
	case stamp.IsZero() || !r.isAhead(stamp.UnixNano()):
		return stamp
	case r.isOurs(ran):
		return r.shownAt(r.place(0, ran))
	}
	return r.shownAt(r.start)
}

// shown is that of a reading.
func (c *clock) shown(stamp time.Time, ran int64) time.Time { return c.read().shown(stamp, ran) }

// reckoned returns a stamp or, where the two are more apart than clocks are, the
// running time that stands for it.
func (c *clock) reckoned(stamp, at time.Time) time.Time {
	if stamp.IsZero() {
		return stamp
	}
	if x := c.shownAt(at); x.Sub(stamp).Abs() > clockTolerance {
		return x
	}
	return stamp
}

// retimed is what a grouping has in addition where some of its times can't be
// shown as the record has them, because the clock was wrong or was set.
type retimed struct {
	pushed int64     // as the record has it
	since  time.Time // see Grouping.Since
	reading
}

// shown returns a grouping with its times as they are to be shown: mostly as it
// is.
func (p *Snapshot) shown(g *Grouping, ok bool) (*Grouping, bool) {
	if r := p.clock.read(); ok && !r.isTrue() {
		g = r.retime(g)
	}
	return g, ok
}

// shownAll is shown for many.
func (p *Snapshot) shownAll(groups iter.Seq[*Grouping]) iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		r := p.clock.read()
		if r.isTrue() {
			groups(yield)
			return
		}
		for g := range groups {
			if !yield(r.retime(g)) {
				return
			}
		}
	}
}

// retime returns the grouping, or a copy of it whose times are not those of its
// record: that copy must not be written.
func (r reading) retime(g *Grouping) *Grouping {
	x := *g
	x.Pushed, x.Failed = r.shown(g.Pushed, g.ran), r.shown(g.Failed, g.failedRan)
	if !g.LastPushSuccessful() && !x.Failed.After(x.Pushed) {
		x.Failed = x.Pushed.Add(time.Millisecond) // or alerts would take it for accepted
	}
	if !g.Expires.IsZero() {
		x.Expires = r.reckoned(g.Expires, time.Unix(0, g.ends))
	}
	since := r.since(g, x.Pushed)
	if !r.anyAhead(g.body) && x.Pushed.Equal(g.Pushed) && x.Failed.Equal(g.Failed) && x.Expires.Equal(g.Expires) && since.Equal(g.Pushed) {
		return g
	}
	x.retimed = &retimed{pushed: nanos(g.Pushed), since: since, reading: r}
	x.renderTimes()
	return &x
}

func (r reading) anyAhead(b *body) bool {
	for i := range b.holds {
		if r.isAhead(b.holds[i].changed) {
			return true
		}
	}
	return false
}

// since is when the last push of a grouping was by the running time. Where only a
// stamp is known of it, and that is ahead, it is what is shown.
func (r reading) since(g *Grouping, shown time.Time) time.Time {
	if g.Pushed.IsZero() {
		return g.Pushed
	}
	at := r.place(nanos(g.Pushed), 0)
	if r.isOurs(g.ran) {
		at = r.place(0, g.ran)
	}
	return r.reckoned(shown, at)
}

// shownChange is when a family was last pushed, as that is to be shown.
func (g *Grouping) shownChange(stamp int64) time.Time {
	switch r := g.retimed; {
	case r == nil:
		return time.Unix(0, stamp)
	case stamp == r.pushed:
		return g.Pushed
	default:
		return r.shown(time.Unix(0, stamp), 0)
	}
}
