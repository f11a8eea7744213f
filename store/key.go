package store

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"gatehouse/store/exposition"
)

// Bounds of a grouping key.
const (
	MaxGroupingLabels = 32
	MaxLabelBytes     = 1 << 10 // of a grouping label's name or value
)

const jobLabel = "job"

// separator can stand between the parts of an identity: no valid UTF-8 has it.
const separator = "\xff"

// GroupingKey names a grouping: a job and any further labels, in no order. A
// label with an empty value is the same as no such label. It is immutable.
type GroupingKey struct {
	labels []exposition.Label // sorted by name, none empty
	id     string
}

// NewGroupingKey makes the key of the given labels, which need not be sorted.
// Errors are a *Refusal.
func NewGroupingKey(labels []exposition.Label) (GroupingKey, error) {
	ls := make([]exposition.Label, 0, len(labels))
	for _, l := range labels {
		if err := checkGroupingLabel(l); err != nil {
			return GroupingKey{}, err
		}
		ls = append(ls, l)
	}
	exposition.SortLabels(ls)
	seen := make(map[string]string, len(ls))
	for _, l := range ls {
		name := exposition.LegacyLabelName(l.Name)
		if other, twice := seen[name]; twice && other == l.Name {
			return GroupingKey{}, refuse(ReasonPath, "label %s is given twice", quote(l.Name))
		} else if twice {
			return GroupingKey{}, refuse(ReasonPath, "labels %s and %s are the same to scrapers without UTF-8 names", quote(other), quote(l.Name))
		}
		seen[name] = l.Name
	}
	ls = slices.DeleteFunc(ls, func(l exposition.Label) bool { return l.Value == "" })
	if len(ls) > MaxGroupingLabels {
		return GroupingKey{}, refuse(ReasonPath, "a grouping has at most %d labels, got %d", MaxGroupingLabels, len(ls))
	}
	k := GroupingKey{labels: slices.Clip(ls)}
	if k.Job() == "" {
		return GroupingKey{}, refuse(ReasonPath, "job name is required")
	}
	k.id = identity(ls, func(name string) string { return name })
	return k, nil
}

func checkGroupingLabel(l exposition.Label) error {
	switch {
	case len(l.Name) > MaxLabelBytes:
		return refuse(ReasonPath, "label name %s is longer than %d bytes", quote(l.Name), MaxLabelBytes)
	case !model.UTF8Validation.IsValidLabelName(l.Name):
		return refuse(ReasonPath, "label name %s is not valid", quote(l.Name))
	case strings.HasPrefix(exposition.LegacyLabelName(l.Name), model.ReservedLabelPrefix):
		return refuse(ReasonPath, "label name %s is reserved", quote(l.Name))
	case l.Name == model.BucketLabel || l.Name == model.QuantileLabel:
		return refuse(ReasonPath, "label name %s is reserved for histograms and summaries", quote(l.Name))
	case len(l.Value) > MaxLabelBytes:
		return refuse(ReasonPath, "value of label %s is longer than %d bytes", quote(l.Name), MaxLabelBytes)
	case !utf8.ValidString(l.Value):
		return refuse(ReasonPath, "value of label %s is not valid UTF-8: %s", quote(l.Name), quote(l.Value))
	}
	return nil
}

// identity joins labels, job first, with their names as spell gives them.
func identity(sorted []exposition.Label, spell func(string) string) string {
	var b strings.Builder
	for _, l := range sorted {
		if l.Name == jobLabel {
			b.WriteString(l.Value)
		}
	}
	for _, l := range sorted {
		if l.Name != jobLabel {
			b.WriteString(separator + spell(l.Name) + separator + l.Value)
		}
	}
	return b.String()
}

// ID is the key's identity: equal for equal groupings. In its order groupings
// of one job stand together.
func (k GroupingKey) ID() string { return k.id }

// Labels returns the labels sorted by name, the job among them. They must not
// be modified.
func (k GroupingKey) Labels() []exposition.Label { return k.labels }

// Job returns the value of the job label.
func (k GroupingKey) Job() string { return labelValue(k.labels, jobLabel) }

// String returns the key as a selector that matches the grouping.
func (k GroupingKey) String() string { return selectorOf(k.labels) }

func selectorOf(labels []exposition.Label) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, l := range labels {
		if i > 0 {
			b.WriteByte(',')
		}
		if model.LegacyValidation.IsValidLabelName(l.Name) {
			b.WriteString(l.Name)
		} else {
			b.WriteString(strconv.Quote(l.Name))
		}
		b.WriteString("=" + strconv.Quote(l.Value))
	}
	b.WriteByte('}')
	return b.String()
}

