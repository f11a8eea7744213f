// Package handlers translates between HTTP and the store. routes.go is the
// whole URL map, web/errors.go the only place where errors become answers.
package handlers

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
)

// api holds what handlers need. It is safe for concurrent use.
type api struct {
	Config
	etags   web.ETags
	streams streams
	gateway *gateway.Handler
	web     *web.Site
	server  *web.Server
}

// New makes the server's routes.
func New(c Config) (*fiber.App, error) {
	h := newAPI(c)
	return h.server.Serve(h.routes())
}

// NewScrape makes the routes of a listener that serves scrapes, targets and
// health, and nothing else.
func NewScrape(c Config) (*fiber.App, error) {
	c.EnablePprof = false
	h := newAPI(c)
	return h.server.Serve(slices.Concat(h.gateway.ScrapeRoutes(), h.gateway.HealthRoutes()))
}

func newAPI(c Config) *api {
	if c.Scrapers == nil {
		c.Scrapers = telemetry.NewScrapers()
	}
	h := &api{
		Config: c, etags: web.NewETags(),
		streams: streams{open: make(map[viewer]int)},
	}
	h.web = &web.Site{
		Base:  web.Base{RoutePrefix: c.RoutePrefix, PublicPrefix: c.PublicPrefix, ExternalURL: c.ExternalURL},
		Guard: c.Guard, Store: c.Store, Logger: c.Logger, Version: c.Build.Version, SignIn: h.signIn,
	}
	h.gateway = gateway.New(h.web, c.Store, c.Metrics, c.gateway())
	h.web.Know(slices.Concat(h.everyRoute(), places()))
	h.server = &web.Server{
		Site: h.web, Metrics: c.Metrics, Scrapers: c.Scrapers, Headers: c.Headers, Ending: c.Ending, Pprof: c.EnablePprof,
		Timeouts: web.Timeouts{ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout, IdleTimeout: c.IdleTimeout},
	}
	return h
}

// routes are what is served here.
func (h *api) routes() []web.Route {
	if h.ScrapesElsewhere {
		return web.Joined(h.gateway.PushRoutes(), h.apiRoutes(), h.gateway.HealthRoutes(), h.pageRoutes())
	}
	return h.everyRoute()
}

// everyRoute is what is served here and by the listener for scrapes.
func (h *api) everyRoute() []web.Route {
	return web.Joined(h.gateway.PushRoutes(), h.gateway.ScrapeRoutes(), h.apiRoutes(), h.gateway.HealthRoutes(), h.pageRoutes())
}

// allRoutes is everyRoute of a server on which everything is enabled, for those who
// want to know the routes only.
func allRoutes() []web.Route {
	return newAPI(Config{EnableAdminAPI: true}).everyRoute()
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

// apiRoutes are the JSON API, and the end of the process.
func (h *api) apiRoutes() []web.Route {
	return slices.Concat([]web.Route{
		{Path: "/api/v1/groupings", Kind: web.JSON, Shown: "/api/v1/groupings", On: map[string]web.Endpoint{
			"GET":    {Name: "api/v1/groupings", Needs: auth.Read, Do: h.listGroupings, Limited: true},
			"DELETE": {Name: "api/v1/groupings", Needs: auth.Administer, Do: h.deleteGroupings, Limited: true, Query: []string{web.QueryMatch, web.QueryDryRun}},
		}},
	}, h.gateway.Routes(), h.tokenRoutes(), h.gateway.ImportRoutes())
}

// pageRoutes are what people see.
func (h *api) pageRoutes() []web.Route {
	return slices.Concat(
		h.rootRoutes(), h.listRoutes(), h.bulkRoutes(), h.menuRoutes(), h.detailRoutes(), h.removalRoutes(), h.composeRoutes(),
		h.targetsRoutes(), h.activityRoutes(), h.statusRoutes(), h.wipeRoutes(), h.settingsRoutes(), h.eventRoutes(),
		h.docsRoutes(), h.tokenPageRoutes(), h.sessionRoutes(), h.loginRoutes(), h.accountRoutes(), h.web.StaticRoutes(),
	)
}

// rootRoutes lead from the prefix to the page below it.
func (h *api) rootRoutes() []web.Route {
	if h.RoutePrefix == "" {
		return nil
	}
	// The prefix may change.
	return []web.Route{web.Get(web.Page, "", web.Endpoint{Name: "root", Needs: auth.Public, Do: h.toRoot, Cache: "no-cache"})}
}

// toRoot adds the slash that is missing behind the prefix. Clients that push or
// scrape are never redirected. A query that is too long for a header is left out.
func (h *api) toRoot(c *fiber.Ctx) error {
	location := h.PublicPrefix + "/"
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
		// Where scrapers look that were not told of the telemetry path.
		web.Get(web.Plain, "/metrics", web.Endpoint{Fetches: telemetry.FetchesAll}),
	}
}
