package groupings

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/views/ui"
)

// Compose is the page on which people write a push.
type Compose struct {
	ui.Frame
	// Blind: nothing is to be said of what is held. Pushed: a push was taken, just
	// now, of which there is no more to be seen.
	Blind, Pushed bool
	ID            string   // of the grouping that is pushed again; empty: none
	Notes         []string // remarks on the text, in whole sentences
	Job           string
	Labels        []Label // rows to be filled in; some are empty
	Merge         bool    // the families that the push lacks stay
	TTL           string
	Usual         string // the time to live without a TTL; empty: the grouping stays
	Text          string
	Most          int // bytes that the text may have
	// Returned: the form was sent and comes back. Failure is why the push that
	// was tried failed; empty: none was. Unsure: it may still come into effect.
	Returned, Unsure bool
	Failure          string
	Verdict
}

// Verdict is the server's answer to a push before it is made.
type Verdict struct {
	Mistakes []Mistake
	More     bool       // there may be more mistakes than these
	Conflict *ui.Reason // with what is held; nil: none
	Outcome  *Outcome   // the effect of the push; nil: unknown
	Fine     bool       // it would be taken, and no more is to be said
	Address  string     // where the push goes; empty: the key is none
	Command  string     // that does the same
}

// Mistake is something that is wrong with a push and where.
type Mistake struct {
	Line  int    // of the text; 0: it is elsewhere
	Field string // the id of what has to be put right
	Place string // its name for people
	Text  string
}

// Outcome is the effect that a push would have on its grouping.
type Outcome struct {
	Added, Replaced, Removed, Kept, Series int       // families, and the series afterwards
	Merge, Exists                          bool      // the grouping is there already
	Pushed                                 time.Time // the last time
}

// minLines is the minimum height of the editor in lines, spareLines how many
// more it numbers for people who write on without a script.
const (
	minLines   = 16
	spareLines = 100
)

func (c Compose) lines() int { return strings.Count(c.Text, "\n") + 1 }

// rows is the height of the editor in lines.
func (c Compose) rows() string { return strconv.Itoa(max(minLines, c.lines())) }

// lineNumbers are numbers of lines below each other.
type lineNumbers struct {
	text  string
	wrong bool
}

// gutter numbers the lines, with those apart that are wrong.
func (c Compose) gutter() []lineNumbers {
	var wrong []int
	for _, m := range c.Mistakes {
		if m.Line > 0 {
			wrong = append(wrong, m.Line)
		}
	}
	slices.Sort(wrong)
	wrong = slices.Compact(wrong)
	last := max(minLines, c.lines()) + spareLines
	var parts []lineNumbers
	from := 1
	for _, line := range wrong {
		parts = append(parts, lineNumbers{numbersOf(from, line-1), false}, lineNumbers{numbersOf(line, line), true})
		from = line + 1
	}
	return append(parts, lineNumbers{numbersOf(from, last), false})
}

func numbersOf(from, to int) string {
	var b []byte
	for n := from; n <= to; n++ {
		b = append(strconv.AppendInt(b, int64(n), 10), '\n')
	}
	return string(b)
}

// problemOf returns the problem of an input; empty: none.
func (v Verdict) problemOf(field string) string {
	for _, m := range v.Mistakes {
		if m.Field == field && m.Line == 0 {
			return m.Text
		}
	}
	return ""
}

// headline sums up what is wrong.
func (v Verdict) headline() string {
	switch {
	case v.Conflict != nil:
		return "This push would be refused"
	case v.More:
		return "At least " + strconv.Itoa(len(v.Mistakes)) + " problems to fix"
	}
	return ui.CountOf(len(v.Mistakes), "problem to fix", "problems to fix")
}

func labelField(i int) string { return "label-" + strconv.Itoa(i+1) }

// String says what the push would do.
func (o Outcome) String() string {
	if o.Merge && o.Added+o.Replaced == 0 {
		if o.Exists {
			return "Would change no families, only the push time."
		}
		return "Would create a grouping without metrics."
	}
	var parts []string
	part := func(n int, verb string) {
		if n == 0 {
			return
		}
		text := verb + " " + ui.Number(n)
		if len(parts) == 0 {
			text = verb + " " + ui.CountOf(n, "family", "families")
		}
		parts = append(parts, text)
	}
	part(o.Replaced, "replace")
	part(o.Added, "add")
	part(o.Removed, "remove")
	if len(parts) == 0 {
		return "Would leave the grouping without metrics."
	}
	if o.Merge {
		part(o.Kept, "keep")
	}
	last := len(parts) - 1
	text := parts[last]
	if last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + text
	}
	return "Would " + text + "; the grouping then has " + seriesCount(o.Series) + "."
}
