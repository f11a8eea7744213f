// Package config is what the program can be told: flags, variables of the
// environment and secrets, checked and turned into Options.
package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// ErrAnswered says that the command line asked for something that has been
// printed, --help or --version, and that there is nothing to run.
var ErrAnswered = errors.New("answered")

// commandsHelp is for --help, which lists flags only.
const commandsHelp = "Without a command the server starts. gatehouse health, with the same flags and variables, exits with 0 if it is healthy. " +
	"gatehouse token create, list, rotate and revoke manage the API tokens of a server that runs, and gatehouse import FILE brings a Pushgateway's persistence file into one: gatehouse token --help, gatehouse import --help."

// flags holds every flag as it was given. Kingpin would stop at the first
// value that it can't take; validator tells all of them.
type flags struct {
	ListenAddresses []string `flag:"web.listen-address" validate:"min=1,dive,listen_address"`
	SocketMode      string   `flag:"web.unix-socket-mode" validate:"socket_mode"`
	SocketOwner     string   `flag:"web.unix-socket-owner" validate:"socket_owner"`
	SystemdSocket   string   `flag:"web.systemd-socket" validate:"boolean"`
	WebConfigFile   string   `flag:"web.config.file"`
	TelemetryPath   string   `flag:"web.telemetry-path" validate:"telemetry_path"`
	ExternalURL     string   `flag:"web.external-url" validate:"external_url"`
	RoutePrefix     string   `flag:"web.route-prefix" validate:"route_prefix"`
	EnableLifecycle string   `flag:"web.enable-lifecycle" validate:"boolean"`
	EnableAdminAPI  string   `flag:"web.enable-admin-api" validate:"boolean"`
	EnablePprof     string   `flag:"web.enable-pprof" validate:"boolean"`
	ReadTimeout     string   `flag:"web.read-timeout" validate:"timeout"`
	WriteTimeout    string   `flag:"web.write-timeout" validate:"timeout"`
	IdleTimeout     string   `flag:"web.idle-timeout" validate:"timeout"`
	ShutdownTimeout string   `flag:"web.shutdown-timeout" validate:"timeout"`

	TrustedProxies        []string `flag:"web.trusted-proxies" validate:"dive,proxy"`
	ScrapeListenAddresses []string `flag:"web.scrape-listen-address" validate:"dive,listen_address"`
	ScrapeInternalOnly    string   `flag:"web.scrape-internal-only" validate:"boolean"`

	BasicUser       string   `flag:"auth.basic-user" validate:"user"`
	Open            string   `flag:"auth.open" validate:"boolean"`
	LocalhostBypass string   `flag:"auth.localhost-bypass" validate:"oneof=auto true false"`
	SessionLifetime string   `flag:"auth.session-lifetime" validate:"lifetime"`
	SessionIdle     string   `flag:"auth.session-idle-timeout" validate:"idle"`
	Allowed         []string `flag:"auth.allowed-cidrs" validate:"dive,network"`
	ScrapeAllowed   []string `flag:"metrics.allowed-cidrs" validate:"dive,network"`
	RoleClaim       string   `flag:"auth.role-claim"`
	RoleMap         []string `flag:"auth.role-map" validate:"dive,role_mapping"`
	DefaultRole     string   `flag:"auth.default-role" validate:"omitempty,oneof=none reader pusher admin"`
	CertificateRole string   `flag:"auth.client-certificate-role" validate:"oneof=none reader pusher admin"`
	Issuer          string   `flag:"jwt.issuer" validate:"issuer"`
	Audiences       []string `flag:"jwt.audience"`
	JWKSURI         string   `flag:"jwt.jwks-uri" validate:"jwks_uri"`
	RequiredClaims  []string `flag:"jwt.required-claims" validate:"dive,claim"`
	ClientID        string   `flag:"oidc.client-id" validate:"client_id"`
	LoginIssuer     string   `flag:"oidc.issuer" validate:"issuer"`
	Scopes          []string `flag:"oidc.scopes" validate:"dive,scopes"`
	IssuerCAFile    string   `flag:"oidc.ca-file"`

	PersistenceFile     string `flag:"persistence.file"`
	PersistenceInterval string `flag:"persistence.interval" validate:"duration"`
	StoragePath         string `flag:"storage.path"`
	StorageTimeout      string `flag:"storage.timeout" validate:"timeout"`
	MinFree             string `flag:"storage.min-free" validate:"bytes_or_none"`

	DisableConsistencyCheck string `flag:"push.disable-consistency-check" validate:"boolean"`
	EnableUTF8Names         string `flag:"push.enable-utf8-names" validate:"boolean"`
	LegacyNames             string `flag:"push.legacy-names" validate:"boolean"`
	MaxBodyBytes            string `flag:"push.max-body-bytes" validate:"bytes"`
	DefaultTTL              string `flag:"push.default-ttl" validate:"duration"`

	MaxGroupings     string `flag:"limits.groupings" validate:"count"`
	MaxSeries        string `flag:"limits.series" validate:"count"`
	MaxSeriesPerPush string `flag:"limits.series-per-push" validate:"count"`
	MaxLabelSets     string `flag:"limits.label-sets-per-family" validate:"count"`
	BodyBudget       string `flag:"limits.body-bytes-in-flight" validate:"bytes"`

	ScrapeInterval   string `flag:"targets.scrape-interval" validate:"scrape_interval"`
	NativeHistograms string `flag:"targets.native-histograms" validate:"boolean"`
	UnixSocket       string `flag:"targets.unix-socket" validate:"socket_path"`

	ExactJobMatch string `flag:"api.exact-job-match" validate:"boolean"`
	Retention     string `flag:"activity.retention" validate:"duration"`
	ExcludeOwn    string `flag:"metrics.exclude-own" validate:"boolean"`
	UndoWindow    string `flag:"delete.undo-window" validate:"duration"`
	UndoMaxBytes  string `flag:"delete.undo-max-bytes" validate:"bytes"`
	StaleAfter    string `flag:"ui.stale-after" validate:"timeout"`
	OldAfter      string `flag:"ui.old-after" validate:"timeout"`

	AllowUnknown []string `flag:"env.allow-unknown" validate:"dive,variable"`

	LogLevel  string `flag:"log.level" validate:"oneof=debug info warn error"`
	LogFormat string `flag:"log.format" validate:"oneof=logfmt json"`

	given map[string]*bool // by flag: it stood on the command line

	secrets     secrets
	authorities *x509.CertPool // of IssuerCAFile
	problems    []string       // with what is not a flag or is in a file
}

