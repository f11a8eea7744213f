package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

func BenchmarkPush(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		b.Run(fmt.Sprintf("%d groupings", n), func(b *testing.B) {
			s, pushes := storetest.Filled(b, n)
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
	s, _ := storetest.Filled(b, 10_000)
	bad := storetest.Push(b, "/job/other", "# TYPE family_1 counter\nfamily_1 1\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Push(context.Background(), bad); err == nil {
			b.Fatal("it was accepted")
		}
	}
}

func BenchmarkExposed(b *testing.B) {
	s, _ := storetest.Filled(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		p := s.Snapshot()
		for f := range p.Exposed(p.Groupings(), p.Stats().Groupings) {
			_ = f
		}
	}
}

func TestAPushCostsTheSameHoweverMuchIsStored(t *testing.T) {
	few, fewPushes := storetest.Filled(t, 10)
	many, manyPushes := storetest.Filled(t, 10_000)
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
		s, err := store.Open(b.Context(), j, storetest.Options)
		if err != nil {
			b.Fatal(err)
		}
		return s, j
	}
	s, j := open()
	for i := range 10_000 {
		storetest.MustPush(b, s, fmt.Sprintf("/job/batch/instance/host-%d", i), "# TYPE a gauge\na 1\n# TYPE b gauge\nb{stage=\"load\"} 1\nc 2\n")
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
