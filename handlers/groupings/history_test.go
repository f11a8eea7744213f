package groupings

import (
	"io"
	"testing"
	"time"

	"gatehouse/store"
)

func TestAGroupingThatIsNotPushedAsUsualIsOverdue(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		every, pushed, refused time.Duration // ago
		want                   bool
	}{
		"in time":           {5 * time.Minute, 14 * time.Minute, 0, false},
		"late":              {5 * time.Minute, 16 * time.Minute, 0, true},
		"refused in time":   {5 * time.Minute, time.Hour, time.Minute, false},
		"refused long ago":  {5 * time.Minute, 16 * time.Minute, time.Hour, true},
		"tried out by hand": {time.Second, time.Minute, 0, false},
		"not known":         {0, 1000 * time.Hour, 0, false},
	} {
		g := &store.Grouping{PushInterval: test.every, Pushed: now.Add(-test.pushed)}
		if test.refused > 0 {
			g.Failed = now.Add(-test.refused)
		}
		if got := isOverdue(g, now); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheBeginningOfATextHasARoom(t *testing.T) {
	for _, test := range []struct {
		writes []string
		want   string
		full   bool
	}{
		{nil, "", false},
		{[]string{"ab\n", "cd\n"}, "ab\ncd\n", false},
		{[]string{"ab\n", "cdefghijk\n"}, "ab\n", true},
		{[]string{"abcdefghijklm"}, "abcdefghij", true},
		{[]string{"aaaaaaaaaé"}, "aaaaaaaaa", true},
		{[]string{"0123456789"}, "0123456789", false},
	} {
		w := beginning{room: 10}
		var err error
		for _, text := range test.writes {
			if _, err = io.WriteString(&w, text); err != nil {
				break
			}
		}
		if got := w.String(); got != test.want || w.full != test.full || (err != nil) != test.full {
			t.Errorf("%q: %q %v %v", test.writes, got, w.full, err)
		}
	}
}
