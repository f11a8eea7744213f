package handlertest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// LogLines returns the activity log as a page shows it: a line per entry.
func LogLines(t *testing.T, page string) (lines []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	Must(t, err)
	for n := range root.Descendants() {
		if n.Data == "tr" && strings.HasPrefix(Attribute(n, "id"), "e-") {
			for cell := range n.ChildNodes() {
				if Attribute(cell, "class") == "what" {
					lines = append(lines, WordsOf(cell))
				}
			}
		}
	}
	return lines
}

// Clock is a clock that tests set.
type Clock struct{ At atomic.Int64 }

// StartClock gives the store a clock that begins at a full hour, over an hour ago, and
// goes on by Advance only.
func StartClock(c Setup) *Clock {
	k := &Clock{}
	k.At.Store(time.Now().Add(-2 * time.Hour).Truncate(time.Hour).UnixNano())
	c.Store.Now = func() time.Time { return time.Unix(0, k.At.Load()) }
	return k
}

// Advance moves the clock on.
func (k *Clock) Advance(d time.Duration) { k.At.Add(int64(d)) }
