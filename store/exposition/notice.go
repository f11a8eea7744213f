package exposition

import (
	"slices"
	"strings"
)

// NoticeKind names an oddity that is accepted. It is one of a closed list.
type NoticeKind uint8

// The kinds of notices. Their numbers are part of the records on disk.
const (
	NoticeInfBucket      NoticeKind = iota + 1 // the +Inf bucket is not the count
	NoticeFallingBuckets                       // a bucket holds less than the one below it
	NoticeQuantile                             // a histogram has quantiles
	NoticeBareSample                           // a sample of just the name of a histogram or summary
	NoticeNoBound                              // a bucket without `le`
	NoticeBadBound                             // a bound that is no number, or where none belongs
	NoticeBadCount                             // a number of observations that is negative, NaN or infinite
	NoticeIncomplete                           // no +Inf bucket, no sum or no count
	NoticeTwice                                // a bucket or quantile written twice, equally
	NoticeOverlap                              // a histogram or summary beside a family of one of its sample names
	NoticeMetadata                             // a TYPE or HELP that was ignored: there was one, or it came late
	NoticeExemplar                             // an exemplar that was dropped
	NoticeNoTotal                              // a counter without _total
	NoticeMixedUnits                           // one quantity in several units
	NoticeCardinality                          // a label with more than maxLabelValues values
	NoticeCreated                              // a counter, histogram or summary with a gauge of its creation
	noticeKinds                                // one more than there are
)

var noticeNames = [noticeKinds]string{
	NoticeInfBucket:      "inf_bucket",
	NoticeFallingBuckets: "falling_buckets",
	NoticeQuantile:       "quantile_in_histogram",
	NoticeBareSample:     "bare_sample",
	NoticeNoBound:        "bucket_without_le",
	NoticeBadBound:       "bad_bound",
	NoticeBadCount:       "bad_count",
	NoticeIncomplete:     "incomplete",
	NoticeTwice:          "written_twice",
	NoticeOverlap:        "overlapping_names",
	NoticeMetadata:       "ignored_metadata",
	NoticeExemplar:       "dropped_exemplar",
	NoticeNoTotal:        "counter_without_total",
	NoticeMixedUnits:     "mixed_units",
	NoticeCardinality:    "high_cardinality",
	NoticeCreated:        "created_gauge",
}

// NoticeKinds returns all kinds in their order.
func NoticeKinds() []NoticeKind {
	kinds := make([]NoticeKind, 0, noticeKinds-1)
	for k := NoticeKind(1); k < noticeKinds; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// String returns the name of the kind, as the API and the metrics have it.
func (k NoticeKind) String() string {
	if k == 0 || k >= noticeKinds {
		return "unknown"
	}
	return noticeNames[k]
}

// Notice says that a family is odd in one way, and how often.
type Notice struct {
	Kind NoticeKind
	// Count is the number of metrics or samples concerned, of families where the
	// kind speaks of names.
	Count int
}

// addNotice counts one more oddity of a kind.
func addNotice(notices []Notice, k NoticeKind, n int) []Notice {
	for i := range notices {
		if notices[i].Kind == k {
			notices[i].Count += n
			return notices
		}
	}
	return append(notices, Notice{k, n})
}

func (f *asmFamily) notice(k NoticeKind) { f.notices = addNotice(f.notices, k, 1) }

// maxLabelValues is how many values of one label a family may have in one push
// before they become a notice.
const maxLabelValues = 1000

// lint adds the notices that concern names and labels. families are sorted by
// name.
func lint(families []Family) {
	mixed := mixedQuantities(families)
	for i := range families {
		f := &families[i]
		if f.Type == Counter && !strings.HasSuffix(f.Name, "_total") {
			f.Notices = addNotice(f.Notices, NoticeNoTotal, 1)
		}
		if base, ok := strings.CutSuffix(f.Name, "_created"); ok && (f.Type == Gauge || f.Type == Untyped) && countedAs(families, base) {
			f.Notices = addNotice(f.Notices, NoticeCreated, 1)
		}
		if len(mixed) > 0 {
			if q, unit := unitOf(f.Name); mixed[q] && unit != baseUnits[q] {
				f.Notices = addNotice(f.Notices, NoticeMixedUnits, 1)
			}
		}
		if f.Series > maxLabelValues {
			if n := crowdedLabels(f.Text); n > 0 {
				f.Notices = addNotice(f.Notices, NoticeCardinality, n)
			}
		}
	}
}

// mixedQuantities returns the quantities that the families have in several
// units.
func mixedQuantities(families []Family) (mixed map[string]bool) {
	var units map[string]string
	for i := range families {
		q, unit := unitOf(families[i].Name)
		if q == "" {
			continue
		}
		if units == nil {
			units = map[string]string{}
		}
		if first, known := units[q]; !known {
			units[q] = unit
		} else if first != unit {
			if mixed == nil {
				mixed = map[string]bool{}
			}
			mixed[q] = true
		}
	}
	return mixed
}

// countedAs reports whether there is a counter, histogram or summary of a name,
// with or without _total.
func countedAs(families []Family, name string) bool {
	for _, n := range [...]string{name, name + "_total"} {
		i, ok := slices.BinarySearchFunc(families, n, func(f Family, n string) int { return strings.Compare(f.Name, n) })
		if ok && families[i].Type != Gauge && families[i].Type != Untyped {
			return true
		}
	}
	return false
}

// baseUnits are Prometheus' units by quantity.
var baseUnits = map[string]string{
	"time": "seconds", "information": "bytes", "temperature": "celsius", "length": "meters",
	"mass": "grams", "energy": "joules", "tension": "volts", "current": "amperes", "ratio": "ratio",
}

// unitOf returns the quantity and the unit that a metric name ends with, not
// counting _total; empty: none that is known.
func unitOf(name string) (quantity, unit string) {
	name = strings.TrimSuffix(name, "_total")
	cut := strings.LastIndexByte(name, '_')
	if cut <= 0 {
		return "", ""
	}
	switch unit = name[cut+1:]; unit {
	case "seconds", "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks":
		return "time", unit
	case "bytes", "bits", "kilobytes", "megabytes", "gigabytes", "kibibytes", "mebibytes", "gibibytes":
		return "information", unit
	case "celsius", "kelvin", "kelvins", "fahrenheit":
		return "temperature", unit
	case "meters", "metres", "kilometers", "centimeters", "millimeters", "inches", "miles", "feet":
		return "length", unit
	case "grams", "kilograms", "milligrams", "tonnes", "pounds", "ounces":
		return "mass", unit
	case "joules", "kilojoules", "calories", "kilocalories":
		return "energy", unit
	case "volts", "millivolts", "kilovolts":
		return "tension", unit
	case "amperes", "milliamperes":
		return "current", unit
	case "ratio", "percent":
		return "ratio", unit
	}
	return "", ""
}

// crowdedLabels returns how many labels have more than maxLabelValues values in
// the lines.
func crowdedLabels(text []byte) (crowded int) {
	values := map[string]map[string]struct{}{}
	for l := range Lines(text) {
		for _, label := range l.Labels {
			seen := values[string(label.Name)]
			if seen == nil {
				seen = map[string]struct{}{}
				values[string(label.Name)] = seen
			}
			if len(seen) <= maxLabelValues {
				seen[string(label.Value)] = struct{}{}
			}
		}
	}
	for _, seen := range values {
		if len(seen) > maxLabelValues {
			crowded++
		}
	}
	return crowded
}
