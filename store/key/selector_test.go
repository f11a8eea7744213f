package key_test

import (
	"errors"
	"strings"
	"testing"

	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

func TestSelectorsMeanWhatTheyMeanToPrometheus(t *testing.T) {
	labels := []exposition.Label{{Name: "instance", Value: "db1"}, {Name: "job", Value: "backup"}}
	for _, tt := range []struct {
		selectors []string
		want      bool
	}{
		{nil, true},
		{[]string{`{job="backup"}`}, true},
		{[]string{`{job="other"}`}, false},
		{[]string{`{job=~"back"}`}, false}, // anchored
		{[]string{`{job=~"back.*"}`}, true},
		{[]string{`{job!="other",instance!=""}`}, true},
		{[]string{`{job="backup",zone=""}`}, true}, // an absent label is empty
		{[]string{`{job="backup",zone!=""}`}, false},
		{[]string{`{job="backup",instance!~"db.+"}`}, false},
		{[]string{`{job="other"}`, `{instance="db1"}`}, true}, // any of them
		{[]string{`{"job"="backup"}`}, true},
	} {
		s, err := key.ParseSelectors(tt.selectors)
		if err != nil || s.Match(labels) != tt.want {
			t.Errorf("%q: %v, %v, want %v", tt.selectors, s.Match(labels), err, tt.want)
		}
	}
}

func TestBadSelectorsAreRefusedInOneLine(t *testing.T) {
	for _, s := range []string{
		"", "{}", `{job=""}`, `{job=~".*"}`, "{", `{job="x"`, `{job=~"("}`, `up`, `up{job="x"}`, `{__name__="up"}`, `{job="x"}[5m]`,
		strings.Repeat("x", key.MaxSelectorBytes+1),
	} {
		_, err := key.ParseSelectors([]string{s})
		var r *key.Refusal
		if !errors.As(err, &r) || r.Reason != key.ReasonSelector || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
			t.Errorf("%.40q: %v", s, err)
		}
	}
	if _, err := key.ParseSelectors(make([]string, key.MaxSelectors+1)); err == nil {
		t.Error("too many selectors are accepted")
	}
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{`{job="x"}`, `{a!~"b.*",c=""}`, `{"a.b"="c"}`, `{`, `up`} {
		f.Add(s)
	}
	labels := []exposition.Label{{Name: "job", Value: "x"}}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := key.ParseSelectors([]string{text})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %q", text, err)
			}
			return
		}
		s.Match(labels)
	})
}
