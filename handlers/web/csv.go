package web

import (
	"strings"
	"time"
)

// Moment is a time in RFC 3339; empty: never.
func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Cell keeps spreadsheets from taking a text for a formula.
func Cell(text string) string {
	if text != "" && strings.Contains("=+-@\t\r", text[:1]) {
		return "'" + text
	}
	return text
}
