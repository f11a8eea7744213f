// Package groupings holds the pages about groupings: the list, a grouping with
// its history, the form for a push, and deletes with their undo.
package groupings

import (
	"time"

	"gatehouse/views/ui"
)

// Groupings is the list of groupings.
type Groupings struct {
	ui.Frame
	Total    int  // of all groupings
	Matching int  // with the filter
	Filtered bool // not all are asked for

	Search        string
	SearchWithout string         // where the list is without the search; empty: there is none
	Matchers      []Filter       // the filter
	Bad           string         // a matcher that could not be understood
	BadReason     string         // why
	Hidden        []ui.Parameter // further parameters of a form
	Clear         string         // where the list is without filters
	Filter        string         // the filter, as a query
	Meant         []Meant        // similar matchers, where nothing matches

	Facets         []ui.Facet
	Exports        []ui.Choice
	Columns        []ui.Column
	Expiring       bool // some of the rows expire
	Rows           []Row
	From, To       int    // the first and the last row, counted from 1
	Previous, Next string // other pages; empty: there is none
	Sizes          []ui.Choice
	Server         string // where clients push to; only when nothing is there
}

// Filter narrows the list; without it the list is at Without.
type Filter struct{ Text, Without string }

// Row is a grouping in the list.
type Row struct {
	ID       string // in addresses
	Name     string // the grouping in one line
	Chips    []Chip
	More     int // labels that are not shown
	State    string
	Pushed   time.Time
	Pusher   ui.Client // of that push
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

// Menu lists the actions on a grouping of the list.
type Menu struct {
	ui.Frame
	ID     string
	Copies []Copy
}

// Suggestion completes a matcher: Value is inserted, Text is searched.
type Suggestion struct {
	Value, Text string
	Count       int // of groupings
}

// shown are the columns that have something to show.
func (g Groupings) shown() []ui.Column {
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
		return ui.Number(g.Total) + " groupings"
	case g.Matching == 1:
		return "1 of " + ui.Number(g.Total) + " matches"
	}
	return ui.Number(g.Matching) + " of " + ui.Number(g.Total) + " match"
}

// bulkDelete is the address at which the groupings that match are deleted.
func (g Groupings) bulkDelete() string {
	if g.Filter == "" {
		return g.Path("/groupings/delete")
	}
	return g.Path("/groupings/delete?" + g.Filter)
}

// bulkAction is the default target of ticked groupings.
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
