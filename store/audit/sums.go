package audit

import (
	"strings"
	"sync"
	"time"

	"gatehouse/store/exposition"
)

// MaxMessage bounds the message of an entry, in bytes.
const MaxMessage = 500

// Bounds of sums.
const (
	maxSums     = 1000 // of all minutes, while nothing can be written
	maxSumBytes = 4 << 20
)

// Sums counts what may happen too often for an entry each, by minute, by what it
// is about and by reason, until that is put on record. It is safe for concurrent
// use.
type Sums struct {
	kind  Kind
	most  int    // how many are distinguished in a minute
	daily int    // and in a day; 0: as many as there are
	rest  string // the subject of the sum of all beyond the bounds

	mu      sync.Mutex
	sums    map[sumKey]*sum
	first   int64 // the earliest minute of a sum, if there are any
	minute  int64 // the one that was last added to
	summed  int   // sums begun in it
	day     int64 // of that minute
	today   int   // sums begun in it
	restKey sumKey
	bytes   int
	filled  chan<- struct{} // gets a value when there is a sum where there was none
}

// NewRefusals counts refused pushes by grouping.
func NewRefusals(filled chan<- struct{}) *Sums {
	return &Sums{
		kind: Refusal, most: 200, rest: "further pushes were refused, of other groupings or for other reasons",
		sums: map[sumKey]*sum{}, filled: filled,
	}
}

// NewDenials counts denied requests by client. Strangers make them: there are
// few sums, so that months of attempts don't crowd out other entries.
func NewDenials(filled chan<- struct{}) *Sums {
	return &Sums{
		kind: Denial, most: 10, daily: 200, rest: "further requests were not let in, from other addresses or for other reasons",
		sums: map[sumKey]*sum{}, filled: filled,
	}
}

// sumKey distinguishes sums. The one of all beyond the bounds has neither an id
// nor a reason.
type sumKey struct {
	minute int64
	id     string
	reason exposition.Reason
}

type sum struct {
	Entry
	size int // of what it keeps
}

const minutesOfDay = 24 * 60

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// Add counts something that happened at a running time and has a stamp. The first
// of its minute is described.
func (x *Sums) Add(when, at time.Time, id string, reason exposition.Reason, o Origin, describe func() Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := sumKey{minuteOf(when), id, reason}
	s := x.sums[key]
	if s == nil {
		s = x.begin(key, describe())
	}
	s.Count++
	if !at.Before(s.At) {
		s.At = at
		if s.Reason != "" { // else it is the sum of what many have done
			s.Origin = o
		}
	}
}

// begin returns the sum that an entry is the first of, or the one of what is
// beyond the bounds.
func (x *Sums) begin(key sumKey, first Entry) *sum {
	if key.minute != x.minute {
		x.minute, x.summed = key.minute, 0
	}
	if day := key.minute / minutesOfDay; day != x.day {
		x.day, x.today = day, 0
	}
	s := &sum{Entry: first}
	s.Reason, s.Message = key.reason, Shortened(s.Message, MaxMessage)
	s.size = len(s.What) + len(s.Message) + len(key.id)
	spent := x.daily > 0 && x.today >= x.daily
	if over := len(x.sums) >= maxSums || x.bytes+s.size > maxSumBytes; over || spent || x.summed >= x.most {
		rest := sumKey{minute: key.minute}
		if spent {
			rest.minute += 59 - rest.minute%60 // one of the hour
		}
		if over && x.sums[x.restKey] != nil {
			rest = x.restKey // whatever the minute, or there would be ever more of them
		}
		if s := x.sums[rest]; s != nil {
			return s
		}
		key, x.restKey = rest, rest
		s = &sum{Entry: Entry{Message: x.rest}}
	}
	if len(x.sums) == 0 || key.minute < x.first {
		x.first = key.minute
		select {
		case x.filled <- struct{}{}:
		default:
		}
	}
	s.Kind = x.kind
	x.sums[key] = s
	x.summed++
	x.today++
	x.bytes += s.size
	return s
}

// Due is when the next sum is to be put on record.
func (x *Sums) Due() (at time.Time, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return time.Unix((x.first+1)*60, 0), len(x.sums) > 0
}

// Take hands over the sums of the minutes that are over, or all.
func (x *Sums) Take(now time.Time, all bool) []Entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	this := minuteOf(now)
	if len(x.sums) == 0 || !all && x.first >= this {
		return nil
	}
	var taken []Entry
	x.first = this
	for key, s := range x.sums {
		if all || key.minute < this {
			s.Operation = NewOperation(s.At, x.kind, key.minute, "\x00", key.reason, "\x00", key.id)
			taken = append(taken, s.Entry)
			x.bytes -= s.size
			delete(x.sums, key)
		}
	}
	return taken
}

// Shortened cuts a text to about that many bytes.
func Shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
