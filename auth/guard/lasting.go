package guard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// Lasting returns a function for answers that go on for long. It reports whether the
// session or the created token that let the request in is still valid; it is always
// true of other credentials. It may be called when the request is over, from any
// goroutine, and is no use of the credential.
func (g *Guard) Lasting(c *fiber.Ctx) func() bool {
	p := Principal(c)
	if secret := strings.Clone(tokenOf(c)); p.Scheme == auth.APIToken && secret != "" && g.MadeTokens != nil {
		if _, configured := g.Tokens.Find(secret); !configured {
			return func() bool { return g.MadeTokens.HasToken(secret) }
		}
	}
	if id, s, ok := g.held(c); ok && s.Principal() == p {
		id = strings.Clone(id)
		return func() bool {
			s, ok := g.valid(id)
			return ok && s.Principal() == p
		}
	}
	return func() bool { return true }
}

// tokenOf returns the token of a request; empty: there is none.
func tokenOf(c *fiber.Ctx) string {
	if line, ok := given(c, fiber.HeaderAuthorization); ok {
		if scheme, rest, _ := strings.Cut(line, " "); strings.EqualFold(scheme, "bearer") {
			return strings.TrimSpace(rest)
		}
		return line
	}
	key, _ := given(c, headerAPIKey)
	return key
}
