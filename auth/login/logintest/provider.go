// Package logintest is a fake OpenID Connect provider for tests: it signs in
// the configured person without asking, and lies in every configured way.
package logintest

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"gatehouse/auth/issuer/issuertest"
)

// How the provider knows the client. The secret has to be escaped in every way
// in which it is sent.
const (
	ClientID     = "gatehouse-pages"
	ClientSecret = "a secret: 100% + ä"
)

// Mode is a way in which an endpoint answers.
type Mode string

// How endpoints answer.
const (
	OK          Mode = ""
	ServerError Mode = "500, and a page that repeats the request"
	Refuse      Mode = "400, and an error of OAuth with a description that repeats the request"
	Hang        Mode = "no answer until the test is over"
	Huge        Mode = "8 MiB of space, and the right answer"
	HTML        Mode = "a page, with status 200"
	Redirect    Mode = "a redirect to an address that answers well"
)

// Provider is an issuer at which people can sign in. Its exported fields may be
// changed between requests. It ends with the test.
type Provider struct {
	*issuertest.Fake
	t    testing.TB
	over chan struct{}

	// Person holds the claims of the person who signs in; sub is required. At
	// first it is issuertest.Subject alone.
	Person map[string]any
	// Withheld names the claims that only the userinfo endpoint returns.
	Withheld []string
	// Public clients have no secret.
	Public bool

	// IDToken are claims that an ID token has instead of the right ones, or
	// issuertest.Drop.
	IDToken map[string]any
	// Signing are changes to how ID tokens are signed.
	Signing []issuertest.Option
	// NoIDToken leaves the ID token out of the answer.
	NoIDToken bool
	// UserinfoClaims are claims that userinfo returns instead of the person's.
	UserinfoClaims map[string]any
	// Decline is the code of an error with which the provider sends people back.
	Decline string
	// Callback changes the parameters with which it sends people back.
	Callback func(url.Values)
	// Token and Userinfo set how these endpoints answer.
	Token, Userinfo Mode

	mu       sync.Mutex
	methods  []string // of the client; nil: client_secret_basic
	codes    map[string]grant
	access   map[string]map[string]any // by access token, the person
	sentBack []url.Values
	leavers  []url.Values
}

// grant is what a code is exchanged for.
type grant struct {
	person                        map[string]any
	nonce, challenge, redirectURI string
}

// New starts a provider that speaks plain http.
func New(t testing.TB) *Provider {
	t.Helper()
	return prepare(t, issuertest.New(t))
}

// NewTLS starts a provider that speaks https: see issuertest.NewTLS.
func NewTLS(t testing.TB) *Provider {
	t.Helper()
	return prepare(t, issuertest.NewTLS(t))
}

func prepare(t testing.TB, f *issuertest.Fake) *Provider {
	t.Helper()
	p := &Provider{
		Fake: f, t: t, over: make(chan struct{}),
		Person: map[string]any{"sub": issuertest.Subject},
		codes:  map[string]grant{}, access: map[string]map[string]any{},
	}
	t.Cleanup(func() { close(p.over) })
	for endpoint, h := range map[string]http.HandlerFunc{
		"authorize": p.authorize, "token": p.token, "userinfo": p.userinfo, "logout": p.endSession,
	} {
		f.Handle("/"+endpoint, h)
		f.Handle("/"+endpoint+"/moved", h)
	}
	p.Relocate("")
	return p
}

// Relocate changes the issuer as SetPath does, and names the endpoints anew.
func (p *Provider) Relocate(path string) {
	p.SetPath(path)
	base := p.endpoint("")
	p.Describe("authorization_endpoint", base+"authorize")
	p.Describe("token_endpoint", base+"token")
	p.Describe("userinfo_endpoint", base+"userinfo")
	p.Describe("end_session_endpoint", base+"logout")
	p.Describe("scopes_supported", []string{"openid", "profile", "email", "groups"})
	p.Describe("id_token_signing_alg_values_supported", []string{"RS256", "ES256", "EdDSA"})
	p.Describe("authorization_response_iss_parameter_supported", true)
}

// SetAuthMethods sets how clients may authenticate: client_secret_basic, which
// is the only way at first, or client_secret_post.
func (p *Provider) SetAuthMethods(methods ...string) {
	p.Describe("token_endpoint_auth_methods_supported", methods)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.methods = methods
}

// SentBack are the parameters with which people were sent back so far: their
// codes and states are secrets.
func (p *Provider) SentBack() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sentBack)
}

// Leavers are the parameters with which people came to sign out so far.
func (p *Provider) Leavers() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.leavers)
}

// LogoutToken returns a logout token for the person with that sub that is good
// for two minutes, but for what the claims, which are added, and the options say.
func (p *Provider) LogoutToken(claims map[string]any, options ...issuertest.Option) string {
	p.t.Helper()
	all := map[string]any{
		"aud": ClientID, "sub": p.Person["sub"], "jti": rand.Text(), "exp": time.Now().Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(all, claims)
	return p.Fake.Token(all, append([]issuertest.Option{issuertest.WithHeader("typ", "logout+jwt")}, options...)...)
}
