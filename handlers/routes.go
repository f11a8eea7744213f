// Package handlers translates between HTTP and the store. routes.go is the
// whole URL map, errors.go the only place where errors become answers.
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
	etags     etags
	streams   streams
	web       *site
	server    *server
}

// New makes the server's routes.
func New(c Config) (*fiber.App, error) {
	h := newAPI(c)
	return h.server.serve(h.routes())
}

// NewScrape makes the routes of a listener that serves scrapes, targets and
// health, and nothing else.
func NewScrape(c Config) (*fiber.App, error) {
	c.EnablePprof = false
	h := newAPI(c)
	return h.server.serve(slices.Concat(h.scrapeRoutes(), h.healthRoutes()))
}

func newAPI(c Config) *api {
	if c.Scrapers == nil {
		c.Scrapers = telemetry.NewScrapers()
	}
	h := &api{
		Config: c, budget: budget{limit: c.BodyBudget}, etags: newETags(),
		streams: streams{open: make(map[viewer]int)},
	}
	h.web = &site{
		base:  base{c.RoutePrefix, c.PublicPrefix, c.ExternalURL},
		Guard: c.Guard, Store: c.Store, Logger: c.Logger, Version: c.Build.Version, SignIn: h.signIn,
	}
	h.web.know(slices.Concat(h.everyRoute(), places()))
	h.server = &server{
		site: h.web, metrics: c.Metrics, scrapers: c.Scrapers, headers: c.Headers, ending: c.Ending, pprof: c.EnablePprof,
		timeouts: timeouts{c.ReadTimeout, c.WriteTimeout, c.IdleTimeout},
	}
	return h
}

// routes are what is served here.
func (h *api) routes() []route {
	if h.ScrapesElsewhere {
		return joined(h.pushRoutes(), h.apiRoutes(), h.healthRoutes(), h.pageRoutes())
	}
	return h.everyRoute()
}

// everyRoute is what is served here and by the listener for scrapes.
func (h *api) everyRoute() []route {
	return joined(h.pushRoutes(), h.scrapeRoutes(), h.apiRoutes(), h.healthRoutes(), h.pageRoutes())
}

// allRoutes is everyRoute of a server on which everything is enabled, for those who
// want to know the routes only.
func allRoutes() []route {
	return (&api{Config: Config{EnableAdminAPI: true}}).everyRoute()
}

// Reserved reports whether a path below the prefix cannot be the telemetry path,
// because paths that begin with its first segment lead somewhere else. Paths of
// groupings begin at a segment that is free by itself.
func Reserved(path string) bool {
	first, alone := firstSegment(path), strings.Count(path, "/") == 1
	return slices.ContainsFunc(slices.Concat(allRoutes(), places()), func(r route) bool {
		taken := r.on["GET"].fetches != telemetry.FetchesAll && (!alone || r.kind != kindProtocol)
		return taken && firstSegment(r.path) == first
	})
}

// pushRoutes are what push clients ask for.
func (h *api) pushRoutes() []route {
	return []route{{path: "/metrics/*", kind: kindProtocol, data: groupingPaths, shown: shownGrouping, on: map[string]endpoint{
		"PUT":    h.pushing(store.Replace),
		"POST":   h.pushing(store.Merge),
		"DELETE": {name: "delete", needs: auth.Delete, do: h.delete, limited: true},
	}}}
}

