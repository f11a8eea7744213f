// Package store is the domain: grouping keys, groupings and the metric
// families they hold, what may stand together, and how changes become durable.
//
// Every reader works on a Snapshot, which is immutable. All changes go through
// one goroutine, the committer: it checks each against the last durable
// snapshot and the changes queued before it, has the journal write them in one
// go, and only then shows the new snapshot and answers.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
)

// Options are the rules of a store. Zero limits do not limit. Fields with tags are
// settings of the program; app/config says what the tags mean.
type Options struct {
	// CheckConsistency refuses pushes that conflict with other groupings.
	// Without it what conflicts is left out of scrapes.
	CheckConsistency bool `flag:"push.disable-consistency-check" is:"negation" help:"Accept pushes without checking them against other groupings."`
	MaxGroupings     int  `flag:"limits.groupings" default:"1000000" help:"Most groupings in the store. 0: no limit."`
	MaxSeries        int  `flag:"limits.series" default:"20000000" help:"Most series in the store. 0: no limit."`
	// MaxLabelSets bounds the sets of grouping label names under which one family may
	// be held.
	MaxLabelSets int `flag:"limits.label-sets-per-family" default:"64" help:"Most different sets of grouping label names under which one metric family may be pushed. 0: no limit."`
	// Timeout is the longest wait for a change to become durable; 0: 3 s.
	Timeout time.Duration `flag:"storage.timeout" default:"3s" is:"timeout" help:"Longest wait for a change to be on disk."`
	// UndoWindow is how long what was deleted is kept, and UndoMaxBytes how much of it
	// at the most.
	UndoWindow   time.Duration `flag:"delete.undo-window" default:"24h" help:"Time for which a delete can be undone. 0: not at all."`
	UndoMaxBytes int64         `flag:"delete.undo-max-bytes" default:"256MiB" help:"Most bytes kept for undoing deletes."`
	SessionIdle  time.Duration // sessions that are not used for so long end; 0: none
	// Retention is how long the activity log keeps entries; 0: as many as it may hold.
	Retention time.Duration `flag:"activity.retention" default:"90d" help:"How long activity-log entries are kept. 0: until they are no longer among the last 100,000."`
	// MaxEntries is how many entries it may hold; 0: the constant MaxEntries.
	MaxEntries int
	// Own names the families of the server's own metrics with their types and
	// help; pushes cannot change those.
	Own    []exposition.Family
	Logger *slog.Logger // nil: none
	Clock
	Observe func(CommitStats)
	// Recorded is called with each entry of the activity log that this store wrote, once
	// it is durable, in their order. It must not wait. nil: no function is.
	Recorded func(Entry)
}

// CommitStats says how one write to the journal went.
type CommitStats struct {
	Duration time.Duration
	Changes  int
	Err      error
}

// Store keeps groupings. It is safe for concurrent use.
type Store struct {
	journal journal.Journal
	o       Options
	clock   *clock.Clock
	log     *slog.Logger

	snapshot atomic.Pointer[Snapshot]
	requests chan *request
	events   chan event
	ready    atomic.Bool
	failure  atomic.Pointer[error] // why following ended

	refusals *audit.Sums
	denials  *audit.Sums
	uses     *uses
	wanted   chan struct{} // gets a value when the committer has something to do by itself
	history  *historyWriter

	stop     context.CancelFunc
	closing  chan struct{}
	finished chan struct{} // closed when the committer has ended
	closed   sync.Once
	done     sync.WaitGroup
	commit   *committer
}

// maxQueued bounds the changes that wait for the committer.
const maxQueued = 4096

// Open loads all that the journal holds and starts the store. The journal
// stays the caller's to close, after the store.
func Open(ctx context.Context, j journal.Journal, o Options) (*Store, error) {
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = MaxEntries
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(CommitStats) {}
	}
	follow, stop := context.WithCancel(context.Background())
	s := &Store{
		journal: j, o: o, log: o.Logger, stop: stop, clock: clock.New(o.Clock),
		requests: make(chan *request, maxQueued),
		events:   make(chan event, 1024),
		closing:  make(chan struct{}), finished: make(chan struct{}), wanted: make(chan struct{}, 1),
	}
	s.refusals, s.denials, s.uses = audit.NewRefusals(s.wanted), audit.NewDenials(s.wanted), newUses(s.wanted)
	s.history = newHistoryWriter(s)
	s.snapshot.Store(s.newSnapshot())
	s.commit = newCommitter(s)
	s.done.Go(func() { s.follow(follow) })
	if err := s.commit.load(ctx); err != nil {
		stop()
		s.done.Wait()
		return nil, err
	}
	s.ready.Store(true)
	s.done.Go(s.commit.run)
	s.done.Go(s.history.run)
	return s, nil
}

