// Package activity is the activity log: its page, its exports and its JSON.
package activity

import (
	"context"
	"time"

	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves the activity log. It is safe for concurrent use.
type Handler struct {
	retention time.Duration // 0: only the size of the log is bounded

	web   *web.Site
	store Store
}

// Store is the part of a store that the activity log needs.
type Store interface {
	Activity(ctx context.Context, q store.ActivityQuery) (entries []store.Entry, next string, err error)
	DeletedBy(operation string, limit int) (keys []store.GroupingKey, total int)
	Undoable(operation string) (until time.Time, ok bool)
	Snapshot() *store.Snapshot
}

// New returns the handler of a store that keeps entries for the retention; 0: their
// number alone is bounded.
func New(w *web.Site, s Store, retention time.Duration) *Handler {
	return &Handler{retention: retention, web: w, store: s}
}