// Parse reads the command line, and for flags that are not on it the
// environment: GATEHOUSE_<FLAG>, in capitals with underscores, or the name of
// its own that a flag has; an empty variable counts as unset. Secrets come
// from the environment and from files that it names. Variables that look as if
// they were meant for the server, and are not read, are errors too. --help and
// --version are answered on out with ErrAnswered. Any other error tells all that
// is wrong, ready to be printed. No error holds a secret.
func Parse(args []string, out io.Writer) (Options, error) {
	return configure(args, out, os.Environ())
}

// ParseForCommand is Parse for a command that is told of a server by the same flags
// and variables: to refuse unknown variables is left to the server.
func ParseForCommand(args []string, out io.Writer) (Options, error) {
	return configure(args, out, nil)
}

func configure(args []string, out io.Writer, environment []string) (Options, error) {
	f := &flags{given: make(map[string]*bool)}
	answered := false
	k := kingpin.New("gatehouse", "Takes metrics that jobs push and shows them to Prometheus.\n\n"+commandsHelp+"\n\n"+secretsHelp)
	k.UsageWriter(out).ErrorWriter(out).Terminate(func(int) { answered = true })
	k.Version(Version())
	k.HelpFlag.Short('h')
	f.define(k)
	_, err := k.Parse(args)
	switch {
	case answered:
		return Options{}, ErrAnswered
	case err != nil:
		return Options{}, fmt.Errorf("%w; --help lists all flags", err)
	}
	f.readFiles()
	f.problems = append(f.problems, f.unknownVariables(environment)...)
	return f.options(k.Model())
}

