package auth

import "time"

// Token is what is known of an API token that somebody has made. It doesn't change.
type Token struct {
	ID        string // names it in addresses; is of no use to whoever wants to have it
	Name      string // for people; no other token has it
	Role      Role
	Created   time.Time
	CreatedBy string
	// Authenticated: whoever made it had signed in, or was known otherwise. A store
	// that knows such a token is not for strangers.
	Authenticated bool
}

// Principal is who a request with the token comes from, if the token is limited to
// the groupings of that scope; empty: to none.
func (t Token) Principal(scope string) Principal {
	return Principal{Scheme: APIToken, ID: TokenID(t.ID), Name: t.Name, Role: t.Role, Scope: scope}
}
