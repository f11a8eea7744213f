package views

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Value is the value of a sample as people read it.
type Value struct {
	Short   string    // rounded to what fits into a table
	Full    string    // exactly as it was pushed; empty: Short is exact
	Reading string    // in the unit that the name tells; empty: none
	Time    time.Time // for points in time, instead of Reading
}

// unit is what the name of a family says about its values.
type unit int

const (
	unitPlain unit = iota
	unitMoment
	unitDuration
	unitSize
)

// unitOf reads the unit off a name. A total has that of what it counts.
func unitOf(family string) unit {
	name := strings.TrimSuffix(family, "_total")
	switch {
	case strings.HasSuffix(name, "_timestamp_seconds"), strings.HasSuffix(name, "_time_seconds"):
		return unitMoment
	case strings.HasSuffix(name, "_seconds"):
		return unitDuration
	case strings.HasSuffix(name, "_bytes"):
		return unitSize
	}
	return unitPlain
}

// Seconds since 1970 that are taken for points in time: from 1973 to 9999. What
// is less counts how long something took.
const (
	firstMoment = 1e8
	lastMoment  = 253402300799
)

// NewValue puts a value of a family into words.
func NewValue(family string, v float64) Value {
	short, full := shortNumber(v), fullNumber(v)
	value := Value{Short: short}
	if strings.ReplaceAll(short, ",", "") != full {
		value.Full = full
	}
	switch u := unitOf(family); {
	case u == unitMoment && v >= firstMoment && v <= lastMoment:
		whole, fraction := math.Modf(v)
		value.Time = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	case u == unitMoment || u == unitDuration:
		value.Reading = durationText(v)
	case u == unitSize:
		value.Reading = sizeText(v)
	}
	return value
}

// Approximate is an estimated value of a family, in its unit if it has one.
func Approximate(family string, v float64) string {
	text := ""
	switch unitOf(family) {
	case unitMoment, unitDuration:
		if text = durationText(v); text == "" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			text = significant(v, 3) + " s"
		}
	case unitSize:
		if text = sizeText(v); text == "" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			text = significant(v, 3) + " B"
		}
	}
	if text == "" {
		text = significant(v, 3)
	}
	return text
}

// fullNumber is a number with all its digits.
func fullNumber(v float64) string {
	if a := math.Abs(v); a >= 1e15 || a != 0 && a < 1e-6 {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// shortNumber keeps six digits behind which nobody looks first, and all of a
// whole number.
func shortNumber(v float64) string {
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
	return withCommas(significant(v, 6))
}

// significant rounds to so many digits, without zeros at the end.
func significant(v float64, digits int) string {
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

// sizeText is a number of bytes in a larger unit; empty: there is none.
func sizeText(v float64) string {
	a := math.Abs(v)
	if !(a >= 1024) || math.IsInf(v, 0) {
		return ""
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	n := 0
	for v /= 1024; math.Abs(v) >= 1024 && n < len(units)-1; n++ {
		v /= 1024
	}
	return significant(v, 3) + " " + units[n]
}

// longestDuration is about three million years; beyond it nobody counts days.
const longestDuration = 1e14

// durationText is a number of seconds in other units; empty: seconds say it
// best.
func durationText(v float64) string {
	sign, a := "", math.Abs(v)
	if v < 0 {
		sign = "−"
	}
	switch {
	case !(a < longestDuration) || a == 0 || a < 1e-9:
		return ""
	case a < 1e-6:
		return sign + significant(a*1e9, 3) + " ns"
	case a < 1e-3:
		return sign + significant(a*1e6, 3) + " µs"
	case a < 1:
		return sign + significant(a*1e3, 3) + " ms"
	case a < 60:
		return ""
	case a < 3600:
		return sign + twoUnits(a, 60, "m", 1, "s")
	case a < 86400:
		return sign + twoUnits(a, 3600, "h", 60, "m")
	}
	return sign + twoUnits(a, 86400, "d", 3600, "h")
}

// twoUnits splits seconds into a larger unit and, unless nothing is left, a
// smaller one.
func twoUnits(v, large float64, largeName string, small float64, smallName string) string {
	steps := math.Round(v / small)
	perLarge := large / small
	whole := math.Floor(steps / perLarge)
	text := withCommas(strconv.FormatFloat(whole, 'f', 0, 64)) + " " + largeName
	if rest := steps - whole*perLarge; rest > 0 {
		text += " " + strconv.FormatFloat(rest, 'f', 0, 64) + " " + smallName
	}
	return text
}
