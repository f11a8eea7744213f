package access

import "net/url"

// providerURL is the address that begins a sign-in at the provider.
func (l Login) providerURL() string { return l.Path("/auth/login?next=" + url.QueryEscape(l.Next)) }
