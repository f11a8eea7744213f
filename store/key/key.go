// Package key identifies groupings: their keys, as labels, in paths and as
// digests, and selectors, which match many. Its values are immutable and know
// nothing of the store's contents.
package key

import (
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

// JobLabel is the label that every grouping has.
const JobLabel = "job"

// Separator separates the parts of an identity: no valid UTF-8 has it.
const Separator = "\xff"

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
			return GroupingKey{}, refuse(ReasonPath, "label %s is given twice", Quote(l.Name))
		} else if twice {
			return GroupingKey{}, refuse(ReasonPath, "labels %s and %s are the same to scrapers without UTF-8 names", Quote(other), Quote(l.Name))
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
	k.id = identity(ls)
	return k, nil
}

func checkGroupingLabel(l exposition.Label) error {
	switch {
	case len(l.Name) > MaxLabelBytes:
		return refuse(ReasonPath, "label name %s is longer than %d bytes", Quote(l.Name), MaxLabelBytes)
	case !model.UTF8Validation.IsValidLabelName(l.Name):
		return refuse(ReasonPath, "label name %s is not valid", Quote(l.Name))
	case strings.HasPrefix(exposition.LegacyLabelName(l.Name), model.ReservedLabelPrefix):
		return refuse(ReasonPath, "label name %s is reserved", Quote(l.Name))
	case l.Name == model.BucketLabel || l.Name == model.QuantileLabel:
		return refuse(ReasonPath, "label name %s is reserved for histograms and summaries", Quote(l.Name))
	case len(l.Value) > MaxLabelBytes:
		return refuse(ReasonPath, "value of label %s is longer than %d bytes", Quote(l.Name), MaxLabelBytes)
	case !utf8.ValidString(l.Value):
		return refuse(ReasonPath, "value of label %s is not valid UTF-8: %s", Quote(l.Name), Quote(l.Value))
	}
	return nil
}

// identity joins labels, job first.
func identity(sorted []exposition.Label) string {
	var b strings.Builder
	for _, l := range sorted {
		if l.Name == JobLabel {
			b.WriteString(l.Value)
		}
	}
	for _, l := range sorted {
		if l.Name != JobLabel {
			b.WriteString(Separator + l.Name + Separator + l.Value)
		}
	}
	return b.String()
}

// ID returns the key's identity: equal for equal groupings. In its order
// groupings of one job are adjacent.
func (k GroupingKey) ID() string { return k.id }

// Labels returns the labels sorted by name, the job among them. They must not
// be modified.
func (k GroupingKey) Labels() []exposition.Label { return k.labels }

// Job returns the value of the job label.
func (k GroupingKey) Job() string { return labelValue(k.labels, JobLabel) }

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

func labelValue(ls []exposition.Label, name string) string {
	for _, l := range ls {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}
