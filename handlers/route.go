package handlers

import (
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// route is one line of the URL map: a path below the route prefix, whom it is for,
// and what is done there by method. All that is known of a path is a field here.
type route struct {
	path string
	kind kind
	on   map[string]endpoint
	// data is where paths of the route begin whose segments are data, so that dots
	// and encoded slashes mean nothing in them; empty: there are none.
	data string
	// shown is how the index writes the path; empty: it leaves the route out.
	shown string
	// signIn routes are ways in and out: nobody is led back to them.
	signIn bool
}

// endpoint is one method of a route.
type endpoint struct {
	name  string      // in metrics
	needs auth.Action // what a client must be allowed to
	do    fiber.Handler

	// limited ones keep to what a principal is limited to. All others are closed to
	// those who are.
	limited bool
	// cache is the Cache-Control of answers other than errors; empty: what they say
	// themselves, and for pages that they are asked for anew.
	cache string
	// uncounted requests are left out of the count of requests: those that read it.
	uncounted bool
	// timed are pushes: how long they take and how large they are is kept.
	timed bool
	// fetches is what scrapers fetch here; empty: it is for others.
	fetches string
	// denied is what the activity log says was denied; empty: the method and the
	// path.
	denied string
	// query are the parameters that a change takes beside key. All others are
	// refused, unless the route is a page.
	query []string
	// head checks what can be checked before the body of a request is read; nil:
	// nothing can. It is given what is wrong with the query, and returns what is
	// wrong in all.
	head func(c *fiber.Ctx, wrong error) error
}

// kind is whom a route is for, and so how errors are told there.
type kind int

const (
	kindPlain    kind = iota // for probes and people alike: errors are one line, or a page in a browser
	kindPage                 // for people: sessions count, and strangers are asked to sign in
	kindJSON                 // the JSON API
	kindProtocol             // for clients that push and scrape: errors are always one line
)

// noStore keeps answers out of all caches.
const noStore = "no-store"

// askAgain has browsers ask whether an answer that they keep still holds.
const askAgain = "private, no-cache"

// get is a route with the method GET and no other.
func get(k kind, path string, e endpoint) route {
	return route{path: path, kind: k, on: map[string]endpoint{"GET": e}}
}

// asShown is the route with its path as it is in the index.
func (r route) asShown() route {
	r.shown = r.path
	return r
}

// joined are all routes of several lists. Those of the same path become one with the
// methods of both.
func joined(lists ...[]route) []route {
	var all []route
	for _, r := range slices.Concat(lists...) {
		i := slices.IndexFunc(all, func(x route) bool { return x.path == r.path })
		if i < 0 {
			all = append(all, r)
			continue
		}
		all[i].on = maps.Clone(all[i].on)
		maps.Copy(all[i].on, r.on)
	}
	return all
}

// methods are those that a route may have, in the order of an Allow header.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}

// allow is the route's Allow header.
func (r route) allow() string {
	var allowed []string
	for _, m := range methods {
		_, ok := r.on[m]
		_, gets := r.on["GET"]
		if ok || m == "OPTIONS" || m == "HEAD" && gets {
			allowed = append(allowed, m)
		}
	}
	return strings.Join(allowed, ", ")
}

// methods are those of the route, in the order in which people do them.
func (r route) methods() string {
	var all []string
	for _, m := range []string{"PUT", "POST", "GET", "DELETE"} {
		if _, ok := r.on[m]; ok {
			all = append(all, m)
		}
	}
	return strings.Join(all, ", ")
}

// matches reports whether a path below the prefix is one of the route's.
func (r route) matches(path string) bool {
	pattern := r.path
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
func compareRoutes(a, b route) int {
	return slices.CompareFunc(strings.Split(a.path, "/"), strings.Split(b.path, "/"), func(a, b string) int {
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
