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
	ScrapeListener
	Scrapers        *telemetry.Scrapers
	Started         time.Time // since when scrapers are counted
	ScrapeAddresses []string  // of the scrape listener, as they were configured
}

// ScrapeListener is what the listener for scrapes only is used for. Its tags declare
// settings, as app/config reads them.
type ScrapeListener struct {
	// ScrapeInternalOnly leaves scrapes and targets to that listener.
	ScrapeInternalOnly bool `flag:"web.scrape-internal-only" about:"access" help:"Serve scrapes and targets on --web.scrape-listen-address only."`
}

// Store is what the targets need of a store.
type Store interface {
	Snapshot() *store.Snapshot
}

// New returns a handler of the targets of a store.
func New(w *web.Site, s Store, o Options) *Handler { return &Handler{Options: o, web: w, store: s} }
