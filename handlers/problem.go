package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/login"
	"gatehouse/views/ui"
)

// problemTitles say what has happened, by status.
var problemTitles = map[int]string{
	fiber.StatusBadRequest:            "Invalid request",
	fiber.StatusUnauthorized:          "Not signed in",
	fiber.StatusForbidden:             "Not allowed",
	fiber.StatusNotFound:              "Not found",
	fiber.StatusMethodNotAllowed:      "Not possible here",
	fiber.StatusRequestTimeout:        "The request took too long",
	fiber.StatusConflict:              "Something has changed in the meantime",
	fiber.StatusGone:                  "No longer possible",
	fiber.StatusRequestEntityTooLarge: "Too large",
	fiber.StatusUnsupportedMediaType:  "Unsupported content type",
	fiber.StatusTooManyRequests:       "Too many requests",
	fiber.StatusInternalServerError:   "Something went wrong on the server",
	fiber.StatusBadGateway:            "Unexpected response from another server",
	fiber.StatusServiceUnavailable:    "Temporarily unavailable",
}

func problemTitle(status int) string {
	if title, ok := problemTitles[status]; ok {
		return title
	}
	return http.StatusText(status)
}

// problem shows an error to a person.
func (h *api) problem(c *fiber.Ctx, a answer, err error, request string) error {
	f := h.frame(c, problemTitle(a.status), "")
	if guard.Principal(c).Role == auth.NoRole {
		f.Version = "" // is not for strangers
	}
	p := ui.Problem{
		Status: a.status, Text: explain(c, a, err), Request: request, Retry: a.retry,
		Search: a.status == fiber.StatusNotFound && guard.Principal(c).MayRead(),
		Action: ui.Choice{Text: "Go to groupings", URL: f.Path("/")},
	}
	again := safeAgain(c)
	switch {
	case a.status == fiber.StatusServiceUnavailable && again:
		f.Reload = a.retry
		fallthrough
	case a.status == fiber.StatusInternalServerError && again, a.status == fiber.StatusTooManyRequests && again:
		p.Action = ui.Choice{Text: "Try again", URL: h.publicURL(c)}
	case errors.Is(err, auth.ErrNobody):
		p.Others = []ui.Choice{{Text: "About authentication", URL: f.Path("/docs/authentication")}}
	case a.status == fiber.StatusUnauthorized && h.Guard.Sessions != nil:
		p.Action = ui.Choice{Text: "Sign in", URL: h.signInAddress(c)}
	}
	if errors.Is(err, login.ErrUnavailable) && h.Guard.HasPasswords() {
		p.Others = []ui.Choice{{Text: "Sign in with a password", URL: f.Path("/login?next=") + url.QueryEscape(h.localPath(c.Query("next")))}}
	}
	p.Frame = f
	return h.page(c, a.status, ui.ProblemPage(p))
}

// safeAgain tells that a person may ask for the same once more without harm.
func safeAgain(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.HasPrefix(c.OriginalURL(), "/") && !strings.HasPrefix(c.OriginalURL(), "//")
}

// signInAddress is where people sign in and come back here.
func (h *api) signInAddress(c *fiber.Ctx) string {
	address := h.PublicPrefix + "/login"
	if safeAgain(c) {
		address += "?next=" + url.QueryEscape(h.publicURL(c))
	}
	return address
}

// explain tells a person in whole sentences why something was not done.
func explain(c *fiber.Ctx, a answer, err error) string {
	switch {
	case errors.Is(err, auth.ErrForbidden):
		p := guard.Principal(c)
		if needs, ok := c.Locals(neededAction).(auth.Action); ok && !p.Role.May(needs) {
			return whoYouAre(p) + " This needs the role " + auth.RoleFor(needs).String() + "."
		}
	case errors.Is(err, fiber.ErrNotFound):
		return "There is no page at this address."
	case a.status == fiber.StatusMethodNotAllowed:
		if allow := c.GetRespHeader(fiber.HeaderAllow); allow != "" {
			return "This address accepts " + allow + ", but not " + c.Method() + "."
		}
	}
	return sentence(a.text)
}

// whoYouAre tells people how the server knows them.
func whoYouAre(p auth.Principal) string {
	name := shorten(p.Name, maxValue)
	switch {
	case p.Role == auth.NoRole && name == "":
		return "You have no role here."
	case p.Role == auth.NoRole:
		return "You are known as " + name + ", but have no role here."
	case name == "":
		return "You have the role " + p.Role.String() + "."
	}
	return "You are known as " + name + " and have the role " + p.Role.String() + "."
}

// sentence makes one of an error's text.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
