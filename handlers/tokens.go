package handlers

import (
	"gatehouse/auth"
	"gatehouse/store"
)

// Tokens are the API tokens in a store.
type Tokens struct{ Store *store.Store }

// Principal is part of guard.MadeTokens.
func (t Tokens) Principal(secret, from string) (auth.Principal, error) {
	x, ok := t.Store.FindToken(secret)
	if !ok {
		return auth.Principal{}, auth.ErrUnknownToken
	}
	// While all is open nobody is asked for a token: this one is of no use now.
	if !x.Authenticated {
		return auth.Principal{}, auth.ErrUnsignedToken
	}
	role, err := auth.ParseRole(x.Role)
	if err != nil {
		return auth.Principal{}, err
	}
	t.Store.UseToken(x.ID, from)
	return auth.Principal{Scheme: auth.APIToken, ID: auth.TokenID(x.ID), Name: x.Name, Role: role, Scope: x.Scope.String()}, nil
}

// Len is part of guard.MadeTokens.
func (t Tokens) Len() int {
	n := 0
	for x := range t.Store.Snapshot().Tokens() {
		if x.Authenticated && !t.Store.Expired(&x.Secrets[0]) {
			n++
		}
	}
	return n
}

// Known is part of guard.MadeTokens.
func (t Tokens) Known() bool { return t.Store.Snapshot().KnowsTokens() }
