package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
)

// packing is the scratch space of pack and unpack.
type packing struct {
	raw, family, packed []byte
	families            []exposition.Family
}

var packings = sync.Pool{New: func() any { return new(packing) }}

// maxKept bounds what a packing keeps for the next time.
const maxKept = 1 << 20

// pack encodes and compresses a body for its record.
func pack(b *body) []byte {
	p := packings.Get().(*packing)
	p.raw = p.raw[:0]
	notices := b.notices
	for i := range b.holds {
		h, c := &b.holds[i], b.chunk(i)
		f := appendString(p.family[:0], familyName, h.name)
		f = appendVarint(f, familyType, uint64(h.typ))
		f = appendString(f, familyHelp, h.help)
		f = appendString(f, familyUnit, h.unit)
		f = appendString(f, familyText, c.Text)
		f = appendString(f, familyProto, c.Proto)
		f = appendVarint(f, familyUTF8, protowire.EncodeBool(c.UTF8))
		f = appendVarint(f, familySeries, uint64(c.Series))
		f = appendVarint(f, familyJudged, 1)
		f = appendVarint(f, familyLoose, uint64(c.Loose))
		f = appendVarint(f, familyUntyped, uint64(c.UntypedIn))
		for len(notices) > 0 && notices[0].hold == uint32(i) {
			f = appendNotice(f, notices[0].Notice)
			notices = notices[1:]
		}
		p.raw = protowire.AppendTag(p.raw, packedFamily, protowire.BytesType)
		p.raw = protowire.AppendBytes(p.raw, f)
		p.family = f
	}
	p.packed = slices.Grow(p.packed[:0], s2.MaxEncodedLen(len(p.raw)))
	out := slices.Clone(s2.Encode(p.packed[:cap(p.packed)], p.raw))
	if cap(p.raw) <= maxKept {
		packings.Put(p)
	}
	return out
}

func appendNotice(f []byte, n exposition.Notice) []byte {
	m := appendVarint(appendVarint(nil, noticeKind, uint64(n.Kind)), noticeCount, uint64(n.Count))
	return appendString(f, familyNotice, m)
}

// maxUnpacked bounds what a record's families may unfold to: far more than any
// push leaves, so that only damage goes over it.
const maxUnpacked = 1 << 30

// unpack makes a body of what pack made.
func unpack(packed []byte, names interned) (*body, error) {
	n, err := s2.DecodedLen(packed)
	if err != nil || n > maxUnpacked {
		return nil, errors.New("its families cannot be unpacked")
	}
	p := packings.Get().(*packing)
	p.raw = slices.Grow(p.raw[:0], n)
	raw, err := s2.Decode(p.raw[:cap(p.raw)], packed)
	if err != nil {
		return nil, fmt.Errorf("unpack its families: %w", err)
	}
	if p.families, err = appendFamilies(p.families[:0], raw, names); err != nil {
		return nil, err
	}
	b := newBody(p.families)
	clear(p.families)
	if cap(p.raw) <= maxKept && cap(p.families) <= maxKept/256 {
		packings.Put(p)
	}
	return b, nil
}

// interned keeps one string of each name and HELP, which the groupings of a
// store mostly share. nil keeps none.
type interned map[string]string

// maxInterned bounds it where every grouping has names of its own.
const maxInterned = 1 << 16

func (m interned) of(b []byte) string {
	if s, ok := m[string(b)]; ok {
		return s
	}
	s := string(b)
	if m != nil && len(m) < maxInterned {
		m[s] = s
	}
	return s
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
	judged := false
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
		case familyJudged:
			judged = v.number > 0
		case familyLoose:
			f.Loose = uint32(min(v.number, math.MaxUint32))
		case familyUntyped:
			f.UntypedIn = exposition.FormatSet(v.number)
		case familyNotice:
			n, err := decodeNotice(v.bytes)
			f.Notices = append(f.Notices, n)
			return err
		}
		return nil
	})
	switch {
	case err != nil:
	case f.Name == "" || f.Type > exposition.GaugeHistogram:
		err = errors.New("malformed record: a family has no name or an unknown type")
	case int(f.Loose) > len(f.Text):
		err = errors.New("malformed record: a family has more loose lines than lines")
	case !judged && f.Type != exposition.Untyped && f.Type != exposition.Gauge:
		f = exposition.Judge(f)
	}
	return f, err
}

func decodeNotice(b []byte) (n exposition.Notice, err error) {
	err = eachField(b, func(field protowire.Number, v fieldValue) error {
		switch field {
		case noticeKind:
			n.Kind = exposition.NoticeKind(v.number)
		case noticeCount:
			n.Count = int(v.number)
		}
		return nil
	})
	return n, err
}
