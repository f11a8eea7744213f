package history_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/storetest"
)

// historyOf returns the last pushes to a grouping in few words, oldest first.
func historyOf(t *testing.T, s *store.Store, path string) string {
	t.Helper()
	pushes, err := s.History(t.Context(), storetest.Key(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(pushes, func(a, b store.PushSummary) int { return b.At.Compare(a.At) }) {
		t.Errorf("not newest first: %+v", pushes)
	}
	words := make([]string, len(pushes))
	for i, x := range pushes {
		words[len(words)-1-i] = fmt.Sprint(x.Bytes)
		if x.Refused != "" {
			words[len(words)-1-i] += "!"
		}
	}
	return strings.Join(words, " ")
}

// sized pushes to a grouping, with a size to know it by.
func sized(t *testing.T, s *store.Store, path string, size int) {
	t.Helper()
	p := storetest.Push(t, path, "m 1\n")
	p.Size = size
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// histories are the keys of the histories that the journal has.
func histories(t *testing.T, j journal.Journal) []string {
	t.Helper()
	records, err := j.Scan(t.Context(), "h.", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func TestTheHistoryHasAcceptedAndRefusedPushes(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, o)
	at := c.Time().Round(0)
	storetest.MustPush(t, s, "/job/other", "# TYPE m gauge\nm 1\n")
	p := storetest.Push(t, "/job/x", "a 1\na{b=\"1\"} 2\nc 3\n")
	p.Size, p.Origin = 21, store.Origin{By: "ana", From: "::1"}
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	p = storetest.Push(t, "/job/x", "d 1\n")
	p.Size, p.Mode = 4, store.Merge
	if _, err := s.Push(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	p = storetest.Push(t, "/job/x", "# TYPE m counter\nm 1\ne 1\n")
	p.Size, p.Origin = 24, store.Origin{By: "ben", From: "::2"}
	if _, err := s.Push(t.Context(), p); err == nil {
		t.Fatal("it was accepted")
	}
	c.Advance(time.Second)
	s.Reject(t.Context(), store.Rejection{
		Key: p.Key, Mode: store.Merge, Reason: "syntax", Message: strings.Repeat("long ", 1000), Size: 9, Origin: p.Origin,
	})
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/unknown"), Reason: "syntax", Message: "bad"})
	const conflict = `metric "m" is pushed as counter but is a gauge of grouping {job="other"}`
	want := []store.PushSummary{
		{At: at.Add(3 * time.Second), Mode: store.Merge, Bytes: 9, Origin: p.Origin},
		{At: at.Add(2 * time.Second), Bytes: 24, Families: 2, Series: 2, Refused: conflict, Origin: p.Origin},
		{At: at.Add(time.Second), Mode: store.Merge, Bytes: 4, Families: 1, Series: 1},
		{At: at, Bytes: 21, Families: 2, Series: 3, Origin: store.Origin{By: "ana", From: "::1"}},
	}
	check := func(s *store.Store) {
		t.Helper()
		got, err := s.History(t.Context(), p.Key)
		if err != nil || len(got) != len(want) {
			t.Fatalf("got %+v, %v", got, err)
		}
		if len(got[0].Refused) > 300 || !strings.HasPrefix(got[0].Refused, "long long") {
			t.Errorf("refused because of %q", got[0].Refused)
		}
		got[0].Refused = ""
		for i := range got {
			if d := got[i].At.Sub(want[i].At); d < 0 || d > time.Millisecond {
				t.Errorf("push %d was at %v, want %v", i, got[i].At, want[i].At)
			}
			if got[i].At = want[i].At; got[i] != want[i] {
				t.Errorf("push %d\n%+v\nwant\n%+v", i, got[i], want[i])
			}
		}
		if got := historyOf(t, s, "/job/unknown"); got != "" {
			t.Errorf("a grouping that never was has the history %s", got)
		}
	}
	check(s)
	// The next push finds that a minute is over.
	c.Advance(2 * time.Minute)
	storetest.MustPush(t, s, "/job/other", "# TYPE m gauge\nm 1\n")
	storetest.Eventually(t, "the history is on disk", func() bool {
		return historyOf(t, storetest.OpenOn(t, storetest.AfterCrash(fs), o), "/job/x") != ""
	})
	check(s)
	check(storetest.OpenOn(t, storetest.AfterCrash(fs), o))
}

func TestTheHistoryHasTheLastFiftyPushes(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	var all []string
	for i := range 260 {
		sized(t, s, "/job/x", i)
		all = append(all, fmt.Sprint(i))
		if want := strings.Join(all[max(0, len(all)-50):], " "); historyOf(t, s, "/job/x") != want {
			t.Fatalf("got %s, want %s", historyOf(t, s, "/job/x"), want)
		}
		if i%130 == 70 {
			closeStore()
			s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
		}
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if want := strings.Join(all[210:], " "); historyOf(t, s, "/job/x") != want {
		t.Errorf("after a restart %s, want %s", historyOf(t, s, "/job/x"), want)
	}
}

func TestAPushIsOneRecordAndItsHistoryComesOnceAMinute(t *testing.T) {
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	var mu sync.Mutex
	written := map[string]int{}
	j.Lose.Store(ptr(func(changes []journal.Change) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range changes {
			written[c.Key]++
		}
		return false
	}))
	count := func(key string) int {
		mu.Lock()
		defer mu.Unlock()
		return written[key]
	}
	for range 20 {
		storetest.MustPush(t, s, "/job/x", "m 1\n")
		c.Advance(2 * time.Second)
	}
	if mu.Lock(); len(written) != 1 || written["g.job/x"] != 20 {
		t.Errorf("20 pushes wrote %v", written)
	}
	mu.Unlock()
	for minute := range 4 {
		c.Advance(30 * time.Second)
		storetest.MustPush(t, s, "/job/x", "m 1\n")
		storetest.Eventually(t, "the history is written", func() bool { return count("h.job/x") == minute+1 })
		for range 15 {
			storetest.MustPush(t, s, "/job/x", "m 1\n")
			c.Advance(2 * time.Second)
		}
	}
	if n := count("g.job/x"); n != 84 || count("h.job/x") != 4 || len(written) != 2 {
		t.Errorf("84 pushes wrote %v", written)
	}
}

func TestWhatComesOfTheHistoryWithItsGrouping(t *testing.T) {
	remove := func(s *store.Store) string {
		d, err := s.DeleteVersions(t.Context(), []store.GroupingVersion{{Key: storetest.Key(t, "/job/x")}}, true, "", store.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Operation
	}
	wipe := func(s *store.Store) string {
		d, err := s.Wipe(t.Context(), store.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Operation
	}
	undo := func(s *store.Store, operation string) {
		if _, err := s.Undo(t.Context(), operation, store.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		do   func(s *store.Store, c *storetest.Clock)
		want string
	}{
		{"it stays for the undo", func(s *store.Store, _ *storetest.Clock) { remove(s) }, "1 2"},
		{"a delete that is undone", func(s *store.Store, _ *storetest.Clock) { undo(s, remove(s)) }, "1 2"},
		{"a wipe that is undone", func(s *store.Store, _ *storetest.Clock) { undo(s, wipe(s)) }, "1 2"},
		{"pushed anew after a delete", func(s *store.Store, _ *storetest.Clock) { remove(s); sized(t, s, "/job/x", 3) }, "1 2 3"},
		{"pushed anew after a wipe", func(s *store.Store, _ *storetest.Clock) { wipe(s); sized(t, s, "/job/x", 3) }, "3"},
		{"pushed anew after a delete and a wipe", func(s *store.Store, _ *storetest.Clock) { remove(s); wipe(s); sized(t, s, "/job/x", 3) }, "1 2 3"},
		{"forgotten", func(s *store.Store, c *storetest.Clock) {
			remove(s)
			c.Advance(2 * time.Hour)
			storetest.ReadClock(t, s)
		}, ""},
		{"forgotten after a wipe", func(s *store.Store, c *storetest.Clock) { wipe(s); c.Advance(2 * time.Hour); storetest.ReadClock(t, s) }, ""},
		{"pushed anew once forgotten", func(s *store.Store, c *storetest.Clock) {
			remove(s)
			c.Advance(2 * time.Hour)
			storetest.ReadClock(t, s)
			sized(t, s, "/job/x", 3)
		}, "3"},
	} {
		for _, written := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, written before: %v", tt.name, written), func(t *testing.T) {
				c := &storetest.Clock{}
				s, j := storetest.OpenFailingAt(t, c)
				sized(t, s, "/job/x", 1)
				sized(t, s, "/job/x", 2)
				if written {
					c.Advance(2 * time.Minute)
					sized(t, s, "/job/other", 1)
					storetest.Eventually(t, "the history is written", func() bool { return len(histories(t, j)) == 1 })
				}
				tt.do(s, c)
				if got := historyOf(t, s, "/job/x"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if keys := histories(t, j); slices.Contains(keys, "h.job/x") != (tt.want != "") {
					t.Errorf("on disk are %q", keys)
				}
				o := storetest.Options
				o.Now = c.Time
				again, err := store.Open(t.Context(), j, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = again.Close() })
				if got := historyOf(t, again, "/job/x"); got != tt.want {
					t.Errorf("after a restart %q, want %q", got, tt.want)
				}
			})
		}
	}
}

func TestAHistoryThatComesTooLateBringsNothingBack(t *testing.T) {
	for _, tt := range []struct {
		name       string
		meanwhile  func(s *store.Store, j *storetest.Failing, goOn func())
		want       string
		everOnDisk bool
	}{
		{"its grouping is forgotten", func(s *store.Store, _ *storetest.Failing, _ func()) {
			if _, err := s.Delete(context.Background(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
				t.Error(err)
			}
		}, "", false},
		{"it began anew", func(s *store.Store, _ *storetest.Failing, _ func()) {
			if _, err := s.Wipe(context.Background(), store.Origin{}); err != nil {
				t.Error(err)
			}
			p := storetest.Push(t, "/job/x", "m 1\n")
			p.Size = 3
			if _, err := s.Push(context.Background(), p); err != nil {
				t.Error(err)
			}
		}, "3", true},
		{"it begins anew in the same commit", func(s *store.Store, j *storetest.Failing, goOn func()) {
			if _, err := s.Wipe(context.Background(), store.Origin{}); err != nil {
				t.Error(err)
			}
			storetest.Queued(t, s, j, func() { sized(t, s, "/job/x", 3) }, goOn)
		}, "3", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &storetest.Clock{}
			s, j := storetest.OpenFailingAt(t, c)
			sized(t, s, "/job/x", 1)
			sized(t, s, "/job/also", 1) // is written together with it
			// What is old is read, and the answer comes when everything is over.
			reading, goOn := make(chan struct{}), make(chan struct{})
			var once sync.Once
			hold := func(key string) {
				if strings.HasPrefix(key, "h.") {
					once.Do(func() { close(reading); <-goOn })
				}
			}
			j.Reading.Store(&hold)
			c.Advance(2 * time.Minute)
			sized(t, s, "/job/other", 2)
			<-reading
			release := sync.OnceFunc(func() { close(goOn) })
			tt.meanwhile(s, j, release)
			if tt.want == "" {
				c.Advance(2 * time.Hour)
				storetest.ReadClock(t, s)
				storetest.Eventually(t, "it is forgotten", func() bool { return s.Snapshot().Stats().Deleted == 0 })
			}
			release()
			storetest.Eventually(t, "it was tried", func() bool { return slices.Contains(histories(t, j), "h.job/also") })
			if tt.want == "" && slices.Contains(histories(t, j), "h.job/x") {
				t.Error("it is back")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if keys := histories(t, j); slices.Contains(keys, "h.job/x") != tt.everOnDisk {
				t.Errorf("on disk are %q", keys)
			}
			again, err := store.Open(t.Context(), j, storetest.Options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = again.Close() })
			if got := historyOf(t, again, "/job/x"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAHistoryThatCannotBeWrittenIsWrittenLaterAndOnce(t *testing.T) {
	c := &storetest.Clock{}
	s, j := storetest.OpenFailingAt(t, c)
	sized(t, s, "/job/x", 1)
	c.Advance(2 * time.Minute)
	// Nobody knows whether these have come through: one has.
	var mu sync.Mutex
	tried := 0
	j.Lose.Store(ptr(func(changes []journal.Change) bool {
		mu.Lock()
		defer mu.Unlock()
		if slices.ContainsFunc(changes, func(c journal.Change) bool { return strings.HasPrefix(c.Key, "h.") }) {
			tried++
			return true
		}
		return false
	}))
	failed := func() int { mu.Lock(); defer mu.Unlock(); return tried }
	// This push has the same fate if it comes into the same commit.
	_, _ = s.Push(t.Context(), storetest.Push(t, "/job/other", "m 1\n"))
	storetest.Eventually(t, "it is tried", func() bool { return failed() == 1 })
	storetest.Eventually(t, "it waits again", func() bool { return historyOf(t, s, "/job/x") == "1" })
	j.Lose.Store(nil)
	sized(t, s, "/job/x", 2)
	if got := historyOf(t, s, "/job/x"); got != "1 2" {
		t.Errorf("got %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), j, storetest.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if got := historyOf(t, again, "/job/x"); got != "1 2" {
		t.Errorf("after a restart %q", got)
	}
	r, err := j.Read(t.Context(), "h.job/x")
	if err != nil || len(r.Value) > 60 {
		t.Errorf("the record has %d bytes, %v: a push is in it twice", len(r.Value), err)
	}
}

func ptr[T any](x T) *T { return &x }

func TestAHistoryThatCannotBeReadHarmsNothingElse(t *testing.T) {
	for _, tt := range []struct {
		name, value, want string
		unreadable        bool // also with what came meanwhile
	}{
		{"damaged", "\x08\x01\x12\xff", "2", false},
		{"of a later version", "\x08\x63", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, j := storetest.OpenFailing(t)
			sized(t, s, "/job/x", 1)
			if _, err := j.Commit(t.Context(), journal.Change{Key: "h.job/x", Value: []byte(tt.value)}); err != nil {
				t.Fatal(err)
			}
			storetest.MustPush(t, s, "/job/x/i/1", "m 1\n") // takes in what somebody else has written
			if _, err := s.History(t.Context(), storetest.Key(t, "/job/x")); err == nil {
				t.Error("it was read")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := j.Read(t.Context(), "h.job/x")
			if err != nil || (string(r.Value) == tt.value) != tt.unreadable {
				t.Errorf("it is %q now, %v", r.Value, err)
			}
			again, err := store.Open(t.Context(), j, storetest.Options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = again.Close() })
			if _, err := again.History(t.Context(), storetest.Key(t, "/job/x")); (err != nil) != tt.unreadable {
				t.Errorf("after a restart: %v", err)
			}
			if got := again.Snapshot().Stats().Groupings; got != 2 {
				t.Errorf("%d groupings", got)
			}
		})
	}
}

func TestHistoriesThatMeetDeletesStayTrue(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	var writers, reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if _, err := s.History(context.Background(), storetest.Key(t, fmt.Sprintf("/job/x/i/%d", i%4))); err != nil {
				t.Error(err)
			}
			if _, _, err := s.Activity(context.Background(), store.ActivityQuery{Limit: 5}); err != nil {
				t.Error(err)
			}
		}
	})
	for w := range 4 {
		writers.Go(func() {
			path := fmt.Sprintf("/job/x/i/%d", w)
			for i := range 100 {
				var err error
				switch {
				case i%25 == 24:
					_, err = s.Delete(context.Background(), storetest.Key(t, path), store.Origin{})
				case i%10 == 9:
					s.Reject(context.Background(), store.Rejection{Key: storetest.Key(t, path), Reason: "syntax", Message: "bad", Size: i})
				default:
					p := storetest.Push(t, path, "m 1\n")
					p.Size = i
					_, err = s.Push(context.Background(), p)
				}
				if err != nil && !errors.Is(err, store.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	reader.Wait()
	list := func() (all []string) {
		for w := range 4 {
			sized(t, s, fmt.Sprintf("/job/x/i/%d", w), 1000)
			all = append(all, historyOf(t, s, fmt.Sprintf("/job/x/i/%d", w)))
		}
		return all
	}
	before := list()
	if words := strings.Fields(before[0]); len(words) != 50 || !slices.Contains(words, "89!") {
		t.Errorf("got %q", before[0])
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	for w := range 4 {
		if got := historyOf(t, s, fmt.Sprintf("/job/x/i/%d", w)); got != before[w] {
			t.Errorf("after a restart\n%s\nwant\n%s", got, before[w])
		}
	}
}
