package handlers

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// accepts are the Accept headers under which a scrape must be sound.
var accepts = []string{
	"",
	"text/plain;version=1.0.0;escaping=allow-utf-8",
	"text/plain;version=0.0.4;escaping=values",
	"application/openmetrics-text;version=1.0.0",
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}

// parsed reads an exposition as Prometheus does and returns its series. An
// exposition that Prometheus would refuse, or take only a part of, is an error.
func parsed(a answered) (map[string]bool, error) {
	p, err := textparse.New([]byte(a.body), a.header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	series, types := map[string]bool{}, map[string]bool{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return series, nil
		}
		if err != nil {
			return nil, err
		}
		switch entry {
		case textparse.EntryType:
			name, _ := p.Type()
			if types[string(name)] {
				return nil, fmt.Errorf("family %s is told twice", name)
			}
			types[string(name)] = true
		case textparse.EntrySeries, textparse.EntryHistogram:
			var l labels.Labels
			p.Labels(&l)
			if name, twice := l.HasDuplicateLabelNames(); twice {
				return nil, fmt.Errorf("series %s has label %s twice", l, name)
			}
			id := l.WithoutEmpty().String()
			if series[id] {
				return nil, fmt.Errorf("series %s is told twice", id)
			}
			series[id] = true
		default:
		}
	}
}

// wantWhole checks what must hold whatever was pushed: every scrape is complete
// and sound in every format, others can push, and the server says that it is
// ready.
func (s *served) wantWhole() {
	s.t.Helper()
	for i, name := range []string{"aaa", "zzz"} {
		target := fmt.Sprintf("/metrics/job/%s/instance/other", name)
		if a := s.do("POST", s.prefix+target, fmt.Sprintf("# TYPE %s_seconds gauge\n%s_seconds %d\n", name, name, i)); a.status/100 != 2 {
			s.t.Errorf("others can't push: %v", a)
		}
	}
	for _, accept := range accepts {
		a := s.get(s.prefix+"/metrics", "Accept", accept)
		if a.status != 200 {
			s.t.Errorf("with Accept %q: %v", accept, a)
			continue
		}
		series, err := parsed(a)
		if err != nil {
			s.t.Errorf("a scrape with Accept %q is not sound: %v\n%s", accept, err, a.body)
			continue
		}
		for _, part := range []string{
			`{__name__="aaa_seconds", instance="other", job="aaa"}`, `{__name__="zzz_seconds", instance="other", job="zzz"}`,
			`{__name__="push_time_seconds", instance="other", job="zzz"}`, `{__name__="gatehouse_store_writable"}`,
		} {
			if !series[part] {
				s.t.Errorf("a scrape with Accept %q lacks %s:\n%s", accept, part, a.body)
			}
		}
	}
	for _, target := range []string{"/-/ready", "/-/healthy", "/health", "/api/v1/metrics", "/api/v1/targets", "/api/v1/groupings"} {
		if a := s.get(s.prefix + target); a.status != 200 {
			s.t.Errorf("%v", a)
		}
	}
}

func TestAPartOfAScrapeIsNoScrape(t *testing.T) {
	for name, test := range map[string]answered{
		"a series twice":                      {body: "a{b=\"1\"} 1\na{b=\"1\"} 2\n", header: header("Content-Type", "text/plain")},
		"the same series with an empty label": {body: "a 1\na{b=\"\"} 2\n", header: header("Content-Type", "text/plain")},
		"a family twice":                      {body: "# TYPE a gauge\na 1\n# TYPE a gauge\n", header: header("Content-Type", "text/plain")},
		"no end":                              {body: "a 1\n", header: header("Content-Type", "application/openmetrics-text; version=1.0.0")},
	} {
		if _, err := parsed(test); err == nil {
			t.Errorf("%s passes for a sound exposition", name)
		}
	}
}

func header(pairs ...string) map[string][]string {
	h := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
	}
	return h
}

// oneLine says whether a text answer is one line for a human.
func oneLine(text string) bool {
	return strings.HasSuffix(text, "\n") && strings.Count(text, "\n") == 1 && strings.TrimSpace(text) != ""
}
