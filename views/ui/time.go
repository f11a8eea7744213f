package ui

import (
	"fmt"
	"math"
	"strconv"
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

// Moment is a moment in full, for titles.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Roughly puts a measured interval into words, without digits that it does not
// deserve.
func Roughly(d time.Duration) string {
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
	return Span(d.Round(step))
}

// Until puts the time up to a moment into words.
func Until(t, now time.Time) string {
	left := t.Sub(now)
	switch {
	case left < time.Minute:
		return "in a moment"
	case left < time.Hour:
		return fmt.Sprintf("in %d m", left/time.Minute)
	case left < 48*time.Hour:
		return fmt.Sprintf("in %d h", left/time.Hour)
	}
	return fmt.Sprintf("in %d d", left/(24*time.Hour))
}

// Span puts a duration into words: "5 m 30 s".
func Span(d time.Duration) string {
	if text := Duration(d.Seconds()); text != "" {
		return text
	}
	return Significant(d.Seconds(), 3) + " s"
}

// longestDuration is about three million years; beyond it days don't matter.
const longestDuration = 1e14

// Duration is a number of seconds in other units; empty: seconds say it
// best.
func Duration(v float64) string {
	sign, a := "", math.Abs(v)
	if v < 0 {
		sign = "−"
	}
	switch {
	case !(a < longestDuration) || a == 0 || a < 1e-9:
		return ""
	case a < 1e-6:
		return sign + Significant(a*1e9, 3) + " ns"
	case a < 1e-3:
		return sign + Significant(a*1e6, 3) + " µs"
	case a < 1:
		return sign + Significant(a*1e3, 3) + " ms"
	case a < 60:
		return ""
	case a < 3600:
		return sign + twoUnits(a, 60, "m", 1, "s")
	case a < 86400:
		return sign + twoUnits(a, 3600, "h", 60, "m")
	}
	return sign + twoUnits(a, 86400, "d", 3600, "h")
}

// twoUnits splits seconds into a larger unit and, unless nothing is left, a
// smaller one.
func twoUnits(v, large float64, largeName string, small float64, smallName string) string {
	steps := math.Round(v / small)
	perLarge := large / small
	whole := math.Floor(steps / perLarge)
	text := withCommas(strconv.FormatFloat(whole, 'f', 0, 64)) + " " + largeName
	if rest := steps - whole*perLarge; rest > 0 {
		text += " " + strconv.FormatFloat(rest, 'f', 0, 64) + " " + smallName
	}
	return text
}
