package pebble

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxKeptCapacity bounds the buffer of unsynced bytes that a file keeps
// between two syncs.
const maxKeptCapacity = 1 << 20

// errRewrite makes the engine write a table anew.
var errRewrite = errors.New("the disk was full while a table was synced: it is written anew")

// disk is the engine's way to the file system. The engine ends the process
// when a write fails, and is in an undefined state if that is prevented. So
// it never learns of a failed write: when the disk is full, the write waits
// here and is tried again; after any other error it waits for ever, and the
// journal counts as failed.
type disk struct {
	vfs.FS
	health     *health
	log        *slog.Logger
	retryEvery time.Duration
	refused    chan error // the first change that failed while the engine opened

	mu   sync.Mutex
	live bool // errors are kept from the engine

	// Every change of the file system holds gate; abandonThen takes it for good.
	gate      sync.RWMutex
	abandoned chan struct{}
}

func newDisk(fs vfs.FS, h *health, log *slog.Logger) *disk {
	return &disk{
		FS: fs, health: h, log: log, retryEvery: 250 * time.Millisecond,
		refused: make(chan error, 1), abandoned: make(chan struct{}),
	}
}

// opened returns what open returns, unless a change of the file system fails
// before: then it returns that error, and nothing changes the file system any
// more. The engine passes some of these errors on; about others it tries for ever.
func (d *disk) opened(open func() (*pebble.DB, error)) (*pebble.DB, error) {
	type result struct {
		db  *pebble.DB
		err error
	}
	done := make(chan result, 1)
	go func() {
		db, err := open()
		done <- result{db, err}
	}()
	select {
	case r := <-done:
		return r.db, r.err
	case err := <-d.refused:
		d.abandonThen(func() {}, closeGrace)
		return nil, err
	}
}

// goLive begins to keep errors from the engine. Before, while the engine opens,
// any of them is the end of that.
func (d *disk) goLive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = true
}

func (d *disk) isLive() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live
}

// abandonThen stops everything that still wants to write where it is, and
// calls then once nothing changes the file system any more. It returns after
// patience even if a call into the file system doesn't.
func (d *disk) abandonThen(then func(), patience time.Duration) {
	close(d.abandoned)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.gate.Lock()
		then()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// try makes one change. After abandonThen it never returns.
func (d *disk) try(change func() error) error {
	d.gate.RLock()
	defer d.gate.RUnlock()
	return change()
}

// attempt makes a change until it succeeds.
func (d *disk) attempt(verb, name string, change func() error) error {
	err := d.try(change)
	if err == nil || tolerable(err) {
		return err
	}
	cause := fmt.Errorf("%s %s: %w", verb, name, rootCause(err))
	if !d.isLive() {
		select {
		case d.refused <- cause:
		default:
		}
		return err
	}
	if !isFull(err) {
		d.fail(cause)
	}
	if d.health.park(cause) {
		d.log.Warn("the disk is full: nothing can be stored until there is space again", "error", cause)
	}
	timer := time.NewTimer(d.retryEvery)
	defer timer.Stop()
	for isFull(err) {
		select {
		case <-timer.C:
			timer.Reset(d.retryEvery)
		case <-d.abandoned:
			select {}
		}
		err = d.try(change)
	}
	if err != nil && !tolerable(err) {
		d.fail(fmt.Errorf("%s %s: %w", verb, name, rootCause(err)))
	}
	if d.health.unpark() {
		d.log.Info("the disk has space again")
	}
	return err
}

// fail records that the journal cannot go on, and never returns.
func (d *disk) fail(cause error) {
	if d.health.fail(cause) {
		d.log.Error("writing to the disk failed: nothing can be stored until a restart", "error", cause)
	}
	select {}
}

// isFull reports whether an error may pass by itself.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// tolerable reports whether the engine asks for an error: it looks whether
// files exist by removing and creating them.
func tolerable(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrExist) || errors.Is(err, errRewrite)
}

// rootCause leaves the operation and path that os adds to an error out.
func rootCause(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (d *disk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	var f vfs.File
	err := d.attempt("create", name, func() (err error) {
		f, err = d.FS.Create(name, category)
		return err
	})
	return d.wrap(f, name, err)
}

func (d *disk) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	var f vfs.File
	err := d.attempt("open", name, func() (err error) {
		f, err = d.FS.OpenReadWrite(name, category, opts...)
		return err
	})
	return d.wrap(f, name, err)
}

