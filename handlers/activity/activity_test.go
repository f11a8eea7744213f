package activity

import (
	"slices"
	"testing"
	"time"

	"gatehouse/store"
)

func TestPointsInTimeAreRead(t *testing.T) {
	for text, want := range map[string]struct {
		at     string
		length time.Duration
	}{
		"2026-01-31T18:40":          {"2026-01-31T18:40:00Z", time.Minute},
		"2026-01-31T18:40:07":       {"2026-01-31T18:40:07Z", time.Second},
		"2026-01-31":                {"2026-01-31T00:00:00Z", 24 * time.Hour},
		"2026-01-31T18:40:07+02:00": {"2026-01-31T16:40:07Z", time.Second},
		"2026-01-31T18:40:07Z":      {"2026-01-31T18:40:07Z", time.Second},
	} {
		at, length, err := parseMoment(text)
		if err != nil || at.Format(time.RFC3339) != want.at || length != want.length {
			t.Errorf("%s: %v %v %v", text, at, length, err)
		}
	}
	for _, text := range []string{"2026", "now", "1969-12-31", "2200-01-01", "2026-02-30", "18:40", "2026-01-31T25:00", "2026-01-31T18:40:07.5555555555555555555Z"} {
		if at, _, err := parseMoment(text); err == nil {
			t.Errorf("%s: %v", text, at)
		}
	}
}

func FuzzPointsInTime(f *testing.F) {
	for _, text := range []string{"", "2026-01-31T18:40", "2026-01-31", "2026-01-31T18:40:07+02:00", "x", "9999-99-99"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, length, err := parseMoment(text)
		if err == nil && text != "" && (at.Year() < 1969 || at.Year() > 2200 || length <= 0) {
			t.Errorf("%q: %v, %v", text, at, length)
		}
	})
}

func TestEveryKindOfEntryIsInOneGroup(t *testing.T) {
	for _, kind := range []store.EntryKind{
		store.EntryDelete, store.EntryWipe, store.EntryExpiry, store.EntryUndo, store.EntryImport, store.EntryRefusal, store.EntryDenial,
		store.EntrySignIn, store.EntrySignOut, store.EntryTokenCreate, store.EntryTokenRotate, store.EntryTokenRevoke,
	} {
		in := 0
		for _, g := range kindGroups {
			if slices.Contains(g.kinds, kind) {
				in++
			}
		}
		if in != 1 || !slices.Equal(kindsNamed(string(kind)), []store.EntryKind{kind}) {
			t.Errorf("%s is in %d groups, and stands for %q", kind, in, kindsNamed(string(kind)))
		}
	}
}

func TestHowLongEntriesAreKeptIsSaidInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "the last 100,000 are kept", 24 * time.Hour: "kept for 1 day", 90 * 24 * time.Hour: "kept for 90 days", 36 * time.Hour: "kept for 1 d 12 h",
	} {
		if got := Kept(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
