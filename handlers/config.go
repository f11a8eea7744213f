package handlers

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/statuspage"
	"gatehouse/handlers/targets"
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
	Targets gateway.Targets
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
	Flags                                 []gateway.Flag

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
		TelemetryPath: c.TelemetryPath, TLS: c.TLS, Targets: c.Targets,
		MaxBodyBytes: c.MaxBodyBytes, MaxSeriesPerPush: c.MaxSeriesPerPush, BodyBudget: c.BodyBudget, DefaultTTL: c.DefaultTTL,
		UTF8Names: c.UTF8Names, ExactJobMatch: c.ExactJobMatch, ExcludeOwn: c.ExcludeOwn, CheckConsistency: c.CheckConsistency,
		EnableAdminAPI: c.EnableAdminAPI, EnableLifecycle: c.EnableLifecycle,
		Flags: c.Flags, Started: c.Started, Build: c.Build, Quit: c.Quit, Import: c.Import,
	}
}

// ages are after what time groupings count as stale and as old.
func (c *Config) ages() groupings.Ages {
	return groupings.Ages{StaleAfter: c.StaleAfter, OldAfter: c.OldAfter}
}

// targets are the options of the page of pushers and scrapers.
func (c *Config) targets() targets.Options {
	return targets.Options{
		Ages: c.ages(), Scrapers: c.Scrapers, Started: c.Started, TelemetryPath: c.TelemetryPath,
		ScrapesElsewhere: c.ScrapesElsewhere, ScrapeAddresses: c.ScrapeAddresses,
	}
}

// status are the options of the status.
func (c *Config) status() statuspage.Options {
	return statuspage.Options{
		Ages: c.ages(), Addresses: c.Addresses, ScrapeAddresses: c.ScrapeAddresses,
		MaxGroupings: c.MaxGroupings, MaxSeries: c.MaxSeries, MaxLabelSets: c.MaxLabelSets,
		UndoWindow: c.UndoWindow, UndoMaxBytes: c.UndoMaxBytes, Retention: c.Retention, EnablePprof: c.EnablePprof,
	}
}

// Parts of a Config that belong to the gateway.
type (
	// Arrival is what has become of a grouping of a Pushgateway's file, or would.
	Arrival = gateway.Arrival
	// Build tells what was built from what.
	Build = gateway.Build
	// Flag is a flag of the program as the status shows it.
	Flag = gateway.Flag
	// RefusedFamily is a metric family that is left out of its grouping.
	RefusedFamily = gateway.RefusedFamily
	// Targets is what targets say of how they are to be scraped.
	Targets = gateway.Targets
)

// CommandLine is where the value of a Flag may come from.
const CommandLine = gateway.CommandLine
