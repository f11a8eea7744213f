package exposition

import (
	"bytes"
	"unicode/utf8"
)

// DecodeText decodes the text formats 0.0.4 and 1.0.0. Beyond what they allow
// it takes what Prometheus takes when it scrapes (metadata that comes late or
// twice, labels without commas, unknown escapes), and a last line without newline,
// CRLF line ends and blanks behind a sample. A body that says nothing, although it
// is not blank, is refused. The families it returns are sorted by name and don't
// alias body; errors are *Error.
func DecodeText(body []byte, o Options) ([]Family, error) {
	return decodeLines(body, o, false)
}

// decodeLines decodes a text format: OpenMetrics, or else that of Prometheus.
func decodeLines(body []byte, o Options, openMetrics bool) ([]Family, error) {
	if err := checkSize(body); err != nil {
		return nil, err
	}
	a := newAssembly(o, len(body))
	defer a.release()
	s := newTextScanner(a, body, openMetrics)
	for rest := body; len(rest) > 0; {
		line, ended := rest, false
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			line, rest, ended = rest[:end], rest[end+1:], true
		} else {
			rest = nil
		}
		if err := s.next(line, ended); err != nil {
			return nil, s.explain(err, body)
		}
	}
	if err := s.end(body); err != nil {
		return nil, err
	}
	if s.om != nil {
		s.finishMetadata()
	}
	return a.finish()
}

type textScanner struct {
	*assembly
	line    int
	valid   bool // the whole body is valid UTF-8
	plain   bool // the whole body has neither a backslash nor a CR
	current int  // family of the latest sample or comment; -1: none
	om      *omScanner

	said    bool // there was a sample, or metadata of a family on a line that ended
	samples bool
	hasType bool
	swallow bool // a HELP holds what looks like further lines

	suffixed bool // a family with a type is called as a sample of another one may be
}

func newTextScanner(a *assembly, body []byte, openMetrics bool) textScanner {
	s := textScanner{assembly: a, valid: utf8.Valid(body), current: -1}
	s.plain = bytes.IndexByte(body, '\\') < 0 && bytes.IndexByte(body, '\r') < 0
	if openMetrics {
		s.om = newOMScanner()
	}
	return s
}

func (s *textScanner) refuse(r Reason, format string, args ...any) error {
	return refuse(r, s.line, format, args...)
}

// next reads the next line. ended reports whether it had a line end.
func (s *textScanner) next(line []byte, ended bool) error {
	s.line++
	said := s.said
	err := s.scan(line)
	if !ended && !s.samples {
		s.said = said
	}
	return err
}

func (s *textScanner) scan(line []byte) error {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	line = line[skipBlanks(line, 0):]
	switch {
	case len(line) == 0:
		return nil
	case s.om != nil && s.om.ended:
		return s.refuse(ReasonSyntax, "something follows # EOF")
	case line[0] == '#':
		return s.comment(line[1:])
	default:
		s.samples, s.said = true, true
		return s.sample(line)
	}
}

// end refuses a body that says nothing, although it is not blank. A client that
// lost its line ends would empty its grouping with it, and get a 200.
func (s *textScanner) end(body []byte) error {
	lost := s.swallow && !s.hasType
	if s.samples || s.said && !lost || s.om != nil && s.om.ended || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	return refuse(ReasonSyntax, 1, "the body has no sample, only a comment; %s", hintLineEnds)
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
	switch {
	case start == 0:
		return nil // #TYPE is a comment to Prometheus
	case s.om != nil && keyword == "EOF" && skipBlanks(line, end) == len(line):
		s.om.ended = true
		return nil
	case keyword != "HELP" && keyword != "TYPE" && (s.om == nil || keyword != "UNIT"):
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
	s.said = true
	s.hasType = s.hasType || keyword == "TYPE"
	if keyword == "HELP" && !s.plain {
		s.swallow = s.swallow || swallowsLines(name, rest)
	}
	if len(rest) == 0 {
		return nil
	}
	if s.om != nil {
		return s.omMetadata(keyword, name, rest)
	}
	if s.current < 0 || !bytes.Equal(s.families[s.current].name, name) { // the usual TYPE is behind its HELP
		s.current = s.family(name, legacy)
	}
	if keyword == "HELP" {
		return s.help(&s.families[s.current], rest)
	}
	return s.typeComment(&s.families[s.current], trimBlanks(rest))
}

// swallowsLines reports whether a HELP holds what looks like the lines behind it:
// after a lone CR, or after an escaped line end.
func swallowsLines(name, help []byte) bool {
	if bytes.IndexByte(help, '\r') >= 0 {
		return true
	}
	for {
		_, rest, found := bytes.Cut(help, []byte(`\n`))
		if !found {
			return false
		}
		if help = rest; bytes.HasPrefix(rest, []byte("# ")) || bytes.HasPrefix(rest, name) {
			return true
		}
	}
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
	if len(name) == 0 && isLegacyMetric(line[:min(len(line), maxDecodeName+1)]) {
		return nil, nil, false, s.longName("metric", line[:endOfWord(line, 0)])
	}
	if len(name) == 0 || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, nil, false, s.badCommentName(line, len(name))
	}
	return name, rest, legacy, err
}

