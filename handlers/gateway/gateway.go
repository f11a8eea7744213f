// Package gateway is the push protocol and what Prometheus and probes ask for: push,
// delete, scrape, targets, health, the status, and imports.
package gateway

import (
	"context"
	"sync"
	"time"

	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler answers who pushes, scrapes and asks for the server's health. It is safe
// for concurrent use.
type Handler struct {
	Options
	Metrics *telemetry.Metrics

	web       *web.Site
	store     Store
	budget    budget
	etags     web.ETags
	importing sync.Mutex // held by the one import that is under way
}

// Store is what a gateway needs of a store.
type Store interface {
	pushStore
	deleteStore
	Snapshot() *store.Snapshot
	Status() store.Status
	Now() time.Time
}

type pushStore interface {
	Push(context.Context, store.Push) (store.Revision, error)
	Reject(context.Context, store.Rejection)
}

type deleteStore interface {
	Delete(context.Context, store.GroupingKey, store.Origin) (int, error)
	DeleteMatching(ctx context.Context, selectors, within store.Selectors, o store.Origin) (int, error)
}

// Options are what can be set of a gateway.
type Options struct {
	TelemetryPath string // where scrapes go, below the prefix
	TLS           bool   // the server speaks it
	// Targets are those of the service discovery.
	Targets Targets

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

	// For the status.
	Flags   []Flag
	Started time.Time
	Build   Build
	Quit    func() // asks the process to end
	// Import brings the content of a Pushgateway's persistence file into the store, or
	// says what that would do. Errors are web.ErrNoImport and those of the store.
	Import func(ctx context.Context, content []byte, dryRun bool, o store.Origin) ([]Arrival, error)
}

// New makes a gateway to a store.
func New(w *web.Site, s Store, m *telemetry.Metrics, o Options) *Handler {
	return &Handler{Options: o, Metrics: m, web: w, store: s, budget: budget{limit: o.BodyBudget}, etags: web.NewETags()}
}
