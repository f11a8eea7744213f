package ui

import "context"

// Settings are a person's preferences. The zero Settings are the defaults.
type Settings struct {
	Theme    string // "light" or "dark"; empty: as the system has it
	Time     string // "utc" or "local"; empty: how long ago
	Compact  bool   // narrow rows
	Rows     int    // of a page of the list; 0: the usual number
	Still    bool   // pages don't follow what happens by themselves
	Keyless  bool   // no shortcuts on single keys
	Language string // of examples; empty: curl
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
