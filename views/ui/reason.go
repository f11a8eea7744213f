package ui

// Reason is why a push was refused, in one line. Other is the grouping in its
// middle that the push collides with, and can be empty.
type Reason struct {
	Before, Other, After string
	URL                  string // of the other grouping
}
