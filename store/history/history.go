// Package history is the last pushes to each grouping, and how they are written
// behind the pushes themselves.
package history

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/journal"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

// Prefix begins the keys of the records.
const Prefix = "h."

// Mode says what becomes of the families that a push does not bring.
type Mode uint8

// Replace is what PUT means, Merge what POST means.
const (
	Replace Mode = iota // they go
	Merge               // they stay
)

// Summary is one push to a grouping in a few words.
type Summary struct {
	At       time.Time
	Mode     Mode
	Bytes    int // of the body as decoded; 0: not known
	Families int // in the push, likewise
	Series   int
	Refused  string // why; empty: it was accepted
	Origin   audit.Origin
}

// maxPushes is the number of remembered pushes to a grouping.
const maxPushes = 50

// MaxWhy bounds the remembered reason of a refused push.
const MaxWhy = 256

// History returns the last pushes to a grouping that is there or can still be
// restored, accepted and refused ones, up to 50, newest first. It goes on where
// a grouping is pushed anew after a delete, and begins anew after a wipe.
//
// A push is in it at once. It is written within about a minute: what came last
// before a crash may be missing.
func (h *Writer) History(ctx context.Context, k key.GroupingKey) ([]Summary, error) {
	if !h.remembers(h.engine.Snapshot(), k.ID()) {
		return nil, nil
	}
	// In this order, or what is being written could be missed.
	unwritten := h.unwrittenOf(k)
	r, err := h.engine.Journal().Read(ctx, key.RecordKey(Prefix, k))
	if err != nil && !errors.Is(err, journal.ErrNoRecord) {
		return nil, err
	}
	var written []Summary
	if err == nil {
		if written, err = decodeHistory(r.Value); err != nil {
			return nil, journal.Unreadable(r, err)
		}
	}
	news, err := decodePushes(unwritten)
	if err != nil {
		return nil, err
	}
	pushes := append(written, news...)
	newestFirst := func(a, b Summary) int { return b.At.Compare(a.At) }
	slices.SortStableFunc(pushes, newestFirst)
	pushes = slices.CompactFunc(pushes, func(a, b Summary) bool { return a.At.Equal(b.At) })
	for i := range pushes {
		pushes[i].At = h.clock.Shown(pushes[i].At, 0)
	}
	slices.SortStableFunc(pushes, newestFirst)
	return pushes[:min(len(pushes), maxPushes)], nil
}

// A history's pushes wait and are passed on as its record has them, one behind the
// other: what has been appended to them is a record.History but for its version.

// pushEncoder encodes pushes without new memory for each. It is for one goroutine at
// a time.
type pushEncoder struct {
	push    record.Push
	encoded []byte
}

// append appends a push to those of a history.
func (e *pushEncoder) append(b []byte, x *Summary) []byte {
	p := &e.push // every field of which is set
	p.At, p.Mode, p.Bytes, p.Families, p.Series = x.At.UnixNano(), uint64(x.Mode), int64(x.Bytes), int64(x.Families), int64(x.Series)
	p.Refused, p.By, p.From, p.Via = x.Refused, x.Origin.By, x.Origin.From, x.Origin.Via
	e.encoded = record.Append(e.encoded[:0], p)
	return record.AppendPush(b, e.encoded)
}

// decodePushes decodes what a pushEncoder has appended.
func decodePushes(b []byte) ([]Summary, error) {
	var r record.History
	if err := record.UnmarshalPart(b, &r); err != nil {
		return nil, err
	}
	return summaries(&r)
}

// decodeHistory decodes a whole record, oldest push first.
func decodeHistory(b []byte) ([]Summary, error) {
	var r record.History
	if err := record.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	return summaries(&r)
}

func summaries(r *record.History) ([]Summary, error) {
	var pushes []Summary
	for _, b := range r.Push {
		var x record.Push
		if err := record.UnmarshalPart(b, &x); err != nil {
			return nil, err
		}
		pushes = append(pushes, Summary{
			At: time.Unix(0, x.At), Mode: Mode(x.Mode), Bytes: int(x.Bytes), Families: int(x.Families), Series: int(x.Series),
			Refused: x.Refused, Origin: audit.Origin{By: x.By, From: x.From, Via: x.Via},
		})
	}
	return pushes, nil
}

// mergeHistory returns the record that has the last of the old one's pushes and
// the new ones; old is nil if there is none. What the old one has already, since
// a write came through that seemed to have failed, is not kept twice.
func mergeHistory(old, news []byte) ([]byte, error) {
	var merged, added record.History
	if old != nil {
		if err := record.Unmarshal(old, &merged); err != nil {
			return nil, err
		}
	}
	if err := record.UnmarshalPart(news, &added); err != nil {
		return nil, err
	}
	known := merged.Push
	for _, x := range added.Push {
		if !slices.ContainsFunc(known, func(k []byte) bool { return bytes.Equal(k, x) }) { // its time is in it, so it is that one
			merged.Push = append(merged.Push, x)
		}
	}
	return record.Marshal(&record.History{Format: record.Format, Push: lastOf(merged.Push, maxPushes)}), nil
}

// lastPushes returns the last n of the pushes that a pushEncoder had appended.
func lastPushes(pushes []byte, n int) []byte {
	var r record.History
	if record.UnmarshalPart(pushes, &r) != nil {
		return nil // never: they were made here
	}
	return record.Marshal(&record.History{Push: lastOf(r.Push, n)})
}

func lastOf[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }
