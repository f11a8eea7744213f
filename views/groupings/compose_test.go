package groupings

import (
	"strings"
	"testing"
)

func TestTheOutcomeOfAPushIsASentence(t *testing.T) {
	for want, o := range map[string]Outcome{
		"Would add 1 family; the grouping then has 1 series.":                               {Added: 1, Series: 1},
		"Would replace 3 families, add 1 and remove 2; the grouping then has 1,014 series.": {Replaced: 3, Added: 1, Removed: 2, Series: 1014, Exists: true},
		"Would add 2 families and keep 1; the grouping then has 3 series.":                  {Added: 2, Kept: 1, Series: 3, Merge: true, Exists: true},
		"Would remove 1 family; the grouping then has 0 series.":                            {Removed: 1, Exists: true},
		"Would leave the grouping without metrics.":                                         {Exists: true},
		"Would change no family, only the time of the push.":                                {Kept: 4, Series: 9, Merge: true, Exists: true},
		"Would create a grouping without metrics.":                                          {Merge: true},
	} {
		if got := o.String(); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
}

func TestTheGutterNumbersEveryLineOnce(t *testing.T) {
	c := Compose{Text: strings.Repeat("x\n", 30), Verdict: Verdict{Mistakes: []Mistake{{Line: 31}, {Line: 2}, {Field: "job"}, {Line: 3}, {Line: 2}}}}
	var all, wrong string
	for _, n := range c.gutter() {
		all += n.text
		if n.wrong {
			wrong += n.text
		}
	}
	if want := numbersOf(1, 31+spareLines); all != want {
		t.Errorf("got %q, want %q", all, want)
	}
	if wrong != "2\n3\n31\n" {
		t.Errorf("marked %q", wrong)
	}
	if c.rows() != "31" || (Compose{}).rows() != "16" {
		t.Errorf("%s and %s rows", c.rows(), Compose{}.rows())
	}
}
