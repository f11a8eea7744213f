package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/storetest"
)

// kindOf returns the kind of a push's error.
func kindOf(err error) string {
	var refusal *store.Refusal
	var limit *store.LimitError
	switch {
	case err == nil:
		return "accepted"
	case errors.As(err, &refusal):
		return "refused: " + string(refusal.Reason)
	case errors.As(err, &limit):
		return "limit: " + limit.Message
	}
	return err.Error()
}

// familyNames returns those of a grouping; none if it does not exist.
func familyNames(s *store.Store, k store.GroupingKey) (names []string, exists bool) {
	g, ok := s.Snapshot().Grouping(k)
	if !ok {
		return nil, false
	}
	for _, f := range g.Families() {
		names = append(names, f.Name)
	}
	return names, true
}

// expected works out an outcome from what there was and what has become of it.
func expected(p store.Push, before, after []string, existed bool, series int) store.Outcome {
	pushed := func(name string) bool {
		return slices.ContainsFunc(p.Families, func(f exposition.Family) bool { return f.Name == name })
	}
	o := store.Outcome{Exists: existed, Series: series}
	for _, name := range after {
		switch {
		case !slices.Contains(before, name):
			o.Added++
		case pushed(name):
			o.Replaced++
		default:
			o.Kept++
		}
	}
	for _, name := range before {
		if !slices.Contains(after, name) {
			o.Removed++
		}
	}
	return o
}

func TestAPreviewForetellsWhatThePushDoes(t *testing.T) {
	for _, check := range []bool{true, false} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("check %v, seed %d", check, seed), func(t *testing.T) {
				t.Parallel()
				foretell(t, rand.New(rand.NewPCG(seed, 11)), store.Options{
					Limits: store.Limits{CheckConsistency: check, MaxGroupings: 7, MaxSeries: 30, MaxLabelSets: 3}, Timeout: time.Minute,
					Own: []exposition.Family{{Name: "own_gauge", Type: exposition.Gauge, Help: "own"}},
				})
			})
		}
	}
}

func foretell(t *testing.T, r *rand.Rand, o store.Options) {
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	ctx := context.Background()
	met := map[string]int{}
	for step := range 300 {
		p := storetest.RandomPush(t, r)
		if r.IntN(8) == 0 {
			if _, err := s.Delete(ctx, p.Key, store.Origin{}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		before, existed := familyNames(s, p.Key)
		shown := storetest.Scrape(s)
		outcome, foreseen := s.Preview(p)
		if storetest.Scrape(s) != shown {
			t.Fatalf("step %d: the preview has changed something", step)
		}
		_, err := s.Push(ctx, p)
		met[kindOf(err)]++
		if kindOf(foreseen) != kindOf(err) {
			t.Fatalf("step %d: foreseen %v, but: %v", step, foreseen, err)
		}
		if err != nil {
			if outcome != (store.Outcome{}) {
				t.Errorf("step %d: %+v of a push that is refused", step, outcome)
			}
			continue
		}
		after, _ := familyNames(s, p.Key)
		g, _ := s.Snapshot().Grouping(p.Key)
		if want := expected(p, before, after, existed, g.Series); outcome != want {
			t.Fatalf("step %d: %+v, want %+v: %v, then %v", step, outcome, want, before, after)
		}
	}
	if met["accepted"] < 20 || o.CheckConsistency && met["refused: conflict"] < 20 || len(met) < 2 {
		t.Errorf("the test tries too little: %v", met)
	}
}

func TestPreviewsLeaveTheSnapshotAsItWas(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), store.Options{Limits: store.Limits{CheckConsistency: true}})
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		_, _ = s.Push(context.Background(), storetest.RandomPush(t, r)) // refused or not
	}
	// The store goes on by itself to note the refusals, in snapshots of their own.
	p := s.Snapshot()
	shown := func() string {
		text := fmt.Sprintln(p.Sequence(), p.Stats())
		for g := range p.Groupings() {
			text += storetest.Describe(g)
		}
		for f := range p.Exposed(p.Groupings(), 0) {
			text += fmt.Sprintf("%s %s %q %v\n", f.Name, f.Type, f.Help, f.Chunks)
		}
		return text
	}
	before := shown()
	for range 200 {
		_, _ = s.Preview(storetest.RandomPush(t, r)) // refused or not
	}
	if after := shown(); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}

// Previews run in the goroutines of clients, while the committer makes new
// snapshots out of the one that they look at. The race detector watches.
func TestPreviewsRunBesidePushes(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), store.Options{Limits: store.Limits{CheckConsistency: true}, Timeout: time.Minute})
	done := make(chan struct{})
	var previews sync.WaitGroup
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		var pushes []store.Push
		for range 100 {
			pushes = append(pushes, storetest.RandomPush(t, r))
		}
		previews.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if _, err := s.Preview(pushes[i%len(pushes)]); err != nil && kindOf(err) == err.Error() {
					t.Error(err)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(9, 9))
	for step := range 300 {
		p := storetest.RandomPush(t, r)
		if step%9 == 0 {
			_, _ = s.Delete(context.Background(), p.Key, store.Origin{}) // there or not
		}
		_, _ = s.Push(context.Background(), p) // refused or not
	}
	close(done)
	previews.Wait()
}
