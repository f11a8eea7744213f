package groupings

import (
	"fmt"
	"time"

	"gatehouse/views/ui"
)

// Push is a push to a grouping.
type Push struct {
	At               time.Time
	Method           string
	Effect           string // on the grouping, in words
	Bytes            int
	Families, Series int
	Pusher           ui.Client
	Refused          bool
	Why              ui.Reason // if it was refused
}

// Strip shows when pushes came, from the oldest up to now.
type Strip struct {
	Label string // the same in a sentence
	Marks []Mark
}

// Mark is a push on a strip.
type Mark struct {
	X       string // in percent of the width
	Refused bool
	Title   string
}

// NewStrip places pushes, the newest first, on a strip that ends now.
func NewStrip(pushes []Push, now time.Time) Strip {
	if len(pushes) == 0 {
		return Strip{}
	}
	oldest, newest := pushes[len(pushes)-1].At, pushes[0].At
	end := now
	if newest.After(end) {
		end = newest // clocks differ
	}
	s := Strip{}
	refused := 0
	for _, p := range pushes {
		m := Mark{X: percent(p.At.Sub(oldest), end.Sub(oldest)), Refused: p.Refused, Title: p.Method + ", " + ui.Moment(p.At)}
		if p.Refused {
			refused++
			m.Title += ", refused"
		}
		s.Marks = append(s.Marks, m)
	}
	s.Label = ui.CountOf(len(pushes), "push", "pushes") + " since " + ui.Moment(oldest)
	if refused > 0 {
		s.Label += ", " + ui.Number(refused) + " of them refused"
	}
	s.Label += "."
	return s
}

// percent is where on the strip a part of the whole time ends. Marks at both
// ends stay inside.
func percent(part, whole time.Duration) string {
	if whole <= 0 {
		return "99%"
	}
	return fmt.Sprintf("%.2f%%", 1+98*min(1, max(0, float64(part)/float64(whole))))
}
