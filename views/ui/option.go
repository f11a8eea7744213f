package ui

// Option is one of the values that can be chosen in a form.
type Option struct {
	Value, Label string
	Chosen       bool
}
