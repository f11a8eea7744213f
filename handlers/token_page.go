package handlers

import (
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
	"gatehouse/store"
	views "gatehouse/views/access"
	"gatehouse/views/ui"
)

const (
	tokensPerPage = 100
	// inUseWithin is how lately a token was used that something still uses.
	inUseWithin = 24 * time.Hour
)

func (h *api) tokenPageRoutes() []route {
	return []route{
		get(kindPage, "/tokens", endpoint{name: "ui/tokens", needs: auth.Administer, do: h.tokensPage}),
		{path: "/tokens/new", kind: kindPage, on: map[string]endpoint{
			"GET":  {name: "ui/tokens/new", needs: auth.Administer, do: h.askToken},
			"POST": {name: "ui/tokens/new", needs: auth.Administer, do: h.makeToken},
		}},
		{path: "/tokens/:id/rotate", kind: kindPage, on: map[string]endpoint{
			"GET":  {name: "ui/tokens/rotate", needs: auth.Administer, do: h.askRotation},
			"POST": {name: "ui/tokens/rotate", needs: auth.Administer, do: h.rotateByForm},
		}},
		{path: "/tokens/:id/revoke", kind: kindPage, on: map[string]endpoint{
			"GET":  {name: "ui/tokens/revoke", needs: auth.Administer, do: h.askRevocation},
			"POST": {name: "ui/tokens/revoke", needs: auth.Administer, do: h.revokeByForm},
		}},
	}
}

// tokensPage lists the tokens.
func (h *api) tokensPage(c *fiber.Ctx) error {
	search, from := strings.TrimSpace(c.Query("q")), fromOf(c)
	wanted, err := words(search)
	if err != nil {
		return err
	}
	f := h.web.frame(c, "API tokens", "tokens")
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
	pushURL(c, at(search, from))
	m := views.Tokens{Frame: f, Search: search, Clear: at("", 0), Revoked: c.Query("revoked") != ""}
	var found []*store.Token
	for t := range h.Store.Picture().Tokens() {
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
		row.Fixed = t.Authenticated != h.web.origin(c).Authenticated()
		m.Rows = append(m.Rows, row)
	}
	m.Pages = ui.Pages{From: from + 1, To: end, Total: len(found)}
	if from > 0 {
		m.Pages.Previous = at(search, max(0, from-tokensPerPage))
	}
	if end < len(found) {
		m.Pages.Next = at(search, end)
	}
	return h.web.page(c, fiber.StatusOK, views.TokensPage(m))
}

