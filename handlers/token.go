package handlers

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/store"
)

// Tokens are the API tokens in a store.
type Tokens struct{ Store *store.Store }

// Principal is part of guard.MadeTokens.
func (t Tokens) Principal(secret, from string) (auth.Principal, error) {
	x, ok := t.Store.FindToken(secret)
	if !ok {
		return auth.Principal{}, auth.ErrUnknownToken
	}
	// While all is open nobody is asked for a token: this one is of no use now.
	if !x.Authenticated {
		return auth.Principal{}, auth.ErrUnsignedToken
	}
	role, err := auth.ParseRole(x.Role)
	if err != nil {
		return auth.Principal{}, err
	}
	t.Store.UseToken(x.ID, from)
	return auth.Principal{Scheme: auth.APIToken, ID: auth.TokenID(x.ID), Name: x.Name, Role: role, Limit: x.Limit.String()}, nil
}

// Len is part of guard.MadeTokens.
func (t Tokens) Len() int {
	n := 0
	for x := range t.Store.Picture().Tokens() {
		if x.Authenticated && !t.Store.Expired(&x.Secrets[0]) {
			n++
		}
	}
	return n
}

// Known is part of guard.MadeTokens.
func (t Tokens) Known() bool { return t.Store.Picture().KnowsTokens() }

func (h *api) tokenRoutes() []route {
	return []route{
		{path: "/api/v1/tokens", kind: kindJSON, on: map[string]endpoint{
			"GET":  {name: "api/v1/tokens", needs: auth.Administer, do: h.listTokens},
			"POST": {name: "api/v1/tokens", needs: auth.Administer, do: h.createToken},
		}},
		{path: "/api/v1/tokens/:id", kind: kindJSON, on: map[string]endpoint{"DELETE": {name: "api/v1/tokens", needs: auth.Administer, do: h.revokeToken}}},
		{path: "/api/v1/tokens/:id/rotate", kind: kindJSON, on: map[string]endpoint{"POST": {name: "api/v1/tokens", needs: auth.Administer, do: h.rotateToken}}},
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

func (h *api) tokenJSON(t *store.Token) tokenJSON {
	used, from := h.Store.TokenUsed(t.ID)
	out := tokenJSON{
		ID: t.ID, Name: t.Name, Role: t.Role, Limit: t.Limit.String(),
		Created: t.Created.UTC(), CreatedBy: t.CreatedBy, Unsigned: !t.Authenticated, Expires: optional(t.Expires()), Expired: h.Store.Expired(&t.Secrets[0]),
		LastUsed: optional(used), LastUsedFrom: from, Hint: t.Secrets[0].Hint,
	}
	for i := range t.Secrets {
		if x := &t.Secrets[i]; !h.Store.Expired(x) {
			out.Secrets = append(out.Secrets, secretJSON{x.Hint, optional(x.Expires)})
		}
	}
	if out.Secrets == nil {
		out.Secrets = []secretJSON{}
	}
	return out
}

// listTokens serves all tokens by their names.
func (h *api) listTokens(c *fiber.Ctx) error {
	list := []tokenJSON{}
	for t := range h.Store.Picture().Tokens() {
		list = append(list, h.tokenJSON(t))
	}
	return succeed(c, fiber.Map{"tokens": list})
}

// createToken makes a token. Its answer is the only one that ever has the secret.
func (h *api) createToken(c *fiber.Ctx) error {
	fields, err := readJSON(c, "name", "role", "limit", "expires_in")
	if err != nil {
		return err
	}
	draft := tokenDraft{name: fields["name"], role: fields["role"], limit: fields["limit"]}
	if draft.lifetime, err = parseLifetime(fields["expires_in"]); err != nil {
		return badRequest("expires_in " + err.Error())
	}
	n, problems := draft.check()
	if len(problems) > 0 {
		return badRequest(problems[0].field + " " + problems[0].text)
	}
	t, secret, err := h.Store.CreateToken(context.Background(), n, h.web.origin(c))
	if err != nil {
		return err
	}
	c.Status(fiber.StatusCreated)
	return succeed(c, fiber.Map{"token": h.tokenJSON(t), "secret": secret})
}

// rotateToken gives a token a new secret, which no other answer will have.
func (h *api) rotateToken(c *fiber.Ctx) error {
	fields, err := readJSON(c, "overlap")
	if err != nil {
		return err
	}
	overlap := defaultOverlap
	if text, ok := fields["overlap"]; ok {
		if overlap, err = parseOverlap(text); err != nil {
			return badRequest("overlap " + err.Error())
		}
	}
	t, secret, err := h.Store.RotateToken(context.Background(), c.Params("id"), overlap, h.web.origin(c))
	if err != nil {
		return err
	}
	return succeed(c, fiber.Map{"token": h.tokenJSON(t), "secret": secret})
}

// revokeToken ends a token, and tells what it was.
func (h *api) revokeToken(c *fiber.Ctx) error {
	id := c.Params("id")
	used, from := h.Store.TokenUsed(id) // is forgotten with it
	t, err := h.Store.RevokeToken(context.Background(), id, h.web.origin(c))
	if err != nil {
		return err
	}
	was := h.tokenJSON(t)
	was.LastUsed, was.LastUsedFrom = optional(used), from
	return succeed(c, fiber.Map{"token": was})
}
