package metrics

import (
	"slices"
	"strconv"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/key"
)

// Grouping is a grouping as it was at one moment. It is immutable.
type Grouping struct {
	Key key.GroupingKey
	// Pushed is the time of the last successful push, Failed that of the last
	// refused one; zero: never. Failure is why that one was refused.
	Pushed, Failed time.Time
	Failure        string
	// Origin of the last successful push.
	Origin  audit.Origin
	Expires time.Time // zero: never
	// PushInterval is the mean time between recent accepted pushes, the last
	// ones counting the most; 0: not known yet.
	PushInterval time.Duration
	Revision     journal.Revision // of the last successful push
	Series       int              // as pushed, without the two push times
	Bytes        int              // of the text of those series

	// The ran times of the last push and of the last refused one, as of clock.Clock; 0:
	// not known. ends is when it expires, in Unix nanoseconds of the running time.
	ran, failedRan, ends int64

	retimed *retimed // times that are not shown as the record has them

	recorded      int // bytes of its record
	pace          pace
	failureReason exposition.Reason
	base          journal.Revision // what the last merge was based on
	after         *tombstone       // the delete before the grouping was pushed anew
	body          *body
	alias         string // the identity with label names as legacy scrapers see them
	set           string // the label names, likewise
	times         []byte // the lines of push_time_seconds and push_failure_time_seconds
	timesCut      int    // where the second one begins
}

// LastPushSuccessful says whether the last push was accepted.
func (g *Grouping) LastPushSuccessful() bool {
	if g.ran > 0 && g.failedRan > 0 {
		return g.failedRan < g.ran // whatever was done to the clock between the two
	}
	return !g.Failed.After(g.Pushed)
}

// Since is when the last successful push was, as the clock would have said had it
// always gone as it goes now: what is counted from it is the true age. It is
// Pushed unless the clock was set in the meantime.
func (g *Grouping) Since() time.Time {
	if g.retimed == nil {
		return g.Pushed
	}
	return g.retimed.since
}

// newGrouping makes the parts of a grouping that follow from its key and body.
func newGrouping(k key.GroupingKey, b *body) *Grouping {
	g := &Grouping{Key: k, body: b, Series: b.series, Bytes: len(b.text)}
	g.alias, g.set = k.Legacy()
	return g
}

// Names of the families that every grouping has.
const (
	pushTimeName    = "push_time_seconds"
	failureTimeName = "push_failure_time_seconds"
	pushTimeHelp    = "Last Unix time when a push to this grouping was accepted."
	failureTimeHelp = "Last Unix time when a push to this grouping was refused."
)

// renderTimes renders the two push times once the grouping has them.
func (g *Grouping) renderTimes() {
	labels := exposition.AppendLabels(nil, g.Key.Labels())
	b := make([]byte, 0, len(pushTimeName)+len(failureTimeName)+2*len(labels)+48)
	b = appendTime(append(append(b, pushTimeName...), labels...), g.Pushed)
	g.timesCut = len(b)
	g.times = appendTime(append(append(b, failureTimeName...), labels...), g.Failed)
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, ' ')
	if t.IsZero() {
		b = append(b, '0')
	} else {
		b = strconv.AppendFloat(b, float64(t.UnixNano())/1e9, 'g', -1, 64)
	}
	return append(b, '\n')
}

func (g *Grouping) timesUTF8() bool { return g.alias != g.Key.ID() }

func (g *Grouping) pushTime() exposition.Chunk {
	return exposition.Chunk{Text: g.times[:g.timesCut], Series: 1, UTF8: g.timesUTF8()}
}

func (g *Grouping) failureTime() exposition.Chunk {
	return exposition.Chunk{Text: g.times[g.timesCut:], Series: 1, UTF8: g.timesUTF8()}
}

// PushTimes returns the two push times as families.
func (g *Grouping) PushTimes() []GroupingFamily {
	return []GroupingFamily{
		{Name: failureTimeName, Type: exposition.Gauge, Help: failureTimeHelp, Chunk: g.failureTime(), Changed: g.Pushed},
		{Name: pushTimeName, Type: exposition.Gauge, Help: pushTimeHelp, Chunk: g.pushTime(), Changed: g.Pushed},
	}
}

// GroupingFamily is a metric family as a grouping holds it.
type GroupingFamily struct {
	Name       string
	Type       exposition.Type
	Help, Unit string // as pushed
	exposition.Chunk
	Changed time.Time // when it was last pushed
	Hidden  int       // series that scrapes leave out because another grouping has them
}

// GroupingNotice is something odd about a family of a grouping.
type GroupingNotice struct {
	Family string
	exposition.Notice
}

// Notices returns what is odd about the families, at most 20 notices in the order of
// the families.
func (g *Grouping) Notices() []GroupingNotice {
	out := make([]GroupingNotice, len(g.body.notices))
	for i, n := range g.body.notices {
		out[i] = GroupingNotice{g.body.holds[n.hold].name, n.Notice}
	}
	return out
}

// Families returns the pushed families, sorted by name, without the push times.
func (g *Grouping) Families() []GroupingFamily {
	out := make([]GroupingFamily, len(g.body.holds))
	for i := range out {
		h := &g.body.holds[i]
		out[i] = GroupingFamily{
			Name: h.name, Type: h.typ, Help: h.help, Unit: h.unit,
			Chunk: g.body.chunk(i), Changed: g.shownChange(h.changed),
		}
		if h.rare != nil {
			out[i].Hidden = h.rare.hidden
		}
	}
	return out
}

// FamilyCount is the number of families, without the push times.
func (g *Grouping) FamilyCount() int { return len(g.body.holds) }

// HasFamily says whether the name of a pushed family satisfies f.
func (g *Grouping) HasFamily(f func(name string) bool) bool {
	return slices.ContainsFunc(g.body.holds, func(h hold) bool { return f(h.name) })
}
