package audit

import (
	"context"
	"slices"
	"strings"
	"time"

	"gatehouse/store/journal"
)

// Query says which entries of the activity log are asked for. The zero value means
// the newest ones.
type Query struct {
	Kinds []Kind // empty: all
	By    string // the exact author; empty: everybody
	// Text is contained in What, Reason, Message, By or From, whatever the case of
	// its letters; empty: anything.
	Text string
	// Since is the first moment, Until the one after the last; zero: no bound.
	Since, Until time.Time
	Before       string // an operation: only entries that are older; empty: from the newest on
	Limit        int    // at most MaxFound; 0: that many
}

// MaxFound is the maximum number of entries that a call of Find returns.
const MaxFound = 1000

// Bounds of what one call of Find reads.
const (
	chunk      = 500
	maxScanned = 20_000
)

// Find returns the entries of a journal that a query asks for, newest first, with
// their times as shown shows them.
//
// next is the operation to go on before, for a query with the same filters; it
// is empty if there is nothing more. A call looks at 20,000 entries at the
// most, so that with a filter that few entries pass there may be fewer than the
// limit, even none, though next says that there may be more.
func Find(ctx context.Context, j journal.Journal, q Query, shown func(time.Time) time.Time) (entries []Entry, next string, err error) {
	if q.Limit <= 0 || q.Limit > MaxFound {
		q.Limit = MaxFound
	}
	text := strings.ToLower(q.Text)
	since, before := Prefix, q.before()
	if !q.Since.IsZero() {
		since = OldestKey(q.Since)
	}
	for scanned := 0; scanned < maxScanned; {
		records, err := j.ScanBack(ctx, Prefix, before, chunk)
		if err != nil {
			return nil, "", err
		}
		for _, r := range records {
			if r.Key < since {
				return entries, "", nil
			}
			x, err := Decode(r.Key[len(Prefix):], r.Value)
			if err != nil {
				return nil, "", journal.Unreadable(r, err)
			}
			if !q.matches(&x, text) {
				continue
			}
			if len(entries) == q.Limit {
				return entries, entries[len(entries)-1].Operation, nil
			}
			x.At = shown(x.At)
			entries = append(entries, x)
		}
		if len(records) < chunk {
			return entries, "", nil
		}
		scanned += len(records)
		before = records[len(records)-1].Key
	}
	return entries, before[len(Prefix):], nil
}

// before is the key that the entries come before; empty: no bound.
func (q *Query) before() string {
	before := ""
	if q.Before != "" {
		before = Prefix + q.Before
	}
	if !q.Until.IsZero() {
		if until := OldestKey(q.Until); before == "" || until < before {
			before = until
		}
	}
	return before
}

func (q *Query) matches(x *Entry, lowerText string) bool {
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, x.Kind) || q.By != "" && q.By != x.Origin.By {
		return false
	}
	return lowerText == "" || slices.ContainsFunc([]string{x.What, string(x.Reason), x.Message, x.Origin.By, x.Origin.From}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), lowerText)
	})
}
