package store

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
)

// refusal is what the journal keeps of the last refused push to a grouping.
type refusal struct {
	id      string // of the grouping
	at      int64
	reason  exposition.Reason
	message string
}

func (r refusal) encode() []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendVarint(b, refusedAt, uint64(r.at))
	b = appendString(b, refusedReason, r.reason)
	b = appendString(b, refusedMessage, r.message)
	return appendString(b, refusedID, r.id)
}

func decodeRefusal(b []byte) (r refusal, err error) {
	err = eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case refusedAt:
			r.at = int64(v.number)
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

// encodeControl is the record of a wipe or an import.
func encodeControl(at time.Time, operation string) []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendVarint(b, controlAt, uint64(at.UnixNano()))
	return appendString(b, controlOperation, operation)
}

func decodeControl(b []byte) (t tombstone, err error) {
	err = eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case controlAt:
			t.at = int64(v.number)
		case controlOperation:
			t.operation = string(v.bytes)
		}
		return nil
	})
	return t, err
}
