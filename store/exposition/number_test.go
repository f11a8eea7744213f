package exposition

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestValuesKeepShortSpellingsAndNormaliseOthers(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1", "1"},
		{"0", "0"},
		{"-12", "-12"},
		{"1.50", "1.50"},
		{"0.1", "0.1"},
		{"-0.25", "-0.25"},
		{"100000000000000", "100000000000000"},
		{"123456789012345", "123456789012345"},
		{"1234567890123456", "1.234567890123456e+15"},
		{"0.00000000000001", "0.00000000000001"},
		{"9007199254740993", "9.007199254740992e+15"},
		{"+5", "5"},
		{"007", "7"},
		{"5.", "5"},
		{".5", "0.5"},
		{"-0", "0"},
		{"-0.0", "0"},
		{"0.0", "0.0"},
		{"1e3", "1000"},
		{"1E+10", "1e+10"},
		{"1e-400", "0"},
		{"nan", "NaN"},
		{"NaN", "NaN"},
		{"NAN", "NaN"},
		{"inf", "+Inf"},
		{"+Inf", "+Inf"},
		{"-INF", "-Inf"},
		{"Infinity", "+Inf"},
		{"-infinity", "-Inf"},
		{"1." + strings.Repeat("0", 1000), "1"},
		{"1e400", ""},
		{"-1e400", ""},
		{"0x1p-2", ""},
		{"0x10", ""},
		{"1_000", ""},
		{"1,5", ""},
		{"", ""},
		{"-", ""},
		{".", ""},
		{"-.", ""},
		{"1.2.3", ""},
		{"+NaN", ""},
		{"1e", ""},
		{"١", ""},
		{"infx", ""},
	} {
		n, ok := parseNumber([]byte(c.in))
		if got := string(n.append(nil)); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.in, got, ok, c.want)
		}
	}
}

func TestKeptSpellingsMeanWhatStrconvReads(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		s := strconv.FormatInt(rnd.Int64N(1e15), 10)
		if cut := rnd.IntN(len(s) + 1); cut > 0 && cut < len(s) {
			s = s[:cut] + "." + s[cut:]
		}
		if rnd.IntN(2) == 0 {
			s = "-" + s
		}
		n, ok := parseNumber([]byte(s))
		want, err := strconv.ParseFloat(s, 64)
		if !ok || err != nil || n.float != want {
			t.Fatalf("%s: got %v, %v, want %v, %v", s, n.float, ok, want, err)
		}
		f, canonical, ok := parseBound([]byte(s))
		if spelled := string(appendFloat(nil, want)); !ok || f != want || canonical != (spelled == s) {
			t.Fatalf("bound %s: got %v, canonical %v, %v, but it is spelled %s", s, f, canonical, ok, spelled)
		}
	}
}

func TestBoundsAreSpelledOneWay(t *testing.T) {
	for _, in := range []string{"0.0001", "0.00001", "0.00012", "100000", "999999", "1000000", "0", "0.5", "0.50", "1.0", "+Inf", "-1", "-0", "12345.678"} {
		f, canonical, ok := parseBound([]byte(in))
		if !ok || canonical != (in == string(appendFloat(nil, f))) {
			t.Errorf("%s: canonical = %v, %v, spelled %s", in, canonical, ok, appendFloat(nil, f))
		}
	}
	if _, _, ok := parseBound([]byte("NaN")); ok {
		t.Error("NaN is a bound")
	}
	if f, _, ok := parseBound([]byte("-inf")); !ok || !math.IsInf(f, -1) {
		t.Error("-inf is no bound")
	}
}
