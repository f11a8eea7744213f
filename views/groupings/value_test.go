package groupings

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestValuesAreShortAndKeepTheirPrecision(t *testing.T) {
	for _, test := range []struct {
		family               string
		v                    float64
		short, full, reading string
	}{
		{"m", 0, "0", "", ""},
		{"m", 1, "1", "", ""},
		{"m", -1234567, "-1,234,567", "", ""},
		{"m", 0.25, "0.25", "", ""},
		{"m", 1234.56789, "1,234.57", "1234.56789", ""},
		{"m", 12345678.91, "12,345,678.9", "12345678.91", ""},
		{"m", 0.00001, "1e-05", "0.00001", ""},
		{"m", 1e300, "1e+300", "", ""},
		{"m", math.NaN(), "NaN", "", ""},
		{"m", math.Inf(1), "+Inf", "", ""},
		{"m", math.Inf(-1), "-Inf", "", ""},
		{"m_bytes", 1023, "1,023", "", ""},
		{"m_bytes", 1024, "1,024", "", "1 KiB"},
		{"m_bytes_total", 5 << 20, "5,242,880", "", "5 MiB"},
		{"m_bytes", math.NaN(), "NaN", "", ""},
		{"m_bytes", math.Inf(1), "+Inf", "", ""},
		{"m_seconds", 0, "0", "", ""},
		{"m_seconds", 0.0034, "0.0034", "", "3.4 ms"},
		{"m_seconds", 0.0000034, "3.4e-06", "0.0000034", "3.4 µs"},
		{"m_seconds", 42, "42", "", ""},
		{"m_seconds", 59.9999, "59.9999", "", ""},
		{"m_seconds", 941.3284, "941.328", "941.3284", "15 m 41 s"},
		{"m_seconds", 3600, "3,600", "", "1 h"},
		{"m_seconds_total", -90000, "-90,000", "", "−1 d 1 h"},
		{"cpu_time_seconds", 90, "90", "", "1 m 30 s"},
		{"m_seconds", math.Inf(1), "+Inf", "", ""},
	} {
		got := NewValue(test.family, test.v)
		if want := (Value{Short: test.short, Full: test.full, Reading: test.reading}); got != want {
			t.Errorf("%s %v: %+v, want %+v", test.family, test.v, got, want)
		}
	}
}

func TestPointsInTimeAreDates(t *testing.T) {
	for _, family := range []string{"last_success_timestamp_seconds", "push_time_seconds"} {
		got := NewValue(family, 1_763_836_800.5)
		if want := time.Date(2025, 11, 22, 18, 40, 0, 5e8, time.UTC); !got.Time.Equal(want) || got.Reading != "" {
			t.Errorf("%s: %+v, want %v", family, got, want)
		}
		for _, v := range []float64{0, -1, 1e300, math.NaN(), math.Inf(1)} {
			if got := NewValue(family, v); !got.Time.IsZero() {
				t.Errorf("%s %v is %v", family, v, got.Time)
			}
		}
	}
}

func TestEstimatesHaveTheUnitOfTheName(t *testing.T) {
	for _, test := range []struct {
		family string
		v      float64
		want   string
	}{
		{"m", 12.3456, "12.3"},
		{"m_seconds", 2.2857, "2.29 s"},
		{"m_seconds", 0.05, "50 ms"},
		{"m_seconds", 0, "0 s"},
		{"m_bytes", 100, "100 B"},
		{"m_bytes", 2048, "2 KiB"},
		{"m_seconds", math.NaN(), "NaN"},
		{"m_seconds", math.Inf(1), "+Inf"},
	} {
		if got := Approximate(test.family, test.v); got != test.want {
			t.Errorf("%s %v: %q, want %q", test.family, test.v, got, test.want)
		}
	}
}

func FuzzValuesStayShort(f *testing.F) {
	for _, v := range []float64{0, 1.5, -1e15, 1e-320, math.MaxFloat64, math.NaN(), math.Inf(-1), 59.9999999, 86399.9999, firstMoment, lastMoment} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		for _, family := range []string{"m", "m_bytes", "m_seconds", "m_timestamp_seconds"} {
			got := NewValue(family, v)
			for _, text := range []string{got.Short, got.Reading, Approximate(family, v)} {
				if len(text) > 32 || !utf8.ValidString(text) {
					t.Errorf("%s %v: %q", family, v, text)
				}
			}
			exact := got.Full
			if exact == "" {
				exact = strings.ReplaceAll(got.Short, ",", "")
			}
			if back, err := strconv.ParseFloat(exact, 64); err != nil || back != v && !(math.IsNaN(back) && math.IsNaN(v)) {
				t.Errorf("%v is shown as %q", v, exact)
			}
		}
	})
}
