package config

import (
	"net/url"
	"strings"
)

// secretMask stands for what is left out.
const secretMask = "xxxxx"

// withoutQuery hides the query of a URL, which may hold a key.
func withoutQuery(s string) string {
	address, _, found := strings.Cut(s, "?")
	if found {
		address += "?…"
	}
	return address
}

// withoutUsersPassword leaves out the password of a user who is given with it.
func withoutUsersPassword(s string) string {
	if user, _, ok := strings.Cut(s, ":"); ok {
		return user + ":" + secretMask
	}
	return s
}

// withoutPassword leaves out the password, or what may be one, of a URL.
func withoutPassword(value string) string {
	u, err := url.Parse(value)
	if err == nil && u.User != nil {
		if _, ok := u.User.Password(); !ok {
			u.User = url.User(secretMask)
		}
		return u.Redacted()
	}
	scheme, rest, ok := strings.Cut(value, "://")
	if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 { // not a URL, but meant as one
		return scheme + "://" + secretMask + rest[at:]
	}
	return value
}
