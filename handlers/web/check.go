package web

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// checkTarget refuses request targets that different readers may understand
// differently.
func checkTarget(k *Known) fiber.Handler {
	return func(c *fiber.Ctx) error {
		target := c.OriginalURL()
		path, query, _ := strings.Cut(target, "?")
		// The path that the routes go by must be the one that was asked for.
		if !strings.HasPrefix(path, "/") || c.Path() != path || strings.ContainsFunc(target, notInTarget) {
			return BadRequest("bad request target")
		}
		if _, err := url.PathUnescape(path); err != nil {
			return BadRequest("bad percent-encoding in the path")
		}
		if _, err := url.QueryUnescape(query); err != nil {
			return BadRequest("bad percent-encoding in the query")
		}
		if !strings.ContainsAny(path, ".%") || k.HasData(path) {
			return c.Next()
		}
		for segment := range strings.SplitSeq(path, "/") {
			switch plain, _ := url.PathUnescape(segment); {
			case plain == "." || plain == "..":
				return BadRequest("dots are not allowed as a segment of the path")
			case strings.ContainsRune(plain, 0):
				return BadRequest("a zero byte is not allowed in the path")
			}
		}
		return c.Next()
	}
}

func notInTarget(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }
