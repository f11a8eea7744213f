package exposition

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// A histogram or summary that a format can't have under its type is written as
// untyped families that are called as its samples. Their bounds are spelled as
// Prometheus 3 spells those of typed ones, so that the series stay the same.

// textParts writes all lines of a family by sample name, each in one piece, as
// strict readers of OpenMetrics need them. HELP goes to the first part.
func (e *Encoder) textParts(name, escaped string, typ Type, word, help string, chunks []Chunk) error {
	for _, suffix := range typ.SampleSuffixes() {
		begun := false
		for i := range chunks {
			text, err := e.chunkText(name, escaped, &chunks[i])
			if err != nil {
				return err
			}
			if text, err = e.only(escaped+suffix, typ, text); err != nil {
				return err
			}
			if len(text) > 0 && !begun {
				if _, err := e.w.Write(e.textMetadata(escaped+suffix, word, help, "")); err != nil {
					return err
				}
				begun, help = true, ""
			}
			if _, err := e.w.Write(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// textAround writes a family of which some chunks can't have its type in the text
// format: these first, as parts, and then the others. A part of the family's own
// name leaves no place for the type; then none has it.
func (e *Encoder) textAround(name, escaped string, typ Type, help string, chunks []Chunk) (typed []Chunk, err error) {
	var odd []Chunk
	bare := false
	for i := range chunks {
		if chunks[i].UntypedIn&InText == 0 {
			typed = append(typed, chunks[i])
			continue
		}
		odd = append(odd, chunks[i])
		text, err := e.only(name, typ, chunks[i].Text)
		if err != nil {
			return nil, err
		}
		bare = bare || len(text) > 0
	}
	if bare {
		odd, typed = chunks, nil
	}
	if len(typed) > 0 {
		help = ""
	}
	return typed, e.textParts(name, escaped, typ, Untyped.String(), help, odd)
}

// only returns the lines of a text that are samples of that name. They are valid
// until the next call.
func (e *Encoder) only(sample string, typ Type, text []byte) ([]byte, error) {
	e.part = e.part[:0]
	for len(text) > 0 {
		rest, err := e.line.read(text)
		if err != nil {
			return nil, err
		}
		e.sample = escapeAppendUnquoted(e.sample[:0], e.line.Name)
		if string(e.sample) == sample {
			e.part = appendNormalized(e.part, text[:len(text)-len(rest)], typ.boundLabel())
		}
		text = rest
	}
	return e.part, nil
}

// normalized returns lines with their bounds as Prometheus 3 has them. They are
// valid until the next call.
func (e *Encoder) normalized(typ Type, text []byte) []byte {
	e.part = e.part[:0]
	for line := range bytes.Lines(text) {
		e.part = appendNormalized(e.part, line, typ.boundLabel())
	}
	return e.part
}

// appendNormalized appends a line, or a series, with its bound as Prometheus 3 has it.
func appendNormalized(dst, line []byte, bound string) []byte {
	label := bound + `="`
	for from := 0; ; {
		at := bytes.Index(line[from:], []byte(label))
		if at < 0 {
			return append(dst, line...)
		}
		start := from + at + len(label)
		end := start + bytes.IndexByte(line[start:], '"')
		if end < start {
			return append(dst, line...)
		}
		// A value that ends in such letters has a comma or a brace behind them.
		if c := line[from+at-1]; c == '{' || c == ',' {
			if value := normalizedBound(string(line[start:end])); value != string(line[start:end]) {
				return append(append(append(dst, line[:start]...), value...), line[end:]...)
			}
		}
		from = start
	}
}

// normalizedBound returns the value of a bound's label as Prometheus 3 has it.
func normalizedBound(value string) string {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value
	}
	return labels.FormatOpenMetricsFloat(f)
}

// protobufParts writes the loose lines of a family by sample name, and then the
// rest of it as one message.
func (e *Encoder) protobufParts(name string, typ Type, help, unit string, chunks []Chunk) error {
	regular := make([]Chunk, 0, len(chunks))
	for _, c := range chunks {
		if c.Text, c.Loose = c.regular(), 0; len(c.Text) > 0 {
			regular = append(regular, c)
		}
	}
	escaped, partHelp := e.format.scheme.metricName(name), help
	if len(regular) > 0 {
		partHelp = ""
	}
	for _, suffix := range typ.SampleSuffixes() {
		var parts []Chunk
		for i := range chunks {
			text, err := e.only(name+suffix, typ, chunks[i].loose())
			if err != nil {
				return err
			}
			if len(text) > 0 {
				parts = append(parts, Chunk{Text: slices.Clone(text), UTF8: chunks[i].UTF8})
			}
		}
		if len(parts) == 0 {
			continue
		}
		if err := e.protobufMessage(escaped+suffix, name+suffix, Untyped, partHelp, "", parts); err != nil {
			return err
		}
		partHelp = ""
	}
	if len(regular) == 0 {
		return nil
	}
	return e.protobufMessage(escaped, name, typ, help, unit, regular)
}
