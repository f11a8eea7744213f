package access

import "net/url"

// providerURL is where signing in at the provider begins.
func (l Login) providerURL() string { return l.Path("/auth/login?next=" + url.QueryEscape(l.Next)) }
