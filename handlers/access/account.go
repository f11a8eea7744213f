package access

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/access"
	"gatehouse/views/ui"
)

func (h *Handler) accountRoutes() []web.Route {
	return []web.Route{
		// People with a scope see their account, too.
		web.Get(web.Page, "/account", web.Endpoint{Name: "account", Needs: auth.Explore, Do: h.account, Limited: true}),
		{Path: "/account/sessions/:session/end", Kind: web.Page, On: map[string]web.Endpoint{
			"POST": {Name: "account/sessions/end", Needs: auth.Explore, Do: h.endSession},
		}},
		{Path: "/account/end-sessions", Kind: web.Page, On: map[string]web.Endpoint{
			"POST": {Name: "account/end-sessions", Needs: auth.Explore, Do: h.endSessions},
		}},
	}
}

// account shows people their principal, and where else they are signed in.
func (h *Handler) account(c *fiber.Ctx) error {
	p := guard.Principal(c)
	m := views.Account{
		Frame: h.web.Frame(c, "Account", "account"), ID: web.Shorten(p.ID, web.MaxSubject), How: letInBy(p.Scheme), Scope: web.Shorten(p.Scope, web.MaxSubject),
		Sessions: h.sessionsOf(c, p), Why: whyNoSessions(p.Scheme),
	}
	if h.sessionIdle > 0 {
		m.Idle = ui.Span(h.sessionIdle)
	}
	for _, grant := range grants {
		m.Grants = append(m.Grants, views.Grant{Text: grant.text, Given: p.Role.May(grant.action)})
	}
	if session, ok := h.web.Guard.Session(c); ok && p.Scheme == auth.SessionCookie {
		m.How += ": signed in with " + letInBy(session.Scheme)
		if session.Scheme == auth.OIDC {
			m.How = letInBy(p.Scheme) + ": signed in at " + h.providerHost()
		}
		m.Ends = session.Expires
	}
	return h.web.Page(c, fiber.StatusOK, views.AccountPage(m))
}

// letInBy says by what a person is let in.
func letInBy(s auth.Scheme) string {
	switch s {
	case auth.SessionCookie:
		return "a session"
	case auth.Basic:
		return "user and password"
	case auth.JWT:
		return "a bearer token of the issuer"
	case auth.APIToken:
		return "an API token"
	case auth.ScrapeKey:
		return "the scrape key"
	case auth.Certificate:
		return "a client certificate"
	case auth.Localhost:
		return "the localhost bypass"
	}
	return "nothing: no credential is required"
}

// grants describe the rights of roles in the words of people.
var grants = []struct {
	action auth.Action
	text   string
}{
	{auth.Read, "See groupings, metrics, targets and the status"},
	{auth.Push, "Push metrics"},
	{auth.Amend, "Delete a grouping or a job, and undo your own deletes"},
	{auth.Administer, "Everything else: bulk deletes, undo of any delete, activity, tokens"},
}

// whyNoSessions explains to people who came in without a session why they have
// none.
func whyNoSessions(s auth.Scheme) string {
	switch s {
	case auth.SessionCookie:
		return ""
	case auth.Anonymous:
		return "No credential is required, so nobody has to sign in."
	case auth.Localhost:
		return "You are on the server's own machine and don't have to sign in."
	}
	return "Each of your requests carries its own credential, so there is no session to end."
}

// sessionsOf returns the sessions of the caller, the last one first.
func (h *Handler) sessionsOf(c *fiber.Ctx, p auth.Principal) []views.AccountSession {
	if p.ID == "" {
		return nil
	}
	this := store.SessionHandle(h.web.Guard.SessionID(c))
	var rows []views.AccountSession
	for _, x := range h.store.SessionsOf(p.ID) {
		rows = append(rows, views.AccountSession{
			Handle: x.Handle, This: x.Handle == this, Created: x.Created, LastUsed: x.LastUsed, Expires: x.Expires,
			From: x.From, Browser: browserOf(x.UserAgent), UserAgent: web.Shorten(x.UserAgent, web.MaxSubject),
		})
	}
	slices.Reverse(rows)
	return rows
}

// endSession ends one of the caller's sessions. One that has ended already is
// no error: the result is the same.
func (h *Handler) endSession(c *fiber.Ctx) error {
	p, handle := guard.Principal(c), c.Params("session")
	if p.ID != "" && handle != "" {
		if handle == store.SessionHandle(h.web.Guard.SessionID(c)) {
			return h.logout(c)
		}
		if _, err := h.store.EndSessionsOf(context.Background(), p.ID, handle, h.web.Origin(c), "ended by its user"); err != nil {
			return err
		}
	}
	return c.Redirect(h.web.PublicPrefix+"/account", fiber.StatusSeeOther)
}

// endSessions ends all sessions of the caller, this one too.
func (h *Handler) endSessions(c *fiber.Ctx) error {
	p, farewell := guard.Principal(c), h.web.Guard.Farewell(c, h.web.HomeAddress())
	if p.ID != "" {
		if _, err := h.store.EndSessionsOf(context.Background(), p.ID, "", h.web.Origin(c), "signed out everywhere"); err != nil {
			return err
		}
	}
	return h.leave(c, farewell)
}

// Parts of what programs say they are, and how people call them. The first that
// is found counts: most browsers say that they are several others too.
var (
	browsers = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"Opera", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"HeadlessChrome/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
		{"BSD", "BSD"},
	}
)

// browserOf puts a User-Agent into a few words, which are ours.
func browserOf(userAgent string) string {
	find := func(words [][2]string) string {
		for _, w := range words {
			if strings.Contains(userAgent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	if system == "" {
		return cmp.Or(browser, "unknown client")
	}
	return cmp.Or(browser, "unknown client") + " on " + system
}
