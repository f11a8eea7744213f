package ui

import (
	"testing"
	"time"
)

func TestSizesAndSpansAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{16 << 20: "16 MiB", 1 << 30: "1 GiB", 3 << 10: "3 KiB", 1500: "1.5 kB", 0: "0 B", 2_500_000_000: "2.5 GB"} {
		if got := Limit(n); got != want {
			t.Errorf("the limit %d is %q, want %q", n, got, want)
		}
	}
	if got := Size(16 << 20); got != "16.8 MB" {
		t.Errorf("got %q", got)
	}
	for d, want := range map[time.Duration]string{0: "0 s", 3 * time.Second: "3 s", 90 * time.Minute: "1 h 30 m", 24 * time.Hour: "1 d", 10 * time.Millisecond: "10 ms"} {
		if got := Span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
