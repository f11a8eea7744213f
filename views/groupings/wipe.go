package groupings

import "gatehouse/views/ui"

// Wipe asks whether everything is to be deleted.
type Wipe struct {
	ui.Frame
	Groupings, Families, Series int
	Undo                        string // for how long it can be undone; empty: it can't
	Word                        string // that has to be typed
	Typed                       string // instead of it
	Problem                     string // why it was not done; empty: it was not asked for yet
}
