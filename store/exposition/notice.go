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
	// Count is the number of samples, metrics, labels or lines of metadata
	// concerned; 1 where the kind is about the name of the family.
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

// maxLabelValues is the number of values of one label in a family of a push
// beyond which they become a notice.
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
		if mixed != 0 {
			if q, u := unitOf(f.Name); mixed&(1<<q) != 0 && u != 0 {
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

// mixedQuantities returns the set of quantities that the families have in several
// units.
func mixedQuantities(families []Family) (mixed uint32) {
	var first [quantities]int // unit, plus one
	for i := range families {
		q, u := unitOf(families[i].Name)
		switch {
		case q == noQuantity:
		case first[q] == 0:
			first[q] = u + 1
		case first[q] != u+1:
			mixed |= 1 << q
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

// A quantity is measured in units.
const (
	noQuantity = iota
	quantityTime
	quantityInformation
	quantityTemperature
	quantityLength
	quantityMass
	quantityEnergy
	quantityTension
	quantityCurrent
	quantityRatio
	quantities // one more than there are
)

// units are those of each quantity, with Prometheus' base unit first.
var units = [quantities][]string{
	quantityTime:        {"seconds", "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks"},
	quantityInformation: {"bytes", "bits", "kilobytes", "megabytes", "gigabytes", "kibibytes", "mebibytes", "gibibytes"},
	quantityTemperature: {"celsius", "kelvin", "kelvins", "fahrenheit"},
	quantityLength:      {"meters", "metres", "kilometers", "centimeters", "millimeters", "inches", "miles", "feet"},
	quantityMass:        {"grams", "kilograms", "milligrams", "tonnes", "pounds", "ounces"},
	quantityEnergy:      {"joules", "kilojoules", "calories", "kilocalories"},
	quantityTension:     {"volts", "millivolts", "kilovolts"},
	quantityCurrent:     {"amperes", "milliamperes"},
	quantityRatio:       {"ratio", "percent"},
}

// unit is a place in units.
type unit struct{ quantity, unit int }

// unitNamed finds a unit by its name.
var unitNamed = func() map[string]unit {
	named := map[string]unit{}
	for q := range units {
		for u, name := range units[q] {
			named[name] = unit{q, u}
		}
	}
	return named
}()

// unitLengths are the lengths of units by their last byte, one bit each: most words
// that end a name are none, and a look shows it.
var unitLengths = func() (lengths [256]uint32) {
	for name := range unitNamed {
		lengths[name[len(name)-1]] |= 1 << len(name)
	}
	return lengths
}()

// unitOf returns the quantity and the unit, as its place in units, that a metric name
// ends with, not counting _total.
func unitOf(name string) (quantity, unit int) {
	name = strings.TrimSuffix(name, "_total")
	cut := strings.LastIndexByte(name, '_')
	if cut <= 0 || len(name) == cut+1 {
		return noQuantity, 0
	}
	word := name[cut+1:]
	if unitLengths[word[len(word)-1]]>>len(word)&1 == 0 {
		return noQuantity, 0
	}
	u := unitNamed[word]
	return u.quantity, u.unit
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
