package auth

import (
	"net/url"
	"strings"
)

// Publicity tells who can get a token of an issuer. It is what an operator has
// to know before every token of that issuer is trusted.
type Publicity uint8

const (
	// NotPublic is an issuer that is not known to serve the world.
	NotPublic Publicity = iota
	// AnyAccount is an issuer at which everybody can have an account.
	AnyAccount
	// AnyAudience is an issuer whose callers choose the audience of their
	// tokens, or whose tenants are the world: aud and iss keep nobody out.
	AnyAudience
)

const googleIssuer = "https://accounts.google.com"

// personalTenant is the Entra tenant of all personal Microsoft accounts.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// PublicIssuer tells how public an issuer is. It errs on the side of public:
// spelling, port and path matter only where Entra tells tenants apart by them.
func PublicIssuer(issuer string) Publicity {
	if !strings.Contains(issuer, "://") {
		issuer = "https://" + issuer
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return NotPublic
	}
	switch strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") {
	case "accounts.google.com":
		return AnyAccount
	case "token.actions.githubusercontent.com", "gitlab.com":
		return AnyAudience
	case "login.microsoftonline.com", "login.windows.net", "sts.windows.net":
		tenant, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
		switch strings.ToLower(tenant) {
		case "common", "organizations", "consumers", personalTenant:
			return AnyAudience
		}
	}
	return NotPublic
}
