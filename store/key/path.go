package key

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/prometheus/common/model"

	"gatehouse/store/exposition"
)

// Path returns the path, below the route prefix, that names exactly this
// grouping, also for GET and DELETE, where the path of a bare job would mean
// every grouping of the job. It has no character that needs percent-encoding,
// so that it stays the same whether a client encodes paths (as Prometheus does
// with __metrics_path__) or not.
func (k GroupingKey) Path() string {
	var b strings.Builder
	b.WriteString("/metrics")
	writePathLabel(&b, JobLabel, k.Job())
	for _, l := range k.labels {
		if l.Name != JobLabel {
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

// Path is a parsed path below /metrics.
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
	if len(segments) == 0 || len(segments) == 1 && segments[0] == JobLabel {
		return Path{}, refuse(ReasonPath, "job name is required")
	}
	if len(segments)%2 == 1 {
		return Path{}, refuse(ReasonPath, "label %s has no value: the path must consist of pairs of a name and a value", Quote(segments[len(segments)-1]))
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
	if labels[0].Name != JobLabel {
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
		return exposition.Label{}, refuse(ReasonPath, "bad percent-encoding in %s", Quote(rawName))
	}
	value, err := url.PathUnescape(rawValue)
	if err != nil {
		return exposition.Label{}, refuse(ReasonPath, "bad percent-encoding in %s", Quote(rawValue))
	}
	name, isBase64 := strings.CutSuffix(name, "@base64")
	if isBase64 {
		decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return exposition.Label{}, refuse(ReasonPath, "value of label %s is not URL-safe base64: %s", Quote(name), Quote(value))
		}
		value = string(decoded)
	}
	if utf8Names {
		// Refused here too, since unescaping could hide the prefix.
		if strings.HasPrefix(name, model.ReservedLabelPrefix) {
			return exposition.Label{}, refuse(ReasonPath, "label name %s is reserved", Quote(name))
		}
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	} else if !model.LegacyValidation.IsValidLabelName(name) {
		return exposition.Label{}, refuse(ReasonPath, "label name %s is not valid", Quote(name))
	}
	return exposition.Label{Name: name, Value: value}, nil
}
