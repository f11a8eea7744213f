package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"gatehouse/handlers"
)

// parseExternalURL takes the address under which clients reach the server. nil
// stands for an empty one. A slash at its end is dropped.
func parseExternalURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, ok := absoluteURL(s)
	switch {
	case !ok:
		return nil, errors.New("expected an absolute URL such as https://example.org/pushgateway")
	case u.User != nil:
		return nil, errors.New("expected a URL without user and password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, errors.New("expected a URL without query and fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func absoluteURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// checkIssuer takes what can stand in tokens as their issuer. It is compared
// byte for byte, so nothing is done to it.
func checkIssuer(s string) error {
	u, ok := absoluteURL(s)
	switch {
	case s == "":
		return nil
	case !ok || strings.Contains(s, " "):
		return errors.New("expected an absolute URL such as https://login.example.org")
	case u.User != nil:
		return errors.New("expected a URL without user and password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return errors.New("expected a URL without query and fragment")
	}
	return nil
}

func checkJWKSURI(s string) error {
	u, ok := absoluteURL(s)
	switch {
	case s == "":
		return nil
	case !ok || strings.Contains(s, " "):
		return errors.New("expected an absolute URL such as https://login.example.org/keys")
	case u.User != nil:
		return errors.New("expected a URL without user and password")
	}
	return nil
}

// inPlain reports whether what is asked for at the URL can be changed on the way:
// http to another machine.
func inPlain(s string) bool {
	u, ok := absoluteURL(s)
	if !ok || u.Scheme != "http" || strings.EqualFold(u.Hostname(), "localhost") {
		return false
	}
	host, _ := netip.ParseAddr(u.Hostname()) // a name is not local
	return !host.Unmap().IsLoopback()
}

// A segment of a path that we route by: nothing in it needs escaping, means
// something to the router, or is a dot segment.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`)

func routable(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if !segment.MatchString(s) {
			return false
		}
	}
	return true
}

// parseRoutePrefix returns the prefix with a slash before it and none behind,
// or "" for none.
func parseRoutePrefix(s string) (string, error) {
	s = strings.Trim(s, "/")
	if s == "" {
		return "", nil
	}
	if !routable(s) {
		return "", errors.New("expected a path such as /pushgateway, of letters, digits and ._~-")
	}
	return "/" + s, nil
}

// checkTelemetryPath holds the path of the scrape against all other routes.
func checkTelemetryPath(s string) error {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok || !routable(rest) {
		return errors.New("expected a path such as /metrics, of letters, digits and ._~-, without a slash at the end")
	}
	if handlers.Reserved(s) {
		first, _, _ := strings.Cut(rest, "/")
		return fmt.Errorf("expected a path that is not in use otherwise; /%s is", first)
	}
	return nil
}
