package guard

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// Sessions keeps the sessions of signed-in users. Beginnings and ends survive a
// restart.
type Sessions interface {
	// Session must not take long: it is asked with each request that has a cookie.
	Session(id string) (auth.Session, bool)
	// UseSession notes that a session, which is known, is used now, from what
	// AddressText says. It must not wait.
	UseSession(id, from string)
	// BeginSession keeps a session that begins now and lasts from s.Created to s.Expires.
	BeginSession(ctx context.Context, id string, s auth.Session) error
	// SignOut ends a session, if it is known, for its user, at the address
	// from.
	SignOut(ctx context.Context, id, from string) error
}

// changesWait bounds how long a request waits for a session to begin or end.
const changesWait = 10 * time.Second

// session returns the user of a request's cookies. It is not ok without a
// cookie or if none is valid any more. It counts for changes only on pages, and
// only if the browser says which page asks for them.
func (g *Guard) session(c *fiber.Ctx, page bool) (p auth.Principal, ok bool, err error) {
	id, s, ok := g.held(c)
	switch {
	case !ok:
		return p, false, nil
	case safe(c.Method()):
	case !page:
		return p, false, &auth.DeniedError{Reason: auth.ErrNoCredential, Scheme: auth.SessionCookie}
	case !tellsSite(c):
		return p, false, &auth.DeniedError{Reason: auth.ErrCrossSite, Scheme: auth.SessionCookie}
	}
	g.Sessions.UseSession(id, g.AddressText(c))
	return s.Principal(), true, nil
}

// held returns the session that a request's cookies belong to, whatever others
// there are beside its own: another server on the same host, or this one under
// another prefix, may have set cookies of the same name. Valid sessions of
// different people count as none: somebody else may have planted one of them;
// signing in again ends both.
func (g *Guard) held(c *fiber.Ctx) (id string, s auth.Session, ok bool) {
	if g.Sessions == nil {
		return "", s, false
	}
	for _, given := range g.Cookie.given(c, cookieSession) {
		one, valid := g.valid(given)
		switch {
		case !valid:
		case !ok:
			id, s, ok = given, one, true
		case one.Principal() != s.Principal():
			return "", auth.Session{}, false
		}
	}
	return id, s, ok
}

// Session returns the session of the request's cookies, whatever else the
// request brings. It is not ok without a cookie or if none is valid any more.
func (g *Guard) Session(c *fiber.Ctx) (s auth.Session, ok bool) {
	_, s, ok = g.held(c)
	return s, ok
}

// SessionID is the id of Session; empty: there is none.
func (g *Guard) SessionID(c *fiber.Ctx) string {
	id, _, _ := g.held(c)
	return id
}

// valid finds a session whose user is still known by the same password or key, or
// would still be given a role by the same rules.
func (g *Guard) valid(id string) (auth.Session, bool) {
	s, ok := g.Sessions.Session(id)
	if !ok || s.ID == "" { // earlier versions had sessions without a user
		return s, false
	}
	switch s.Scheme {
	case auth.Basic:
		ok = g.Passwords != nil && g.Passwords.Holds(s, id)
	case auth.OIDC:
		ok = g.LoginRules != nil && bytes.Equal(g.LoginRules, s.Credential)
	case auth.ScrapeKey:
		ok = g.TakesKey() && hmac.Equal(g.ScrapeKey.Fingerprint(id), s.Credential)
	}
	return s, ok
}

// tellsSite reports whether a request says which site's page made it; whether that is
// ours Admit has found out.
func tellsSite(c *fiber.Ctx) bool {
	return c.Get("Sec-Fetch-Site") != "" || c.Get(fiber.HeaderOrigin) != ""
}

// SignIn checks a name and a password under the same rules as those that come
// with Basic, and begins a session. Errors are *auth.DeniedError or those of
// Sessions.
func (g *Guard) SignIn(c *fiber.Ctx, name, password string) error {
	if g.Sessions == nil || !g.HasPasswords() {
		return g.deny(c, &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.Basic})
	}
	// Before the check: if the password is changed meanwhile, it does not hold.
	id := auth.NewSessionID()
	fingerprint := g.Passwords.Fingerprint(name, id)
	p, err := g.password(c, name, password)
	if err != nil {
		return g.deny(c, err)
	}
	return g.Begin(c, id, auth.Session{Scheme: p.Scheme, ID: p.ID, Name: p.Name, Role: p.Role, Credential: fingerprint})
}

// Begin begins a session under a new id and gives it to the browser: from now
// on, for as long as sessions last. It counts as a decision of the scheme by
// which the user has signed in. Sessions that came with the request end. Errors
// are those of Sessions; then there is no session.
func (g *Guard) Begin(c *fiber.Ctx, id string, s auth.Session) error {
	s.Created = time.Now()
	s.LastUsed, s.Expires = s.Created, s.Created.Add(g.Cookie.Lifetime)
	s.From, s.UserAgent = g.AddressText(c), shortened(c.Get(fiber.HeaderUserAgent))
	ctx, cancel := context.WithTimeout(context.Background(), changesWait)
	defer cancel()
	if err := g.endGiven(ctx, c); err != nil {
		return err
	}
	if err := g.Sessions.BeginSession(ctx, id, s); err != nil {
		return err
	}
	g.decided(s.Scheme, Allowed)
	g.Cookie.set(c, cookieSession, id, g.Cookie.Lifetime)
	return nil
}

// SignOut ends the sessions that came with the request and has the browser
// forget the cookie. Without a session nothing else happens. Errors are
// *auth.DeniedError if no page of ours asks for it, or those of Sessions.
func (g *Guard) SignOut(c *fiber.Ctx) error {
	if g.Sessions == nil {
		return nil
	}
	if !tellsSite(c) && len(g.Cookie.given(c, cookieSession)) > 0 {
		return &auth.DeniedError{Reason: auth.ErrCrossSite, Scheme: auth.SessionCookie}
	}
	ctx, cancel := context.WithTimeout(context.Background(), changesWait)
	defer cancel()
	if err := g.endGiven(ctx, c); err != nil {
		return err
	}
	g.Cookie.clear(c, cookieSession)
	return nil
}

// endGiven ends the sessions that came with a request. The browser forgets a
// cookie under the old name if it is one of ours: others may belong to another
// server on the host.
func (g *Guard) endGiven(ctx context.Context, c *fiber.Ctx) error {
	var errs []error
	for _, id := range valuesOf(c, g.Cookie.name(cookieSession)) {
		errs = append(errs, g.Sessions.SignOut(ctx, id, g.AddressText(c)))
	}
	if g.Cookie.Suffix == "" {
		return errors.Join(errs...)
	}
	for _, id := range valuesOf(c, g.Cookie.oldName(cookieSession)) {
		if _, ours := g.Sessions.Session(id); ours {
			errs = append(errs, g.Sessions.SignOut(ctx, id, g.AddressText(c)))
			g.Cookie.write(c, g.Cookie.oldName(cookieSession), "", 0)
		}
	}
	return errors.Join(errs...)
}

// HasPasswords reports whether there are users with passwords at present.
func (g *Guard) HasPasswords() bool { return g.Passwords != nil && g.Passwords.Users() > 0 }
