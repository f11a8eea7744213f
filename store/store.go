// Package store is the domain: grouping keys, groupings and the metric
// families they hold, what may stand together, and how changes become durable.
//
// Every reader works on a Snapshot, which is immutable; the package commit has what
// changes it. The parts of a store are packages of their own, with the tables of
// their kinds of records; this one puts them together and has their names.
package store

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"gatehouse/store/access"
	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/metrics"
)

// Options are the rules of a store. Zero limits do not limit. Fields with tags are
// settings of the program; app/config says what the tags mean.
type Options struct {
	Limits
	// Timeout is the longest wait for a change to become durable; 0: 3 s.
	Timeout time.Duration `flag:"storage.timeout" default:"3s" is:"timeout" help:"Longest wait for a change to be on disk."`
	Undo
	SessionIdle time.Duration // sessions that are not used for so long end; 0: none
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

// Limits bounds what pushes can store, see metrics.Limits.
type Limits = metrics.Limits

// Undo says how long deletes can be undone, see metrics.Undo.
type Undo = metrics.Undo

// CommitStats says how one write to the journal went, see commit.Stats.
type CommitStats = commit.Stats

// Status is the state of a store, see commit.Status.
type Status = commit.Status

// Store keeps groupings, sessions and API tokens, and what was done with them. It
// is safe for concurrent use.
type Store struct {
	*metrics.Groupings
	*access.Registry
	engine   *commit.Engine
	log      *audit.Log
	snapshot atomic.Pointer[Snapshot]
}

// Open loads all that the journal holds and starts the store. The journal
// stays the caller's to close, after the store.
func Open(ctx context.Context, j journal.Journal, o Options) (*Store, error) {
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	s := &Store{}
	s.engine = commit.New(j, commit.Options{
		Clock: clock.New(o.Clock), Timeout: o.Timeout, Logger: o.Logger, Observe: o.Observe, Published: s.publish,
	})
	s.log = audit.New(s.engine, audit.Options{Retention: o.Retention, MaxEntries: o.MaxEntries, Recorded: o.Recorded})
	s.Groupings = metrics.New(s.engine, metrics.Options{Limits: o.Limits, Undo: o.Undo, Own: o.Own}, s.log)
	s.Registry = access.New(s.engine, s.log, o.SessionIdle)
	// In the order of what they write by themselves.
	s.Groupings.AddTables()
	s.engine.Add(s.log.Table())
	s.Registry.AddTables()
	if err := s.engine.Start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close finishes what is queued and ends the store. Closing twice is fine.
func (s *Store) Close() error {
	s.engine.Close()
	return nil
}

// Status never blocks.
func (s *Store) Status() Status { return s.engine.Status() }

// Now returns what the clock on the wall says.
func (s *Store) Now() time.Time { return s.engine.Clock().Stamp() }

// Snapshot returns everything the store holds now.
func (s *Store) Snapshot() *Snapshot { return s.snapshot.Load() }

func (s *Store) publish(p *commit.Snapshot) {
	s.snapshot.Store(&Snapshot{s.Groupings.In(p), s.Registry, p})
}
