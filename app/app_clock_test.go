package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/store"
)

// movable is a clock that a test sets, and time that passes beside it.
type movable struct{ wrong, passed atomic.Int64 }

func (m *movable) clock(start time.Time) store.Clock {
	return store.Clock{
		Now:     func() time.Time { return start.Add(time.Duration(m.wrong.Load() + m.passed.Load())) },
		Elapsed: func() time.Duration { return time.Duration(m.passed.Load()) },
	}
}

var pushTime = regexp.MustCompile(`push_time_seconds\{instance="",job="(\w+)"\} (\S+)`)

// pushTimes are what a scrape says, by job.
func pushTimes(t *testing.T, a *App) map[string]time.Time {
	t.Helper()
	_, text := do(t, "GET", "http://"+a.Addr()+"/metrics", "")
	times := map[string]time.Time{}
	for _, m := range pushTime.FindAllStringSubmatch(text, -1) {
		seconds, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		times[m[1]] = time.UnixMicro(int64(seconds * 1e6))
	}
	return times
}

func TestTheServerGoesByItsClockThroughStepsAndRestarts(t *testing.T) {
	const year = 365 * 24 * time.Hour
	m, start := &movable{}, time.Now()
	o := options(t)
	var log bytes.Buffer
	run := func(wrong time.Duration) *App {
		t.Helper()
		m.wrong.Store(int64(wrong))
		a := New(o, slog.New(slog.NewTextHandler(&log, nil)))
		a.UseClock(m.clock(start))
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a
	}
	put := func(a *App, path string) {
		t.Helper()
		if status, text := do(t, "PUT", "http://"+a.Addr()+"/metrics/job/"+path, "a 1\n"); status != 200 {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	now := m.clock(start).Now
	want := func(when string, a *App, times map[string]time.Time) {
		t.Helper()
		got := pushTimes(t, a)
		for job, at := range times {
			if x, ok := got[job]; at.IsZero() == ok || ok && x.Sub(at).Abs() > time.Second {
				t.Errorf("%s: %s is exposed with %v (%v), want %v", when, job, x.UTC(), ok, at.UTC())
			}
		}
		if len(got) > len(times) {
			t.Errorf("%s: exposed are %v", when, got)
		}
	}
	a := run(0)
	put(a, "right?ttl=3h")
	right := now()
	m.wrong.Store(int64(year))
	put(a, "ahead?ttl=3h")
	m.passed.Add(int64(time.Hour))
	want("a year ahead", a, map[string]time.Time{"right": right, "ahead": now().Add(-time.Hour)})
	m.wrong.Store(0)
	put(a, "again")
	again := now()
	// What is ahead by now was pushed an hour ago, as this process knows.
	want("put right", a, map[string]time.Time{"right": right, "ahead": right, "again": again})
	stop(t, a)

	a = run(0)
	want("after a restart", a, map[string]time.Time{"right": right, "ahead": now(), "again": again})
	var status struct {
		Data struct {
			Clock struct {
				Behind float64   `json:"behind_seconds"`
				Held   time.Time `json:"nothing_expires_until"`
			}
		}
	}
	_, text := do(t, "GET", "http://"+a.Addr()+"/api/v1/status", "")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatal(err)
	}
	if x := status.Data.Clock; x.Behind < (year-2*time.Hour).Seconds() || x.Held.Sub(now().Add(time.Hour)).Abs() > time.Second {
		t.Errorf("the status tells %+v", x)
	}
	m.passed.Add(int64(2*time.Hour + time.Second)) // three in all
	put(a, "again")
	again = now()
	want("after three hours", a, map[string]time.Time{"right": {}, "ahead": {}, "again": again})
	stop(t, a)

	// A board without a battery, which begins in 1970 and learns the time later.
	a = run(-time.Duration(start.UnixNano()))
	put(a, "early?ttl=3h")
	want("in 1970", a, map[string]time.Time{"again": now(), "early": now()})
	m.wrong.Store(0)
	put(a, "late")
	want("with the time", a, map[string]time.Time{"again": again, "early": time.Unix(0, int64(now().Sub(start))), "late": now()})
	stop(t, a)
	for _, line := range []string{"The clock is behind the newest time in the store", "The clock was set", "way=back", "way=forward"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
}
