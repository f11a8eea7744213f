package guard

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// The headers that credentials come in, beside Authorization.
const (
	headerAPIKey    = "X-Api-Key"
	headerScrapeKey = "X-Metrics-Key"
	queryScrapeKey  = "key"
)

// passwordWait bounds how long a request waits for its password to be checked.
const passwordWait = 10 * time.Second

// ambiguous reports whether a header which may hold a credential comes twice: two
// readers might believe different ones.
func ambiguous(c *fiber.Ctx) bool {
	for _, name := range []string{fiber.HeaderAuthorization, headerAPIKey, headerScrapeKey} {
		if len(c.Request().Header.PeekAll(name)) > 1 {
			return true
		}
	}
	return false
}

// given answers a header's value and whether it was sent at all.
func given(c *fiber.Ctx, name string) (string, bool) {
	lines := c.Request().Header.PeekAll(name)
	if len(lines) == 0 {
		return "", false
	}
	return strings.TrimSpace(string(lines[0])), true
}

// authenticate returns the principal of the request. The first kind of
// credential that is present decides: a wrong one is not rescued by a later
// one.
func (g *Guard) authenticate(c *fiber.Ctx, a auth.Action, page bool) (auth.Principal, error) {
	access := g.Access()
	switch {
	case access == Open:
		return anonymous(c), nil
	case access == KeyOnly && (a == auth.Push || a == auth.Delete):
		return g.pusher(c, page), nil
	}
	keyed := g.ScrapeKey.IsSet() && (a == auth.Scrape || access == KeyOnly)
	if line, ok := given(c, fiber.HeaderAuthorization); ok {
		if bare(line) {
			return g.schemeless(c, line, a, keyed)
		}
		return g.authorization(c, line, keyed)
	}
	if key, ok := given(c, headerAPIKey); ok {
		return g.apiKey(c, key)
	}
	if keyed {
		// The address of a page stays in the browser's history: no key belongs there.
		if key, ok, err := scrapeKey(c, a == auth.Scrape || !page); ok || err != nil {
			return g.scrapeKey(key, err)
		}
	}
	if p, ok, err := g.session(c, page); ok || err != nil {
		return p, err
	}
	if name := certifiedName(c); name != "" && g.CertificateRole != auth.NoRole {
		return auth.Principal{Scheme: auth.Certificate, ID: certificateID(name), Name: name, Role: g.CertificateRole}, nil
	}
	if !keyed && g.local(c) { // it never replaces the key
		return auth.Principal{Scheme: auth.Localhost, ID: string(auth.Localhost), Name: string(auth.Localhost), Role: auth.Admin}, nil
	}
	return auth.Principal{}, &auth.DeniedError{Reason: auth.ErrNoCredential, Scheme: auth.Anonymous}
}

// anonymous returns everybody, the principal while no credential is required. A
// client with a certificate is still named by it.
func anonymous(c *fiber.Ctx) auth.Principal {
	p := auth.Principal{Scheme: auth.Anonymous, Name: certifiedName(c), Role: auth.Admin}
	if p.Name != "" {
		p.ID = certificateID(p.Name)
	}
	return p
}

func certificateID(name string) string { return "certificate:" + name }

func (g *Guard) authorization(c *fiber.Ctx, line string, keyed bool) (auth.Principal, error) {
	scheme, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer":
		return g.bearer(c, rest, keyed)
	case "basic":
		return g.basic(c, rest)
	}
	return auth.Principal{}, &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.Anonymous, Cause: errors.New("unknown scheme in Authorization")}
}

// bare reports whether an Authorization header has a value without a scheme.
func bare(line string) bool {
	return !strings.ContainsAny(line, " \t") && !strings.EqualFold(line, "bearer") && !strings.EqualFold(line, "basic")
}

// schemeless takes a value without a scheme for an API token, then for the scrape
// key, where metrics are read: Prometheus sends credentials so when it asks for
// targets, up to 2.42 at least. It is never taken for a JWT.
func (g *Guard) schemeless(c *fiber.Ctx, value string, a auth.Action, keyed bool) (auth.Principal, error) {
	denied := &auth.DeniedError{Reason: auth.ErrNoScheme, Scheme: auth.Anonymous}
	if a != auth.Scrape || c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return auth.Principal{}, denied
	}
	p, err := g.token(c, value)
	if err == nil {
		return p, nil
	}
	if keyed && g.ScrapeKey.Equals(value) {
		return g.keyHolder(), nil
	}
	if strings.Count(value, ".") != 2 { // else it looks like a JWT
		denied = &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.APIToken, Cause: err}
	}
	return auth.Principal{}, denied
}

