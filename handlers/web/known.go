package web

import (
	"slices"
	"strings"
)

// Known classifies paths, also where nothing is served: errors are shown in the
// way of the path, and a denied request never gets to a route.
type Known struct {
	prefix string             // of all routes
	below  map[string][]Route // by the first segment, those that say more first
	shown  []Route            // by the index
}

// newKnown makes a record of routes. Of those with the same path the first one
// that has what is asked for counts.
func newKnown(prefix string, routes []Route) *Known {
	k := &Known{prefix: prefix, below: map[string][]Route{}}
	for _, r := range slices.SortedStableFunc(slices.Values(routes), compareRoutes) {
		first := FirstSegment(r.Path)
		k.below[first] = append(k.below[first], r)
	}
	for _, r := range routes {
		if r.Shown != "" {
			k.shown = append(k.shown, r)
		}
	}
	return k
}

// FirstSegment returns a path up to its second slash, without the first one.
func FirstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// find returns the first route of a path below the prefix that is wanted.
func (k *Known) find(path string, wanted func(*Route) bool) (*Route, bool) {
	routes := k.below[FirstSegment(path)]
	for i := range routes {
		if r := &routes[i]; r.matches(path) && wanted(r) {
			return r, true
		}
	}
	return &Route{}, false
}

// KindOf returns how errors are shown at a path.
func (k *Known) KindOf(path string) Kind {
	below, ours := strings.CutPrefix(path, k.prefix)
	r, _ := k.find(below, func(*Route) bool { return true })
	if r.Kind == JSON && !ours {
		return Protocol
	}
	return r.Kind
}

// Fetches is what scrapers fetch at a path; empty: it is for others.
func (k *Known) Fetches(path string) string {
	below, ours := strings.CutPrefix(path, k.prefix)
	r, _ := k.find(below, func(r *Route) bool { return ours && r.On["GET"].Fetches != "" && strings.HasPrefix(below, r.Data) })
	return r.On["GET"].Fetches
}

// HasData reports whether dots and encoded slashes are data in a path.
func (k *Known) HasData(path string) bool {
	below, ours := strings.CutPrefix(path, k.prefix)
	_, found := k.find(below, func(r *Route) bool { return ours && r.Data != "" && strings.HasPrefix(below, r.Data) })
	return found
}
