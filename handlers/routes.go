// Package handlers collects the routes of all parts and mounts them; errors become
// answers in web/errors.go alone.
package handlers

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/access"
	"gatehouse/handlers/activity"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/live"
	"gatehouse/handlers/manual"
	"gatehouse/handlers/settings"
	"gatehouse/handlers/statuspage"
	"gatehouse/handlers/targets"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
)

// server is all that is served, by its parts.
type server struct {
	Config
	web       *web.Site
	listener  *web.Server
	gateway   *gateway.Handler
	groupings *groupings.Handler
	access    *access.Handler
	tokens    *access.TokenHandler
	pages     []web.Route
}

// New makes the server's routes.
func New(c Config) (*fiber.App, error) {
	s := newServer(c)
	return s.listener.Serve(s.routes())
}

// NewScrape makes the routes of a listener that serves scrapes, targets and
// health, and nothing else.
func NewScrape(c Config) (*fiber.App, error) {
	c.EnablePprof = false
	s := newServer(c)
	return s.listener.Serve(slices.Concat(s.gateway.ScrapeRoutes(), s.gateway.HealthRoutes()))
}

func newServer(c Config) *server {
	if c.Scrapers == nil {
		c.Scrapers = telemetry.NewScrapers()
	}
	s := &server{Config: c, web: &web.Site{
		Base: c.Base, Guard: c.Guard, Store: c.Store, Logger: c.Logger, Version: c.Build.Version,
	}}
	s.gateway = gateway.New(s.web, c.Store, c.Metrics, c.gateway())
	s.groupings = groupings.New(s.web, c.Store, s.gateway, c.Ages)
	s.access = access.New(s.web, c.Store, c.SessionIdle)
	s.web.SignIn = s.access.SignIn
	s.addPages()
	s.web.Know(slices.Concat(s.everyRoute(), places()))
	s.listener = &web.Server{
		Site: s.web, Metrics: c.Metrics, Scrapers: c.Scrapers, Headers: c.Headers, Ending: c.Ending,
		Timeouts: c.Timeouts, Debug: c.Debug,
	}
	return s
}

// addPages makes the parts that people see.
func (s *server) addPages() {
	clients := targets.New(s.web, s.Store, s.targets())
	scrapes := s.TelemetryPath
	if s.ScrapeInternalOnly {
		scrapes = ""
	}
	s.tokens = access.NewTokens(s.web, s.Store, scrapes, clients.TokenConfig)
	remover := groupings.NewRemover(s.groupings, s.Store, s.UndoWindow, s.EnableAdminAPI)
	log := activity.New(s.web, s.Store, s.Retention)
	s.pages = slices.Concat(
		s.rootRoutes(), groupings.Pages(s.groupings, groupings.NewComposer(s.groupings, s.Store), remover),
		clients.Routes(), log.Routes(), statuspage.New(s.web, s.Store, s.gateway, s.Metrics, s.status()).Routes(), remover.WipeRoutes(),
		settings.New(s.web, s.Ages).Routes(), live.New(s.web, s.Metrics, s.Ending).Routes(),
		manual.New(s.web, s.Store, s.gateway, s.DefaultTTL).Routes(), s.tokens.PageRoutes(), s.access.Routes(), s.web.StaticRoutes(),
	)
}

// routes returns the routes of this listener.
func (s *server) routes() []web.Route {
	if s.ScrapeInternalOnly {
		return web.Joined(s.gateway.PushRoutes(), s.apiRoutes(), s.gateway.HealthRoutes(), s.pages)
	}
	return s.everyRoute()
}

// everyRoute returns the routes of this listener and of that for scrapes.
func (s *server) everyRoute() []web.Route {
	return web.Joined(s.gateway.PushRoutes(), s.gateway.ScrapeRoutes(), s.apiRoutes(), s.gateway.HealthRoutes(), s.pages)
}

// apiRoutes are the JSON API, and the end of the process.
func (s *server) apiRoutes() []web.Route {
	return slices.Concat(s.groupings.Routes(), s.gateway.Routes(), s.tokens.Routes(), s.gateway.ImportRoutes())
}

// allRoutes is everyRoute of a server on which everything is enabled, for
// callers that need the routes only.
func allRoutes() []web.Route {
	return newServer(Config{Admin: gateway.Admin{EnableAdminAPI: true}}).everyRoute()
}

// Reserved reports whether a path below the prefix cannot be the telemetry path,
// because paths that begin with its first segment lead somewhere else. Paths of
// groupings begin at a segment that is free by itself.
func Reserved(path string) bool {
	first, alone := web.FirstSegment(path), strings.Count(path, "/") == 1
	return slices.ContainsFunc(slices.Concat(allRoutes(), places()), func(r web.Route) bool {
		taken := r.On["GET"].Fetches != telemetry.FetchesAll && (!alone || r.Kind != web.Protocol)
		return taken && web.FirstSegment(r.Path) == first
	})
}

// rootRoutes lead from the prefix to the page below it.
func (s *server) rootRoutes() []web.Route {
	if s.RoutePrefix == "" {
		return nil
	}
	// The prefix may change.
	return []web.Route{web.Get(web.Page, "", web.Endpoint{Name: "root", Needs: auth.Public, Do: s.toRoot, Cache: "no-cache"})}
}

// toRoot adds the slash that is missing behind the prefix. Clients that push or
// scrape are never redirected. A query that is too long for a header is left out.
func (s *server) toRoot(c *fiber.Ctx) error {
	location := s.PublicPrefix + "/"
	if query := c.Context().URI().QueryString(); len(query) > 0 && len(query) <= web.MaxAddress {
		location += "?" + string(query)
	}
	return c.Redirect(location, fiber.StatusPermanentRedirect)
}

// places are paths of which something is known although nothing is served there.
func places() []web.Route {
	return []web.Route{
		{Path: "/api/*", Kind: web.Protocol},
		{Path: "/api/v1/*", Kind: web.JSON},
		{Path: "/debug/*", Kind: web.Plain}, // profiles, which are mounted as a whole
		// For scrapers that use the default instead of the telemetry path.
		web.Get(web.Plain, "/metrics", web.Endpoint{Fetches: telemetry.FetchesAll}),
	}
}
