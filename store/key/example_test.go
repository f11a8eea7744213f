package key_test

import (
	"testing"

	"gatehouse/store/key"
)

func TestAnExampleIsOfAGroupingThatTheSelectorsMean(t *testing.T) {
	for _, test := range []struct {
		name      string
		selectors []string
		want      string // empty: none comes to mind
	}{
		{"no selector", nil, `{job="example"}`},
		{"a job", []string{`{job="backup"}`}, `{job="backup"}`},
		{"labels", []string{`{job="backup",env="prod",zone=""}`}, `{env="prod",job="backup"}`},
		{"no job", []string{`{env="prod"}`}, `{env="prod",job="example"}`},
		{"one of several", []string{`{job=~"a|b"}`}, `{job="a"}`},
		{"a beginning", []string{`{job=~"db.*"}`}, `{job="db1"}`},
		{"anything", []string{`{job=~".+"}`}, `{job="example"}`},
		{"a job that is not that one", []string{`{job!="example",env="x"}`}, ""},
		{"a label that may be absent", []string{`{job="a",env!="prod"}`}, `{job="a"}`},
		{"a label that must not be absent", []string{`{job="a",env!=""}`}, `{env="example",job="a"}`},
		{"digits", []string{`{job=~"[0-9]{5}"}`}, ""},
		{"the second selector", []string{`{job=~"[0-9]{5}"}`, `{job="b"}`}, `{job="b"}`},
		{"what contradicts itself", []string{`{job="a",job="b"}`}, ""},
		{"a name that no grouping has", []string{`{job="a",__x__="b"}`}, ""},
	} {
		s, err := key.ParseSelectors(test.selectors)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		got, ok := s.Example()
		if ok != (test.want != "") || ok && (got.String() != test.want || !s.Match(got.Labels())) {
			t.Errorf("%s: %v %s, want %s", test.name, ok, got, test.want)
		}
	}
}
