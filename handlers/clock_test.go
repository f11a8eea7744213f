package handlers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
)

// wallClock is a clock that a test sets, with the time that passes beside it.
type wallClock struct{ wrong, passed atomic.Int64 }

func (c *wallClock) set(wrong time.Duration) { c.wrong.Store(int64(wrong)) }

func (c *wallClock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// of has a server go by the clock.
func (c *wallClock) of(start time.Time) func(handlertest.Setup) {
	return func(x handlertest.Setup) {
		x.Store.Now = func() time.Time { return start.Add(time.Duration(c.wrong.Load() + c.passed.Load())) }
		x.Store.Elapsed = func() time.Duration { return time.Duration(c.passed.Load()) }
	}
}

func TestTheStatusReportsAnOddClock(t *testing.T) {
	for _, test := range []struct {
		name        string
		pushed, now time.Duration // by how much it is wrong
		behind, set float64
		want        []string
		bad         bool
	}{
		{"a right one", 0, 0, 0, 0, []string{"in sync with the store"}, false},
		{"by little", 0, 4 * time.Second, 0, 0, []string{"in sync with the store"}, false},
		{"set forward", 0, time.Hour, 0, 3600, []string{"set forward by 1 h since the start"}, true},
		{"set back", 0, -time.Hour, 3600, -3600, []string{"1 h behind the newest time in the store", "set back by 1 h since the start"}, true},
		{"put right", time.Hour, 0, 3600, 0, []string{"1 h behind the newest time in the store"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &wallClock{}
			s := handlertest.Start(t, c.of(time.Now()))
			c.set(test.pushed)
			s.Put("/metrics/job/x", "a 1\n")
			c.set(test.now)
			var got struct {
				Data struct {
					Clock struct {
						Behind float64 `json:"behind_seconds"`
						Set    float64 `json:"set_seconds"`
						Held   *string `json:"nothing_expires_until"`
					}
				}
			}
			handlertest.Must(t, json.Unmarshal([]byte(s.Get("/api/v1/status").Body), &got))
			if x := got.Data.Clock; x.Behind-test.behind > 1 || test.behind-x.Behind > 1 || x.Set != test.set || x.Held != nil {
				t.Errorf("the API tells %+v", x)
			}
			fact := s.Open("/status").Facts()["Clock"]
			if !handlertest.Contains(fact, test.want...) || strings.Contains(fact, "▲") != test.bad {
				t.Errorf("the page tells %q", fact)
			}
		})
	}
}

func TestStatesAndCleanUpsGoByTheTrueAge(t *testing.T) {
	for _, wrong := range []time.Duration{0, 1000 * time.Hour, -1000 * time.Hour} {
		t.Run(fmt.Sprint(wrong), func(t *testing.T) {
			c := &wallClock{}
			s := handlertest.Start(t, c.of(time.Now()))
			s.Put("/metrics/job/old", "a 1\n")
			c.pass(2 * time.Hour)
			s.Put("/metrics/job/new", "b 1\n")
			c.set(wrong)
			c.pass(time.Minute)
			for path, want := range map[string]string{"/metrics/job/old": "stale", "/metrics/job/new": "fresh"} {
				if a := s.Get("/api/v1/groupings?state=" + want); !handlertest.Contains(a.Body, `"total":1`, path) {
					t.Errorf("%s is not %s: %v", path, want, a)
				}
			}
			a := s.Get("/groupings/delete?all=1&idle=1h", handlertest.BrowserHeaders...)
			if !handlertest.Contains(a.Body, "Delete 1 grouping?", "{job=&#34;old&#34;}") {
				t.Errorf("%v", a)
			}
			if row := s.Get("/?sort=labels", handlertest.BrowserHeaders...).Body; !handlertest.Contains(row, "2 h ago", "1 m ago") {
				t.Errorf("the list says %s", row)
			}
		})
	}
}

func TestTagsFollowTimesThatAreAheadUntilTheyAreReached(t *testing.T) {
	c := &wallClock{}
	s := handlertest.Start(t, c.of(time.Now()), func(c handlertest.Setup) { c.ExcludeOwn = true })
	c.set(time.Minute)
	s.Put("/metrics/job/x", "a 1\n")
	c.set(0)
	before := s.Get("/metrics")
	c.pass(2 * time.Minute)
	again := s.Get("/metrics", "If-None-Match", before.Header.Get("ETag"))
	if again.Status != 200 || again.Body == before.Body {
		t.Errorf("%d %s\nbefore\n%s", again.Status, again.Body, before.Body)
	}
	if a := s.Get("/metrics", "If-None-Match", again.Header.Get("ETag")); a.Status != 304 {
		t.Errorf("%v", a)
	}
}
