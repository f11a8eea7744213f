package auth

import "time"

// Token describes an API token that somebody has created. It doesn't change.
type Token struct {
	ID        string // names it in addresses; is no secret
	Name      string // for people; no other token has it
	Role      Role
	Created   time.Time
	CreatedBy string
	// Authenticated: its creator had signed in, or was known otherwise. A store
	// that knows such a token is not for strangers.
	Authenticated bool
}

// Principal returns the principal of requests with the token, if the token is
// limited to the groupings of that scope; empty: to none.
func (t Token) Principal(scope string) Principal {
	return Principal{Scheme: APIToken, ID: TokenID(t.ID), Name: t.Name, Role: t.Role, Scope: scope}
}
