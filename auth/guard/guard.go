// Package guard lets requests in or denies them. It is the Fiber side of auth:
// it finds credentials, applies the rules to them, and lets handlers know who asks.
package guard

import (
	"errors"
	"log/slog"
	"net/netip"

	"github.com/gofiber/fiber/v2"
	lru "github.com/hashicorp/golang-lru/v2"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
)

// Config configures a Guard. A zero field is not configured; with
// nothing configured everybody may do everything. See Access.
type Config struct {
	Passwords *credential.Passwords
	Tokens    *credential.Tokens
	ScrapeKey credential.Secret
	Issuer    *issuer.Issuer // of bearer JWTs
	Claims    jwt.ClaimRules
	Bypass    Bypass
	// MadeTokens are the API tokens that people have made. nil: there are none.
	MadeTokens MadeTokens
	Sessions   Sessions // nil: nobody can sign in
	// Provider signs people in elsewhere. nil: nobody does.
	Provider *login.Provider
	// Login are the rules by which those who sign in there get their roles. Its
	// Issuer is the provider's, its one audience the name that we have there.
	Login jwt.ClaimRules
	// LoginRules is the fingerprint of Login; with a Provider it is made of that.
	// nil: sessions of people who have signed in elsewhere don't count.
	LoginRules []byte
	Cookie     Cookie // of sessions

	Settings
	Trusted      auth.Prefixes // proxies whose X-Forwarded-For is believed
	TrustSockets bool          // so it is if it comes by a Unix socket

	// Origins are ours beside what a request's Host says: scheme://host[:port].
	Origins []string
	// Decided is called with every decision. nil: it is not.
	Decided func(auth.Scheme, Result)
	// Denied is called with what is worth a record. It must not wait. nil: it is not.
	Denied func(Denial)
	Logger *slog.Logger
}

// Settings configure a guard. Its tags declare settings, as app/config
// reads them.
type Settings struct {
	// Open keeps the server open although people who had signed in have made tokens,
	// or there is a list of users, but none on it.
	Open bool `flag:"auth.open" help:"Stay open to everyone even if the store has tokens or the list of users is empty. Not together with any credential."`
	// Allowed and ScrapeAllowed are the addresses of clients, and of those that scrape.
	// Empty: all.
	Allowed       auth.Prefixes `flag:"auth.allowed-cidrs" is:"networks" help:"Addresses and networks that may send requests. Default: all."`
	ScrapeAllowed auth.Prefixes `flag:"metrics.allowed-cidrs" is:"networks" help:"Addresses and networks that may scrape. Default: all."`
	// CertificateRole is what a verified client certificate grants to a request
	// without another credential.
	CertificateRole auth.Role `flag:"auth.client-certificate-role" default:"none" is:"role" help:"Role of a verified client certificate without another credential: none, reader, pusher or admin."`
}

// MadeTokens finds API tokens. It must not take long: it is asked with each
// request that has one.
type MadeTokens interface {
	// TokenPrincipal is who has the token with that secret, and comes from there, as
	// AddressText says. The error says for the log why it lets nobody in.
	TokenPrincipal(secret, from string) (auth.Principal, error)
	// HasToken reports whether the token with that secret lets somebody in. It is no use
	// of the token.
	HasToken(secret string) bool
	// UsableTokens is how many let somebody in. It may take as long as looking at all.
	UsableTokens() int
	// KnowsTokens reports whether somebody who was known has ever made one, also if it was
	// revoked or has expired.
	KnowsTokens() bool
}

// Bypass says when a request from this machine needs no credential.
type Bypass uint8

const (
	// BypassOff is never.
	BypassOff Bypass = iota
	// BypassSameUser is when its process belongs to the server's own user.
	BypassSameUser
	// BypassOn is always.
	BypassOn
)

// Result is how a request fared. Its values are a label of metrics.
type Result string

// All results.
const (
	Allowed     Result = "allowed"
	Denied      Result = "refused"     // no credential or a wrong one
	Forbidden   Result = "forbidden"   // known, but not for this; or not from there
	Throttled   Result = "throttled"   // too many wrong passwords
	Unavailable Result = "unavailable" // could not be checked
)

// Guard is safe for concurrent use.
type Guard struct {
	Config
	verify    fiber.Handler // of a bearer JWT; nil: none are taken
	standings []jwt.Standing
	reported  *lru.Cache[incident, int64]
}

// New makes a guard.
func New(c Config) (*Guard, error) {
	reported, err := lru.New[incident, int64](maxIncidents)
	if err != nil {
		return nil, err
	}
	if c.Provider != nil {
		c.LoginRules = c.Login.Fingerprint()
	}
	g := &Guard{Config: c, standings: standings(c), reported: reported}
	if c.Issuer != nil {
		g.verify = g.verifier()
	}
	return g, nil
}

