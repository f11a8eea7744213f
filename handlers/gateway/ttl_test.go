package gateway_test

import (
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
)

func TestATTLEndsTheGrouping(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name   string
		query  string
		header []string
		preset time.Duration
		status int
		want   time.Duration // 0: for ever
	}{
		{"no TTL", "", nil, 0, 200, 0},
		{"in the query", "?ttl=90m", nil, 0, 200, 90 * time.Minute},
		{"in a header", "", []string{"X-Push-TTL", "1d"}, 0, 200, 24 * time.Hour},
		{"in the query and in a header", "?ttl=1h30m", []string{"X-Push-TTL", "1d"}, 0, 400, 0},
		{"the default", "", nil, time.Hour, 200, time.Hour},
		{"the client goes before the default", "?ttl=2h", nil, time.Hour, 200, 2 * time.Hour},
		{"0 is for ever", "?ttl=0", nil, time.Hour, 200, 0},
		{"no duration", "?ttl=90", nil, 0, 400, 0},
		{"a negative duration", "", []string{"X-Push-TTL", "-5m"}, 0, 400, 0},
		{"more than a lifetime", "?ttl=101y", nil, 0, 400, 0},
		{"more than can be counted", "?ttl=99999999999999999999y", nil, 0, 400, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, func(c handlertest.Setup) {
				c.DefaultTTL = test.preset
				c.Store.Now = func() time.Time { return now }
			})
			for _, method := range []string{"PUT", "POST"} {
				a := s.Do(method, "/metrics/job/x"+test.query, "a 1\n", test.header...)
				if a.Status != test.status {
					t.Fatalf("%v, want %d", a, test.status)
				}
				if test.status != 200 {
					if !handlertest.OneLine(a.Body) {
						t.Errorf("%v", a)
					}
					s.WantGroupings()
					continue
				}
				expires := s.Grouping("/metrics/job/x").Expires
				if test.want == 0 && !expires.IsZero() || test.want != 0 && expires.Sub(now).Round(time.Second) != test.want {
					t.Errorf("%s: expires %v, which is in %v, want %v", method, expires, expires.Sub(now), test.want)
				}
			}
		})
	}
}

func TestAPushWithoutATTLClearsIt(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x?ttl=1h", "a 1\n")
	s.Do("POST", "/metrics/job/x", "b 1\n")
	if g := s.Grouping("/metrics/job/x"); !g.Expires.IsZero() {
		t.Errorf("expires %v", g.Expires)
	}
}

func TestAnExpiredGroupingGoesByItself(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/keep", "a 1\n")
	s.Put("/metrics/job/x?ttl=1ms", "a 2\n")
	again, end := time.Tick(time.Millisecond), time.After(time.Minute)
	for waiting := true; waiting && len(s.Groupings()) > 1; {
		select {
		case <-again:
		case <-end:
			waiting = false
		}
	}
	s.WantSamples(`a{instance="",job="keep"} 1`)
	if a := s.Get("/metrics/job/x"); a.Status != 404 {
		t.Errorf("%v", a)
	}
}
