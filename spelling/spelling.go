// Package spelling compares how words are spelt.
package spelling

// Distance returns how many letters have to be put in, left out, replaced or
// swapped with their neighbour to make b of a; anything above most if it is more
// than that. Only the cells around the diagonal are looked at that can be part of
// so few changes.
func Distance(a, b []rune, most int) int {
	if abs(len(a)-len(b)) > most {
		return most + 1
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		left, right := max(1, i-most), min(len(b), i+most)
		row[left-1] = most + 1
		if left == 1 {
			row[0] = i
		}
		for j := left; j <= right; j++ {
			row[j] = min(above[j-1]+cost(a[i-1], b[j-1]), row[j-1]+1)
			if j < i+most { // else it is outside of the row above
				row[j] = min(row[j], above[j]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func cost(a, b rune) int {
	if a == b {
		return 0
	}
	return 1
}

func abs(n int) int { return max(n, -n) }
