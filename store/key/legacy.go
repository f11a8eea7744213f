package key

import (
	"strings"

	"github.com/prometheus/common/model"

	"gatehouse/store/exposition"
)

// Legacy returns the key's identity and its set of label names as scrapers see
// them that know legacy names only.
func (k GroupingKey) Legacy() (alias, set string) {
	alias = k.id
	for _, l := range k.labels {
		if !model.LegacyValidation.IsValidLabelName(l.Name) {
			alias = aliasOf(k.labels)
			break
		}
	}
	return alias, labelSet(k.labels)
}

func aliasOf(labels []exposition.Label) string {
	ls := make([]exposition.Label, len(labels))
	for i, l := range labels {
		ls[i] = exposition.Label{Name: exposition.LegacyLabelName(l.Name), Value: l.Value}
	}
	exposition.SortLabels(ls)
	return identity(ls)
}

// labelSet joins the names, which are unique once escaped or the grouping
// would collide with itself; job is in each and left out.
func labelSet(labels []exposition.Label) string {
	ls := make([]exposition.Label, 0, len(labels))
	for _, l := range labels {
		if l.Name != JobLabel {
			ls = append(ls, exposition.Label{Name: exposition.LegacyLabelName(l.Name)})
		}
	}
	exposition.SortLabels(ls)
	set := make([]byte, 0, 64)
	for _, l := range ls {
		set = append(append(set, Separator...), l.Name...)
	}
	return string(set)
}

// SplitSet returns the label names of a set that Legacy returned, without the job.
func SplitSet(set string) []string {
	if set == "" {
		return nil
	}
	return strings.Split(set[len(Separator):], Separator)
}
