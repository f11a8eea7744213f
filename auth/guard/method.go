package guard

import (
	"fmt"
	"strings"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

// Method is an active way to come in, as the log and the status show it. It
// holds no secret.
type Method struct {
	Scheme auth.Scheme `json:"scheme"`
	Grants string      `json:"grants"` // a role, or where it comes from
	Detail string      `json:"detail"`
}

// Methods lists the active ways to come in, in the order in which credentials
// are looked for.
func (g *Guard) Methods() []Method {
	var active []Method
	add := func(on bool, s auth.Scheme, grants, detail string) {
		if on {
			active = append(active, Method{s, grants, detail})
		}
	}
	add(g.verify != nil, auth.JWT, claimed(g.Claims), fmt.Sprintf("issuer %s, audience %s", g.Claims.Issuer, strings.Join(g.Claims.Audiences, " or ")))
	add(g.Tokens.Len() > 0, auth.APIToken, auth.Admin.String(), fmt.Sprintf("tokens: %d", g.Tokens.Len()))
	if g.MadeTokens != nil && g.MadeTokens.UsableTokens() > 0 {
		add(true, auth.APIToken, "by token", fmt.Sprintf("created tokens: %d", g.MadeTokens.UsableTokens()))
	}
	if g.Passwords != nil {
		add(g.Passwords.Configured(), auth.Basic, auth.Admin.String(), fmt.Sprintf("users: %d", g.Passwords.Users()))
	}
	access := g.Access()
	if access == KeyOnly {
		add(true, auth.ScrapeKey, auth.Reader.String(), "everything that can be read; also on the sign-in page")
	} else {
		add(g.ScrapeKey.IsSet(), auth.ScrapeKey, auth.Scraper.String(), "GET and HEAD of metrics and targets")
	}
	add(g.Provider != nil, auth.OIDC, claimed(g.Login), fmt.Sprintf("issuer %s, client %s", g.Login.Issuer, strings.Join(g.Login.Audiences, " or ")))
	add(g.CertificateRole != auth.NoRole, auth.Certificate, g.CertificateRole.String(), "verified client certificate")
	switch {
	case access == Open:
		add(true, auth.Anonymous, auth.Admin.String(), "no credential is required")
	case access == KeyOnly:
		add(true, auth.Anonymous, auth.Pusher.String(), "PUT, POST and DELETE of /metrics/job/… and the push page only")
	case g.Bypass == BypassSameUser:
		add(true, auth.Localhost, auth.Admin.String(), "processes of the server's own user on this machine")
	case g.Bypass == BypassOn:
		add(true, auth.Localhost, auth.Admin.String(), "every process on this machine")
	}
	return active
}

// Standings returns, for each issuer whose tokens or people are accepted, the
// sentence about its admins.
func (g *Guard) Standings() []jwt.Standing { return g.standings }

func standings(c Config) (all []jwt.Standing) {
	tokens, people := c.Issuer != nil, c.Provider != nil
	if tokens && people && c.Claims.Issuer == c.Login.Issuer {
		return []jwt.Standing{c.Claims.Standing(jwt.ByBoth)}
	}
	if tokens {
		all = append(all, c.Claims.Standing(jwt.ByToken))
	}
	if people {
		all = append(all, c.Login.Standing(jwt.BySignIn))
	}
	return all
}

// claimed says where the role of a token's owner comes from.
func claimed(r jwt.ClaimRules) string {
	if len(r.RoleMap) == 0 {
		return r.DefaultRole.String()
	}
	claim := r.RoleClaim
	if claim == "" {
		claim = "roles or groups"
	}
	return fmt.Sprintf("by claim %s, else %s", claim, r.DefaultRole)
}
