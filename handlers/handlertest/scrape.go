package handlertest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// ManySeries returns a body of n series of one family.
func ManySeries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a{i=\"%d\"} 1\n", i)
	}
	return b.String()
}

// accepts are the Accept headers under which a scrape must be sound.
var accepts = []string{
	"",
	"text/plain;version=1.0.0;escaping=allow-utf-8",
	"text/plain;version=0.0.4;escaping=values",
	"application/openmetrics-text;version=1.0.0",
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}

// ParseScrape reads an exposition as Prometheus does and returns its series. An
// exposition that Prometheus would refuse, or take only a part of, is an error.
func ParseScrape(a Answer) (map[string]bool, error) {
	p, err := textparse.New([]byte(a.Body), a.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
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
				return nil, fmt.Errorf("family %s is there twice", name)
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
				return nil, fmt.Errorf("series %s is there twice", id)
			}
			series[id] = true
		default:
		}
	}
}

// WantSoundScrapes checks what must hold whatever was pushed: every scrape is complete
// and sound in every format, others can push, and the server says that it is
// ready.
func (s *Server) WantSoundScrapes() {
	s.T.Helper()
	for i, name := range []string{"aaa", "zzz"} {
		target := fmt.Sprintf("/metrics/job/%s/instance/other", name)
		if a := s.Do("POST", s.Prefix+target, fmt.Sprintf("# TYPE %s_seconds gauge\n%s_seconds %d\n", name, name, i)); a.Status/100 != 2 {
			s.T.Errorf("others can't push: %v", a)
		}
	}
	for _, accept := range accepts {
		a := s.Get(s.Prefix+"/metrics", "Accept", accept)
		if a.Status != 200 {
			s.T.Errorf("with Accept %q: %v", accept, a)
			continue
		}
		series, err := ParseScrape(a)
		if err != nil {
			s.T.Errorf("a scrape with Accept %q is not sound: %v\n%s", accept, err, a.Body)
			continue
		}
		for _, part := range []string{
			`{__name__="aaa_seconds", instance="other", job="aaa"}`, `{__name__="zzz_seconds", instance="other", job="zzz"}`,
			`{__name__="push_time_seconds", instance="other", job="zzz"}`, `{__name__="gatehouse_store_writable"}`,
		} {
			if !series[part] {
				s.T.Errorf("a scrape with Accept %q lacks %s:\n%s", accept, part, a.Body)
			}
		}
	}
	for _, target := range []string{"/-/ready", "/-/healthy", "/health", "/api/v1/metrics", "/api/v1/targets", "/api/v1/groupings"} {
		if a := s.Get(s.Prefix + target); a.Status != 200 {
			s.T.Errorf("%v", a)
		}
	}
}

// OneLine reports whether a text is one line with an end.
func OneLine(text string) bool {
	return strings.HasSuffix(text, "\n") && strings.Count(text, "\n") == 1 && strings.TrimSpace(text) != ""
}
