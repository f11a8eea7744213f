package guard

import (
	"context"
	"errors"
	"strings"
	"time"

	jwtware "github.com/gofiber/contrib/jwt"
	"github.com/gofiber/fiber/v2"
	golangjwt "github.com/golang-jwt/jwt/v5"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

const (
	tokenKey = "jwt"
	// keyWait bounds how long a request waits for the issuer's keys.
	keyWait = 6 * time.Second
	// issuerRetry is when to try again while the issuer can't be reached.
	issuerRetry = 10 * time.Second
)

// claims are parsed by us, and checked by jwt.Bearer before a key is looked for.
// To the verifier below, which takes no options, they have nothing to check.
type claims struct{ jwt.Claims }

func (c *claims) UnmarshalJSON(raw []byte) (err error) {
	c.Claims, err = jwt.ParseClaims(raw)
	return err
}

func (*claims) GetExpirationTime() (*golangjwt.NumericDate, error) { return nil, nil }
func (*claims) GetIssuedAt() (*golangjwt.NumericDate, error)       { return nil, nil }
func (*claims) GetNotBefore() (*golangjwt.NumericDate, error)      { return nil, nil }
func (*claims) GetIssuer() (string, error)                         { return "", nil }
func (*claims) GetSubject() (string, error)                        { return "", nil }
func (*claims) GetAudience() (golangjwt.ClaimStrings, error)       { return nil, nil }

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

// claims verifies the request's bearer token and returns what it claims.
func (g *Guard) claims(c *fiber.Ctx) (jwt.Claims, error) {
	err := g.verify(c)
	token, _ := c.Locals(tokenKey).(*golangjwt.Token)
	switch {
	case err != nil:
		return nil, err
	case token == nil || !token.Valid:
		return nil, errToken
	}
	return token.Claims.(*claims).Claims, nil
}

// unacceptable is why no key was looked for, or found. It is shown without the
// verifier's own words around it.
type unacceptable struct{ error }

func (e *unacceptable) Unwrap() error { return e.error }

func (g *Guard) key(t *golangjwt.Token) (any, error) {
	k, err := g.findKey(t)
	if err != nil {
		return nil, &unacceptable{err}
	}
	return k, nil
}

// findKey finds the key for a token that is not verified yet, if it can be one for
// us.
func (g *Guard) findKey(t *golangjwt.Token) (any, error) {
	if err := jwt.Bearer.Check(t.Header, t.Claims.(*claims).Claims, g.Claims, time.Now()); err != nil {
		return nil, err
	}
	alg, _ := t.Header["alg"].(string)
	kid, _ := t.Header["kid"].(string)
	ctx, cancel := context.WithTimeout(context.Background(), keyWait)
	defer cancel()
	return g.Issuer.Key(ctx, strings.Clone(kid), alg)
}

func deniedToken(err error) *auth.DeniedError {
	var u *unacceptable
	if errors.As(err, &u) {
		err = u.error
	}
	if errors.Is(err, issuer.ErrUnavailable) {
		return &auth.DeniedError{Reason: auth.ErrUnavailable, Scheme: auth.JWT, RetryAfter: issuerRetry, Cause: err}
	}
	return &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.JWT, Cause: err}
}
