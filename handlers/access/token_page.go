package access

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
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

const (
	tokensPerPage = 100
	// inUseWithin is the age of a last use up to which a token is probably
	// still in use.
	inUseWithin = 24 * time.Hour
)

// PageRoutes returns the routes of the pages about tokens.
func (h *TokenHandler) PageRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/tokens", web.Endpoint{Name: "ui/tokens", Needs: auth.Administer, Do: h.tokensPage}),
		{Path: "/tokens/new", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "ui/tokens/new", Needs: auth.Administer, Do: h.askToken},
			"POST": {Name: "ui/tokens/new", Needs: auth.Administer, Do: h.makeToken},
		}},
		{Path: "/tokens/:id/rotate", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "ui/tokens/rotate", Needs: auth.Administer, Do: h.askRotation},
			"POST": {Name: "ui/tokens/rotate", Needs: auth.Administer, Do: h.rotateByForm},
		}},
		{Path: "/tokens/:id/revoke", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "ui/tokens/revoke", Needs: auth.Administer, Do: h.askRevocation},
			"POST": {Name: "ui/tokens/revoke", Needs: auth.Administer, Do: h.revokeByForm},
		}},
	}
}

// tokensPage lists the tokens.
func (h *TokenHandler) tokensPage(c *fiber.Ctx) error {
	search, from := strings.TrimSpace(c.Query("q")), web.FromOf(c)
	wanted, err := web.Words(search)
	if err != nil {
		return err
	}
	f := h.web.Frame(c, "API tokens", "tokens")
	f.Live = "tokens"
	at := func(search string, from int) string {
		q := url.Values{}
		if search != "" {
			q.Set("q", search)
		}
		if from > 0 {
			q.Set("from", strconv.Itoa(from))
		}
		return strings.TrimSuffix(f.Path("/tokens")+"?"+q.Encode(), "?")
	}
	web.PushURL(c, at(search, from))
	m := views.Tokens{Frame: f, Search: search, Clear: at("", 0), Revoked: c.Query("revoked") != ""}
	var found []*store.Token
	for t := range h.store.Snapshot().Tokens() {
		m.Total++
		if text := h.tokenText(t); !slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(text, word) }) {
			found = append(found, t)
		}
	}
	if from >= len(found) {
		from = max(0, (len(found)-1)/tokensPerPage*tokensPerPage)
	}
	end := min(from+tokensPerPage, len(found))
	for _, t := range found[from:end] {
		row := h.tokenView(t)
		row.Fixed = t.Authenticated != h.web.Origin(c).Authenticated()
		m.Rows = append(m.Rows, row)
	}
	m.Pages = ui.Pages{From: from + 1, To: end, Total: len(found)}
	if from > 0 {
		m.Pages.Previous = at(search, max(0, from-tokensPerPage))
	}
	if end < len(found) {
		m.Pages.Next = at(search, end)
	}
	return h.web.Page(c, fiber.StatusOK, views.TokensPage(m))
}

// tokenText returns the text of a token that a search looks at.
func (h *TokenHandler) tokenText(t *store.Token) string {
	text := t.Name + "\n" + t.Role.String() + "\n" + t.Scope.String() + "\n" + t.CreatedBy + "\n…" + t.Secrets[0].Hint
	switch {
	case h.store.Expired(&t.Secrets[0]):
		text += "\nexpired"
	case t.Expires().IsZero():
		text += "\nnever"
	}
	if !t.Authenticated {
		text += "\nmade without sign-in"
	}
	return strings.ToLower(text)
}

// tokenView is a token as people see it.
func (h *TokenHandler) tokenView(t *store.Token) views.Token {
	v := views.Token{
		ID: t.ID, Name: t.Name, Role: t.Role.String(), Hint: t.Secrets[0].Hint, Scope: web.Shorten(t.Scope.String(), web.MaxReason),
		By: web.Shorten(t.CreatedBy, web.MaxValue), Created: t.Created, Expires: t.Expires(), Expired: h.store.Expired(&t.Secrets[0]),
		Unsigned: !t.Authenticated, Refused: !t.Authenticated && h.web.Guard.Access() != guard.Open,
	}
	v.LastUsed, v.From = h.store.TokenUsed(t.ID)
	if len(t.Secrets) > 1 && !h.store.Expired(&t.Secrets[1]) {
		v.OldHint, v.OldUntil = t.Secrets[1].Hint, t.Secrets[1].Expires
	}
	return v
}

// tokenOf is the token that a request is about.
func (h *TokenHandler) tokenOf(c *fiber.Ctx) (*store.Token, error) {
	t, ok := h.store.Snapshot().Token(c.Params("id"))
	if !ok {
		return nil, store.ErrNoToken
	}
	return t, nil
}

// askRotation asks for how long the old secret is to stay good.
func (h *TokenHandler) askRotation(c *fiber.Ctx) error {
	t, err := h.tokenOf(c)
	if err != nil {
		return err
	}
	if t.Authenticated != h.web.Origin(c).Authenticated() {
		return store.ErrTokenMaker
	}
	return h.rotationPage(c, fiber.StatusOK, t, "")
}

