package handlers

import (
	"strings"

	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Denials records denied requests in a store.
type Denials struct {
	store *store.Store
	named []web.Route // those that the record names in words
}

// NewDenials makes the record of a store.
func NewDenials(s *store.Store) Denials {
	d := Denials{store: s}
	for _, r := range allRoutes() {
		if r.On["GET"].Denied != "" {
			d.named = append(d.named, r)
		}
	}
	return d
}

// Deny is called by a guard. It never waits.
func (d Denials) Deny(x guard.Denial) {
	what := x.Method + " " + x.Path
	for _, r := range d.named {
		if strings.HasSuffix(x.Path, r.Path) {
			what = r.On["GET"].Denied
		}
	}
	d.store.Deny(store.Denial{
		Origin: store.Origin{By: x.Principal.Name, From: x.From, Via: string(x.Scheme), ID: x.Principal.ID},
		Reason: x.Reason.Error(), What: what,
	})
}