// Admit handles every request before anything else is done with it. It
// denies requests from addresses that are not allowed, requests that give a credential
// twice, and changes that a page of another site asks for in the name of its
// visitor.
func (g *Guard) Admit(c *fiber.Ctx) error {
	switch {
	case g.outside(c, g.Allowed):
		return g.deny(c, &auth.DeniedError{Reason: auth.ErrAddress, Scheme: auth.Anonymous})
	case ambiguous(c):
		return g.deny(c, &auth.DeniedError{Reason: auth.ErrAmbiguous, Scheme: auth.Anonymous})
	case !safe(c.Method()) && g.crossSite(c):
		return g.deny(c, &auth.DeniedError{Reason: auth.ErrCrossSite, Scheme: auth.Anonymous})
	}
	g.warnOfHidden(c)
	return c.Next()
}

// safe reports whether a method changes nothing.
func safe(method string) bool {
	return method == fiber.MethodGet || method == fiber.MethodHead || method == fiber.MethodOptions
}

func (g *Guard) crossSite(c *fiber.Ctx) bool {
	site, origin := c.Get("Sec-Fetch-Site"), c.Get(fiber.HeaderOrigin)
	if site == "" && origin == "" {
		return false
	}
	host := Host(c)
	return host == "" || auth.CrossSite(site, origin, append([]string{host}, g.Origins...)...)
}

// NoHost is the Host of requests that came without one, or with an empty one. No
// machine has that name or ever will: .invalid is reserved.
const NoHost = "host.invalid"

// Require lets a request on to the next handler if its sender may do a.
// Nothing of the request's body is read before. An *auth.DeniedError that the handler
// returns, since it knows more about the request, is a denial like the guard's own.
//
// A session counts for methods that change nothing.
func (g *Guard) Require(a auth.Action) fiber.Handler { return g.require(a, false) }

// RequirePage is Require for what people do in a browser: a session counts for
// every method.
func (g *Guard) RequirePage(a auth.Action) fiber.Handler { return g.require(a, true) }

func (g *Guard) require(a auth.Action, page bool) fiber.Handler {
	if a == auth.Public {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return func(c *fiber.Ctx) error {
		if a == auth.Scrape && g.outside(c, g.ScrapeAllowed) {
			return g.deny(c, &auth.DeniedError{Reason: auth.ErrAddress, Scheme: auth.Anonymous})
		}
		again := c.Locals(grantedKey) == a // its body was asked for
		p := Principal(c)
		if !again {
			var err error
			p, err = g.authenticate(c, a, page)
			if err == nil {
				c.Locals(principalKey, p)
			}
			switch {
			case g.unattainable(a):
				return g.deny(c, &auth.DeniedError{Reason: auth.ErrNobody, Scheme: auth.Anonymous, Cause: err})
			case err != nil:
				return g.deny(c, err)
			case !p.Role.May(a):
				return g.deny(c, &auth.DeniedError{Reason: auth.ErrForbidden, Scheme: p.Scheme})
			}
			c.Locals(grantedKey, a)
		}
		// Caches on the way don't know which headers hold credentials.
		c.Set(fiber.HeaderCacheControl, "private, no-cache")
		err := c.Next()
		if errors.As(err, new(*auth.DeniedError)) { // the handler knows more of what is asked for
			return g.deny(c, err)
		}
		if !again {
			g.decided(p.Scheme, Allowed)
		}
		return err
	}
}

// MayRead reports whether a request to a public route comes with a credential that
// allows reading, or needs none for that.
func (g *Guard) MayRead(c *fiber.Ctx) bool {
	p, err := g.authenticate(c, auth.Read, false)
	return err == nil && p.MayRead()
}

func (g *Guard) decided(s auth.Scheme, r Result) {
	if g.Decided != nil {
		g.Decided(s, r)
	}
}

// Keys under which a request carries its principal, and the action that it was
// granted: what was decided once holds while the client is asked for the body.
const (
	principalKey = "principal"
	grantedKey   = "granted"
)

// Principal is who the request comes from. It is only known behind Require, and
// to what answers in its place that the principal may not do this.
func Principal(c *fiber.Ctx) auth.Principal {
	p, _ := c.Locals(principalKey).(auth.Principal)
	return p
}

// socketPeer stands for the other end of a Unix socket that is a trusted proxy.
// No connection comes from there.
var socketPeer = netip.IPv6Unspecified()

// resultOf sorts a denial for the metrics.
func resultOf(r *auth.DeniedError) Result {
	switch {
	case errors.Is(r, auth.ErrThrottled):
		return Throttled
	case errors.Is(r, auth.ErrUnavailable):
		return Unavailable
	case errors.Is(r, auth.ErrNoCredential), errors.Is(r, auth.ErrBadCredential), errors.Is(r, auth.ErrAmbiguous), isLogin(r):
		return Denied
	}
	return Forbidden
}
