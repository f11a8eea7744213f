package pebble

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store/journal"
)

const patience = 30 * time.Second

func mustOpen(t *testing.T, o Options) *Journal {
	t.Helper()
	o.retryEvery = 5 * time.Millisecond
	j, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustClose(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func put(t *testing.T, j *Journal, key, value string) journal.Revision {
	t.Helper()
	r, err := j.Commit(t.Context(), journal.Change{Key: key, Value: []byte(value)})
	if err != nil {
		t.Fatalf("Commit of %q: %v", key, err)
	}
	return r
}

// until waits until ok.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// copyOf is a follower's copy of the journal.
type copyOf struct {
	mu    sync.Mutex
	held  map[string]string
	ready bool
}

func (c *copyOf) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held, c.ready = nil, false
}

func (c *copyOf) Record(r journal.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]string{}
	}
	if r.Value == nil {
		delete(c.held, r.Key)
		return
	}
	c.held[r.Key] = string(r.Value)
}

func (c *copyOf) Ready(journal.Revision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
}

func (c *copyOf) has(key, value string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held[key] == value
}

// follow follows until the test ends.
func follow(t *testing.T, j *Journal) *copyOf {
	c := &copyOf{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = j.Follow(ctx, c)
	}()
	t.Cleanup(func() { cancel(); <-done })
	until(t, "the follower is ready", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.ready })
	return c
}

// contentsOf loads everything that a follower receives.
func contentsOf(t *testing.T, j *Journal) (map[string]string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &loaded{cancel: cancel}
	err := j.Follow(ctx, c)
	if c.ready {
		err = nil
	}
	return c.held, err
}

type loaded struct {
	copyOf
	cancel func()
}

func (l *loaded) Ready(r journal.Revision) {
	l.copyOf.Ready(r)
	l.cancel()
}

// digestTree sums up names and contents of all files but the lock file.
func digestTree(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockName {
			return err
		}
		content, err := os.ReadFile(path)
		lines = append(lines, fmt.Sprintf("%s %d %x", path, len(content), sha256.Sum256(content)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// faults is a file system that fails on demand.
type faults struct {
	vfs.FS
	mu   sync.Mutex
	fail func(verb, name string) error
	free uint64 // if not 0, what is said to be free
}

func newFaults() *faults { return &faults{FS: vfs.Default} }

func (f *faults) set(fail func(verb, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *faults) ask(verb, name string) error {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil
	}
	if err := fail(verb, filepath.Base(name)); err != nil {
		return &os.PathError{Op: verb, Path: name, Err: err}
	}
	return nil
}

func (f *faults) setFree(free uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = free
}

func (f *faults) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.free > 0 {
		return vfs.DiskUsage{AvailBytes: f.free}, nil
	}
	return f.FS.GetDiskUsage(path)
}

func (f *faults) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.ask("create", name); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, c)
	return f.wrap(file, name, err)
}

func (f *faults) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := f.ask("create", name); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenReadWrite(name, c, opts...)
	return f.wrap(file, name, err)
}

func (f *faults) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.ask("create", newname); err != nil {
		return nil, err
	}
	file, err := f.FS.ReuseForWrite(oldname, newname, c)
	return f.wrap(file, newname, err)
}

func (f *faults) Rename(oldname, newname string) error {
	if err := f.ask("rename", newname); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

func (f *faults) MkdirAll(name string, perm os.FileMode) error {
	if err := f.ask("mkdir", name); err != nil {
		return err
	}
	return f.FS.MkdirAll(name, perm)
}

func (f *faults) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, faults: f, name: name}, nil
}

// faultyFile loses all writes since the last sync when a sync fails.
type faultyFile struct {
	vfs.File
	faults         *faults
	name           string
	offset, synced int64
}

// Write writes half before it fails.
func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.faults.ask("write", f.name); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		f.offset += int64(n)
		return n, err
	}
	n, err := f.File.Write(p)
	f.offset += int64(n)
	return n, err
}

func (f *faultyFile) Preallocate(offset, length int64) error {
	if err := f.faults.ask("preallocate", f.name); err != nil {
		return err
	}
	return f.File.Preallocate(offset, length)
}

func (f *faultyFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *faultyFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *faultyFile) sync(call func() error) error {
	if err := f.faults.ask("sync", f.name); err != nil {
		_, _ = f.File.WriteAt(make([]byte, f.offset-f.synced), f.synced)
		return err
	}
	f.synced = f.offset
	return call()
}
