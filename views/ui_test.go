package views

import (
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
	if got := precise(now); got != "2026-11-22 12:00:00 UTC" {
		t.Errorf("got %q", got)
	}
}
