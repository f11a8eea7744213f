package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Paths below the issuer: of its keys by default, and of the document that may
// name another place (OpenID Connect Discovery 1.0).
const (
	defaultKeysPath = "/.well-known/jwks.json"
	discoveryPath   = "/.well-known/openid-configuration"
)

// discover reads a discovery document and returns where the keys of the issuer
// are.
func discover(raw []byte, issuer string) (string, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return "", fmt.Errorf("not a discovery document: %w", err)
	}
	if err := sameIssuer(document.Issuer, issuer); err != nil {
		return "", err
	}
	if err := checkEndpoint(document.JWKSURI, issuer); err != nil {
		return "", fmt.Errorf("its jwks_uri %w", err)
	}
	return document.JWKSURI, nil
}

// sameIssuer refuses the document of another issuer. A slash at the end counts,
// as it does in tokens, but is easily overlooked.
func sameIssuer(got, want string) error {
	switch {
	case got == want:
		return nil
	case got == "":
		return errors.New("it names no issuer")
	case strings.TrimRight(got, "/") == strings.TrimRight(want, "/"):
		return fmt.Errorf("its issuer %q differs from the configured %q in the slash at the end only: configure it exactly so", got, want)
	default:
		return fmt.Errorf("its issuer %q is not the configured %q", got, want)
	}
}

// parseAddress takes absolute http and https URLs only. Its errors don't repeat
// the address, which may hold a password.
func parseAddress(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("is not an absolute http or https URL")
	}
	return u, nil
}

// shown is an address without what may be secret in it.
func shown(raw string) string {
	u, err := parseAddress(raw)
	if err != nil {
		return "(no URL)"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
