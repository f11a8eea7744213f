package exposition

import (
	"bytes"
	"unicode/utf8"
)

// DecodeText decodes the text formats 0.0.4 and 1.0.0. Beyond what they allow
// it takes a last line without newline, CRLF line ends and blanks behind a
// sample. The families it returns are sorted by name and don't alias body;
// errors are *Error.
func DecodeText(body []byte, o Options) ([]Family, error) {
	if err := checkSize(body); err != nil {
		return nil, err
	}
	a := newAssembly(o, len(body))
	defer a.release()
	s := textScanner{assembly: a, valid: utf8.Valid(body), current: -1}
	for len(body) > 0 {
		line := body
		if end := bytes.IndexByte(body, '\n'); end >= 0 {
			line, body = body[:end], body[end+1:]
		} else {
			body = nil
		}
		s.line++
		if err := s.scan(line); err != nil {
			return nil, err
		}
	}
	return a.finish()
}

type textScanner struct {
	*assembly
	line    int
	valid   bool // the whole body is valid UTF-8
	current int  // family of the latest sample or comment; -1: none
}

func (s *textScanner) refuse(r Reason, format string, args ...any) error {
	return refuse(r, s.line, format, args...)
}

func (s *textScanner) scan(line []byte) error {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	line = line[skipBlanks(line, 0):]
	switch {
	case len(line) == 0:
		return nil
	case line[0] == '#':
		return s.comment(line[1:])
	default:
		return s.sample(line)
	}
}

func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// endOfWord returns where the word that begins at i ends.
func endOfWord(b []byte, i int) int {
	for i < len(b) && b[i] != ' ' && b[i] != '\t' {
		i++
	}
	return i
}

func trimBlanks(b []byte) []byte {
	b = b[skipBlanks(b, 0):]
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\t'); n-- {
		b = b[:n-1]
	}
	return b
}

// comment reads a line behind its #.
func (s *textScanner) comment(line []byte) error {
	start := skipBlanks(line, 0)
	end := endOfWord(line, start)
	keyword := string(line[start:end])
	if keyword != "HELP" && keyword != "TYPE" {
		return nil
	}
	line = line[skipBlanks(line, end):]
	if len(line) == 0 {
		return nil
	}
	name, rest, legacy, err := s.commentName(line)
	if err != nil {
		return err
	}
	rest = rest[skipBlanks(rest, 0):]
	if len(rest) == 0 {
		return nil
	}
	n, part := s.resolve(name, legacy)
	if part != partValue && len(name) != len(s.families[n].name) {
		if f := &s.families[n]; keyword == "TYPE" {
			return s.refuse(ReasonType, "metric %s has the name of a sample of %s %s", quoted(name), f.typ, quoted(f.name))
		}
		return nil
	}
	s.current = n
	if keyword == "HELP" {
		return s.help(&s.families[n], rest)
	}
	return s.typeComment(&s.families[n], trimBlanks(rest))
}

// commentName reads the metric name that a HELP or TYPE comment is about.
func (s *textScanner) commentName(line []byte) (name, rest []byte, legacy bool, err error) {
	if line[0] == '"' {
		if name, rest, err = s.quotedName(line); err != nil {
			return nil, nil, false, err
		}
		legacy, err = s.checkMetricName(name)
	} else {
		var end int
		name, end = s.bareName(line)
		rest, legacy = line[end:], true
	}
	if len(name) == 0 || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, nil, false, s.refuse(ReasonName, "invalid metric name %s in a comment", quoted(line))
	}
	return name, rest, legacy, err
}

func (s *textScanner) checkMetricName(name []byte) (legacy bool, err error) {
	legacy = isLegacyMetric(name)
	if !checkName(name, legacy, s.options.UTF8Names) {
		return false, s.refuse(ReasonName, "invalid metric name %s", quoted(name))
	}
	return legacy, nil
}

func (s *textScanner) help(f *asmFamily, text []byte) error {
	if f.helped {
		return s.refuse(ReasonSyntax, "a second HELP for metric %s", quoted(f.name))
	}
	if !s.valid && !utf8.Valid(text) {
		return s.refuse(ReasonValue, "HELP of metric %s is not valid UTF-8", quoted(f.name))
	}
	if len(text) > maxDecodeHelp {
		return s.refuse(ReasonLimit, "HELP of metric %s is longer than %d bytes", quoted(f.name), maxDecodeHelp)
	}
	f.helped, f.help = true, text
	if bytes.IndexByte(text, '\\') < 0 {
		return nil
	}
	f.help = make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			if i++; i == len(text) {
				return s.refuse(ReasonSyntax, `HELP of metric %s ends with a lone \`, quoted(f.name))
			}
			switch c = text[i]; c {
			case 'n':
				c = '\n'
			case '\\', '"':
			default:
				return s.refuse(ReasonSyntax, `HELP of metric %s: unknown escape \%c`, quoted(f.name), printable(c))
			}
		}
		f.help = append(f.help, c)
	}
	return nil
}

// printable stands in for bytes that have no place in an error message.
func printable(c byte) rune {
	if c < ' ' || c > '~' {
		return utf8.RuneError
	}
	return rune(c)
}

func (s *textScanner) typeComment(f *asmFamily, word []byte) error {
	t, ok := typeNamed(word)
	switch {
	case f.typed:
		return s.refuse(ReasonSyntax, "a second TYPE for metric %s", quoted(f.name))
	case f.samples > 0:
		return s.refuse(ReasonSyntax, "TYPE of metric %s stands behind its samples", quoted(f.name))
	case !ok:
		return s.refuse(ReasonSyntax, "metric %s: unknown type %s", quoted(f.name), quoted(word))
	}
	s.setType(f, t)
	return nil
}

func typeNamed(word []byte) (Type, bool) {
	for t, name := range typeNames {
		if bytes.EqualFold(word, []byte(name)) {
			return Type(t), true
		}
	}
	return GaugeHistogram, bytes.EqualFold(word, []byte("gauge_histogram"))
}

// resolve finds the family that a sample of that name belongs to, or makes it.
// A histogram or summary has its samples before a family of just their name.
func (s *textScanner) resolve(name []byte, legacy bool) (n int, part samplePart) {
	if s.current >= 0 {
		f := &s.families[s.current]
		if bytes.HasPrefix(name, f.name) {
			suffix := name[len(f.name):]
			if part := partOf(f.typ, suffix); part != partNone || len(suffix) == 0 {
				return s.current, part
			}
		}
	}
	if cut := bytes.LastIndexByte(name, '_'); s.composite && cut > 0 {
		if n := s.familyNamed(name[:cut]); n >= 0 {
			if part := partOf(s.families[n].typ, name[cut:]); part != partNone {
				return n, part
			}
		}
	}
	n = s.family(name, legacy)
	return n, partOf(s.families[n].typ, nil)
}
