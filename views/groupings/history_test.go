package groupings

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAStripShowsWhenPushesCame(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration, refused bool) Push {
		return Push{At: now.Add(-d), Method: "PUT", Refused: refused}
	}
	for name, test := range map[string]struct {
		pushes []Push
		xs     string
		label  string
	}{
		"none":     {nil, "", ""},
		"one":      {[]Push{ago(time.Hour, false)}, "1.00%", "1 push since 2026-11-22 11:00:00 UTC."},
		"just now": {[]Push{ago(0, false)}, "99%", "1 push since 2026-11-22 12:00:00 UTC."},
		"several":  {[]Push{ago(0, false), ago(time.Minute, true), ago(2*time.Minute, false)}, "99.00% 50.00% 1.00%", "3 pushes since 2026-11-22 11:58:00 UTC, 1 of them refused."},
		"clocks that differ": {
			[]Push{ago(-time.Minute, true), ago(time.Minute, true)},
			"99.00% 1.00%",
			"2 pushes since 2026-11-22 11:59:00 UTC, 2 of them refused.",
		},
		"out of order": {[]Push{ago(time.Minute, false), ago(0, false), ago(time.Minute/2, false)}, "1.00% 99.00% 1.00%", "3 pushes since 2026-11-22 11:59:30 UTC."},
	} {
		s := NewStrip(test.pushes, now)
		var xs []string
		for _, m := range s.Marks {
			xs = append(xs, m.X)
			x, err := strconv.ParseFloat(strings.TrimSuffix(m.X, "%"), 64)
			if err != nil || x < 1 || x > 99 {
				t.Errorf("%s: a mark at %s", name, m.X)
			}
		}
		if got := strings.Join(xs, " "); got != test.xs || s.Label != test.label {
			t.Errorf("%s: %s %q, want %s %q", name, got, s.Label, test.xs, test.label)
		}
	}
}
