package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/store/journal"
)

// on fails the verb on files whose name has the part.
func on(verb, part string, err error) func(string, string) error {
	return func(v, name string) error {
		if (verb == "" || v == verb) && strings.Contains(name, part) && name != waterlineName {
			return err
		}
		return nil
	}
}

// commitUntilRefused commits large values until one fails, and returns its
// key and the values that were acknowledged.
func commitUntilRefused(ctx context.Context, j *Journal, value []byte) (string, []string, error) {
	var done []string
	for i := 0; ; i++ {
		key := fmt.Sprintf("large %03d", i)
		if _, err := j.Commit(ctx, journal.Change{Key: key, Value: value}); err != nil {
			return key, done, err
		}
		done = append(done, key)
	}
}

func TestAFullDiskRefusesCommitsUntilThereIsSpaceAndLosesNothing(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(string, string) error
	}{
		{"log write", on("write", ".log", syscall.ENOSPC)},
		{"log sync, which drops what was written", on("sync", ".log", syscall.ENOSPC)},
		{"quota on the log", on("write", ".log", syscall.EDQUOT)},
		{"log creation", on("create", ".log", syscall.ENOSPC)},
		{"table creation", on("create", ".sst", syscall.ENOSPC)},
		{"table write", on("write", ".sst", syscall.ENOSPC)},
		{"table sync, which drops what was written", on("sync", ".sst", syscall.ENOSPC)},
		{"manifest write", on("write", "MANIFEST", syscall.ENOSPC)},
		{"manifest sync, which drops what was written", on("sync", "MANIFEST", syscall.ENOSPC)},
		{"too many open files", on("create", "", syscall.EMFILE)},
		{"everything", on("", "", syscall.ENOSPC)},
	} {
		// A table is written anew and not held up, so commits get through now and then.
		steady := !strings.HasPrefix(test.name, "table sync")
		t.Run(test.name, func(t *testing.T) { fillUp(t, test.fail, steady) })
	}
}

func fillUp(t *testing.T, fail func(string, string) error, steady bool) {
	dir, fs := t.TempDir(), newFaults()
	j := mustOpen(t, Options{Path: dir, FS: fs})
	put(t, j, "before", "1")
	follower := follow(t, j)
	value := bytes.Repeat([]byte("v"), 1<<20)

	fs.set(fail)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		until(t, "the journal is unavailable", func() bool { return errors.Is(j.Status().Err, journal.ErrUnavailable) })
		cancel()
	}()
	refused, done, err := commitUntilRefused(ctx, j, value)
	if !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		t.Fatalf("commit on a full disk: got %v, want ErrUnavailable or the context's error", err)
	}
	if s := j.Status(); steady && (!errors.Is(s.Err, journal.ErrUnavailable) || s.Since.IsZero()) {
		t.Errorf("status on a full disk: got %+v, want ErrUnavailable", s)
	}
	if steady {
		_, err := j.Commit(context.Background(), journal.Change{Key: "new", Value: value})
		if !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("new commit on a full disk: got %v, want ErrUnavailable", err)
		}
	}
	if r, err := j.Read(t.Context(), "before"); err != nil || string(r.Value) != "1" {
		t.Errorf("read on a full disk: got %q, %v", r.Value, err)
	}

	fs.set(nil)
	until(t, "commits are taken again", func() bool { return j.Status().Err == nil })
	put(t, j, "after", "1")
	until(t, "the follower gets the commit afterwards", func() bool { return follower.has("after", "1") })
	for _, key := range done {
		if !follower.has(key, string(value)) {
			t.Errorf("the follower did not get the acknowledged commit of %q", key)
		}
	}
	// The refused one may have been written, but everybody must agree.
	_, err = j.Read(t.Context(), refused)
	if stored := err == nil; stored != follower.has(refused, string(value)) {
		t.Errorf("the refused commit: read says %v, the follower %v", stored, !stored)
	}
	mustClose(t, j)
	j = mustOpen(t, Options{Path: dir})
	held, err := contentsOf(t, j)
	if err != nil || len(held) != len(follower.held) {
		t.Fatalf("after reopening: got %d records and error %v, want %d records", len(held), err, len(follower.held))
	}
	for key, want := range follower.held {
		if held[key] != want {
			t.Errorf("after reopening %q differs from the reported value", key)
		}
	}
}

func TestACommitHeldUpByAFullDiskIsReportedAndDurableWhenThereIsSpace(t *testing.T) {
	dir, fs := t.TempDir(), newFaults()
	j := mustOpen(t, Options{Path: dir, FS: fs})
	follower := follow(t, j)
	fs.set(on("sync", ".log", syscall.ENOSPC))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		until(t, "the journal is unavailable", func() bool { return j.Status().Err != nil })
		cancel()
	}()
	_, err := j.Commit(ctx, journal.Change{Key: "a", Value: []byte("1")})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, journal.ErrUnavailable) {
		t.Fatalf("the commit whose caller left: got %v, want the context's error and ErrUnavailable", err)
	}
	if _, err := j.Read(t.Context(), "a"); !errors.Is(err, journal.ErrNoRecord) {
		t.Errorf("read of a change that is not durable: got %v, want ErrNoRecord", err)
	}
	if j.Status().Revision != 0 || follower.has("a", "1") {
		t.Error("a change is reported that is not durable")
	}
	fs.set(nil)
	until(t, "the follower gets it", func() bool { return follower.has("a", "1") })
	if got := j.Status().Revision; got != 1 {
		t.Errorf("revision afterwards: got %d, want 1", got)
	}
	put(t, j, "b", "1")
	mustClose(t, j)
	j = mustOpen(t, Options{Path: dir})
	if r, err := j.Read(t.Context(), "a"); err != nil || string(r.Value) != "1" {
		t.Errorf("after reopening: got %q, %v", r.Value, err)
	}
}

