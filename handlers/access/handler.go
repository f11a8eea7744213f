// Package access is how people sign in and out, what they see of their own access,
// and how API tokens are managed.
package access

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// Handler serves sign-in, sign-out and the account. It is safe for concurrent use.
type Handler struct {
	sessionIdle time.Duration // after which time without use sessions end; 0: they don't

	web   *web.Site
	store SessionStore
}

// SessionStore keeps the sessions of people.
type SessionStore interface {
	SessionsOf(user string) []store.ListedSession
	EndSessionsOf(ctx context.Context, user, handle string, o store.Origin, why string) (int, error)
	EndSessionsWhere(ctx context.Context, match func(auth.Session) bool, o store.Origin, why string) (int, error)
}

// New returns a handler of a store's sessions, which end when they are not used for
// sessionIdle; 0: they don't.
func New(w *web.Site, s SessionStore, sessionIdle time.Duration) *Handler {
	return &Handler{sessionIdle: sessionIdle, web: w, store: s}
}

// Routes returns the routes of sign-in, sign-out and the account.
func (h *Handler) Routes() []web.Route {
	return slices.Concat(h.sessionRoutes(), h.loginRoutes(), h.accountRoutes())
}

// TokenHandler serves API tokens, as pages and as JSON. It is safe for concurrent use.
type TokenHandler struct {
	web   *web.Site
	store TokenStore
	// scrapes is the telemetry path; empty: scrapes are served elsewhere.
	scrapes string
	// scrapeConfig returns a scrape configuration that presents a token; empty: a
	// scrape of this server needs none.
	scrapeConfig func(*fiber.Ctx) string
}

// TokenStore keeps API tokens.
type TokenStore interface {
	Snapshot() *store.Snapshot
	CreateToken(context.Context, store.NewToken, store.Origin) (*store.Token, string, error)
	RotateToken(ctx context.Context, id string, overlap time.Duration, o store.Origin) (*store.Token, string, error)
	RevokeToken(ctx context.Context, id string, o store.Origin) (*store.Token, error)
	TokenUsed(id string) (at time.Time, from string)
	Expired(*store.TokenSecret) bool
}

// NewTokens returns a handler of a store's tokens. Scrapes are served below the path
// scrapes; empty: elsewhere. scrapeConfig returns a scrape
// configuration that presents a token; empty: a scrape of this server needs none.
func NewTokens(w *web.Site, s TokenStore, scrapes string, scrapeConfig func(*fiber.Ctx) string) *TokenHandler {
	return &TokenHandler{web: w, store: s, scrapes: scrapes, scrapeConfig: scrapeConfig}
}