func (d *disk) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	var f vfs.File
	err := d.attempt("reuse", newname, func() (err error) {
		f, err = d.FS.ReuseForWrite(oldname, newname, category)
		return err
	})
	return d.wrap(f, newname, err)
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	var f vfs.File
	err := d.attempt("open", name, func() (err error) {
		f, err = d.FS.OpenDir(name)
		return err
	})
	return d.wrap(f, name, err)
}

func (d *disk) Link(oldname, newname string) error {
	return d.attempt("link", newname, func() error { return d.FS.Link(oldname, newname) })
}

func (d *disk) Rename(oldname, newname string) error {
	return d.attempt("rename", newname, func() error { return d.FS.Rename(oldname, newname) })
}

func (d *disk) MkdirAll(dir string, perm os.FileMode) error {
	return d.attempt("make", dir, func() error { return d.FS.MkdirAll(dir, perm) })
}

// Remove and RemoveAll pass errors on: the engine takes them for files that
// are left over.
func (d *disk) Remove(name string) error {
	return d.try(func() error { return d.FS.Remove(name) })
}

func (d *disk) RemoveAll(name string) error {
	return d.try(func() error { return d.FS.RemoveAll(name) })
}

// Lock does nothing: the directory around the engine's is locked already.
func (d *disk) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (d *disk) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	usage, err := d.FS.GetDiskUsage(path)
	if err != nil {
		return usage, vfs.ErrUnsupported
	}
	return usage, nil
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

func (d *disk) wrap(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	table := strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
	return &file{File: f, disk: d, name: name, table: table}, nil
}

// file is a file being written from its beginning.
type file struct {
	vfs.File
	disk  *disk
	name  string
	table bool
	// A failed sync may have dropped what it should have written, and the next
	// one succeeds all the same. So what was not synced is kept to be written
	// again. A table is too large for that; the engine writes it anew.
	unsynced []byte
	offset   int64
}

func (f *file) Write(p []byte) (int, error) {
	n := 0
	err := f.disk.attempt("write", f.name, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	if !f.table {
		f.unsynced = append(f.unsynced, p[:n]...)
		f.offset += int64(n)
	}
	return n, err
}

func (f *file) Sync() error     { return f.sync(f.File.Sync) }
func (f *file) SyncData() error { return f.sync(f.File.SyncData) }

func (f *file) sync(call func() error) error {
	again := false
	err := f.disk.attempt("sync", f.name, func() error {
		if again {
			if err := f.writeAgain(); err != nil {
				return err
			}
		}
		again = true
		return call()
	})
	if err != nil {
		return err
	}
	if f.unsynced = f.unsynced[:0]; cap(f.unsynced) > maxKeptCapacity {
		f.unsynced = nil
	}
	return nil
}

func (f *file) writeAgain() error {
	if f.table {
		return errRewrite
	}
	if len(f.unsynced) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.unsynced, f.offset-int64(len(f.unsynced)))
	return err
}

func (f *file) SyncTo(length int64) (bool, error) {
	full := false
	err := f.disk.attempt("sync", f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Close ignores a full disk once everything is synced: nothing is lost then.
func (f *file) Close() error {
	err := f.disk.try(f.File.Close)
	if err != nil && len(f.unsynced) == 0 && isFull(err) {
		return nil
	}
	return err
}

// readOnly is a file system that refuses every change, for looking at a store
// before anything is written to it.
type readOnly struct{ vfs.FS }

var errReadOnly = errors.New("the store is only being looked at")

func (readOnly) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, errReadOnly }
func (readOnly) OpenReadWrite(string, vfs.DiskWriteCategory, ...vfs.OpenOption) (vfs.File, error) {
	return nil, errReadOnly
}

func (readOnly) ReuseForWrite(string, string, vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, errReadOnly
}
func (readOnly) Link(string, string) error          { return errReadOnly }
func (readOnly) Rename(string, string) error        { return errReadOnly }
func (readOnly) MkdirAll(string, os.FileMode) error { return errReadOnly }
func (readOnly) Remove(string) error                { return errReadOnly }
func (readOnly) RemoveAll(string) error             { return errReadOnly }
func (readOnly) Lock(string) (io.Closer, error)     { return io.NopCloser(nil), nil }
