package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Number writes a number as people read it.
func Number(n int) string { return withCommas(strconv.Itoa(n)) }

// CountOf is a number of things in words.
func CountOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Size writes a number of bytes that was measured.
func Size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Limit writes a number of bytes that somebody chose, exactly if it is a round
// one.
func Limit(n int64) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := int64(1) << (30 - 10*i); n >= size && n%size == 0 {
			return Number(int(n/size)) + " " + unit
		}
	}
	return Size(n)
}

// FullNumber is a number with all its digits.
func FullNumber(v float64) string {
	if a := math.Abs(v); a >= 1e15 || a != 0 && a < 1e-6 {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// ShortNumber keeps six significant digits, and all of a whole number.
func ShortNumber(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.TrimSuffix(fmt.Sprintf("%+f", v), "inity")
	case v == math.Trunc(v) && a < 1e15:
		return withCommas(strconv.FormatFloat(v, 'f', -1, 64))
	case a >= 1e15 || a < 1e-4:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case a >= 1e6:
		return withCommas(strconv.FormatFloat(v, 'f', 1, 64))
	}
	return withCommas(Significant(v, 6))
}

// Significant rounds to so many digits, without zeros at the end.
func Significant(v float64, digits int) string {
	a := math.Abs(v)
	if math.IsInf(v, 0) || math.IsNaN(v) || a != 0 && (a < 1e-4 || a >= 1e6) {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// withCommas groups the digits before the point.
func withCommas(s string) string {
	whole, fraction := s, ""
	if point := strings.IndexByte(s, '.'); point >= 0 {
		whole, fraction = s[:point], s[point:]
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + fraction
}
