// Package record is the format of the journal's records, as Protocol Buffers:
// record.proto describes them, and the code beside it is generated from that.
package record

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Format is the version of the records. A record with a higher one was written by
// a later Gatehouse.
const Format = 1

var (
	// ErrNewer says that a later version of the program wrote a record.
	ErrNewer = errors.New("it was written by a later version of Gatehouse")
	// ErrNoFormat says that what was read has no version, so that it is no record.
	ErrNoFormat = errors.New("malformed record: it has no version")
)

// Versioned is a whole record, which says its version.
type Versioned interface {
	proto.Message
	GetFormat() uint64
}

// Marshal encodes a message.
func Marshal(m proto.Message) []byte { return Append(nil, m) }

// Append appends an encoded message.
func Append(b []byte, m proto.Message) []byte {
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		panic(err) // no field is required, and any bytes are a string
	}
	return b
}

// historyPush is the number of History.push.
const historyPush protowire.Number = 2

// AppendPush appends an encoded Push to an encoded History. It does what Append does
// with a History of that push, in less time: each push to a grouping needs it.
func AppendPush(history, push []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(history, historyPush, protowire.BytesType), push)
}

// Unmarshal decodes a whole record into m. Fields that are not known are kept, but
// mean nothing, so that a later version may add some. Nothing of b is kept.
func Unmarshal(b []byte, m Versioned) error {
	err := UnmarshalPart(b, m)
	switch format := m.GetFormat(); {
	case format > Format: // whatever follows it
		return ErrNewer
	case err == nil && format == 0:
		return ErrNoFormat
	}
	return err
}

// UnmarshalPart decodes a part of a record, which has no version.
func UnmarshalPart(b []byte, m proto.Message) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return fmt.Errorf("malformed record: %w", err)
	}
	return nil
}
