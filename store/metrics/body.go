package metrics

import (
	"slices"
	"strings"

	"gatehouse/store/exposition"
)

// ident holds the properties in which a metric family of one grouping equals
// that of another. Equal ones are shared by all holders, so that a grouping
// costs little more than its samples.
type ident struct {
	name       string
	typ        exposition.Type
	help, unit string
}

// age says since when a grouping holds a family. The families of one push share
// one.
type age struct {
	// Ranks among all changes, see commit.Batch.
	since     int64 // first held by this grouping, with this type
	helpSince int64 // this HELP was first held by any holder

	changed int64 // last pushed, in Unix nanoseconds
}

// hold is a metric family as one grouping holds it.
type hold struct {
	*ident
	*age
	off, end uint32 // of its lines in the body's text
	series   uint32
	rare     *rare
}

// rare holds fields that few holds need.
type rare struct {
	proto     []byte
	utf8      bool
	loose     uint32 // of the lines, see exposition.Chunk
	untypedIn exposition.FormatSet
	// shown replaces the chunk in scrapes while some of its series are
	// shadowed, hidden counts those.
	shown  *exposition.Chunk
	hidden int
}

// body is the metric families of one grouping, sorted by name, with all their
// lines in one piece. It is immutable once it is part of a snapshot.
type body struct {
	text    []byte
	holds   []hold
	series  int
	notices []bodyNotice
}

// bodyNotice is something odd about a family that is held.
type bodyNotice struct {
	hold uint32
	exposition.Notice
}

// maxNotices bounds the notices of a grouping.
const maxNotices = 20

var emptyBody = &body{}

// newBody copies the families, which must be sorted by name, into one piece.
func newBody(families []exposition.Family) *body {
	size, series := 0, 0
	for i := range families {
		size += len(families[i].Text)
		series += families[i].Series
	}
	b := &body{text: make([]byte, 0, size), holds: make([]hold, len(families)), series: series}
	idents := make([]ident, len(families))
	for i := range families {
		f := &families[i]
		idents[i] = ident{name: f.Name, typ: f.Type, help: f.Help, unit: f.Unit}
		h := &b.holds[i]
		h.ident, h.series = &idents[i], uint32(f.Series)
		h.off = uint32(len(b.text))
		b.text = append(b.text, f.Text...)
		h.end = uint32(len(b.text))
		if f.Proto != nil || f.UTF8 || f.Loose > 0 || f.UntypedIn != 0 {
			h.rare = &rare{proto: f.Proto, utf8: f.UTF8, loose: f.Loose, untypedIn: f.UntypedIn}
		}
		for _, n := range f.Notices[:min(len(f.Notices), maxNotices-len(b.notices))] {
			b.notices = append(b.notices, bodyNotice{uint32(i), n})
		}
	}
	return b
}

// chunk is the i-th family as it was pushed.
func (b *body) chunk(i int) exposition.Chunk { return b.whole(&b.holds[i]) }

// whole is a family as it was pushed.
func (b *body) whole(h *hold) exposition.Chunk {
	c := b.plain(h)
	if h.rare != nil {
		c.Proto, c.UTF8 = h.rare.proto, h.rare.utf8
		c.Loose, c.UntypedIn = h.rare.loose, h.rare.untypedIn
	}
	return c
}

// plain is a family without what few have.
func (b *body) plain(h *hold) exposition.Chunk {
	return exposition.Chunk{Text: b.text[h.off:h.end:h.end], Series: int(h.series)}
}

// exposed is a family as scrapes show it. It is small enough to be inlined into the
// loop over everything that is held.
func (b *body) exposed(h *hold) exposition.Chunk {
	if h.rare != nil && h.rare.shown != nil {
		return *h.rare.shown
	}
	return b.whole(h)
}

// find returns the place of the family of that name, or -1.
func (b *body) find(name string) int {
	i, ok := slices.BinarySearchFunc(b.holds, name, func(h hold, name string) int { return strings.Compare(h.name, name) })
	if !ok {
		return -1
	}
	return i
}

// families returns the body as it was pushed.
func (b *body) families() []exposition.Family {
	out := make([]exposition.Family, len(b.holds))
	for i := range b.holds {
		h := &b.holds[i]
		out[i] = exposition.Family{Name: h.name, Type: h.typ, Help: h.help, Unit: h.unit, Chunk: b.chunk(i)}
	}
	for _, n := range b.notices {
		out[n.hold].Notices = append(out[n.hold].Notices, n.Notice)
	}
	return out
}

// merge returns the families of a push with those of the body that are kept beside
// them. Both are sorted by name, and so is the result.
func (b *body) merge(push []exposition.Family, kept func(name string) bool) []exposition.Family {
	out := slices.Clone(push)
	for _, f := range b.families() {
		if kept(f.Name) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b exposition.Family) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// withShown returns the body with another view of the i-th family in scrapes;
// nil shows it as it was pushed.
func (b *body) withShown(i int, shown *exposition.Chunk) *body {
	c := *b
	c.holds = slices.Clone(b.holds)
	h := &c.holds[i]
	var r rare
	if h.rare != nil {
		r = *h.rare
	}
	r.shown, r.hidden = shown, 0
	if shown != nil {
		r.hidden = int(h.series) - shown.Series
	}
	h.rare = &r
	return &c
}
