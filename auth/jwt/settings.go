package jwt

import (
	"fmt"
	"strings"

	"gatehouse/auth"
)

// TokenSettings configure the checks of tokens. Its tags declare settings, as
// app/config reads them.
type TokenSettings struct {
	RoleClaim   string               `flag:"auth.role-claim" help:"Claim that lists the roles, in bearer tokens and at sign-in. Default: roles, else groups."`
	RoleMap     map[string]auth.Role `flag:"auth.role-map" is:"role map" help:"Roles by value of the claim: value=reader, value=pusher or value=admin. Repeatable, or several with commas."`
	DefaultRole auth.Role            `flag:"auth.default-role" is:"role if any" help:"Role if no value is mapped: none, reader, pusher or admin. Default: admin without --auth.role-map, else none. An issuer that gives tokens to strangers needs this, a role map, or required claims that keep them out."`
	// Issuer is that of bearer tokens; empty: there are none.
	Issuer         string            `flag:"jwt.issuer" env:"JWT_ISSUER" is:"issuer" help:"Issuer whose tokens are accepted, exactly as in their iss claim."`
	Audiences      []string          `flag:"jwt.audience" env:"JWT_AUDIENCE" help:"Audiences; a token must name one of them. Needed with --jwt.issuer."`
	JWKSURI        string            `flag:"jwt.jwks-uri" env:"JWKS_URI" is:"jwks uri" help:"Address of the issuer's keys. Default: what the issuer's discovery document names."`
	RequiredClaims map[string]string `flag:"jwt.required-claims" env:"JWT_REQUIRED_CLAIMS" is:"claims" help:"Claims that bearer tokens and people who sign in must have: claim=value. Repeatable, or several with commas."`
}

// Rules returns the rules for the tokens of an issuer, which need not be Issuer, that
// name one of the audiences.
func (s TokenSettings) Rules(issuer string, audiences ...string) ClaimRules {
	return ClaimRules{
		Issuer:      issuer,
		Audiences:   audiences,
		Required:    s.RequiredClaims,
		RoleClaim:   s.RoleClaim,
		RoleMap:     s.RoleMap,
		DefaultRole: s.DefaultRole,
	}
}

// ParseRoleMap takes assignments value=role. A value may itself hold =, as
// distinguished names do.
func ParseRoleMap(s []string) (map[string]auth.Role, error) {
	roles := make(map[string]auth.Role, len(s))
	for _, entry := range s {
		i := strings.LastIndexByte(entry, '=')
		if i <= 0 {
			return nil, fmt.Errorf("expected value=role, not %q", entry)
		}
		value := entry[:i]
		role, err := auth.ParseRole(entry[i+1:])
		if err != nil {
			return nil, fmt.Errorf("the role of %q: %w", value, err)
		}
		if other, twice := roles[value]; twice && other != role {
			return nil, fmt.Errorf("%q is given two roles, %s and %s", value, other, role)
		}
		roles[value] = role
	}
	return roles, nil
}

// ParseRequiredClaims takes conditions claim=value. A value may hold =.
func ParseRequiredClaims(s []string) (map[string]string, error) {
	required := make(map[string]string, len(s))
	for _, entry := range s {
		claim, value, _ := strings.Cut(entry, "=")
		if claim == "" || value == "" {
			return nil, fmt.Errorf("expected claim=value, not %q", entry)
		}
		if other, twice := required[claim]; twice && other != value {
			return nil, fmt.Errorf("the claim %q is required to be both %q and %q", claim, other, value)
		}
		required[claim] = value
	}
	return required, nil
}
