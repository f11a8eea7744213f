package metrics

import (
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/audit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// The kinds of records of groupings, as prefixes of their keys.
const (
	kindControl  = "c."
	kindGrouping = "g." // also a deleted grouping, until its undo window ends
	kindRefused  = "r." // the last refused push to a grouping
)

const (
	wipeKey   = kindControl + "wipe"
	importKey = kindControl + "import"
)

// groupingRecord is the journal's record of a grouping.
type groupingRecord struct {
	labels       []exposition.Label
	pushed       int64 // Unix nanoseconds, as all times here
	ran          int64 // the ran time of that, see clock.Clock; 0: not known
	expires      int64 // 0: never
	origin       audit.Origin
	base         journal.Revision // the base of a merge
	deleted      tombstone
	refused      []byte        // while deleted: the last refused push, see refusal
	after        tombstone     // the delete before the grouping was pushed anew
	pushInterval time.Duration // see Grouping.PushInterval
	pace         pace          // see Grouping.ScrapeInterval
	ages         []ageRun
	packed       []byte // the families, see pack
}

// tombstone says that a grouping is gone; its record is kept for the undo.
type tombstone struct {
	stamp     int64 // Unix nanoseconds; 0: not deleted
	ran       int64 // the ran time of that, see clock.Clock; 0: not known
	operation string
}

// ageRun is an age that count families in a row share.
type ageRun struct {
	count int
	age   age
}

// Field numbers. They are part of the format on disk: never reuse one.
const (
	fieldFormat protowire.Number = 1

	groupLabel     protowire.Number = 2
	groupPushed    protowire.Number = 3
	groupExpires   protowire.Number = 4
	groupBy        protowire.Number = 5
	groupFrom      protowire.Number = 6
	groupBase      protowire.Number = 7
	groupDeletedAt protowire.Number = 8
	groupOperation protowire.Number = 9
	groupAge       protowire.Number = 10
	groupPacked    protowire.Number = 11
	groupRefused   protowire.Number = 12
	groupAfterAt   protowire.Number = 13
	groupAfter     protowire.Number = 14
	groupEvery     protowire.Number = 15
	groupVia       protowire.Number = 16
	groupPace      protowire.Number = 17
	groupNextPace  protowire.Number = 18
	groupAgreed    protowire.Number = 19
	// What was pushed, deleted, and deleted before, on the ran time.
	groupRan        protowire.Number = 20
	groupDeletedRan protowire.Number = 21
	groupAfterRan   protowire.Number = 22

	pairName  protowire.Number = 1
	pairValue protowire.Number = 2

	ageCount     protowire.Number = 1
	ageSince     protowire.Number = 2
	ageHelpSince protowire.Number = 3
	ageChanged   protowire.Number = 4

	packedFamily protowire.Number = 1
	familyName   protowire.Number = 1
	familyType   protowire.Number = 2
	familyHelp   protowire.Number = 3
	familyUnit   protowire.Number = 4
	familyText   protowire.Number = 5
	familyProto  protowire.Number = 6
	familyUTF8   protowire.Number = 7
	familySeries protowire.Number = 8
	// familyJudged says that the family was judged when it was pushed; without it
	// the next three are not known.
	familyJudged  protowire.Number = 9
	familyLoose   protowire.Number = 10
	familyUntyped protowire.Number = 11
	familyNotice  protowire.Number = 12

	noticeKind  protowire.Number = 1
	noticeCount protowire.Number = 2
)

func appendVarint(b []byte, n protowire.Number, v uint64) []byte {
	switch {
	case v == 0:
		return b
	case v < 1<<7 && n < 1<<4: // two bytes
		return append(b, byte(n)<<3|byte(protowire.VarintType), byte(v))
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendString[S ~string | ~[]byte](b []byte, n protowire.Number, s S) []byte {
	switch {
	case len(s) == 0:
		return b
	case len(s) < 1<<7 && n < 1<<4: // two bytes before it
		return append(append(b, byte(n)<<3|byte(protowire.BytesType), byte(len(s))), s...)
	}
	return append(protowire.AppendVarint(protowire.AppendTag(b, n, protowire.BytesType), uint64(len(s))), s...)
}

func (r *groupingRecord) encode() []byte {
	b := make([]byte, 0, 256+len(r.packed))
	b = appendVarint(b, fieldFormat, record.Format)
	var m []byte
	for _, l := range r.labels {
		m = appendString(appendString(m[:0], pairName, l.Name), pairValue, l.Value)
		b = appendString(b, groupLabel, m)
	}
	b = appendVarint(b, groupPushed, uint64(r.pushed))
	b = appendVarint(b, groupRan, uint64(r.ran))
	b = appendVarint(b, groupExpires, uint64(r.expires))
	b = appendString(b, groupBy, r.origin.By)
	b = appendString(b, groupFrom, r.origin.From)
	b = appendString(b, groupVia, r.origin.Via)
	b = appendVarint(b, groupBase, uint64(r.base))
	b = appendVarint(b, groupDeletedAt, uint64(r.deleted.stamp))
	b = appendVarint(b, groupDeletedRan, uint64(r.deleted.ran))
	b = appendString(b, groupOperation, r.deleted.operation)
	b = appendString(b, groupRefused, r.refused)
	b = appendVarint(b, groupAfterAt, uint64(r.after.stamp))
	b = appendVarint(b, groupAfterRan, uint64(r.after.ran))
	b = appendString(b, groupAfter, r.after.operation)
	b = r.pace.append(appendVarint(b, groupEvery, uint64(r.pushInterval)))
	for _, run := range r.ages {
		m = appendVarint(m[:0], ageCount, uint64(run.count))
		m = appendVarint(m, ageSince, uint64(run.age.since))
		m = appendVarint(m, ageHelpSince, uint64(run.age.helpSince))
		m = appendVarint(m, ageChanged, uint64(run.age.changed))
		b = appendString(b, groupAge, m)
	}
	return appendString(b, groupPacked, r.packed)
}

// decodeGroupingRecord decodes a record; packed families stay a part of it.
func decodeGroupingRecord(b []byte) (*groupingRecord, error) {
	r := &groupingRecord{}
	err := eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case groupLabel:
			var l exposition.Label
			err := eachField(v.bytes, func(n protowire.Number, v fieldValue) error {
				switch n {
				case pairName:
					l.Name = string(v.bytes)
				case pairValue:
					l.Value = string(v.bytes)
				}
				return nil
			})
			r.labels = append(r.labels, l)
			return err
		case groupPushed:
			r.pushed = int64(v.number)
		case groupRan:
			r.ran = int64(v.number)
		case groupExpires:
			r.expires = int64(v.number)
		case groupBy:
			r.origin.By = string(v.bytes)
		case groupFrom:
			r.origin.From = string(v.bytes)
		case groupVia:
			r.origin.Via = string(v.bytes)
		case groupBase:
			r.base = journal.Revision(v.number)
		case groupDeletedAt:
			r.deleted.stamp = int64(v.number)
		case groupDeletedRan:
			r.deleted.ran = int64(v.number)
		case groupOperation:
			r.deleted.operation = string(v.bytes)
		case groupRefused:
			r.refused = v.bytes
		case groupAfterAt:
			r.after.stamp = int64(v.number)
		case groupAfterRan:
			r.after.ran = int64(v.number)
		case groupAfter:
			r.after.operation = string(v.bytes)
		case groupEvery:
			r.pushInterval = time.Duration(v.number)
		case groupPace, groupNextPace, groupAgreed:
			r.pace.take(n, v.number)
		case groupAge:
			run, err := decodeAgeRun(v.bytes)
			r.ages = append(r.ages, run)
			return err
		case groupPacked:
			r.packed = v.bytes
		}
		return nil
	})
	return r, err
}

