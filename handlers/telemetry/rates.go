package telemetry

import (
	"math"
	"sync/atomic"
	"time"
)

// Hour counts what happened in each of the last 60 minutes, the oldest first.
type Hour struct{ Accepted, Refused, Scrapes []int }

// Hour returns what happened in the last hour.
func (m *Metrics) Hour(now time.Time) Hour {
	return Hour{m.lastPushes.hour(now), m.lastRefusals.hour(now), m.lastScrapes.hour(now)}
}

// ratedMinutes is the number of minutes for which events are counted.
const ratedMinutes = 60

// tally counts by the minute how often something happens, for an hour. The zero
// tally is ready for use. It needs nothing that runs beside it and is safe for
// concurrent use.
type tally struct {
	// A slot holds a minute in its upper half, counted from 1970, and in the
	// lower one how often it happened then: both change as one.
	slots [ratedMinutes]atomic.Uint64
}

// add counts something that happens now. A slot of another minute, mostly of
// an hour ago, starts again.
func (t *tally) add(now time.Time) {
	minute := minuteOf(now)
	slot := &t.slots[minute%ratedMinutes]
	for {
		old := slot.Load()
		next := old + 1
		switch {
		case old>>32 != minute:
			next = minute<<32 + 1
		case old&math.MaxUint32 == math.MaxUint32:
			return
		}
		if slot.CompareAndSwap(old, next) {
			return
		}
	}
}

// hour says how often it happened in each of the last minutes, the oldest
// first. The last one is not over yet.
func (t *tally) hour(now time.Time) []int {
	minute := minuteOf(now)
	counts := make([]int, 0, ratedMinutes)
	for m := minute - ratedMinutes + 1; m <= minute; m++ {
		n := 0
		if slot := t.slots[m%ratedMinutes].Load(); slot>>32 == m {
			n = int(slot & math.MaxUint32)
		}
		counts = append(counts, n)
	}
	return counts
}

func minuteOf(t time.Time) uint64 { return uint64(max(t.Unix()/60, ratedMinutes)) }
