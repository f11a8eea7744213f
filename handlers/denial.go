package handlers

import (
	"strings"

	"gatehouse/auth/guard"
	"gatehouse/store"
)

// Denials puts on record in a store who was not let in.
type Denials struct{ Store *store.Store }

// Deny is told by a guard. It never waits.
func (d Denials) Deny(x guard.Denial) {
	what := x.Method + " " + x.Path
	if strings.HasSuffix(x.Path, callbackPath) {
		what = "sign-in at the OpenID provider"
	}
	d.Store.Deny(store.Denial{
		Origin: store.Origin{By: x.Principal.Name, From: x.From, Via: string(x.Scheme), ID: x.Principal.ID},
		Reason: x.Reason.Error(), What: what,
	})
}
