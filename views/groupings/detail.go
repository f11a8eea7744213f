package groupings

import (
	"slices"
	"strconv"
	"time"

	"gatehouse/views/ui"
)

// Grouping is the page of one grouping.
type Grouping struct {
	ui.Frame
	ID           string // in addresses
	Labels       []Label
	State        string
	Pushed       time.Time     // zero: never
	Pusher       ui.Client     // of that push
	Expires      time.Time     // zero: never
	Refusal      *Refusal      // of the last push; nil: it was accepted
	PushInterval time.Duration // how often it is pushed; 0: not known
	Overdue      bool          // there should have been a push

	Families, Series, Bytes int
	Copies                  []Copy
	Notices                 []Notice

	Search string   // for families
	List   []Family // of this page
	Pages  ui.Pages // of the list, or of the samples of the only family
	Alone  bool     // the page is about the only family of the list
	// Withheld says that the samples are on pages of their own.
	Withheld bool

	View    string // "": the metrics; "history" or "raw"
	History []Push // newest first
	Raw     string // its content, as in scrapes
	Cut     bool   // Raw is only the beginning of that
}

// Label is a label in full.
type Label struct{ Name, Value string }

// openNotices is how many notices the page shows unfolded.
const openNotices = 5

// Notice is something odd about a family, although it was accepted.
type Notice struct {
	Family, Text string
	Anchor       string // of its kind on the page that explains notices
}

// Refusal is a push that was refused.
type Refusal struct {
	At     time.Time
	Reason ui.Reason
}

// Copy is a text to be copied.
type Copy struct {
	ID, Name, Text string
	Quick          bool // has a button at the top
}

// Family is a metric family of a grouping.
type Family struct {
	Name, Type, Help string
	Series           int
	Hidden           int // of them are left out of scrapes
	Changed          time.Time
	URL              string // of its own page
	Open             bool
	FromKey          []Label  // labels of all samples, from the grouping
	Samples          []Sample // none: they are on the family's own page
}

// Sample is the part of a family under one set of labels: a value, a summary or
// a histogram.
type Sample struct {
	Name      string  // where it is not that of the family
	Labels    []Label // without those of the grouping
	Value     Value
	Summary   *Summary
	Histogram *Distribution
}

// Summary is a summary as its client made it.
type Summary struct {
	Count, Sum float64
	Quantiles  []Quantile
}

// Quantile is one of a summary.
type Quantile struct {
	Rank  string
	Value Value
}

// composites returns the samples that are summaries or histograms.
func (f Family) composites() []Sample {
	return slices.DeleteFunc(slices.Clone(f.Samples), func(s Sample) bool { return s.Summary == nil && s.Histogram == nil })
}

// values returns the samples that are single values.
func (f Family) values() []Sample {
	return slices.DeleteFunc(slices.Clone(f.Samples), func(s Sample) bool { return s.Summary != nil || s.Histogram != nil })
}

// single reports whether the family is one value without labels of its own: it
// needs no table.
func (f Family) single() bool {
	return f.Series == 1 && len(f.Samples) == 1 && len(f.values()) == 1 && f.Samples[0].Name == "" && len(f.Samples[0].Labels) == 0
}

// seriesCount is a number of series in words.
func seriesCount(n int) string { return ui.CountOf(n, "series", "series") }

// average is the mean of observations in words.
func average(family string, sum, count float64) string {
	if count == 0 {
		return "–"
	}
	return Approximate(family, sum/count)
}

// labelTitle lists labels for a title.
func labelTitle(labels []Label) string {
	text := ""
	for i, l := range labels {
		if i > 0 {
			text += ", "
		}
		text += l.Name + "=" + strconv.Quote(l.Value)
	}
	return text
}
