// Package targets shows the clients of the server: the jobs that push, and the
// scrapers.
package targets

import (
	"time"

	"gatehouse/handlers/groupings"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves the targets. It is safe for concurrent use.
type Handler struct {
	Options
	web   *web.Site
	store Store
}

// Options are what the page shows and counts by.
type Options struct {
	groupings.Ages
	Scrapers      *telemetry.Scrapers
	Started       time.Time // since when scrapers are counted
	TelemetryPath string
	// ScrapesElsewhere: scrapes are left to a listener at one of the ScrapeAddresses.
	ScrapesElsewhere bool
	ScrapeAddresses  []string
}

// Store is what the targets need of a store.
type Store interface {
	Snapshot() *store.Snapshot
}

// New returns a handler of the targets of a store.
func New(w *web.Site, s Store, o Options) *Handler { return &Handler{Options: o, web: w, store: s} }
