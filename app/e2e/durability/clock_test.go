package durability

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/app/e2e/harness"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/pebble"
)

// storeOf makes a store as a server leaves it whose clock is wrong by that much,
// with a grouping x that was pushed long before it was closed.
func storeOf(t *testing.T, wrong, before, ttl time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	j, err := pebble.Open(pebble.Options{Path: dir})
	harness.Must(t, err)
	var passed atomic.Int64
	now, elapsed := time.Now().Add(wrong-before), func() time.Duration { return time.Duration(passed.Load()) }
	s, err := store.Open(t.Context(), j, store.Options{Undo: store.Undo{UndoWindow: time.Hour}, Clock: store.Clock{
		Now: func() time.Time { return now.Add(elapsed()) }, Elapsed: elapsed,
	}})
	harness.Must(t, err)
	key, err := store.NewGroupingKey([]exposition.Label{{Name: "job", Value: "x"}})
	harness.Must(t, err)
	families, err := exposition.DecodeText([]byte("m 1\n"), exposition.Options{Grouping: key.Labels()})
	harness.Must(t, err)
	_, err = s.Push(t.Context(), store.Push{Key: key, Families: families, TTL: ttl})
	harness.Must(t, err)
	passed.Store(int64(before))
	harness.Must(t, s.Close())
	harness.Must(t, j.Close())
	return dir
}

var (
	pushTimeLine = regexp.MustCompile(`(?m)^push_time_seconds\{instance="",job="x"\} (\S+)$`)
	startLine    = regexp.MustCompile(`"start_time":"([^"]+)"`)
)

// pushTime is that of x as scrapes see it.
func pushTime(s *harness.Server) time.Time {
	s.T.Helper()
	m := pushTimeLine.FindStringSubmatch(s.Want(200, "GET", "/metrics", "").Body)
	if m == nil {
		s.T.Fatal("x is not exposed")
	}
	seconds, err := strconv.ParseFloat(m[1], 64)
	harness.Must(s.T, err)
	return time.UnixMicro(int64(seconds * 1e6))
}

// timeLeft is how long x is said to be held still.
func timeLeft(s *harness.Server) time.Duration {
	s.T.Helper()
	var got struct {
		Data struct {
			Groupings []struct {
				Expires time.Time `json:"expires_at"`
			}
		}
	}
	harness.Must(s.T, json.Unmarshal([]byte(s.Want(200, "GET", "/api/v1/groupings", "").Body), &got))
	if len(got.Data.Groupings) != 1 {
		s.T.Fatalf("there are %+v", got.Data.Groupings)
	}
	return time.Until(got.Data.Groupings[0].Expires)
}

func TestAStoreOfAClockThatWasWrongIsServedAsTrulyAsItCanBe(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		name       string
		wrong      time.Duration
		before     time.Duration
		ttl        time.Duration
		ahead      bool
		left, most time.Duration
	}{
		{"a right clock", 0, 10 * time.Minute, time.Hour, false, 49 * time.Minute, 50 * time.Minute},
		{"a year ahead", year, 10 * time.Minute, 3 * time.Hour, true, 169 * time.Minute, 170 * time.Minute},
		{"a minute ahead", 11 * time.Minute, 10 * time.Minute, 3 * time.Hour, true, 169 * time.Minute, 170 * time.Minute},
		{"nearly right", 2 * time.Second, 0, time.Hour, false, 59 * time.Minute, time.Hour + 5*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := storeOf(t, test.wrong, test.before, test.ttl)
			for i := range 2 { // a restart renews nothing
				began := time.Now()
				s := harness.StartOn(t, dir)
				m := startLine.FindStringSubmatch(s.Want(200, "GET", "/api/v1/status", "").Body)
				started, err := time.Parse(time.RFC3339, m[1])
				harness.Must(t, err)
				at := pushTime(s)
				if ahead := !at.Before(began.Add(-time.Second)) && at.Sub(started).Abs() < 30*time.Second; test.before > 0 && ahead != test.ahead {
					t.Errorf("start %d: it is exposed as pushed at %v; the server started at %v", i, at, started)
				}
				if at.After(time.Now().Add(30 * time.Second)) {
					t.Errorf("start %d: it is exposed as pushed at %v", i, at)
				}
				if left := timeLeft(s); left < test.left || left > test.most {
					t.Errorf("start %d: it is held for %v", i, left)
				}
				var status struct {
					Data struct {
						Clock struct {
							Behind float64    `json:"behind_seconds"`
							Held   *time.Time `json:"nothing_expires_until"`
						}
					}
				}
				harness.Must(t, json.Unmarshal([]byte(s.Want(200, "GET", "/api/v1/status", "").Body), &status))
				if x := status.Data.Clock; (x.Behind > 0) != test.ahead || (x.Held != nil) != test.ahead {
					t.Errorf("start %d: the status tells %+v", i, x)
				}
				if test.ahead {
					s.Wrote("The clock is behind the newest time in the store")
				}
				s.Stop()
			}
			s := harness.StartOn(t, dir)
			s.Put("/metrics/job/x", "m 2\n")
			if at := pushTime(s); time.Since(at).Abs() > time.Minute {
				t.Errorf("a new push is exposed with %v", at)
			}
			s.Holds("m{instance=\"\",job=\"x\"} 2\n")
		})
	}
}
