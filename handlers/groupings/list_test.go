package groupings

import (
	"slices"
	"strings"
	"testing"
)

func FuzzAnyMatcherIsTakenApartOrNot(f *testing.F) {
	for _, seed := range []string{`env="prod"`, `env = "a\"b"`, `"a b"="c"`, `env=~"x"`, `env!="x"`, "=", `a="`, `a=""`, "a=`b`"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, value, ok := exactly(text)
		if ok && (value == "" || strings.HasSuffix(name, "!")) {
			t.Errorf("%q asks for %q of %q", text, value, name)
		}
	})
}

func FuzzTheListTakesAnyMatcher(f *testing.F) {
	for _, seed := range []string{`env="prod"`, `env=~"(`, `"a b"!="c"`, `x="}"`, "a=\"b\" #\n", `!`, `=`, "{", "\xff", `a=b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v listView
		v.readMatchers([]string{text, `job="x"`})
		if !slices.Contains(v.matchers, `job="x"`) {
			t.Errorf("%q keeps others out: %q", text, v.matchers)
		}
		if v.bad != "" && v.reason == "" {
			t.Errorf("%q is refused without a reason", text)
		}
		if _, operator, value := splitMatcher(text); operator == "" || len(value) > len(text) {
			t.Errorf("%q is taken apart as %q, %q", text, operator, value)
		}
	})
}

func TestTheErrorNamesAllOrders(t *testing.T) {
	for name := range orders {
		if !strings.Contains(badOrder, name) {
			t.Errorf("%s is not named", name)
		}
	}
	if n := strings.Count(badOrder, ", ") + 1; n != len(orders) {
		t.Errorf("%d of %d are named", n, len(orders))
	}
}
