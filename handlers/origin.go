package handlers

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

// wayIn tells in a word or two how whoever it was came in; empty: that goes
// without saying.
func wayIn(o store.Origin) string {
	way := waysIn[auth.Scheme(o.Via)]
	if way == o.By {
		return ""
	}
	return way
}

// client is who it was, fit to be shown whatever they call themselves.
func client(o store.Origin) ui.Client {
	return ui.Client{By: plain(o.By, maxClient), Via: wayIn(o), From: plain(o.From, maxClient)}
}

// origin is who asks for a change, and from where.
func (s *site) origin(c *fiber.Ctx) store.Origin {
	p := guard.Principal(c)
	return store.Origin{By: p.Name, From: s.clientAddress(c), Via: string(p.Scheme), ID: p.ID}
}
