// Package statuspage holds the page on how the server is doing and how it was set
// up.
package statuspage

import (
	"strconv"
	"time"

	"gatehouse/views/ui"
)

// Status describes the state and the configuration of the server.
type Status struct {
	ui.Frame
	Problem  string    // why it can't commit changes, a sentence; empty: it can
	Since    time.Time // of Problem; zero: not known
	Warnings []string  // sentences
	Admins   []string  // sentences on the admins by an issuer
	Rates    []Rate
	Groups   []FactGroup
	Methods  []Method
	Bypass   string // the rule for clients on the same machine
	Links    []ui.Choice
	Flags    FlagTable
	Wipe     bool // this user may delete everything
	WipeOff  bool // it could, if that was enabled
}

// FactGroup is facts under one heading.
type FactGroup struct {
	Title string
	Facts []Fact
}

// Fact is a line of the status: a text, or a moment.
type Fact struct {
	Name, Text string
	At         time.Time // zero: Text says it all
	Bad        bool
}

// Method is a way to come in.
type Method struct{ Name, Grants, Detail string }

// Rate counts an event in each of the last minutes, the oldest first. The last
// one is not over yet.
type Rate struct {
	Name   string // "Pushes accepted"
	Counts []int
	Bad    bool // it should not happen
}

// FlagTable is flags, and the search that found them.
type FlagTable struct {
	Search string
	Flags  []Flag
	Total  int // of all flags
}

// Flag is a flag of the program. Changed: it is not as it is without being set.
type Flag struct {
	Name, Value, Default, From, Help string
	Changed                          bool
}

// summary says how many flags are shown.
func (t FlagTable) summary() string {
	if len(t.Flags) == t.Total {
		return ui.CountOf(t.Total, "flag", "flags")
	}
	return ui.Number(len(t.Flags)) + " of " + ui.CountOf(t.Total, "flag", "flags")
}

// word says in a word how the server is doing.
func (s Status) word() string {
	if s.Problem != "" {
		return "cannot commit"
	}
	return "healthy"
}

// The strip of a Rate is so large in units of its own; it is stretched to the
// page.
const (
	stripStep   = 10
	stripHeight = 32
)

// now is the minute that is not over yet, before the one before it.
func (r Rate) now() int    { return r.back(1) }
func (r Rate) before() int { return r.back(2) }

func (r Rate) back(n int) int {
	if len(r.Counts) < n {
		return 0
	}
	return r.Counts[len(r.Counts)-n]
}

func (r Rate) total() int {
	total := 0
	for _, n := range r.Counts {
		total += n
	}
	return total
}

func (r Rate) highest() int {
	highest := 0
	for _, n := range r.Counts {
		highest = max(highest, n)
	}
	return highest
}

// label says in a sentence what is to be seen.
func (r Rate) label() string {
	return r.Name + " per minute in the last hour: " + ui.Number(r.now()) + " this minute, " + ui.Number(r.before()) + " the previous minute, peak " +
		ui.Number(r.highest()) + ", total " + ui.Number(r.total())
}

// strip draws the rate. What happened once can still be seen.
func (r Rate) strip() []ui.Bar {
	highest := r.highest()
	var bars []ui.Bar
	for i, n := range r.Counts {
		if n == 0 {
			continue
		}
		height := max(2, float64(n)/float64(highest)*stripHeight)
		bars = append(bars, ui.Bar{
			X: strconv.Itoa(i * stripStep), Width: strconv.Itoa(stripStep - 2),
			Y: ui.Significant(stripHeight-height, 4), Height: ui.Significant(height, 4),
			Title: minutesAgo(len(r.Counts)-1-i) + ": " + ui.Number(n),
		})
	}
	return bars
}

func minutesAgo(n int) string {
	if n == 0 {
		return "this minute"
	}
	return strconv.Itoa(n) + " m ago"
}
