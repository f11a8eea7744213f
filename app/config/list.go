package config

import (
	"errors"
	"slices"
	"strings"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

// parseScopes takes spaces between them too, as the standard writes them.
func parseScopes(texts []string) ([]string, error) {
	var scopes []string
	for _, s := range texts {
		scopes = append(scopes, strings.Fields(s)...)
	}
	return scopes, nil
}

func checkNetwork(s string) error {
	if _, err := auth.ParsePrefixes([]string{s}); err != nil {
		return errors.New("expected an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32")
	}
	return nil
}

// bySocket stands for the proxies that come by a Unix socket.
const bySocket = "unix"

func checkProxy(s string) error {
	if s != bySocket && checkNetwork(s) != nil {
		return errors.New("expected an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, or unix")
	}
	return nil
}

// parseProxies returns those of the proxies that come by TCP.
func parseProxies(proxies []string) (auth.Prefixes, error) {
	return auth.ParsePrefixes(slices.DeleteFunc(slices.Clone(proxies), func(s string) bool { return s == bySocket }))
}

func checkClaim(s string) error {
	if _, err := jwt.ParseRequiredClaims([]string{s}); err != nil {
		return errors.New("expected claim=value such as hd=example.com")
	}
	return nil
}

func checkRoleMapping(s string) error {
	if _, err := jwt.ParseRoleMap([]string{s}); err != nil {
		return errors.New("expected value=role, where the role is none, reader, pusher or admin")
	}
	return nil
}

func checkVariable(s string) error {
	if !visible(s) || strings.Contains(s, "=") {
		return errors.New("expected the name of a variable such as OIDC_ISSUER_URL")
	}
	return nil
}
