package exposition

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxExemplarRunes is OpenMetrics' own limit for the labels of an exemplar.
const maxExemplarRunes = 128

// DecodeOpenMetrics decodes OpenMetrics 1.0 text as clients write it. A counter is
// called as its samples, foo_total; infos and state sets become gauges, and so do
// created timestamps, which Prometheus stores as series. The closing # EOF may be
// missing, since a request has a length; blank lines, free comments, CRLF line ends
// and what DecodeText is lenient in are accepted. Exemplars of counters and
// buckets are kept. The families it returns are sorted by name and don't alias
// body; errors are *Error.
func DecodeOpenMetrics(body []byte, o Options) ([]Family, error) {
	return decodeLines(body, o, true)
}

// endsInEOF reports whether the last line of a body that is not blank closes an
// OpenMetrics exposition.
func endsInEOF(body []byte) bool {
	body, ok := bytes.CutSuffix(bytes.TrimRight(body, " \t\r\n"), []byte("# EOF"))
	return ok && (len(body) == 0 || body[len(body)-1] == '\n')
}

// omScanner is the OpenMetrics part of a textScanner.
type omScanner struct {
	metas    map[string]*omMeta // by the name in TYPE, HELP and UNIT
	ended    bool               // by # EOF
	exemplar *dto.Exemplar      // of the sample that is being read
}

func newOMScanner() *omScanner { return &omScanner{metas: map[string]*omMeta{}} }

// omMeta is the metadata of a family as OpenMetrics names it.
type omMeta struct {
	name     []byte
	typ      omType
	typed    bool
	help     []byte
	helped   bool
	unit     string
	families []int // that have samples of it
	ignored  int   // lines of metadata
}

type omType uint8

const (
	omUnknown omType = iota
	omCounter
	omGauge
	omInfo
	omStateSet
	omSummary
	omHistogram
	omGaugeHistogram
)

// omTypeNames holds the words of TYPE, with those of the text format.
var omTypeNames = map[string]omType{
	"unknown": omUnknown, "untyped": omUnknown, "counter": omCounter, "gauge": omGauge, "info": omInfo, "stateset": omStateSet,
	"summary": omSummary, "histogram": omHistogram, "gaugehistogram": omGaugeHistogram,
}

// omSuffixes are the suffixes that the samples of a type may have.
var omSuffixes = [...]string{
	omCounter: "_total _created", omInfo: "_info", omSummary: "_sum _count _created",
	omHistogram: "_bucket _sum _count _created", omGaugeHistogram: "_bucket _gsum _gcount _sum _count _created",
}

func (t omType) has(suffix string) bool {
	for s := range strings.SplitSeq(omSuffixes[t], " ") {
		if s == suffix && s != "" {
			return true
		}
	}
	return false
}

// family returns the type of the family that samples with a suffix belong to, and
// whether the suffix belongs to its name.
func (t omType) family(suffix string) (typ Type, named bool) {
	switch {
	case suffix == "_created":
		return Gauge, true
	case t == omCounter:
		return Counter, true
	case t == omGauge, t == omInfo, t == omStateSet:
		return Gauge, true
	case t == omSummary:
		return Summary, false
	case t == omHistogram:
		return Histogram, false
	case t == omGaugeHistogram:
		return GaugeHistogram, false
	}
	return Untyped, true
}

// omMetadata reads a line of metadata about a name.
func (s *textScanner) omMetadata(keyword string, name, rest []byte) error {
	m := s.om.metas[string(name)]
	if m == nil {
		m = &omMeta{name: name}
		s.om.metas[string(name)] = m
	}
	word := string(trimBlanks(rest))
	switch keyword {
	case "HELP":
		help, err := s.helpText(name, rest)
		switch {
		case err != nil:
			return err
		case !m.helped:
			m.helped, m.help = true, help
		case !bytes.Equal(m.help, help):
			m.ignored++
		}
		return nil
	case "UNIT":
		m.unit = word
		return nil
	}
	t, known := omTypeNames[strings.ToLower(word)]
	switch {
	case !known:
		return s.unknownType(name, []byte(word))
	case m.typed && m.typ == t:
	case m.typed || len(m.families) > 0:
		m.ignored++
	default:
		m.typ, m.typed = t, true
	}
	return nil
}