// Close finishes what is queued and ends the store. Closing twice is fine.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.ready.Store(false)
		close(s.closing)
	})
	s.done.Wait()
	return nil
}

// Snapshot returns everything the store holds now.
func (s *Store) Snapshot() *Snapshot { return s.snapshot.Load() }

// Status is how a store is doing.
type Status struct {
	Journal journal.Status
	// Ready: everything is loaded and what is read is true.
	Ready bool
	// Err is why no change can be committed at present; nil: changes are taken.
	Err    error
	Queued int // changes that wait
	Clock  ClockStatus
}

// Status never blocks.
func (s *Store) Status() Status {
	st := Status{Journal: s.journal.Status(), Ready: s.ready.Load(), Queued: len(s.requests), Clock: s.clock.Status()}
	if st.Err = st.Journal.Err; s.failure.Load() != nil {
		st.Ready, st.Err = false, *s.failure.Load()
	}
	return st
}

// err is why no change can be committed at present.
func (s *Store) err() error {
	if f := s.failure.Load(); f != nil {
		return *f
	}
	return s.journal.Status().Err
}

// Mode says what becomes of the families that a push does not bring.
type Mode uint8

// Replace is what PUT means, Merge what POST means.
const (
	Replace Mode = iota // they go
	Merge               // they stay
)

// Push is one push to one grouping.
type Push struct {
	Key      GroupingKey
	Mode     Mode
	Families []exposition.Family // sorted by name
	TTL      time.Duration       // 0: the grouping does not expire
	Size     int                 // bytes of the body as decoded, for the history
	Origin   Origin
}

// Push makes a push durable and visible. A refused push changes nothing but
// the grouping's failure time, and comes on record with others of its minute. Errors: *Refusal, *LimitError, ErrUnavailable,
// ErrBroken, ErrBusy, ErrClosed or the context's; after ErrUnavailable or a
// context's error the push may still come into effect.
func (s *Store) Push(ctx context.Context, p Push) (journal.Revision, error) {
	op := &pushOp{push: p}
	if p.Mode == Merge {
		op.base, _ = s.Snapshot().groups.Get(p.Key.ID())
	}
	op.prepare()
	return s.submit(ctx, op)
}

// Rejection is a push that was refused before it came to the store.
type Rejection struct {
	Key     GroupingKey
	Mode    Mode
	Reason  exposition.Reason
	Message string // why, in one line
	Size    int    // bytes of the body as decoded; 0: it was not
	Origin  Origin
}

// Reject notes that a push to a grouping was refused before it came to the
// store: in the activity log, and with the grouping if there is one. It creates
// none.
func (s *Store) Reject(ctx context.Context, r Rejection) {
	addRefusal(s.refusals, s.clock.Now(), s.clock.Stamp(), &r)
	if _, ok := s.Snapshot().Grouping(r.Key); !ok {
		return
	}
	// Nobody waits for the answer: what can't be noted is not worth an error.
	_, _ = s.submit(ctx, &rejectOp{r})
}

// request is an operation on its way through the committer.
type request struct {
	ctx context.Context
	op  operation
	rev journal.Revision
	err error
	// answered is closed when rev and err are set.
	answered chan struct{}
}

// operation changes the snapshot in the making. An error leaves it untouched,
// but for what the error itself causes.
type operation interface {
	apply(b *batch) error
}

// submit has an operation carried out and waits until it is durable.
func (s *Store) submit(ctx context.Context, op operation) (journal.Revision, error) {
	if err := s.err(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	r := &request{ctx: ctx, op: op, answered: make(chan struct{})}
	select {
	case <-s.closing:
		return 0, ErrClosed
	default:
	}
	select {
	case s.requests <- r:
	default:
		return 0, ErrBusy
	}
	select {
	case <-r.answered:
		return r.rev, r.err
	case <-s.finished:
		select {
		case <-r.answered:
			return r.rev, r.err
		default:
			return 0, ErrClosed // it came too late to be looked at
		}
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return 0, fmt.Errorf("%w: it took longer than %v", journal.ErrUnavailable, s.o.Timeout)
		}
		return 0, ctx.Err()
	}
}
