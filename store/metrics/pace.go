package metrics

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// pace is the interval at which scraping a grouping is worth while, in seconds.
// It changes rarely: scrapers begin anew whenever it does. Zero: not known yet.
type pace struct {
	steady uint8 // one of paces
	next   uint8 // the pace by the last pushes; 0: the same
	agreed uint8 // how many in a row say next
}

// paces are the intervals that a pace can be, the longest one first.
var paces = [...]uint8{120, 60, 30, 15}

// agreement is the number of pushes in a row that change a pace.
const agreement = 3

// paceOf is the longest of the paces that is no longer than the time between two
// pushes, which is rounded to a second: no clock is better than that.
func paceOf(between time.Duration) uint8 {
	for _, seconds := range paces {
		if between.Round(time.Second) >= time.Duration(seconds)*time.Second {
			return seconds
		}
	}
	return paces[len(paces)-1]
}

// after is the pace once another push has come at that distance from the last. A
// program that pushes in parts does so at once; only to begin with that counts.
func (p pace) after(between time.Duration) pace {
	said := paceOf(between)
	switch {
	case p.steady == 0:
		return pace{steady: said}
	case between.Round(time.Second) == 0:
		return p
	case said == p.steady:
		return pace{steady: p.steady}
	case said != p.next:
		p.next, p.agreed = said, 0
	}
	if p.agreed++; p.agreed >= agreement {
		return pace{steady: said}
	}
	return p
}

// ScrapeInterval returns the interval at which scraping the grouping is worth
// while: the time between its pushes, rounded down to 15s, 30s, 1m or 2m, and
// never less than the first of these. It changes once three pushes in a row
// agree that it has. 0: not known yet.
func (g *Grouping) ScrapeInterval() time.Duration { return time.Duration(g.pace.steady) * time.Second }

func (p pace) append(b []byte) []byte {
	b = appendVarint(b, groupPace, uint64(p.steady))
	b = appendVarint(b, groupNextPace, uint64(p.next))
	return appendVarint(b, groupAgreed, uint64(p.agreed))
}

// take takes a field that append has appended; of others it is nothing.
func (p *pace) take(n protowire.Number, v uint64) {
	switch n {
	case groupPace:
		p.steady = uint8(v)
	case groupNextPace:
		p.next = uint8(v)
	case groupAgreed:
		p.agreed = uint8(v)
	}
}
