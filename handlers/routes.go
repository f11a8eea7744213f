// Package handlers translates between HTTP and the store. routes.go is the
// whole URL map, web/errors.go the only place where errors become answers.
package handlers

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Config is what the handlers are made of.
type Config struct {
	Store   *store.Store
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	Guard   *guard.Guard // stands before every route
	// Scrapers remembers who scrapes. nil: a record of its own.
	Scrapers *telemetry.Scrapers

	RoutePrefix   string   // empty, or with a leading and no trailing slash
	PublicPrefix  string   // the same in addresses that clients use; a proxy may take off a part
	TelemetryPath string   // where scrapes go, below the prefix
	ExternalURL   *url.URL // nil: what the request says

	MaxBodyBytes     int64 // of one push, decoded
	MaxSeriesPerPush int
	BodyBudget       int64 // bytes of all bodies in memory at once
	DefaultTTL       time.Duration

	UTF8Names        bool
	ExactJobMatch    bool
	ExcludeOwn       bool
	CheckConsistency bool
	EnableAdminAPI   bool
	EnableLifecycle  bool
	EnablePprof      bool
	// Targets are those of the service discovery.
	Targets Targets
	// ScrapesElsewhere leaves scrapes to another listener.
	ScrapesElsewhere bool
	// Headers are added to every answer. nil: none.
	Headers func() map[string]string

	// SessionIdle is after how long without use sessions end; 0: they don't.
	SessionIdle time.Duration

	UndoWindow                             time.Duration // for deletes; 0: none
	Retention                              time.Duration // of the activity log; 0: only its size is bounded
	StaleAfter, OldAfter                   time.Duration
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration

	// For the status.
	Addresses, ScrapeAddresses            []string // that are listened on, as they were configured
	TLS                                   bool
	MaxGroupings, MaxSeries, MaxLabelSets int // of the store; 0: no limit
	UndoMaxBytes                          int64
	Flags                                 []Flag

	Started time.Time
	Build   Build
	Quit    func() // asks the process to end
	// Import brings the content of a Pushgateway's persistence file into the store, or
	// says what that would do. Errors are ErrNoImport and those of the store.
	Import func(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]Arrival, error)
	// Ending is closed when the process stops: answers that go on for as long as
	// the client wants end then. nil: never.
	Ending <-chan struct{}
}

// Build tells what was built from what.
type Build struct{ Version, Revision, Branch, User, Date, GoVersion string }

// api holds what handlers need. It is safe for concurrent use.
type api struct {
	Config
	budget    budget
	importing sync.Mutex // held by the one import that is under way
	etags     web.ETags
	streams   streams
	web       *web.Site
	server    *web.Server
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
	return h.server.Serve(slices.Concat(h.scrapeRoutes(), h.healthRoutes()))
}

func newAPI(c Config) *api {
	if c.Scrapers == nil {
		c.Scrapers = telemetry.NewScrapers()
	}
	h := &api{
		Config: c, budget: budget{limit: c.BodyBudget}, etags: web.NewETags(),
		streams: streams{open: make(map[viewer]int)},
	}
	h.web = &web.Site{
		Base:  web.Base{RoutePrefix: c.RoutePrefix, PublicPrefix: c.PublicPrefix, ExternalURL: c.ExternalURL},
		Guard: c.Guard, Store: c.Store, Logger: c.Logger, Version: c.Build.Version, SignIn: h.signIn,
	}
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
		return web.Joined(h.pushRoutes(), h.apiRoutes(), h.healthRoutes(), h.pageRoutes())
	}
	return h.everyRoute()
}

// everyRoute is what is served here and by the listener for scrapes.
func (h *api) everyRoute() []web.Route {
	return web.Joined(h.pushRoutes(), h.scrapeRoutes(), h.apiRoutes(), h.healthRoutes(), h.pageRoutes())
}

