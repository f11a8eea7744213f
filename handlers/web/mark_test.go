package web

import "testing"

func FuzzParseMark(f *testing.F) {
	for _, s := range []string{"", ".", "e.7", "e.07", "e.+7", "e.18446744073709551615", "e.18446744073709551616", "a.b.1", ".0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := ParseMark(s)
		if ok && m.String() != s {
			t.Errorf("%q became %q", s, m)
		}
		again, ok := ParseMark(Mark{Epoch: m.Epoch, Changes: m.Changes}.String())
		if !ok || again != m {
			t.Errorf("%v became %v", m, again)
		}
	})
}
