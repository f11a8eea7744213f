package handlers

import (
	"context"
	"log/slog"
	"time"

	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/statuspage"
	"gatehouse/handlers/targets"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Config configures the handlers.
type Config struct {
	Store   *store.Store
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	Guard   *guard.Guard // in front of every route
	// Scrapers remembers who scrapes. nil: a record of its own.
	Scrapers *telemetry.Scrapers

	web.Base
	gateway.Settings
	gateway.Admin
	groupings.Ages
	web.Timeouts
	web.Debug
	targets.ScrapeListener
	// Headers are added to every answer. nil: none.
	Headers func() map[string]string

	// SessionIdle is after how long without use sessions end; 0: they don't.
	SessionIdle time.Duration

	// What the store was opened with.
	store.Limits
	store.Undo
	Retention time.Duration // of the activity log; 0: only its size is bounded

	// For the status.
	Addresses, ScrapeAddresses []string // that are listened on, as they were configured
	TLS                        bool
	Flags                      []gateway.Flag

	Started time.Time
	Build   gateway.Build
	Quit    func() // asks the process to end
	// Import brings the content of a Pushgateway's persistence file into the store, or
	// says what that would do. Errors are ErrNoImport and those of the store.
	Import func(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]gateway.Arrival, error)
	// Ending is closed when the process stops: answers that go on for as long as
	// the client wants end then. nil: never.
	Ending <-chan struct{}
}

// gateway are the options of the gateway.
func (c *Config) gateway() gateway.Options {
	return gateway.Options{
		Settings: c.Settings, Admin: c.Admin, TLS: c.TLS, CheckConsistency: c.CheckConsistency,
		Flags: c.Flags, Started: c.Started, Build: c.Build, Quit: c.Quit, Import: c.Import,
	}
}

// targets are the options of the page of pushers and scrapers.
func (c *Config) targets() targets.Options {
	return targets.Options{
		Ages: c.Ages, Scrapers: c.Scrapers, Started: c.Started,
		ScrapeListener: c.ScrapeListener, ScrapeAddresses: c.ScrapeAddresses,
	}
}

// status are the options of the status.
func (c *Config) status() statuspage.Options {
	return statuspage.Options{
		Ages: c.Ages, Limits: c.Limits, Undo: c.Undo, Retention: c.Retention,
		Addresses: c.Addresses, ScrapeAddresses: c.ScrapeAddresses, Debug: c.Debug,
	}
}
