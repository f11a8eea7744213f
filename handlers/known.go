package handlers

import (
	"slices"
	"strings"
)

// known is what is known of paths, also where nothing is served: errors are told
// in the way of the path, and who is refused never gets to a route.
type known struct {
	prefix string             // of all routes
	below  map[string][]route // by the first segment, those that say more first
}

// newKnown makes a record of routes. Of those with the same path the first one
// that has what is asked for counts.
func newKnown(prefix string, routes []route) *known {
	k := &known{prefix: prefix, below: map[string][]route{}}
	for _, r := range slices.SortedStableFunc(slices.Values(routes), compareRoutes) {
		first := firstSegment(r.path)
		k.below[first] = append(k.below[first], r)
	}
	return k
}

func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// find returns the first route of a path below the prefix that is wanted.
func (k *known) find(path string, wanted func(route) bool) (route, bool) {
	for _, r := range k.below[firstSegment(path)] {
		if r.matches(path) && wanted(r) {
			return r, true
		}
	}
	return route{}, false
}

// kindOf is how errors are told at a path.
func (k *known) kindOf(path string) kind {
	below, ours := strings.CutPrefix(path, k.prefix)
	r, _ := k.find(below, func(route) bool { return true })
	if r.kind == kindJSON && !ours {
		return kindProtocol
	}
	return r.kind
}

// fetches is what scrapers fetch at a path; empty: it is for others.
func (k *known) fetches(path string) string {
	below, ours := strings.CutPrefix(path, k.prefix)
	r, _ := k.find(below, func(r route) bool { return ours && r.on["GET"].fetches != "" && strings.HasPrefix(below, r.data) })
	return r.on["GET"].fetches
}

// hasData reports whether dots and encoded slashes are data in a path.
func (k *known) hasData(path string) bool {
	below, ours := strings.CutPrefix(path, k.prefix)
	_, found := k.find(below, func(r route) bool { return ours && r.data != "" && strings.HasPrefix(below, r.data) })
	return found
}
