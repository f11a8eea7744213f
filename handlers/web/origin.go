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

// Client returns the client of an origin, fit to be shown whatever it calls itself. How
// it came in is left out if its name says so.
func Client(o store.Origin) ui.Client {
	client := ui.Client{By: Printable(o.By, MaxClient), Via: waysIn[auth.Scheme(o.Via)], From: Printable(o.From, MaxClient)}
	if client.Via == o.By {
		client.Via = ""
	}
	return client
}

// Origin returns the author of a change, and the address.
func (s *Site) Origin(c *fiber.Ctx) store.Origin {
	p := guard.Principal(c)
	return store.Origin{By: p.Name, From: s.ClientAddress(c), Via: string(p.Scheme), ID: p.ID}
}
