package auth

import (
	"errors"
	"time"
)

// Scheme is a way to tell who one is. Its values are a label of metrics.
type Scheme string

// All schemes.
const (
	Basic       Scheme = "basic"       // name and password
	JWT         Scheme = "jwt"         // bearer token of the OIDC issuer
	APIToken    Scheme = "api_token"   // one of the configured tokens
	ScrapeKey   Scheme = "scrape_key"  // the key of the scrape routes
	Certificate Scheme = "certificate" // verified client certificate
	Localhost   Scheme = "localhost"   // local process of the server's own user
	Anonymous   Scheme = "none"        // no credential
)

// Principal is who a request comes from.
type Principal struct {
	Scheme Scheme
	Name   string // for people; may be empty
	Role   Role
}

// The reasons for which requests are refused. Their texts are for everybody.
var (
	ErrNoCredential  = errors.New("authentication is required")
	ErrBadCredential = errors.New("the credential is not valid")
	ErrForbidden     = errors.New("the credential does not allow this")
	ErrAddress       = errors.New("this address is not allowed")
	ErrCrossSite     = errors.New("a page of another site may not do this")
	ErrAmbiguous     = errors.New("a credential is given twice")
	ErrThrottled     = errors.New("too many failed sign-ins from this address; try again later")
	ErrUnavailable   = errors.New("the credential cannot be checked at present; try again")
)

// Refusal says why a request is not let in.
type Refusal struct {
	Reason     error         // one of the above
	Scheme     Scheme        // the credential that decided
	RetryAfter time.Duration // 0: trying again is of no use
	Cause      error         // for the log only; nil: nothing to add
}

// Error is the reason, without the cause.
func (r *Refusal) Error() string { return r.Reason.Error() }

// Unwrap gives the reason.
func (r *Refusal) Unwrap() error { return r.Reason }
