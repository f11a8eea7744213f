package access

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	views "gatehouse/views/access"
	"gatehouse/views/ui"
)

func (h *Handler) sessionRoutes() []web.Route {
	return []web.Route{
		{Path: "/login", Kind: web.Page, SignIn: true, On: map[string]web.Endpoint{
			"GET":  {Name: "login", Needs: auth.Public, Do: h.showLogin},
			"POST": {Name: "login", Needs: auth.Public, Do: h.login},
		}},
		{Path: "/auth/logout", Kind: web.Page, SignIn: true, On: map[string]web.Endpoint{
			"POST": {Name: "logout", Needs: auth.Explore, Do: h.logout},
		}},
	}
}

// showLogin shows the page on which people sign in, or why that has failed
// elsewhere.
func (h *Handler) showLogin(c *fiber.Ctx) error {
	if p, ok := h.loginProblem(c); ok {
		return h.loginProblemPage(c, p)
	}
	return h.loginPage(c, fiber.StatusOK, views.Login{Next: c.Query("next")})
}

// login takes the form, and leads back to where it was shown.
func (h *Handler) login(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	l := views.Login{Next: form.Get("next"), Name: form.Get("name")}
	var refusal *auth.DeniedError
	switch err := h.signInWith(c, form); {
	case errors.As(err, &refusal):
		return h.loginFailed(c, l, refusal)
	case err != nil:
		return err
	}
	c.Set(fiber.HeaderCacheControl, web.NoStore)
	return c.Redirect(h.web.LocalPath(l.Next), fiber.StatusSeeOther)
}

// signInWith begins a session with what was filled in: a scrape key, or a name
// and a password.
func (h *Handler) signInWith(c *fiber.Ctx, form url.Values) error {
	if key := strings.TrimSpace(form.Get("key")); key != "" {
		return h.web.Guard.SignInWithKey(c, key)
	}
	return h.web.Guard.SignIn(c, form.Get("name"), form.Get("password"))
}

// loginFailed says the same of wrong passwords and of unknown users.
func (h *Handler) loginFailed(c *fiber.Ctx, l views.Login, err *auth.DeniedError) error {
	a := web.AnswerTo(err)
	switch {
	case errors.Is(err, auth.ErrBadCredential) && h.web.Guard.TakesKey():
		l.Problem = "Wrong scrape key."
	case errors.Is(err, auth.ErrBadCredential):
		l.Problem = "Wrong user or password."
	case errors.Is(err, auth.ErrThrottled):
		l.Problem = fmt.Sprintf("Too many failed sign-ins. Try again in %s.", seconds(a.Retry))
	default:
		l.Problem = web.Sentence(a.Text)
	}
	if a.Retry > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(a.Retry))
	}
	return h.loginPage(c, a.Status, l)
}

func seconds(n int) string {
	if n == 1 {
		return "1 second"
	}
	return strconv.Itoa(n) + " seconds"
}

// logout ends the session, here and at the provider, and leaves nothing of it in
// the browser.
func (h *Handler) logout(c *fiber.Ctx) error {
	return h.leave(c, h.web.Guard.Farewell(c, h.web.HomeAddress()))
}

// leave signs a browser out and sends it to where the provider does the same;
// empty: to the first page. The provider's address holds an ID token and can be
// longer than the headers that proxies take, so it is part of a page.
func (h *Handler) leave(c *fiber.Ctx, farewell string) error {
	if err := h.web.Guard.SignOut(c); err != nil {
		return err
	}
	c.Set("Clear-Site-Data", `"cache", "storage"`)
	c.Set(fiber.HeaderCacheControl, web.NoStore)
	if farewell == "" {
		return c.Redirect(h.web.PublicPrefix+"/", fiber.StatusSeeOther)
	}
	m := views.Farewell{Frame: h.web.Frame(c, "Signed out", ""), Provider: h.providerHost(), URL: farewell}
	m.User, m.Version, m.AllAdmin = ui.User{Role: auth.NoRole.String()}, "", nil // is a stranger from here on
	return h.web.Fragment(c, fiber.StatusOK, views.FarewellPage(m), "")
}

func (h *Handler) loginPage(c *fiber.Ctx, status int, l views.Login) error {
	l.Frame = h.web.Frame(c, "Sign in", "")
	l.Version = "" // is not for strangers
	l.Next = h.web.LocalPath(l.Next)
	l.Passwords, l.Key = h.web.Guard.HasPasswords(), h.web.Guard.TakesKey()
	l.Provider = h.providerHost()
	c.Set(fiber.HeaderCacheControl, web.NoStore)
	return h.web.Page(c, status, views.LoginPage(l))
}

// SignIn asks a person without a credential to sign in, in the place of what
// was asked for: a page by the form at the same address, a part of one by
// leading to the form. It is not handled if no person asked.
func (h *Handler) SignIn(c *fiber.Ctx, err error) (handled bool) {
	if h.web.Guard.Sessions == nil || !errors.Is(err, auth.ErrNoCredential) {
		return false
	}
	switch {
	case c.Get("HX-Request") == "true":
		c.Set("HX-Redirect", h.web.SignInPage(url.Values{}, h.web.LocalPath(web.PathOf(c.Get("HX-Current-URL")))))
		c.Set(fiber.HeaderCacheControl, web.NoStore)
		c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
		return c.Status(fiber.StatusUnauthorized).SendString(auth.ErrNoCredential.Error()+"\n") == nil
	case c.Method() == fiber.MethodGet && h.web.WantsPage(c):
		return h.loginPage(c, fiber.StatusUnauthorized, views.Login{Next: h.web.PublicURL(c)}) == nil
	}
	return false
}
