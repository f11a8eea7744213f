package handlers

import (
	"strings"
	"unicode"

	"gatehouse/auth"
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

// visible makes a text of a client's fit to be shown: all of its characters can
// be seen.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}
