package store

import (
	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// Keys for callers of a store.
type (
	// GroupingKey names a grouping, see key.GroupingKey.
	GroupingKey = key.GroupingKey
	// Path is a parsed path below /metrics, see key.Path.
	Path = key.Path
	// Selectors says which groupings are meant, see key.Selectors.
	Selectors = key.Selectors
	// Refusal is an error that lies with the client, see key.Refusal.
	Refusal = key.Refusal
)

// Bounds of keys and selectors, see the package key.
const (
	MaxGroupingLabels = key.MaxGroupingLabels
	MaxLabelBytes     = key.MaxLabelBytes
	MaxSelectors      = key.MaxSelectors
	MaxSelectorBytes  = key.MaxSelectorBytes

	ReasonPath     = key.ReasonPath
	ReasonSelector = key.ReasonSelector
)

// NewGroupingKey makes the key of the given labels, see key.NewGroupingKey.
func NewGroupingKey(labels []exposition.Label) (GroupingKey, error) {
	return key.NewGroupingKey(labels)
}

// ParsePath parses what follows /metrics in a request's path, see key.ParsePath.
func ParsePath(raw string, utf8Names bool) (Path, error) { return key.ParsePath(raw, utf8Names) }

// ParseSelectors parses selectors in Prometheus' syntax, see key.ParseSelectors.
func ParseSelectors(raw []string) (Selectors, error) { return key.ParseSelectors(raw) }

// JobSelector selects every grouping of a job, see key.JobSelector.
func JobSelector(job string) Selectors { return key.JobSelector(job) }
