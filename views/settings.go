package views

import (
	"context"
	"time"
)

// SettingsForm is what a person may choose, and who that person is.
type SettingsForm struct {
	Frame
	Saved  bool
	Fields []Field
	// StaleAfter and OldAfter are the server's, and cannot be chosen.
	StaleAfter, OldAfter string
	How                  string    // the person came in
	Ends                 time.Time // of the session; zero: there is none
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
