package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"gatehouse/auth"
	"gatehouse/handlers"
)

// BesideName is the directory of a store that is beside a persistence file.
const BesideName = "gatehouse-data"

// Options is a complete, valid configuration of the program. Parse makes one.
type Options struct {
	ListenAddresses []string // host:port, unix:///path or vsock://port, each valid
	Sockets         SocketAccess
	SystemdSocket   bool
	WebConfigFile   string // of the exporter toolkit; "": none
	TelemetryPath   string
	ExternalURL     *url.URL // nil: from each request
	RoutePrefix     string   // "" or with a slash before it and none behind
	PublicPrefix    string   // the same as clients know it, before a proxy takes off a part
	EnableLifecycle bool
	EnableAdminAPI  bool
	EnablePprof     bool
	ReadTimeout     time.Duration
	WriteTimeout    time.Duration
	IdleTimeout     time.Duration
	ShutdownTimeout time.Duration // for what is in flight at the end

	ScrapeListenAddresses []string // as ListenAddresses, for scrapes only; may be empty
	ScrapeInternalOnly    bool     // no scrapes on ListenAddresses

	Auth AuthOptions

	PersistenceFile string // to be imported; "": none
	StoragePath     string
	StorageTimeout  time.Duration
	MinFree         int64 // bytes of the disk that are left alone; 0: none

	CheckConsistency bool
	UTF8Names        bool
	MaxBodyBytes     int64
	DefaultTTL       time.Duration // 0: none

	MaxGroupings, MaxSeries, MaxSeriesPerPush, MaxLabelSets int // 0: no limit
	BodyBudget                                              int64

	Targets handlers.Targets // what they say of how they are to be scraped

	ExactJobMatch bool
	ExcludeOwn    bool
	Retention     time.Duration // of what is on record; 0: for ever
	UndoWindow    time.Duration
	UndoMaxBytes  int64
	StaleAfter    time.Duration
	OldAfter      time.Duration

	LogLevel, LogFormat string

	// Flags holds all flags as the status shows them.
	Flags []handlers.Flag
	// Notes are remarks on the configuration for the log.
	Notes []string
}

// AuthOptions is who may come in. Its secrets are in plain here and nowhere
// else. However it is printed, alone or within Options, nothing of it shows.
type AuthOptions struct {
	BasicUser, BasicPassword string   // both or neither
	Tokens                   []string // each of visible ASCII
	ScrapeKey                string   // of visible ASCII; "": none

	Issuer, JWKSURI string          // "": none, or by discovery
	IssuerCAs       *x509.CertPool  // of Issuer and LoginIssuer; nil: the system's
	Claims          auth.ClaimRules // zero without an issuer

	ClientID, ClientSecret string          // at LoginIssuer; "": nobody can sign in there, or a public client
	LoginIssuer            string          // "" without a ClientID
	Scopes                 []string        // nil: the usual ones
	Login                  auth.ClaimRules // of those who sign in at LoginIssuer; zero without

	CertificateRole auth.Role
	Open            bool   // whatever the store and the list of users say
	LocalhostBypass string // auto, true, false
	SessionLifetime time.Duration
	SessionIdle     time.Duration // 0: sessions last although nobody uses them

	Allowed, ScrapeAllowed auth.Prefixes // empty: everybody
	TrustedProxies         auth.Prefixes
	TrustSockets           bool // proxies that come by a Unix socket
}

// hidden is what printing AuthOptions shows.
const hidden = "(hidden)"

// String hides all.
func (AuthOptions) String() string { return hidden }

