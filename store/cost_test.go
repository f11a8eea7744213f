package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/pebble"
)

// filled returns a store of n groupings of 20 families each, on a disk of
// memory: only the store's own cost is measured.
func filled(t testing.TB, n int) (*store.Store, []store.Push) {
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
	var workers sync.WaitGroup
	for worker := range min(n, 64) { // whose pushes are committed together
		workers.Go(func() {
			for i := worker; i < n; i += 64 {
				pushes[i] = push(t, fmt.Sprintf("/job/batch/instance/host-%d", i), body.String())
				if _, err := s.Push(context.Background(), pushes[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	return s, pushes
}

func BenchmarkPush(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		b.Run(fmt.Sprintf("%d groupings", n), func(b *testing.B) {
			s, pushes := filled(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Push(context.Background(), pushes[i*7919%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRefusedPush(b *testing.B) {
	s, _ := filled(b, 10_000)
	bad := push(b, "/job/other", "# TYPE family_1 counter\nfamily_1 1\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Push(context.Background(), bad); err == nil {
			b.Fatal("it was accepted")
		}
	}
}

func BenchmarkExposed(b *testing.B) {
	s, _ := filled(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		p := s.Snapshot()
		for f := range p.Exposed(p.Groupings(), p.Stats().Groupings) {
			_ = f
		}
	}
}

func TestAPushCostsTheSameHoweverMuchIsStored(t *testing.T) {
	few, fewPushes := filled(t, 10)
	many, manyPushes := filled(t, 10_000)
	// The best of several rounds, taken in turn, is free of noise.
	round := func(s *store.Store, pushes []store.Push) time.Duration {
		began := time.Now()
		for i := range 300 {
			if _, err := s.Push(context.Background(), pushes[i*7919%len(pushes)]); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(began)
	}
	var a, b []time.Duration
	for range 7 {
		a = append(a, round(few, fewPushes))
		b = append(b, round(many, manyPushes))
	}
	if ratio := float64(slices.Min(b)) / float64(slices.Min(a)); ratio > 5 {
		t.Errorf("a push at 10,000 groupings takes %.1f times as long as at 10", ratio)
	}
}

func BenchmarkOpen(b *testing.B) {
	fs := vfs.NewMem()
	open := func() (*store.Store, *pebble.Journal) {
		j, err := pebble.Open(pebble.Options{Path: "data", FS: fs, MinFree: -1})
		if err != nil {
			b.Fatal(err)
		}
		s, err := store.Open(b.Context(), j, checked)
		if err != nil {
			b.Fatal(err)
		}
		return s, j
	}
	s, j := open()
	for i := range 10_000 {
		mustPush(b, s, fmt.Sprintf("/job/batch/instance/host-%d", i), "# TYPE a gauge\na 1\n# TYPE b gauge\nb{stage=\"load\"} 1\nc 2\n")
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := errors.Join(s.Close(), j.Close()); err != nil {
			b.Fatal(err)
		}
		s, j = open()
	}
	if err := errors.Join(s.Close(), j.Close()); err != nil {
		b.Fatal(err)
	}
}