func decodeAgeRun(b []byte) (run ageRun, err error) {
	err = eachField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case ageCount:
			run.count = int(v.number)
		case ageSince:
			run.age.since = int64(v.number)
		case ageHelpSince:
			run.age.helpSince = int64(v.number)
		case ageChanged:
			run.age.changed = int64(v.number)
		}
		return nil
	})
	return run, err
}

// body unpacks the record's families and gives them their ages.
func (r *groupingRecord) body(names interned) (*body, error) {
	b, err := unpack(r.packed, names)
	if err != nil {
		return nil, err
	}
	i := 0
	for _, run := range r.ages {
		a := run.age
		for range min(run.count, len(b.holds)+1) {
			if i == len(b.holds) {
				return nil, errors.New("it has more ages than families")
			}
			b.holds[i].age = &a
			i++
		}
	}
	if i != len(b.holds) {
		return nil, errors.New("a family has no age")
	}
	return b, nil
}

// ageRuns sums up the ages of a body.
func ageRuns(b *body) []ageRun {
	var runs []ageRun
	for i := range b.holds {
		if a := *b.holds[i].age; len(runs) > 0 && runs[len(runs)-1].age == a {
			runs[len(runs)-1].count++
		} else {
			runs = append(runs, ageRun{count: 1, age: a})
		}
	}
	return runs
}
