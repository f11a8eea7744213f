package harness

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// ask decodes what the API of Prometheus answers into data. It says why there
// is no answer yet, or "".
func (s *Server) ask(target string, data any) string {
	s.T.Helper()
	a := s.Do("GET", target, "")
	if a.Status == 503 { // while it starts
		return a.String()
	}
	envelope := struct {
		Status string
		Data   any
	}{Data: data}
	Must(s.T, json.Unmarshal([]byte(a.Body), &envelope))
	if envelope.Status != "success" {
		s.T.Fatal(a)
	}
	return ""
}

// Target is one that Prometheus scrapes.
type Target struct {
	ScrapePool, ScrapeURL, LastError, Health string
	ScrapeInterval, ScrapeTimeout            string
	Labels                                   map[string]string
}

// Targets returns the active targets of a scrape job by their labels, job and
// instance first.
func (s *Server) Targets(pool string) (found map[string]Target, why string) {
	s.T.Helper()
	var data struct{ ActiveTargets []Target }
	why = s.ask("/api/v1/targets?state=active", &data)
	found = make(map[string]Target)
	for _, g := range data.ActiveTargets {
		if g.ScrapePool == pool {
			found[Selector(g.Labels)] = g
		}
	}
	return found, why
}

// Instant evaluates a query and returns the values by the labels of the series.
func (s *Server) Instant(query string) map[string]string {
	s.T.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	s.ask("/api/v1/query?query="+url.QueryEscape(query), &data)
	found := make(map[string]string)
	for _, r := range data.Result {
		delete(r.Metric, "seen_by")
		found[Selector(r.Metric)] = fmt.Sprint(r.Value[1])
	}
	return found
}

// Selector writes labels as Targets and Instant name them.
func Selector(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%s=%q ", name, labels[name])
	}
	return b.String()
}

// Compare returns how two maps differ, "" if they don't.
func Compare(got, want map[string]string) string {
	lines := func(m map[string]string) []string {
		var all []string
		for k, v := range m {
			all = append(all, k+"-> "+v)
		}
		slices.Sort(all)
		return all
	}
	return Difference(lines(got), lines(want))
}
