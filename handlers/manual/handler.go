// Package manual serves the documentation, searches it, and runs its examples.
package manual

import (
	"context"
	"time"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves the documentation. It is safe for concurrent use.
type Handler struct {
	defaultTTL time.Duration // of the groupings that examples push; 0: they don't expire

	web     *web.Site
	store   Store
	gateway *gateway.Handler
	etags   web.ETags
}

// Store is the part of a store that the examples need.
type Store interface {
	Snapshot() *store.Snapshot
	Delete(context.Context, store.GroupingKey, store.Origin) (int, error)
	DeleteVersions(ctx context.Context, versions []store.GroupingVersion, exact bool, what string, o store.Origin) (store.Deleted, error)
}

// New returns a handler whose examples push to a gateway.
func New(w *web.Site, s Store, g *gateway.Handler, defaultTTL time.Duration) *Handler {
	return &Handler{defaultTTL: defaultTTL, web: w, store: s, gateway: g, etags: web.NewETags()}
}
