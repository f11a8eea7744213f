package auth

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
)

// SessionCookie is the scheme of a browser whose user has signed in.
const SessionCookie Scheme = "session"

// Session describes the session of a user. It doesn't change.
type Session struct {
	Scheme Scheme // how the user signed in: Basic, OIDC or ScrapeKey
	ID     string // of the Principal
	Name   string // of the Principal
	Role   Role
	// LastUsed is when the session was last used, as far as that is known.
	Created, LastUsed, Expires time.Time
	// Credential is the fingerprint of what the user signed in with, or of the
	// rules by which the role was given; nil: it does not matter what becomes of
	// that.
	Credential []byte
	Extra      []byte // for the package that signed the user in; nil: nothing
	// Provider names the session at the OpenID provider; empty: it has no name.
	Provider string
	// From and UserAgent are the address and the program that it began with.
	From, UserAgent string
}

// Principal returns the principal of the session's requests.
func (s Session) Principal() Principal {
	return Principal{Scheme: SessionCookie, ID: s.ID, Name: s.Name, Role: s.Role}
}

// NewSessionID makes a random id that can be the value of a cookie.
func NewSessionID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never fails: it aborts the program instead
	return base64.RawURLEncoding.EncodeToString(id)
}

// maxLocalPath is longer than any address of a page that people come back to.
const maxLocalPath = 2 << 10

// LocalPath is next if that can only be a path of this server, in every reading
// of browsers and proxies, and is not one of signing in; else "/". It may have a
// query.
func LocalPath(next string) string {
	path, _, _ := strings.Cut(next, "?")
	plain, err := url.PathUnescape(path)
	if err != nil || len(next) > maxLocalPath || strings.ContainsFunc(next, notInLocalPath) ||
		!beginsPlainly(path) || strings.Contains(path, "//") || hasDots(plain) || isSignIn(plain) {
		return "/"
	}
	return next
}

func notInLocalPath(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '#' }

// beginsPlainly reports whether the beginning of a path can't be taken for that
// of a host's name: //, /\, and all that decodes to one of them.
func beginsPlainly(path string) bool {
	if path == "/" {
		return true
	}
	if len(path) < 2 || path[0] != '/' {
		return false
	}
	c := path[1]
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// hasDots reports whether a decoded path has segments that lead elsewhere.
func hasDots(plain string) bool {
	segments := strings.FieldsFunc(plain, func(r rune) bool { return r == '/' || r == '\\' })
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}

// isSignIn reports whether a decoded path belongs to signing in or out: coming back
// there would lead in a circle.
func isSignIn(plain string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	return first == "login" || first == "auth"
}
