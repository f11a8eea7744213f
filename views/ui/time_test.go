package ui

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestTimesArePutIntoWords(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for past, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", 400 * time.Millisecond: "now", time.Second: "1 s ago", 59 * time.Second: "59 s ago",
		time.Minute: "1 m ago", 59*time.Minute + 59*time.Second: "59 m ago", time.Hour: "1 h ago", 47 * time.Hour: "1 d ago", 24 * 400 * time.Hour: "400 d ago",
	} {
		if got := ago(now.Add(-past), now); got != want {
			t.Errorf("%v: %q, want %q", past, got, want)
		}
	}
	if got := Moment(now); got != "2026-11-22 12:00:00 UTC" {
		t.Errorf("got %q", got)
	}
}

func TestIntervalsAreRounded(t *testing.T) {
	for d, want := range map[time.Duration]string{
		430 * time.Millisecond:                "430 ms",
		434*time.Millisecond + 1:              "430 ms",
		999 * time.Millisecond:                "1 s",
		1043 * time.Millisecond:               "1 s",
		1260 * time.Millisecond:               "1.3 s",
		15*time.Second + 3*time.Millisecond:   "15 s",
		59*time.Second + 700*time.Millisecond: "1 m",
		61 * time.Second:                      "1 m",
		301 * time.Second:                     "5 m",
		90 * time.Second:                      "1 m 30 s",
		29*time.Minute + 31*time.Second:       "30 m",
		59*time.Minute + 58*time.Second:       "1 h",
		61 * time.Minute:                      "1 h",
		23*time.Hour + 59*time.Minute:         "1 d",
		25*time.Hour + 40*time.Minute:         "1 d 2 h",
	} {
		if got := Roughly(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestMomentsAreShownAsIsPreferred(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 43, 2, 5, time.UTC)
	at := now.Add(-3 * time.Minute).In(time.FixedZone("", 3600))
	for preferred, want := range map[string]string{
		"":      `<time datetime="2026-11-22T18:40:02.000000005Z" data-ago title="2026-11-22 18:40:02 UTC">3 m ago</time>`,
		"utc":   `<time datetime="2026-11-22T18:40:02.000000005Z" data-ago="title" title="3 m ago">2026-11-22 18:40:02</time>`,
		"local": `<time datetime="2026-11-22T18:40:02.000000005Z" data-local title="3 m ago">2026-11-22 18:40:02 UTC</time>`,
	} {
		var b strings.Builder
		if err := Time(at, now).Render(WithSettings(context.Background(), Settings{Time: preferred}), &b); err != nil || b.String() != want {
			t.Errorf("%q: %s, %v\nwant %s", preferred, b.String(), err, want)
		}
	}
	var b strings.Builder
	if err := Time(at, now).Render(context.Background(), &b); err != nil || !strings.Contains(b.String(), ">3 m ago<") {
		t.Errorf("without settings: %s, %v", b.String(), err)
	}
}
