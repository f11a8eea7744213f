package exposition

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// assembly puts the families of one push together, whatever format they came
// in. Sample lines are written into one buffer with the grouping's labels
// already in them; only histograms and summaries wait until all is read, since
// their lines have to be brought together and completed.
type assembly struct {
	options  Options
	group    []asmLabel // the grouping's labels and the instance, by name
	spelling []byte     // of group
	filler   int        // index in group of the added empty instance; -1: none
	special  bool       // a label of group is not a legacy name
	reach    string     // a label of group that histograms or summaries need for themselves
	limit    int        // of bytes in text and wire
	wire     int        // bytes of the families' protobuf messages
	taken    int        // bytes that are accounted for

	families  []asmFamily
	byName    seriesIndex // into families
	composite bool        // some family is a histogram or summary
	total     int         // lines of families that are kept

	text   []byte // lines
	lines  []asmLine
	unique seriesIndex // into lines

	arena  []byte // labels and values of series and points, unusual identities
	series []asmSeries
	known  seriesIndex // into series
	points []asmPoint

	loose     []asmLoose
	looseKeys map[string]asmLoose // by identity
	rest      []byte              // scratch: the lines of a family that come last
	extras    []asmExtra
	messages  []asmMessage

	own     []asmLabel // the sample's labels that merge saw last
	merged  []int32    // their order: an index into own, or ^index into group
	labels  []asmLabel // scratch of the decoders
	spelled []byte     // scratch of the decoders: spellings of labels
	escapes map[string]asmEscapes
}

// asmLabel is one label of a sample.
type asmLabel struct {
	name  []byte
	text  []byte // canonical: name="value"
	empty bool   // the value is
	utf8  bool   // the name is no legacy name
}

type asmFamily struct {
	name   []byte
	typ    Type
	help   []byte
	unit   []byte
	proto  []byte
	typed  bool // by a TYPE comment
	helped bool
	utf8   bool // the name is no legacy name
	drop   bool // the store makes this family itself

	samples    int  // as pushed
	line       int  // of the first of them
	utf8Labels bool // a label name is no legacy name
	from, to   int  // of text, unless split
	split      bool // the family's lines are apart from each other
	lines      int

	below     bool  // a value is no number of zero or more
	loose     int   // bytes of loose lines before to
	metrics   int32 // regular ones
	untypedIn FormatSet
	notices   []Notice
}

// asmLine is a sample line that is complete.
type asmLine struct {
	family   int32
	from, to uint32 // of text
	key      uint32 // end of the series in text, or where it starts in arena
	keyEnd   uint32 // 0: the key is in text
}

func newAssembly(o Options, bodySize int) *assembly {
	a := assemblies.Get().(*assembly)
	a.options = o
	a.limit = min(max(maxDecodeText, maxDecodeTextFactor*bodySize), 1<<31)
	a.taken = freeBytes
	a.prepareGrouping()
	return a
}

// Steps in which memory is accounted for. The first bytes are free.
const (
	freeBytes = 64 << 10
	takeStep  = 256 << 10
)

// room accounts for n more bytes of text before they are made, and refuses what is
// beyond the limit.
func (a *assembly) room(n, line int) error {
	if len(a.text)+a.wire+n > a.limit {
		return refuse(ReasonLimit, line, "with the grouping's labels the push is more than %d bytes", a.limit)
	}
	size := len(a.text) + len(a.arena) + a.wire + n
	if a.options.Take == nil || size <= a.taken {
		return nil
	}
	step := max(size-a.taken, takeStep)
	a.taken += step
	return a.options.Take(int64(step))
}

var assemblies = sync.Pool{New: func() any { return new(assembly) }}

// release takes back all memory but that of an unusually large push.
func (a *assembly) release() {
	const keep = 1 << 20
	if cap(a.text) > keep || cap(a.rest) > keep || cap(a.loose) > keep/16 || cap(a.arena) > keep || cap(a.lines) > keep/32 || cap(a.points) > keep/64 || cap(a.families) > keep/256 {
		return
	}
	clear(a.families)
	clear(a.group)
	clear(a.labels[:cap(a.labels)])
	a.byName.reset()
	a.unique.reset()
	a.known.reset()
	*a = assembly{
		group: a.group[:0], spelling: a.spelling[:0], families: a.families[:0], byName: a.byName, text: a.text[:0], lines: a.lines[:0],
		unique: a.unique, arena: a.arena[:0], series: a.series[:0], known: a.known, points: a.points[:0],
		loose: a.loose[:0], rest: a.rest[:0],
		merged: a.merged[:0], labels: a.labels[:0], spelled: a.spelled[:0],
	}
	assemblies.Put(a)
}

func (a *assembly) prepareGrouping() {
	a.filler = -1
	added := len(a.options.Grouping) == 0
	for _, l := range a.options.Grouping {
		if !added && l.Name >= instanceLabel {
			if added = true; l.Name != instanceLabel {
				a.addFiller()
			}
		}
		label := a.groupLabel(l)
		a.special = a.special || label.utf8
		if l.Name == "le" || l.Name == "quantile" {
			a.reach = l.Name
		}
		a.group = append(a.group, label)
	}
	if !added {
		a.addFiller()
	}
}

