package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/pebble"
)

// Filled returns a store of n groupings of 20 families each, on a disk of
// memory: only the store's own cost is measured.
func Filled(t testing.TB, n int) (*store.Store, []store.Push) {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: "data", FS: vfs.NewMem(), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), j, store.Options{Limits: store.Limits{CheckConsistency: true}, Undo: store.Undo{UndoWindow: time.Hour, UndoMaxBytes: 1 << 30}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
	var body strings.Builder
	for i := range 20 {
		fmt.Fprintf(&body, "# HELP family_%[1]d Of the last run.\n# TYPE family_%[1]d gauge\nfamily_%[1]d{stage=\"load\"} 1\nfamily_%[1]d{stage=\"store\"} 2\n", i)
	}
	pushes := make([]store.Push, n)
	for i := range pushes {
		pushes[i] = Push(t, fmt.Sprintf("/job/batch/instance/host-%d", i), body.String())
	}
	var workers sync.WaitGroup
	for worker := range min(n, 64) { // whose pushes are committed together
		workers.Go(func() {
			for i := worker; i < n; i += 64 {
				if _, err := s.Push(context.Background(), pushes[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	return s, pushes
}