// define tells kingpin the flags, in the order in which --help lists them.
func (f *flags) define(k *kingpin.Application) {
	f.defineWeb(k)
	f.defineAuth(k)
	f.text(k, &f.StoragePath, "storage.path", "", `Directory of the store. Default: "data", or "gatehouse-data" beside --persistence.file, there too if this is the directory of that file and holds no store.`)
	f.text(k, &f.StorageTimeout, "storage.timeout", "3s", "Longest wait for a change to become durable.")
	f.text(k, &f.MinFree, "storage.min-free", "64MiB", "Free space of the disk below which changes are refused. 0: none.")
	f.text(k, &f.PersistenceFile, "persistence.file", "", "Persistence file of a Pushgateway, imported once, at a start with a store that never held a change. It is never written.")
	f.text(k, &f.PersistenceInterval, "persistence.interval", "5m", "Accepted and ignored: every push is durable before it is answered.")
	f.toggle(k, &f.DisableConsistencyCheck, "push.disable-consistency-check", "Accept pushes without checking them against what other groupings hold.")
	f.clause(k, "push.enable-utf8-names", "Allow any UTF-8 in metric and label names, which is the default. Its negation is --push.legacy-names.").
		Default("true").SetValue((*toggle)(&f.EnableUTF8Names))
	f.toggle(k, &f.LegacyNames, "push.legacy-names", "Allow only letters, digits and underscores in metric and label names, and colons in metric names.")
	f.text(k, &f.MaxBodyBytes, "push.max-body-bytes", "16MiB", "Largest body of a push, decompressed.")
	f.text(k, &f.DefaultTTL, "push.default-ttl", "0s", "Time after which a grouping expires unless it is pushed again. 0: never.")
	f.text(k, &f.MaxGroupings, "limits.groupings", "1000000", "Most groupings in the store. 0: no limit.")
	f.text(k, &f.MaxSeries, "limits.series", "20000000", "Most series in the store. 0: no limit.")
	f.text(k, &f.MaxSeriesPerPush, "limits.series-per-push", "100000", "Most series in one push. 0: no limit.")
	f.text(k, &f.MaxLabelSets, "limits.label-sets-per-family", "64", "Most different sets of grouping label names under which one metric family may be pushed. 0: no limit.")
	f.text(k, &f.BodyBudget, "limits.body-bytes-in-flight", "256MiB", "Most bytes of pushes being read at the same time.")
	f.text(k, &f.ScrapeInterval, "targets.scrape-interval", "", "How often Prometheus is to scrape the targets of /api/v1/targets: a duration; or push, each as often as it is pushed. Default: Prometheus' own setting.")
	f.toggle(k, &f.NativeHistograms, "targets.native-histograms", "Have Prometheus scrape native histograms from the targets of /api/v1/targets.")
	f.text(k, &f.UnixSocket, "targets.unix-socket", "", "Unix socket of this server by which Prometheus is to scrape the targets of /api/v1/targets. Default: by TCP.")
	f.toggle(k, &f.ExactJobMatch, "api.exact-job-match", "Let GET and DELETE of /metrics/job/<job> speak of the grouping without other labels only, not of the whole job.")
	f.toggle(k, &f.ExcludeOwn, "metrics.exclude-own", "Leave the server's own metrics to /metrics/self.")
	f.text(k, &f.UndoWindow, "delete.undo-window", "24h", "Time for which a delete can be undone. 0: not at all.")
	f.text(k, &f.UndoMaxBytes, "delete.undo-max-bytes", "256MiB", "Most bytes kept for undoing deletes.")
	f.text(k, &f.StaleAfter, "ui.stale-after", "1h", "Age of the last push from which a grouping is shown as stale.")
	f.text(k, &f.OldAfter, "ui.old-after", "24h", "Age of the last push from which a grouping is shown as old.")
	f.text(k, &f.Retention, "activity.retention", "90d", "Time for which it stays on record what people and tokens did. 0: as long as it is among the last 100,000 entries.")
	f.list(k, &f.AllowUnknown, "env.allow-unknown", "Variables of the environment that are not the server's although they look so. Repeatable, or several with commas.")
	f.text(k, &f.LogLevel, "log.level", "info", "Least severe level to log: debug, info, warn or error.")
	f.text(k, &f.LogFormat, "log.format", "logfmt", "Format of the log: logfmt or json.")
}

