package views

import "context"

// SettingsForm is what a person may choose.
type SettingsForm struct {
	Frame
	Saved  bool
	Fields []Field
	// StaleAfter and OldAfter are the server's, and cannot be chosen.
	StaleAfter, OldAfter string
}

// Field is a setting with all that can be chosen for it.
type Field struct {
	Name, Label string
	Help        string // empty: the choices speak for themselves
	Options     []Option
}

// Option is a value of a Field.
type Option struct {
	Value, Label string
	Chosen       bool
}

type settingsKey struct{}

// WithSettings has components show moments as a person prefers.
func WithSettings(ctx context.Context, s Settings) context.Context {
	return context.WithValue(ctx, settingsKey{}, s)
}

func settingsOf(ctx context.Context) Settings {
	s, _ := ctx.Value(settingsKey{}).(Settings)
	return s
}
