package access

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Routes returns the routes of the JSON API of tokens.
func (h *TokenHandler) Routes() []web.Route {
	return []web.Route{
		{Path: "/api/v1/tokens", Kind: web.JSON, On: map[string]web.Endpoint{
			"GET":  {Name: "api/v1/tokens", Needs: auth.Administer, Do: h.listTokens},
			"POST": {Name: "api/v1/tokens", Needs: auth.Administer, Do: h.createToken},
		}},
		{Path: "/api/v1/tokens/:id", Kind: web.JSON, On: map[string]web.Endpoint{"DELETE": {Name: "api/v1/tokens", Needs: auth.Administer, Do: h.revokeToken}}},
		{Path: "/api/v1/tokens/:id/rotate", Kind: web.JSON, On: map[string]web.Endpoint{"POST": {Name: "api/v1/tokens", Needs: auth.Administer, Do: h.rotateToken}}},
	}
}

// tokenJSON is a token without what would let anybody use it.
type tokenJSON struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Role         string       `json:"role"`
	Limit        string       `json:"limit"`
	Created      time.Time    `json:"created"`
	CreatedBy    string       `json:"created_by"`
	Unsigned     bool         `json:"made_without_sign_in"`
	Expires      *time.Time   `json:"expires"`
	Expired      bool         `json:"expired"`
	LastUsed     *time.Time   `json:"last_used"`
	LastUsedFrom string       `json:"last_used_from"`
	Hint         string       `json:"hint"`
	Secrets      []secretJSON `json:"secrets"`
}

type secretJSON struct {
	Hint    string     `json:"hint"`
	Expires *time.Time `json:"expires"`
}

func (h *TokenHandler) tokenJSON(t *store.Token) tokenJSON {
	used, from := h.store.TokenUsed(t.ID)
	out := tokenJSON{
		ID: t.ID, Name: t.Name, Role: t.Role.String(), Limit: t.Scope.String(),
		Created: t.Created.UTC(), CreatedBy: t.CreatedBy, Unsigned: !t.Authenticated, Expires: web.OptionalTime(t.Expires()), Expired: h.store.Expired(&t.Secrets[0]),
		LastUsed: web.OptionalTime(used), LastUsedFrom: from, Hint: t.Secrets[0].Hint,
	}
	for i := range t.Secrets {
		if x := &t.Secrets[i]; !h.store.Expired(x) {
			out.Secrets = append(out.Secrets, secretJSON{x.Hint, web.OptionalTime(x.Expires)})
		}
	}
	if out.Secrets == nil {
		out.Secrets = []secretJSON{}
	}
	return out
}

// listTokens serves all tokens by their names.
func (h *TokenHandler) listTokens(c *fiber.Ctx) error {
	list := []tokenJSON{}
	for t := range h.store.Snapshot().Tokens() {
		list = append(list, h.tokenJSON(t))
	}
	return web.Succeed(c, fiber.Map{"tokens": list})
}

// createToken makes a token. Its answer is the only one that ever has the secret.
func (h *TokenHandler) createToken(c *fiber.Ctx) error {
	fields, err := web.ReadJSON(c, "name", "role", "limit", "expires_in")
	if err != nil {
		return err
	}
	draft := tokenDraft{name: fields["name"], role: fields["role"], limit: fields["limit"]}
	if draft.lifetime, err = parseLifetime(fields["expires_in"]); err != nil {
		return web.BadRequest("expires_in " + err.Error())
	}
	n, problems := draft.check()
	if len(problems) > 0 {
		return web.BadRequest(problems[0].field + " " + problems[0].text)
	}
	t, secret, err := h.store.CreateToken(context.Background(), n, h.web.Origin(c))
	if err != nil {
		return err
	}
	c.Status(fiber.StatusCreated)
	return web.Succeed(c, fiber.Map{"token": h.tokenJSON(t), "secret": secret})
}

// rotateToken gives a token a new secret, which no other answer will have.
func (h *TokenHandler) rotateToken(c *fiber.Ctx) error {
	fields, err := web.ReadJSON(c, "overlap")
	if err != nil {
		return err
	}
	overlap := defaultOverlap
	if text, ok := fields["overlap"]; ok {
		if overlap, err = parseOverlap(text); err != nil {
			return web.BadRequest("overlap " + err.Error())
		}
	}
	t, secret, err := h.store.RotateToken(context.Background(), c.Params("id"), overlap, h.web.Origin(c))
	if err != nil {
		return err
	}
	return web.Succeed(c, fiber.Map{"token": h.tokenJSON(t), "secret": secret})
}

// revokeToken ends a token, and returns it as it was.
func (h *TokenHandler) revokeToken(c *fiber.Ctx) error {
	id := c.Params("id")
	used, from := h.store.TokenUsed(id) // is forgotten with it
	t, err := h.store.RevokeToken(context.Background(), id, h.web.Origin(c))
	if err != nil {
		return err
	}
	was := h.tokenJSON(t)
	was.LastUsed, was.LastUsedFrom = web.OptionalTime(used), from
	return web.Succeed(c, fiber.Map{"token": was})
}
