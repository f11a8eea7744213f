package groupings

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhatIsMeantIsSaidInWords(t *testing.T) {
	for query, want := range map[string]string{
		"":                               "all groupings",
		"rows=50&sort=-series&after=x":   "all groupings",
		"q=a+b":                          `contains "a b"`,
		"m=a%3D%221%22&m=b!%3D%222%22":   `{a="1",b!="2"}`,
		"m=a%3D%221%22&state=old&q=x":    `{a="1"}, contains "x", state old`,
		"state=stale&idle=5m":            "state stale, not pushed for 5m",
		"id=x&q=whatever":                "selected groupings",
		"by=id":                          "selected groupings",
		"id=x&idle=90m":                  "selected groupings, not pushed for 1h30m",
		"q=" + strings.Repeat("x", 1024): `contains "` + strings.Repeat("x", 1000-len(`contains "`)) + "…",
	} {
		q, err := url.ParseQuery(query)
		must(t, err)
		s, err := readSelection(q, maxLinkedIDs, time.Now())
		must(t, err)
		if s.String() != want {
			t.Errorf("%s is %s, want %s", query, s.String(), want)
		}
		again, err := readSelection(s.values(), maxLinkedIDs, s.at)
		if err != nil || again.String() != want || again.everything() != s.everything() {
			t.Errorf("%s becomes %s, %v", query, again.String(), err)
		}
	}
}

func TestTheNumberIsTakenHoweverItIsTyped(t *testing.T) {
	for typed, want := range map[string]bool{"1030": true, "1,030": true, " 1 030 ": true, "1.030": true, "1'030": true, "103": false, "": false, "1030x": false, "-1030": false} {
		if confirms(typed, 1030) != want {
			t.Errorf("%q is taken: %t", typed, !want)
		}
	}
}

func FuzzAnySelectionIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"", "id=x&id=y", "by=id", "m=a%3D%221%22&state=old&q=x+y", "idle=5m", "idle=9999999999y", "m=%7B", "state=x", "id=%ff&m=a%3D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		s, err := readSelection(q, 5, time.Now())
		if err != nil {
			return
		}
		if len(s.ids) > 5 || s.bad != "" || s.idle < 0 {
			t.Errorf("%q is read as %+v", query, s)
		}
		again, err := readSelection(s.values(), 5, s.at)
		if err != nil || again.String() != s.String() || again.everything() != s.everything() {
			t.Errorf("%q is %s, then %s, %v", query, s.String(), again.String(), err)
		}
	})
}
