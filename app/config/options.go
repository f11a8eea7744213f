package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/targets"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/pebble"
)

// BesideName is the directory of a store that is beside a persistence file.
const BesideName = "gatehouse-data"

// Options is a complete, valid configuration of the program. Parse makes one.
// Fields with tags are settings, those of the parts' own options too: the type
// setting says what the tags mean.
type Options struct {
	ListenAddresses []Address `flag:"web.listen-address" default:":9091" is:"listen addresses" help:"Address to listen on: host:port, :port, unix:///path or vsock://:port. Repeatable, or several with commas."`
	Sockets         SocketAccess
	SystemdSocket   bool   `flag:"web.systemd-socket" help:"Listen on the sockets that systemd passes instead of --web.listen-address."`
	WebConfigFile   string `flag:"web.config.file" about:"access,place" help:"File with TLS settings and users, in the format of the Prometheus exporter toolkit."`
	web.Base
	gateway.Admin
	web.Debug
	web.Timeouts
	ShutdownTimeout       time.Duration `flag:"web.shutdown-timeout" default:"10s" is:"timeout" help:"Longest time to finish requests in flight on shutdown."`
	TrustedProxies        auth.Prefixes `flag:"web.trusted-proxies" is:"proxies" about:"access" help:"Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted; unix: those that connect by a Unix socket."`
	ScrapeListenAddresses []Address     `flag:"web.scrape-listen-address" is:"listen addresses" about:"access" help:"One more address to listen on, for scrapes, targets and health only. Repeatable, or several with commas."`
	targets.ScrapeListener

	Auth AuthOptions `about:"access"`

	Disk  pebble.Options `json:"-"` // its other fields are the caller's to set
	Store store.Options  `json:"-"` // so are those of this one, and SessionIdle, which is in Auth

	PersistenceFile     string        `flag:"persistence.file" about:"place" help:"A Pushgateway's persistence file, imported once, at a start with a store that never had a change. It is never written."`
	PersistenceInterval time.Duration `flag:"persistence.interval" default:"5m" help:"Accepted and ignored: every push is durable before it is answered."`

	gateway.Settings

	groupings.Ages
	AllowUnknown []string `flag:"env.allow-unknown" is:"variables" about:"may be empty" help:"Environment variables to ignore that look like settings of the server but aren't. Repeatable, or several with commas."`
	LogLevel     string   `flag:"log.level" default:"info" validate:"oneof=debug info warn error" help:"Least severe level to log: debug, info, warn or error."`
	LogFormat    string   `flag:"log.format" default:"logfmt" validate:"oneof=logfmt json" help:"Format of the log: logfmt or json."`

	// TrustSockets believes proxies that come by a Unix socket.
	TrustSockets bool
	// Flags holds all flags as the status shows them.
	Flags []gateway.Flag
	// Notes are remarks on the configuration for the log.
	Notes []string
}

// AuthOptions is who may come in. Its secrets are in plain here and nowhere
// else. However it is printed, alone or within Options, nothing of it shows.
type AuthOptions struct {
	// BasicUser is not empty if and only if BasicPassword is not.
	BasicUser       string        `flag:"auth.basic-user" env:"PUSHGATEWAY_AUTH_USER" is:"user" help:"User with all rights; the password is in PUSHGATEWAY_AUTH_PASS."`
	LocalhostBypass string        `flag:"auth.localhost-bypass" env:"AUTH_LOCALHOST_BYPASS" default:"auto" validate:"oneof=auto true false" help:"Let local clients in without a credential: true, false, or auto for those of the server's own user."`
	SessionLifetime time.Duration `flag:"auth.session-lifetime" default:"12h" is:"lifetime" help:"Time after which people must sign in again."`
	SessionIdle     time.Duration `flag:"auth.session-idle-timeout" default:"1h" is:"idle" help:"Idle time after which people must sign in again. 0: sessions don't end when idle."`
	guard.Settings
	jwt.TokenSettings
	login.ClientSettings
	IssuerCAFile string `flag:"oidc.ca-file" env:"OIDC_CA_FILE" about:"place" help:"PEM file with the authorities to trust for the issuers. Default: the system's."`

	BasicPassword string
	Tokens        []string // each of visible ASCII
	ScrapeKey     string   // of visible ASCII; empty: none
	ClientSecret  string   // empty: a public client

	IssuerCAs *x509.CertPool // of Issuer and LoginIssuer; nil: the system's
	Claims    jwt.ClaimRules // of bearer tokens; zero without an Issuer
	Login     jwt.ClaimRules // of those who sign in at LoginIssuer; zero without
}

// hidden replaces AuthOptions wherever they are printed.
const hidden = "(hidden)"

// String hides all.
func (AuthOptions) String() string { return hidden }

