package views

import (
	"time"
)

// Activity is what was deleted, undone and refused, and what has expired.
type Activity struct {
	Frame
	Search, By, From, To string // what the log was narrowed to
	Kinds                []Pick
	Filtered             bool   // not everything is asked for
	Older                bool   // newer entries are on pages before
	Clear                string // where the log is without filters
	Newest, Next         string // other pages; empty: there is none
	Exports              []Choice
	Entries              []Entry
}

// Pick is one of several things of which some are picked.
type Pick struct {
	Name   string
	Picked bool
}

// Entry is one entry of the activity log.
type Entry struct {
	Operation string // names it
	Kind      string // "delete", "wipe", "expiry", "undo" or "refusal"
	At        time.Time
	By, From  string // empty: nobody had to say, or the server itself did it
	What      string // a grouping or a selector; empty: see Kind
	First     bool   // What is only the first of what it is about
	Title     string // What in full, if it was cut
	URL       string // of the grouping, if it is one that is held
	Count     int    // of groupings; of a refusal: of pushes
	Why       Reason // of a refusal
	List      string // where all that was deleted stands; empty: nowhere
	Undo      string // where it is undone; empty: it can't be
	Until     time.Time
}

// kindWords are the kinds of entries as people say them.
var kindWords = map[string]string{"delete": "deleted", "wipe": "wiped", "expiry": "expired", "undo": "undone", "refusal": "refused"}

// kindWord says what happened in one word.
func kindWord(kind string) string { return kindWords[kind] }

// who did it, as far as anybody had to say.
func (e Entry) who() string {
	switch {
	case e.By != "":
		return e.By
	case e.From != "":
		return e.From
	}
	return "the server"
}

// subject says what it was about where nothing was named.
func (e Entry) subject() string {
	switch {
	case e.What != "":
		return e.What
	case e.Kind == "wipe":
		return "everything"
	case e.Kind == "expiry":
		return "what nobody had pushed in time"
	case e.Kind == "undo":
		return "what was wiped or had expired"
	case e.Kind == "refusal":
		return "several groupings"
	}
	return ""
}

// amount says how many there were; empty: it goes without saying.
func (e Entry) amount() string {
	switch e.Kind {
	case "refusal":
		if e.Count > 1 {
			return countOf(e.Count, "push", "pushes") + " within a minute"
		}
		return ""
	case "undo":
		return countOf(e.Count, "grouping", "groupings") + " back"
	}
	switch {
	case e.First && e.Count > 1:
		return "and " + thousands(e.Count-1) + " more"
	case e.What != "" && e.Count == 1:
		return ""
	}
	return countOf(e.Count, "grouping", "groupings")
}

// about names the entry for those who cannot see what a button stands beside.
func (e Entry) about() string {
	return kindWord(e.Kind) + " " + e.subject() + ", " + precise(e.At)
}

// left puts the time that is left until a moment into words.
func left(t, now time.Time) string {
	if d := t.Sub(now); d >= time.Minute {
		return roughly(d) + " left"
	}
	return "moments left"
}