func (f *flags) defineWeb(k *kingpin.Application) {
	f.clause(k, "web.listen-address", "Address to listen on: host:port, :port, unix:///path or vsock://:port. Repeatable, or several with commas.").
		Default(":9091").SetValue((*list)(&f.ListenAddresses))
	f.text(k, &f.SocketMode, "web.unix-socket-mode", "0660", "Permissions of the Unix sockets that are listened on.")
	f.text(k, &f.SocketOwner, "web.unix-socket-owner", "", "Owner of these sockets: user, user:group or :group. Default: the server's own.")
	f.toggle(k, &f.SystemdSocket, "web.systemd-socket", "Listen on the sockets that systemd passes instead of --web.listen-address.")
	f.text(k, &f.WebConfigFile, "web.config.file", "", "File with TLS settings and users, in the format of the Prometheus exporter toolkit.")
	f.text(k, &f.TelemetryPath, "web.telemetry-path", "/metrics", "Path that exposes all metrics.")
	f.text(k, &f.ExternalURL, "web.external-url", "", "URL under which clients and browsers reach the server.")
	f.text(k, &f.RoutePrefix, "web.route-prefix", "", "Prefix of all paths as they arrive here. Default: the path of --web.external-url; / if a proxy takes that path off.")
	f.toggle(k, &f.EnableLifecycle, "web.enable-lifecycle", "Let PUT and POST of /-/quit end the server.")
	f.toggle(k, &f.EnableAdminAPI, "web.enable-admin-api", "Let PUT of /api/v1/admin/wipe delete everything, and POST of /api/v1/admin/import bring in a file of a Pushgateway.")
	f.toggle(k, &f.EnablePprof, "web.enable-pprof", "Serve profiles below /debug/pprof/.")
	f.text(k, &f.ReadTimeout, "web.read-timeout", "1m", "Longest time for a request to arrive, with its body.")
	f.text(k, &f.WriteTimeout, "web.write-timeout", "2m", "Longest time for an answer to be taken by its client.")
	f.text(k, &f.IdleTimeout, "web.idle-timeout", "2m", "Time after which an unused connection is closed.")
	f.text(k, &f.ShutdownTimeout, "web.shutdown-timeout", "10s", "Longest time for requests in flight to be finished when the server ends.")
	f.list(k, &f.TrustedProxies, "web.trusted-proxies", "Addresses and networks of proxies, or unix for those that come by a Unix socket, whose X-Forwarded-For and X-Forwarded-Proto are believed.")
	f.list(k, &f.ScrapeListenAddresses, "web.scrape-listen-address", "One more address to listen on, for scrapes, targets and health only. Repeatable, or several with commas.")
	f.toggle(k, &f.ScrapeInternalOnly, "web.scrape-internal-only", "Serve scrapes and targets on --web.scrape-listen-address only.")
}

// defineAuth tells the flags that say who may come in. Secrets are no flags:
// everyone on the machine sees a command line.
func (f *flags) defineAuth(k *kingpin.Application) {
	f.text(k, &f.BasicUser, "auth.basic-user", "", "User who may do everything, with the password in PUSHGATEWAY_AUTH_PASS.")
	f.toggle(k, &f.Open, "auth.open", "Stay open to everyone although the store knows tokens, or the list of users is empty. Not beside any credential.")
	f.text(k, &f.LocalhostBypass, "auth.localhost-bypass", "auto", "Let local clients in without a credential: true, false, or auto for those of the server's own user.")
	f.text(k, &f.SessionLifetime, "auth.session-lifetime", "12h", "Time after which people who have signed in have to do so again.")
	f.text(k, &f.SessionIdle, "auth.session-idle-timeout", "1h", "Time without use after which they have to do so again. 0: that alone ends no session.")
	f.list(k, &f.Allowed, "auth.allowed-cidrs", "Addresses and networks from which requests are taken. Default: all.")
	f.list(k, &f.ScrapeAllowed, "metrics.allowed-cidrs", "Addresses and networks from which scrapes are taken. Default: all.")
	f.list(k, &f.Audiences, "jwt.audience", "Audiences of which a token must name one. Needed with --jwt.issuer.")
	f.text(k, &f.Issuer, "jwt.issuer", "", "Issuer whose tokens are accepted, exactly as it stands in them.")
	f.text(k, &f.JWKSURI, "jwt.jwks-uri", "", "Address of the issuer's keys. Default: what the issuer's discovery document names.")
	f.list(k, &f.RequiredClaims, "jwt.required-claims", "Claims that a token, or who signs in, must have: claim=value. Repeatable, or several with commas.")
	f.text(k, &f.ClientID, "oidc.client-id", "", "Name that an OpenID provider has for this server: lets people sign in there. Needs --web.external-url; its secret is in OIDC_CLIENT_SECRET.")
	f.text(k, &f.LoginIssuer, "oidc.issuer", "", "Issuer at which people sign in. Default: --jwt.issuer.")
	f.list(k, &f.Scopes, "oidc.scopes", "Scopes to ask for beside openid. Default: profile, email, and groups if the provider has it.")
	f.text(k, &f.IssuerCAFile, "oidc.ca-file", "", "PEM file with the authorities to trust for the issuers. Default: the system's.")
	f.text(k, &f.RoleClaim, "auth.role-claim", "", "Claim that names the roles of a token's owner, or of who signs in. Default: roles, else groups.")
	f.list(k, &f.RoleMap, "auth.role-map", "Roles that values of the claim give: value=reader, value=pusher or value=admin. Repeatable, or several with commas.")
	f.text(k, &f.DefaultRole, "auth.default-role", "", "Role without a mapped value: none, reader, pusher or admin. Default: admin without --auth.role-map, else none. An issuer at which strangers get tokens needs it, a role map, or required claims that keep them out.")
	f.text(k, &f.CertificateRole, "auth.client-certificate-role", "none", "Role of a verified client certificate without another credential: none, reader, pusher or admin.")
}

