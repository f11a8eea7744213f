package access

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/login"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/views/ui"
)

// loginRoutes are how people sign in at the OpenID provider. Without one they
// are not there.
func (h *Handler) loginRoutes() []web.Route {
	return []web.Route{
		{Path: "/auth/login", Kind: web.Page, SignIn: true, On: map[string]web.Endpoint{
			"GET": {Name: "auth/login", Needs: auth.Public, Do: h.depart, Cache: web.NoStore},
		}},
		{Path: "/auth/callback", Kind: web.Page, SignIn: true, On: map[string]web.Endpoint{
			"GET": {Name: "auth/callback", Needs: auth.Public, Do: h.arrive, Cache: web.NoStore, Denied: "sign-in at the OpenID provider"},
		}},
		{Path: "/auth/backchannel", Kind: web.Page, SignIn: true, On: map[string]web.Endpoint{
			"POST": {Name: "auth/backchannel", Needs: auth.Public, Do: h.backchannel, Cache: web.NoStore},
		}},
	}
}

// providerHost names the provider to people; empty: there is none.
func (h *Handler) providerHost() string {
	if h.web.Guard.Provider == nil {
		return ""
	}
	u, err := url.Parse(h.web.Guard.Login.Issuer)
	if err != nil {
		return h.web.Guard.Login.Issuer
	}
	return u.Host
}

// depart sends people to the provider.
func (h *Handler) depart(c *fiber.Ctx) error {
	if h.web.Guard.Provider == nil {
		return fiber.ErrNotFound
	}
	address, err := h.web.Guard.Depart(c, h.web.PathBelow(c.Query("next")), c.Query("switch") != "")
	if err != nil {
		return err
	}
	return c.Redirect(address, fiber.StatusSeeOther)
}

// arrive takes people back from the provider. It never answers with a page: its
// address holds what must not stay in a browser's history.
func (h *Handler) arrive(c *fiber.Ctx) error {
	if h.web.Guard.Provider == nil {
		return fiber.ErrNotFound
	}
	next, err := h.web.Guard.Arrive(c)
	if err == nil {
		return c.Redirect(h.web.PublicPrefix+auth.LocalPath(next), fiber.StatusSeeOther)
	}
	p := problemOf(err)
	if p.reason == nil {
		h.web.Logger.Error("A sign-in failed", "err", err)
	}
	if next != "" {
		next = h.web.LocalPath(h.web.PublicPrefix + next)
	}
	return c.Redirect(h.web.SignInPage(url.Values{"problem": {p.word}}, next), fiber.StatusSeeOther)
}

// loginProblem is why a sign-in failed, by the word for it in the address of
// the page that explains it.
type loginProblem struct {
	word   string
	reason error // nil: the store failed
}

// noRole and unlisted are those of people whom the provider knows.
const (
	noRole   = "role"
	unlisted = "groups"
)

var loginProblems = []loginProblem{
	{"provider", login.ErrUnavailable},
	{"state", login.ErrState},
	{"exchange", login.ErrExchange},
	{"token", login.ErrToken},
	{"declined", login.ErrDeclined},
	{noRole, auth.ErrForbidden},
	{unlisted, guard.ErrUnlisted},
	{"store", nil},
}

func problemOf(err error) loginProblem {
	if r, ok := errors.AsType[*auth.DeniedError](err); ok && errors.Is(r.Cause, guard.ErrUnlisted) {
		err = guard.ErrUnlisted
	}
	for _, p := range loginProblems {
		if errors.Is(err, p.reason) {
			return p
		}
	}
	return loginProblems[len(loginProblems)-1]
}

// loginProblem is the one that the address names.
func (h *Handler) loginProblem(c *fiber.Ctx) (loginProblem, bool) {
	word := c.Query("problem")
	for _, p := range loginProblems {
		if p.word == word && h.web.Guard.Provider != nil {
			return p, true
		}
	}
	return loginProblem{}, false
}