// Path returns the path, below the route prefix, that names exactly this
// grouping, also for GET and DELETE, where the path of a bare job would mean
// every grouping of the job. It has no character that needs percent-encoding,
// so that it stays the same whether a client encodes paths (as Prometheus does
// with __metrics_path__) or not.
func (k GroupingKey) Path() string {
	var b strings.Builder
	b.WriteString("/metrics")
	writePathLabel(&b, jobLabel, k.Job())
	for _, l := range k.labels {
		if l.Name != jobLabel {
			writePathLabel(&b, l.Name, l.Value)
		}
	}
	if len(k.labels) == 1 {
		b.WriteString("/instance@base64/=")
	}
	return b.String()
}

func writePathLabel(b *strings.Builder, name, value string) {
	b.WriteString("/" + exposition.EscapedLabelName(name))
	if !isPlainSegment(value) {
		b.WriteString("@base64")
		value = base64.RawURLEncoding.EncodeToString([]byte(value))
	}
	b.WriteString("/" + value)
}

// isPlainSegment says that no client or proxy will rewrite the segment.
func isPlainSegment(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:", rune(c)) {
			return false
		}
	}
	return s != "." && s != ".."
}

// Path is what a path below /metrics says.
type Path struct {
	Key GroupingKey
	// JobOnly says that the path has a job and no further label, not even an
	// empty one.
	JobOnly bool
}

// ParsePath parses what follows /metrics in a request's path, still
// percent-encoded: "/job/backup/instance/db%201". It is split first and decoded
// then, so that an encoded slash is part of a value. With utf8Names label names
// may be any UTF-8, raw or escaped as U__…. Errors are a *Refusal.
func ParsePath(raw string, utf8Names bool) (Path, error) {
	segments := strings.Split(strings.TrimPrefix(raw, "/"), "/")
	if len(segments)%2 == 1 && segments[len(segments)-1] == "" {
		segments = segments[:len(segments)-1]
	}
	if len(segments) == 0 || len(segments) == 1 && segments[0] == jobLabel {
		return Path{}, refuse(ReasonPath, "job name is required")
	}
	if len(segments)%2 == 1 {
		return Path{}, refuse(ReasonPath, "label %s has no value: the path must consist of pairs of a name and a value", quote(segments[len(segments)-1]))
	}
	if len(segments) > 2*(MaxGroupingLabels+1) {
		return Path{}, refuse(ReasonPath, "a grouping has at most %d labels", MaxGroupingLabels)
	}
	labels := make([]exposition.Label, 0, len(segments)/2)
	for i := 0; i < len(segments); i += 2 {
		l, err := parsePathLabel(segments[i], segments[i+1], utf8Names)
		if err != nil {
			return Path{}, err
		}
		labels = append(labels, l)
	}
	if labels[0].Name != jobLabel {
		return Path{}, refuse(ReasonPath, "the path must begin with /metrics/job")
	}
	key, err := NewGroupingKey(labels)
	if err != nil {
		return Path{}, err
	}
	return Path{Key: key, JobOnly: len(labels) == 1}, nil
}

func parsePathLabel(rawName, rawValue string, utf8Names bool) (exposition.Label, error) {
	name, err := url.PathUnescape(rawName)
	if err != nil {
		return exposition.Label{}, refuse(ReasonPath, "bad percent-encoding in %s", quote(rawName))
	}
	value, err := url.PathUnescape(rawValue)
	if err != nil {
		return exposition.Label{}, refuse(ReasonPath, "bad percent-encoding in %s", quote(rawValue))
	}
	name, isBase64 := strings.CutSuffix(name, "@base64")
	if isBase64 {
		decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return exposition.Label{}, refuse(ReasonPath, "value of label %s is not URL-safe base64: %s", quote(name), quote(value))
		}
		value = string(decoded)
	}
	if utf8Names {
		// Refused here too, since unescaping could hide the prefix.
		if strings.HasPrefix(name, model.ReservedLabelPrefix) {
			return exposition.Label{}, refuse(ReasonPath, "label name %s is reserved", quote(name))
		}
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	} else if !model.LegacyValidation.IsValidLabelName(name) {
		return exposition.Label{}, refuse(ReasonPath, "label name %s is not valid", quote(name))
	}
	return exposition.Label{Name: name, Value: value}, nil
}

// maxQuoted bounds what an error message repeats of a client's input.
const maxQuoted = 120

// quote quotes what a client sent, shortened, so that a message stays one line.
func quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.Quote(s[:maxQuoted]), len(s))
}