// tokenText is what a search looks at.
func (h *api) tokenText(t *store.Token) string {
	text := t.Name + "\n" + t.Role + "\n" + t.Limit.String() + "\n" + t.CreatedBy + "\n…" + t.Secrets[0].Hint
	switch {
	case h.Store.Expired(&t.Secrets[0]):
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
func (h *api) tokenView(t *store.Token) views.Token {
	v := views.Token{
		ID: t.ID, Name: t.Name, Role: t.Role, Hint: t.Secrets[0].Hint, Limit: shorten(t.Limit.String(), maxReason),
		By: shorten(t.CreatedBy, maxValue), Created: t.Created, Expires: t.Expires(), Expired: h.Store.Expired(&t.Secrets[0]),
		Unsigned: !t.Authenticated, Refused: !t.Authenticated && h.Guard.Access() != guard.Open,
	}
	v.Used, v.From = h.Store.TokenUsed(t.ID)
	if len(t.Secrets) > 1 && !h.Store.Expired(&t.Secrets[1]) {
		v.OldHint, v.OldUntil = t.Secrets[1].Hint, t.Secrets[1].Expires
	}
	return v
}

// tokenOf is the token that a request is about.
func (h *api) tokenOf(c *fiber.Ctx) (*store.Token, error) {
	t, ok := h.Store.Picture().Token(c.Params("id"))
	if !ok {
		return nil, store.ErrNoToken
	}
	return t, nil
}

// askRotation asks for how long the old secret is to stay good.
func (h *api) askRotation(c *fiber.Ctx) error {
	t, err := h.tokenOf(c)
	if err != nil {
		return err
	}
	if t.Authenticated != h.web.origin(c).Authenticated() {
		return store.ErrTokenMaker
	}
	return h.rotationPage(c, fiber.StatusOK, t, "")
}

// overlaps are how long an old secret may stay good, as people choose it.
var overlaps = []ui.Option{
	{Value: "0", Label: "ends at once"},
	{Value: "1h", Label: "stays good for 1 hour"},
	{Value: "24h", Label: "24 hours", Chosen: true},
	{Value: "7d", Label: "7 days"},
	{Value: "30d", Label: "30 days"},
}

func (h *api) rotationPage(c *fiber.Ctx, status int, t *store.Token, problem string) error {
	f := h.web.frame(c, "Rotate a token", "tokens")
	return h.web.page(c, status, views.TokenRotationPage(views.TokenRotation{
		Frame: f, Token: h.tokenView(t), Seen: seenSecret(t), Overlaps: overlaps, Problem: problem,
	}))
}

// seenSecret tells which secret of a token is the newest, without telling it.
func seenSecret(t *store.Token) string { return strconv.FormatInt(t.Secrets[0].Created.UnixNano(), 10) }

// rotateByForm gives a token a new secret, once for each time that it was asked.
func (h *api) rotateByForm(c *fiber.Ctx) error {
	form, err := readForm(c)
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
		return h.rotationPage(c, fiber.StatusConflict, t, "It was rotated in the meantime, and nothing was done now. Rotate it once more if you don't have its newest secret.")
	}
	t, secret, err := h.Store.RotateToken(context.Background(), t.ID, overlap, h.web.origin(c))
	if err != nil {
		return err
	}
	return h.secretPage(c, t, secret, true)
}

// secretPage shows a secret. It is the answer to the form itself: a page with an
// address of its own would have to get the secret from somewhere.
func (h *api) secretPage(c *fiber.Ctx, t *store.Token, secret string, rotated bool) error {
	f := h.web.frame(c, "The secret of a token", "tokens")
	m := views.MadeToken{Frame: f, Token: h.tokenView(t), Secret: secret, Rotated: rotated}
	m.Command, m.Outside = h.tokenCommand(c, t, secret)
	if at := h.scrapedAt(c); !h.ScrapesElsewhere || at.credential != "" {
		at.credential = auth.APIToken
		m.Settings = at.whole()
	}
	c.Set(fiber.HeaderCacheControl, noStore)
	return h.web.page(c, fiber.StatusOK, views.MadeTokenPage(m))
}

// tokenCommand is a command that does what a token is for. It is outside of the
// limit if no grouping within it comes to mind.
func (h *api) tokenCommand(c *fiber.Ctx, t *store.Token, secret string) (command string, isOutside bool) {
	credential := `-H "Authorization: Bearer ` + secret + `"`
	if t.Role == auth.Reader.String() {
		path := h.TelemetryPath
		if h.ScrapesElsewhere {
			path = "/api/v1/groupings"
		}
		return "curl " + credential + " " + quoteShell(h.web.serverURL(c)+path), false
	}
	key, ok := h.exampleOfLimit(t.Limit)
	path := "/metrics/job/example"
	if ok {
		// A push needs nothing that says that no other labels are meant.
		path = strings.TrimSuffix(key.Path(), "/instance@base64/=")
	}
	return "echo \"example_last_success_timestamp_seconds $(date +%s)\" |\n" +
		"  curl --data-binary @- \\\n  " + credential + " \\\n  " + quoteShell(h.web.serverURL(c)+path), !ok
}

// exampleOfLimit is a grouping within a limit, there or not.
func (h *api) exampleOfLimit(limit store.Selectors) (store.GroupingKey, bool) {
	if key, ok := limit.Example(); ok {
		return key, true
	}
	for g := range h.Store.Picture().Matching(limit) {
		return g.Key, true
	}
	return store.GroupingKey{}, false
}

// askRevocation asks before a token is revoked.
func (h *api) askRevocation(c *fiber.Ctx) error {
	t, err := h.tokenOf(c)
	if err != nil {
		return err
	}
	f := h.web.frame(c, "Revoke a token", "tokens")
	m := views.TokenRevocation{Frame: f, Token: h.tokenView(t), InDialog: isPartial(c)}
	m.InUse = !m.Used.IsZero() && f.Now.Sub(m.Used) < inUseWithin && !m.Expired && !m.Refused
	return h.web.removalAnswer(c, fiber.StatusOK, views.TokenRevocationPage(m))
}

// revokeByForm ends a token for good.
func (h *api) revokeByForm(c *fiber.Ctx) error {
	t, err := h.Store.RevokeToken(context.Background(), c.Params("id"), h.web.origin(c))
	switch {
	case errors.Is(err, store.ErrNoToken) && !isPartial(c):
		return c.Redirect(h.PublicPrefix+"/tokens", fiber.StatusSeeOther) // it has what was wanted
	case err != nil:
		return err
	case !isPartial(c):
		return c.Redirect(h.PublicPrefix+"/tokens?revoked=1", fiber.StatusSeeOther)
	}
	c.Set("HX-Trigger", "changed")
	return h.web.toast(c, fiber.StatusOK, ui.Toast{Text: "Revoked " + t.Name + "."})
}
