// Package web has the parts that all handlers share: routes and all that is known of
// them, the one table of errors, pages, forms, bodies, addresses, and the server that
// mounts them.
package web

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth/guard"
	"gatehouse/handlers/telemetry"
	"gatehouse/store"
)

// Site is the common part of all handlers: the server's address, its guard, and
// how it answers. It is safe for concurrent use.
type Site struct {
	Base
	Guard   *guard.Guard
	Store   clockedStore
	Logger  *slog.Logger
	Version string
	// SignIn asks people who are not let in to sign in, and reports whether it
	// has answered. nil: nobody can sign in.
	SignIn func(c *fiber.Ctx, err error) bool

	Known *Known
	epoch string // of marks
}

// Base is where a server is. Its tags declare settings, as app/config reads them.
type Base struct {
	// TelemetryPath is the path of scrapes, below the prefix.
	TelemetryPath string `flag:"web.telemetry-path" default:"/metrics" is:"telemetry path" help:"Path that exposes all metrics."`
	// ExternalURL is nil if each request says it.
	ExternalURL *url.URL `flag:"web.external-url" is:"external url" help:"URL under which clients and browsers reach the server."`
	// RoutePrefix is empty, or has a slash before it and none behind.
	RoutePrefix string `flag:"web.route-prefix" is:"route prefix" help:"Prefix of all paths as they arrive here. Default: the path of --web.external-url; / if a proxy takes that path off."`
	// PublicPrefix is RoutePrefix as clients know it, before a proxy takes off a part.
	PublicPrefix string
}

// clockedStore is the part of the store that a site needs.
type clockedStore interface {
	Now() time.Time
	Snapshot() *store.Snapshot
}

// Know sets what is known of paths, before the first request.
func (s *Site) Know(routes []Route) {
	s.Known, s.epoch = newKnown(s.RoutePrefix, routes), newEpoch()
}

// Server is a listener's way from connections to routes.
type Server struct {
	Site     *Site
	Metrics  *telemetry.Metrics
	Scrapers *telemetry.Scrapers
	Timeouts
	Debug
	// Headers are added to every answer. nil: none.
	Headers func() map[string]string
	// Ending is closed when the process stops. nil: never.
	Ending <-chan struct{}

	unframedAnswers unframedAnswers
}

// Timeouts are those of connections. Fields with tags are settings of the program, see
// app/config.
type Timeouts struct {
	ReadTimeout  time.Duration `flag:"web.read-timeout" default:"1m" is:"timeout" help:"Longest time for a request to arrive, including its body."`
	WriteTimeout time.Duration `flag:"web.write-timeout" default:"2m" is:"timeout" help:"Longest time for a client to receive a response."`
	IdleTimeout  time.Duration `flag:"web.idle-timeout" default:"2m" is:"timeout" help:"Time after which an unused connection is closed."`
}

// Debug enables ways to look into a running server. Its tags declare settings, as
// app/config reads them.
type Debug struct {
	EnablePprof bool `flag:"web.enable-pprof" help:"Serve profiles below /debug/pprof/."`
}
