package spelling

import "testing"

func TestSpellingIsComparedAsTheLongWayDoes(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "ab", 2},
		{"prod", "prod", 0},
		{"prdo", "prod", 1},
		{"rpdo", "prod", 2},
		{"prod", "pod", 1},
		{"prod", "prodd", 1},
		{"prod", "stg", 4},
		{"größe", "grösse", 2},
		{"abc", "abcdef", 3},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3}, // what was swapped is not changed again
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			a, b := []rune(pair[0]), []rune(pair[1])
			if got, far := min(Distance(a, b, 2), 3), Distance(a, b, 9); got != min(test.want, 3) || far != test.want {
				t.Errorf("%q and %q: %d and %d, want %d", pair[0], pair[1], got, far, test.want)
			}
		}
	}
}

func FuzzSpellingIsComparedAsTheLongWayDoes(f *testing.F) {
	f.Add("prod", "prdo")
	f.Add("", "ab")
	f.Add("abab", "baba")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 200 {
			return
		}
		x, y := []rune(a), []rune(b)
		far := longDistance(x, y)
		for _, most := range []int{0, 1, 2, 5, 200} {
			if got, want := Distance(x, y, most), min(far, most+1); min(got, most+1) != want {
				t.Errorf("%q and %q up to %d: %d, want %d", a, b, most, got, want)
			}
		}
	})
}

// longDistance looks at every cell.
func longDistance(a, b []rune) int {
	cells := make([][]int, len(a)+1)
	for i := range cells {
		cells[i] = make([]int, len(b)+1)
		for j := range cells[i] {
			switch {
			case i == 0 || j == 0:
				cells[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				cells[i][j] = cells[i-1][j-1]
			default:
				cells[i][j] = 1 + min(cells[i-1][j-1], cells[i-1][j], cells[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cells[i][j] = min(cells[i][j], cells[i-2][j-2]+1)
			}
		}
	}
	return cells[len(a)][len(b)]
}
