package web

import (
	"errors"
	"net/http"
	"net/url"

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

// ProblemTitle returns what has happened, by status.
func ProblemTitle(status int) string {
	if title, ok := problemTitles[status]; ok {
		return title
	}
	return http.StatusText(status)
}

// problem shows an error to a person.
func (s *Site) problem(c *fiber.Ctx, a Answer, err error, request string) error {
	f := s.Frame(c, ProblemTitle(a.Status), "")
	if guard.Principal(c).Role == auth.NoRole {
		f.Version = "" // is not for strangers
	}
	p := ui.Problem{
		Status: a.Status, Text: explain(c, a, err), Request: request, Retry: a.Retry,
		Search: a.Status == fiber.StatusNotFound && guard.Principal(c).MayRead(),
		Action: ui.Choice{Text: "Go to groupings", URL: f.Path("/")},
	}
	again := safeAgain(c)
	switch {
	case a.Status == fiber.StatusServiceUnavailable && again:
		f.Reload = a.Retry
		fallthrough
	case a.Status == fiber.StatusInternalServerError && again, a.Status == fiber.StatusTooManyRequests && again:
		p.Action = ui.Choice{Text: "Try again", URL: s.PublicURL(c)}
	case errors.Is(err, auth.ErrNobody):
		p.Others = []ui.Choice{{Text: "About authentication", URL: f.Path("/docs/authentication")}}
	case a.Status == fiber.StatusUnauthorized && s.Guard.Sessions != nil:
		p.Action = ui.Choice{Text: "Sign in", URL: s.signInAddress(c)}
	}
	if errors.Is(err, login.ErrUnavailable) && s.Guard.HasPasswords() {
		p.Others = []ui.Choice{{Text: "Sign in with a password", URL: f.Path("/login?next=") + url.QueryEscape(s.LocalPath(c.Query("next")))}}
	}
	p.Frame = f
	return s.Page(c, a.Status, ui.ProblemPage(p))
}

// explain says in whole sentences, for people, why something was not done.
func explain(c *fiber.Ctx, a Answer, err error) string {
	switch {
	case errors.Is(err, auth.ErrForbidden):
		p := guard.Principal(c)
		if e := endpointOf(c); e != nil && !p.Role.May(e.Needs) {
			return WhoYouAre(p) + " This needs the role " + auth.RoleFor(e.Needs).String() + "."
		}
	case errors.Is(err, fiber.ErrNotFound):
		return "There is no page at this address."
	case a.Status == fiber.StatusMethodNotAllowed:
		if allow := c.GetRespHeader(fiber.HeaderAllow); allow != "" {
			return "This address accepts " + allow + ", but not " + c.Method() + "."
		}
	}
	return Sentence(a.Text)
}

// WhoYouAre says how the server knows a person.
func WhoYouAre(p auth.Principal) string {
	name := Shorten(p.Name, MaxValue)
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