// Format hides all from every verb, %#v too.
func (AuthOptions) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// LogValue hides all.
func (AuthOptions) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides all, from JSON too.
func (AuthOptions) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// options checks the flags and turns them into Options.
func (f *flags) options(m *kingpin.ApplicationModel) (Options, error) {
	if err := f.validate(); err != nil {
		return Options{}, err
	}
	external := must(parseExternalURL(f.ExternalURL))
	prefix := f.RoutePrefix
	if prefix == "" && external != nil {
		prefix = external.Path
	}
	public := must(parseRoutePrefix(f.RoutePrefix))
	if external != nil {
		public = strings.TrimRight(external.EscapedPath(), "/")
	}
	return Options{
		ListenAddresses: f.ListenAddresses,
		Sockets:         f.sockets(),
		SystemdSocket:   on(f.SystemdSocket),
		WebConfigFile:   f.WebConfigFile,
		TelemetryPath:   f.TelemetryPath,
		ExternalURL:     external,
		RoutePrefix:     must(parseRoutePrefix(prefix)),
		PublicPrefix:    public,
		EnableLifecycle: on(f.EnableLifecycle),
		EnableAdminAPI:  on(f.EnableAdminAPI),
		EnablePprof:     on(f.EnablePprof),
		ReadTimeout:     must(parseDuration(f.ReadTimeout)),
		WriteTimeout:    must(parseDuration(f.WriteTimeout)),
		IdleTimeout:     must(parseDuration(f.IdleTimeout)),
		ShutdownTimeout: must(parseDuration(f.ShutdownTimeout)),

		ScrapeListenAddresses: f.ScrapeListenAddresses,
		ScrapeInternalOnly:    on(f.ScrapeInternalOnly),

		Auth: f.auth(),

		PersistenceFile:  f.PersistenceFile,
		StoragePath:      f.storagePath(),
		StorageTimeout:   must(parseDuration(f.StorageTimeout)),
		MinFree:          must(parseBytesOrNone(f.MinFree)),
		CheckConsistency: !on(f.DisableConsistencyCheck),
		UTF8Names:        !f.legacyNames(),
		MaxBodyBytes:     must(parseBytes(f.MaxBodyBytes)),
		DefaultTTL:       must(parseDuration(f.DefaultTTL)),
		MaxGroupings:     must(parseCount(f.MaxGroupings)),
		MaxSeries:        must(parseCount(f.MaxSeries)),
		MaxSeriesPerPush: must(parseCount(f.MaxSeriesPerPush)),
		MaxLabelSets:     must(parseCount(f.MaxLabelSets)),
		BodyBudget:       must(parseBytes(f.BodyBudget)),
		Targets:          f.targets(),
		ExactJobMatch:    on(f.ExactJobMatch),
		ExcludeOwn:       on(f.ExcludeOwn),
		Retention:        must(parseDuration(f.Retention)),
		UndoWindow:       must(parseDuration(f.UndoWindow)),
		UndoMaxBytes:     must(parseBytes(f.UndoMaxBytes)),
		StaleAfter:       must(parseDuration(f.StaleAfter)),
		OldAfter:         must(parseDuration(f.OldAfter)),
		LogLevel:         f.LogLevel,
		LogFormat:        f.LogFormat,
		Flags:            f.shown(m),
		Notes:            f.notes(),
	}, nil
}

// sockets is who may connect to Unix sockets.
func (f *flags) sockets() SocketAccess {
	a := must(parseSocketOwner(f.SocketOwner))
	a.Mode = must(parseSocketMode(f.SocketMode))
	return a
}

func (f *flags) targets() handlers.Targets {
	return handlers.Targets{
		ScrapeInterval:   must(parseScrapeInterval(f.ScrapeInterval)),
		FollowPushes:     f.ScrapeInterval == followPushes,
		NativeHistograms: on(f.NativeHistograms),
		UnixSocket:       f.UnixSocket,
	}
}

func (f *flags) auth() AuthOptions {
	return AuthOptions{
		BasicUser:       f.secrets.user,
		BasicPassword:   f.secrets.password,
		Tokens:          f.secrets.tokens,
		ScrapeKey:       f.secrets.scrapeKey,
		Issuer:          f.Issuer,
		JWKSURI:         f.JWKSURI,
		IssuerCAs:       f.authorities,
		Claims:          f.claims(),
		ClientID:        f.ClientID,
		ClientSecret:    f.secrets.clientSecret,
		LoginIssuer:     f.loginIssuer(),
		Scopes:          f.scopes(),
		Login:           f.login(),
		CertificateRole: must(auth.ParseRole(f.CertificateRole)),
		Open:            on(f.Open),
		LocalhostBypass: f.LocalhostBypass,
		SessionLifetime: must(parseDuration(f.SessionLifetime)),
		SessionIdle:     must(parseDuration(f.SessionIdle)),
		Allowed:         must(auth.ParsePrefixes(f.Allowed)),
		ScrapeAllowed:   must(auth.ParsePrefixes(f.ScrapeAllowed)),
		TrustedProxies:  must(auth.ParsePrefixes(f.trustedNetworks())),
		TrustSockets:    slices.Contains(f.TrustedProxies, bySocket),
	}
}

// trustedNetworks are those of the trusted proxies that come by TCP.
func (f *flags) trustedNetworks() []string {
	return slices.DeleteFunc(slices.Clone(f.TrustedProxies), func(s string) bool { return s == bySocket })
}

// claims are the rules of bearer tokens.
func (f *flags) claims() auth.ClaimRules {
	if f.Issuer == "" {
		return auth.ClaimRules{}
	}
	return f.rules(f.Issuer, f.Audiences...)
}

// login are the rules of those who sign in.
func (f *flags) login() auth.ClaimRules {
	if f.ClientID == "" {
		return auth.ClaimRules{}
	}
	return f.rules(f.loginIssuer(), f.ClientID)
}

func (f *flags) rules(issuer string, audiences ...string) auth.ClaimRules {
	return auth.ClaimRules{
		Issuer:      issuer,
		Audiences:   audiences,
		Required:    must(auth.ParseRequiredClaims(f.RequiredClaims)),
		RoleClaim:   f.RoleClaim,
		RoleMap:     must(auth.ParseRoleMap(f.RoleMap)),
		DefaultRole: f.defaultRole(),
	}
}

