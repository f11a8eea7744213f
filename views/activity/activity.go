// Package activity holds the page of the activity log.
package activity

import (
	"time"

	"gatehouse/views/ui"
)

// Activity is the activity log: changes and denied requests.
type Activity struct {
	ui.Frame
	Search, By, From, To string // filters
	Kinds                []Pick
	Filtered             bool   // not everything is asked for
	Older                bool   // newer entries are on pages before
	Clear                string // where the log is without filters
	Newest, Next         string // other pages; empty: there is none
	Kept                 string // how long entries are: "kept for 90 days"
	Exports              []ui.Choice
	Entries              []Entry
}

// Pick is one of several things of which some are picked. A Kind that is no kind
// of entry, but a name for some of them, needs a Label.
type Pick struct {
	Name, Label string
	Picked      bool
}

// Entry is one entry of the activity log.
type Entry struct {
	Operation string // names it
	Kind      string // "delete", "wipe" and so on, see kindWords
	Alike     string // where only entries of that kind are
	At        time.Time
	ui.Client           // empty: the server itself did it
	What      string    // a grouping, a selector, a request, a user or a token; empty: see Kind
	First     bool      // What is only the first of several subjects
	Title     string    // What in full, if it was cut
	URL       string    // of the grouping, if it is one that is held
	Count     int       // of groupings; of a refusal: of pushes; of a denial: of requests; of a sign-out: of sessions
	Why       ui.Reason // of a refusal or a denial
	Detail    string    // of others: what there is to be added
	List      string    // the page of all deleted groupings; empty: none
	Undo      string    // where it is undone; empty: it can't be
	Until     time.Time
}

// kindWords are the kinds of entries as people say them.
var kindWords = map[string]string{
	"delete": "deleted", "wipe": "wiped", "expiry": "expired", "undo": "undone", "import": "imported", "refusal": "refused", "denial": "denied",
	"sign_in": "signed in", "sign_out": "signed out",
	"token_create": "created", "token_rotate": "rotated", "token_revoke": "revoked",
}

// kindWord says what happened in one word.
func kindWord(kind string) string { return kindWords[kind] }

// who names the author of the entry, as far as known.
func (e Entry) who() string {
	switch {
	case e.Known():
		return e.Name()
	case e.Kind == "refusal" || e.Kind == "denial":
		return "several clients"
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
		return "groupings that were not pushed in time"
	case e.Kind == "undo":
		return "a wipe or an expiry"
	case e.Kind == "import":
		return "a Pushgateway persistence file"
	case e.Kind == "refusal":
		return "several groupings"
	case e.Kind == "denial":
		return "various requests"
	}
	return ""
}

// noun names the kind of the subject, where its name does not show it.
func (e Entry) noun() string {
	switch e.Kind {
	case "token_create", "token_rotate", "token_revoke":
		return "token"
	}
	return ""
}

// amount says how many there were; empty: it goes without saying.
func (e Entry) amount() string {
	switch e.Kind {
	case "refusal":
		if e.Count > 1 {
			return ui.CountOf(e.Count, "push", "pushes") + " within a minute"
		}
		return ""
	case "denial":
		switch {
		case e.What == "":
			return ui.CountOf(e.Count, "request", "requests")
		case e.Count > 1:
			return ui.CountOf(e.Count, "request", "requests") + " within a minute"
		}
		return ""
	case "undo":
		return ui.CountOf(e.Count, "grouping", "groupings") + " restored"
	case "sign_out":
		if e.Count > 1 {
			return ui.CountOf(e.Count, "session", "sessions")
		}
		return ""
	case "sign_in", "token_create", "token_rotate", "token_revoke":
		return ""
	}
	switch {
	case e.First && e.Count > 1:
		return "and " + ui.Number(e.Count-1) + " more"
	case e.What != "" && e.Count == 1:
		return ""
	}
	return ui.CountOf(e.Count, "grouping", "groupings")
}

// about names the entry for people who cannot see what a button is beside.
func (e Entry) about() string {
	return kindWord(e.Kind) + " " + e.subject() + ", " + ui.Moment(e.At)
}

// left puts the time that is left until a moment into words.
func left(t, now time.Time) string {
	if d := t.Sub(now); d >= time.Minute {
		return ui.Roughly(d) + " left"
	}
	return "less than a minute left"
}
