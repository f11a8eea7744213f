package web

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/static"
)

// StaticRoutes are the files that pages load.
func (s *Site) StaticRoutes() []Route {
	return []Route{
		Get(Page, "/static/*", Endpoint{Name: "static", Needs: auth.Public, Do: s.static, Cache: "public, max-age=31536000, immutable"}),
		Get(Page, "/favicon.ico", Endpoint{Name: "static", Needs: auth.Public, Do: s.favicon, Cache: "public, max-age=86400"}),
	}
}

// static serves what pages load. The address changes with the content.
func (s *Site) static(c *fiber.Ctx) error {
	f, ok := static.Find(strings.TrimPrefix(c.Path(), s.RoutePrefix))
	if !ok {
		return fiber.ErrNotFound
	}
	return sendFile(c, f)
}

// favicon serves the icon at its traditional address.
func (s *Site) favicon(c *fiber.Ctx) error {
	f, _ := static.Find(static.Path("icon.svg"))
	return sendFile(c, f)
}

func sendFile(c *fiber.Ctx, f static.File) error {
	c.Set(fiber.HeaderContentType, f.Type)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	switch {
	case takes(c, "br"):
		c.Set(fiber.HeaderContentEncoding, "br")
		return c.Send(f.Brotli)
	case takes(c, "gzip"):
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(f.Gzip)
	}
	return c.Send(f.Plain)
}

// takes reports whether the client takes a coding. Of several that it takes the
// choice is ours: browsers name the best one last.
func takes(c *fiber.Ctx, coding string) bool {
	return c.Get(fiber.HeaderAcceptEncoding) != "" && c.AcceptsEncodings(coding) == coding
}
