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
	w        *bufio.Writer
	format   Format
	isFamily func(name string) bool
	closed   bool

	names   escapeNames
	line    Line
	metrics encodeMetricWriter
	sample  []byte // scratch, as the next
	scratch []byte
}

// NewEncoder returns an encoder that writes to w, in large pieces. isFamily
// says whether the exposition has a family of that name: OpenMetrics drops the
// _total of a counter's family name only where the shorter name is free. It may
// be nil.
func NewEncoder(w io.Writer, f Format, isFamily func(name string) bool) *Encoder {
	if isFamily == nil {
		isFamily = func(string) bool { return false }
	}
	return &Encoder{w: bufio.NewWriterSize(w, encodeBufferSize), format: f, isFamily: isFamily}
}

// Family writes one family; without samples it writes nothing. A name must not
// come twice, and names come in the order in which they shall be read. After an
// error that is not the writer's, whole lines or messages have been written and
// the next family may follow. The chunks are not kept.
func (e *Encoder) Family(name string, typ Type, help, unit string, chunks []Chunk) error {
	if isEmpty(chunks) {
		return nil
	}
	e.names = escapeNames{scheme: e.format.scheme}
	if e.format.kind == formatProtobuf {
		return e.protobufFamily(name, typ, help, unit, chunks)
	}
	escaped := e.format.scheme.metricName(name)
	if _, err := e.w.Write(e.textMetadata(name, escaped, typ, help, unit)); err != nil {
		return err
	}
	for i := range chunks {
		c := &chunks[i]
		text := c.Text
		if c.UTF8 && e.format.scheme != escapeNothing {
			var err error
			if text, err = e.escapedText(name, escaped, c.Text); err != nil {
				return err
			}
		}
		if _, err := e.w.Write(text); err != nil {
			return err
		}
	}
	return nil
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

// textMetadata returns HELP, TYPE and UNIT of a family. It is valid until
// e.scratch is written again.
func (e *Encoder) textMetadata(name, escaped string, typ Type, help, unit string) []byte {
	family, word := escaped, typ.String()
	if typ == GaugeHistogram {
		// Its lines are those of a histogram: _sum and _count.
		word = Histogram.String()
	}
	helpEscapes := escapeHelp
	if e.format.openMetrics() {
		family, word = e.openMetricsFamily(name, escaped, typ, word)
		helpEscapes = escapeQuoted
	}
	shown := escapeMetadataName(family)
	b := e.scratch[:0]
	if help != "" {
		b = encodeAppendMetadata(b, "# HELP ", shown, helpEscapes.Replace(help))
	}
	b = encodeAppendMetadata(b, "# TYPE ", shown, word)
	if e.format.openMetrics() && encodeUnitFits(family, unit) {
		b = encodeAppendMetadata(b, "# UNIT ", shown, unit)
	}
	e.scratch = b
	return b
}

func encodeAppendMetadata(dst []byte, keyword, name, text string) []byte {
	dst = append(dst, keyword...)
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst = append(dst, text...)
	return append(dst, '\n')
}

// openMetricsFamily returns the name and type under which OpenMetrics knows a
// family: a counter's samples are called <family>_total there. What can't be
// called so is of unknown type, so that the samples keep their names.
func (e *Encoder) openMetricsFamily(name, escaped string, typ Type, word string) (string, string) {
	switch typ {
	case Untyped:
		return escaped, "unknown"
	case Counter:
		plain, isPlain := strings.CutSuffix(name, "_total")
		family, ok := strings.CutSuffix(escaped, "_total")
		if !ok || family == "" || e.isFamily(family) || isPlain && e.isFamily(plain) {
			return escaped, "unknown"
		}
		return family, word
	}
	return escaped, word
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

// protobufFamily writes one delimited MetricFamily, or nothing and an error.
func (e *Encoder) protobufFamily(name string, typ Type, help, unit string, chunks []Chunk) error {
	m := &e.metrics
	m.name, m.typ = name, typ
	m.dst = slices.Grow(m.dst[:0], encodeSizeHint(chunks))
	m.dst = encodeAppendString(m.dst, encodeFamilyName, e.format.scheme.metricName(name))
	m.dst = encodeAppendString(m.dst, encodeFamilyHelp, help)
	m.dst = protowire.AppendTag(m.dst, encodeFamilyType, protowire.VarintType)
	m.dst = protowire.AppendVarint(m.dst, encodeProtobufTypes[typ])
	for _, c := range chunks {
		var names *escapeNames
		if c.UTF8 && e.format.scheme != escapeNothing {
			names = &e.names
		}
		if err := m.chunk(c, names); err != nil {
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
