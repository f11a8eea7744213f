package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Parameters that requests which change something may have.
const (
	QueryMatch  = "match[]"
	QueryTTL    = "ttl"
	QueryDryRun = "dry_run"
	queryKey    = "key" // holds a scrape key where one counts; known everywhere
)

// Strict reports whether requests with a method are refused for parameters that
// the route doesn't know: one that is misspelt must not change more, or something
// else, than was meant. Pages ignore them.
func (r Route) Strict(method string) bool {
	return (r.Kind == JSON || r.Kind == Protocol) && method != fiber.MethodGet
}

// wrongQuery returns what is wrong with the parameters of a request to the
// endpoint, nil if nothing is. Only match[] may be repeated.
func (e Endpoint) wrongQuery(c *fiber.Ctx) error {
	query := c.Context().QueryArgs()
	if query.Len() == 0 {
		return nil
	}
	known := append(slices.Clone(e.Query), queryKey)
	seen := make([]string, 0, len(known))
	for key, value := range query.All() {
		name := string(key)
		switch {
		case name == "" && len(value) == 0: // nothing between two &
		case !slices.Contains(known, name):
			return unknownParameter(name, known)
		case name != QueryMatch && slices.Contains(seen, name):
			return BadRequest("parameter " + name + " is given twice")
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
	text := "unknown parameter " + strconv.Quote(Clipped(name))
	if near := Nearest(counts, name); name != "" && len(near) > 0 {
		text += " (did you mean " + near[0] + "?)"
	}
	return BadRequest(text + ": this request takes only " + strings.Join(known, ", "))
}
