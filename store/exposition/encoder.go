package exposition

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protowire"
)

// encodeBufferSize is the size of the pieces in which an Encoder writes.
const encodeBufferSize = 64 << 10

// Encoder writes metric families in one exposition format. It is for one
// exposition and one goroutine.
type Encoder struct {
	w       *bufio.Writer
	format  Format
	isTaken func(name string) bool
	closed  bool

	names   escapeNames
	line    Line
	metrics encodeMetricWriter
	sample  []byte // scratch, as the next
	scratch []byte
	part    []byte
	meta    []byte
}

// NewEncoder returns an encoder that writes to w, in large pieces. isTaken
// reports whether the exposition may have a metric family or a sample of that
// name, however names are escaped: OpenMetrics drops the _total of a counter's
// family name only where the shorter name is free. It may be nil.
func NewEncoder(w io.Writer, f Format, isTaken func(name string) bool) *Encoder {
	if isTaken == nil {
		isTaken = func(string) bool { return false }
	}
	return &Encoder{w: bufio.NewWriterSize(w, encodeBufferSize), format: f, isTaken: isTaken}
}

// Family writes one family; without samples it writes nothing. A name must not
// come twice, and names come in the order in which they shall be read. After an
// error that is not the writer's, whole lines or messages have been written and
// the next family may follow. The chunks are not kept.
//
// What the format can't have under the family's type becomes untyped families that
// are called as their samples; in OpenMetrics by the letter, the whole family does.
func (e *Encoder) Family(name string, typ Type, help, unit string, chunks []Chunk) error {
	if isEmpty(chunks) {
		return nil
	}
	e.names = escapeNames{scheme: e.format.scheme}
	if e.format.kind == formatProtobuf {
		if isLoose(chunks) {
			return e.protobufParts(name, typ, help, unit, chunks)
		}
		return e.protobufMessage(e.format.scheme.metricName(name), name, typ, help, unit, chunks)
	}
	escaped := e.format.scheme.metricName(name)
	if !e.format.openMetrics() && untypedIn(chunks, InText) {
		var err error
		if chunks, err = e.textAround(name, escaped, typ, help, chunks); err != nil || len(chunks) == 0 {
			return err
		}
	}
	family, word := e.typed(name, escaped, typ, chunks)
	if e.format.strict && typ.isComposite() && word == openMetricsUnknown {
		return e.textParts(name, escaped, typ, word, help, chunks)
	}
	if _, err := e.w.Write(e.textMetadata(family, word, help, unit)); err != nil {
		return err
	}
	normalizes := typ == GaugeHistogram && e.format.openMetrics() // Prometheus itself does it in other formats only
	for i := range chunks {
		text := chunks[i].Text
		if chunks[i].UTF8 {
			var err error
			if text, err = e.chunkText(name, escaped, &chunks[i]); err != nil {
				return err
			}
		}
		if normalizes {
			text = e.normalized(typ, text)
		}
		if _, err := e.w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// chunkText returns the lines of a chunk as the format has them. They are valid
// until the next call.
func (e *Encoder) chunkText(name, escaped string, c *Chunk) ([]byte, error) {
	if !c.UTF8 || e.format.scheme == escapeNothing {
		return c.Text, nil
	}
	return e.escapedText(name, escaped, c.Text)
}

func isLoose(chunks []Chunk) bool {
	for i := range chunks {
		if chunks[i].Loose > 0 {
			return true
		}
	}
	return false
}

func isEmpty(chunks []Chunk) bool {
	for i := range chunks {
		if len(chunks[i].Text) > 0 {
			return false
		}
	}
	return true
}

// Close ends the exposition and hands everything to the writer, which it does
// not close. Closing twice is fine.
func (e *Encoder) Close() error {
	if !e.closed && e.format.openMetrics() {
		if _, err := e.w.WriteString("# EOF\n"); err != nil {
			return err
		}
	}
	e.closed = true
	return e.w.Flush()
}

// textMetadata returns HELP, TYPE and UNIT of a family. It is valid until the next
// call.
func (e *Encoder) textMetadata(family, word, help, unit string) []byte {
	helpEscapes := escapeHelp
	if e.format.openMetrics() {
		helpEscapes = escapeQuoted
	}
	shown := escapeMetadataName(family)
	b := e.meta[:0]
	if help != "" {
		b = encodeAppendMetadata(b, "# HELP ", shown, helpEscapes.Replace(help))
	}
	b = encodeAppendMetadata(b, "# TYPE ", shown, word)
	if e.format.openMetrics() && encodeUnitFits(family, unit) {
		b = encodeAppendMetadata(b, "# UNIT ", shown, unit)
	}
	e.meta = b
	return b
}

func encodeAppendMetadata(dst []byte, keyword, name, text string) []byte {
	dst = append(dst, keyword...)
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst = append(dst, text...)
	return append(dst, '\n')
}

// openMetricsUnknown is OpenMetrics' word for Untyped.
const openMetricsUnknown = "unknown"

// typed returns the name and the type under which the format has a family.
func (e *Encoder) typed(name, escaped string, typ Type, chunks []Chunk) (family, word string) {
	switch {
	case e.format.openMetrics():
		return e.openMetricsFamily(name, escaped, typ, chunks)
	case typ == GaugeHistogram:
		return escaped, Histogram.String() // the text format has no other
	}
	return escaped, typ.String()
}

func untypedIn(chunks []Chunk, f FormatSet) bool {
	for i := range chunks {
		if chunks[i].UntypedIn&f != 0 {
			return true
		}
	}
	return false
}

// openMetricsFamily returns the name and type under which OpenMetrics knows a
// family: a counter's samples are called <family>_total there. Prometheus reads
// other names as well; a strict reader gets what can't be called so, and what it
// would refuse under its type, as unknown, so that the samples keep their names.
func (e *Encoder) openMetricsFamily(name, escaped string, typ Type, chunks []Chunk) (family, word string) {
	if e.format.strict && untypedIn(chunks, InStrict) {
		return escaped, openMetricsUnknown
	}
	switch typ {
	case Untyped:
		return escaped, openMetricsUnknown
	case Counter:
		family, ok := strings.CutSuffix(escaped, "_total")
		plain, isPlain := strings.CutSuffix(name, "_total")
		if ok && family != "" && e.isFree(family) && (!isPlain || e.isFree(plain)) {
			return family, typ.String()
		}
		if e.format.strict {
			return escaped, openMetricsUnknown
		}
	case Summary, Histogram:
		if e.format.strict && e.isTaken(escaped+"_created") {
			return escaped, openMetricsUnknown
		}
	case GaugeHistogram:
		if e.format.strict {
			return escaped, openMetricsUnknown // its sum and count are called otherwise there
		}
	}
	return escaped, typ.String()
}

// isFree reports whether OpenMetrics may have a counter of that family name, which
// claims some sample names as well.
func (e *Encoder) isFree(family string) bool {
	if e.isTaken(family) {
		return false
	}
	if !e.format.strict {
		return true
	}
	base, isCreated := strings.CutSuffix(family, "_created")
	return !e.isTaken(family+"_created") && !(isCreated && (e.isTaken(base) || e.isTaken(base+"_total")))
}

// encodeUnitFits says whether Prometheus accepts unit as the unit of a family:
// it must be the end of the name.
func encodeUnitFits(family, unit string) bool {
	return unit != "" && strings.HasSuffix(family, "_"+unit) && model.LegacyValidation.IsValidLabelName("_"+unit)
}

// escapedText returns sample lines with escaped names. It is valid until the
// next call.
func (e *Encoder) escapedText(name, escaped string, text []byte) ([]byte, error) {
	e.scratch = e.scratch[:0]
	for len(text) > 0 {
		rest, err := e.line.read(text)
		if err != nil {
			return nil, err
		}
		e.scratch = e.appendEscapedLine(e.scratch, name, escaped)
		text = rest
	}
	return e.scratch, nil
}

// appendEscapedLine appends the line that was just read. A sample's name is
// escaped as that of its family with a suffix behind it, since this is how
// readers know that they belong together.
func (e *Encoder) appendEscapedLine(dst []byte, name, escaped string) []byte {
	e.sample = escapeAppendUnquoted(e.sample[:0], e.line.Name)
	if len(e.sample) >= len(name) && string(e.sample[:len(name)]) == name {
		dst = append(dst, escaped...)
		dst = append(dst, e.sample[len(name):]...)
	} else {
		dst = append(dst, e.format.scheme.metricName(string(e.sample))...)
	}
	separator := byte('{')
	for _, l := range e.line.Labels {
		dst = append(dst, separator)
		dst = append(dst, e.names.label(l.Name)...)
		dst = append(dst, '=', '"')
		dst = append(dst, l.Value...)
		dst = append(dst, '"')
		separator = ','
	}
	if separator == ',' {
		dst = append(dst, '}')
	}
	dst = append(dst, ' ')
	dst = append(dst, e.line.Value...)
	return append(dst, '\n')
}

// protobufMessage writes one delimited MetricFamily, or nothing and an error. shown
// is its name as the format has it.
func (e *Encoder) protobufMessage(shown, name string, typ Type, help, unit string, chunks []Chunk) error {
	m := &e.metrics
	m.name, m.typ = name, typ
	m.dst = slices.Grow(m.dst[:0], encodeSizeHint(chunks))
	m.dst = encodeAppendString(m.dst, encodeFamilyName, shown)
	m.dst = encodeAppendString(m.dst, encodeFamilyHelp, help)
	m.dst = protowire.AppendTag(m.dst, encodeFamilyType, protowire.VarintType)
	m.dst = protowire.AppendVarint(m.dst, encodeProtobufTypes[typ])
	for i := range chunks {
		c := &chunks[i]
		var names *escapeNames
		if c.UTF8 && e.format.scheme != escapeNothing {
			names = &e.names
		}
		if err := m.chunk(*c, names); err != nil {
			return err
		}
	}
	m.dst = encodeAppendString(m.dst, encodeFamilyUnit, unit)
	e.scratch = protowire.AppendVarint(e.scratch[:0], uint64(len(m.dst)))
	if _, err := e.w.Write(e.scratch); err != nil {
		return err
	}
	_, err := e.w.Write(m.dst)
	return err
}

// encodeSizeHint returns about as many bytes as the metrics of the chunks take:
// growing the buffer step by step costs more than filling it.
func encodeSizeHint(chunks []Chunk) int {
	size := 1 << 10
	for _, c := range chunks {
		if c.Proto != nil {
			size += len(c.Proto)
		} else {
			size += len(c.Text) + 24*c.Series
		}
	}
	return size
}
