package access

import (
	"time"

	"gatehouse/views/ui"
)

// Tokens is the list of API tokens.
type Tokens struct {
	ui.Frame
	Search  string
	Clear   string // where the list is without the search
	Total   int
	Rows    []Token
	Pages   ui.Pages
	Revoked bool // one was, just now
}

// Token is an API token as people see it. It holds no secret.
type Token struct {
	ID, Name, Role string
	Hint           string // the last characters of its secret
	Scope          string // a selector; empty: it is not limited
	By             string // its creator; empty: nobody in particular
	Created        time.Time
	LastUsed       time.Time // zero: never
	From           string    // where it was used from
	Expires        time.Time // zero: never
	Expired        bool
	// Unsigned: its creator had not signed in. Refused: therefore it is denied.
	// Fixed: the person at the page can't give it a new secret.
	Unsigned, Refused, Fixed bool
	// OldHint is of the secret that is good until OldUntil beside the new one.
	OldHint  string
	OldUntil time.Time
}

// NewToken is the form on which a token is made.
type NewToken struct {
	ui.Frame
	Name, Scope, Date string // as they were filled in
	Roles, Lifetimes  []ui.Option
	MinDate, MaxDate  string
	Reach             Reach
	// Problems of fields; empty: none.
	NameProblem, RoleProblem, LifetimeProblem string
	Problem                                   string // with none of the fields
}

// Reach says which groupings a limit means.
type Reach struct {
	Limited         bool
	Problem         string // the limit cannot be understood
	Matching, Total int
}

// MadeToken is the only page that shows the secret of a token.
type MadeToken struct {
	ui.Frame
	Token
	Secret  string
	Rotated bool // the token is not new
	Command string
	// Outside says that no grouping came to mind that the token may push to: the
	// one in Command has to be replaced.
	Outside  bool
	Settings string // for Prometheus; empty: it needs no token
}

// TokenRotation asks for how long the old secret is to stay good.
type TokenRotation struct {
	ui.Frame
	Token
	Version  string // which secret is the newest
	Overlaps []ui.Option
	Problem  string
}

// TokenRevocation asks whether a token is to be revoked.
type TokenRevocation struct {
	ui.Frame
	Token
	InDialog bool // of another page, which stays open
	InUse    bool // it was used recently
}

// summary says how many tokens are meant.
func (t Tokens) summary() string {
	all := ui.CountOf(t.Total, "token", "tokens")
	if t.Search == "" {
		return all
	}
	return ui.Number(t.Pages.Total) + " of " + all
}

// text says which groupings are meant.
func (r Reach) text() string {
	switch {
	case !r.Limited:
		return "All groupings: " + ui.Number(r.Total) + " now, and future ones."
	case r.Total == 0:
		return "There are no groupings yet that it could match."
	case r.Matching == 1:
		return "Matches 1 of " + ui.Number(r.Total) + " groupings now."
	}
	return "Matches " + ui.Number(r.Matching) + " of " + ui.Number(r.Total) + " groupings now."
}

// heading says what the page is about.
func (m MadeToken) heading() string {
	if m.Rotated {
		return "New secret created"
	}
	return "Token created"
}
