package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/pebble"
)

// everything pages through the activity log with a query, newest first.
func everything(t *testing.T, s *store.Store, q store.ActivityQuery) []store.Entry {
	t.Helper()
	var all []store.Entry
	for range 1000 {
		entries, next, err := s.Activity(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entries...)
		if q.Before = next; next == "" {
			return all
		}
	}
	t.Fatal("there is no end to it")
	return nil
}

func TestActivityIsToldNewestFirstAndFiltered(t *testing.T) {
	c := &clock{}
	o := checked
	o.Now = c.now
	s := openOn(t, crashable(t), o)
	start := c.now()
	remove := func(path, by, from string) {
		t.Helper()
		mustPush(t, s, path, "m 1\n")
		if _, err := s.Delete(t.Context(), key(t, path), store.Origin{By: by, From: from}); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
	}
	remove("/job/alpha", "ana", "10.0.0.1")
	remove("/job/beta", "ben", "10.0.0.2")
	remove("/job/Gamma", "ana", "10.0.0.2")
	mustPush(t, s, "/job/delta", "m 1\n")
	if _, err := s.Wipe(t.Context(), store.Origin{By: "anabel", From: "::1"}); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	s.Reject(t.Context(), store.Rejection{Key: key(t, "/job/beta"), Reason: "syntax", Message: "Line 7 is bad", Origin: store.Origin{By: "carl"}})
	c.advance(time.Hour)
	look(t, s)
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
			for _, x := range everything(t, s, tt.q) {
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
	s, err := store.Open(t.Context(), j, checked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
	mustPush(t, s, "/job/x", "m 1\n")
	if _, err := s.Delete(t.Context(), key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	// Many more like it, behind it.
	records, err := j.Scan(t.Context(), "a.", "", 10)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	const n = 45_000
	for i := 0; i < n; i += 1000 {
		var changes []store.Change
		for k := range 1000 {
			changes = append(changes, store.Change{Key: fmt.Sprintf("a.7%015x-00000000", i+k), Value: records[0].Value})
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
