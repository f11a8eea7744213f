package key

import (
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"gatehouse/store/exposition"
)

// Example makes the key of a grouping that the selectors mean, if it is plain
// from them what such a one looks like. Nothing needs to be held under it.
func (s Selectors) Example() (GroupingKey, bool) {
	sets := s.sets
	if s.All() {
		sets = [][]*labels.Matcher{nil}
	}
	for _, set := range sets {
		// What nothing is said about is no label, but for the job.
		values := map[string]string{JobLabel: "example"}
		for _, m := range set {
			if value := satisfying(m); value != "" {
				values[m.Name] = value
			}
		}
		var key []exposition.Label
		for _, name := range slices.Sorted(maps.Keys(values)) {
			key = append(key, exposition.Label{Name: name, Value: values[name]})
		}
		if k, err := NewGroupingKey(key); err == nil && s.Match(k.labels) {
			return k, true
		}
	}
	return GroupingKey{}, false
}

// satisfying returns a value that satisfies a matcher, if one is found; empty:
// none can, or it should rather be absent.
func satisfying(m *labels.Matcher) string {
	if m.Matches("") && m.Name != JobLabel {
		return ""
	}
	tries := slices.Clone(m.SetMatches())
	if prefix := m.Prefix(); prefix != "" {
		tries = append(tries, prefix+"1", prefix)
	}
	for _, value := range append(tries, "example", m.Value) {
		if value != "" && m.Matches(value) {
			return value
		}
	}
	return ""
}
