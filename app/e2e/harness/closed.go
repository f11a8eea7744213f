package harness

import (
	"testing"
)

// ClosedServer is a server that knows every kind of configured secret, each from a
// file.
type ClosedServer struct {
	*Server
	User, Password, Token, Key string
}

// StartClosed runs one on a new store.
func StartClosed(t *testing.T, args ...string) ClosedServer {
	t.Helper()
	c := ClosedServer{User: "admin", Password: Secret("password"), Token: Secret("token"), Key: Secret("key")}
	c.Server = StartEnv(t, []string{
		"PUSHGATEWAY_AUTH_USER=" + c.User,
		"PUSHGATEWAY_AUTH_PASS_FILE=" + SecretFile(t, c.Password),
		"API_TOKENS_FILE=" + SecretFile(t, "another-token-0123456789, "+c.Token),
		"METRICS_VERIFICATION_KEY_FILE=" + SecretFile(t, c.Key),
		"AUTH_LOCALHOST_BYPASS=false",
	}, args...)
	return c
}

// BasicAuth returns the Authorization header of its user.
func (c ClosedServer) BasicAuth() string { return BasicAuth(c.User, c.Password) }