func (f *flags) clause(k *kingpin.Application, name, help string) *kingpin.FlagClause {
	f.given[name] = new(bool)
	return k.Flag(name, help).Envar(envName(name)).IsSetByUser(f.given[name])
}

func (f *flags) text(k *kingpin.Application, target *string, name, preset, help string) {
	c := f.clause(k, name, help)
	if preset != "" {
		c.Default(preset)
	}
	c.StringVar(target)
}

func (f *flags) toggle(k *kingpin.Application, target *string, name, help string) {
	f.clause(k, name, help).Default("false").SetValue((*toggle)(target))
}

func (f *flags) list(k *kingpin.Application, target *[]string, name, help string) {
	f.clause(k, name, help).SetValue((*list)(target))
}

// fromEnvironment tells that the environment gave the flag its value.
func (f *flags) fromEnvironment(name string) bool {
	given, known := f.given[name]
	return known && !*given && os.Getenv(envName(name)) != ""
}

// set tells that the flag has been given in one way or the other.
func (f *flags) set(name string) bool {
	return *f.given[name] || f.fromEnvironment(name)
}

// ownNames are the variables of flags that are known under another name than
// GATEHOUSE_<FLAG>.
var ownNames = map[string]string{
	"auth.basic-user":       UserVariable,
	"auth.localhost-bypass": "AUTH_LOCALHOST_BYPASS",
	"jwt.issuer":            "JWT_ISSUER",
	"jwt.audience":          "JWT_AUDIENCE",
	"jwt.jwks-uri":          "JWKS_URI",
	"jwt.required-claims":   "JWT_REQUIRED_CLAIMS",
	"oidc.client-id":        "OIDC_CLIENT_ID",
	"oidc.issuer":           "OIDC_ISSUER",
	"oidc.scopes":           "OIDC_SCOPES",
	"oidc.ca-file":          "OIDC_CA_FILE",
}

// envName is the environment variable that stands for a flag.
func envName(flag string) string {
	if own, ok := ownNames[flag]; ok {
		return own
	}
	return prefixedName(flag)
}

func prefixedName(flag string) string {
	return "GATEHOUSE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// toggle is a flag without a value on the command line and with one in the
// environment, which is checked later together with all others.
type toggle string

func (t *toggle) Set(s string) error { *t = toggle(s); return nil }
func (t *toggle) String() string     { return string(*t) }
func (t *toggle) IsBoolFlag() bool   { return true }

// list is a repeatable flag. Each occurrence, and each line of the environment
// variable, may hold several values with commas between them.
type list []string

func (l *list) Set(s string) error {
	for v := range strings.SplitSeq(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			*l = append(*l, v)
		}
	}
	return nil
}
func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) IsCumulative() bool { return true }
