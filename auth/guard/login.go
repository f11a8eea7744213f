package guard

import (
	"context"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/login"
)

const (
	// nobodyAge is for how long that page can be shown.
	nobodyAge = 10 * time.Minute
	// farewellWait bounds how long signing out waits for the provider.
	farewellWait = 3 * time.Second
)

// Depart begins a sign-in at the provider that leads to next, a local path below
// the prefix, and returns where the browser has to go. With switchUser people
// can sign in as somebody else. The error is an *auth.DeniedError: the provider
// can't be asked.
func (g *Guard) Depart(c *fiber.Ctx, next string, switchUser bool) (string, error) {
	d, err := g.Provider.Begin(context.Background(), next, switchUser)
	if err != nil {
		return "", g.DenyLogin(c, err)
	}
	g.Cookie.set(c, cookieLogin, d.State, d.MaxAge)
	return d.URL, nil
}

// Arrive ends a sign-in that Depart began, with the request by which the provider
// sends the browser back, and begins a session. It returns next. Errors are
// *auth.DeniedError, whose reason is one of login's, or auth.ErrForbidden for people
// without a role, or those of Sessions. Whatever comes of it, the browser
// forgets the sign-in.
func (g *Guard) Arrive(c *fiber.Ctx) (next string, err error) {
	states := g.Cookie.given(c, cookieLogin)
	g.Cookie.clear(c, cookieLogin)
	who, next, err := g.Provider.Finish(context.Background(), states, Query(c))
	if err != nil {
		return next, g.DenyLogin(c, err)
	}
	if who.Role == auth.NoRole {
		return next, g.denyNobody(c, who)
	}
	id := auth.NewSessionID()
	return next, g.Begin(c, id, auth.Session{
		Scheme: auth.OIDC, ID: who.ID, Name: who.Name, Role: who.Role,
		Credential: g.LoginRules, Extra: sealToken(id, who.IDToken), Provider: who.ProviderSession,
	})
}

// Query is all parameters of a request's query.
func Query(c *fiber.Ctx) url.Values {
	query := url.Values{}
	for name, value := range c.Context().QueryArgs().All() {
		query.Add(string(name), string(value))
	}
	return query
}

// ErrUnlisted is the reason if a person has no role and the provider did not
// list all groups.
var ErrUnlisted = errors.New("the provider refers to the groups instead of listing them")

// noRole is auth.ErrForbidden for a signed-in person.
type noRole struct{}

func (noRole) Error() string { return "no role was given to this account" }

func (noRole) Unwrap() error { return auth.ErrForbidden }

// denyNobody denies a person who has signed in and has no role. It remembers
// the name, for Nobody.
func (g *Guard) denyNobody(c *fiber.Ctx, who login.Person) error {
	c.Locals(principalKey, auth.Principal{Scheme: auth.OIDC, ID: who.ID, Name: who.Name})
	g.Cookie.set(c, cookieNobody, base64.RawURLEncoding.EncodeToString([]byte(shortened(who.Name))), nobodyAge)
	cause := fmt.Errorf("%s has no role", who.ID)
	if who.Unlisted {
		cause = fmt.Errorf("%w: %w", cause, ErrUnlisted)
	}
	return g.deny(c, &auth.DeniedError{Reason: noRole{}, Scheme: auth.OIDC, Cause: cause})
}

// Nobody returns the name of a person who signed in a moment ago and was
// granted no role. Any browser may have made it up.
func (g *Guard) Nobody(c *fiber.Ctx) string {
	for _, given := range g.Cookie.given(c, cookieNobody) {
		if name, err := base64.RawURLEncoding.DecodeString(given); err == nil && len(name) > 0 {
			return shortened(string(name))
		}
	}
	return ""
}

// Farewell returns the address at which the provider signs out the user of the
// request's session too, and then sends the browser to returnTo. It is empty if
// there is none.
func (g *Guard) Farewell(c *fiber.Ctx, returnTo string) string {
	s, ok := g.Session(c)
	if !ok || s.Scheme != auth.OIDC || g.Provider == nil {
		return ""
	}
	return g.FarewellOf(openToken(g.SessionID(c), s.Extra), returnTo)
}

// FarewellOf is Farewell for the holder of that ID token, which may be empty.
func (g *Guard) FarewellOf(idToken, returnTo string) string {
	ctx, cancel := context.WithTimeout(context.Background(), farewellWait)
	defer cancel()
	return g.Provider.LogoutURL(ctx, idToken, returnTo)
}

// providerDown is auth.ErrUnavailable in the words of login.
type providerDown struct{}

func (providerDown) Error() string { return login.ErrUnavailable.Error() }

func (providerDown) Unwrap() []error { return []error{login.ErrUnavailable, auth.ErrUnavailable} }

// DenyLogin counts, logs and reports that the provider's word does not count,
// for a reason of login's, and returns the *auth.DeniedError.
func (g *Guard) DenyLogin(c *fiber.Ctx, err error) error {
	failure, ok := errors.AsType[*login.Error](err)
	if !ok {
		return err
	}
	r := &auth.DeniedError{Reason: failure.Reason, Scheme: auth.OIDC, Cause: failure.Cause}
	if errors.Is(failure, login.ErrUnavailable) {
		r.Reason, r.RetryAfter = providerDown{}, issuerRetry
	}
	return g.deny(c, r)
}

// isLogin reports whether somebody could not be signed in at the provider, or out.
func isLogin(r *auth.DeniedError) bool {
	return r.Scheme == auth.OIDC && !errors.Is(r, auth.ErrForbidden) && !errors.Is(r, auth.ErrUnavailable)
}

// tokenLabel distinguishes the key from others derived from a session's id.
const tokenLabel = "gatehouse session id token 1"

// sealToken makes an ID token unreadable without the session's id, of which the
// store has but a digest. Without a token, or with one that is too long to be
// of use, it returns nil.
func sealToken(id, token string) []byte {
	if token == "" || len(token) > login.MaxHint {
		return nil
	}
	return tokenSeal(id).Seal(nil, nil, []byte(token), nil)
}

// openToken is the reverse of sealToken. It is empty if there is nothing that was
// sealed for this session.
func openToken(id string, sealed []byte) string {
	token, err := tokenSeal(id).Open(nil, nil, sealed, nil)
	if err != nil {
		return ""
	}
	return string(token)
}

func tokenSeal(id string) cipher.AEAD { return auth.NewSeal([]byte(id), tokenLabel) }
