package upstream

import (
	"encoding/binary"
	"errors"
)

var errCounts = errors.New("its content is cut off or counts more entries than it has")

// checkCounts walks through a gob stream that holds one value of the shape
//
//	map[string]struct{ Labels map[string]string; Metrics map[string]struct{ Timestamp, GobbableMetricFamily []byte } }
//
// and returns an error if a map claims more entries than there are bytes for.
// It leaves all else to the decoder.
func checkCounts(content []byte) error {
	stream := gobBytes{rest: content}
	for !stream.failed {
		message := gobBytes{rest: stream.bytes()}
		id := message.uint()
		if stream.failed || message.failed {
			break
		}
		if id&1 != 0 { // a negative number: the description of a type
			continue
		}
		message.uint() // of no meaning where the value is no struct
		message.mapOf(func() {
			message.structOf(
				func() { message.mapOf(func() { message.bytes() }) },
				func() {
					message.mapOf(func() {
						message.structOf(func() { message.bytes() }, func() { message.bytes() })
					})
				},
			)
		})
		if message.failed || len(message.rest) > 0 {
			break
		}
		return nil
	}
	return errCounts
}

// gobBytes takes values off encoded bytes. Once something did not fit, it has
// failed and returns zeroes.
type gobBytes struct {
	rest   []byte
	failed bool
}

func (b *gobBytes) fail() {
	b.rest, b.failed = nil, true
}

// uint is one byte below 128, else the negated number of the bytes that hold the
// number, and these.
func (b *gobBytes) uint() uint64 {
	if len(b.rest) == 0 {
		b.fail()
		return 0
	}
	first := b.rest[0]
	b.rest = b.rest[1:]
	if first < 128 {
		return uint64(first)
	}
	size := -int(int8(first))
	if size > 8 || size > len(b.rest) {
		b.fail()
		return 0
	}
	var number [8]byte
	copy(number[8-size:], b.rest)
	b.rest = b.rest[size:]
	return binary.BigEndian.Uint64(number[:])
}

// bytes are their number and themselves; so are strings, and values that encode
// themselves.
func (b *gobBytes) bytes() []byte {
	size := b.uint()
	if size > uint64(len(b.rest)) {
		b.fail()
		return nil
	}
	content := b.rest[:size]
	b.rest = b.rest[size:]
	return content
}

// mapOf are the number of entries and a string and an element for each.
func (b *gobBytes) mapOf(element func()) {
	count := b.uint()
	if count > uint64(len(b.rest))/2 {
		b.fail()
	}
	for ; count > 0 && !b.failed; count-- {
		b.bytes()
		element()
	}
}

// structOf are the fields that are not zero, each behind the distance from the
// one before, and a zero.
func (b *gobBytes) structOf(fields ...func()) {
	for next := uint64(0); !b.failed; {
		distance := b.uint()
		if distance == 0 {
			return
		}
		if distance > uint64(len(fields))-next {
			b.fail()
			return
		}
		next += distance
		fields[next-1]()
	}
}
