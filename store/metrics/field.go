package metrics

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/record"
)

// fieldValue is one field of a record: a number or bytes, by its wire type.
type fieldValue struct {
	number uint64
	bytes  []byte
}

// eachField calls f for every field of an encoded record. Unknown fields are
// passed on as well, so that a later version may add some.
func eachField(b []byte, f func(protowire.Number, fieldValue) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("malformed record: %w", protowire.ParseError(n))
		}
		b = b[n:]
		var v fieldValue
		switch typ {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return fmt.Errorf("malformed record: %w", protowire.ParseError(n))
		}
		if err := f(num, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// eachVersionedField is eachField for a whole record, whose first field is
// its version.
func eachVersionedField(b []byte, f func(protowire.Number, fieldValue) error) error {
	format := uint64(0)
	err := eachField(b, func(n protowire.Number, v fieldValue) error {
		if n != fieldFormat {
			return f(n, v)
		}
		format = v.number
		if format > record.Format {
			return record.ErrNewer
		}
		return nil
	})
	if err == nil && format == 0 {
		return record.ErrNoFormat
	}
	return err
}