func (s *textScanner) checkMetricName(name []byte) (legacy bool, err error) {
	legacy = isLegacyMetric(name)
	if len(name) > maxDecodeName {
		return false, s.longName("metric", name)
	}
	if !checkName(name, legacy, s.options.UTF8Names) {
		return false, s.refuse(ReasonName, "invalid metric name %s", quoted(name))
	}
	return legacy, nil
}

// help notes the HELP of a family. The first one counts, as it does among
// groupings.
func (s *textScanner) help(f *asmFamily, text []byte) error {
	help, err := s.helpText(f.name, text)
	switch {
	case err != nil:
		return err
	case !f.helped:
		f.helped, f.help = true, help
	case !bytes.Equal(f.help, help):
		f.notice(NoticeMetadata)
	}
	return nil
}

// helpText returns the HELP text of a metric. Unknown escapes stay as they are.
func (s *textScanner) helpText(name, text []byte) ([]byte, error) {
	if !s.valid && !utf8.Valid(text) {
		return nil, s.refuse(ReasonValue, "HELP of metric %s is not valid UTF-8", quoted(name))
	}
	if len(text) > maxDecodeHelp {
		return nil, s.refuse(ReasonLimit, "HELP of metric %s is longer than %d bytes", quoted(name), maxDecodeHelp)
	}
	if s.plain || bytes.IndexByte(text, '\\') < 0 {
		return text, nil
	}
	help := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			switch text[i+1] {
			case 'n':
				c = '\n'
				i++
			case '\\', '"':
				i++
				c = text[i]
			}
		}
		help = append(help, c)
	}
	return help, nil
}

// typeComment notes the type of a family. The first one counts. One behind the
// samples comes too late for a histogram or summary, whose samples it would have to
// bring together.
func (s *textScanner) typeComment(f *asmFamily, word []byte) error {
	t, ok := typeNamed(word)
	switch {
	case !ok:
		return s.unknownType(f.name, word)
	case f.typed && f.typ == t:
		return nil
	case f.typed || f.samples > 0 && t.isComposite():
		f.notice(NoticeMetadata)
		return nil
	}
	s.setType(f, t)
	s.suffixed = s.suffixed || hasSuffix(f.name)
	return nil
}

func typeNamed(word []byte) (Type, bool) {
	switch string(word) { // as nearly all clients write them
	case "counter":
		return Counter, true
	case "gauge":
		return Gauge, true
	case "histogram":
		return Histogram, true
	}
	for t, name := range typeNames {
		if bytes.EqualFold(word, []byte(name)) {
			return Type(t), true
		}
	}
	return GaugeHistogram, bytes.EqualFold(word, []byte("gauge_histogram"))
}

// resolve finds the family that a sample of that name belongs to, or makes it.
// A family of just that name that has a type comes before a histogram or summary
// which has such samples.
func (s *textScanner) resolve(name []byte, legacy bool) (n int, part samplePart, suffix []byte) {
	if s.om != nil {
		return s.omResolve(name, legacy)
	}
	if s.current >= 0 {
		if f := &s.families[s.current]; bytes.HasPrefix(name, f.name) {
			suffix := name[len(f.name):]
			if len(suffix) == 0 && (f.typed || f.samples > 0 || !s.composite) {
				return s.current, partOf(f.typ, nil), nil
			}
			if part := partOf(f.typ, suffix); len(suffix) > 0 && part != partNone && !s.isItself(name) {
				return s.current, part, suffix
			}
		}
	}
	if cut := bytes.LastIndexByte(name, '_'); s.composite && cut > 0 && !s.isItself(name) {
		if n := s.familyNamed(name[:cut]); n >= 0 {
			if part := partOf(s.families[n].typ, name[cut:]); part != partNone {
				return n, part, name[cut:]
			}
		}
	}
	n = s.family(name, legacy)
	return n, partOf(s.families[n].typ, nil), nil
}

// isItself reports whether a family of that name has a type of its own, although
// it is called as the sample of a histogram or summary may be.
func (s *textScanner) isItself(name []byte) bool {
	if !s.suffixed {
		return false
	}
	n := s.familyNamed(name)
	return n >= 0 && s.families[n].typed
}

// hasSuffix reports whether a name ends as the samples of histograms and
// summaries do.
func hasSuffix(name []byte) bool {
	if last := name[len(name)-1]; last != 't' && last != 'm' {
		return false
	}
	cut := bytes.LastIndexByte(name, '_')
	return cut >= 0 && partOf(GaugeHistogram, name[cut:]) != partNone
}
