package exposition

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxExemplarRunes is OpenMetrics' own limit for the labels of an exemplar.
const maxExemplarRunes = 128

// DecodeOpenMetrics decodes OpenMetrics 1.0 text. A counter is called as its
// samples, foo_total; infos and state sets become gauges. The closing # EOF is
// required: without it the body was cut off. CRLF line ends are accepted.
// The families it returns are sorted by name and don't alias body; errors are
// *Error.
func DecodeOpenMetrics(body []byte, o Options) ([]Family, error) {
	if bytes.Contains(body, []byte("\r\n")) {
		body = bytes.ReplaceAll(body, []byte("\r\n"), []byte{'\n'})
	}
	if err := checkLines(body); err != nil {
		return nil, err
	}
	r := omReader{
		parser: textparse.NewOpenMetricsParser(body, labels.NewSymbolTable()), byName: map[string]*omFamily{}, maxSeries: o.MaxSeries,
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	a := newAssembly(o, len(body))
	defer a.release()
	families := make([]*dto.MetricFamily, len(r.families))
	for i, f := range r.families {
		if err := f.checkValues(); err != nil {
			return nil, err
		}
		families[i] = f.mf
	}
	return a.addAll(families)
}

// checkLines bounds what the parser sets aside for the labels of a line, and
// refuses strings that go beyond the end of one, in which it is too lenient.
func checkLines(body []byte) error {
	if err := checkSize(body); err != nil {
		return err
	}
	line := 0
	for text := range bytes.Lines(body) {
		if line++; text[0] == '#' {
			continue
		}
		quotes, escaped := 0, false
		for _, c := range text {
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				quotes++
			}
		}
		if quotes%2 != 0 {
			return refuse(ReasonSyntax, line, "a double quote has no counterpart")
		}
		if quotes > 8*maxDecodeLabels { // names and values, of series and exemplar
			return refuse(ReasonLimit, line, "more than %d labels", maxDecodeLabels)
		}
	}
	return nil
}

// omReader assembles what Prometheus' parser reads line by line.
type omReader struct {
	parser    textparse.Parser
	line      int
	families  []*omFamily
	byName    map[string]*omFamily // by the name in TYPE, HELP and UNIT
	series    int
	maxSeries int

	labels   labels.Labels
	exemplar exemplar.Exemplar
	key      []byte
}

func (r *omReader) refuse(reason Reason, format string, args ...any) error {
	return refuse(reason, r.line, format, args...)
}

func (r *omReader) read() error {
	for {
		r.line++
		entry, err := r.parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return r.refuse(ReasonSyntax, "%s", oneLine(err.Error()))
		case entry == textparse.EntrySeries:
			err = r.sample()
		default:
			err = r.metadata(entry)
		}
		if err != nil {
			return err
		}
	}
}

