package metrics_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/storetest"
)

// seconds are times between pushes.
func seconds(of ...float64) []time.Duration {
	var all []time.Duration
	for _, s := range of {
		all = append(all, time.Duration(s*float64(time.Second)))
	}
	return all
}

func TestTheIntervalOfScrapesFollowsThatOfPushesAndMovesRarely(t *testing.T) {
	for _, test := range []struct {
		name    string
		between []time.Duration
		want    []time.Duration // after each of the pushes
	}{
		{"one push says nothing", nil, seconds(0)},
		{"two are enough to begin with", seconds(40), seconds(0, 30)},
		{"less than the least", seconds(1), seconds(0, 15)},
		{"at once", seconds(0.1), seconds(0, 15)},
		{"several at once, each minute", seconds(0.1, 60, 0.1, 0.1, 60, 0.2, 60), seconds(0, 15, 15, 15, 15, 15, 15, 60)},
		{"the least", seconds(15), seconds(0, 15)},
		{"rounded down", seconds(29), seconds(0, 15)},
		{"a step", seconds(30), seconds(0, 30)},
		{"nearly the next one", seconds(59), seconds(0, 30)},
		{"a minute", seconds(60), seconds(0, 60)},
		{"nearly two", seconds(119), seconds(0, 60)},
		{"two", seconds(120), seconds(0, 120)},
		{"a day", seconds(86400), seconds(0, 120)},
		{"a clock that is nearly right", seconds(29.6, 30.3, 29.8, 29.9, 30.1), seconds(0, 30, 30, 30, 30, 30)},
		{"three agree", seconds(20, 45, 50, 31), seconds(0, 15, 15, 15, 30)},
		{"three agree on less", seconds(120, 16, 2, 14), seconds(0, 120, 120, 120, 15)},
		{"two agree", seconds(20, 45, 50, 20, 45, 50), seconds(0, 15, 15, 15, 15, 15, 15)},
		{"three that don't agree", seconds(20, 45, 70, 150, 45), seconds(0, 15, 15, 15, 15, 15)},
		{"a break", seconds(30, 30, 86400, 30, 30), seconds(0, 30, 30, 30, 30, 30)},
		{"a change that comes back", seconds(20, 70, 70, 70, 20, 20, 20), seconds(0, 15, 15, 15, 60, 60, 60, 15)},
		{"they change their mind", seconds(20, 40, 40, 70, 70, 70), seconds(0, 15, 15, 15, 15, 15, 60)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &storetest.Clock{}
			o := storetest.Options
			o.Now = c.Time
			fs := storetest.Crashable(t)
			var got, again []time.Duration
			s := storetest.OpenOn(t, fs, o)
			interval := func() time.Duration {
				g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x"))
				return g.ScrapeInterval()
			}
			for _, d := range append(seconds(0), test.between...) {
				c.Advance(d)
				storetest.MustPush(t, s, "/job/x", "m 1\n")
				got = append(got, interval())
				// Neither a refused push counts nor another one of the same moment.
				s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: "syntax", Message: "bad"})
				if interval() != 0 {
					storetest.MustPush(t, s, "/job/x", "m 1\n")
				}
				fs = fs.CrashClone(vfs.CrashCloneCfg{})
				s = storetest.OpenOn(t, fs, o)
				again = append(again, interval())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			if !slices.Equal(again, got) {
				t.Errorf("before restarts %v\nafter them      %v", got, again)
			}
		})
	}
}

func TestADeletedGroupingKeepsItsIntervalUntilItIsPushedAnew(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	pushAfter := func(d time.Duration) time.Duration {
		c.Advance(d)
		storetest.MustPush(t, s, "/job/x", "m 1\n")
		g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x"))
		return g.ScrapeInterval()
	}
	pushAfter(0)
	pushAfter(time.Minute)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if got := pushAfter(time.Minute); got != 0 {
		t.Errorf("a new grouping has %v", got)
	}
	pushAfter(30 * time.Second)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(t.Context(), storetest.LastOperation(t, s), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if g, _ := s.Snapshot().Grouping(storetest.Key(t, "/job/x")); g.ScrapeInterval() != 30*time.Second {
		t.Errorf("restored it has %v", g.ScrapeInterval())
	}
}
