package exposition

import (
	"strings"

	"github.com/prometheus/common/model"
)

// escapeScheme says how names that are not legacy names are written. The
// names of the schemes are those of the Accept header.
type escapeScheme uint8

const (
	escapeUnderscores escapeScheme = iota
	escapeDots
	escapeValues
	escapeNothing
)

var escapeSchemes = [...]struct {
	name   string
	scheme model.EscapingScheme
}{
	escapeUnderscores: {model.EscapeUnderscores, model.UnderscoreEscaping},
	escapeDots:        {model.EscapeDots, model.DotsEscaping},
	escapeValues:      {model.EscapeValues, model.ValueEncodingEscaping},
	escapeNothing:     {model.AllowUTF8, model.NoEscaping},
}

func (s escapeScheme) String() string { return escapeSchemes[s].name }

// escapeSchemeNamed returns the scheme of that name, else underscores.
func escapeSchemeNamed(name string) escapeScheme {
	for s, known := range escapeSchemes {
		if known.name == name {
			return escapeScheme(s)
		}
	}
	return escapeUnderscores
}

// metricName returns a metric name as the scheme writes it. A legacy name stays
// as it is under every scheme: a series keeps its identity whatever the other
// series of the scrape are called.
func (s escapeScheme) metricName(name string) string {
	if s == escapeNothing || model.LegacyValidation.IsValidMetricName(name) {
		return name
	}
	return model.EscapeName(name, escapeSchemes[s].scheme)
}

// labelName is metricName for names of labels. The library takes a colon for
// legacy there, which no parser does.
func (s escapeScheme) labelName(name string) string {
	if s == escapeNothing || model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	escaped := model.EscapeName(name, escapeSchemes[s].scheme)
	if !strings.Contains(escaped, ":") {
		return escaped
	}
	switch s {
	case escapeDots:
		return strings.ReplaceAll(escaped, ":", "__")
	case escapeValues:
		if escaped == name {
			escaped = "U__" + strings.ReplaceAll(name, "_", "__")
		}
		return strings.ReplaceAll(escaped, ":", "_3a_")
	default:
		return strings.ReplaceAll(escaped, ":", "_")
	}
}

// escapeNames remembers the escaped label names of one family, of which there
// are few, however many lines they are in.
type escapeNames struct {
	scheme escapeScheme
	labels map[string]string
	raw    []byte
}

// label returns the escaped form of a label's name, which is raw in a canonical
// line.
func (n *escapeNames) label(raw []byte) string {
	if name, ok := n.labels[string(raw)]; ok {
		return name
	}
	n.raw = escapeAppendUnquoted(n.raw[:0], raw)
	name := n.scheme.labelName(string(n.raw))
	if n.labels == nil {
		n.labels = make(map[string]string)
	}
	n.labels[string(raw)] = name
	return name
}

var (
	// escapeHelp is for HELP in the text format.
	escapeHelp = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	// escapeQuoted is for everything in double quotes and for HELP in
	// OpenMetrics.
	escapeQuoted = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// escapeMetadataName returns the name as it is in HELP, TYPE and UNIT.
func escapeMetadataName(name string) string {
	if model.LegacyValidation.IsValidMetricName(name) {
		return name
	}
	return `"` + escapeQuoted.Replace(name) + `"`
}

// escapeAppendUnquoted appends what a quoted string of a canonical line means.
func escapeAppendUnquoted(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '\\' && i+1 < len(raw) {
			i++
			if c = raw[i]; c == 'n' {
				c = '\n'
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// LegacyLabelName returns a label name as scrapers get it that did not ask for
// another way of escaping.
func LegacyLabelName(name string) string { return escapeUnderscores.labelName(name) }

// EscapedLabelName returns a label name as a legacy name that can be unescaped:
// U__….
func EscapedLabelName(name string) string { return escapeValues.labelName(name) }

// EscapedMetricNames returns how the escaping schemes write the name of a
// metric family: once where it is a legacy name, which all leave alone.
func EscapedMetricNames(name string) []string {
	if model.LegacyValidation.IsValidMetricName(name) {
		return []string{name}
	}
	return []string{escapeUnderscores.metricName(name), escapeDots.metricName(name), escapeValues.metricName(name)}
}
