package storetest

import (
	"sync/atomic"
	"time"

	"gatehouse/store"
)

// Durations.
const (
	Day  = 24 * time.Hour
	Year = 365 * Day
)

// WallClock is a clock that a test sets, with the time that passes beside it.
type WallClock struct{ wrong, passed atomic.Int64 }

// Truth is the right time when a WallClock starts.
var Truth = time.Unix(1_700_000_000, 0)

// Time returns what the clock shows.
func (c *WallClock) Time() time.Time {
	return Truth.Add(time.Duration(c.passed.Load() + c.wrong.Load()))
}

// StoreOptions returns Options with the clock.
func (c *WallClock) StoreOptions() store.Options {
	o := Options
	o.Now, o.Elapsed = c.Time, func() time.Duration { return time.Duration(c.passed.Load()) }
	return o
}

// Set has the clock be wrong by that much.
func (c *WallClock) Set(wrong time.Duration) { c.wrong.Store(int64(wrong)) }

// Pass lets time pass.
func (c *WallClock) Pass(d time.Duration) { c.passed.Add(int64(d)) }
