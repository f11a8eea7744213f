package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Cookie says how sessions are kept in browsers.
type Cookie struct {
	Lifetime time.Duration
	// Secure: browsers reach the server by https only, whatever it sees of that.
	Secure bool
	Prefix string // of all paths; "" or with a leading and no trailing slash
	// Suffix is the end of all names. Browsers distinguish neither ports nor,
	// with __Host-, paths: without it servers on one host would overwrite each
	// other's cookies. Servers that share a store have to share it too.
	Suffix string
}

// CookieSuffix makes a Suffix of the name of a store.
func CookieSuffix(store string) string {
	sum := sha256.Sum256([]byte(store))
	return hex.EncodeToString(sum[:4])
}

// The cookies that there are, by what they are called on their own.
const (
	cookieSession = "session"
	cookieLogin   = "login"  // holds a sign-in that has begun
	cookieNobody  = "nobody" // holds the name of a user without a role
)

// Name is that of the cookie of sessions. The prefix __Host- makes browsers take
// it from this host alone, not from its neighbours in the same domain.
func (k Cookie) Name() string { return k.name(cookieSession) }

func (k Cookie) name(what string) string {
	switch {
	case k.Suffix == "":
		return k.oldName(what)
	case k.Secure:
		return k.oldName(what) + "-" + k.Suffix
	}
	return k.oldName(what) + "_" + k.Suffix
}

// oldName is the name of a cookie from before there were suffixes.
func (k Cookie) oldName(what string) string {
	switch {
	case k.Secure && what == cookieSession:
		return "__Host-gatehouse"
	case k.Secure:
		return "__Host-gatehouse-" + what
	}
	return "gatehouse_" + what
}

// path returns the Path of the cookie. With __Host- it must be /.
func (k Cookie) path() string {
	if k.Secure || k.Prefix == "" {
		return "/"
	}
	return k.Prefix
}

// given are the values of all cookies of a name that a request brings, then of
// those of its old name. Anybody on the same host may have set them.
func (k Cookie) given(c *fiber.Ctx, what string) []string {
	values := valuesOf(c, k.name(what))
	if k.Suffix != "" {
		values = append(values, valuesOf(c, k.oldName(what))...)
	}
	return values
}

func valuesOf(c *fiber.Ctx, name string) []string {
	var values []string
	for n, value := range c.Request().Header.Cookies() {
		if string(n) == name {
			values = append(values, string(value))
		}
	}
	return values
}

func (k Cookie) set(c *fiber.Ctx, what, value string, age time.Duration) {
	k.write(c, k.name(what), value, age)
}

func (k Cookie) clear(c *fiber.Ctx, what string) { k.write(c, k.name(what), "", 0) }

// write has the browser keep a value under a name for that long. 0: it forgets
// what it has.
func (k Cookie) write(c *fiber.Ctx, name, value string, age time.Duration) {
	cookie := fiber.Cookie{
		Name: name, Value: value, Path: k.path(), MaxAge: int(age.Seconds()),
		Secure: k.Secure || c.Context().IsTLS(), HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
	}
	if age <= 0 {
		cookie.Expires = fasthttp.CookieExpireDelete
	}
	c.Cookie(&cookie)
}
