// Package statuspage shows people how the server is doing and how it was set up.
package statuspage

import (
	"time"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves the status. It is safe for concurrent use.
type Handler struct {
	Options

	web     *web.Site
	store   Store
	gateway *gateway.Handler
	metrics *telemetry.Metrics
}

// Options are the settings that the status shows, beside those of the gateway.
type Options struct {
	groupings.Ages
	store.Limits
	store.Undo
	Retention                  time.Duration // of the activity log
	Addresses, ScrapeAddresses []string      // that are listened on, as they were configured
	web.Debug
}

// Store is the part of a store that the status needs.
type Store interface {
	Snapshot() *store.Snapshot
	Status() store.Status
}

// New returns a handler that shows the status of a store and of a gateway to it.
func New(w *web.Site, s Store, g *gateway.Handler, m *telemetry.Metrics, o Options) *Handler {
	return &Handler{Options: o, web: w, store: s, gateway: g, metrics: m}
}
