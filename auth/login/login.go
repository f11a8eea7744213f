// Package login signs people in with an OpenID Connect provider: the
// authorization code flow with PKCE, state and nonce. It knows nothing of
// cookies, pages or stores.
//
// A sign-in that has begun is kept by the browser alone, in a sealed value. So
// any replica can finish it, and those that are never finished cost nothing.
package login

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

// defaultTimeout bounds one request to the provider.
const defaultTimeout = 10 * time.Second

// ClientSettings configure the client of the provider. Its tags declare
// settings, as app/config reads them.
type ClientSettings struct {
	// ClientID is empty if nobody can sign in at an issuer, and then LoginIssuer is too.
	ClientID    string `flag:"oidc.client-id" env:"OIDC_CLIENT_ID" is:"client id" help:"OpenID Connect client ID; enables sign-in. Needs --web.external-url; the client's secret is in OIDC_CLIENT_SECRET."`
	LoginIssuer string `flag:"oidc.issuer" env:"OIDC_ISSUER" is:"issuer" help:"Issuer at which people sign in. Default: --jwt.issuer."`
	// Scopes are asked for beside openid; nil: profile, email, and groups if the provider
	// has it.
	Scopes []string `flag:"oidc.scopes" env:"OIDC_SCOPES" is:"scopes" help:"Scopes to ask for beside openid. Default: profile, email, and groups if the provider has it."`
}

// Options configure a Provider: how to reach it, and what its answers grant.
type Options struct {
	Issuer       string   // as the iss claim has it
	ClientID     string   // as the provider knows us
	ClientSecret string   // "": a public client
	Scopes       []string // beside openid; nil: profile, email, and groups if the provider has it
	RedirectURL  string   // where the provider sends the browser back to
	// Rules say what claims grant. Its Issuer and Audiences are ignored: an ID
	// token has to be from Issuer and for ClientID.
	Rules   jwt.ClaimRules
	Keys    *issuer.Issuer // of Issuer; may be shared with others
	RootCAs *x509.CertPool // the TLS authorities to trust; nil: the system's
	Timeout time.Duration  // of one request to the provider; 0: 10 s
	// Secret seals sign-ins that have begun: 32 bytes or more, the same on all
	// replicas and after a restart.
	Secret func(context.Context) ([]byte, error)
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
}

// Provider signs people in. It is safe for concurrent use.
type Provider struct {
	o       Options
	rules   jwt.ClaimRules
	client  *http.Client
	states  *once // of sign-ins that were finished, well or not
	logouts *once // ids of logout tokens
}

// New returns a provider without asking it for anything: it neither waits nor
// fails, whatever the options are. Mistakes in them show when people sign in.
func New(o Options) *Provider {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	rules := o.Rules
	rules.Issuer, rules.Audiences = o.Issuer, []string{o.ClientID}
	return &Provider{o: o, rules: rules, client: issuer.NewClient(o.RootCAs), states: newOnce(), logouts: newOnce()}
}

var errNoAlgorithm = errors.New("the provider signs ID tokens with no algorithm that is accepted here")

// metadata returns the provider's discovery document.
func (p *Provider) metadata(ctx context.Context) (issuer.Metadata, error) {
	m, err := p.o.Keys.Metadata(ctx)
	if err != nil {
		return m, &Error{ErrUnavailable, err}
	}
	if len(algorithms(m)) == 0 {
		return m, &Error{ErrUnavailable, errNoAlgorithm}
	}
	return m, nil
}

// algorithms returns those that may sign ID tokens: ours, as far as the
// provider lists them, if it lists any.
func algorithms(m issuer.Metadata) []string {
	ours := issuer.Algorithms()
	if len(m.SigningAlgorithms) == 0 {
		return ours
	}
	return slices.DeleteFunc(ours, func(alg string) bool { return !slices.Contains(m.SigningAlgorithms, alg) })
}

// config describes the provider to the OAuth library.
func (p *Provider) config(m issuer.Metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     p.o.ClientID,
		ClientSecret: p.o.ClientSecret,
		RedirectURL:  p.o.RedirectURL,
		Scopes:       p.scopes(m),
		Endpoint:     oauth2.Endpoint{AuthURL: m.AuthorizationEndpoint, TokenURL: m.TokenEndpoint, AuthStyle: p.authStyle(m)},
	}
}

// authStyle is how we authenticate to the provider. Trying both ways, as the
// library would, uses the code up with the first.
func (p *Provider) authStyle(m issuer.Metadata) oauth2.AuthStyle {
	basic := slices.Contains(m.TokenAuthMethods, "client_secret_basic")
	post := slices.Contains(m.TokenAuthMethods, "client_secret_post")
	if p.o.ClientSecret == "" || post && !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

func (p *Provider) scopes(m issuer.Metadata) []string {
	scopes := []string{"openid"}
	more := p.o.Scopes
	if more == nil {
		more = []string{"profile", "email"}
		if slices.Contains(m.Scopes, "groups") {
			more = append(more, "groups")
		}
	}
	for _, s := range more {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// Prepare begins to ask the provider what it says of itself, so that the first
// visitor need not wait for that. It does not wait itself.
func (p *Provider) Prepare() {
	ended, end := context.WithCancel(context.Background())
	end()
	_, _ = p.o.Keys.Metadata(ended) // callers that need it see the error
}
