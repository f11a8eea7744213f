package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// Route is one line of the URL map: a path below the route prefix, whom it is for,
// and what is done there by method. All that is known of a path is a field here.
type Route struct {
	Path string
	Kind Kind
	On   map[string]Endpoint
	// Data is where paths of the route begin whose segments are data, so that dots
	// and encoded slashes mean nothing in them; empty: there are none.
	Data string
	// Shown is how the index writes the path; empty: it leaves the route out.
	Shown string
	// SignIn routes are ways in and out: nobody is led back to them.
	SignIn bool
}

// Endpoint is one method of a route.
type Endpoint struct {
	Name  string      // in metrics
	Needs auth.Action // what a client must be allowed to
	Do    fiber.Handler

	// Limited routes respect the principal's scope. All others are closed to
	// principals with one.
	Limited bool
	// Cache is the Cache-Control of answers other than errors; empty: what they say
	// themselves, and for pages that they are asked for anew.
	Cache string
	// Uncounted requests are left out of the count of requests: those that read it.
	Uncounted bool
	// Timed are pushes: how long they take and how large they are is kept.
	Timed bool
	// Fetches is what scrapers fetch here; empty: it is for others.
	Fetches string
	// Denied is what the activity log says was denied; empty: the method and the
	// path.
	Denied string
	// Query are the parameters that a change takes beside key. All others are
	// refused, unless the route is a page.
	Query []string
	// Head checks what can be checked before the body of a request is read; nil:
	// nothing can. It is given what is wrong with the query, and returns what is
	// wrong in all.
	Head func(c *fiber.Ctx, wrong error) error
}

// Kind is whom a route is for, and so how errors are shown there.
type Kind int

// The kinds of routes.
const (
	Plain    Kind = iota // for probes and people alike: errors are one line, or a page in a browser
	Page                 // for people: sessions count, and strangers are asked to sign in
	JSON                 // the JSON API
	Protocol             // for clients that push and scrape: errors are always one line
)

// NoStore keeps answers out of all caches.
const NoStore = "no-store"

// AskAgain has browsers ask whether an answer that they keep still holds.
const AskAgain = "private, no-cache"

// Get is a route with the method GET and no other.
func Get(k Kind, path string, e Endpoint) Route {
	return Route{Path: path, Kind: k, On: map[string]Endpoint{"GET": e}}
}

// AsShown is the route with its path as it is in the index.
func (r Route) AsShown() Route {
	r.Shown = r.Path
	return r
}

// Joined are all routes of several lists. Those of the same path become one with the
// methods of both.
func Joined(lists ...[]Route) []Route {
	var all []Route
	for _, r := range slices.Concat(lists...) {
		i := slices.IndexFunc(all, func(x Route) bool { return x.Path == r.Path })
		if i < 0 {
			all = append(all, r)
			continue
		}
		all[i].On = maps.Clone(all[i].On)
		maps.Copy(all[i].On, r.On)
	}
	return all
}

// methods are those that a route may have, in the order of an Allow header.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}

// allow is the route's Allow header.
func (r Route) allow() string {
	var allowed []string
	for _, m := range methods {
		_, ok := r.On[m]
		_, gets := r.On["GET"]
		if ok || m == "OPTIONS" || m == "HEAD" && gets {
			allowed = append(allowed, m)
		}
	}
	return strings.Join(allowed, ", ")
}

// Methods are those of the route, in the order in which people do them.
func (r Route) Methods() string {
	var all []string
	for _, m := range []string{"PUT", "POST", "GET", "DELETE"} {
		if _, ok := r.On[m]; ok {
			all = append(all, m)
		}
	}
	return strings.Join(all, ", ")
}

// matches reports whether a path below the prefix is one of the route's.
func (r *Route) matches(path string) bool {
	pattern := r.Path
	for {
		want, wanted, more := strings.Cut(pattern, "/")
		if want == "*" {
			return true
		}
		segment, rest, left := strings.Cut(path, "/")
		if strings.HasPrefix(want, ":") && segment == "" || !strings.HasPrefix(want, ":") && segment != want || more != left {
			return false
		}
		if !more {
			return true
		}
		pattern, path = wanted, rest
	}
}

// compareRoutes puts routes first whose paths say more: a path that is looked at
// before another one takes nothing away from it.
func compareRoutes(a, b Route) int {
	return slices.CompareFunc(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"), func(a, b string) int {
		return vagueness(a) - vagueness(b)
	})
}

// vagueness is how little a segment of a route's path says.
func vagueness(segment string) int {
	switch {
	case segment == "*":
		return 2
	case strings.HasPrefix(segment, ":"):
		return 1
	}
	return 0
}
