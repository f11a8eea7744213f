package handlers

import (
	"net/netip"

	"gatehouse/auth"
	"gatehouse/store"
)

// Tokens are the API tokens in a store.
type Tokens struct{ Store *store.Store }

// Principal is part of guard.MadeTokens.
func (t Tokens) Principal(secret string, from netip.Addr) (auth.Principal, bool) {
	x, ok := t.Store.FindToken(secret)
	if !ok {
		return auth.Principal{}, false
	}
	role, err := auth.ParseRole(x.Role)
	if err != nil {
		return auth.Principal{}, false
	}
	t.Store.UseToken(x.ID, addressText(from))
	return auth.Principal{Scheme: auth.APIToken, ID: auth.TokenID(x.ID), Name: x.Name, Role: role, Limit: x.Limit.String()}, true
}
