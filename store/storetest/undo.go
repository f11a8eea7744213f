package storetest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store"
	"gatehouse/store/pebble"
)

// Clock is a clock that goes on only by Advance.
type Clock struct{ ahead atomic.Int64 }

// Time returns the time.
func (c *Clock) Time() time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(c.ahead.Load()))
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// Crashable returns a disk that forgets unsynced writes in a crash.
func Crashable(t testing.TB) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	err := fs.MkdirAll("store", 0o755)
	if err == nil {
		var root vfs.File
		if root, err = fs.OpenDir(""); err == nil {
			err = errors.Join(root.Sync(), root.Close())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// AfterCrash returns the disk as it is after a crash in this moment.
func AfterCrash(fs *vfs.MemFS) vfs.FS {
	return fs.CrashClone(vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(1, 2))})
}

// OpenOn opens a store on a disk; it is closed with the test.
func OpenOn(t testing.TB, fs vfs.FS, o store.Options) *store.Store {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: "store", FS: fs, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), j, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = j.Close() })
	return s
}

// DescribeAll describes all groupings.
func DescribeAll(s *store.Store) string {
	all := ""
	for g := range s.Snapshot().Groupings() {
		all += Describe(g)
	}
	return all
}

// Queued makes operations wait behind a commit, in their order, so that they are
// carried out together.
func Queued(t *testing.T, s *store.Store, j *Failing, operations ...func()) {
	t.Helper()
	var wg sync.WaitGroup
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func() error {
		once.Do(func() { close(entered); <-release })
		return nil
	}
	j.Before.Store(&hold)
	wg.Go(func() { MustPush(t, s, "/job/first", "first 1\n") })
	<-entered
	for i, op := range operations {
		wg.Go(op)
		Eventually(t, "it is queued", func() bool { return s.Status().Queued == i+1 })
	}
	close(release)
	wg.Wait()
}
