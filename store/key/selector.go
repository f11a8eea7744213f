package key

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"gatehouse/store/exposition"
)

// Bounds of the selectors of one request.
const (
	MaxSelectors     = 64
	MaxSelectorBytes = 8 << 10 // of one selector
)

// Selectors select groupings whose labels satisfy any of the selectors. No
// selector at all means every grouping. It is immutable.
type Selectors struct {
	sets  [][]*labels.Matcher
	texts []string // as they were given
}

// ParseSelectors parses selectors in Prometheus' syntax, such as
// `{job="backup",instance=~"db.*"}`. Errors are a *Refusal.
func ParseSelectors(raw []string) (Selectors, error) {
	if len(raw) > MaxSelectors {
		return Selectors{}, refuse(ReasonSelector, "at most %d selectors are allowed, got %d", MaxSelectors, len(raw))
	}
	var s Selectors
	p := parser.NewParser(parser.Options{})
	for _, text := range raw {
		if len(text) > MaxSelectorBytes {
			return Selectors{}, refuse(ReasonSelector, "a selector has at most %d bytes, got %d", MaxSelectorBytes, len(text))
		}
		set, err := p.ParseMetricSelector(text)
		if err != nil {
			return Selectors{}, refuse(ReasonSelector, "bad selector %s: %s", Quote(text), firstLine(err.Error()))
		}
		if slices.ContainsFunc(set, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel }) {
			return Selectors{}, refuse(ReasonSelector, "bad selector %s: it selects groupings by their labels and can't name a metric", Quote(text))
		}
		// As Prometheus has it, so that nobody means everything by accident.
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return Selectors{}, refuse(ReasonSelector, "bad selector %s: at least one matcher must not match an empty value", Quote(text))
		}
		s.sets = append(s.sets, set)
	}
	s.texts = slices.Clone(raw)
	return s, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// JobSelector selects every grouping of a job.
func JobSelector(job string) Selectors {
	return Selectors{
		sets:  [][]*labels.Matcher{{labels.MustNewMatcher(labels.MatchEqual, JobLabel, job)}},
		texts: []string{selectorOf([]exposition.Label{{Name: JobLabel, Value: job}})},
	}
}

// All says that there is no selector: every grouping matches.
func (s Selectors) All() bool { return len(s.sets) == 0 }

// String returns the selectors as they were given.
func (s Selectors) String() string { return strings.Join(s.texts, " or ") }

// Texts returns the selectors one by one, as they were given. They must not be
// modified.
func (s Selectors) Texts() []string { return s.texts }

// Match says whether a grouping with these labels is meant. A label that is
// absent has an empty value.
func (s Selectors) Match(ls []exposition.Label) bool {
	for _, set := range s.sets {
		if matchSet(set, ls) {
			return true
		}
	}
	return s.All()
}

func matchSet(set []*labels.Matcher, ls []exposition.Label) bool {
	for _, m := range set {
		if !m.Matches(labelValue(ls, m.Name)) {
			return false
		}
	}
	return true
}

// Job returns the only job whose groupings can match, if there is one.
func (s Selectors) Job() (string, bool) {
	if len(s.sets) != 1 {
		return "", false
	}
	for _, m := range s.sets[0] {
		if m.Name == JobLabel && m.Type == labels.MatchEqual && m.Value != "" {
			return m.Value, true
		}
	}
	return "", false
}
