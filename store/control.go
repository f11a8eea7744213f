package store

import (
	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
	"gatehouse/store/journal"
)

// refusal is what the journal keeps of the last refused push to a grouping.
type refusal struct {
	id      string // of the grouping
	at, ran int64  // the stamp, and the ran time
	reason  exposition.Reason
	message string
}

func (r refusal) encode() []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendVarint(b, refusedAt, uint64(r.at))
	b = appendVarint(b, refusedRan, uint64(r.ran))
	b = appendString(b, refusedReason, r.reason)
	b = appendString(b, refusedMessage, r.message)
	return appendString(b, refusedID, r.id)
}

func decodeRefusal(b []byte) (r refusal, err error) {
	err = eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case refusedAt:
			r.at = int64(v.number)
		case refusedRan:
			r.ran = int64(v.number)
		case refusedReason:
			r.reason = exposition.Reason(v.bytes)
		case refusedMessage:
			r.message = string(v.bytes)
		case refusedID:
			r.id = string(v.bytes)
		}
		return nil
	})
	return r, err
}

// encodeControl is the record of a wipe or an import. Of a wipe it has the
// earlier ones too, so that their groupings stay apart.
func encodeControl(t tombstone, earlier []wipe) []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendVarint(b, controlAt, uint64(t.stamp))
	b = appendVarint(b, controlRan, uint64(t.ran))
	b = appendString(b, controlOperation, t.operation)
	for _, w := range earlier {
		m := appendVarint(nil, earlierAt, uint64(w.stamp))
		m = appendVarint(m, earlierRan, uint64(w.ran))
		m = appendString(m, earlierOperation, w.operation)
		m = appendVarint(m, earlierRevision, uint64(w.revision))
		b = appendString(b, controlEarlier, m)
	}
	return b
}

func decodeControl(b []byte) (t tombstone, earlier []wipe, err error) {
	err = eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case controlAt:
			t.stamp = int64(v.number)
		case controlRan:
			t.ran = int64(v.number)
		case controlOperation:
			t.operation = string(v.bytes)
		case controlEarlier:
			w, err := decodeEarlier(v.bytes)
			earlier = append(earlier, w)
			return err
		}
		return nil
	})
	return t, earlier, err
}

func decodeEarlier(b []byte) (w wipe, err error) {
	err = eachField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case earlierAt:
			w.stamp = int64(v.number)
		case earlierRan:
			w.ran = int64(v.number)
		case earlierOperation:
			w.operation = string(v.bytes)
		case earlierRevision:
			w.revision = journal.Revision(v.number)
		}
		return nil
	})
	return w, err
}
