package upstream

import (
	"encoding/binary"
	"errors"
	"slices"
)

var errCounts = errors.New("its content is cut off, counts more entries than it has or is of another kind")

// checkCounts walks through a gob stream that holds one value of the shape
//
//	map[string]struct{ Labels map[string]string; Metrics map[string]struct{ Timestamp, GobbableMetricFamily []byte } }
//
// and returns an error if a map claims more entries than there are bytes for, or
// if the stream describes a value of another shape, whose bytes would mean something
// else to the decoder. It leaves all else to that.
func checkCounts(content []byte) error {
	stream := gobBytes{rest: content}
	types := described{map[uint64]uint64{}, map[uint64][]field{}}
	for !stream.failed {
		message := gobBytes{rest: stream.bytes()}
		id := message.uint()
		if stream.failed || message.failed {
			break
		}
		if id&1 != 0 { // a negative number: the description of a type
			types.add(id+1, &message)
			continue
		}
		if !types.fits(id) {
			break
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

// described holds the types that a stream describes. They are known by numbers
// as the stream spells them.
type described struct {
	elements map[uint64]uint64 // of the maps
	fields   map[uint64][]field
}

type field struct {
	name string
	kind uint64
}

const gobString = 6 << 1

// fits reports whether the type is that of the value that is expected.
func (d *described) fits(kind uint64) bool {
	group := d.fields[d.elements[kind]]
	if !named(group, "Labels", "Metrics") || d.elements[group[0].kind] != gobString {
		return false
	}
	return named(d.fields[d.elements[group[1].kind]], "Timestamp", "GobbableMetricFamily")
}

func named(fields []field, names ...string) bool {
	return slices.EqualFunc(fields, names, func(f field, name string) bool { return f.name == name })
}

// add takes in the description of a type.
func (d *described) add(kind uint64, b *gobBytes) {
	number := func() { b.uint() }
	name := func() { b.structOf(func() { b.bytes() }, number) }
	other := func() { b.structOf(name, number, number) }
	b.structOf(other, other, func() {
		b.structOf(name, func() {
			for count := b.uint(); count > 0 && !b.failed; count-- {
				var f field
				b.structOf(func() { f.name = string(b.bytes()) }, func() { f.kind = b.uint() })
				d.fields[kind] = append(d.fields[kind], f)
			}
		})
	}, func() {
		b.structOf(name, number, func() { d.elements[kind] = b.uint() })
	}, other, other, other)
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
