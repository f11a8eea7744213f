package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ActivityQuery says which entries of the activity log are asked for. The zero
// value means the newest ones.
type ActivityQuery struct {
	Kinds []EntryKind // empty: all
	By    string      // exactly who; empty: everybody
	// Text is contained in What, Reason, Message, By or From, whatever the case of
	// its letters; empty: anything.
	Text string
	// Since is the first moment, Until the one after the last; zero: no bound.
	Since, Until time.Time
	Before       string // an operation: only entries that are older; empty: from the newest on
	Limit        int    // at most MaxActivity; 0: that many
}

// MaxActivity is how many entries one call of Activity returns at the most.
const MaxActivity = 1000

// Bounds of what one call of Activity reads.
const (
	activityChunk = 500
	activityScan  = 20_000
)

// Activity returns the entries that a query asks for, newest first.
//
// next is the operation to go on before, for a query with the same filters; it
// is empty if there is nothing more. A call looks at 20,000 entries at the
// most, so that with a filter that few entries pass there may be fewer than the
// limit, even none, though next says that there may be more.
func (s *Store) Activity(ctx context.Context, q ActivityQuery) (entries []Entry, next string, err error) {
	if q.Limit <= 0 || q.Limit > MaxActivity {
		q.Limit = MaxActivity
	}
	text := strings.ToLower(q.Text)
	since, before := kindActivity, q.before()
	if !q.Since.IsZero() {
		since += operationTime(q.Since)
	}
	for scanned := 0; scanned < activityScan; {
		records, err := s.journal.ScanBack(ctx, kindActivity, before, activityChunk)
		if err != nil {
			return nil, "", err
		}
		for _, r := range records {
			if r.Key < since {
				return entries, "", nil
			}
			x, err := decodeEntry(r.Key[len(kindActivity):], r.Value)
			if err != nil {
				return nil, "", unreadable(r, err)
			}
			if !q.matches(&x, text) {
				continue
			}
			if len(entries) == q.Limit {
				return entries, entries[len(entries)-1].Operation, nil
			}
			x.At = s.clock.shown(x.At, 0)
			entries = append(entries, x)
		}
		if len(records) < activityChunk {
			return entries, "", nil
		}
		scanned += len(records)
		before = records[len(records)-1].Key
	}
	return entries, before[len(kindActivity):], nil
}

// before is the key that the entries come before; empty: no bound.
func (q *ActivityQuery) before() string {
	before := ""
	if q.Before != "" {
		before = kindActivity + q.Before
	}
	if !q.Until.IsZero() {
		if until := kindActivity + operationTime(q.Until); before == "" || until < before {
			before = until
		}
	}
	return before
}

func (q *ActivityQuery) matches(x *Entry, lowerText string) bool {
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, x.Kind) || q.By != "" && q.By != x.Origin.By {
		return false
	}
	return lowerText == "" || slices.ContainsFunc([]string{x.What, string(x.Reason), x.Message, x.Origin.By, x.Origin.From}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), lowerText)
	})
}

// operationTime is what the names of operations of a moment begin with. It
// sorts before them.
func operationTime(t time.Time) string {
	n := t.UnixNano()
	switch {
	case t.Unix() < 0:
		n = 0
	case t.Unix() > math.MaxInt64/int64(time.Second)-1:
		n = math.MaxInt64
	}
	return fmt.Sprintf("%016x", n)
}

// operationStamp is the time that an operation has in its name; 0: it has none.
func operationStamp(operation string) int64 {
	if !isOperation(operation) {
		return 0
	}
	n, _ := strconv.ParseInt(operation[:16], 16, 64) // 0 beyond all times
	return n
}
