package handlertest

import (
	"encoding/base64"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
)

// The credentials that EveryCredential configures, and more.
const (
	RightPassword = "s3cret:with:colons-ünd-ütf8"
	RightToken    = "token-number-one-0123456789"
	SecondToken   = "token-number-two-0123456789"
	RightKey      = "the-scrape-key-0123456789"
)

// EveryCredential configures every method of authentication but the bypass.
func EveryCredential(fake *issuertest.Fake) func(Setup) {
	return func(c Setup) {
		c.EnableAdminAPI = true
		c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: RightPassword})
		c.Guard.Tokens = credential.NewTokens([]string{RightToken, SecondToken})
		c.Guard.ScrapeKey = credential.NewSecret(RightKey)
		c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MinGap: time.Millisecond, Logger: c.Logger, Observe: c.Metrics.KeysFetched})
		c.Guard.Claims = jwt.ClaimRules{
			Issuer: fake.Issuer(), Audiences: []string{issuertest.Audience, "other-audience"},
			RoleMap: map[string]auth.Role{"readers": auth.Reader, "pushers": auth.Pusher, "admins": auth.Admin},
		}
	}
}

// BasicAuth returns the value of an Authorization header.
func BasicAuth(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// RouteClasses has a request for each class of routes.
var RouteClasses = []struct{ Method, Target string }{
	{"GET", "/metrics"},
	{"GET", "/api/v1/targets"},
	{"GET", "/metrics/job/x"},
	{"GET", "/"},
	{"PUT", "/metrics/job/x"},
	{"DELETE", "/metrics/job/x"},
	{"DELETE", "/api/v1/groupings?match[]={job=%22x%22}"},
	{"PUT", "/api/v1/admin/wipe"},
	{"GET", "/nowhere"},
}

// Statuses has the answer to each request of RouteClasses.
type Statuses [9]int

// AllStatuses returns the same status for every class of routes.
func AllStatuses(status int) Statuses {
	var f Statuses
	for i := range f {
		f[i] = status
	}
	return f
}

// What roles are answered.
var (
	AsAdmin  = Statuses{200, 200, 200, 200, 200, 202, 200, 202, 404}
	AsReader = Statuses{200, 200, 200, 200, 403, 403, 403, 403, 404}
)

// Eventually waits until a condition holds, for half a minute at most.
func (s *Server) Eventually(what string, holds func() bool) {
	s.T.Helper()
	deadline := time.After(30 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); !holds(); {
		select {
		case <-tick:
		case <-deadline:
			s.T.Fatalf("waited in vain until %s", what)
		}
	}
}

// Prefixes parses networks.
func Prefixes(t *testing.T, list ...string) auth.Prefixes {
	t.Helper()
	p, err := auth.ParsePrefixes(list)
	Must(t, err)
	return p
}
