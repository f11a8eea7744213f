package metrics

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// Why a grouping of another server is left out, unless the rules of a push are
// against it.
var (
	ErrHeld    = errors.New("a grouping of that key is held, and stays as it is")
	ErrDeleted = errors.New("a grouping of that key was deleted, wiped or expired lately, and can still be restored")
)

// Arrival is a grouping of another server, with its own times; zero: never.
type Arrival struct {
	Key            key.GroupingKey
	Families       []exposition.Family // sorted by name
	Pushed, Failed time.Time
	// Changed says when families were pushed last; the others were with the last push.
	Changed map[string]time.Time
}

// Import puts in groupings of another server, each with its own times. It never
// replaces one, and brings none back that was deleted within the undo window. It
// returns, for each of the arrivals, why it was left out, or nil: ErrHeld,
// ErrDeleted, a *Refusal or a *LimitError.
//
// With an origin it comes on record as one operation, where what says what was
// meant. Many take several commits: after an error, which is one of Push, some of
// them may have come in.
func (s *Groupings) Import(ctx context.Context, arrivals iter.Seq[Arrival], what string, o audit.Origin) ([]error, error) {
	return s.takeIn(ctx, arrivals, &importOp{entry: audit.Entry{Kind: audit.Import, Origin: o, What: what}, recorded: o != audit.Origin{}})
}

// TryImport returns what Import would, and changes nothing.
func (s *Groupings) TryImport(ctx context.Context, arrivals iter.Seq[Arrival]) ([]error, error) {
	return s.takeIn(ctx, arrivals, &importOp{trial: true})
}

// Bounds of what one commit takes in, so that pushes get their turn in between.
const (
	importChunk      = 500
	importChunkBytes = 16 << 20 // of the text
)

func (s *Groupings) takeIn(ctx context.Context, arrivals iter.Seq[Arrival], op *importOp) ([]error, error) {
	var left []error
	bytes := 0
	commit := func() error {
		if _, err := s.submit(ctx, op); err != nil {
			return err
		}
		left = append(left, op.left...)
		op.before, op.tried = op.before+op.imported, op.trying
		op.pushes, bytes = nil, 0
		return nil
	}
	for a := range arrivals {
		p := newImport(a)
		op.pushes = append(op.pushes, p)
		if bytes += p.group.Bytes; len(op.pushes) < importChunk && bytes < importChunkBytes {
			continue
		}
		if err := commit(); err != nil {
			return nil, err
		}
	}
	if len(op.pushes) == 0 {
		return left, nil
	}
	return left, commit()
}

func newImport(a Arrival) *pushOp {
	op := &pushOp{push: Push{Key: a.Key, Families: a.Families}, imported: true, pushed: a.Pushed, failed: a.Failed, changed: a.Changed}
	op.prepare()
	return op
}

// importOp takes groupings in. Several in a row may be one operation, as of
// deleteOp.
type importOp struct {
	pushes   []*pushOp
	entry    audit.Entry
	recorded bool
	before   int // taken in by earlier ones of the operation

	trial         bool
	tried, trying *commit.Snapshot // the snapshot before and with these, during a trial

	imported int
	left     []error // by push: why it was left out
}

func (op *importOp) apply(b *batch) error {
	if op.trial {
		b = op.aside(b)
	}
	if op.entry.Operation == "" {
		op.entry.Operation, op.entry.At = audit.OperationIn(b.Batch), b.Now
	}
	op.imported, op.left = 0, make([]error, len(op.pushes))
	for i, p := range op.pushes {
		if op.left[i] = b.takeIn(p); op.left[i] == nil {
			op.imported++
		}
	}
	if op.imported > 0 && op.recorded {
		op.entry.Count = op.before + op.imported
		b.t.log.AddPart(b.Batch, op.entry, audit.Part{Again: op.before > 0})
	}
	return nil
}

// aside returns a batch that is never written, on what is durable now or on what
// the trial has made of that so far.
func (op *importOp) aside(b *batch) *batch {
	x := b.Aside(op.tried)
	op.trying = x.Snapshot
	trial := b.t.aside(x)
	return &trial
}

func (b *batch) takeIn(p *pushOp) error {
	id := p.push.Key.ID()
	if _, held := treesOf(b.State).groupings.Get(id); held {
		return ErrHeld
	}
	if x, ok := treesOf(b.State).deleted.Get(id); ok && b.t.inUndoWindow(x.tombstone) {
		return ErrDeleted
	}
	b.Tick() // no two changes share a moment
	return p.apply(b)
}

// begun is a time that every clock has behind it that is right, as Unix time.
const begun = 1_577_836_800 // 2020

// arrived returns a time of another server, or that of the import if it is ahead:
// it would have this server take its own clock for wrong at each start. A clock that
// is wrong itself, as on a board without a battery, says nothing about others.
func (b *batch) arrived(t time.Time) time.Time {
	if t.Sub(b.Now) > clock.Tolerance && b.Now.Unix() > begun {
		return b.Now
	}
	return t
}

// keepTimes gives the families of an arrival the times that they had where they
// come from.
func (op *pushOp) keepTimes(b *batch, of *body) {
	if !op.imported {
		return
	}
	var last *age
	for i := range of.holds {
		h := &of.holds[i]
		a := *h.age
		if at, ok := op.changed[h.name]; ok && !at.IsZero() {
			a.changed = b.arrived(at).UnixNano()
		} else if !op.pushed.IsZero() {
			a.changed = b.arrived(op.pushed).UnixNano()
		}
		if last == nil || *last != a {
			shared := a // a itself stays on the stack
			last = &shared
		}
		h.age = last
	}
}

// ImportState is the progress of the import at a start.
type ImportState struct {
	// Due: nothing was ever changed in the store, or only by an import that was
	// cut short and after which the store was not served.
	Due   bool
	Begun bool   // an import was cut short
	Done  bool   // one was finished, or given up
	File  string // names the content of the file; empty: not known
}

// States in the import's record. Earlier versions wrote "begun" though the
// store was served then: it says nothing any more.
const (
	importBegun = "importing"
	importDone  = "done"
)

// ImportState returns how far the import at a start has come.
func (s *Groupings) ImportState(ctx context.Context) (ImportState, error) {
	r, err := s.engine.Journal().Read(ctx, importKey)
	if errors.Is(err, journal.ErrNoRecord) {
		return ImportState{Due: s.engine.Journal().Status().Revision == 0}, nil
	}
	if err != nil {
		return ImportState{}, err
	}
	t, _, err := decodeControl(r.Value)
	if err != nil {
		return ImportState{}, journal.Unreadable(r, err)
	}
	state, file, _ := strings.Cut(t.operation, " ")
	return ImportState{Due: state == importBegun, Begun: state == importBegun, Done: state == importDone, File: file}, nil
}

// BeginImport notes that an import at a start has begun: if it is cut short, it is
// due again.
func (s *Groupings) BeginImport(ctx context.Context) error {
	_, err := s.submit(ctx, controlOp{importKey, importBegun})
	return err
}

// EndImport notes that no import is due any more. file names the content of the
// one that was imported; empty: none was.
func (s *Groupings) EndImport(ctx context.Context, file string) error {
	_, err := s.submit(ctx, controlOp{importKey, strings.TrimSuffix(importDone+" "+file, " ")})
	return err
}

type controlOp struct{ key, operation string }

func (op controlOp) apply(b *batch) error {
	b.Add(journal.Change{Key: op.key, Value: encodeControl(b.tombstone(op.operation), nil)})
	return nil
}
