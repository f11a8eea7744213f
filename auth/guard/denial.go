package guard

import (
	"cmp"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
)

// incident identifies denials of which one is logged a minute, lest strangers
// fill the log.
type incident struct {
	from   netip.Addr
	scheme auth.Scheme
	reason error
}

const (
	maxIncidents   = 1 << 10
	incidentPeriod = time.Minute
)

// Denial is a request that was not let in although it gave a credential, or
// that nobody may make: from that address, or for a page of another site. It
// holds no secret.
type Denial struct {
	Principal    auth.Principal // if it is known
	From         string         // as AddressText says
	Scheme       auth.Scheme    // the credential that decided
	Reason       error          // one of those of auth
	Method, Path string         // without the query; both are bounded
}

// incidental reports whether a denial says nothing about the client: a stranger
// is shown the way in, or the check is impossible at present.
func incidental(r *auth.DeniedError) bool {
	return errors.Is(r, auth.ErrNoCredential) || errors.Is(r, auth.ErrUnavailable)
}

// deny counts, logs and reports a denial, and says to the client which
// credentials there are.
func (g *Guard) deny(c *fiber.Ctx, err error) error {
	var r *auth.DeniedError
	if !errors.As(err, &r) {
		return err
	}
	g.decided(r.Scheme, resultOf(r))
	g.report(c, r)
	if g.Denied != nil && !incidental(r) {
		g.Denied(Denial{
			Principal: Principal(c), From: g.AddressText(c), Scheme: r.Scheme, Reason: r.Reason,
			Method: shortened(strings.Clone(c.Method())), Path: shortened(strings.Clone(c.Path())),
		})
	}
	switch {
	case errors.Is(r, auth.ErrNoCredential), errors.Is(r, auth.ErrBadCredential):
		g.challenge(c, r)
	case resultOf(r) == Forbidden && byBearer(r.Scheme):
		c.Set(fiber.HeaderWWWAuthenticate, bearerChallenge+`, error="insufficient_scope"`)
	}
	return r
}

const (
	bearerChallenge = `Bearer realm="gatehouse"`
	basicChallenge  = `Basic realm="gatehouse", charset="UTF-8"`
)

func byBearer(s auth.Scheme) bool {
	return s == auth.JWT || s == auth.APIToken || s == auth.ScrapeKey
}

// challenge adds a WWW-Authenticate line for each configured scheme. A browser
// gets none for Basic: it would open its own dialog over the page.
func (g *Guard) challenge(c *fiber.Ctx, r *auth.DeniedError) {
	basic := g.HasPasswords() && !browser(c)
	if g.verify != nil || g.Tokens.Len() > 0 || g.MadeTokens != nil || g.ScrapeKey.IsSet() || !basic {
		line := bearerChallenge
		if errors.Is(r, auth.ErrBadCredential) && byBearer(r.Scheme) {
			// Never which check failed: that is for the log.
			line += `, error="invalid_token"`
		}
		c.Response().Header.Add(fiber.HeaderWWWAuthenticate, line)
	}
	if basic {
		c.Response().Header.Add(fiber.HeaderWWWAuthenticate, basicChallenge)
	}
}

// browser reports whether the client is one: current browsers send Sec-Fetch-Mode,
// to hosts that they trust, and all of them ask for HTML when they open a page.
func browser(c *fiber.Ctx) bool {
	return c.Get("Sec-Fetch-Mode") != "" || c.Get("Hx-Request") != "" || strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

// report logs a denial: at most once a minute for the same client, scheme and
// reason at the level that operators read, and each time at debug level.
func (g *Guard) report(c *fiber.Ctx, r *auth.DeniedError) {
	level := slog.LevelInfo
	if !g.isNew(incident{g.Address(c), r.Scheme, r.Reason}) {
		level = slog.LevelDebug
	}
	ctx := c.Context()
	if !g.Logger.Enabled(ctx, level) {
		return
	}
	fields := []any{
		"reason", r.Error(), "scheme", r.Scheme, "from", cmp.Or(g.AddressText(c), "unknown"),
		"method", c.Method(), "path", shortened(strings.Clone(c.Path())),
	}
	if r.Cause != nil {
		fields = append(fields, "cause", shortened(r.Cause.Error()))
	}
	g.Logger.Log(ctx, level, "Denied a request", fields...)
}

// isNew reports whether an incident was not logged within the last minute, and then
// takes it as logged.
func (g *Guard) isNew(x incident) bool {
	now := time.Now().UnixNano()
	if last, ok := g.reported.Get(x); ok && now-last < int64(incidentPeriod) {
		return false
	}
	g.reported.Add(x, now)
	return true
}

// shortened bounds what clients can write into the log.
func shortened(s string) string { return strings.ToValidUTF8(s[:min(len(s), 256)], "") }
