package groupings

import (
	"strconv"
	"time"

	"gatehouse/views/ui"
)

// Removal asks whether a grouping is to be deleted.
type Removal struct {
	Grouping
	InDialog     bool          // of another page, which stays open
	Version      string        // the last push, for the form
	Again        bool          // it was pushed after the question was asked first
	Active       bool          // it was pushed so recently that it may come back
	PushInterval time.Duration // how often it is pushed; 0: that is not known
	Command      string        // that does the same
	Undo         string        // for how long it can be undone; empty: it can't
}

// BulkRemoval asks whether many groupings are to be deleted.
type BulkRemoval struct {
	ui.Frame
	InDialog bool // of another page, which stays open

	Filter     string // the filter, in words
	Named      bool   // one by one, not by a filter
	Everything bool   // nothing narrows it
	Count      int    // of groupings
	Missing    int    // named groupings that do not exist
	Families   int
	Series     int

	Active         int    // of them were pushed so recently that they come back
	Exclude        string // where they are left out; empty: nowhere
	Jobs           []JobCount
	OtherJobs      int
	Oldest, Newest time.Time   // last pushes
	First          []ui.Choice // some of the groupings by name
	Download       string      // where all of them are; empty: nowhere
	Undo           string      // for how long it can be undone; empty: it can't
	Command        string      // that does the same; empty: there is none
	Hidden         []ui.Parameter
	Cancel         string // where to go instead

	MustType bool // the number of groupings, before they are deleted
	Typed    string
	Wrong    bool // something else was typed

	Changed     bool // since the question was asked first
	Before      int  // groupings were meant then
	PushedSince int
}

// JobCount is a job with the number of its groupings.
type JobCount struct {
	Job   string
	Count int
}

// Removed says what a delete did, and offers to take it back.
type Removed struct {
	ui.Frame
	Operation string
	Kind      string // how the groupings ended: "delete", "wipe" or "expiry"
	What      string // was named
	Count     int    // of groupings
	Named     []ui.Choice
	Unnamed   int // groupings that can come back and are not among those
	Kept      int // groupings that were pushed while the others were deleted
	By        string
	At, Until time.Time // Until is zero: it can't be undone
	Undone    *Undone   // nil: nothing was undone yet
}

// Undone says what became of an undo.
type Undone struct {
	Restored int
	Kept     []string // pushed anew since, and left alone
	Refused  []Left   // could not come back
}

// restored says how much came back.
func (u Undone) restored() string {
	if u.Restored == 0 {
		return "Nothing was restored."
	}
	return CountGroupings(u.Restored) + " restored."
}

// Left is a grouping that could not come back.
type Left struct{ Grouping, Why string }

// CountGroupings is a number of groupings in words.
func CountGroupings(n int) string { return ui.CountOf(n, "grouping", "groupings") }

// heading says what the page is about.
func (r Removed) heading() string {
	switch r.Kind {
	case "wipe":
		return "Everything was deleted"
	case "expiry":
		return "Expired groupings"
	}
	return "Deleted"
}

// verb says how the groupings ended.
func (r Removed) verb() string {
	if r.Kind == "expiry" {
		return "expired"
	}
	return "deleted"
}

// heading asks the question.
func (r BulkRemoval) heading() string {
	switch {
	case r.Count == 0:
		return "Nothing to delete"
	case r.Everything && r.Count > 1:
		return "Delete all " + ui.Number(r.Count) + " groupings?"
	}
	return "Delete " + CountGroupings(r.Count) + "?"
}

// change says what has changed since the question was asked first.
func (r BulkRemoval) change() string {
	text := "Nothing was deleted, because the selection changed in the meantime: "
	if r.PushedSince > 0 {
		text += ui.CountOf(r.PushedSince, "of the groupings was", "of the groupings were") + " pushed again, and "
	}
	if r.Count == r.Before {
		return text + "it now contains other groupings. Check it again."
	}
	return text + "it had " + CountGroupings(r.Before) + " and now has " + ui.Number(r.Count) + ". Check it again."
}

// number has to be typed to confirm.
func (r BulkRemoval) number() string { return strconv.Itoa(r.Count) }

// them are the groupings that come back.
func (r BulkRemoval) them() string {
	if r.Active == 1 {
		return "it"
	}
	return "them"
}