// omResolve is resolve for OpenMetrics, whose metadata is not always called as the
// family of the samples is here.
func (s *textScanner) omResolve(name []byte, legacy bool) (n int, part samplePart, suffix []byte) {
	m := s.om.metas[string(name)]
	if cut := bytes.LastIndexByte(name, '_'); cut > 0 && (m == nil || !m.typed) {
		if base := s.om.metas[string(name[:cut])]; base != nil && base.typ.has(string(name[cut:])) {
			m, suffix = base, name[cut:]
		}
	}
	if m == nil {
		return s.family(name, legacy), partValue, nil
	}
	t, named := m.typ.family(string(suffix))
	called := name
	if !named {
		called = m.name
	}
	n = s.family(called, isLegacyMetric(called))
	f := &s.families[n]
	if f.samples == 0 && !f.typed {
		s.setType(f, t)
		m.families = append(m.families, n)
		if string(suffix) != "_created" {
			f.help, f.helped = m.help, m.helped // may still come, see finishMetadata
		}
	}
	switch {
	case named:
		return n, partOf(f.typ, nil), nil
	case !f.typ.isComposite(): // it has samples from before its TYPE
		n = s.family(name, legacy)
		return n, partOf(s.families[n].typ, nil), nil
	}
	return n, partOf(f.typ, suffix), suffix
}

// finishMetadata completes the families' metadata once all is read.
func (s *textScanner) finishMetadata() {
	for _, m := range s.om.metas {
		s.finishLate(m)
		for i, n := range m.families {
			f := &s.families[n]
			if bytes.HasSuffix(f.name, []byte("_created")) && len(f.name) > len(m.name) {
				continue
			}
			f.help, f.helped = m.help, m.helped
			f.unit = fittingUnit(f.name, f.typ, m.unit)
			if i == 0 && m.ignored > 0 {
				f.notices = addNotice(f.notices, NoticeMetadata, m.ignored)
			}
		}
	}
}

// finishLate gives a family the metadata that came behind its samples.
func (s *textScanner) finishLate(m *omMeta) {
	n := s.familyNamed(m.name)
	if len(m.families) > 0 || n < 0 || s.families[n].typed || s.families[n].samples == 0 {
		return
	}
	m.families = append(m.families, n)
	if t, _ := m.typ.family(""); !t.isComposite() {
		s.families[n].typ = t
	}
}

// omRest reads what follows a value: a timestamp, which is refused, or an
// exemplar.
func (s *textScanner) omRest(name, rest []byte) error {
	if rest[0] != '#' {
		end := endOfWord(rest, 0)
		if _, ok := parseFloat(rest[:end]); ok {
			return s.refuse(ReasonTimestamp, "metric %s: pushed samples can't carry a timestamp, got %s", quoted(name), quoted(rest[:end]))
		}
		return s.refuse(ReasonSyntax, "metric %s: unexpected %s behind the value", quoted(name), quoted(rest))
	}
	rest = rest[skipBlanks(rest, 1):]
	if len(rest) == 0 || rest[0] != '{' {
		return s.refuse(ReasonSyntax, "metric %s: expected the labels of an exemplar, got %s", quoted(name), quoted(rest))
	}
	return s.readExemplar(name, rest)
}

// readExemplar reads an exemplar that begins with its brace.
func (s *textScanner) readExemplar(name, rest []byte) error {
	labels, spelled := s.labels, s.spelled
	s.labels, s.spelled = nil, nil
	_, end, err := s.scanLabels(rest, 1, name)
	own := s.labels
	s.labels, s.spelled = labels, spelled
	if err != nil {
		return err
	}
	words := bytes.Fields(rest[end:])
	if len(words) == 0 || len(words) > 2 {
		return s.refuse(ReasonSyntax, "metric %s: expected the value of an exemplar and perhaps its time, got %s", quoted(name), quoted(rest[end:]))
	}
	value, ok := parseFloat(words[0])
	if !ok {
		return s.refuse(ReasonSyntax, "metric %s: expected a number as value of an exemplar, got %s", quoted(name), quoted(words[0]))
	}
	e := &dto.Exemplar{Value: &value}
	if len(words) == 2 {
		seconds, ok := parseFloat(words[1])
		if !ok || !(seconds >= -maxSeconds && seconds <= maxSeconds) {
			return s.refuse(ReasonValue, "metric %s: %s is not the time of an exemplar", quoted(name), quoted(words[1]))
		}
		e.Timestamp = timestampAt(seconds)
	}
	for _, l := range own {
		text := l.text[bytes.Index(l.text, []byte(`="`))+2 : len(l.text)-1]
		e.Label = append(e.Label, &dto.LabelPair{Name: proto.String(string(l.name)), Value: proto.String(Unescape(text))})
	}
	s.om.exemplar = e
	return nil
}

const maxSeconds = 62135596800 // from 1970 to the year 1, and less than to the year 9999

func timestampAt(seconds float64) *timestamppb.Timestamp {
	whole := math.Floor(seconds)
	return timestamppb.New(time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e9))))
}

// exemplarFits reports whether the labels of an exemplar are as short as they have
// to be.
func exemplarFits(e *dto.Exemplar) bool {
	runes := 0
	for _, l := range e.GetLabel() {
		runes += utf8.RuneCountInString(l.GetName()) + utf8.RuneCountInString(l.GetValue())
	}
	return runes <= maxExemplarRunes
}
