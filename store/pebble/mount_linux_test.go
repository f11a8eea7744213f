package pebble

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gatehouse/store/journal"
)

// mount puts a file system in memory on dir until the test ends.
func mount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("needs a file system of its own, and mounting one is not permitted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func TestAReadOnlyFileSystemIsRefused(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, syscall.MS_RDONLY, "size=1m")
	refusal(t, dir, "read-only file system", "choose another one")
}

// TestAReallyFullDisk fills a small file system.
func TestAReallyFullDisk(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, 0, "size=48m")
	path, ballast := filepath.Join(dir, "store"), filepath.Join(dir, "ballast")
	j := mustOpen(t, Options{Path: path})
	put(t, j, "before", "1")
	follower := follow(t, j)
	if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		until(t, "the disk is full", func() bool { return j.Status().Err != nil })
		cancel()
	}()
	value := bytes.Repeat([]byte("v"), 100<<10)
	_, done, err := commitUntilRefused(ctx, j, value)
	if !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		t.Fatalf("commit on a full disk: got %v", err)
	}
	if len(done) == 0 {
		t.Fatal("nothing was stored before the disk was full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "commits are taken again", func() bool { return j.Status().Err == nil })
	put(t, j, "after", "1")
	until(t, "the follower gets it", func() bool { return follower.has("after", "1") })
	for _, key := range done {
		if !follower.has(key, string(value)) {
			t.Errorf("%q is lost", key)
		}
	}
	mustClose(t, j)
	j = mustOpen(t, Options{Path: path})
	if held, err := contentsOf(t, j); err != nil || len(held) < len(done)+2 {
		t.Errorf("after reopening: got %d records and %v, want %d", len(held), err, len(done)+2)
	}
}
