package groupings

import (
	"time"

	"gatehouse/views/ui"
)

// Deleted is a grouping that was deleted or has expired.
type Deleted struct {
	ui.Frame
	Labels []Label
	Kind   string // "delete", "wipe" or "expiry"
	At     time.Time
	By     ui.Client
	Count  int    // of groupings that went with it, itself included; 0: not known
	List   string // the page of all of them; empty: not for this user, or there is none
	Undo   string // where that is undone; empty: it can't be
	Until  time.Time
}

// headline says what has become of the grouping.
func (d Deleted) headline() string {
	switch d.Kind {
	case "wipe":
		return "This grouping was wiped"
	case "expiry":
		return "This grouping has expired"
	}
	return "This grouping was deleted"
}

// verb says how it ended.
func (d Deleted) verb() string {
	switch d.Kind {
	case "wipe":
		return "Wiped"
	case "expiry":
		return "Expired"
	}
	return "Deleted"
}
