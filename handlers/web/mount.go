package web

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/pprof"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"gatehouse/auth"
)

// Serve puts the routes behind what every request passes.
func (s *Server) Serve(routes []Route) (*fiber.App, error) {
	app := fiber.New(s.fiberConfig())
	app.Use(s.record, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: s.panicked}))
	app.Use(s.Site.Guard.Admit, checkTarget(s.Site.Known))
	for _, r := range slices.SortedStableFunc(slices.Values(routes), compareRoutes) {
		if err := s.mount(app, r); err != nil {
			return nil, err
		}
	}
	if s.EnablePprof {
		app.Use(s.Site.RoutePrefix+"/debug/pprof", s.Site.Guard.Require(auth.Administer), unlimited(pprof.New(pprof.Config{Prefix: s.Site.RoutePrefix})))
	}
	// Strangers do not learn which paths there are.
	app.Use(s.Site.Guard.Require(auth.Explore), func(*fiber.Ctx) error { return fiber.ErrNotFound })
	s.tune(app)
	return app, nil
}

// mount puts a route behind the guard. There is no other way to have one.
func (s *Server) mount(app *fiber.App, r Route) error {
	path := s.Site.RoutePrefix + r.Path
	require := s.Site.Guard.Require
	if r.Kind == Page {
		require = s.Site.Guard.RequirePage
	}
	others := auth.Public // methods that the route doesn't have
	for method, e := range r.On {
		if e.Needs == 0 {
			return fmt.Errorf("nobody is allowed to %s %s", method, path)
		}
		if e.Needs != auth.Public {
			others = auth.Explore
			if r.Kind == Page {
				e.Do = s.Site.marked(e.Do)
			}
		}
		named := func(c *fiber.Ctx) error {
			c.Locals(endpointKey, &e)
			return c.Next()
		}
		e.Do = e.cached()
		do := e.refusing(method, r.Strict(method))
		if e.Needs != auth.Public && !e.Limited {
			do = unlimited(do)
		}
		app.Add(method, path, named, require(e.Needs), do)
		if method == "GET" {
			app.Add("HEAD", path, named, require(e.Needs), do)
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
func endpointOf(c *fiber.Ctx) *Endpoint {
	e, _ := c.Locals(endpointKey).(*Endpoint)
	return e
}

func (s *Server) panicked(c *fiber.Ctx, cause any) {
	s.Site.Logger.Error("A handler panicked", "method", c.Method(), "path", c.Path(), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
}
