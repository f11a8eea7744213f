package access

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/access"
	"gatehouse/views/ui"
)

// lifetimes are how long a token may be good, as people choose it.
var lifetimes = []ui.Option{
	{Value: "30d", Label: "in 30 days"},
	{Value: "90d", Label: "in 90 days"},
	{Value: "365d", Label: "in 365 days"},
	{Value: lastDay, Label: "after"},
	{Value: "never", Label: "never"},
}

const (
	lastDay       = "on" // a day that is named
	usualLifetime = "90d"
	dateLayout    = time.DateOnly
)

// roleMeanings say what a token of a role may do.
var roleMeanings = map[auth.Role]string{
	auth.Reader: "can scrape and see everything, but change nothing",
	auth.Pusher: "can also push and delete by path: what a job needs",
	auth.Admin:  "can do everything, including tokens and bulk deletes",
}

// askToken shows the form on which a token is made, filled in with the query; or
// what a limit means.
func (h *TokenHandler) askToken(c *fiber.Ctx) error {
	f := h.web.Frame(c, "New API token", "tokens")
	return h.web.Page(c, fiber.StatusOK, views.NewTokenPage(h.tokenForm(f, guard.Query(c))))
}

// tokenForm is the form as it was filled in.
func (h *TokenHandler) tokenForm(f ui.Frame, form url.Values) views.NewToken {
	m := views.NewToken{
		Frame: f, Name: web.Shorten(form.Get("name"), maxTokenName), Scope: form.Get("limit"), Date: web.Shorten(form.Get("date"), len(dateLayout)),
		MinDate: f.Now.UTC().Format(dateLayout), MaxDate: f.Now.Add(maxLifetime - 24*time.Hour).UTC().Format(dateLayout),
		Reach: h.reach(form.Get("limit")),
	}
	role := cmp.Or(form.Get("role"), auth.Pusher.String())
	for _, r := range tokenRoles {
		m.Roles = append(m.Roles, ui.Option{Value: r.String(), Label: roleMeanings[r], Chosen: role == r.String()})
	}
	expires := cmp.Or(form.Get("expires"), usualLifetime)
	for _, o := range lifetimes {
		o.Chosen = o.Value == expires
		m.Lifetimes = append(m.Lifetimes, o)
	}
	return m
}

// reach says what a limit means at present.
func (h *TokenHandler) reach(limit string) views.Reach {
	p := h.store.Snapshot()
	r := views.Reach{Total: p.Stats().Groupings}
	whole := braced(limit)
	s, err := parseScope(whole)
	if err != nil {
		typed := strings.TrimSpace(limit)
		r.Problem = web.Sentence(web.MatcherProblem(err, typed, (len(whole)-len(typed))/2))
		return r
	}
	if r.Limited = !s.All(); r.Limited {
		for range p.Matching(s) {
			r.Matching++
		}
	}
	return r
}

// braced makes a selector of matchers that somebody typed without the braces.
func braced(limit string) string {
	if limit = strings.TrimSpace(limit); limit == "" || strings.Contains(limit, "{") {
		return limit
	}
	return "{" + limit + "}"
}

// makeToken makes a token, and shows its secret.
func (h *TokenHandler) makeToken(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	m := h.tokenForm(h.web.Frame(c, "New API token", "tokens"), form)
	draft := tokenDraft{name: form.Get("name"), role: form.Get("role"), limit: braced(form.Get("limit"))}
	if draft.lifetime, err = chosenLifetime(form, m.Now); err != nil {
		m.LifetimeProblem = web.Sentence(err.Error())
	}
	n, problems := draft.check()
	for _, p := range problems {
		switch text := web.Sentence("it " + p.text); p.field {
		case "name":
			m.NameProblem = text
		case "role":
			m.RoleProblem = text
		}
	}
	if m.LifetimeProblem != "" || len(problems) > 0 {
		return h.web.Page(c, fiber.StatusUnprocessableEntity, views.NewTokenPage(m))
	}
	t, secret, err := h.store.CreateToken(context.Background(), n, h.web.Origin(c))
	if limit := (*store.LimitError)(nil); errors.As(err, &limit) {
		m.Problem = web.Sentence(limit.Message)
		return h.web.Page(c, fiber.StatusTooManyRequests, views.NewTokenPage(m))
	}
	switch {
	case errors.Is(err, store.ErrTokenName):
		m.NameProblem = "A token with this name already exists. If you have just created it and reloaded the page, rotate it to get a secret."
		return h.web.Page(c, fiber.StatusUnprocessableEntity, views.NewTokenPage(m))
	case err != nil:
		return err
	}
	return h.secretPage(c, t, secret, false)
}

var errLastDay = errors.New("the last day must be one from today on, within 10 years")

// chosenLifetime is how long a token is to be good as the form says: for some
// time, or to the end of a day in UTC.
func chosenLifetime(form url.Values, now time.Time) (time.Duration, error) {
	switch expires := form.Get("expires"); expires {
	case "never":
		return 0, nil
	case "":
		return 0, errors.New("choose when the token expires")
	case lastDay:
		day, err := time.Parse(dateLayout, form.Get("date"))
		left := day.Add(24*time.Hour - time.Second).Sub(now)
		if err != nil || left <= 0 || left > maxLifetime {
			return 0, errLastDay
		}
		return left, nil
	default:
		return parseLifetime(expires)
	}
}
