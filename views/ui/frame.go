// Package ui holds what several pages share: the shell around their content,
// small components, and how moments, durations, numbers and sizes are written.
package ui

import (
	"time"

	"gatehouse/static"
)

// Frame is everything that a page shows around its content.
type Frame struct {
	Prefix  string // of all paths
	Title   string // of the page
	Section string // the current one in the navigation
	User    User
	Now     time.Time
	Version string
	Open    bool // strangers may do everything
	// Exposure says what strangers may do, in a whole sentence; empty: nothing.
	Exposure string
	// AllAdmin names the issuers by which everyone is admin.
	AllAdmin []string
	// Live names the part of the page that follows what happens; empty: none.
	Live string
	// DataVersion is the server's version of the data before the page was made.
	DataVersion string
	Settings    Settings
	Reload      int // seconds until the page asks again by itself; 0: it does not
	// LeadsTo is the address to which the page moves on at once; empty: it
	// stays.
	LeadsTo string
}

// User is the person at a page, and what to offer to them.
type User struct {
	Name, Role             string
	SignedIn               bool   // by a session, which can be ended
	SignInURL              string // where signing in grants more; empty: it is not offered
	MayPush, MayAdminister bool
	MayDelete              bool // on pages, and undo that, and run examples
}

// Path is the address of a path of ours, wherever the server is mounted.
func (f Frame) Path(path string) string { return f.Prefix + path }

// Static is the address of a file that pages load.
func (f Frame) Static(name string) string { return f.Prefix + static.Path(name) }

// section is a link of the navigation.
type section struct {
	name, label, path string
	admin             bool // for admins only
}

var sections = []section{
	{"groupings", "Groupings", "/", false},
	{"targets", "Targets", "/targets", false},
	{"activity", "Activity", "/activity", true},
	{"tokens", "Tokens", "/tokens", true},
	{"docs", "Docs", "/docs", false},
	{"status", "Status", "/status", false},
}
