package ui

// Toast is a message in the corner of a page.
type Toast struct {
	Text    string // a sentence
	Problem bool   // something did not work
	Undo    string // where what was done is taken back; empty: nowhere
}
