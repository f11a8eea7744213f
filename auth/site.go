package auth

import (
	"net/url"
	"strings"
)

// CrossSite reports whether a request was made by a page that is not ours, going
// by its headers Sec-Fetch-Site and Origin, which pages cannot choose; "" is
// an absent one. Requests that carry neither are not made by pages.
//
// ours are the hosts under which our own pages are reached, each as host,
// host:port or as an origin with its scheme. An origin decides about the
// scheme even if its host is given without one too: what http://example.org
// serves is not ours if we are https://example.org.
func CrossSite(secFetchSite, origin string, ours ...string) bool {
	switch secFetchSite {
	case "", "same-origin", "none":
	default:
		return true
	}
	return origin != "" && !isOurs(origin, ours)
}

func isOurs(origin string, ours []string) bool {
	scheme, host, ok := parseOrigin(origin)
	if !ok {
		return false
	}
	byHost, otherScheme := false, false
	for _, our := range ours {
		ourScheme, ourHost, whole := strings.Cut(strings.ToLower(our), "://")
		if !whole {
			ourScheme, ourHost = scheme, ourScheme
		}
		switch {
		case withoutDefaultPort(ourScheme, ourHost) != host:
		case !whole:
			byHost = true
		case ourScheme == scheme:
			return true
		default:
			otherScheme = true
		}
	}
	return byHost && !otherScheme
}

// parseOrigin takes the origin of a web page as browsers write it. The host
// comes with its port unless that is the default of the scheme.
func parseOrigin(origin string) (scheme, host string, ok bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", "", false
	}
	// Whatever else a URL can have makes a difference here.
	if !strings.EqualFold(u.Scheme+"://"+u.Host, origin) {
		return "", "", false
	}
	return u.Scheme, withoutDefaultPort(u.Scheme, strings.ToLower(u.Host)), true
}

// withoutDefaultPort is for headers that proxies write with a port that
// browsers leave out.
func withoutDefaultPort(scheme, host string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}
