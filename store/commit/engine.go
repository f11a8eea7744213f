// Package commit is how a store changes: operations become batches, batches become
// durable in a journal, and only then readers see the next snapshot.
//
// Every reader works on a Snapshot, which is immutable. All changes go through one
// goroutine, the committer: it checks each against the last durable snapshot and
// the changes queued before it, has the journal write them in one go, and only then
// shows the new snapshot and answers. What there is in a store is not its business:
// that is up to its tables, each of which is for one kind of record.
package commit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// Options are the rules of an engine.
type Options struct {
	Clock     *clock.Clock
	Timeout   time.Duration   // the longest wait for a change to become durable
	Logger    *slog.Logger    // nil: none
	Observe   func(Stats)     // called with each write to the journal; nil: none
	Published func(*Snapshot) // called with each snapshot before readers see it; nil: none
}

// Stats says how one write to the journal went.
type Stats struct {
	Duration time.Duration
	Changes  int
	Err      error
}

// Engine changes what its tables keep. It is safe for concurrent use once it is
// started.
type Engine struct {
	journal journal.Journal
	o       Options
	clock   *clock.Clock
	log     *slog.Logger
	tables  tables

	snapshot atomic.Pointer[Snapshot]
	requests chan *request
	events   chan event
	ready    atomic.Bool
	failure  atomic.Pointer[error] // why following ended
	// housekeeping is why the tables could not write what was due, at the last attempt.
	housekeeping atomic.Pointer[error]
	wanted       chan struct{} // gets a value when the committer has something to do by itself

	stop     context.CancelFunc
	closing  chan struct{}
	finished chan struct{} // closed when the committer has ended
	closed   sync.Once
	done     sync.WaitGroup
}

var (
	// ErrBusy says that more changes are waiting than the store takes on.
	ErrBusy = errors.New("too many changes are waiting to be committed")
	// ErrClosed says that the store takes no changes any more.
	ErrClosed = errors.New("the store is closed")
)

// maxQueued bounds the changes that wait for the committer.
const maxQueued = 4096

// New returns an engine on a journal, which stays the caller's to close.
func New(j journal.Journal, o Options) *Engine {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Stats) {}
	}
	if o.Published == nil {
		o.Published = func(*Snapshot) {}
	}
	return &Engine{
		journal: j, o: o, log: o.Logger, clock: o.Clock,
		requests: make(chan *request, maxQueued),
		events:   make(chan event, 1024),
		closing:  make(chan struct{}), finished: make(chan struct{}), wanted: make(chan struct{}, 1),
	}
}

// Add adds a table. It is for before Start.
func (e *Engine) Add(t Table) Slot { return e.tables.add(t) }

// Start loads all that the journal holds and begins to take operations. After an
// error the engine has ended.
func (e *Engine) Start(ctx context.Context) error {
	c := &committer{Engine: e, tables: &e.tables}
	c.times = clockTable{c: c}
	e.Add(&c.times) // how long the store has been running is written behind all else
	c.show(c.newEmpty().Snapshot)
	follow, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.done.Go(func() { e.follow(follow) })
	if err := c.load(ctx); err != nil {
		stop()
		e.done.Wait()
		return err
	}
	e.ready.Store(true)
	e.done.Go(c.run)
	for _, table := range e.tables.all {
		if r, ok := table.(Runner); ok {
			e.done.Go(r.Run)
		}
	}
	return nil
}

// Close finishes what is queued and ends the engine. Closing twice is fine.
func (e *Engine) Close() {
	e.closed.Do(func() {
		e.ready.Store(false)
		close(e.closing)
	})
	e.done.Wait()
}

// Closing is closed when the engine takes no operations any more, Finished when
// none will be committed any more.
func (e *Engine) Closing() <-chan struct{} { return e.closing }

// Finished is described with Closing.
func (e *Engine) Finished() <-chan struct{} { return e.finished }

// Snapshot returns everything that the tables hold now.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }

// Journal returns the journal of the engine.
func (e *Engine) Journal() journal.Journal { return e.journal }

// Clock returns the clock of the engine.
func (e *Engine) Clock() *clock.Clock { return e.clock }

// Log returns the log of the engine.
func (e *Engine) Log() *slog.Logger { return e.log }

// Timeout is the longest wait for a change to become durable.
func (e *Engine) Timeout() time.Duration { return e.o.Timeout }

// Wanted takes a value when what is due has changed other than by a batch. Its
// sender must not wait.
func (e *Engine) Wanted() chan<- struct{} { return e.wanted }

// Status is the state of an engine.
type Status struct {
	Journal journal.Status
	// Ready: everything is loaded and what is read is true.
	Ready bool
	// Err is why no change can be committed at present; nil: changes are taken.
	Err error
	// Housekeeping is why what is due by itself, such as expiries, could not be written
	// at the last attempt; nil: it was. It is tried again.
	Housekeeping error
	Queued       int // changes that wait
	Clock        clock.Status
}

// Status never blocks.
func (e *Engine) Status() Status {
	st := Status{Journal: e.journal.Status(), Ready: e.ready.Load(), Queued: len(e.requests), Clock: e.clock.Status()}
	if h := e.housekeeping.Load(); h != nil {
		st.Housekeeping = *h
	}
	if st.Err = st.Journal.Err; e.failure.Load() != nil {
		st.Ready, st.Err = false, *e.failure.Load()
	}
	return st
}

// err is why no change can be committed at present.
func (e *Engine) err() error {
	if f := e.failure.Load(); f != nil {
		return *f
	}
	return e.journal.Status().Err
}
