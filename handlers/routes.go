// Package handlers translates between HTTP and the store. routes.go is the
// whole URL map, errors.go the only place where errors become answers.
package handlers

import (
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/pprof"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"gatehouse/store"
)

// Config is what the handlers are made of.
type Config struct {
	Store   *store.Store
	Metrics *Metrics
	Logger  *slog.Logger

	RoutePrefix   string   // empty, or with a leading and no trailing slash
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

	StaleAfter, OldAfter                   time.Duration
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration

	Flags   map[string]string // as the status shows them
	Started time.Time
	Build   Build
	Quit    func() // asks the process to end
}

// Build tells what was built from what.
type Build struct{ Version, Revision, Branch, User, Date, GoVersion string }

// api holds what handlers need. It is safe for concurrent use.
type api struct {
	Config
	budget budget
	etags  etags
}

// route is one line of the URL map. Paths are below the route prefix.
type route struct {
	path  string
	names map[string]string        // method to the handler's name in metrics
	do    map[string]fiber.Handler // method to handler
}

// New makes the server's routes.
func New(c Config) (*fiber.App, error) {
	h := &api{Config: c, budget: budget{limit: c.BodyBudget}, etags: newETags()}
	app := fiber.New(fiberConfig(c))
	app.Use(h.record, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: h.panicked}))
	app.Use(checkTarget(c.RoutePrefix), h.refuseCrossSite)
	for _, r := range h.routes() {
		r.mount(app, c.RoutePrefix)
	}
	if c.EnablePprof {
		app.Use(pprof.New(pprof.Config{Prefix: c.RoutePrefix}))
	}
	app.Use(func(*fiber.Ctx) error { return fiber.ErrNotFound })
	tune(app)
	return app, nil
}

func (h *api) routes() []route {
	get := func(path, name string, do fiber.Handler) route {
		return route{path, map[string]string{"GET": name}, map[string]fiber.Handler{"GET": do}}
	}
	routes := []route{
		get("/", "index", h.index),
		get(h.TelemetryPath, "scrape", h.scrape),
		get("/metrics/self", "self", h.scrapeSelf),
		{
			"/metrics/*",
			map[string]string{"GET": "grouping", "PUT": "push", "POST": "push", "DELETE": "delete"},
			map[string]fiber.Handler{
				"GET": h.grouping, "PUT": h.push(store.Replace), "POST": h.push(store.Merge), "DELETE": h.delete,
			},
		},
		get("/api/v1/targets", "api/v1/targets", h.targets),
		get("/api/v1/metrics", "api/v1/metrics", h.metrics),
		get("/api/v1/status", "api/v1/status", h.status),
		{
			"/api/v1/groupings",
			map[string]string{"GET": "api/v1/groupings", "DELETE": "api/v1/groupings"},
			map[string]fiber.Handler{"GET": h.listGroupings, "DELETE": h.deleteGroupings},
		},
		get("/api/v1/openapi.json", "api/v1/openapi.json", h.openAPI),
		get("/health", "health", h.health),
		get("/-/healthy", "healthy", h.healthy),
		get("/-/ready", "ready", h.ready),
		{
			"/-/quit",
			map[string]string{"PUT": "quit", "POST": "quit"},
			map[string]fiber.Handler{"PUT": h.quit, "POST": h.quit},
		},
	}
	if h.EnableAdminAPI {
		routes = append(routes, route{
			"/api/v1/admin/wipe",
			map[string]string{"PUT": "wipe"},
			map[string]fiber.Handler{"PUT": h.wipe},
		})
	}
	return routes
}

// methods are those that a route may have, in the order of an Allow header.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}

func (r route) mount(app *fiber.App, prefix string) {
	path := prefix + r.path
	for method, do := range r.do {
		name := r.names[method]
		named := func(c *fiber.Ctx) error {
			c.Locals(handlerName, name)
			return do(c)
		}
		app.Add(method, path, named)
		if method == "GET" {
			app.Add("HEAD", path, named)
		}
	}
	allow := r.allow()
	app.All(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		if c.Method() == fiber.MethodOptions {
			return c.SendStatus(fiber.StatusOK)
		}
		return fiber.ErrMethodNotAllowed
	})
}

func (r route) allow() string {
	var allowed []string
	for _, m := range methods {
		_, ok := r.do[m]
		if ok || m == "OPTIONS" || m == "HEAD" && r.do["GET"] != nil {
			allowed = append(allowed, m)
		}
	}
	return strings.Join(allowed, ", ")
}

// handlerName is the key under which a request carries its handler's name.
const handlerName = "handler"

func (h *api) panicked(c *fiber.Ctx, cause any) {
	h.Logger.Error("A handler panicked", "method", c.Method(), "path", c.Path(), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
}
