package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store/journal"
)

// Options say where a journal is kept.
type Options struct {
	// Path is the directory of the store. It is created if there is none.
	Path string `flag:"storage.path" about:"place" help:"Directory of the store. Default: \"data\", or with --persistence.file \"gatehouse-data\" beside that file; also if this is the file's own directory and has no store."`
	// Logger gets what the engine has to say. nil: nothing is logged.
	Logger *slog.Logger
	// MinFree is the free space in bytes below which commits are refused. 0 or
	// less: no bound.
	MinFree int64 `flag:"storage.min-free" default:"64MiB" is:"bytes or none" help:"Free disk space below which changes are refused. 0: no minimum."`
	// FS holds Path. nil: the disk.
	FS vfs.FS

	refreshEvery time.Duration // how often space is looked at
	retryEvery   time.Duration // how often a write is tried again on a full disk
}

const (
	memTableBytes = 8 << 20
	cacheBytes    = 8 << 20
)

// Open opens the journal in a directory, or begins a new one if the directory
// is absent or empty. It reads every record first. A directory that is in use,
// holds something else, was written by a newer version, is damaged, or has
// lost changes that were reported as durable, is refused and nothing in it is
// changed (but its lock file); the error says which, and how to go on.
func Open(o Options) (*Journal, error) {
	if o.Path == "" {
		return nil, errors.New("store: no directory was named")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.refreshEvery == 0 {
		o.refreshEvery = time.Second
	}
	dir, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if mode, shared := dir.shared(); shared {
		o.Logger.Warn("The directory of the store is open to other users; chmod 700 closes it", "path", dir.path, "mode", mode)
	}
	lock, err := dir.lock()
	if err != nil {
		return nil, err
	}
	j, err := openLocked(dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	j.lock = lock
	j.start(o.refreshEvery)
	return j, nil
}

// prepare finds out whether the directory may be used, and makes it if there
// is none.
func prepare(o Options) (directory, error) {
	dir, err := newDirectory(o.FS, o.Path)
	if err != nil {
		return dir, err
	}
	exists, err := dir.inspect()
	if err != nil || exists {
		return dir, err
	}
	if err := dir.create(); err != nil {
		return dir, err
	}
	return newDirectory(o.FS, o.Path)
}

// openLocked looks at everything again: another first start may have come
// between.
func openLocked(dir directory, o Options) (*Journal, error) {
	exists, err := dir.inspect()
	if err != nil {
		return nil, err
	}
	if !exists {
		if err := dir.found(); err != nil {
			return nil, err
		}
	}
	format, err := dir.engineFormat()
	if err != nil {
		return nil, err
	}
	x, err := verify(dir, format, o.Logger)
	if err != nil {
		return nil, err
	}
	return openEngine(dir, format, o, x)
}

// openEngine opens the engine for writing; x is what it was seen to hold.
func openEngine(dir directory, format pebble.FormatMajorVersion, o Options, x *index) (*Journal, error) {
	h := newHealth()
	d := newDisk(dir.fs, h, o.Logger)
	if o.retryEvery > 0 {
		d.retryEvery = o.retryEvery
	}
	l := &listener{log: o.Logger, health: h}
	l.opening.Store(true)
	db, err := d.opened(func() (*pebble.DB, error) { return pebble.Open(dir.file(engineName), engineOptions(d, format, l)) })
	if err != nil {
		return nil, dir.unreadable(err)
	}
	found, err := readTotals(db)
	if err == nil && found != x.totals {
		err = dir.damaged(errors.New("it reads differently the second time"))
	}
	var named marker
	if err == nil {
		named, err = dir.readMarker()
	}
	var line *waterline
	if err == nil {
		line, err = openWaterline(dir.fs, dir.file(waterlineName))
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l.opening.Store(false)
	l.live.Store(true)
	d.goLive()
	j := &Journal{
		dir: dir, name: named.Store, log: o.Logger, minFree: o.MinFree,
		disk: d, health: h, listener: l, db: db, line: line, index: x,
		queue:      make(chan *commit),
		closing:    make(chan struct{}),
		backlogs:   map[*backlog]struct{}{},
		retirement: make(chan struct{}, 1),
		view:       &view{snapshot: db.NewSnapshot(), revision: x.totals.Revision},
	}
	j.refresh()
	return j, nil
}

// verify reads all records without changing anything, and compares them with
// what the store says of itself.
func verify(dir directory, format pebble.FormatMajorVersion, log *slog.Logger) (x *index, err error) {
	defer func() {
		if r := recover(); r != nil {
			x, err = nil, dir.damaged(fmt.Errorf("reading it ends in a panic: %v", r))
		}
	}()
	line, err := readWaterline(dir.fs, dir.file(waterlineName))
	if err != nil {
		return nil, dir.damaged(fmt.Errorf("%s: %w", waterlineName, rootCause(err)))
	}
	l := &listener{log: log, health: newHealth()}
	l.opening.Store(true)
	options := engineOptions(readOnly{dir.fs}, format, l)
	options.ReadOnly = true
	db, err := pebble.Open(dir.file(engineName), options)
	if line == 0 && isAbsent(dir, err) {
		return newIndex(), nil
	}
	if err != nil {
		return nil, dir.unreadable(err)
	}
	x, err = readIndex(db)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, dir.unreadable(err)
	}
	if x.totals.Revision < line {
		return nil, dir.damaged(fmt.Errorf("it ends at revision %d, but revision %d was stored: newer files are missing or cut off", x.totals.Revision, line))
	}
	return x, nil
}

// isAbsent reports whether the engine has no files yet.
func isAbsent(dir directory, err error) bool {
	if errors.Is(err, pebble.ErrDBDoesNotExist) {
		return true
	}
	_, statErr := dir.fs.Stat(dir.file(engineName))
	return errors.Is(statErr, os.ErrNotExist)
}

// unreadable distinguishes damage from a disk or a program that can't read just
// now.
func (d directory) unreadable(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != syscall.ENOENT {
		return d.unusable("cannot open it", err)
	}
	return d.damaged(errors.New(oneLine(err.Error())))
}

// readIndex reads everything. The sum of it must be the one that was written
// with the last change.
func readIndex(db *pebble.DB) (*index, error) {
	want, err := readTotals(db)
	if err != nil {
		return nil, err
	}
	x := newIndex()
	if err := eachRecord(db, []byte(recordPrefix), []byte(recordsEnd), func(r journal.Record) bool {
		x.put(digestOf(r.Key), r.Revision)
		x.totals.Revision = max(x.totals.Revision, r.Revision)
		return true
	}); err != nil {
		return nil, err
	}
	if x.totals.Revision > want.Revision {
		return nil, fmt.Errorf("a record has revision %d, behind the last one, %d", x.totals.Revision, want.Revision)
	}
	x.totals.Revision = want.Revision
	if x.totals != want {
		return nil, fmt.Errorf("%d records were found and %d expected, or some of them are older than they should be", x.totals.Keys, want.Keys)
	}
	return x, nil
}

func readTotals(from pebble.Reader) (totals, error) {
	b, closer, err := from.Get([]byte(totalsKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return totals{}, nil
	}
	if err != nil {
		return totals{}, err
	}
	defer closer.Close()
	return decodeTotals(b)
}

// eachRecord calls each with the records from lower up to upper until it
// returns false. A record's value is valid during the call only.
func eachRecord(from pebble.Reader, lower, upper []byte, each func(journal.Record) bool) error {
	return walk(from, lower, upper, (*pebble.Iterator).First, (*pebble.Iterator).Next, each)
}

// eachRecordBack is eachRecord from the last record to the first.
func eachRecordBack(from pebble.Reader, lower, upper []byte, each func(journal.Record) bool) error {
	return walk(from, lower, upper, (*pebble.Iterator).Last, (*pebble.Iterator).Prev, each)
}

func walk(from pebble.Reader, lower, upper []byte, start, step func(*pebble.Iterator) bool, each func(journal.Record) bool) error {
	iter, err := from.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	last := ""
	for ok := start(iter); ok; ok = step(iter) {
		last = string(iter.Key()[len(recordPrefix):])
		cell, err := iter.ValueAndErr()
		if err != nil {
			break // iter.Close returns it too
		}
		revision, value, err := openCell(cell)
		if err != nil {
			return errors.Join(fmt.Errorf("key %q: %w", last, err), iter.Close())
		}
		if !each(journal.Record{Key: last, Value: value, Revision: revision}) {
			break
		}
	}
	if err := iter.Close(); err != nil {
		return fmt.Errorf("near key %q: %w", last, err)
	}
	return nil
}

func engineOptions(fs vfs.FS, format pebble.FormatMajorVersion, l *listener) *pebble.Options {
	o := &pebble.Options{
		FS:            fs,
		Logger:        l,
		EventListener: l.events(),
		// Formats before FormatWALSyncChunks take a damaged log for a shorter one.
		FormatMajorVersion: format,
		CacheSize:          cacheBytes,
		MemTableSize:       memTableBytes,
		// Bursts are taken up by tables in level 0 while the engine compacts.
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               64 << 20,
		MaxManifestFileSize:         4 << 20,
		MaxOpenFiles:                256,
	}
	// Values come compressed.
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	o.Experimental.ReadSamplingMultiplier = -1 // everything is read once; that is no reason to compact
	return o
}