// allRoutes is everyRoute of a server on which everything is enabled, for those who
// want to know the routes only.
func allRoutes() []web.Route {
	return (&api{Config: Config{EnableAdminAPI: true}}).everyRoute()
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

// pushRoutes are what push clients ask for.
func (h *api) pushRoutes() []web.Route {
	return []web.Route{{Path: "/metrics/*", Kind: web.Protocol, Data: groupingPaths, Shown: shownGrouping, On: map[string]web.Endpoint{
		"PUT":    h.pushing(store.Replace),
		"POST":   h.pushing(store.Merge),
		"DELETE": {Name: "delete", Needs: auth.Delete, Do: h.delete, Limited: true},
	}}}
}

// apiRoutes are the JSON API, and the end of the process.
func (h *api) apiRoutes() []web.Route {
	return slices.Concat([]web.Route{
		{Path: "/api/v1/groupings", Kind: web.JSON, Shown: "/api/v1/groupings", On: map[string]web.Endpoint{
			"GET":    {Name: "api/v1/groupings", Needs: auth.Read, Do: h.listGroupings, Limited: true},
			"DELETE": {Name: "api/v1/groupings", Needs: auth.Administer, Do: h.deleteGroupings, Limited: true, Query: []string{web.QueryMatch, web.QueryDryRun}},
		}},
		web.Get(web.JSON, "/api/v1/metrics", web.Endpoint{Name: "api/v1/metrics", Needs: auth.Read, Do: h.metrics, Cache: web.NoStore, Limited: true}).AsShown(),
		web.Get(web.JSON, "/api/v1/status", web.Endpoint{Name: "api/v1/status", Needs: auth.Read, Do: h.status}).AsShown(),
		web.Get(web.JSON, "/api/v1/openapi.json", web.Endpoint{Name: "api/v1/openapi.json", Needs: auth.Read, Do: h.openAPI}).AsShown(),
		{Path: "/-/quit", On: map[string]web.Endpoint{
			"PUT":  {Name: "quit", Needs: auth.Administer, Do: h.quit},
			"POST": {Name: "quit", Needs: auth.Administer, Do: h.quit},
		}},
	}, h.tokenRoutes(), h.importRoutes())
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

const (
	// groupingPaths is where all paths of groupings begin.
	groupingPaths = "/metrics/job"
	// shownGrouping is how the index writes them.
	shownGrouping = "/metrics/job/<job>{/<label>/<value>}"
)

// toRoot adds the slash that is missing behind the prefix. Clients that push or
// scrape are never redirected. A query that is too long for a header is left out.
func (h *api) toRoot(c *fiber.Ctx) error {
	location := h.PublicPrefix + "/"
	if query := c.Context().URI().QueryString(); len(query) > 0 && len(query) <= web.MaxAddress {
		location += "?" + string(query)
	}
	return c.Redirect(location, fiber.StatusPermanentRedirect)
}

// scrapeRoutes are what Prometheus asks for.
func (h *api) scrapeRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Protocol, h.TelemetryPath, web.Endpoint{Name: "scrape", Needs: auth.Scrape, Do: h.scrape, Limited: true, Uncounted: true, Fetches: telemetry.FetchesAll}).AsShown(),
		web.Get(web.Protocol, "/metrics/self", web.Endpoint{Name: "self", Needs: auth.Scrape, Do: h.scrapeSelf, Uncounted: true, Fetches: telemetry.FetchesOwn}).AsShown(),
		{Path: "/metrics/*", Kind: web.Protocol, Data: groupingPaths, Shown: shownGrouping, On: map[string]web.Endpoint{
			"GET": {Name: "grouping", Needs: auth.Scrape, Do: h.grouping, Limited: true, Fetches: telemetry.FetchesGroupings},
		}},
		web.Get(web.JSON, "/api/v1/targets", web.Endpoint{Name: "api/v1/targets", Needs: auth.Scrape, Do: h.targets, Limited: true, Fetches: telemetry.FetchesTargets}).AsShown(),
	}
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

// healthRoutes are what probes ask for, who have no credentials.
func (h *api) healthRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Plain, "/health", web.Endpoint{Name: "health", Needs: auth.Public, Do: h.health, Cache: web.NoStore}).AsShown(),
		web.Get(web.Plain, "/-/healthy", web.Endpoint{Name: "healthy", Needs: auth.Public, Do: h.healthy}),
		web.Get(web.Plain, "/-/ready", web.Endpoint{Name: "ready", Needs: auth.Public, Do: h.ready}),
	}
}
