package metrics

import (
	"iter"
	"time"

	"gatehouse/store/clock"
)

// retimed holds corrected times of a grouping where those of its record can't
// be shown, because the clock was wrong or was set.
type retimed struct {
	pushed int64     // as the record has it
	since  time.Time // see Grouping.Since
	reading
}

// reading shows groupings by the state of the clock at one moment.
type reading struct{ clock.Reading }

// shown returns a grouping with its times as they are to be shown: mostly as it
// is.
func (p *State) shown(g *Grouping, ok bool) (*Grouping, bool) {
	if r := (reading{p.clock.Read()}); ok && !r.IsTrue() {
		g = r.retime(g)
	}
	return g, ok
}

// shownAll is shown for many.
func (p *State) shownAll(groups iter.Seq[*Grouping]) iter.Seq[*Grouping] {
	return func(yield func(*Grouping) bool) {
		r := (reading{p.clock.Read()})
		if r.IsTrue() {
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
	x.Pushed, x.Failed = r.Shown(g.Pushed, g.ran), r.Shown(g.Failed, g.failedRan)
	if !g.LastPushSuccessful() && !x.Failed.After(x.Pushed) {
		x.Failed = x.Pushed.Add(time.Millisecond) // or alerts would take it for accepted
	}
	if !g.Expires.IsZero() {
		x.Expires = r.Reckoned(g.Expires, time.Unix(0, g.ends))
	}
	since := r.since(g, x.Pushed)
	if !r.anyAhead(g.body) && x.Pushed.Equal(g.Pushed) && x.Failed.Equal(g.Failed) && x.Expires.Equal(g.Expires) && since.Equal(g.Pushed) {
		return g
	}
	x.retimed = &retimed{pushed: clock.Nanos(g.Pushed), since: since, reading: r}
	x.renderTimes()
	return &x
}

func (r reading) anyAhead(b *body) bool {
	for i := range b.holds {
		if r.IsAhead(b.holds[i].changed) {
			return true
		}
	}
	return false
}

// since returns when the last push of a grouping was by the running time. If
// only its stamp is known, and that is ahead, the shown time counts.
func (r reading) since(g *Grouping, shown time.Time) time.Time {
	if g.Pushed.IsZero() {
		return g.Pushed
	}
	at := r.Place(clock.Nanos(g.Pushed), 0)
	if r.IsOurs(g.ran) {
		at = r.Place(0, g.ran)
	}
	return r.Reckoned(shown, at)
}

// shownChange is when a family was last pushed, as that is to be shown.
func (g *Grouping) shownChange(stamp int64) time.Time {
	switch r := g.retimed; {
	case r == nil:
		return time.Unix(0, stamp)
	case stamp == r.pushed:
		return g.Pushed
	default:
		return r.Shown(time.Unix(0, stamp), 0)
	}
}
