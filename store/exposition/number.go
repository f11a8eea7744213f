package exposition

import (
	"math"
	"strconv"
)

// A plain spelling of at most this many digits means one float64 exactly, so it
// can be kept as it is.
const plainDigits = 15

var powersOfTen = [plainDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// number is the value of a sample together with a spelling of it that may be
// kept. Without one it is written as appendFloat does.
type number struct {
	float float64
	text  []byte
}

func (n number) append(dst []byte) []byte {
	if n.text != nil {
		return append(dst, n.text...)
	}
	return appendFloat(dst, n.float)
}

// appendFloat writes a float as canonical lines have it.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case f == 0:
		return append(dst, '0') // also for -0
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f > 0 {
			return append(dst, "+Inf"...)
		}
		return append(dst, "-Inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// parseNumber reads a sample value. Short plain decimals keep their spelling.
func parseNumber(b []byte) (number, bool) {
	if f, ok := plainNumber(b); ok {
		return number{f, b}, true
	}
	f, ok := parseFloat(b)
	return number{float: f}, ok
}

// plainNumber reads decimals such as 12, -0.5 and 1.50: digits on both sides of
// the point, no superfluous zeros in front, few enough digits to be exact.
func plainNumber(b []byte) (float64, bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, negative = 1, true
	}
	start, point := i, -1
	var mantissa uint64
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
		if i-start > plainDigits {
			return 0, false
		}
	}
	whole, fraction := i-start, 0
	if point >= 0 {
		whole, fraction = point-start, i-point-1
		if fraction == 0 {
			return 0, false
		}
	}
	if whole == 0 || whole > 1 && b[start] == '0' || whole+fraction > plainDigits || negative && mantissa == 0 {
		return 0, false
	}
	f := float64(mantissa) / powersOfTen[fraction]
	if negative {
		f = -f
	}
	return f, true
}

// parseFloat reads what Go reads, but neither hexadecimal floats nor
// underscores, which no other reader of the format knows.
func parseFloat(b []byte) (float64, bool) {
	for _, c := range b {
		switch c {
		case '_', 'x', 'X', 'p', 'P':
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// parseBound reads the value of an `le` or `quantile` label. canonical says
// that b is spelled as appendFloat spells it.
func parseBound(b []byte) (f float64, canonical, ok bool) {
	if f, ok := plainNumber(b); ok && shortestSpelling(b) {
		return f, true, true
	}
	if string(b) == "+Inf" {
		return math.Inf(1), true, true
	}
	f, err := strconv.ParseFloat(string(b), 64) // as Prometheus reads it
	return f, false, err == nil && !math.IsNaN(f)
}

// shortestSpelling says whether strconv's 'g' would spell a plain number the
// same way: from 0.0001 to below 1e6 and without zeros at the end of a fraction.
func shortestSpelling(b []byte) bool {
	if b[0] == '-' {
		b = b[1:]
	}
	point := len(b)
	for i, c := range b {
		if c == '.' {
			point = i
		}
	}
	if point > 6 {
		return false
	}
	if point == len(b) {
		return true
	}
	if b[len(b)-1] == '0' {
		return false
	}
	return b[0] != '0' || len(b) < 6 || string(b[2:6]) != "0000"
}
