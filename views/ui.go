package views

import (
	"fmt"
	"time"
)

// ago puts the time between two moments into words, as app.js does. What has
// not happened yet is now: clocks differ.
func ago(t, now time.Time) string {
	past := now.Sub(t).Round(time.Second)
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if past >= u.size {
			return fmt.Sprintf("%d %s ago", past/u.size, u.name)
		}
	}
	return "now"
}

// precise is a moment in full, for titles.
func precise(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Toast is a message in the corner of a page.
type Toast struct {
	Text    string // a sentence
	Problem bool   // something did not work
	Undo    string // where what was done is taken back; empty: nowhere
}

// roughly puts a measured interval into words, without digits that it does not
// deserve.
func roughly(d time.Duration) string {
	step := time.Hour
	for _, s := range []struct{ below, step time.Duration }{
		{time.Second, 10 * time.Millisecond},
		{10 * time.Second, 100 * time.Millisecond},
		{time.Minute, time.Second},
		{10 * time.Minute, 5 * time.Second},
		{time.Hour, time.Minute},
		{24 * time.Hour, 5 * time.Minute},
	} {
		if d < s.below {
			step = s.step
			break
		}
	}
	return briefly(d.Round(step))
}

// briefly puts a duration into words.
func briefly(d time.Duration) string {
	if text := durationText(d.Seconds()); text != "" {
		return text
	}
	return significant(d.Seconds(), 3) + " s"
}