// bearer takes a token for a JWT, then for an API token, then for the scrape
// key.
func (g *Guard) bearer(c *fiber.Ctx, token string, keyed bool) (auth.Principal, error) {
	denied := &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.APIToken}
	if g.verify != nil && strings.Count(token, ".") == 2 {
		claims, err := g.claims(c)
		if err == nil {
			return auth.Principal{Scheme: auth.JWT, ID: g.Claims.ID(claims), Name: g.Claims.Name(claims), Role: g.Claims.Role(claims)}, nil
		}
		denied = deniedToken(err)
	}
	p, err := g.token(c, token)
	if err == nil {
		return p, nil
	}
	if keyed && g.ScrapeKey.Equals(token) {
		return g.keyHolder(), nil
	}
	if denied.Cause == nil {
		denied.Cause = err
	}
	return auth.Principal{}, denied
}

func (g *Guard) apiKey(c *fiber.Ctx, key string) (auth.Principal, error) {
	p, err := g.token(c, key)
	if err != nil {
		return auth.Principal{}, &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.APIToken, Cause: err}
	}
	return p, nil
}

// token looks for an API token among the configured ones, then among those that
// people have created. The error is for the log.
func (g *Guard) token(c *fiber.Ctx, secret string) (auth.Principal, error) {
	if name, ok := g.Tokens.Find(secret); ok {
		return auth.Principal{Scheme: auth.APIToken, ID: auth.TokenID(name), Name: name, Role: auth.Admin}, nil
	}
	if g.MadeTokens == nil {
		return auth.Principal{}, auth.ErrUnknownToken
	}
	return g.MadeTokens.TokenPrincipal(secret, g.AddressText(c))
}

// scrapeKey finds the key in its header, else in the query if it may be there.
// An empty header counts as none: it comes from an unset variable in the
// client's configuration.
func scrapeKey(c *fiber.Ctx, query bool) (key string, ok bool, err error) {
	if key, _ = given(c, headerScrapeKey); key != "" {
		return key, true, nil
	}
	if !query {
		return "", false, nil
	}
	switch keys := c.Context().QueryArgs().PeekMulti(queryScrapeKey); len(keys) {
	case 0:
		return "", false, nil
	case 1:
		return string(keys[0]), true, nil
	}
	return "", false, auth.ErrAmbiguous
}

func (g *Guard) scrapeKey(key string, err error) (auth.Principal, error) {
	switch {
	case err != nil:
		return auth.Principal{}, &auth.DeniedError{Reason: err, Scheme: auth.ScrapeKey}
	case g.ScrapeKey.Equals(key):
		return g.keyHolder(), nil
	}
	return auth.Principal{}, &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.ScrapeKey}
}

func (g *Guard) basic(c *fiber.Ctx, encoded string) (auth.Principal, error) {
	denied := &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.Basic}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	name, password, whole := strings.Cut(string(plain), ":")
	if err != nil || !whole || !g.HasPasswords() {
		return auth.Principal{}, denied
	}
	return g.password(c, name, password)
}

func (g *Guard) password(c *fiber.Ctx, name, password string) (auth.Principal, error) {
	ctx, cancel := context.WithTimeout(context.Background(), passwordWait)
	defer cancel()
	if err := g.Passwords.Check(ctx, g.Address(c), name, password); err != nil {
		return auth.Principal{}, err
	}
	return auth.Principal{Scheme: auth.Basic, ID: auth.UserID(name), Name: name, Role: auth.Admin}, nil
}

// certifiedName is the subject of the client certificate that was verified when
// the connection was made, or "".
func certifiedName(c *fiber.Ctx) string {
	state := c.Context().TLSConnectionState()
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return ""
	}
	return shortened(state.PeerCertificates[0].Subject.String())
}

// local reports whether the request comes from this machine, and neither through a
// proxy nor from a page of another site, and that it does without credentials.
func (g *Guard) local(c *fiber.Ctx) bool {
	if g.Bypass == BypassOff {
		return false
	}
	if key, _ := given(c, headerScrapeKey); key != "" {
		return false
	}
	r := auth.LocalRequest{
		Peer: tcpAddress(c.Context().RemoteAddr()), Local: tcpAddress(c.Context().LocalAddr()),
		Host: Host(c), Forwarded: forwarded(c),
		SecFetchSite: c.Get("Sec-Fetch-Site"), Origin: c.Get(fiber.HeaderOrigin),
	}
	return r.IsLocal() && (g.Bypass == BypassOn || sameUser(c, r))
}

func forwarded(c *fiber.Ctx) bool {
	for name := range c.Request().Header.All() {
		if auth.IsForwardingHeader(string(name)) {
			return true
		}
	}
	return false
}

// remembering is a connection that keeps what was found out about it: to look
// for the owner of a socket takes milliseconds.
type remembering interface {
	Once(find func() bool) bool
}

// overflowUser is the id that Linux reports for all users that the server's
// user namespace does not know.
const overflowUser = 65534

// sameUser reports whether the other end of the connection belongs to the user that
// runs the server.
func sameUser(c *fiber.Ctx, r auth.LocalRequest) bool {
	find := func() bool {
		owner, err := auth.SocketOwner(r.Peer, r.Local)
		return err == nil && int(owner) == os.Geteuid() && owner != overflowUser
	}
	if conn, ok := c.Context().Conn().(remembering); ok {
		return conn.Once(find)
	}
	return find()
}
