// Package access holds the pages about access: signing in and out, the account
// and the API tokens.
package access

import (
	"time"

	"gatehouse/views/ui"
)

// Account shows people their own principal and sessions.
type Account struct {
	ui.Frame
	ID       string // distinguishes the person from all others; empty: nobody in particular
	How      string // the person came in
	Scope    string // the selector of the groupings that count; empty: all do
	Grants   []Grant
	Ends     time.Time        // of this session; zero: there is none
	Idle     string           // after which time without use sessions end; empty: they don't
	Sessions []AccountSession // the last one first
	Why      string           // there is no session; empty: there is one
}

// Grant is something that a role may allow.
type Grant struct {
	Text  string
	Given bool
}

// AccountSession is a session of the signed-in person.
type AccountSession struct {
	Handle                     string // names it in addresses
	This                       bool   // is the one of the person's browser
	Created, LastUsed, Expires time.Time
	From                       string // an address; may be empty
	Browser, UserAgent         string // in our words, and in its own
}
