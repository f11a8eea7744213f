package handlers

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/pprof"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"gatehouse/auth"
)

// serve puts the routes behind what every request passes.
func (s *server) serve(routes []route) (*fiber.App, error) {
	app := fiber.New(s.fiberConfig())
	app.Use(s.record, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: s.panicked}))
	app.Use(s.site.Guard.Admit, checkTarget(s.site.known))
	for _, r := range slices.SortedStableFunc(slices.Values(routes), compareRoutes) {
		if err := s.mount(app, r); err != nil {
			return nil, err
		}
	}
	if s.pprof {
		app.Use(s.site.RoutePrefix+"/debug/pprof", s.site.Guard.Require(auth.Administer), unlimited(pprof.New(pprof.Config{Prefix: s.site.RoutePrefix})))
	}
	// Strangers do not learn which paths there are.
	app.Use(s.site.Guard.Require(auth.Explore), func(*fiber.Ctx) error { return fiber.ErrNotFound })
	s.tune(app)
	return app, nil
}

// mount puts a route behind the guard. There is no other way to have one.
func (s *server) mount(app *fiber.App, r route) error {
	path := s.site.RoutePrefix + r.path
	require := s.site.Guard.Require
	if r.kind == kindPage {
		require = s.site.Guard.RequirePage
	}
	others := auth.Public // methods that the route doesn't have
	for method, e := range r.on {
		if e.needs == 0 {
			return fmt.Errorf("nobody is allowed to %s %s", method, path)
		}
		if e.needs != auth.Public {
			others = auth.Explore
			if r.kind == kindPage {
				e.do = s.site.marked(e.do)
			}
		}
		named := func(c *fiber.Ctx) error {
			c.Locals(endpointKey, &e)
			return c.Next()
		}
		e.do = e.cached()
		do := e.refusing(method, r.strict(method))
		if e.needs != auth.Public && !e.limited {
			do = unlimited(do)
		}
		app.Add(method, path, named, require(e.needs), do)
		if method == "GET" {
			app.Add("HEAD", path, named, require(e.needs), do)
		}
	}
	allow := r.allow()
	app.All(path, require(others), func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		if c.Method() == fiber.MethodOptions {
			return c.SendStatus(fiber.StatusOK)
		}
		return fiber.ErrMethodNotAllowed
	})
	return nil
}

// endpointKey is the key under which a request carries its endpoint.
const endpointKey = "endpoint"

// endpointOf is where a request has come to; nil: to none, or it was refused before.
func endpointOf(c *fiber.Ctx) *endpoint {
	e, _ := c.Locals(endpointKey).(*endpoint)
	return e
}

func (s *server) panicked(c *fiber.Ctx, cause any) {
	s.site.Logger.Error("A handler panicked", "method", c.Method(), "path", c.Path(), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
}
