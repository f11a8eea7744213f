package telemetry

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestATallyCountsTheLastHourByTheMinute(t *testing.T) {
	start := time.Date(2026, 11, 22, 18, 0, 30, 0, time.UTC)
	var x tally
	want := func(when string, now time.Time, at map[int]int) {
		t.Helper()
		counts := make([]int, ratedMinutes)
		for i, n := range at {
			counts[ratedMinutes-1-i] = n
		}
		if got := x.hour(now); !slices.Equal(got, counts) {
			t.Errorf("%s: %v\nwant %v", when, got, counts)
		}
	}
	want("at first", start, nil)
	x.add(start)
	x.add(start.Add(29 * time.Second))
	x.add(start.Add(30 * time.Second))
	want("a minute later", start.Add(time.Minute), map[int]int{0: 1, 1: 2})
	want("after 59 minutes", start.Add(59*time.Minute), map[int]int{58: 1, 59: 2})
	want("after an hour", start.Add(time.Hour), map[int]int{59: 1})
	want("after two", start.Add(2*time.Hour), nil)
	x.add(start.Add(time.Hour))
	want("where the ring starts again", start.Add(time.Hour), map[int]int{0: 1, 59: 1})
	want("of a clock that was set back", start, nil)
	x.add(start)
	want("what happens then", start, map[int]int{0: 1})
	want("before 1970", time.Unix(-1e9, 0), nil)
}

func TestATallyEndsAtWhatItCanHold(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	var x tally
	x.slots[minuteOf(now)%ratedMinutes].Store(minuteOf(now)<<32 | math.MaxUint32 - 1)
	x.add(now)
	x.add(now)
	if got := x.hour(now)[ratedMinutes-1]; got != math.MaxUint32 {
		t.Errorf("got %d", got)
	}
}

func TestNothingIsLostBetweenThoseWhoCount(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	const workers, each = 4, 1_000_000
	var x tally
	var all sync.WaitGroup
	begin := make(chan struct{}) // so that they get in each other's way
	for range workers {
		all.Go(func() {
			<-begin
			for i := range each {
				x.add(now)
				if i%1000 == 0 {
					x.hour(now)
				}
			}
		})
	}
	close(begin)
	all.Wait()
	if n := x.hour(now)[ratedMinutes-1]; n != workers*each {
		t.Errorf("%d, want %d", n, workers*each)
	}
}
