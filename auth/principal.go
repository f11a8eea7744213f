package auth

import (
	"errors"
	"fmt"
	"time"
)

// Scheme is a way to authenticate. Its values are a label of metrics.
type Scheme string

// All schemes.
const (
	Basic       Scheme = "basic"       // name and password
	JWT         Scheme = "jwt"         // bearer token of the OIDC issuer
	APIToken    Scheme = "api_token"   // one of the configured tokens
	ScrapeKey   Scheme = "scrape_key"  // the key of the scrape routes
	Certificate Scheme = "certificate" // verified client certificate
	Localhost   Scheme = "localhost"   // local process of the server's own user
	OIDC        Scheme = "oidc"        // sign-in at the OpenID provider, which begins a session
	Anonymous   Scheme = "none"        // no credential
)

// Principal is the authenticated sender of a request.
type Principal struct {
	Scheme Scheme
	// ID distinguishes the principal from all others, whichever way it comes
	// in: people can choose their names. Empty: it is nobody in particular.
	ID   string
	Name string // for people; may be empty
	Role Role
	// WriteOnly says that the principal is shown nothing of the store's
	// contents, whatever the role: strangers that may push are.
	WriteOnly bool
	// Scope is the selector that groupings must satisfy for the principal to act
	// on them; empty: it may act on all.
	Scope string
}

// MayRead reports whether the principal may see what is held.
func (p Principal) MayRead() bool { return p.Role.May(Read) && !p.WriteOnly }

// UserID is the ID of a user with a password.
func UserID(name string) string { return "user:" + name }

// SubjectID returns the ID of an issuer's subject.
func SubjectID(issuer, subject string) string { return "sub:" + issuer + " " + subject }

// ScrapeKeyID is the ID of everyone with the scrape key.
const ScrapeKeyID = "scrape-key"

// TokenID returns the ID of the holder of an API token.
func TokenID(token string) string { return "token:" + token }

// The reasons for which requests are denied. Their texts are for everybody.
var (
	ErrNoCredential  = errors.New("authentication is required")
	ErrBadCredential = errors.New("the credential is not valid")
	ErrNoScheme      = fmt.Errorf("%w: its scheme is missing; write Bearer in front of a token", ErrBadCredential)
	ErrForbidden     = errors.New("the credential does not allow this")
	ErrNobody        = errors.New("nobody may do this while METRICS_VERIFICATION_KEY is all that is configured: set API_TOKENS, PUSHGATEWAY_AUTH_USER, JWT_ISSUER or OIDC_CLIENT_ID too")
	ErrOutside       = errors.New("the credential is limited to other groupings")
	ErrAddress       = errors.New("this address is not allowed")
	ErrCrossSite     = errors.New("cross-site requests are not allowed")
	ErrAmbiguous     = errors.New("a credential is given twice")
	ErrThrottled     = errors.New("too many failed sign-ins; try again later")
	ErrUnavailable   = errors.New("the credential cannot be checked at present; try again")
)

// Reasons for which an API token is denied. They are for the log.
var (
	ErrUnknownToken  = errors.New("no such token")
	ErrUnsignedToken = errors.New("the token was made without sign-in: it was good only while no credential was configured")
)

// DeniedError is the error of a request that is not let in.
type DeniedError struct {
	Reason     error         // one of the above
	Scheme     Scheme        // the credential that decided
	RetryAfter time.Duration // 0: trying again is of no use
	Cause      error         // for the log only; nil: nothing to add
}

// Error is the reason, without the cause.
func (r *DeniedError) Error() string { return r.Reason.Error() }

// Unwrap gives the reason.
func (r *DeniedError) Unwrap() error { return r.Reason }
