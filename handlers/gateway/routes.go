package gateway

import (
	"gatehouse/auth"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

const (
	// groupingPaths begins all paths of groupings.
	groupingPaths = "/metrics/job"
	// shownGrouping is how the index writes them.
	shownGrouping = "/metrics/job/<job>{/<label>/<value>}"
)

// PushRoutes are for push clients.
func (h *Handler) PushRoutes() []web.Route {
	return []web.Route{{Path: "/metrics/*", Kind: web.Protocol, Data: groupingPaths, Shown: shownGrouping, On: map[string]web.Endpoint{
		"PUT":    h.pushing(store.Replace),
		"POST":   h.pushing(store.Merge),
		"DELETE": {Name: "delete", Needs: auth.Delete, Do: h.delete, Limited: true},
	}}}
}

// ScrapeRoutes are for Prometheus.
func (h *Handler) ScrapeRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Protocol, h.web.TelemetryPath, web.Endpoint{Name: "scrape", Needs: auth.Scrape, Do: h.scrape, Limited: true, Uncounted: true, Fetches: telemetry.FetchesAll}).AsShown(),
		web.Get(web.Protocol, "/metrics/self", web.Endpoint{Name: "self", Needs: auth.Scrape, Do: h.scrapeSelf, Uncounted: true, Fetches: telemetry.FetchesOwn}).AsShown(),
		{Path: "/metrics/*", Kind: web.Protocol, Data: groupingPaths, Shown: shownGrouping, On: map[string]web.Endpoint{
			"GET": {Name: "grouping", Needs: auth.Scrape, Do: h.grouping, Limited: true, Fetches: telemetry.FetchesGroupings},
		}},
		web.Get(web.JSON, "/api/v1/targets", web.Endpoint{Name: "api/v1/targets", Needs: auth.Scrape, Do: h.targets, Limited: true, Fetches: telemetry.FetchesTargets}).AsShown(),
	}
}

// HealthRoutes are for probes, which have no credentials.
func (h *Handler) HealthRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Plain, "/health", web.Endpoint{Name: "health", Needs: auth.Public, Do: h.health, Cache: web.NoStore}).AsShown(),
		web.Get(web.Plain, "/-/healthy", web.Endpoint{Name: "healthy", Needs: auth.Public, Do: h.healthy}),
		web.Get(web.Plain, "/-/ready", web.Endpoint{Name: "ready", Needs: auth.Public, Do: h.ready}),
	}
}

// Routes are the JSON API of what was pushed and of the server, and the end of the
// process.
func (h *Handler) Routes() []web.Route {
	return []web.Route{
		web.Get(web.JSON, "/api/v1/metrics", web.Endpoint{Name: "api/v1/metrics", Needs: auth.Read, Do: h.metrics, Cache: web.NoStore, Limited: true}).AsShown(),
		web.Get(web.JSON, "/api/v1/status", web.Endpoint{Name: "api/v1/status", Needs: auth.Read, Do: h.status}).AsShown(),
		web.Get(web.JSON, "/api/v1/openapi.json", web.Endpoint{Name: "api/v1/openapi.json", Needs: auth.Read, Do: h.openAPI}).AsShown(),
		{Path: "/-/quit", On: map[string]web.Endpoint{
			"PUT":  {Name: "quit", Needs: auth.Administer, Do: h.quit},
			"POST": {Name: "quit", Needs: auth.Administer, Do: h.quit},
		}},
	}
}
