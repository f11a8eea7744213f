package handlers

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth/guard"
	"gatehouse/handlers/telemetry"
	"gatehouse/store"
)

// site is what all parts of the server have in common: where it is, who is let in,
// and how it answers. It is safe for concurrent use.
type site struct {
	base
	Guard   *guard.Guard
	Store   clockedStore
	Logger  *slog.Logger
	Version string
	// SignIn asks people to sign in who are not let in, and reports whether it has
	// answered. nil: nobody can sign in.
	SignIn func(c *fiber.Ctx, err error) bool

	known *known
	epoch string // of marks
}

// base is where a server is.
type base struct {
	RoutePrefix  string   // empty, or with a leading and no trailing slash
	PublicPrefix string   // the same in addresses that clients use; a proxy may take off a part
	ExternalURL  *url.URL // nil: what the request says
}

// clockedStore is what a site needs of the store.
type clockedStore interface {
	Now() time.Time
	Picture() *store.Picture
}

// know tells the site what is known of paths, before its first request.
func (s *site) know(routes []route) {
	s.known, s.epoch = newKnown(s.RoutePrefix, routes), newEpoch()
}

// server is a listener's way from connections to routes.
type server struct {
	site     *site
	metrics  *telemetry.Metrics
	scrapers *telemetry.Scrapers
	timeouts
	// headers are added to every answer. nil: none.
	headers func() map[string]string
	ending  <-chan struct{} // see Config
	pprof   bool

	unframedAnswers unframedAnswers
}

// timeouts are those of connections.
type timeouts struct{ ReadTimeout, WriteTimeout, IdleTimeout time.Duration }
