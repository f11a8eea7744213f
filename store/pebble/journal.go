// Package pebble keeps a journal in a directory on a local disk.
package pebble

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"gatehouse/store/journal"
)

// closeGrace is how long Close waits for a write that a full disk holds up.
const closeGrace = time.Second

var errClosed = fmt.Errorf("the journal is closed: %w", journal.ErrUnavailable)

// Journal implements journal.Journal on a local disk.
//
// When the disk is full, commits are refused with journal.ErrUnavailable; one
// that was already being written goes on when there is space again, even if
// its caller has gone, and followers learn of it. After any other failed write
// all commits are refused with journal.ErrBroken. Reading goes on in both cases,
// and shows durable changes only.
type Journal struct {
	dir      directory
	name     string // of the store
	lock     io.Closer
	log      *slog.Logger
	minFree  int64
	disk     *disk
	health   *health
	listener *listener
	db       *pebble.DB

	// Used by the committer only.
	index *index
	line  *waterline
	stale bool // the waterline could not be raised

	queue      chan *commit
	closing    chan struct{}
	background sync.WaitGroup
	once       sync.Once
	closeErr   error

	mu          sync.Mutex
	closed      bool
	uses        sync.WaitGroup // of views
	view        *view
	retired     []*view // unused, to be closed
	retirement  chan struct{}
	backlogs    map[*backlog]struct{}
	taken, free int64
}

var _ journal.Journal = (*Journal)(nil)

func (j *Journal) start(refreshEvery time.Duration) {
	j.background.Go(j.commitLoop)
	j.background.Go(j.retireLoop)
	j.background.Go(func() { j.watchSpace(refreshEvery) })
}

// Status reports how the journal is doing. Sizes are up to a second old.
func (j *Journal) Status() journal.Status {
	since, err := j.health.status()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		err = errClosed
	}
	return journal.Status{
		Engine: "pebble", Path: j.dir.path, Store: j.name, Revision: j.view.revision,
		Err: err, Since: since, Bytes: j.taken, Free: j.free,
	}
}

func (j *Journal) watchSpace(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			j.refresh()
		case <-j.closing:
			return
		}
	}
}

func (j *Journal) refresh() {
	taken, free := j.dir.space()
	j.mu.Lock()
	j.taken, j.free = taken, max(free, 0)
	j.mu.Unlock()
	var low error
	if free >= 0 && free < j.minFree {
		low = fmt.Errorf("%s has only %s of free space left, commits are refused below %s", j.dir.path, mebibytes(free), mebibytes(j.minFree))
	}
	switch changed := j.health.setLow(low); {
	case changed && low != nil:
		j.log.Warn("there is too little disk space: nothing is stored until there is more", "error", low)
	case changed:
		j.log.Info("there is enough disk space again")
	}
}

func mebibytes(n int64) string {
	return strconv.FormatFloat(math.Round(float64(n)/(1<<20)*10)/10, 'f', -1, 64) + " MiB"
}

// Close ends everything and gives the directory back. It doesn't wait for a
// disk that is full or has failed: commits that were being written then have
// an unknown outcome. It does wait for a Follower's current call, so no
// Follower must call it.
func (j *Journal) Close() error {
	j.once.Do(func() {
		j.mu.Lock()
		j.closed = true
		j.mu.Unlock()
		close(j.closing)
		if j.await(j.background.Wait) && j.await(j.uses.Wait) && j.await(j.finish) {
			j.closeErr = errors.Join(j.closeErr, j.lock.Close())
			return
		}
		j.abandon()
	})
	return j.closeErr
}

// finish records the last revision and closes the engine.
func (j *Journal) finish() {
	j.listener.live.Store(false)
	err := errors.Join(j.line.raise(j.view.revision), j.line.sync(), j.line.close())
	j.closeRetired()
	j.closeErr = errors.Join(err, j.view.snapshot.Close(), j.db.Close())
}

// await waits for work, unless the journal has failed or the disk stays full.
func (j *Journal) await(work func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	var patience <-chan time.Time
	for {
		failed, full, changed := j.health.stuck()
		switch {
		case failed:
			return false
		case !full:
			patience = nil
		case patience == nil:
			patience = time.After(closeGrace)
		}
		select {
		case <-done:
			return true
		case <-changed:
		case <-patience:
			return false
		}
	}
}

// abandon leaves the engine alone: closing it would wait for its writes, and
// letting them fail leads to a panic. Its goroutines stay where they are until
// the program ends, and never touch the directory again.
func (j *Journal) abandon() {
	j.closeErr = fmt.Errorf("closed while it could not write: %w", j.health.err())
	j.health.fail(j.closeErr)
	j.disk.abandonThen(func() { j.lock.Close() }, closeGrace)
}
