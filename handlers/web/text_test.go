package web

import (
	"strings"
	"testing"
)

func FuzzWhatClientsSayCanBeShown(f *testing.F) {
	f.Add("Prometheus/3.5.0")
	f.Add("a\u202eb\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Printable(text, 10)
		if n := len([]rune(got)); n > 11 || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == '\u202e' }) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
