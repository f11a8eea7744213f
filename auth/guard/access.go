package guard

import (
	"crypto/rand"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// Access is the access of requests without a credential.
type Access uint8

const (
	// Closed is nowhere.
	Closed Access = iota
	// KeyOnly applies while the scrape key is the only credential configured:
	// everybody pushes, and deletes by path; with the key, clients read. Nobody
	// may do more.
	KeyOnly
	// Open is everywhere.
	Open
)

// Access returns the present access. It becomes less while the server runs, and
// never more.
func (g *Guard) Access() Access {
	switch {
	case g.configured(), !g.Open && g.remembers():
		return Closed
	case g.ScrapeKey.IsSet():
		return KeyOnly
	}
	return Open
}

// configured reports whether there is, or was since the start, a credential beside
// the scrape key.
func (g *Guard) configured() bool {
	return g.Passwords != nil && g.Passwords.Configured() || g.Tokens.Len() > 0 || g.verify != nil || g.LoginRules != nil || g.CertificateRole != auth.NoRole
}

// remembers reports whether people have signed in here, or were to: what closed
// the server once must not open it by being taken away.
func (g *Guard) remembers() bool {
	return g.MadeTokens != nil && g.MadeTokens.KnowsTokens() || g.Passwords != nil && g.Passwords.Listed()
}

// Locked reports whether the server is closed and nothing is configured that
// would let people in. Tokens that were made may still let programs in.
func (g *Guard) Locked() bool {
	return g.Access() == Closed && !g.HasPasswords() && g.Tokens.Len() == 0 && g.verify == nil && g.LoginRules == nil && g.CertificateRole == auth.NoRole
}

// unattainable reports whether no credential allows a.
func (g *Guard) unattainable(a auth.Action) bool {
	return !auth.Reader.May(a) && a != auth.Push && a != auth.Delete && g.Access() == KeyOnly
}

// pusher returns the principal of pushes and deletes by path under KeyOnly:
// everybody. No credential is asked for, and only a session counts: it lets its
// user see the groupings that the push conflicts with.
func (g *Guard) pusher(c *fiber.Ctx, page bool) auth.Principal {
	if page {
		if p, ok, err := g.session(c, page); ok && err == nil {
			p.Role = auth.Pusher
			return p
		}
	}
	p := anonymous(c)
	p.Role, p.WriteOnly = auth.Pusher, true
	return p
}

// keyHolder is the holder of the scrape key: a reader where nobody can be more.
func (g *Guard) keyHolder() auth.Principal {
	p := auth.Principal{Scheme: auth.ScrapeKey, ID: auth.ScrapeKeyID, Name: "scrape key", Role: auth.Scraper}
	if g.Access() == KeyOnly {
		p.Role = auth.Reader
	}
	return p
}

// TakesKey reports whether people sign in with the scrape key.
func (g *Guard) TakesKey() bool { return g.Sessions != nil && g.Access() == KeyOnly }

// SignInWithKey begins a reader's session for the holder of the scrape key. It
// ends when the key changes, or another way to sign in is configured. Errors
// are *auth.DeniedError or those of Sessions.
func (g *Guard) SignInWithKey(c *fiber.Ctx, key string) error {
	if !g.TakesKey() || !g.ScrapeKey.Equals(key) {
		return g.deny(c, &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.ScrapeKey})
	}
	id, p := auth.NewSessionID(), g.keyHolder()
	// Anybody may have the key: each session has a user of its own, so that
	// nobody sees, ends or displaces the sessions of others.
	return g.Begin(c, id, auth.Session{
		Scheme: p.Scheme, ID: p.ID + ":" + rand.Text(), Name: p.Name, Role: p.Role, Credential: g.ScrapeKey.Fingerprint(id),
	})
}

// CanSignIn reports whether there is something with which people sign in.
func (g *Guard) CanSignIn() bool {
	return g.Sessions != nil && (g.HasPasswords() || g.Provider != nil || g.TakesKey())
}

// Exposure returns one sentence, without its full stop, about what strangers
// may do, as it calls them; empty: nothing.
func (g *Guard) Exposure(strangers string) string {
	switch g.Access() {
	case KeyOnly:
		return "No authentication is configured but the scrape key: " + strangers +
			" may PUT, POST and DELETE /metrics/job/… and use the push page; all else takes the key, and nobody is admin"
	case Open:
		if g.Open {
			return "--auth.open leaves the server open: " + strangers + " may push, read and delete"
		}
		return "No authentication is configured: " + strangers + " may push, read and delete"
	}
	return ""
}

// Lockout returns one sentence, without its full stop, that nobody can sign in
// and what to do; empty: somebody can.
func (g *Guard) Lockout() string {
	if !g.Locked() {
		return ""
	}
	why := "there is a list of users, but nobody is on it"
	if g.MadeTokens != nil && g.MadeTokens.KnowsTokens() {
		why = "tokens were made by people who had signed in"
	}
	who := "nobody is let in"
	if g.MadeTokens != nil && g.MadeTokens.UsableTokens() > 0 {
		who = "only tokens that were made here are let in"
	}
	what, open := "no credential", "--auth.open"
	if g.ScrapeKey.IsSet() {
		what, open = "no credential but the scrape key", "--auth.open instead of the key"
	}
	return "The server is closed, since " + why + "; " + what + " is configured, so " + who +
		": set API_TOKENS or another credential, or open it to everyone with " + open
}

// Everyone is the name for strangers that Exposure is given by default.
const Everyone = "everyone who reaches this address"