// oneLine shortens a message of the parser, which quotes as much as it likes.
func oneLine(s string) string {
	const most = 200
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\n", " "), "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func (r *omReader) family(name string) *omFamily {
	f := r.byName[name]
	if f == nil {
		f = &omFamily{typ: model.MetricTypeUnknown, mf: &dto.MetricFamily{Name: proto.String(name), Type: dto.MetricType_UNTYPED.Enum()}, metrics: map[string]*dto.Metric{}}
		r.byName[strings.Clone(name)] = f
		r.families = append(r.families, f)
	}
	return f
}

func (r *omReader) metadata(entry textparse.Entry) error {
	switch entry {
	case textparse.EntryHelp:
		name, help := r.parser.Help()
		f := r.family(Unescape(name))
		if f.helped {
			return r.refuse(ReasonSyntax, "a second HELP for metric %s", quoted(name))
		}
		f.helped = true
		f.mf.Help = proto.String(string(help))
	case textparse.EntryUnit:
		name, unit := r.parser.Unit()
		r.family(Unescape(name)).mf.Unit = proto.String(string(unit))
	case textparse.EntryType:
		name, t := r.parser.Type()
		f := r.family(Unescape(name))
		if f.typed || f.has {
			return r.refuse(ReasonSyntax, "a second TYPE for metric %s, or one behind its samples", quoted(name))
		}
		f.setType(t)
	}
	return nil
}

// resolve finds the family of a sample.
func (r *omReader) resolve(name string) (f *omFamily, suffix string, err error) {
	if cut := strings.LastIndexByte(name, '_'); cut > 0 {
		if f := r.byName[name[:cut]]; f != nil && f.takes(name[cut:]) {
			return f, name[cut:], nil
		}
	}
	f = r.family(name)
	if !f.takes("") {
		return nil, "", r.refuse(ReasonType, "metric %s is of type %s and can't have a sample of just that name", quoted(name), f.typ)
	}
	return f, "", nil
}

func (r *omReader) sample() error {
	series, timestamp, value := r.parser.Series()
	if timestamp != nil {
		return r.refuse(ReasonTimestamp, "%s: pushed samples can't carry a timestamp", quoted(series))
	}
	r.parser.Labels(&r.labels)
	name := r.labels.Get(model.MetricNameLabel)
	f, suffix, err := r.resolve(name)
	if err != nil {
		return err
	}
	if suffix != "_created" {
		r.series++
	}
	if r.maxSeries > 0 && r.series > r.maxSeries {
		return r.refuse(ReasonLimit, "more than %d series in one push", r.maxSeries)
	}
	f.has = true
	m, bound, err := r.metric(f, suffix)
	if err != nil {
		return err
	}
	r.exemplar = exemplar.Exemplar{}
	var e *dto.Exemplar
	if r.parser.Exemplar(&r.exemplar) {
		if suffix != "_total" && suffix != "_bucket" {
			return r.refuse(ReasonType, "metric %s: a sample of this kind can't have an exemplar", quoted(name))
		}
		if e, err = r.exemplarDTO(); err != nil {
			return err
		}
	}
	if !f.set(m, suffix, bound, value, e) {
		return r.refuse(ReasonDuplicate, "series %s stands twice, or its value is impossible", quoted(series))
	}
	return nil
}

// metric returns the metric that the labels just read belong to, and the bound
// among them.
func (r *omReader) metric(f *omFamily, suffix string) (m *dto.Metric, bound *float64, err error) {
	boundLabel := ""
	switch {
	case suffix == "_bucket":
		boundLabel = "le"
	case suffix == "" && f.typ == model.MetricTypeSummary:
		boundLabel = "quantile"
	}
	names := 0
	var pairs []*dto.LabelPair
	r.key = r.key[:0]
	r.labels.Range(func(l labels.Label) {
		switch l.Name {
		case model.MetricNameLabel:
			names++
		case boundLabel:
			if v, ok := parseFloat([]byte(l.Value)); ok && bound == nil {
				bound = &v
			} else {
				err = r.refuse(ReasonType, "metric %s: %s=%s is not one number", quoted(f.mf.GetName()), boundLabel, quoted(l.Value))
			}
		default:
			pairs = append(pairs, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
			r.key = append(append(append(append(r.key, l.Name...), 0xff), l.Value...), 0xff)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if names != 1 {
		return nil, nil, r.refuse(ReasonName, "metric %s: label name %q is reserved", quoted(f.mf.GetName()), model.MetricNameLabel)
	}
	if boundLabel != "" && bound == nil {
		return nil, nil, r.refuse(ReasonType, "metric %s: a sample has no label %q", quoted(f.mf.GetName()), boundLabel)
	}
	m = f.metrics[string(r.key)]
	if m == nil || f.single() {
		m = &dto.Metric{Label: pairs}
		f.mf.Metric = append(f.mf.Metric, m)
		f.metrics[string(r.key)] = m
	}
	return m, bound, nil
}

func (r *omReader) exemplarDTO() (*dto.Exemplar, error) {
	e := &dto.Exemplar{Value: proto.Float64(r.exemplar.Value)}
	if r.exemplar.HasTs {
		e.Timestamp = timestamppb.New(time.UnixMilli(r.exemplar.Ts))
	}
	runes := 0
	r.exemplar.Labels.Range(func(l labels.Label) { // the parser does not unescape these
		name, value := Unescape([]byte(l.Name)), Unescape([]byte(l.Value))
		runes += utf8.RuneCountInString(name) + utf8.RuneCountInString(value)
		e.Label = append(e.Label, &dto.LabelPair{Name: &name, Value: &value})
	})
	if runes > maxExemplarRunes {
		return nil, r.refuse(ReasonLimit, "the labels of an exemplar are longer than %d characters", maxExemplarRunes)
	}
	return e, nil
}
