// Package exposition turns what clients push into encoded metric families and
// encoded metric families into what scrapers read: the text format 0.0.4 and
// 1.0.0, OpenMetrics 1.0 and delimited protobuf.
//
// Everything is encoded once, when it is pushed. The canonical form is the
// sample line of the text formats, which is the same in all of them:
//
//	name{label="value",…} value\n
//	{"na.me","la.bel"="value",…} value\n
//
// Labels are sorted by name, the label names of one line differ, and a line
// holds neither timestamp nor exemplar. The lines of one histogram or summary
// stand together: buckets or quantiles in ascending order, with bounds that are
// plain decimal numbers, then _sum, then _count. Behind them come the lines that
// its type can't express (see Chunk.Loose).
//
// The lines are those that were pushed: nothing is added that a scrape of the
// same body would not find.
package exposition

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Type is the type of a metric family. The zero value is Untyped.
type Type uint8

// The types of the text format; OpenMetrics' unknown is Untyped, its info and
// stateset are Gauge.
const (
	Untyped Type = iota
	Counter
	Gauge
	Summary
	Histogram
	GaugeHistogram
)

var typeNames = [...]string{"untyped", "counter", "gauge", "summary", "histogram", "gaugehistogram"}

// String returns the type as a TYPE comment of the text format spells it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Label is one label of a series or a grouping.
type Label struct{ Name, Value string }

// CompareLabels orders labels by name, then by value.
func CompareLabels(a, b Label) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}

// SortLabels sorts labels by name, in place.
func SortLabels(ls []Label) { slices.SortFunc(ls, CompareLabels) }

// Chunk is the encoded samples that one grouping has of one metric family. It
// is immutable. Scrapes go through one for each family of each grouping, so it is
// small.
type Chunk struct {
	// Text holds the sample lines in the package's canonical form.
	Text []byte
	// Proto holds the family's regular metrics as encoded `metric` fields (number
	// 4) of io.prometheus.client.MetricFamily, ready to be appended to the encoded
	// rest of such a message. It is nil where Text says it all; it is kept for
	// native histograms, exemplars, created timestamps and the like.
	Proto []byte
	// Series is the number of sample lines in Text.
	Series int
	// Loose is the number of bytes at the end of Text whose lines a protobuf
	// message of the family's type can't express: they stand under the type in
	// the text formats only. The text before them is regular: whole, consistent
	// histograms and summaries.
	Loose uint32
	// UntypedIn names the formats in which the lines can't stand under the
	// family's type, because their readers would refuse the whole scrape.
	UntypedIn FormatSet
	// UTF8 says that a metric or label name in Text is not a legacy name, so
	// that the lines depend on the escaping scheme asked for.
	UTF8 bool
}

// regular returns the text that a message of the family's type expresses.
func (c *Chunk) regular() []byte { return c.Text[:len(c.Text)-int(c.Loose)] }

// loose returns the rest of the text.
func (c *Chunk) loose() []byte { return c.Text[len(c.Text)-int(c.Loose):] }

// LooseLines takes apart the lines that Metrics leaves out. The yielded line is
// valid until the next one.
func (c *Chunk) LooseLines() iter.Seq[*Line] { return Lines(c.loose()) }

// FormatSet is a set of formats in which a family's samples can't have its type.
type FormatSet uint8

const (
	// InText is the text format as expfmt reads it: counts are not negative, and
	// the bounds of buckets and quantiles are numbers.
	InText FormatSet = 1 << iota
	// InStrict is OpenMetrics 1.0 by the letter, as its reference parser reads it.
	InStrict
)

// Family is the part of a metric family that one push brings.
type Family struct {
	Name string
	Type Type
	Help string
	Unit string // as OpenMetrics and protobuf may name it
	Chunk
	// Of names the histogram or summary some of whose samples these are, if that
	// overlaps with another family of the push and so is none itself.
	Of string
	// Notices are the oddities of the family, by kind.
	Notices []Notice
}

// Reason says, in one word of a closed list, why a push was refused. It is
// the value of a label of the server's own metrics.
type Reason string

// The reasons that lie in the body of a push.
const (
	ReasonSyntax    Reason = "syntax"    // the body does not follow its format
	ReasonName      Reason = "name"      // a metric or label name is invalid or reserved
	ReasonValue     Reason = "value"     // a label value or HELP is invalid
	ReasonTimestamp Reason = "timestamp" // a sample has a timestamp
	ReasonDuplicate Reason = "duplicate" // a series is there twice
	ReasonType      Reason = "type"      // a sample or family does not fit its type
	ReasonLimit     Reason = "limit"     // the push is larger than a limit allows
)

// Error says what is wrong with a pushed body, in one line made for the
// client: it quotes only what the client sent.
type Error struct {
	Reason Reason
	Line   int // of a text body, from 1; 0 where lines mean nothing
	Detail string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Detail)
	}
	return e.Detail
}

// Options says how pushed metrics are decoded.
type Options struct {
	// Grouping holds the grouping's labels, sorted by name, none empty. They
	// override labels of the same name in the body. With any, `instance=""` is
	// added to series that have no instance label.
	Grouping []Label
	// UTF8Names allows metric and label names of any valid UTF-8.
	UTF8Names bool
	// MaxSeries bounds the sample lines of one push; 0: no bound.
	MaxSeries int
	// Take is called before the push takes n more bytes of memory, each sample with the
	// grouping's labels; small pushes don't call it. Its error ends the decoding and is
	// returned as it is. nil: there is no bound but those of Decode.
	Take func(n int64) error
}
