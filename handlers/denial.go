package handlers

import (
	"gatehouse/auth/guard"
	"gatehouse/store"
)

// Denials puts on record in a store who was not let in.
type Denials struct{ Store *store.Store }

// Deny is told by a guard. It never waits.
func (d Denials) Deny(x guard.Denial) {
	d.Store.Deny(store.Denial{
		Origin: store.Origin{By: x.Principal.Name, From: addressText(x.From), Via: string(x.Scheme), ID: x.Principal.ID},
		Reason: x.Reason.Error(), What: x.Method + " " + x.Path,
	})
}
