package store

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
)

// fieldValue is one field of a record: a number or bytes, by its wire type.
type fieldValue struct {
	number uint64
	bytes  []byte
}

// eachField calls f for every field of an encoded record. Unknown fields are
// told as well, so that a later version may add some.
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

// errNewerFormat says that a later version of the program wrote the record.
var errNewerFormat = errors.New("it was written by a later version of Gatehouse")

// eachVersionedField is eachField for a whole record, whose first field tells
// its version.
func eachVersionedField(b []byte, f func(protowire.Number, fieldValue) error) error {
	format := uint64(0)
	err := eachField(b, func(n protowire.Number, v fieldValue) error {
		if n != fieldFormat {
			return f(n, v)
		}
		format = v.number
		if format > recordFormat {
			return errNewerFormat
		}
		return nil
	})
	if err == nil && format == 0 {
		return errors.New("malformed record: it has no version")
	}
	return err
}

// appendFamilies appends the families of a packed body. Their names must ascend:
// the rest of the program searches by them.
//
// Their text stays a part of raw.
func appendFamilies(families []exposition.Family, raw []byte, names interned) ([]exposition.Family, error) {
	err := eachField(raw, func(n protowire.Number, v fieldValue) error {
		if n != packedFamily {
			return nil
		}
		f, err := decodeFamily(v.bytes, names)
		families = append(families, f)
		return err
	})
	for i := 1; err == nil && i < len(families); i++ {
		if families[i].Name <= families[i-1].Name {
			err = errors.New("its families are out of order")
		}
	}
	return families, err
}

func decodeFamily(b []byte, names interned) (f exposition.Family, err error) {
	err = eachField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case familyName:
			f.Name = names.of(v.bytes)
		case familyType:
			f.Type = exposition.Type(v.number)
		case familyHelp:
			f.Help = names.of(v.bytes)
		case familyUnit:
			f.Unit = names.of(v.bytes)
		case familyText:
			f.Text = v.bytes
		case familyProto:
			f.Proto = append([]byte(nil), v.bytes...)
		case familyUTF8:
			f.UTF8 = protowire.DecodeBool(v.number)
		case familySeries:
			f.Series = int(v.number)
		}
		return nil
	})
	if err == nil && (f.Name == "" || f.Type > exposition.GaugeHistogram) {
		err = errors.New("malformed record: a family has no name or an unknown type")
	}
	return f, err
}