// apiRoutes are the JSON API, and the end of the process.
func (h *api) apiRoutes() []route {
	return slices.Concat([]route{
		{path: "/api/v1/groupings", kind: kindJSON, shown: "/api/v1/groupings", on: map[string]endpoint{
			"GET":    {name: "api/v1/groupings", needs: auth.Read, do: h.listGroupings, limited: true},
			"DELETE": {name: "api/v1/groupings", needs: auth.Administer, do: h.deleteGroupings, limited: true, query: []string{queryMatch, queryDryRun}},
		}},
		get(kindJSON, "/api/v1/metrics", endpoint{name: "api/v1/metrics", needs: auth.Read, do: h.metrics, cache: noStore, limited: true}).asShown(),
		get(kindJSON, "/api/v1/status", endpoint{name: "api/v1/status", needs: auth.Read, do: h.status}).asShown(),
		get(kindJSON, "/api/v1/openapi.json", endpoint{name: "api/v1/openapi.json", needs: auth.Read, do: h.openAPI}).asShown(),
		{path: "/-/quit", on: map[string]endpoint{
			"PUT":  {name: "quit", needs: auth.Administer, do: h.quit},
			"POST": {name: "quit", needs: auth.Administer, do: h.quit},
		}},
	}, h.tokenRoutes(), h.importRoutes())
}

// pageRoutes are what people see.
func (h *api) pageRoutes() []route {
	return slices.Concat(
		h.rootRoutes(), h.listRoutes(), h.bulkRoutes(), h.menuRoutes(), h.detailRoutes(), h.removalRoutes(), h.composeRoutes(),
		h.targetsRoutes(), h.activityRoutes(), h.statusRoutes(), h.wipeRoutes(), h.settingsRoutes(), h.eventRoutes(),
		h.docsRoutes(), h.tokenPageRoutes(), h.sessionRoutes(), h.loginRoutes(), h.accountRoutes(), h.web.staticRoutes(),
	)
}

// rootRoutes lead from the prefix to the page below it.
func (h *api) rootRoutes() []route {
	if h.RoutePrefix == "" {
		return nil
	}
	// The prefix may change.
	return []route{get(kindPage, "", endpoint{name: "root", needs: auth.Public, do: h.toRoot, cache: "no-cache"})}
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
	if query := c.Context().URI().QueryString(); len(query) > 0 && len(query) <= maxAddress {
		location += "?" + string(query)
	}
	return c.Redirect(location, fiber.StatusPermanentRedirect)
}

// scrapeRoutes are what Prometheus asks for.
func (h *api) scrapeRoutes() []route {
	return []route{
		get(kindProtocol, h.TelemetryPath, endpoint{name: "scrape", needs: auth.Scrape, do: h.scrape, limited: true, uncounted: true, fetches: telemetry.FetchesAll}).asShown(),
		get(kindProtocol, "/metrics/self", endpoint{name: "self", needs: auth.Scrape, do: h.scrapeSelf, uncounted: true, fetches: telemetry.FetchesOwn}).asShown(),
		{path: "/metrics/*", kind: kindProtocol, data: groupingPaths, shown: shownGrouping, on: map[string]endpoint{
			"GET": {name: "grouping", needs: auth.Scrape, do: h.grouping, limited: true, fetches: telemetry.FetchesGroupings},
		}},
		get(kindJSON, "/api/v1/targets", endpoint{name: "api/v1/targets", needs: auth.Scrape, do: h.targets, limited: true, fetches: telemetry.FetchesTargets}).asShown(),
	}
}

// places are paths of which something is known although nothing is served there.
func places() []route {
	return []route{
		{path: "/api/*", kind: kindProtocol},
		{path: "/api/v1/*", kind: kindJSON},
		{path: "/debug/*", kind: kindPlain}, // profiles, which are mounted as a whole
		// Where scrapers look that were not told of the telemetry path.
		get(kindPlain, "/metrics", endpoint{fetches: telemetry.FetchesAll}),
	}
}

// healthRoutes are what probes ask for, who have no credentials.
func (h *api) healthRoutes() []route {
	return []route{
		get(kindPlain, "/health", endpoint{name: "health", needs: auth.Public, do: h.health, cache: noStore}).asShown(),
		get(kindPlain, "/-/healthy", endpoint{name: "healthy", needs: auth.Public, do: h.healthy}),
		get(kindPlain, "/-/ready", endpoint{name: "ready", needs: auth.Public, do: h.ready}),
	}
}
