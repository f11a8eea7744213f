package handlers

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Parameters that requests which change something may have.
const (
	queryMatch  = "match[]"
	queryTTL    = "ttl"
	queryDryRun = "dry_run"
	queryKey    = "key" // holds a scrape key where one counts; known everywhere
)

// strict reports whether requests with a method are refused for parameters that
// the route doesn't know: one that is misspelt must not change more, or something
// else, than was meant. Pages ignore them.
func (r route) strict(method string) bool {
	return (r.kind == kindJSON || r.kind == kindProtocol) && method != fiber.MethodGet
}

// wrongQuery returns what is wrong with the parameters of a request to the
// endpoint, nil if nothing is. Only match[] may be repeated.
func (e endpoint) wrongQuery(c *fiber.Ctx) error {
	query := c.Context().QueryArgs()
	if query.Len() == 0 {
		return nil
	}
	known := append(slices.Clone(e.query), queryKey)
	seen := make([]string, 0, len(known))
	for key, value := range query.All() {
		name := string(key)
		switch {
		case name == "" && len(value) == 0: // nothing between two &
		case !slices.Contains(known, name):
			return unknownParameter(name, known)
		case name != queryMatch && slices.Contains(seen, name):
			return badRequest("parameter " + name + " is given twice")
		default:
			seen = append(seen, name)
		}
	}
	return nil
}

func unknownParameter(name string, known []string) error {
	counts := make(map[string]int, len(known))
	for _, k := range known {
		counts[k] = 0
	}
	text := "unknown parameter " + strconv.Quote(shortened(name))
	if near := nearest(counts, name); name != "" && len(near) > 0 {
		text += " (did you mean " + near[0] + "?)"
	}
	return badRequest(text + ": this request takes only " + strings.Join(known, ", "))
}
