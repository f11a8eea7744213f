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

// Handler answers clients that push, scrape and ask for the server's health. It
// is safe for concurrent use.
type Handler struct {
	Options
	Metrics *telemetry.Metrics

	web       *web.Site
	store     Store
	budget    budget
	etags     web.ETags
	importing sync.Mutex // held by the one import that is under way
}

// Store is the part of a store that a gateway uses.
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

// Settings are the settings of a gateway. Fields with tags are settings of
// the program; app/config says what the tags mean.
type Settings struct {
	// UTF8Names is the result of both flags about names.
	UTF8Names    bool          `flag:"push.enable-utf8-names" default:"true" help:"Allow any UTF-8 in metric and label names, which is the default. --push.legacy-names disables it."`
	LegacyNames  bool          `flag:"push.legacy-names" help:"Allow only letters, digits and underscores in metric and label names, and colons in metric names."`
	MaxBodyBytes int64         `flag:"push.max-body-bytes" default:"16MiB" help:"Largest body of a push, decompressed."`
	DefaultTTL   time.Duration `flag:"push.default-ttl" default:"0s" help:"Time after which a grouping expires unless it is pushed again. 0: never."`

	MaxSeriesPerPush int   `flag:"limits.series-per-push" default:"100000" help:"Most series in one push. 0: no limit."`
	BodyBudget       int64 `flag:"limits.body-bytes-in-flight" default:"256MiB" validate:"gtefield=MaxBodyBytes" help:"Most bytes of pushes under way at the same time, with the labels of the path in each line."`

	Targets Targets // those of the service discovery

	ExactJobMatch bool `flag:"api.exact-job-match" help:"GET and DELETE of /metrics/job/<job> mean only the grouping without other labels, not the whole job."`
	ExcludeOwn    bool `flag:"metrics.exclude-own" help:"Leave the server's own metrics to /metrics/self."`
}

// Admin enables requests of admins. Its tags declare settings, as those of Settings.
type Admin struct {
	EnableLifecycle bool `flag:"web.enable-lifecycle" help:"Let PUT and POST of /-/quit end the server."`
	EnableAdminAPI  bool `flag:"web.enable-admin-api" help:"Allow PUT of /api/v1/admin/wipe, which deletes everything, and POST of /api/v1/admin/import, which imports a Pushgateway's file."`
}

// Options are all that a gateway has to know.
type Options struct {
	Settings
	Admin
	TLS              bool // the server speaks it
	CheckConsistency bool

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
