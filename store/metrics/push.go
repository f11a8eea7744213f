package metrics

import (
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/history"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// pushOp is a push on its way into the snapshot. All that can be prepared
// without knowing the snapshot is, by the goroutine of the client.
type pushOp struct {
	push   Push
	base   *Grouping // the base of a merge
	group  *Grouping
	packed []byte

	dissolved map[string]bool // see dissolves

	// imported says that it comes from another server, with the times of that.
	imported       bool
	pushed, failed time.Time
	changed        map[string]time.Time // of families
}

func (op *pushOp) prepare() {
	op.group = newGrouping(op.push.Key, newBody(op.families()))
	op.packed = pack(op.group.body)
}

// families returns those that the grouping will have.
func (op *pushOp) families() []exposition.Family {
	if op.base == nil {
		return op.push.Families
	}
	return op.base.body.merge(op.push.Families, op.kept)
}

// kept says whether a family is not in the push but stays.
func (op *pushOp) kept(name string) bool {
	if op.base == nil {
		return false
	}
	_, pushed := slices.BinarySearchFunc(op.push.Families, name, func(f exposition.Family, name string) int { return strings.Compare(f.Name, name) })
	return !pushed && !op.dissolves(name)
}

// dissolves reports whether the push brings a histogram or summary of that name as
// families that are called as its samples.
func (op *pushOp) dissolves(name string) bool {
	if op.dissolved == nil {
		op.dissolved = map[string]bool{}
		for i := range op.push.Families {
			if of := op.push.Families[i].Of; of != "" {
				op.dissolved[of] = true
			}
		}
	}
	return op.dissolved[name]
}

func (op *pushOp) apply(b *batch) error {
	current, before := op.current(b)
	if op.push.Mode == Merge && (op.base == nil && current != nil || op.base != nil && op.base.body != before) {
		// It is not what it was merged with. Doing it again here, in turn, is
		// slower than in the client's goroutine, but the last time.
		op.base = current
		op.prepare()
	}
	g := *op.group
	if err := b.admit(&b.t.o, &g, before, op.kept); err != nil {
		op.reject(b, current, err)
		return err
	}
	g.Pushed, g.ran, g.Origin = b.Now, b.Ran, op.push.Origin
	if op.push.TTL > 0 {
		g.Expires = b.Now.Add(op.push.TTL)
	}
	if current != nil {
		g.Failed, g.failedRan, g.Failure, g.failureReason = current.Failed, current.failedRan, current.Failure, current.failureReason
	}
	if !op.pushed.IsZero() || !op.failed.IsZero() {
		g.Pushed, g.Failed = b.arrived(op.pushed), b.arrived(op.failed)
		g.ran, g.failedRan = 0, 0 // they say nothing about those
	}
	g.PushInterval, g.pace = rhythm(current, b.sincePush(current, &g))
	if op.base != nil {
		g.base = op.base.Revision
	}
	g.after = b.afterOf(current, g.Key.ID())
	begins := current == nil && b.begin(g.Key)
	if !op.imported {
		b.t.history.Note(b.Batch, history.Noted{Key: g.Key, Begins: begins, Summary: op.summary(b.Now)})
	}
	b.ages(g.body, before, b.Rank, b.Now.UnixNano(), op.kept)
	op.keepTimes(b, g.body)
	g.renderTimes()
	condition := b.revision(g.Key.ID())
	b.putAdmitted(&g)
	g.recorded = b.addGrouping(&g, op.packed, tombstone{}, condition)
	if !op.failed.IsZero() {
		b.Add(journal.Change{Key: key.RecordKey(kindRefused, g.Key), Value: refusal{id: g.Key.ID(), at: clock.Nanos(g.Failed)}.encode()})
	}
	return nil
}

// sincePush is the time between a push and the one before; 0: there is none, or
// it is not known.
func (b *batch) sincePush(before, g *Grouping) time.Duration {
	if before == nil || before.Pushed.IsZero() {
		return 0
	}
	// By the times in the records, so that it is the same after a restart.
	between := g.Pushed.Sub(before.Pushed)
	if g.ran == 0 {
		return between
	}
	// Unless the clock was set in between.
	if passed := b.When.Sub(b.clock.Place(clock.Nanos(before.Pushed), before.ran)); (passed - between).Abs() > clock.Tolerance {
		return passed
	}
	return between
}

// rhythm returns the push interval and the scrape interval of a grouping, once
// it is pushed again after a time.
func rhythm(g *Grouping, between time.Duration) (every time.Duration, p pace) {
	if g == nil {
		return 0, pace{}
	}
	switch {
	case between <= 0:
		return g.PushInterval, g.pace
	case g.PushInterval == 0:
		every = between
	default:
		every = g.PushInterval + (between-g.PushInterval)/4
	}
	return every, g.pace.after(between)
}

// reject notes that a push is refused, if that is due to the pushed data.
func (op *pushOp) reject(b *batch, current *Grouping, err error) {
	var r *key.Refusal
	if op.imported || !errors.As(err, &r) {
		return
	}
	if current != nil {
		b.fail(current, r.Reason, r.Message)
		x := op.summary(b.Now)
		x.Refused = audit.Shortened(r.Message, history.MaxWhy)
		b.t.history.Note(b.Batch, history.Noted{Key: op.push.Key, Summary: x})
	}
	b.t.log.RefuseIn(b.Batch, audit.Refused{ID: op.push.Key.ID(), What: op.push.Key.String(), Reason: r.Reason, Message: r.Message, Origin: op.push.Origin})
}

// begin ends what there was to say of an earlier grouping of the same key, and
// says whether there is nothing to go on from.
func (b *batch) begin(k key.GroupingKey) bool {
	x, ok := treesOf(b.State).deleted.Get(k.ID())
	if !ok {
		return true
	}
	if x.unmarked {
		b.Add(journal.Change{Key: key.RecordKey(kindRefused, k)})
	}
	wiped := x.unmarked && x.operation != ""
	if wiped {
		b.Add(journal.Change{Key: key.RecordKey(history.Prefix, k)})
	}
	return wiped
}

func (op *pushOp) summary(at time.Time) history.Summary {
	x := history.Summary{At: at, Mode: op.push.Mode, Bytes: op.push.Size, Families: len(op.push.Families), Origin: op.push.Origin}
	for i := range op.push.Families {
		x.Series += op.push.Families[i].Series
	}
	return x
}

func (op *pushOp) current(b *batch) (*Grouping, *body) {
	if g, ok := treesOf(b.State).groupings.Get(op.push.Key.ID()); ok {
		return g, g.body
	}
	return nil, nil
}

// maxGroupingBytes bounds the text of one grouping, which merges can make larger
// than any push.
const maxGroupingBytes = 256 << 20

// admit says whether the grouping may become what it would be. It reads the
// snapshot only. kept is as in check.
func (p *State) admit(o *Options, g *Grouping, before *body, kept func(name string) bool) error {
	if g.Bytes > maxGroupingBytes {
		return &commit.LimitError{Message: "the grouping would become larger than the server can hold; push less to it, or replace it"}
	}
	// Without the check too: no scrape could separate the two.
	if twin := p.byAlias(g.alias); before == nil && twin != nil {
		return refuseBeside(twin.Key, "grouping %[2]s is the same as %[1]s to scrapers without UTF-8 names", g.Key)
	}
	series := g.Series
	if before != nil {
		series -= before.series
	} else if o.MaxGroupings > 0 && p.stats.Groupings >= o.MaxGroupings {
		return &commit.LimitError{Message: "the server holds as many groupings as it may; delete some or raise --limits.groupings"}
	}
	if o.MaxSeries > 0 && series > 0 && p.stats.Series+series > o.MaxSeries {
		return &commit.LimitError{Message: "the server holds as many series as it may; delete some groupings or raise --limits.series"}
	}
	if !o.CheckConsistency {
		return nil
	}
	return p.check(g, before, kept, o.MaxLabelSets)
}

// revision is the newest one of a grouping's record; 0: it has none.
func (b *batch) revision(id string) journal.Revision {
	if g, ok := treesOf(b.State).groupings.Get(id); ok {
		return g.Revision
	}
	x, _ := treesOf(b.State).deleted.Get(id)
	return x.revision
}

// addGrouping has a grouping's record written, and returns its size.
func (b *batch) addGrouping(g *Grouping, packed []byte, t tombstone, condition journal.Revision) int {
	rec := groupingRecord{
		labels: g.Key.Labels(), pushed: clock.Nanos(g.Pushed), ran: g.ran, expires: clock.Nanos(g.Expires), origin: g.Origin,
		base: g.base, pushInterval: g.PushInterval, pace: g.pace, deleted: t, ages: ageRuns(g.body), packed: packed,
	}
	if g.after != nil {
		rec.after = *g.after
	}
	if t.stamp != 0 && !g.Failed.IsZero() {
		rec.refused = g.refusal().encode()
	}
	value := rec.encode()
	b.AddOf(g.Key.ID(), journal.Change{Key: key.RecordKey(kindGrouping, g.Key), Value: value, If: &condition})
	return len(value)
}

// maxFailure bounds the remembered reason of a refusal.
const maxFailure = 512

// fail notes a refused push to a grouping that exists. It is shown at once and
// written within a second or so.
func (b *batch) fail(g *Grouping, reason exposition.Reason, message string) {
	message = audit.Shortened(message, maxFailure)
	r := refusal{id: g.Key.ID(), at: b.Now.UnixNano(), ran: b.Ran, reason: reason, message: message}
	b.setFailure(g, r)
	b.t.refused.add(g.Key, r, b.When)
}

// rejectOp notes a push that was refused before it came here.
type rejectOp struct{ Rejection }

func (op *rejectOp) apply(b *batch) error {
	if g, ok := treesOf(b.State).groupings.Get(op.Key.ID()); ok {
		b.fail(g, op.Reason, op.Message)
		b.t.history.Note(b.Batch, history.Noted{Key: g.Key, Summary: history.Summary{
			At: b.Now, Mode: op.Mode, Bytes: op.Size, Refused: audit.Shortened(op.Message, history.MaxWhy), Origin: op.Origin,
		}})
	}
	return nil
}
