package pebble

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"gatehouse/store/journal"
)

// filled opens a journal that holds n records of 1.5 KB that don't compress.
func filled(b *testing.B, dir string, n int) *Journal {
	b.Helper()
	j, err := Open(Options{Path: dir, MinFree: -1})
	if err != nil {
		b.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{})
	for at := 0; at < n; {
		var changes []journal.Change
		for ; at < n && len(changes) < 500; at++ {
			value := make([]byte, 1500)
			_, _ = random.Read(value)
			changes = append(changes, journal.Change{Key: benchKey(at), Value: value})
		}
		if _, err := j.Commit(b.Context(), changes...); err != nil {
			b.Fatal(err)
		}
	}
	return j
}

func benchKey(i int) string {
	return fmt.Sprintf("g.job/batch_%d/instance/10.0.%d.%d:9100", i%100, i/256, i%256)
}

func BenchmarkCommit(b *testing.B) {
	for _, keys := range []int{100, 10_000, 100_000} {
		for _, conditional := range []bool{false, true} {
			j := filled(b, b.TempDir(), keys)
			for _, writers := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("keys=%d/conditional=%v/writers=%d", keys, conditional, writers), func(b *testing.B) {
					commitFrom(b, j, keys, writers, conditional)
				})
			}
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// commitFrom commits b.N times; every writer has keys of its own.
func commitFrom(b *testing.B, j *Journal, keys, writers int, conditional bool) {
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			value := make([]byte, 1500)
			revisions := map[string]journal.Revision{}
			for next.Add(1) <= int64(b.N) {
				key := benchKey(random.IntN(keys/writers)*writers + w)
				c := journal.Change{Key: key, Value: value}
				if conditional {
					if revisions[key] == 0 {
						old, err := j.Read(b.Context(), key)
						if err != nil {
							b.Error(err)
							return
						}
						revisions[key] = old.Revision
					}
					c.If = at(revisions[key])
				}
				r, err := j.Commit(b.Context(), c)
				if err != nil {
					b.Error(err)
					return
				}
				revisions[key] = r
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

func at(r journal.Revision) *journal.Revision { return &r }

func BenchmarkLoad(b *testing.B) {
	for _, keys := range []int{10_000, 100_000} {
		dir := b.TempDir()
		if err := filled(b, dir, keys).Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			for range b.N {
				j, err := Open(Options{Path: dir, MinFree: -1})
				if err != nil {
					b.Fatal(err)
				}
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
