package web

import (
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/store"
	"gatehouse/views/ui"
)

// waysIn are how people and programs come in, in a word or two.
var waysIn = map[auth.Scheme]string{
	auth.Basic: "password", auth.SessionCookie: "session", auth.OIDC: "OpenID provider", auth.JWT: "JWT",
	auth.APIToken: "API token", auth.Certificate: "certificate", auth.ScrapeKey: "scrape key",
}

// wayIn says in a word or two how whoever it was came in; empty: that goes
// without saying.
func wayIn(o store.Origin) string {
	way := waysIn[auth.Scheme(o.Via)]
	if way == o.By {
		return ""
	}
	return way
}

// Client is who it was, fit to be shown whatever they call themselves.
func Client(o store.Origin) ui.Client {
	return ui.Client{By: Printable(o.By, MaxClient), Via: wayIn(o), From: Printable(o.From, MaxClient)}
}

// Origin is who asks for a change, and from where.
func (s *Site) Origin(c *fiber.Ctx) store.Origin {
	p := guard.Principal(c)
	return store.Origin{By: p.Name, From: s.ClientAddress(c), Via: string(p.Scheme), ID: p.ID}
}