func TestAFullDiskDoesNotHoldUpClose(t *testing.T) {
	dir, fs := t.TempDir(), newFaults()
	j := mustOpen(t, Options{Path: dir, FS: fs})
	put(t, j, "a", "1")
	fs.set(on("", "", syscall.ENOSPC))
	failed := make(chan error, 1)
	go func() {
		_, err := j.Commit(context.Background(), journal.Change{Key: "a", Value: []byte("2")})
		failed <- err
	}()
	until(t, "the journal is unavailable", func() bool { return j.Status().Err != nil })
	if err := j.Close(); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("Close on a full disk: got %v, want ErrUnavailable", err)
	}
	if err := <-failed; err == nil {
		t.Error("the commit that was held up got no error")
	}
	fs.set(nil)
	j = mustOpen(t, Options{Path: dir})
	if r, err := j.Read(t.Context(), "a"); err != nil || len(r.Value) != 1 {
		t.Errorf("after reopening: got %q, %v", r.Value, err)
	}
}

func TestAFailedWriteEndsCommitsButNotReadingNorTheProcess(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(string, string) error
	}{
		{"log write", on("write", ".log", syscall.EIO)},
		{"log sync", on("sync", ".log", syscall.EIO)},
		{"log creation", on("create", ".log", syscall.EIO)},
		{"table write", on("write", ".sst", syscall.EIO)},
		{"table sync", on("sync", ".sst", syscall.EIO)},
		{"manifest sync", on("sync", "MANIFEST", syscall.EIO)},
		{"everything, read-only", on("", "", syscall.EROFS)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, fs := t.TempDir(), newFaults()
			j := mustOpen(t, Options{Path: dir, FS: fs})
			put(t, j, "before", "1")
			fs.set(test.fail)
			value := bytes.Repeat([]byte("v"), 1<<20)
			refused, done, err := commitUntilRefused(t.Context(), j, value)
			if !errors.Is(err, journal.ErrBroken) {
				t.Fatalf("commit: got %v, want ErrBroken", err)
			}
			fs.set(nil)
			if _, err := j.Commit(t.Context(), journal.Change{Key: "x"}); !errors.Is(err, journal.ErrBroken) {
				t.Errorf("commit after the failure: got %v, want ErrBroken", err)
			}
			if s := j.Status(); !errors.Is(s.Err, journal.ErrBroken) || s.Since.IsZero() {
				t.Errorf("status: got %+v, want ErrBroken", s)
			}
			if r, err := j.Read(t.Context(), "before"); err != nil || string(r.Value) != "1" {
				t.Errorf("read: got %q, %v", r.Value, err)
			}
			if held, err := contentsOf(t, j); err != nil || len(held) != len(done)+1 {
				t.Errorf("follow: got %d records and %v, want %d", len(held), err, len(done)+1)
			}
			if err := j.Close(); !errors.Is(err, journal.ErrBroken) {
				t.Errorf("Close: got %v, want ErrBroken", err)
			}
			j = mustOpen(t, Options{Path: dir})
			held, err := contentsOf(t, j)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range done {
				if held[key] != string(value) {
					t.Errorf("the acknowledged %q is lost", key)
				}
			}
			delete(held, refused)
			if len(held) != len(done)+1 {
				t.Errorf("after reopening: got %d records, want %d", len(held), len(done)+1)
			}
		})
	}
}

func TestTheEngineCannotEndTheProcess(t *testing.T) {
	j := mustOpen(t, Options{Path: t.TempDir()})
	put(t, j, "a", "1")
	go j.listener.Fatalf("invariant %d\nviolated", 7)
	until(t, "the journal is broken", func() bool { return errors.Is(j.Status().Err, journal.ErrBroken) })
	if err := j.Status().Err; !strings.Contains(err.Error(), "invariant 7 violated") {
		t.Errorf("status does not say why: %v", err)
	}
	if err := j.Close(); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("Close: got %v, want ErrBroken", err)
	}
}

func TestCommitsAreRefusedWhileThereIsTooLittleFreeSpace(t *testing.T) {
	fs := newFaults()
	fs.setFree(1 << 30)
	j := mustOpen(t, Options{Path: t.TempDir(), FS: fs, MinFree: 64 << 20, refreshEvery: time.Millisecond})
	put(t, j, "a", "1")
	fs.setFree(63 << 20)
	until(t, "commits are refused", func() bool { return errors.Is(j.Status().Err, journal.ErrUnavailable) })
	if _, err := j.Commit(t.Context(), journal.Change{Key: "a"}); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("commit: got %v, want ErrUnavailable", err)
	}
	if err := j.Status().Err; !strings.Contains(err.Error(), "only 63 MiB of free space left, commits are refused below 64 MiB") {
		t.Errorf("it says %v", err)
	}
	if got := j.Status().Free; got != 63<<20 {
		t.Errorf("free space: got %d, want %d", got, 63<<20)
	}
	fs.setFree(64 << 20)
	until(t, "commits are taken", func() bool { return j.Status().Err == nil })
	put(t, j, "a", "2")
	mustClose(t, j)
}
