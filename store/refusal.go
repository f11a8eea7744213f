package store

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"gatehouse/store/exposition"
)

// Bounds of the refusals that are summed up.
const (
	maxSummed     = 200  // groupings and reasons that are told apart in a minute
	maxSums       = 1000 // of all minutes, while nothing can be written
	maxSumBytes   = 4 << 20
	maxSumMessage = 500
)

// restMessage is what the sum of all that is beyond the bounds says.
const restMessage = "further pushes were refused, of other groupings or for other reasons"

// refusals sums up refused pushes by minute, grouping and reason until they are
// put on record. It is safe for concurrent use.
type refusals struct {
	mu     sync.Mutex
	sums   map[sumKey]*refusalSum
	first  int64 // the earliest minute of a sum, if there are any
	minute int64 // the one that was last added to
	summed int   // sums begun in it
	rest   sumKey
	bytes  int
	filled chan struct{} // told when there is a sum where there was none
}

// sumKey is what refusals are told apart by. What is beyond the bounds has
// neither a grouping nor a reason.
type sumKey struct {
	minute int64
	id     string
	reason exposition.Reason
}

type refusalSum struct {
	Entry
	size int // of what it keeps
}

func newRefusals() *refusals {
	return &refusals{sums: map[sumKey]*refusalSum{}, filled: make(chan struct{}, 1)}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// add counts one refused push.
func (x *refusals) add(at time.Time, r *Rejection) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := sumKey{minuteOf(at), r.Key.id, r.Reason}
	sum := x.sums[key]
	if sum == nil {
		sum = x.begin(key, r)
	}
	sum.Count++
	if !at.Before(sum.At) {
		sum.At, sum.Origin = at, r.Origin
	}
}

// begin returns the sum that a refusal is the first of, or the one of what is
// beyond the bounds.
func (x *refusals) begin(key sumKey, r *Rejection) *refusalSum {
	if key.minute != x.minute {
		x.minute, x.summed = key.minute, 0
	}
	sum := &refusalSum{Entry: Entry{What: r.Key.String(), Reason: r.Reason, Message: shortened(r.Message, maxSumMessage)}}
	sum.size = len(sum.What) + len(sum.Message) + len(key.id)
	if over := len(x.sums) >= maxSums || x.bytes+sum.size > maxSumBytes; over || x.summed >= maxSummed {
		rest := sumKey{minute: key.minute}
		if over && x.sums[x.rest] != nil {
			rest = x.rest // whatever the minute, or there would be ever more of them
		}
		if sum := x.sums[rest]; sum != nil {
			return sum
		}
		key, x.rest = rest, rest
		sum = &refusalSum{Entry: Entry{Message: restMessage}}
	}
	if len(x.sums) == 0 || key.minute < x.first {
		x.first = key.minute
		select {
		case x.filled <- struct{}{}:
		default:
		}
	}
	sum.Kind = EntryRefusal
	x.sums[key] = sum
	x.summed++
	x.bytes += sum.size
	return sum
}

// due is when the next sum is to be put on record.
func (x *refusals) due() (at time.Time, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return time.Unix((x.first+1)*60, 0), len(x.sums) > 0
}

// take hands over the sums of the minutes that are over, or all.
func (x *refusals) take(now time.Time, all bool) []Entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	this := minuteOf(now)
	if len(x.sums) == 0 || !all && x.first >= this {
		return nil
	}
	var taken []Entry
	x.first = this
	for key, sum := range x.sums {
		if all || key.minute < this {
			sum.Operation = sumOperation(sum.At, key)
			taken = append(taken, sum.Entry)
			x.bytes -= sum.size
			delete(x.sums, key)
		}
	}
	return taken
}

// sumOperation names the entry of a sum so that it sorts by its time, and apart
// from others of that moment.
func sumOperation(at time.Time, key sumKey) string {
	var h maphash.Hash
	h.SetSeed(operationSeed)
	fmt.Fprint(&h, key.minute, "\x00", key.reason, "\x00", key.id)
	return fmt.Sprintf("%s-%08x", operationTime(at), uint32(h.Sum64()))
}

// shortened cuts a text to about that many bytes.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// addRefusals puts on record what was refused in the minutes that are over.
func (c *committer) addRefusals(b *batch) {
	if len(c.summed) == 0 { // else the last ones could not be written yet
		c.summed = c.refusals.take(c.o.Now(), c.finishing)
	}
	for _, x := range c.summed {
		b.addEntry(x)
	}
}
