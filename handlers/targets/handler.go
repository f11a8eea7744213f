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

// Options configure the page.
type Options struct {
	groupings.Ages
	ScrapeListener
	Scrapers        *telemetry.Scrapers
	Started         time.Time // since when scrapers are counted
	ScrapeAddresses []string  // of the scrape listener, as they were configured
}

// ScrapeListener sets the use of the listener for scrapes only. Its tags declare
// settings, as app/config reads them.
type ScrapeListener struct {
	// ScrapeInternalOnly leaves scrapes and targets to that listener.
	ScrapeInternalOnly bool `flag:"web.scrape-internal-only" about:"access" help:"Serve scrapes and targets on --web.scrape-listen-address only."`
}

// Store is the part of a store that the targets need.
type Store interface {
	Snapshot() *store.Snapshot
}

// New returns a handler of the targets of a store.
func New(w *web.Site, s Store, o Options) *Handler { return &Handler{Options: o, web: w, store: s} }
