package storetest

import (
	"context"
	"testing"

	"gatehouse/store"
)

// ReadClock makes a store read its clock.
func ReadClock(t *testing.T, s *store.Store) {
	t.Helper()
	if _, err := s.Delete(context.Background(), Key(t, "/job/nothing"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
}