// Format hides all from every verb, %#v too.
func (AuthOptions) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// LogValue hides all.
func (AuthOptions) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides all, from JSON too.
func (AuthOptions) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// finish fills in, once all settings are checked, what follows from several of them.
func (p *parser) finish() {
	p.finishPaths()
	p.TrustSockets = slices.Contains(p.of(&p.TrustedProxies).texts, bySocket)
	p.UTF8Names = !p.legacyNames()
	p.Targets.FollowPushes = p.of(&p.Targets.ScrapeInterval).text() == followPushes
	p.finishAuth()
	p.Flags = p.shown()
	p.Notes = slices.Concat(p.notes(), p.Notes, p.authNotes())
}

func (p *parser) finishPaths() {
	p.PublicPrefix = p.RoutePrefix
	if p.ExternalURL != nil {
		if p.of(&p.RoutePrefix).text() == "" {
			p.RoutePrefix = must(parseRoutePrefix(p.ExternalURL.Path))
		}
		p.PublicPrefix = strings.TrimRight(p.ExternalURL.EscapedPath(), "/")
	}
	p.Disk.Path = cmp.Or(p.Disk.Path, p.usualStoragePath())
}

// usualStoragePath returns the default of --storage.path: beside the persistence file,
// whose directory is the volume of an installation that is being replaced.
func (p *parser) usualStoragePath() string {
	if p.PersistenceFile != "" {
		return filepath.Join(filepath.Dir(p.PersistenceFile), BesideName)
	}
	return "data"
}

func (p *parser) finishAuth() {
	a := &p.Auth
	a.LoginIssuer = p.loginIssuer()
	if p.of(&a.DefaultRole).text() == "" && len(a.RoleMap) == 0 {
		a.DefaultRole = auth.Admin // as there is nothing else to grant it
	}
	if a.Issuer != "" {
		a.Claims = a.Rules(a.Issuer, a.Audiences...)
	}
	if a.ClientID != "" {
		a.Login = a.Rules(a.LoginIssuer, a.ClientID)
	}
}

// loginIssuer returns the issuer at which people sign in; empty: they cannot.
func (p *parser) loginIssuer() string {
	if p.Auth.ClientID == "" {
		return ""
	}
	return cmp.Or(p.Auth.LoginIssuer, p.Auth.Issuer)
}

// legacyNames reports whether names are of ASCII letters, digits and underscores
// only: the one flag says so, or the other one says no.
func (p *parser) legacyNames() bool { return p.LegacyNames || !p.UTF8Names }

// shown lists the flags as the status shows them.
func (p *parser) shown() []gateway.Flag {
	shown := make([]gateway.Flag, len(p.settings))
	for i, s := range p.settings {
		shown[i] = s.shown()
		switch s {
		case p.of(&p.UTF8Names):
			shown[i].Value, shown[i].From = strconv.FormatBool(p.UTF8Names), p.fromOneOf(s, p.of(&p.LegacyNames))
		case p.of(&p.LegacyNames):
			shown[i].Value, shown[i].From = strconv.FormatBool(!p.UTF8Names), p.fromOneOf(s, p.of(&p.UTF8Names))
		case p.of(&p.Disk.Path):
			shown[i].Value, shown[i].Default = p.Disk.Path, p.usualStoragePath()
		}
	}
	return shown
}

// fromOneOf returns where a flag has its value from, or the other flag that says the
// same if only that is set.
func (p *parser) fromOneOf(s, other *setting) string { return cmp.Or(s.from(), other.from()) }

func (p *parser) notes() []string {
	var notes []string
	if s := p.of(&p.PersistenceInterval); s.isSet() {
		notes = append(notes, s.flag()+" is ignored: every push is durable before it is answered")
	}
	if s := p.of(&p.ListenAddresses); p.SystemdSocket && s.isSet() {
		notes = append(notes, s.flag()+" is ignored: "+p.of(&p.SystemdSocket).flag()+" is set")
	}
	return notes
}

// authNotes are about what is weaker than it may look.
func (p *parser) authNotes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	const onTheWay = "is not https: anyone who can change the traffic can get in"
	a := p.Auth
	if inPlain(a.Issuer) {
		add("%s %s "+onTheWay, p.of(&p.Auth.Issuer).flag(), a.Issuer)
	}
	if inPlain(a.JWKSURI) && !inPlain(a.Issuer) {
		add("%s %s "+onTheWay, p.of(&p.Auth.JWKSURI).flag(), withoutQuery(a.JWKSURI))
	}
	if inPlain(a.LoginIssuer) && a.LoginIssuer != a.Issuer {
		add("%s %s "+onTheWay, p.of(&p.Auth.LoginIssuer).flag(), a.LoginIssuer)
	}
	if external := p.of(&p.ExternalURL); a.ClientID != "" && inPlain(external.text()) {
		add("%s %s is not https: anyone who can read the traffic can take over the sessions of people who sign in", external.flag(), external.text())
	}
	if slices.Contains(a.Tokens, a.ScrapeKey) {
		add("%s is one of %s too: anyone who scrapes may do everything", keyVariable, tokensVariable)
	}
	return notes
}

// must is for values that have been checked.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
