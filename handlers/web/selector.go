package web

import (
	"strconv"
	"strings"
)

// MatcherProblem says what is wrong with a matcher, given the error of the selector
// of which it is a part, and at which of its bytes it begins.
func MatcherProblem(err error, matcher string, offset int) string {
	_, problem, found := strings.Cut(err.Error(), `": `)
	if !found {
		return err.Error()
	}
	at, text, found := strings.Cut(problem, ": parse error: ")
	if !found {
		return problem
	}
	_, column, _ := strings.Cut(at, ":")
	n, err := strconv.Atoi(column)
	if n -= offset; err != nil || n <= 0 {
		return text
	}
	if n > len(matcher) { // the brace is ours
		text = strings.Replace(text, `unexpected "}"`, "unexpected end", 1)
	}
	return text + " at " + strconv.Itoa(n)
}