// loginIssuer is where people sign in; "": nowhere.
func (f *flags) loginIssuer() string {
	if f.ClientID == "" {
		return ""
	}
	return cmp.Or(f.LoginIssuer, f.Issuer)
}

// scopes takes spaces between them too, as the standard writes them.
func (f *flags) scopes() []string {
	var scopes []string
	for _, s := range f.Scopes {
		scopes = append(scopes, strings.Fields(s)...)
	}
	return scopes
}

// defaultRole is what a token may do that the role map says nothing about:
// everything while there is no map, as there is nothing else to grant it.
func (f *flags) defaultRole() auth.Role {
	switch {
	case f.DefaultRole != "":
		return must(auth.ParseRole(f.DefaultRole))
	case len(f.RoleMap) > 0:
		return auth.NoRole
	}
	return auth.Admin
}

// legacyNames reports whether names are of ASCII letters, digits and underscores
// only: the one flag says so, or the other one says no.
func (f *flags) legacyNames() bool { return on(f.LegacyNames) || !on(f.EnableUTF8Names) }

// namesFlag is the flag that a flag about names has its value from: itself, or
// the other one if only that is set.
func (f *flags) namesFlag(name string) string {
	const utf8, legacy = "push.enable-utf8-names", "push.legacy-names"
	switch {
	case name == utf8 && !f.set(utf8):
		return legacy
	case name == legacy && !f.set(legacy):
		return utf8
	}
	return name
}

// storagePath is where the store is unless told: beside the persistence file,
// which is what has a volume in an installation that is being replaced.
func (f *flags) storagePath() string { return cmp.Or(f.StoragePath, f.usualStoragePath()) }

func (f *flags) usualStoragePath() string {
	if f.PersistenceFile != "" {
		return filepath.Join(filepath.Dir(f.PersistenceFile), BesideName)
	}
	return "data"
}

// shown lists the flags that configure the server.
func (f *flags) shown(m *kingpin.ApplicationModel) []handlers.Flag {
	var shown []handlers.Flag
	for _, flag := range m.Flags {
		if _, ours := f.given[flag.Name]; !ours {
			continue
		}
		s := handlers.Flag{
			Name: flag.Name, Value: flag.Value.String(), Default: strings.Join(flag.Default, ","),
			From: f.from(flag.Name), Help: flag.Help,
		}
		switch s.Name {
		case "push.enable-utf8-names", "push.legacy-names":
			s.Value, s.From = strconv.FormatBool(f.legacyNames() == (s.Name == "push.legacy-names")), f.from(f.namesFlag(s.Name))
		case "storage.path":
			s.Value, s.Default = f.storagePath(), f.usualStoragePath()
		case "jwt.jwks-uri":
			s.Value = withoutQuery(s.Value)
		}
		shown = append(shown, s)
	}
	return shown
}

// from is where a flag has its value from; "": it is the default.
func (f *flags) from(name string) string {
	switch {
	case *f.given[name]:
		return handlers.CommandLine
	case f.fromEnvironment(name):
		return envName(name)
	}
	return ""
}

// withoutQuery hides the query of a valid URL, which may hold a key.
func withoutQuery(s string) string {
	address, _, found := strings.Cut(s, "?")
	if found {
		address += "?…"
	}
	return address
}

func (f *flags) notes() []string {
	var notes []string
	if f.set("persistence.interval") {
		notes = append(notes, "--persistence.interval is ignored: every push is durable before it is answered")
	}
	if on(f.SystemdSocket) && f.set("web.listen-address") {
		notes = append(notes, "--web.listen-address is ignored: --web.systemd-socket is set")
	}
	return slices.Concat(notes, f.secrets.notes, f.authNotes())
}

// authNotes are about what is weaker than it may look.
func (f *flags) authNotes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if inPlain(f.Issuer) {
		add("--jwt.issuer %s is not https: whoever can change what is sent on the way can get in", f.Issuer)
	}
	if inPlain(f.JWKSURI) && !inPlain(f.Issuer) {
		add("--jwt.jwks-uri %s is not https: whoever can change what is sent on the way can get in", withoutQuery(f.JWKSURI))
	}
	if inPlain(f.loginIssuer()) && f.loginIssuer() != f.Issuer {
		add("--oidc.issuer %s is not https: whoever can change what is sent on the way can get in", f.LoginIssuer)
	}
	if f.ClientID != "" && inPlain(f.ExternalURL) {
		add("--web.external-url %s is not https: whoever can read what is sent on the way gets the sessions of those who sign in", f.ExternalURL)
	}
	s := f.secrets
	if slices.Contains(s.tokens, s.scrapeKey) {
		add("%s is one of %s too: whoever scrapes may do everything", keyVariable, tokensVariable)
	}
	return notes
}

func on(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// must is for values that have been validated.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
