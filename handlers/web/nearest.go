package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/spelling"
)

// What Nearest finds.
const (
	MaxSuggested = 256 // bytes of a value that is suggested
	maxNearest   = 3   // values that may have been meant
	maxTypos     = 2   // characters in which they differ
)

// Nearest are the values that are spelt most like the one that is asked for,
// the most frequent first; none if there is that one.
func Nearest(counts map[string]int, asked string) []string {
	if counts[asked] > 0 || len(asked) > MaxSuggested {
		return nil
	}
	asked = strings.ToLower(asked)
	distances := map[string]int{}
	for value := range counts {
		lower := strings.ToLower(value)
		switch d := spelling.Distance([]rune(asked), []rune(lower), maxTypos); {
		case d <= maxTypos && d < utf8.RuneCountInString(asked):
			distances[value] = d
		case strings.Contains(lower, asked), len(lower) > maxTypos && strings.Contains(asked, lower):
			distances[value] = maxTypos + 1
		}
	}
	values := slices.SortedFunc(maps.Keys(distances), func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	return values[:min(len(values), maxNearest)]
}
