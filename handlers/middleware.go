package handlers

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// checkTarget refuses request targets that different readers may understand
// differently. Below /metrics/job dots are data, as are encoded slashes.
func checkTarget(prefix string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		target := c.OriginalURL()
		path, query, _ := strings.Cut(target, "?")
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(target, notInTarget) {
			return badRequest("bad request target")
		}
		if _, err := url.PathUnescape(path); err != nil {
			return badRequest("bad percent-encoding in the path")
		}
		if _, err := url.QueryUnescape(query); err != nil {
			return badRequest("bad percent-encoding in the query")
		}
		if strings.HasPrefix(path, prefix+"/metrics/job") {
			return c.Next()
		}
		for segment := range strings.SplitSeq(path, "/") {
			if plain, _ := url.PathUnescape(segment); plain == "." || plain == ".." {
				return badRequest("dots are not allowed as a segment of the path")
			}
		}
		return c.Next()
	}
}

func notInTarget(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }

// refuseCrossSite refuses changes that a page of another site asks for in the
// name of its visitor. Clients other than browsers send none of the headers.
func (h *api) refuseCrossSite(c *fiber.Ctx) error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return c.Next()
	}
	site, origin := c.Get("Sec-Fetch-Site"), c.Get(fiber.HeaderOrigin)
	if site != "" && site != "same-origin" && site != "none" || origin != "" && !h.isOurs(c, origin) {
		return &httpError{fiber.StatusForbidden, "a page of another site may not do this"}
	}
	return c.Next()
}

func (h *api) isOurs(c *fiber.Ctx, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return u.Host == string(c.Request().Host()) || h.ExternalURL != nil && u.Host == h.ExternalURL.Host
}

// clientAddress is the address of the other end of the connection.
func clientAddress(c *fiber.Ctx) string { return c.Context().RemoteIP().String() }

// queries returns all values of a query parameter.
func queries(c *fiber.Ctx, name string) []string {
	var values []string
	for _, v := range c.Context().QueryArgs().PeekMulti(name) {
		values = append(values, string(v))
	}
	return values
}
