package main

import (
	"slices"
	"testing"
)

func TestArrowsAgainstAGoodOrderRunUp(t *testing.T) {
	arrows := func(pairs ...string) map[string]map[string]bool {
		uses := map[string]map[string]bool{}
		for _, pair := range pairs {
			from, to := pair[:1], pair[1:]
			if uses[from] == nil {
				uses[from] = map[string]bool{}
			}
			uses[from][to] = true
		}
		return uses
	}
	for _, test := range []struct {
		name    string
		uses    map[string]map[string]bool
		all, up int
	}{
		{"nothing", arrows(), 0, 0},
		{"a chain", arrows("ab", "bc", "ac"), 3, 0},
		{"two that use each other", arrows("ab", "ba"), 2, 1},
		{"a ring", arrows("ab", "bc", "ca"), 3, 1},
		{"a chain with one back", arrows("ab", "bc", "cd", "ad", "da"), 5, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if all, up := count(test.uses); all != test.all || up != test.up {
				t.Errorf("count(%v) = %d, %d, want %d, %d", test.uses, all, up, test.all, test.up)
			}
		})
	}
}

func TestAWayCountsEachFunctionOnce(t *testing.T) {
	functions, files, moves := walk([]string{"a.go f", "b.go g", "a.go h", "b.go g", "a.go f", "a.go i"})
	if !slices.Equal(functions, []string{"a.go f", "b.go g", "a.go h", "a.go i"}) || files != 2 || moves != 3 {
		t.Errorf("walk = %q, %d files, %d moves", functions, files, moves)
	}
}
