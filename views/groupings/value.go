package groupings

import (
	"math"
	"strings"
	"time"

	"gatehouse/views/ui"
)

// Value is the value of a sample as people read it.
type Value struct {
	Short   string    // rounded to what fits into a table
	Full    string    // exactly as it was pushed; empty: Short is exact
	Reading string    // in the unit of its name; empty: none
	Time    time.Time // for points in time, instead of Reading
}

// unit is the unit of values by the name of their family.
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
	short, full := ui.ShortNumber(v), ui.FullNumber(v)
	value := Value{Short: short}
	if strings.ReplaceAll(short, ",", "") != full {
		value.Full = full
	}
	switch u := unitOf(family); {
	case u == unitMoment && v >= firstMoment && v <= lastMoment:
		whole, fraction := math.Modf(v)
		value.Time = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	case u == unitMoment || u == unitDuration:
		value.Reading = ui.Duration(v)
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
		if text = ui.Duration(v); text == "" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			text = ui.Significant(v, 3) + " s"
		}
	case unitSize:
		if text = sizeText(v); text == "" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			text = ui.Significant(v, 3) + " B"
		}
	}
	if text == "" {
		text = ui.Significant(v, 3)
	}
	return text
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
	return ui.Significant(v, 3) + " " + units[n]
}
