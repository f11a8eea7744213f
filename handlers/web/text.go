package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatehouse/views/ui"
)

// How much of a text is shown, in characters.
const (
	MaxValue   = 80  // of a label's value in a list
	MaxName    = 120 // of a grouping that is named in passing
	MaxReason  = 300 // of why a push was refused
	MaxClient  = 60  // of a client's name
	MaxSubject = 200 // of what an entry of a record is about
)

// Shorten cuts a text after so many characters.
func Shorten(s string, characters int) string {
	n := 0
	for i := range s {
		if n == characters {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// Clipped cuts a text that is quoted after so many bytes that it fits into a line.
func Clipped(s string) string { return s[:min(len(s), 60)] }

// Sentence makes one of an error's text.
func Sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// maxPlain bounds the bytes of a client's text that are looked at.
const maxPlain = 1 << 10

// Printable makes text of a client's fit to be kept and shown: a bounded number of
// characters, all of which can be seen.
func Printable(text string, characters int) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxPlain)], "\uFFFD")
	return Shorten(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text), characters)
}

// Visible makes a text of a client's fit to be shown: all of its characters can
// be seen.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// QuoteShell makes one word of a text for any POSIX shell.
func QuoteShell(s string) string {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(":/._@=%+-", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isPlain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Counted returns a number with what there is one of, or several.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return ui.Number(n) + " " + many
}

// InWords is a duration for people.
func InWords(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "1 hour"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + " hours"
	}
	return d.String()
}
