// Package settings holds the page on which people choose how pages look and
// behave.
package settings

import "gatehouse/views/ui"

// Form holds the preferences that people can set.
type Form struct {
	ui.Frame
	Saved  bool
	Fields []Field
	// StaleAfter and OldAfter are the server's, and cannot be chosen.
	StaleAfter, OldAfter string
}

// Field is a setting with all that can be chosen for it.
type Field struct {
	Name, Label string
	Help        string // empty: the choices speak for themselves
	Options     []ui.Option
}