// loginProblemPage says why somebody was not signed in, and what to do now.
func (h *Handler) loginProblemPage(c *fiber.Ctx, p loginProblem) error {
	next := "next=" + url.QueryEscape(h.web.LocalPath(c.Query("next")))
	m := ui.Problem{Action: ui.Choice{Text: "Try again", URL: h.web.PublicPrefix + "/auth/login?" + next}}
	var text string
	switch {
	case p.reason == nil:
		m.Status, text, m.Retry = fiber.StatusServiceUnavailable, web.Sentence(web.TextUnavailable), 5
	case p.word == noRole || p.word == unlisted:
		m.Status, text = fiber.StatusForbidden, h.nobodyText(c, p)
		m.Action = ui.Choice{Text: "Use another account", URL: h.web.PublicPrefix + "/auth/login?switch=1&" + next}
		if address := h.web.Guard.FarewellOf("", h.web.HomeAddress()); address != "" {
			m.Others = append(m.Others, ui.Choice{Text: "Sign out", URL: address})
		}
	default:
		a := web.AnswerTo(&auth.DeniedError{Reason: p.reason, Scheme: auth.OIDC})
		m.Status, text = a.Status, web.Sentence(a.Text)
	}
	m.Text = text
	if h.web.Guard.HasPasswords() {
		m.Others = append(m.Others, ui.Choice{Text: "Sign in with a password", URL: h.web.PublicPrefix + "/login?" + next})
	}
	m.Frame = h.web.Frame(c, web.ProblemTitle(m.Status), "")
	m.Version = "" // is not for strangers
	if m.Retry > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(m.Retry))
	}
	c.Set(fiber.HeaderCacheControl, web.NoStore)
	return h.web.Page(c, m.Status, ui.ProblemPage(m))
}

// nobodyText names people as the provider knows them, and says that they have
// no role.
func (h *Handler) nobodyText(c *fiber.Ctx, p loginProblem) string {
	text := web.WhoYouAre(auth.Principal{Name: h.web.Guard.Nobody(c)})
	if p.word == unlisted {
		return text + " The sign-in provider sent a link to your groups instead of a list, perhaps because there are too many."
	}
	return text + " Ask the administrator of this server for one."
}

// maxLogoutForm bounds what the provider sends when somebody signs out there.
const maxLogoutForm = 64 << 10

// backchannel ends the sessions of a user who has signed out at the provider.
func (h *Handler) backchannel(c *fiber.Ctx) error {
	if h.web.Guard.Provider == nil {
		return fiber.ErrNotFound
	}
	form, err := web.ReadFields(c, maxLogoutForm, nil)
	if err != nil || len(form["logout_token"]) != 1 {
		return logoutRefused(c, "a form with one logout_token is expected")
	}
	l, err := h.web.Guard.Provider.VerifyLogout(context.Background(), form.Get("logout_token"))
	if err != nil {
		err = h.web.Guard.DenyLogin(c, err)
		if errors.Is(err, login.ErrLogoutToken) {
			return logoutRefused(c, login.ErrLogoutToken.Error())
		}
		return err
	}
	origin := store.Origin{By: h.providerHost(), From: h.web.ClientAddress(c), Via: string(auth.OIDC)}
	_, err = h.store.EndSessionsWhere(context.Background(), signedOut(l, h.web.Guard.Login.Issuer), origin, "signed out at the provider")
	if err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusOK)
}

// logoutRefused is the answer of OpenID Connect Back-Channel Logout 1.0, 2.8.
func logoutRefused(c *fiber.Ctx, description string) error {
	return c.Status(fiber.StatusBadRequest).JSON(map[string]string{"error": "invalid_request", "error_description": description})
}

// signedOut matches the sessions that end when a user signs out at the
// provider: the one that the provider names, or those of the user. Sessions
// without a known session ID at the provider end with any of the user's.
func signedOut(l login.Logout, issuer string) func(auth.Session) bool {
	return func(x auth.Session) bool {
		switch {
		case x.Scheme != auth.OIDC || x.Created.After(l.At):
			return false
		case l.ID != "" && x.ID != l.ID, l.ID == "" && !strings.HasPrefix(x.ID, auth.SubjectID(issuer, "")):
			return false
		case l.ProviderSession == "" || l.ProviderSession == x.Provider:
			return true
		}
		return l.ID != "" && x.Provider == ""
	}
}
