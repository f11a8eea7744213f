package views

import "time"

// Removal asks whether a grouping is to be deleted.
type Removal struct {
	Grouping
	Seen    string // the last push, for the form
	Again   bool   // it was pushed after the question was asked first
	Active  bool   // it was pushed so lately that it may come back
	Command string // that does the same
	Undo    string // for how long it can be undone; empty: it can't
}

// Removed tells what a delete did, and offers to take it back.
type Removed struct {
	Frame
	Operation string
	What      string // was named
	Count     int    // of groupings
	By        string
	At, Until time.Time // Until is zero: it can't be undone
	Undone    *Undone   // nil: nothing was undone yet
}

// Undone tells what became of an undo.
type Undone struct {
	Restored int
	Kept     []string // pushed anew since, and left alone
	Refused  []Left   // could not come back
}

// Left is a grouping that could not come back.
type Left struct{ Grouping, Why string }
