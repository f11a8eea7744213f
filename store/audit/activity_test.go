package audit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

func TestActivityIsListedNewestFirstAndFiltered(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	start := c.Time()
	remove := func(path, by, from string) {
		t.Helper()
		storetest.MustPush(t, s, path, "m 1\n")
		if _, err := s.Delete(t.Context(), storetest.Key(t, path), store.Origin{By: by, From: from}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
	}
	remove("/job/alpha", "ana", "10.0.0.1")
	remove("/job/beta", "ben", "10.0.0.2")
	remove("/job/Gamma", "ana", "10.0.0.2")
	storetest.MustPush(t, s, "/job/delta", "m 1\n")
	if _, err := s.Wipe(t.Context(), store.Origin{By: "anabel", From: "::1"}); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/beta"), Reason: "syntax", Message: "Line 7 is bad", Origin: store.Origin{By: "carl"}})
	c.Advance(time.Hour)
	storetest.ReadClock(t, s)
	for _, tt := range []struct {
		name string
		q    store.ActivityQuery
		want string
	}{
		{"all", store.ActivityQuery{}, "refusal wipe Gamma beta alpha"},
		{"of one kind", store.ActivityQuery{Kinds: []store.EntryKind{store.EntryDelete}}, "Gamma beta alpha"},
		{"of two kinds", store.ActivityQuery{Kinds: []store.EntryKind{store.EntryWipe, store.EntryRefusal}}, "refusal wipe"},
		{"of a kind that there is not", store.ActivityQuery{Kinds: []store.EntryKind{"x"}}, ""},
		{"by somebody exactly", store.ActivityQuery{By: "ana"}, "Gamma alpha"},
		{"by somebody in capitals", store.ActivityQuery{By: "ANA"}, ""},
		{"text in what was meant, whatever its case", store.ActivityQuery{Text: "gAMMA"}, "Gamma"},
		{"text in a name", store.ActivityQuery{Text: "anab"}, "wipe"},
		{"text in an address", store.ActivityQuery{Text: "0.0.2"}, "Gamma beta"},
		{"text in a message", store.ActivityQuery{Text: "line 7"}, "refusal"},
		{"text that is nowhere", store.ActivityQuery{Text: "line 8"}, ""},
		{"since a moment", store.ActivityQuery{Since: start.Add(time.Hour)}, "refusal wipe Gamma beta"},
		{"until a moment", store.ActivityQuery{Until: start.Add(2 * time.Hour)}, "beta alpha"},
		{"since and until", store.ActivityQuery{Since: start.Add(time.Hour), Until: start.Add(2 * time.Hour)}, "beta"},
		{"until before everything", store.ActivityQuery{Until: time.Unix(-5, 0)}, ""},
		{"since before everything", store.ActivityQuery{Since: time.Unix(-5, 0)}, "refusal wipe Gamma beta alpha"},
		{"until the end of time", store.ActivityQuery{Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, "refusal wipe Gamma beta alpha"},
		{"since the end of time", store.ActivityQuery{Since: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"everything at once", store.ActivityQuery{Kinds: []store.EntryKind{store.EntryDelete}, By: "ana", Text: "a", Since: start.Add(time.Minute), Until: start.Add(9 * time.Hour)}, "Gamma"},
	} {
		for _, limit := range []int{0, 1, 2, 5, 1 << 30} {
			tt.q.Limit = limit
			var got []string
			for _, x := range storetest.AllEntries(t, s, tt.q) {
				what := string(x.Kind)
				if x.Kind == store.EntryDelete {
					what = strings.TrimSuffix(strings.TrimPrefix(x.What, `{job="`), `"}`)
				}
				got = append(got, what)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%s, %d a page: got %q, want %q", tt.name, limit, got, tt.want)
			}
		}
	}
	entries, next, err := s.Activity(t.Context(), store.ActivityQuery{Limit: 5})
	if err != nil || len(entries) != 5 || next != "" {
		t.Errorf("a page that is just full says that there is more: %d entries, %q, %v", len(entries), next, err)
	}
	entries, next, err = s.Activity(t.Context(), store.ActivityQuery{Limit: 4})
	if err != nil || len(entries) != 4 || next != entries[3].Operation {
		t.Errorf("the first 4 of 5: %d entries, %q, %v", len(entries), next, err)
	}
	entries, _, err = s.Activity(t.Context(), store.ActivityQuery{Before: "nonsense"})
	if err != nil || len(entries) != 5 {
		t.Errorf("before nonsense: %d entries, %v", len(entries), err)
	}
}

func TestOneLookAtTheActivityIsBounded(t *testing.T) {
	j, err := pebble.Open(pebble.Options{Path: "data", FS: vfs.NewMem(), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), j, storetest.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	// Many more like it, behind it.
	records, err := j.Scan(t.Context(), "a.", "", 10)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	const n = 45_000
	for i := 0; i < n; i += 1000 {
		var changes []journal.Change
		for k := range 1000 {
			changes = append(changes, journal.Change{Key: fmt.Sprintf("a.7%015x-00000000", i+k), Value: records[0].Value})
		}
		if _, err := j.Commit(context.Background(), changes...); err != nil {
			t.Fatal(err)
		}
	}
	q := store.ActivityQuery{Kinds: []store.EntryKind{store.EntryWipe}}
	var steps []string
	for range 5 {
		entries, next, err := s.Activity(t.Context(), q)
		if err != nil || len(entries) != 0 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		steps = append(steps, next)
		if q.Before = next; next == "" {
			break
		}
	}
	want := []string{fmt.Sprintf("7%015x-00000000", n-20_000), fmt.Sprintf("7%015x-00000000", n-40_000), ""}
	if !slices.Equal(steps, want) {
		t.Errorf("it went on before %q, want %q", steps, want)
	}
	if entries, next, err := s.Activity(t.Context(), store.ActivityQuery{Limit: 1 << 40}); err != nil || len(entries) != store.MaxActivity || next == "" {
		t.Errorf("of all %d, %q, %v", len(entries), next, err)
	}
}

// jobsOnRecord are the jobs whose deletes are on record, newest first.
func jobsOnRecord(t *testing.T, s *store.Store) (jobs []string) {
	t.Helper()
	for _, x := range storetest.AllEntries(t, s, store.ActivityQuery{Kinds: []store.EntryKind{store.EntryDelete}}) {
		jobs = append(jobs, strings.TrimSuffix(strings.TrimPrefix(x.What, `{job="`), `"}`))
	}
	return jobs
}

func TestEntriesThatAreTooOldGo(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now, o.Retention, o.UndoWindow = c.Time, 90*24*time.Hour, 24*time.Hour
	fs := storetest.Crashable(t)
	s := storetest.OpenOn(t, fs, o)
	remove := func(job string) {
		t.Helper()
		storetest.MustPush(t, s, "/job/"+job, "m 1\n")
		if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/"+job), store.Origin{By: "ana"}); err != nil {
			t.Fatal(err)
		}
	}
	remove("first")
	c.Advance(30 * 24 * time.Hour)
	remove("second")
	c.Advance(60*24*time.Hour - 2*time.Minute)
	storetest.ReadClock(t, s)
	if got := jobsOnRecord(t, s); !slices.Equal(got, []string{"second", "first"}) {
		t.Errorf("before its time: %q", got)
	}
	c.Advance(time.Hour + 3*time.Minute) // they are looked for once an hour
	storetest.ReadClock(t, s)
	if got := jobsOnRecord(t, s); !slices.Equal(got, []string{"second"}) {
		t.Errorf("after 90 days: %q", got)
	}
	s = storetest.OpenOn(t, storetest.AfterCrash(fs), o)
	c.Advance(30 * 24 * time.Hour)
	remove("third")
	storetest.ReadClock(t, s)
	if got := jobsOnRecord(t, s); !slices.Equal(got, []string{"third"}) {
		t.Errorf("after a restart and another 30 days: %q", got)
	}
	o.Retention = 0
	s = storetest.OpenOn(t, storetest.AfterCrash(fs), o)
	c.Advance(1000 * 24 * time.Hour)
	remove("fourth")
	storetest.ReadClock(t, s)
	if got := jobsOnRecord(t, s); len(got) < 2 {
		t.Errorf("without a bound of their age: %q", got)
	}
}

// manyEntries puts copies of the oldest entry on record, all of them older.
func manyEntries(t *testing.T, j journal.Journal, n int) {
	t.Helper()
	records, err := j.Scan(t.Context(), "a.", "", 1)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	for i := 0; i < n; i += 1000 {
		var changes []journal.Change
		for k := range min(1000, n-i) {
			changes = append(changes, journal.Change{Key: fmt.Sprintf("a.0%015x-00000000", i+k), Value: records[0].Value})
		}
		if _, err := j.Commit(context.Background(), changes...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOfTooManyEntriesTheOldestGo(t *testing.T) {
	const most, over = 1000, 2500 // several steps
	for name, retention := range map[string]time.Duration{"by number": 0, "by number, all too young": 200 * 365 * 24 * time.Hour} {
		c := &storetest.Clock{}
		fs := vfs.NewMem()
		open := func() (*store.Store, journal.Journal) {
			t.Helper()
			j, err := pebble.Open(pebble.Options{Path: "data", FS: fs, MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			o := storetest.Options
			o.Now, o.Retention, o.MaxEntries = c.Time, retention, most
			s, err := store.Open(t.Context(), j, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
			return s, j
		}
		s, j := open()
		storetest.MustPush(t, s, "/job/kept", "m 1\n")
		if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/kept"), store.Origin{}); err != nil {
			t.Fatal(err)
		}
		manyEntries(t, j, most+over-1)
		_, _ = s.Close(), j.Close()
		s, _ = open() // counts them
		for range 10 {
			storetest.ReadClock(t, s)
		}
		entries := storetest.AllEntries(t, s, store.ActivityQuery{})
		if len(entries) != most || entries[0].What != `{job="kept"}` {
			t.Errorf("%s: %d entries, the newest about %s", name, len(entries), entries[0].What)
		}
		if oldest := entries[len(entries)-1].Operation; oldest != fmt.Sprintf("0%015x-00000000", over) {
			t.Errorf("%s: the oldest is %s", name, oldest)
		}
	}
}

func TestDenialsDoNotCrowdOutWhatElseIsOnRecord(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	s := storetest.OpenOn(t, storetest.Crashable(t), o)
	const days, perMinute = 3, 30
	for minute := range days * 24 * 60 {
		for i := range perMinute {
			s.Deny(store.Denial{Origin: store.Origin{From: fmt.Sprint(minute, "-", i), Via: "basic"}, Reason: "wrong", What: "GET /" + strings.Repeat("x", 1000)})
		}
		if c.Advance(time.Minute); minute%30 == 0 {
			storetest.ReadClock(t, s)
		}
	}
	c.Advance(2 * time.Hour)
	storetest.ReadClock(t, s)
	requests, entries := 0, storetest.AllEntries(t, s, store.ActivityQuery{})
	for _, x := range entries {
		if requests += x.Count; x.Kind != store.EntryDenial || len(x.What) > 510 || x.What == "" && x.Origin != (store.Origin{}) {
			t.Fatalf("%+v", x)
		}
	}
	// They touch one day more. 90 days of that are a fourth of what the log can
	// hold.
	if perDay := len(entries) / (days + 1); requests != days*24*60*perMinute || perDay > 240 {
		t.Errorf("%d entries a day, of %d requests", perDay, requests)
	}
	// One who is known, on a day like any other.
	c.Advance(24 * time.Hour)
	s.Deny(store.Denial{Origin: store.Origin{By: "rita", From: "::1", Via: "session", ID: "sub:rita"}, Reason: "not allowed", What: "PUT /"})
	c.Advance(time.Minute)
	storetest.ReadClock(t, s)
	last, _, err := s.Activity(t.Context(), store.ActivityQuery{Limit: 1})
	if err != nil || last[0].Origin.ID != "sub:rita" || last[0].Reason != "not allowed" || last[0].Count != 1 {
		t.Errorf("%+v, %v", last, err)
	}
}
