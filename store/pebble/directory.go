package pebble

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Files of a store's directory.
const (
	markerName    = "gatehouse.json"
	markerTemp    = "gatehouse.json.tmp"
	waterlineName = "last-revision"
	lockName      = "LOCK"
	engineName    = "pebble"

	formatVersion  = 1
	maxMarkerBytes = 4096
)

// marker says that a directory is a store of ours.
type marker struct {
	Format int    `json:"format"`
	Store  string `json:"store"` // random, distinguishes stores
}

// directory is the place of a store.
type directory struct {
	fs   vfs.FS
	path string
}

// newDirectory makes path absolute: the lock is only seen by others under the
// same name.
func newDirectory(fs vfs.FS, path string) (directory, error) {
	if fs != nil {
		return directory{fs: fs, path: path}, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return directory{}, fmt.Errorf("store %s: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return directory{fs: vfs.Default, path: abs}, nil
}

func (d directory) file(name string) string { return d.fs.PathJoin(d.path, name) }

// unusable, damaged: refusals. Each says what and where, and how to go on.
func (d directory) unusable(what string, err error) error {
	return fmt.Errorf("store %s: %s: %w; check that the directory belongs to this program's user, can be written and has space left, or choose another one", d.path, what, rootCause(err))
}

func (d directory) damaged(err error) error {
	return fmt.Errorf("store %s is damaged and was left as it is: %w; restore it from a backup, or move the directory away to start empty", d.path, err)
}

// create makes the directory if there is none, durably: a directory whose
// parent was not synced can vanish with all that is in it.
func (d directory) create() error {
	missing := d.missing()
	if err := d.fs.MkdirAll(d.path, 0o700); err != nil {
		return d.unusable("cannot create the directory", err)
	}
	for _, path := range missing {
		if err := syncDirectory(d.fs, d.fs.PathDir(path)); err != nil {
			return d.unusable("cannot sync the directory above it", err)
		}
	}
	return nil
}

// shared reports whether users other than the owner have rights in the directory,
// as far as its mode says so.
func (d directory) shared() (mode fs.FileMode, shared bool) {
	stat, err := d.fs.Stat(d.path)
	if err != nil || runtime.GOOS == "windows" {
		return 0, false
	}
	return stat.Mode(), stat.IsDir() && stat.Mode().Perm()&0o077 != 0
}

// missing lists the directory and those above it that are not there, the
// innermost first.
func (d directory) missing() (paths []string) {
	for path := d.path; ; path = d.fs.PathDir(path) {
		if _, err := d.fs.Stat(path); !errors.Is(err, os.ErrNotExist) || path == d.fs.PathDir(path) {
			return paths
		}
		paths = append(paths, path)
	}
}

// Holds reports whether the directory at path holds a store, or the remains of
// a damaged one. It changes nothing.
func Holds(path string) (bool, error) {
	d, err := newDirectory(nil, path)
	if err != nil {
		return false, err
	}
	names, err := d.fs.List(d.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, d.unusable("cannot read the directory", err)
	}
	return slices.Contains(names, markerName) || d.unmarked(names), nil
}

// unmarked reports whether a store is there that has lost its marker: the engine
// is begun only once that is written.
func (d directory) unmarked(names []string) bool {
	return slices.Contains(names, waterlineName) && slices.Contains(names, engineName) && !slices.Contains(names, markerName)
}

// inspect reports whether the directory holds a store of ours or is free to
// become one; any other is refused. It changes nothing.
func (d directory) inspect() (exists bool, err error) {
	names, err := d.fs.List(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, d.unusable("cannot read the directory", err)
	}
	if d.unmarked(names) {
		return false, d.damaged(errors.New(markerName + " is missing"))
	}
	foreign := ""
	for _, name := range names {
		switch {
		case name == markerName:
			_, err := d.readMarker()
			return true, err
		case ours(name): // an earlier first start may have ended here
		case name == "lost+found", strings.HasPrefix(name, "."): // as in the root of a volume
		default:
			foreign = name
		}
	}
	if foreign != "" {
		return false, fmt.Errorf("store %s: the directory is not empty (it has %q) and holds no store of Gatehouse; choose another directory, or move what is in it away", d.path, foreign)
	}
	return false, nil
}

// ours reports whether a file belongs to the store, beside the engine's.
func ours(name string) bool {
	return name == markerName || name == markerTemp || name == waterlineName || name == lockName
}

func (d directory) readMarker() (marker, error) {
	f, err := d.fs.Open(d.file(markerName))
	if err != nil {
		return marker{}, d.unusable("cannot read "+markerName, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMarkerBytes))
	if err != nil {
		return marker{}, d.damaged(fmt.Errorf("%s: %w", markerName, err))
	}
	m, err := parseMarker(text)
	if err != nil {
		return marker{}, d.damaged(fmt.Errorf("%s: %w", markerName, err))
	}
	if m.Format > formatVersion {
		return marker{}, fmt.Errorf("store %s has format %d, this program knows formats up to %d; start it with the newer version of Gatehouse that wrote it", d.path, m.Format, formatVersion)
	}
	return m, nil
}

func parseMarker(text []byte) (marker, error) {
	var m marker
	if err := json.Unmarshal(text, &m); err != nil {
		return marker{}, err
	}
	if m.Format < 1 {
		return marker{}, errors.New("no format")
	}
	if m.Format == formatVersion && m.Store == "" {
		return marker{}, errors.New("no store id")
	}
	return m, nil
}

// found writes what makes an empty directory a store of ours. The marker comes
// last: without it the next start begins anew.
func (d directory) found() error {
	line, err := openWaterline(d.fs, d.file(waterlineName))
	if err != nil {
		return d.unusable("cannot write "+waterlineName, err)
	}
	err = errors.Join(line.raise(0), line.sync(), line.close())
	if err != nil {
		return d.unusable("cannot write "+waterlineName, err)
	}
	text, err := json.Marshal(marker{Format: formatVersion, Store: rand.Text()})
	if err != nil {
		return err
	}
	if err := d.writeMarker(append(text, '\n')); err != nil {
		return d.unusable("cannot write "+markerName, err)
	}
	return nil
}

func (d directory) writeMarker(text []byte) error {
	f, err := d.fs.Create(d.file(markerTemp), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := d.fs.Rename(d.file(markerTemp), d.file(markerName)); err != nil {
		return err
	}
	return syncDirectory(d.fs, d.path)
}

func syncDirectory(fs vfs.FS, path string) error {
	f, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lock keeps every other Gatehouse out of the directory.
func (d directory) lock() (io.Closer, error) {
	lock, err := d.fs.Lock(d.file(lockName))
	if err == nil {
		return lock, nil
	}
	var errno syscall.Errno
	switch {
	case !errors.As(err, &errno):
		return nil, fmt.Errorf("store %s is in use by this program already (pid %d); open it once", d.path, os.Getpid())
	case errno == syscall.EAGAIN || errno == syscall.EACCES && d.readable(lockName):
		return nil, fmt.Errorf("store %s is in use by another program%s; stop that one first, or choose another directory", d.path, d.holder())
	default:
		return nil, d.unusable("cannot lock the directory", err)
	}
}

// readable distinguishes a held lock from a file that may not be opened: on
// some systems both are the same error.
func (d directory) readable(name string) bool {
	f, err := os.OpenFile(d.file(name), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// holder names the process that holds the lock, if it can be known. It must
// not be asked by the holder itself: closing the file ends its lock.
func (d directory) holder() string {
	f, err := os.Open(d.file(lockName))
	if err != nil {
		return ""
	}
	defer f.Close()
	if pid := lockHolder(f.Fd()); pid > 0 {
		return fmt.Sprintf(" (pid %d)", pid)
	}
	return ""
}

// space returns the store's size and the space left for it. Free is -1 if the
// file system doesn't report it.
func (d directory) space() (taken, free int64) {
	for _, dir := range []string{d.path, d.file(engineName)} {
		names, err := d.fs.List(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if dir == d.path && !ours(name) {
				continue
			}
			if stat, err := d.fs.Stat(d.fs.PathJoin(dir, name)); err == nil && !stat.IsDir() {
				taken += stat.Size()
			}
		}
	}
	usage, err := d.fs.GetDiskUsage(d.path)
	if err != nil {
		return taken, -1
	}
	return taken, int64(min(usage.AvailBytes, 1<<62))
}
