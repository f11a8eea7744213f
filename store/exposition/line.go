package exposition

import (
	"bytes"
	"fmt"
	"iter"
)

// Line is one sample line of a chunk, taken apart. Names and label values are
// as in the line, without their quotes but with their escapes, and point into
// it.
type Line struct {
	Series  []byte // the line without its value
	Name    []byte
	Labels  []LineLabel
	Value   []byte
	escapes bool // whether there are any
}

// LineLabel is one label of a line.
type LineLabel struct{ Name, Value []byte }

// Lines takes apart the lines of a chunk's text. The yielded line is valid
// until the next one. It trusts the canonical form: text that does not have it
// ends the iteration.
func Lines(text []byte) iter.Seq[*Line] {
	return func(yield func(*Line) bool) {
		var l Line
		for len(text) > 0 {
			var err error
			if text, err = l.read(text); err != nil || !yield(&l) {
				return
			}
		}
	}
}

// read takes the first line off text and returns the rest. It keeps to the
// canonical form, so it is no parser for what clients send.
func (l *Line) read(text []byte) (rest []byte, err error) {
	line, rest, ok := bytes.Cut(text, []byte{'\n'})
	l.Name, l.Labels, l.Value = nil, l.Labels[:0], nil
	l.escapes = bytes.IndexByte(line, '\\') >= 0
	if !ok || !l.scan(line) {
		return nil, fmt.Errorf("not a canonical sample line: %.200q", line)
	}
	return rest, nil
}

func (l *Line) scan(line []byte) bool {
	whole := line
	end := bytes.IndexAny(line, "{ ")
	if end < 0 {
		return false
	}
	l.Name = line[:end]
	if line[end] == '{' {
		if line = l.scanLabels(line[end+1:]); line == nil {
			return false
		}
		end = 0
	}
	if len(line) < end+2 || line[end] != ' ' {
		return false
	}
	l.Value = line[end+1:]
	l.Series = whole[:len(whole)-len(l.Value)-1]
	return len(l.Name) > 0
}

// scanLabels reads the text between braces and returns what follows the closing
// one; nil if there is none.
func (l *Line) scanLabels(s []byte) []byte {
	for {
		var name, value []byte
		switch {
		case len(s) == 0:
			return nil
		case s[0] == '}':
			return s[1:]
		case s[0] == '"':
			if name, s = encodeScanQuoted(s); s == nil {
				return nil
			}
		default:
			end := bytes.IndexByte(s, '=')
			if end < 0 {
				return nil
			}
			name, s = s[:end], s[end:]
		}
		if len(s) > 0 && s[0] == '=' {
			if value, s = encodeScanQuoted(s[1:]); s == nil {
				return nil
			}
			l.Labels = append(l.Labels, LineLabel{name, value})
		} else {
			if len(l.Name) > 0 || len(l.Labels) > 0 {
				return nil
			}
			l.Name = name
		}
		if len(s) > 0 && s[0] == ',' {
			s = s[1:]
		} else if len(s) > 0 && s[0] != '}' {
			return nil
		}
	}
}

// encodeScanQuoted reads a string in double quotes. rest is nil if there is
// none.
func encodeScanQuoted(s []byte) (content, rest []byte) {
	if len(s) == 0 || s[0] != '"' {
		return nil, nil
	}
	s = s[1:]
	end := bytes.IndexByte(s, '"')
	if end < 0 {
		return nil, nil
	}
	if end == 0 || s[end-1] != '\\' {
		return s[:end], s[end+1:]
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:]
		}
	}
	return nil, nil
}
