package web

import (
	"cmp"
	"net"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
)

// Reached is where clients reach this server, as they write it: what the operator
// says, else what the request says.
func (s *Site) Reached(c *fiber.Ctx) *url.URL {
	if s.ExternalURL != nil {
		return &url.URL{Scheme: s.ExternalURL.Scheme, Host: s.ExternalURL.Host}
	}
	return &url.URL{Scheme: s.Guard.SchemeOfURL(c), Host: requestHost(c)}
}

// Address is reached with the port that goes without saying.
func (s *Site) Address(c *fiber.Ctx) (scheme, host string) {
	u := s.Reached(c)
	host = u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(strings.Trim(u.Hostname(), "[]"), defaultPort(u.Scheme))
	}
	return u.Scheme, host
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// ServerURL is where people and clients reach this server, without a slash at
// its end.
func (s *Site) ServerURL(c *fiber.Ctx) string {
	u := s.Reached(c)
	return u.Scheme + "://" + u.Host + s.PublicPrefix
}

// requestHost is the host that a request asks, else the address that it came to.
// What came in another way than by TCP came from this machine, or through it.
func requestHost(c *fiber.Ctx) string {
	if host := guard.Host(c); host != "" {
		return host
	}
	if local, ok := c.Context().LocalAddr().(*net.TCPAddr); ok {
		return local.String()
	}
	return "localhost"
}

// PublicURL returns the request's address as browsers know it.
func (s *Site) PublicURL(c *fiber.Ctx) string {
	return s.PublicPrefix + strings.TrimPrefix(c.OriginalURL(), s.RoutePrefix)
}

// LocalPath is next if it is one of our own pages, else the first page.
func (s *Site) LocalPath(next string) string { return s.PublicPrefix + s.PathBelow(next) }

// PathBelow is LocalPath without the prefix.
func (s *Site) PathBelow(next string) string {
	below, ours := strings.CutPrefix(next, s.PublicPrefix)
	if !ours {
		below = ""
	}
	return auth.LocalPath(below)
}

// SignInPage is the address of the sign-in page with a query, and with where it
// leads to, if that is known and not too long for a header.
func (s *Site) SignInPage(query url.Values, next string) string {
	page := s.PublicPrefix + "/login?"
	if next != "" {
		query.Set("next", next)
	}
	if address := page + query.Encode(); len(address) <= MaxAddress {
		return address
	}
	query.Del("next")
	return page + query.Encode()
}

// HomeAddress is that of the first page, for others; empty: it is not known.
func (s *Site) HomeAddress() string {
	if s.ExternalURL == nil {
		return ""
	}
	return s.ExternalURL.Scheme + "://" + s.ExternalURL.Host + s.PublicPrefix + "/"
}

// PathOf is the path and the query of an address.
func PathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return ""
	}
	return u.RequestURI()
}

// safeAgain reports whether a person may ask for the same once more without harm.
func safeAgain(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.HasPrefix(c.OriginalURL(), "/") && !strings.HasPrefix(c.OriginalURL(), "//")
}

// signInURL returns where people who came in without a sign-in can sign in;
// empty: they need not, or cannot.
func (s *Site) signInURL(c *fiber.Ctx, by auth.Scheme) string {
	switch by {
	case auth.Anonymous, auth.Localhost, auth.Certificate:
		if s.Guard.CanSignIn() {
			return s.signInAddress(c)
		}
	}
	return ""
}

// signInAddress returns where people sign in and come back here.
func (s *Site) signInAddress(c *fiber.Ctx) string {
	address := s.PublicPrefix + "/login"
	if safeAgain(c) {
		address += "?next=" + url.QueryEscape(s.PublicURL(c))
	}
	return address
}

// ClientAddress is where a request comes from, for the log and the record.
func (s *Site) ClientAddress(c *fiber.Ctx) string {
	return cmp.Or(s.Guard.AddressText(c), c.Context().RemoteAddr().String())
}
