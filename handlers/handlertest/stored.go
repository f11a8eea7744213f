package handlertest

import (
	"net/url"
	"slices"
	"strings"

	"gatehouse/store"
)

// Samples returns the lines of what was pushed, without comments and without
// the push times.
func (s *Server) Samples() []string {
	s.T.Helper()
	a := s.Get(s.Prefix + "/metrics?match[]=" + url.QueryEscape(`{job!=""}`))
	if a.Status != 200 {
		s.T.Fatal(a)
	}
	lines := strings.Split(a.Body, "\n")
	return slices.DeleteFunc(lines, func(l string) bool {
		return l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "push_time_seconds{") || strings.HasPrefix(l, "push_failure_time_seconds{")
	})
}

// Groupings returns the stored groupings as selectors.
func (s *Server) Groupings() []string {
	keys := []string{}
	for g := range s.Store.Snapshot().Groupings() {
		keys = append(keys, g.Key.String())
	}
	return keys
}

// Grouping returns the grouping of a path.
func (s *Server) Grouping(path string) *store.Grouping {
	s.T.Helper()
	p, err := store.ParsePath(strings.TrimPrefix(path, "/metrics"), true)
	Must(s.T, err)
	g, ok := s.Store.Snapshot().Grouping(p.Key)
	if !ok {
		s.T.Fatalf("there is no grouping %s", path)
	}
	return g
}

// WantSamples compares Samples.
func (s *Server) WantSamples(want ...string) {
	s.T.Helper()
	if got := s.Samples(); !slices.Equal(got, want) {
		s.T.Errorf("holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// WantGroupings compares Groupings.
func (s *Server) WantGroupings(want ...string) {
	s.T.Helper()
	if got := s.Groupings(); !slices.Equal(got, append([]string{}, want...)) {
		s.T.Errorf("holds groupings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
