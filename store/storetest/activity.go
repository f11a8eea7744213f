package storetest

import (
	"testing"

	"gatehouse/store"
)

// AllEntries pages through the activity log with a query, newest first.
func AllEntries(t *testing.T, s *store.Store, q store.ActivityQuery) []store.Entry {
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
