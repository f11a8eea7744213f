package guard

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"gatehouse/auth"
)

// Sessions keeps the sessions of those who have signed in. What is begun and
// ended stays so after a restart.
type Sessions interface {
	// Session must not take long: it is asked with each request that has a cookie.
	Session(id string) (auth.Session, bool)
	// UseSession notes that a session, which is known, is used now. It must not
	// wait.
	UseSession(id string, from netip.Addr)
	BeginSession(ctx context.Context, id string, s auth.Session) error
	// EndSession ends a session, if it is known, for who asks from that address.
	EndSession(ctx context.Context, id string, from netip.Addr) error
}

// Cookie says how sessions are kept in browsers.
type Cookie struct {
	Lifetime time.Duration
	// Secure: browsers reach the server by https only, whatever it sees of that.
	Secure bool
	Prefix string // of all paths; "" or with a leading and no trailing slash
}

// Name is that of the cookie. The prefix __Host- makes browsers take it from
// this host alone, not from its neighbours in the same domain.
func (k Cookie) Name() string {
	if k.Secure {
		return "__Host-gatehouse"
	}
	return "gatehouse_session"
}

// path is where browsers send the cookie to. With __Host- it must be everywhere.
func (k Cookie) path() string {
	if k.Secure || k.Prefix == "" {
		return "/"
	}
	return k.Prefix
}

// changesWait bounds how long a request waits for a session to begin or end.
const changesWait = 10 * time.Second

// given are the ids that a request brings.
func (k Cookie) given(c *fiber.Ctx) []string { return valuesOf(c, k.Name()) }

// valuesOf are the values of all cookies of that name.
func valuesOf(c *fiber.Ctx, name string) []string {
	var values []string
	for n, value := range c.Request().Header.Cookies() {
		if string(n) == name {
			values = append(values, string(value))
		}
	}
	return values
}

func (k Cookie) set(c *fiber.Ctx, id string) { k.write(c, k.Name(), id, k.Lifetime) }

func (k Cookie) clear(c *fiber.Ctx) { k.write(c, k.Name(), "", 0) }

// write has the browser keep a value under a name for that long. 0: it forgets
// what it has.
func (k Cookie) write(c *fiber.Ctx, name, value string, age time.Duration) {
	cookie := fiber.Cookie{
		Name: name, Value: value, Path: k.path(), MaxAge: int(age.Seconds()),
		Secure: k.Secure || c.Context().IsTLS(), HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
	}
	if age <= 0 {
		cookie.Expires = fasthttp.CookieExpireDelete
	}
	c.Cookie(&cookie)
}

// session tells who a request's cookie stands for. It is not ok without a
// cookie or with one that means nothing any more. Only on pages does it count
// for changes, and only if the browser says which page asks for them.
func (g *Guard) session(c *fiber.Ctx, page bool) (p auth.Principal, ok bool, err error) {
	if g.Sessions == nil {
		return p, false, nil
	}
	ids := g.Cookie.given(c)
	if len(ids) > 1 {
		return p, false, &auth.Refusal{Reason: auth.ErrAmbiguous, Scheme: auth.SessionCookie}
	}
	if len(ids) == 0 {
		return p, false, nil
	}
	s, ok := g.valid(ids[0])
	switch {
	case !ok:
		return p, false, nil
	case safe(c.Method()):
	case !page:
		return p, false, &auth.Refusal{Reason: auth.ErrNoCredential, Scheme: auth.SessionCookie}
	case !tellsSite(c):
		return p, false, &auth.Refusal{Reason: auth.ErrCrossSite, Scheme: auth.SessionCookie}
	}
	g.Sessions.UseSession(ids[0], g.Address(c))
	return s.Principal(), true, nil
}

// Session is what the request's cookie stands for, whatever else the request
// brings. It is not ok without a cookie or with one that means nothing any more.
func (g *Guard) Session(c *fiber.Ctx) (s auth.Session, ok bool) {
	ids := g.Cookie.given(c)
	if g.Sessions == nil || len(ids) != 1 {
		return s, false
	}
	return g.valid(ids[0])
}

// SessionID is the id of Session; empty: there is none.
func (g *Guard) SessionID(c *fiber.Ctx) string {
	if _, ok := g.Session(c); !ok {
		return ""
	}
	return g.Cookie.given(c)[0]
}

// valid finds a session whose user is still known by the same password or key, or
// would still be given a role by the same rules.
func (g *Guard) valid(id string) (auth.Session, bool) {
	s, ok := g.Sessions.Session(id)
	if !ok {
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

// tellsSite tells that a request says which site's page made it; whether that is
// ours Admit has found out.
func tellsSite(c *fiber.Ctx) bool {
	return c.Get("Sec-Fetch-Site") != "" || c.Get(fiber.HeaderOrigin) != ""
}

// SignIn checks a name and a password under the same rules as those that come
// with Basic, and begins a session. Errors are *auth.Refusal or those of
// Sessions.
func (g *Guard) SignIn(c *fiber.Ctx, name, password string) error {
	if g.Sessions == nil || !g.HasPasswords() {
		return g.refuse(c, &auth.Refusal{Reason: auth.ErrBadCredential, Scheme: auth.Basic})
	}
	// Before the check: if the password is changed meanwhile, it does not hold.
	id := auth.NewSessionID()
	fingerprint := g.Passwords.Fingerprint(name, id)
	p, err := g.password(c, name, password)
	if err != nil {
		return g.refuse(c, err)
	}
	return g.Begin(c, id, auth.Session{Scheme: p.Scheme, ID: p.ID, Name: p.Name, Role: p.Role, Credential: fingerprint})
}

// Begin begins a session under a new id and gives it to the browser: from now
// on, for as long as sessions last. It counts as a decision of the scheme by
// which the user has signed in. Those that came with the request end. Errors
// are those of Sessions; then there is no session.
func (g *Guard) Begin(c *fiber.Ctx, id string, s auth.Session) error {
	s.Created = time.Now()
	s.Seen, s.Expires = s.Created, s.Created.Add(g.Cookie.Lifetime)
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
	g.Cookie.set(c, id)
	return nil
}

// SignOut ends the sessions that came with the request and has the browser
// forget the cookie. Without a session nothing else happens. Errors are
// *auth.Refusal if no page of ours asks for it, or those of Sessions.
func (g *Guard) SignOut(c *fiber.Ctx) error {
	if g.Sessions == nil {
		return nil
	}
	if !tellsSite(c) && len(g.Cookie.given(c)) > 0 {
		return &auth.Refusal{Reason: auth.ErrCrossSite, Scheme: auth.SessionCookie}
	}
	ctx, cancel := context.WithTimeout(context.Background(), changesWait)
	defer cancel()
	if err := g.endGiven(ctx, c); err != nil {
		return err
	}
	g.Cookie.clear(c)
	return nil
}

func (g *Guard) endGiven(ctx context.Context, c *fiber.Ctx) error {
	var errs []error
	for _, id := range g.Cookie.given(c) {
		errs = append(errs, g.Sessions.EndSession(ctx, id, g.Address(c)))
	}
	return errors.Join(errs...)
}

// HasPasswords reports whether there are users with passwords at present.
func (g *Guard) HasPasswords() bool { return g.Passwords != nil && g.Passwords.Users() > 0 }
