package store

import (
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// refusal is what the journal keeps of the last refused push to a grouping.
type refusal struct {
	id      string // of the grouping
	at, ran int64  // the stamp, and the ran time
	reason  exposition.Reason
	message string
}

func (r refusal) encode() []byte {
	return record.Marshal(&record.Refusal{Format: record.Format, At: r.at, Ran: r.ran, Reason: string(r.reason), Message: r.message, Id: r.id})
}

func decodeRefusal(b []byte) (refusal, error) {
	var r record.Refusal
	err := record.Unmarshal(b, &r)
	return refusal{id: r.Id, at: r.At, ran: r.Ran, reason: exposition.Reason(r.Reason), message: r.Message}, err
}

// encodeControl is the record of a wipe or an import. Of a wipe it has the
// earlier ones too, so that their groupings stay apart.
func encodeControl(t tombstone, earlier []wipe) []byte {
	r := &record.Control{Format: record.Format, At: t.stamp, Ran: t.ran, Operation: t.operation}
	for _, w := range earlier {
		r.Earlier = append(r.Earlier, &record.Wipe{At: w.stamp, Ran: w.ran, Operation: w.operation, Revision: uint64(w.revision)})
	}
	return record.Marshal(r)
}

func decodeControl(b []byte) (t tombstone, earlier []wipe, err error) {
	var r record.Control
	if err := record.Unmarshal(b, &r); err != nil {
		return tombstone{}, nil, err
	}
	for _, w := range r.Earlier {
		earlier = append(earlier, wipe{tombstone{stamp: w.At, ran: w.Ran, operation: w.Operation}, journal.Revision(w.Revision)})
	}
	return tombstone{stamp: r.At, ran: r.Ran, operation: r.Operation}, earlier, nil
}
