package views

import (
	"fmt"
	"strconv"
	"time"
)

// Groupings is the list of groupings.
type Groupings struct {
	Frame
	Total    int  // of all groupings
	Matching int  // of those that are asked for
	Filtered bool // not all are asked for

	Search        string
	SearchWithout string      // where the list is without the search; empty: there is none
	Matchers      []Filter    // what narrows the list
	Bad           string      // a matcher that could not be understood
	BadReason     string      // why
	Hidden        []Parameter // what else a form has to send
	Clear         string      // where the list is without filters
	Filter        string      // what narrows the list, as a query
	Meant         []Meant     // what may have been meant where nothing matches

	Facets         []Facet
	Exports        []Choice
	Columns        []Column
	Expiring       bool // some of the rows expire
	Rows           []Row
	From, To       int    // the first and the last row, counted from 1
	Previous, Next string // other pages; empty: there is none
	Sizes          []Choice
	Server         string // where clients push to; only when nothing is there
}

// Filter narrows the list; without it the list is at Without.
type Filter struct{ Text, Without string }

// Parameter is a hidden input.
type Parameter struct{ Name, Value string }

// Choice is one link of several.
type Choice struct {
	Text, URL string
	Current   bool
}

// Facet is a state with the number of groupings in it; no state: all.
type Facet struct {
	State   string
	Count   int
	URL     string
	Current bool
}

// Column is the head of a column. The link sorts by it; empty: it cannot be
// sorted by.
type Column struct {
	Label, URL, Class string
	Sort              string // aria-sort; empty: by another column
}

// Row is a grouping in the list.
type Row struct {
	ID       string // in addresses
	Name     string // the grouping in one line
	Chips    []Chip
	More     int // labels that are not shown
	State    string
	Pushed   time.Time
	Pusher   Client    // of that push
	Refused  time.Time // if the last push was; why is in Reason
	Reason   string
	Families int
	Series   int
	Bytes    int
	Expires  time.Time // zero: never
}

// Chip is a label. The link narrows the list to it; empty: there is none.
type Chip struct {
	Name, Value, URL string
	Title            string // in full, if it was cut
}

// Meant is a matcher that may have been meant, with the number of groupings that
// it matches.
type Meant struct {
	Text, URL string
	Count     int
}

// Menu is what can be done with a grouping of the list.
type Menu struct {
	Frame
	ID     string
	Copies []Copy
}

// Suggestion completes a matcher: Value is put in, Text is what is looked for.
type Suggestion struct {
	Value, Text string
	Count       int // of groupings
}

// shown are the columns that have something to show.
func (g Groupings) shown() []Column {
	if g.Expiring || len(g.Columns) == 0 {
		return g.Columns
	}
	return g.Columns[:len(g.Columns)-1]
}

// summary says how many of the groupings are meant.
func (g Groupings) summary() string {
	switch {
	case !g.Filtered && g.Total == 1:
		return "1 grouping"
	case !g.Filtered:
		return thousands(g.Total) + " groupings"
	case g.Matching == 1:
		return "1 of " + thousands(g.Total) + " matches"
	}
	return thousands(g.Matching) + " of " + thousands(g.Total) + " match"
}

// bulkDelete is where the groupings that match are deleted.
func (g Groupings) bulkDelete() string {
	if g.Filter == "" {
		return g.Path("/groupings/delete")
	}
	return g.Path("/groupings/delete?" + g.Filter)
}

// bulkAction is where ticked groupings go when nothing else is said.
func (g Groupings) bulkAction() string {
	if g.User.MayAdminister {
		return g.Path("/groupings/delete")
	}
	return g.Path("/export")
}

// example pushes a first metric.
func (g Groupings) example() string {
	credential := ""
	if !g.Open {
		credential = " -H \"Authorization: Bearer $TOKEN\""
	}
	return "echo \"backup_last_success_timestamp_seconds $(date +%s)\" |\n" +
		"  curl" + credential + " --data-binary @- " + g.Server + "/metrics/job/backup"
}

// thousands writes a number as people read it.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// byteSize writes a number of bytes as people read it.
func byteSize(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n) + " B"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// until puts the time up to a moment into words.
func until(t, now time.Time) string {
	left := t.Sub(now)
	switch {
	case left < time.Minute:
		return "in a moment"
	case left < time.Hour:
		return fmt.Sprintf("in %d m", left/time.Minute)
	case left < 48*time.Hour:
		return fmt.Sprintf("in %d h", left/time.Hour)
	}
	return fmt.Sprintf("in %d d", left/(24*time.Hour))
}

// trueOrFalse is the value of an attribute that is true or false.
func trueOrFalse(is bool) string { return strconv.FormatBool(is) }