// overlaps are how long an old secret may stay good, as people choose it.
var overlaps = []ui.Option{
	{Value: "0", Label: "ends at once"},
	{Value: "1h", Label: "valid for 1 hour"},
	{Value: "24h", Label: "24 hours", Chosen: true},
	{Value: "7d", Label: "7 days"},
	{Value: "30d", Label: "30 days"},
}

func (h *TokenHandler) rotationPage(c *fiber.Ctx, status int, t *store.Token, problem string) error {
	f := h.web.Frame(c, "Rotate a token", "tokens")
	return h.web.Page(c, status, views.TokenRotationPage(views.TokenRotation{
		Frame: f, Token: h.tokenView(t), Version: seenSecret(t), Overlaps: overlaps, Problem: problem,
	}))
}

// seenSecret identifies the newest secret of a token, without revealing it.
func seenSecret(t *store.Token) string { return strconv.FormatInt(t.Secrets[0].Created.UnixNano(), 10) }

// rotateByForm gives a token a new secret, once for each time that it was asked.
func (h *TokenHandler) rotateByForm(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	t, err := h.tokenOf(c)
	if err != nil {
		return err
	}
	overlap, err := parseOverlap(form.Get("overlap"))
	if err != nil {
		return h.rotationPage(c, fiber.StatusUnprocessableEntity, t, "The overlap "+err.Error()+".")
	}
	if form.Get("seen") != seenSecret(t) {
		return h.rotationPage(c, fiber.StatusConflict, t, "The token was rotated in the meantime, so nothing was done. Rotate it again if you don't have its newest secret.")
	}
	t, secret, err := h.store.RotateToken(context.Background(), t.ID, overlap, h.web.Origin(c))
	if err != nil {
		return err
	}
	return h.secretPage(c, t, secret, true)
}

// secretPage shows a secret. It is the answer to the form itself: a page with an
// address of its own would have to get the secret from somewhere.
func (h *TokenHandler) secretPage(c *fiber.Ctx, t *store.Token, secret string, rotated bool) error {
	f := h.web.Frame(c, "Token secret", "tokens")
	m := views.MadeToken{Frame: f, Token: h.tokenView(t), Secret: secret, Rotated: rotated}
	m.Command, m.Outside = h.tokenCommand(c, t, secret)
	m.Settings = h.scrapeConfig(c)
	c.Set(fiber.HeaderCacheControl, web.NoStore)
	return h.web.Page(c, fiber.StatusOK, views.MadeTokenPage(m))
}

// tokenCommand is a command that does what a token is for. It is outside of the
// limit if no grouping within it comes to mind.
func (h *TokenHandler) tokenCommand(c *fiber.Ctx, t *store.Token, secret string) (command string, isOutside bool) {
	credential := `-H "Authorization: Bearer ` + secret + `"`
	if t.Role == auth.Reader {
		path := cmp.Or(h.scrapes, "/api/v1/groupings")
		return "curl " + credential + " " + web.QuoteShell(h.web.ServerURL(c)+path), false
	}
	key, ok := h.exampleInScope(t.Scope)
	path := "/metrics/job/example"
	if ok {
		// A push needs nothing that says that no other labels are meant.
		path = strings.TrimSuffix(key.Path(), "/instance@base64/=")
	}
	return "echo \"example_last_success_timestamp_seconds $(date +%s)\" |\n" +
		"  curl --data-binary @- \\\n  " + credential + " \\\n  " + web.QuoteShell(h.web.ServerURL(c)+path), !ok
}

// exampleInScope is a grouping within a limit, there or not.
func (h *TokenHandler) exampleInScope(limit store.Selectors) (store.GroupingKey, bool) {
	if key, ok := limit.Example(); ok {
		return key, true
	}
	for g := range h.store.Snapshot().Matching(limit) {
		return g.Key, true
	}
	return store.GroupingKey{}, false
}

// askRevocation asks before a token is revoked.
func (h *TokenHandler) askRevocation(c *fiber.Ctx) error {
	t, err := h.tokenOf(c)
	if err != nil {
		return err
	}
	f := h.web.Frame(c, "Revoke a token", "tokens")
	m := views.TokenRevocation{Frame: f, Token: h.tokenView(t), InDialog: web.IsPartial(c)}
	m.InUse = !m.LastUsed.IsZero() && f.Now.Sub(m.LastUsed) < inUseWithin && !m.Expired && !m.Refused
	return h.web.RemovalAnswer(c, fiber.StatusOK, views.TokenRevocationPage(m))
}

// revokeByForm ends a token for good.
func (h *TokenHandler) revokeByForm(c *fiber.Ctx) error {
	t, err := h.store.RevokeToken(context.Background(), c.Params("id"), h.web.Origin(c))
	switch {
	case errors.Is(err, store.ErrNoToken) && !web.IsPartial(c):
		return c.Redirect(h.web.PublicPrefix+"/tokens", fiber.StatusSeeOther) // it has what was wanted
	case err != nil:
		return err
	case !web.IsPartial(c):
		return c.Redirect(h.web.PublicPrefix+"/tokens?revoked=1", fiber.StatusSeeOther)
	}
	c.Set("HX-Trigger", "changed")
	return h.web.Toast(c, fiber.StatusOK, ui.Toast{Text: "Revoked " + t.Name + "."})
}
