package metrics

import (
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

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
