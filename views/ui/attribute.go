package ui

import "strconv"

// Current is the value of aria-current.
func Current(is bool) string {
	if is {
		return "page"
	}
	return "false"
}

// TrueOrFalse is the value of an attribute that is true or false.
func TrueOrFalse(is bool) string { return strconv.FormatBool(is) }
