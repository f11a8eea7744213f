package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/journal"
)

// PushSummary is one push to a grouping in a few words.
type PushSummary struct {
	At       time.Time
	Mode     Mode
	Bytes    int // of the body as decoded; 0: not known
	Families int // in the push, likewise
	Series   int
	Refused  string // why; empty: it was accepted
	Origin   Origin
}

// maxHistory is how many pushes to a grouping are remembered.
const maxHistory = 50

// maxWhy bounds what is remembered of why a push was refused.
const maxWhy = 256

// History returns the last pushes to a grouping that is there or can still be
// restored, accepted and refused ones, up to 50, newest first. It goes on where
// a grouping is pushed anew after a delete, and begins anew after a wipe.
//
// A push is in it at once. It is written within about a minute: what came last
// before a crash may be missing.
func (s *Store) History(ctx context.Context, k GroupingKey) ([]PushSummary, error) {
	if !s.Picture().remembers(k.ID()) {
		return nil, nil
	}
	// In this order, or what is being written could be missed.
	unwritten := s.historian.unwrittenOf(k)
	key := recordKey(kindHistory, k)
	r, err := s.journal.Read(ctx, key)
	if err != nil && !errors.Is(err, journal.ErrNoRecord) {
		return nil, err
	}
	var written []PushSummary
	if err == nil {
		if written, err = decodeHistory(r.Value); err != nil {
			return nil, unreadable(r, err)
		}
	}
	news, err := decodePushes(unwritten)
	if err != nil {
		return nil, err
	}
	pushes := append(written, news...)
	newestFirst := func(a, b PushSummary) int { return b.At.Compare(a.At) }
	slices.SortStableFunc(pushes, newestFirst)
	pushes = slices.CompactFunc(pushes, func(a, b PushSummary) bool { return a.At.Equal(b.At) })
	for i := range pushes {
		pushes[i].At = s.clock.shown(pushes[i].At, 0)
	}
	slices.SortStableFunc(pushes, newestFirst)
	return pushes[:min(len(pushes), maxHistory)], nil
}

// remembers says whether a grouping is there or can be restored.
func (p *Picture) remembers(id string) bool {
	_, held := p.groups.Get(id)
	if !held {
		_, held = p.gone.Get(id)
	}
	return held
}

// Field numbers. They are part of the format on disk: never reuse one.
const (
	historyPush protowire.Number = 2 // oldest first

	pushAt       protowire.Number = 1
	pushMode     protowire.Number = 2
	pushBytes    protowire.Number = 3
	pushFamilies protowire.Number = 4
	pushSeries   protowire.Number = 5
	pushRefused  protowire.Number = 6
	pushBy       protowire.Number = 7
	pushFrom     protowire.Number = 8
	pushVia      protowire.Number = 9
)

// appendPush appends a push as the history's record has it.
func appendPush(b []byte, x *PushSummary) []byte {
	b = protowire.AppendTag(b, historyPush, protowire.BytesType)
	start := len(b)
	b = appendVarint(b, pushAt, uint64(x.At.UnixNano()))
	b = appendVarint(b, pushMode, uint64(x.Mode))
	b = appendVarint(b, pushBytes, uint64(x.Bytes))
	b = appendVarint(b, pushFamilies, uint64(x.Families))
	b = appendVarint(b, pushSeries, uint64(x.Series))
	b = appendString(b, pushRefused, x.Refused)
	b = appendString(b, pushBy, x.Origin.By)
	b = appendString(b, pushFrom, x.Origin.From)
	b = appendString(b, pushVia, x.Origin.Via)
	var size [binary.MaxVarintLen64]byte
	return slices.Insert(b, start, protowire.AppendVarint(size[:0], uint64(len(b)-start))...)
}

// decodePushes decodes what appendPush has appended.
func decodePushes(b []byte) ([]PushSummary, error) {
	var pushes []PushSummary
	err := eachField(b, func(n protowire.Number, v fieldValue) error {
		if n != historyPush {
			return nil
		}
		x, err := decodePush(v.bytes)
		pushes = append(pushes, x)
		return err
	})
	return pushes, err
}

// decodeHistory decodes a whole record, oldest push first.
func decodeHistory(b []byte) ([]PushSummary, error) {
	b, err := pushesOf(b)
	if err != nil {
		return nil, err
	}
	return decodePushes(b)
}

func decodePush(b []byte) (x PushSummary, err error) {
	err = eachField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case pushAt:
			x.At = time.Unix(0, int64(v.number))
		case pushMode:
			x.Mode = Mode(v.number)
		case pushBytes:
			x.Bytes = int(v.number)
		case pushFamilies:
			x.Families = int(v.number)
		case pushSeries:
			x.Series = int(v.number)
		case pushRefused:
			x.Refused = string(v.bytes)
		case pushBy:
			x.Origin.By = string(v.bytes)
		case pushFrom:
			x.Origin.From = string(v.bytes)
		case pushVia:
			x.Origin.Via = string(v.bytes)
		}
		return nil
	})
	return x, err
}

// pushesOf returns the pushes of a record as appendPush had appended them.
func pushesOf(record []byte) ([]byte, error) {
	pushes := make([]byte, 0, len(record))
	err := eachVersionedField(record, func(n protowire.Number, v fieldValue) error {
		if n == historyPush {
			pushes = appendString(pushes, historyPush, v.bytes)
		}
		return nil
	})
	return pushes, err
}

// mergeHistory returns the record that has the last of the old one's pushes and
// the new ones; old is nil if there is none. What the old one has already, since
// a write came through that seemed to have failed, is not told twice.
func mergeHistory(old, news []byte) ([]byte, error) {
	var pushes []byte
	if old != nil {
		var err error
		if pushes, err = pushesOf(old); err != nil {
			return nil, err
		}
	}
	known := pushes
	for x := range eachPush(news) {
		if !bytes.Contains(known, x) { // its time is in it, so it is that one
			pushes = append(pushes, x...)
		}
	}
	return append(appendVarint(nil, fieldFormat, recordFormat), lastPushes(pushes, maxHistory)...), nil
}

// eachPush yields one by one what appendPush had appended.
func eachPush(pushes []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(pushes) > 0 {
			_, _, n := protowire.ConsumeField(pushes)
			if n < 0 || !yield(pushes[:n]) {
				return
			}
			pushes = pushes[n:]
		}
	}
}

// lastPushes returns the last n of the pushes that appendPush had appended.
func lastPushes(pushes []byte, n int) []byte {
	count := 0
	for range eachPush(pushes) {
		count++
	}
	for x := range eachPush(pushes) {
		if count--; count < n {
			break
		}
		pushes = pushes[len(x):]
	}
	return pushes
}
