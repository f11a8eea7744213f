package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	jwtware "github.com/gofiber/contrib/jwt"
	"github.com/gofiber/fiber/v2"
	"github.com/golang-jwt/jwt/v5"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
)

const (
	tokenKey = "jwt"
	// keyWait bounds how long a request waits for the issuer's keys.
	keyWait = 6 * time.Second
	// issuerRetry is when to try again while the issuer can't be reached.
	issuerRetry = 10 * time.Second
)

// claims are parsed by us, and checked by us before a key is looked for: the
// verifier below takes no options, and requires neither issuer nor audience nor
// an end. To it they have no dates, so that only one clock decides.
type claims struct{ auth.Claims }

func (c *claims) UnmarshalJSON(raw []byte) (err error) {
	c.Claims, err = auth.ParseClaims(raw)
	return err
}

func (*claims) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (*claims) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (*claims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (*claims) GetIssuer() (string, error)                   { return "", nil }
func (*claims) GetSubject() (string, error)                  { return "", nil }
func (*claims) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// verifier checks the bearer token of a request and leaves it under tokenKey.
// It answers nothing and calls no other handler: what follows is not its
// business.
func (g *Guard) verifier() fiber.Handler {
	return jwtware.New(jwtware.Config{
		Claims:         &claims{},
		TokenLookup:    "header:" + fiber.HeaderAuthorization,
		AuthScheme:     "Bearer",
		ContextKey:     tokenKey,
		KeyFunc:        g.key,
		SuccessHandler: func(*fiber.Ctx) error { return nil },
		ErrorHandler:   func(_ *fiber.Ctx, err error) error { return err },
	})
}

var errToken = errors.New("no valid token")

// claims verifies the request's bearer token and tells what it claims.
func (g *Guard) claims(c *fiber.Ctx) (auth.Claims, error) {
	err := g.verify(c)
	token, _ := c.Locals(tokenKey).(*jwt.Token)
	switch {
	case err != nil:
		return nil, err
	case token == nil || !token.Valid:
		return nil, errToken
	}
	return token.Claims.(*claims).Claims, nil
}

// unacceptable is why no key was looked for, or found. It is told without the
// verifier's own words around it.
type unacceptable struct{ error }

func (e *unacceptable) Unwrap() error { return e.error }

func (g *Guard) key(t *jwt.Token) (any, error) {
	k, err := g.findKey(t)
	if err != nil {
		return nil, &unacceptable{err}
	}
	return k, nil
}

// findKey finds the key for a token that is not verified yet. Everything that can
// be told without the key is checked before, so that a token which is not for
// us never costs a call to the issuer.
func (g *Guard) findKey(t *jwt.Token) (any, error) {
	alg, _ := t.Header["alg"].(string)
	switch {
	case !issuer.KnownAlgorithm(alg):
		return nil, fmt.Errorf("algorithm %q is not allowed", shortened(alg))
	case !accessToken(t.Header["typ"]):
		return nil, errors.New("typ is not that of an access token or an ID token")
	case t.Header["crit"] != nil:
		return nil, errors.New("critical extensions are not supported")
	}
	if err := g.Claims.Check(t.Claims.(*claims).Claims, time.Now()); err != nil {
		return nil, err
	}
	kid, isText := t.Header["kid"].(string)
	if t.Header["kid"] != nil && !isText {
		return nil, errors.New("kid is not a string")
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyWait)
	defer cancel()
	return g.Issuer.Key(ctx, strings.Clone(kid), alg)
}

// accessToken tells that the header typ is missing, or is one of RFC 7519 or
// RFC 9068. Others, such as logout tokens, have another purpose.
func accessToken(typ any) bool {
	if typ == nil {
		return true
	}
	s, _ := typ.(string)
	switch strings.TrimPrefix(strings.ToLower(s), "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

func refusedToken(err error) *auth.Refusal {
	var u *unacceptable
	if errors.As(err, &u) {
		err = u.error
	}
	if errors.Is(err, issuer.ErrUnavailable) {
		return &auth.Refusal{Reason: auth.ErrUnavailable, Scheme: auth.JWT, RetryAfter: issuerRetry, Cause: err}
	}
	return &auth.Refusal{Reason: auth.ErrBadCredential, Scheme: auth.JWT, Cause: err}
}
