// Package groupings serves all that people and programs do with groupings beside pushing
// them by protocol: browse, filter, explain, export, compose, delete, undo and wipe.
package groupings

import (
	"context"
	"slices"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves the list of groupings and the page of each. It is safe for
// concurrent use.
type Handler struct {
	Ages

	web     *web.Site
	store   Store
	gateway *gateway.Handler
}

// Ages are after what time without a push a grouping counts as stale and as old;
// 0: never. Fields with tags are settings of the program, see app/config.
type Ages struct {
	StaleAfter time.Duration `flag:"ui.stale-after" default:"1h" is:"timeout" help:"Age of the last push from which a grouping is shown as stale."`
	OldAfter   time.Duration `flag:"ui.old-after" default:"24h" is:"timeout" validate:"gtefield=StaleAfter" help:"Age of the last push from which a grouping is shown as old."`
}

// Store is the part of a store that the list needs.
type Store interface {
	Snapshot() *store.Snapshot
	Now() time.Time
	History(context.Context, store.GroupingKey) ([]store.PushSummary, error)
	Entry(ctx context.Context, operation string) (store.Entry, bool, error)
	Undoable(operation string) (until time.Time, ok bool)
	DeleteMatching(ctx context.Context, selectors, within store.Selectors, o store.Origin) (int, error)
}

// New returns a handler of the groupings in a store, which a gateway exposes.
func New(w *web.Site, s Store, g *gateway.Handler, ages Ages) *Handler {
	return &Handler{Ages: ages, web: w, store: s, gateway: g}
}

// Routes returns the routes of the JSON API of groupings.
func (h *Handler) Routes() []web.Route {
	return []web.Route{
		{Path: "/api/v1/groupings", Kind: web.JSON, Shown: "/api/v1/groupings", On: map[string]web.Endpoint{
			"GET":    {Name: "api/v1/groupings", Needs: auth.Read, Do: h.listGroupings, Limited: true},
			"DELETE": {Name: "api/v1/groupings", Needs: auth.Administer, Do: h.deleteGroupings, Limited: true, Query: []string{web.QueryMatch, web.QueryDryRun}},
		}},
	}
}

// Pages returns the routes of all pages about groupings.
func Pages(list *Handler, c *Composer, r *Remover) []web.Route {
	return slices.Concat(list.listRoutes(), r.bulkRoutes(), list.menuRoutes(), list.detailRoutes(), r.removalRoutes(), c.composeRoutes())
}

// Composer serves the pages on which people write pushes. It is safe for
// concurrent use.
type Composer struct {
	web     *web.Site
	store   PreviewStore
	gateway *gateway.Handler
	list    *Handler
}

// PreviewStore is the part of a store that a composer needs.
type PreviewStore interface {
	Snapshot() *store.Snapshot
	Preview(store.Push) (store.Outcome, error)
}

// NewComposer returns a composer of pushes to the gateway of a list.
func NewComposer(list *Handler, s PreviewStore) *Composer {
	return &Composer{web: list.web, store: s, gateway: list.gateway, list: list}
}

// Remover serves deletes, undos and wipes. It is safe for concurrent use.
type Remover struct {
	enableAdminAPI bool
	undoWindow     time.Duration // 0: deletes can't be undone

	web   *web.Site
	store RemovalStore
	list  *Handler
}

// RemovalStore is the part of a store that a remover needs.
type RemovalStore interface {
	Snapshot() *store.Snapshot
	Now() time.Time
	DeleteVersions(ctx context.Context, versions []store.GroupingVersion, exact bool, what string, o store.Origin) (store.Deleted, error)
	DeletedBy(operation string, limit int) (keys []store.GroupingKey, total int)
	Entry(ctx context.Context, operation string) (store.Entry, bool, error)
	Undo(ctx context.Context, operation string, o store.Origin) (store.Undone, error)
	Undoable(operation string) (until time.Time, ok bool)
	Wipe(context.Context, store.Origin) (store.Deleted, error)
}

// NewRemover returns a remover of what a list shows. Deletes can be undone for the
// window; 0: not at all. Only with the admin API everything can be wiped.
func NewRemover(list *Handler, s RemovalStore, undoWindow time.Duration, enableAdminAPI bool) *Remover {
	return &Remover{enableAdminAPI: enableAdminAPI, undoWindow: undoWindow, web: list.web, store: s, list: list}
}
