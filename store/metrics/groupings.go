// Package metrics is the groupings of a store and their metric families: the
// effects of pushes, deletes, undos and imports, and the rules of consistency.
package metrics

import (
	"context"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/history"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// Modes of a push, see history.Mode.
const (
	Replace = history.Replace
	Merge   = history.Merge
)

// Mode says what becomes of the families that a push does not bring.
type Mode = history.Mode

// Limits bounds what pushes can store. Its tags declare settings, as app/config reads
// them.
type Limits struct {
	// CheckConsistency refuses pushes that conflict with other groupings.
	// Without it what conflicts is left out of scrapes.
	CheckConsistency bool `flag:"push.disable-consistency-check" is:"negation" help:"Accept pushes without checking them against other groupings."`
	MaxGroupings     int  `flag:"limits.groupings" default:"1000000" help:"Most groupings in the store. 0: no limit."`
	MaxSeries        int  `flag:"limits.series" default:"20000000" help:"Most series in the store. 0: no limit."`
	// MaxLabelSets bounds the sets of grouping label names under which one family may
	// be stored.
	MaxLabelSets int `flag:"limits.label-sets-per-family" default:"64" help:"Most different sets of grouping label names under which one metric family may be pushed. 0: no limit."`
}

// Undo says how long deleted groupings are kept, and how many bytes of them at most.
// Its tags declare settings, as app/config reads them.
type Undo struct {
	UndoWindow   time.Duration `flag:"delete.undo-window" default:"24h" help:"Time for which a delete can be undone. 0: not at all."`
	UndoMaxBytes int64         `flag:"delete.undo-max-bytes" default:"256MiB" help:"Most bytes of deleted groupings to keep for an undo, on disk and in memory."`
}

// Options are the rules of the groupings of a store.
type Options struct {
	Limits
	Undo
	// Own names the families of the server's own metrics with their types and
	// help; pushes cannot change those.
	Own []exposition.Family
}

// Groupings is the groupings of a store. It is safe for concurrent use.
type Groupings struct {
	engine  *commit.Engine
	clock   *clock.Clock
	o       Options
	log     *audit.Log
	history *history.Writer

	slot    commit.Slot
	table   groupingTable
	refused refusedTable
}

// New returns the groupings of an engine. Its tables have to be added.
func New(e *commit.Engine, o Options, log *audit.Log) *Groupings {
	s := &Groupings{engine: e, clock: e.Clock(), o: o, log: log}
	s.history = history.New(e, func(p *commit.Snapshot, id string) bool { return s.In(p).remembers(id) })
	s.table.Groupings = s
	s.refused = refusedTable{Groupings: s, unsaved: map[string]unsaved{}}
	return s
}

// AddTables adds the tables of the groupings to the engine.
func (s *Groupings) AddTables() {
	s.engine.Add(s.history.Table())
	s.slot = s.engine.Add(&s.table)
	s.engine.Add(&wipeTable{Groupings: s})
	s.engine.Add(&s.refused)
}

// In returns the groupings of a snapshot.
func (s *Groupings) In(p *commit.Snapshot) *State { return p.State(s.slot).(*State) }

// state returns the groupings as they are now.
func (s *Groupings) state() *State { return s.In(s.engine.Snapshot()) }

// History returns the last pushes to a grouping, see history.Writer.
func (s *Groupings) History(ctx context.Context, k key.GroupingKey) ([]history.Summary, error) {
	return s.history.History(ctx, k)
}

// Push is one push to one grouping.
type Push struct {
	Key      key.GroupingKey
	Mode     Mode
	Families []exposition.Family // sorted by name
	TTL      time.Duration       // 0: the grouping does not expire
	Size     int                 // bytes of the body as decoded, for the history
	Origin   audit.Origin
}

// Push makes a push durable and visible. A refused push changes nothing but
// the grouping's failure time, and comes on record with others of its minute.
// Errors: *key.Refusal, *commit.LimitError, commit.ErrBusy, commit.ErrClosed,
// journal.ErrUnavailable, journal.ErrBroken or the context's; after ErrUnavailable
// or a context's error the push may still come into effect.
func (s *Groupings) Push(ctx context.Context, p Push) (journal.Revision, error) {
	op := &pushOp{push: p}
	if p.Mode == Merge {
		op.base, _ = treesOf(s.state()).groupings.Get(p.Key.ID())
	}
	op.prepare()
	return s.submit(ctx, op)
}

// Rejection is a push that was refused before it came to the store.
type Rejection struct {
	Key     key.GroupingKey
	Mode    Mode
	Reason  exposition.Reason
	Message string // why, in one line
	Size    int    // bytes of the body as decoded; 0: it was not
	Origin  audit.Origin
}

// Reject notes that a push to a grouping was refused before it came to the
// store: in the activity log, and with the grouping if there is one. It creates
// none.
func (s *Groupings) Reject(ctx context.Context, r Rejection) {
	s.log.Refuse(s.clock.Now(), s.clock.Stamp(), &audit.Refused{ID: r.Key.ID(), What: r.Key.String(), Reason: r.Reason, Message: r.Message, Origin: r.Origin})
	if _, ok := s.state().Grouping(r.Key); !ok {
		return
	}
	// Nobody waits for the answer: a lost note is not worth an error.
	_, _ = s.submit(ctx, &rejectOp{r})
}

// operation changes the groupings. An error leaves them untouched, but for what the
// error itself causes.
type operation interface {
	apply(b *batch) error
}

// submit has an operation carried out and waits until it is durable.
func (s *Groupings) submit(ctx context.Context, op operation) (journal.Revision, error) {
	return s.engine.Submit(ctx, submitted{&s.table, op})
}

// submitted is an operation as the engine carries it out.
type submitted struct {
	t *groupingTable
	operation
}

// Apply is part of commit.Operation.
func (x submitted) Apply(b *commit.Batch) error { return x.apply(x.t.in(b)) }

// batch is the groupings of a batch in the making.
type batch struct {
	transaction
	*commit.Batch
	t *groupingTable
}

// in returns the groupings of a batch for modification.
func (t *groupingTable) in(b *commit.Batch) *batch {
	if t.batch.Batch != b {
		t.batch = t.aside(b)
	}
	return &t.batch
}

// aside is in for a batch beside the others.
func (t *groupingTable) aside(b *commit.Batch) batch {
	return batch{transaction: t.change(&b.Transaction), Batch: b, t: t}
}

// change returns the groupings of a transaction for modification.
func (s *Groupings) change(x *commit.Transaction) transaction {
	return transaction{State: x.Change(s.slot).(*State), id: x.ID, tx: x}
}
