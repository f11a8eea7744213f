package app

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"runtime"

	"gatehouse/app/config"
	"gatehouse/app/webconfig"
	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/guard"
	"gatehouse/auth/issuer"
	"gatehouse/auth/login"
	"gatehouse/handlers"
)

// guards are those in front of the routes.
type guards struct {
	all     *guard.Guard
	scrapes *guard.Guard // of the listener for scrapes only
}

// guards makes the guards and logs how clients get in.
func (a *App) guards() (guards, error) {
	if a.options.Auth.CertificateRole != auth.NoRole && a.web.ClientCertificates() < webconfig.Optional {
		return guards{}, errors.New("--auth.client-certificate-role needs a --web.config.file with client_ca_file and a client_auth_type that verifies: VerifyClientCertIfGiven or RequireAndVerifyClientCert")
	}
	if a.options.Auth.Open && len(a.web.Users()) > 0 {
		return guards{}, errors.New("--auth.open can't be beside users in --web.config.file, who have to sign in; unset one of them")
	}
	c := a.guardConfig()
	c.Cookie.Suffix = guard.CookieSuffix(a.store.Status().Journal.Store)
	all, err := guard.New(c)
	if err != nil {
		return guards{}, err
	}
	a.logMethods("Authentication", all)
	a.logStandings(all)
	a.warn(all)
	if len(a.options.ScrapeListenAddresses) == 0 {
		return guards{all: all}, nil
	}
	scrapes, err := guard.New(scrapeConfig(c))
	if err != nil {
		return guards{}, err
	}
	if c.ScrapeKey.IsSet() {
		a.logMethods("Authentication of scrapes on their own listener", scrapes)
	} else {
		a.log.Info("The listener for scrapes asks for no credential")
	}
	return guards{all: all, scrapes: scrapes}, nil
}

func (a *App) guardConfig() guard.Config {
	o := a.options.Auth
	a.passwords = credential.NewPasswords(credential.PasswordOptions{User: o.BasicUser, Password: o.BasicPassword, Users: a.web.Users()})
	c := guard.Config{
		Passwords:    a.passwords,
		Tokens:       credential.NewTokens(o.Tokens),
		ScrapeKey:    credential.NewSecret(o.ScrapeKey),
		Claims:       o.Claims,
		Settings:     o.Settings,
		MadeTokens:   a.store,
		Sessions:     a.store,
		Cookie:       guard.Cookie{Lifetime: o.SessionLifetime, Prefix: a.options.PublicPrefix},
		Trusted:      a.options.TrustedProxies,
		TrustSockets: a.options.TrustSockets,
		Decided:      a.metrics.Decided,
		Denied:       handlers.NewDenials(a.store).Deny,
		Logger:       a.log,
	}
	if u := a.options.ExternalURL; u != nil {
		c.Origins = []string{u.Scheme + "://" + u.Host}
		c.Cookie.Secure = u.Scheme == "https"
	}
	if o.Issuer != "" {
		c.Issuer = a.newIssuer(o.Issuer, o.JWKSURI)
	}
	if o.ClientID != "" {
		c.Provider, c.Login = a.provider(c.Issuer), o.Login
		c.Provider.Prepare()
	}
	c.Bypass = bypass(a.options, a.web.TLS())
	// From here on there are only digests of them, or they are the provider's.
	a.options.Auth.BasicPassword, a.options.Auth.Tokens, a.options.Auth.ScrapeKey, a.options.Auth.ClientSecret = "", nil, "", ""
	return c
}

// newIssuer makes an issuer that Stop closes.
func (a *App) newIssuer(name, keys string) *issuer.Issuer {
	i := issuer.New(issuer.Options{
		Issuer: name, JWKSURI: keys, RootCAs: a.options.Auth.IssuerCAs,
		Observe: a.metrics.KeysFetched, Logger: a.log,
	})
	a.issuers = append(a.issuers, i)
	return i
}

// provider makes the OpenID provider. If it is the issuer of bearer tokens too,
// both share the keys.
func (a *App) provider(bearer *issuer.Issuer) *login.Provider {
	o := a.options.Auth
	keys := bearer
	if o.LoginIssuer != o.Issuer {
		keys = a.newIssuer(o.LoginIssuer, "")
	}
	return login.New(login.Options{
		Issuer: o.LoginIssuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes,
		RedirectURL: a.options.ExternalURL.Scheme + "://" + a.options.ExternalURL.Host + a.options.PublicPrefix + "/auth/callback",
		Rules:       o.Login, Keys: keys, RootCAs: o.IssuerCAs, Logger: a.log,
		Secret: func(ctx context.Context) ([]byte, error) { return a.store.SigningKey(ctx) }, // looks for the store no earlier
	})
}

// scrapeConfig is for the listener that only serves scrapes, on an interface
// that the operator trusts: it asks for a credential only if there is a scrape
// key, and being local or signed in is of no help there.
func scrapeConfig(c guard.Config) guard.Config {
	if !c.ScrapeKey.IsSet() {
		c.Passwords, c.Tokens, c.MadeTokens, c.Issuer, c.CertificateRole = nil, nil, nil, nil, auth.NoRole
	}
	c.Bypass, c.Sessions, c.Provider = guard.BypassOff, nil, nil
	return c
}

// bypass decides whether local programs need a credential. Unless the operator
// decides, it is off wherever a proxy is likely, or where the owner of a
// connection is unknown.
func bypass(o config.Options, tls bool) guard.Bypass {
	switch {
	case o.Auth.LocalhostBypass == "true":
		return guard.BypassOn
	case o.Auth.LocalhostBypass == "false", tls, len(o.TrustedProxies) > 0, o.TrustSockets, !loopback(o.ExternalURL), o.Auth.ClientID != "", runtime.GOOS != "linux":
		return guard.BypassOff
	}
	return guard.BypassSameUser
}

// loopback reports whether clients reach the server under the name of this machine.
func loopback(external *url.URL) bool {
	if external == nil || external.Hostname() == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(external.Hostname())
	return err == nil && a.IsLoopback()
}

// logMethods logs the ways to authenticate, without any secret.
func (a *App) logMethods(message string, g *guard.Guard) {
	for _, m := range g.Methods() {
		a.log.Info(message, "scheme", m.Scheme, "grants", m.Grants, "detail", m.Detail)
	}
}

// logStandings logs the admins by each issuer.
func (a *App) logStandings(g *guard.Guard) {
	for _, s := range g.Standings() {
		if s.Strangers {
			a.log.Warn(s.Sentence + ": require claims with --jwt.required-claims, or give roles with --auth.role-map")
			continue
		}
		a.log.Info(s.Sentence)
	}
}

// warn says what leaves the server more open than one might believe.
func (a *App) warn(g *guard.Guard) {
	strangers := guard.Everyone
	if a.web.ClientCertificates() == webconfig.Required {
		strangers = "everyone who has a client certificate"
	}
	for _, text := range []string{g.Exposure(strangers), g.Lockout()} {
		if text != "" {
			a.log.Warn(text)
		}
	}
	if a.web.ClientCertificates() == webconfig.Unverified {
		a.log.Warn("Client certificates are asked for but not verified (client_auth_type): they keep nobody out")
	}
}