func (a *assembly) groupLabel(l Label) asmLabel {
	from := len(a.spelling)
	a.spelling = append(a.spelling, l.Name...)
	mid := len(a.spelling)
	a.spelling = appendLabel(a.spelling, a.spelling[from:mid], l.Value)
	return asmLabel{name: a.spelling[from:mid], text: a.spelling[mid:], empty: l.Value == "", utf8: !isLegacyLabel(l.Name)}
}

var fillerLabel = asmLabel{name: []byte(instanceLabel), text: []byte(instanceLabel + `=""`), empty: true}

func (a *assembly) addFiller() {
	a.filler = len(a.group)
	a.group = append(a.group, fillerLabel)
}

// familyNamed returns the number of the family with that name, else -1.
func (a *assembly) familyNamed(name []byte) int {
	return a.familyHashed(name, maphash.Bytes(seriesSeed, name))
}

func (a *assembly) familyHashed(name []byte, hash uint64) int {
	return a.byName.find(hash, func(n int) bool { return bytes.Equal(a.families[n].name, name) })
}

// family returns the number of the family with that name, which it adds if
// there is none. name must stay unchanged until the assembly is finished.
func (a *assembly) family(name []byte, legacy bool) int {
	hash := maphash.Bytes(seriesSeed, name)
	if n := a.familyHashed(name, hash); n >= 0 {
		return n
	}
	a.families = append(a.families, asmFamily{
		name: name, utf8: !legacy,
		drop: string(name) == pushTimeName || string(name) == failureTimeName,
	})
	a.byName.put(hash, len(a.families)-1)
	return len(a.families) - 1
}

// setType types a family that has no samples yet.
func (a *assembly) setType(f *asmFamily, t Type) {
	f.typ, f.typed = t, true
	a.composite = a.composite || t.isComposite()
}

// sample counts a sample of a family in.
func (a *assembly) sample(f *asmFamily, line int) error {
	if f.samples == 0 {
		f.line = line
	}
	f.samples++
	if f.drop {
		return nil
	}
	return a.count(1, line)
}

func (a *assembly) count(lines, line int) error {
	if a.total += lines; a.options.MaxSeries > 0 && a.total > a.options.MaxSeries {
		return refuse(ReasonLimit, line, "more than %d series in one push", a.options.MaxSeries)
	}
	return a.room(len(a.spelling), line)
}

// addLine adds a sample that is a line of its own. labels are sorted by name
// and differ in it.
func (a *assembly) addLine(n int, labels []asmLabel, value number, line int) error {
	f := &a.families[n]
	if err := a.sample(f, line); err != nil || f.drop {
		return err
	}
	special, err := a.merge(labels, f, line)
	if err != nil {
		return err
	}
	from := len(a.text)
	a.text = appendClosing(a.appendMerged(appendOpening(a.text, f, "")))
	l := asmLine{family: int32(n), from: uint32(from), key: uint32(len(a.text))}
	key := a.text[from:]
	if special {
		identity, err := a.identity(f, line)
		if err != nil {
			return err
		}
		l.key = uint32(len(a.arena))
		a.arena = appendClosing(appendLabels(appendOpening(a.arena, f, ""), identity))
		l.keyEnd = uint32(len(a.arena))
		key = a.arena[l.key:]
	}
	hash := maphash.Bytes(seriesSeed, key)
	if n := a.unique.find(hash, func(n int) bool { return bytes.Equal(a.keyOf(a.lines[n]), key) }); n >= 0 {
		return duplicate(a.seriesOf(a.lines[n]), a.text[from:], line)
	}
	f.below = f.below || !(value.float >= 0)
	a.unique.put(hash, len(a.lines))
	a.text = append(value.append(append(a.text, ' ')), '\n')
	l.to = uint32(len(a.text))
	a.lines = append(a.lines, l)
	if f.lines == 0 {
		f.from = from
	} else if f.to != from {
		f.split = true
	}
	f.to = len(a.text)
	f.lines++
	return nil
}

// seriesOf returns the series of a line as it is spelled.
func (a *assembly) seriesOf(l asmLine) []byte {
	text := a.text[l.from:l.to]
	return text[:bytes.LastIndexByte(text, ' ')]
}

// duplicate refuses a series that is there already, perhaps spelled otherwise: with
// an empty label, or with names that become the same once they are escaped.
func duplicate(held, series []byte, line int) error {
	if bytes.Equal(held, series) {
		return refuse(ReasonDuplicate, line, "series %s is duplicated", quoted(series))
	}
	return refuse(ReasonDuplicate, line, "series %s is duplicated: Prometheus takes it for %s", quoted(series), quoted(held))
}

func (a *assembly) keyOf(l asmLine) []byte {
	if l.keyEnd == 0 {
		return a.text[l.from:l.key]
	}
	return a.arena[l.key:l.keyEnd]
}
