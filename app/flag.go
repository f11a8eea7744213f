package app

import (
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

// flags holds every flag as it was given. Kingpin would stop at the first
// value that it can't take; validator tells all of them.
type flags struct {
	ListenAddresses []string `flag:"web.listen-address" validate:"min=1,dive,listen_address"`
	SystemdSocket   string   `flag:"web.systemd-socket" validate:"boolean"`
	WebConfigFile   string   `flag:"web.config.file" validate:"web_config"`
	TelemetryPath   string   `flag:"web.telemetry-path" validate:"telemetry_path"`
	ExternalURL     string   `flag:"web.external-url" validate:"external_url"`
	RoutePrefix     string   `flag:"web.route-prefix" validate:"route_prefix"`
	EnableLifecycle string   `flag:"web.enable-lifecycle" validate:"boolean"`
	EnableAdminAPI  string   `flag:"web.enable-admin-api" validate:"boolean"`
	EnablePprof     string   `flag:"web.enable-pprof" validate:"boolean"`
	ReadTimeout     string   `flag:"web.read-timeout" validate:"timeout"`
	WriteTimeout    string   `flag:"web.write-timeout" validate:"timeout"`
	IdleTimeout     string   `flag:"web.idle-timeout" validate:"timeout"`

	PersistenceFile     string `flag:"persistence.file"`
	PersistenceInterval string `flag:"persistence.interval" validate:"duration"`
	StoragePath         string `flag:"storage.path"`
	StorageTimeout      string `flag:"storage.timeout" validate:"timeout"`

	DisableConsistencyCheck string `flag:"push.disable-consistency-check" validate:"boolean"`
	EnableUTF8Names         string `flag:"push.enable-utf8-names" validate:"boolean"`
	MaxBodyBytes            string `flag:"push.max-body-bytes" validate:"bytes"`
	DefaultTTL              string `flag:"push.default-ttl" validate:"duration"`

	MaxGroupings     string `flag:"limits.groupings" validate:"count"`
	MaxSeries        string `flag:"limits.series" validate:"count"`
	MaxSeriesPerPush string `flag:"limits.series-per-push" validate:"count"`
	MaxLabelSets     string `flag:"limits.label-sets-per-family" validate:"count"`
	BodyBudget       string `flag:"limits.body-bytes-in-flight" validate:"bytes"`

	ExactJobMatch string `flag:"api.exact-job-match" validate:"boolean"`
	ExcludeOwn    string `flag:"metrics.exclude-own" validate:"boolean"`
	UndoWindow    string `flag:"delete.undo-window" validate:"duration"`
	UndoMaxBytes  string `flag:"delete.undo-max-bytes" validate:"bytes"`
	StaleAfter    string `flag:"ui.stale-after" validate:"timeout"`
	OldAfter      string `flag:"ui.old-after" validate:"timeout"`

	LogLevel  string `flag:"log.level" validate:"oneof=debug info warn error"`
	LogFormat string `flag:"log.format" validate:"oneof=logfmt json"`

	given map[string]*bool // by flag: it stood on the command line
}

// Parse reads the command line, and for flags that are not on it the
// environment: GATEHOUSE_<FLAG>, in capitals with underscores; an empty
// variable counts as unset. --help and --version are answered on out with
// ErrAnswered. Any other error tells all that is wrong, ready to be printed.
func Parse(args []string, out io.Writer) (Options, error) {
	f := &flags{given: make(map[string]*bool)}
	answered := false
	k := kingpin.New("gatehouse", "Takes metrics that jobs push and shows them to Prometheus.")
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
	return f.options(k.Model())
}

// define tells kingpin the flags, in the order in which --help lists them.
func (f *flags) define(k *kingpin.Application) {
	f.defineWeb(k)
	f.text(k, &f.StoragePath, "storage.path", "", `Directory of the store. Default: "data", or "gatehouse-data" beside --persistence.file.`)
	f.text(k, &f.StorageTimeout, "storage.timeout", "3s", "Longest wait for a change to become durable.")
	f.text(k, &f.PersistenceFile, "persistence.file", "", "Persistence file of a Pushgateway, imported once into a new store. It is never written.")
	f.text(k, &f.PersistenceInterval, "persistence.interval", "5m", "Accepted and ignored: every push is durable before it is answered.")
	f.toggle(k, &f.DisableConsistencyCheck, "push.disable-consistency-check", "Accept pushes without checking them against what other groupings hold.")
	f.toggle(k, &f.EnableUTF8Names, "push.enable-utf8-names", "Allow any UTF-8 in metric and label names.")
	f.text(k, &f.MaxBodyBytes, "push.max-body-bytes", "16MiB", "Largest body of a push, decompressed.")
	f.text(k, &f.DefaultTTL, "push.default-ttl", "0s", "Time after which a grouping expires unless it is pushed again. 0: never.")
	f.text(k, &f.MaxGroupings, "limits.groupings", "1000000", "Most groupings in the store. 0: no limit.")
	f.text(k, &f.MaxSeries, "limits.series", "20000000", "Most series in the store. 0: no limit.")
	f.text(k, &f.MaxSeriesPerPush, "limits.series-per-push", "100000", "Most series in one push. 0: no limit.")
	f.text(k, &f.MaxLabelSets, "limits.label-sets-per-family", "64", "Most different sets of grouping label names under which one metric family may be pushed. 0: no limit.")
	f.text(k, &f.BodyBudget, "limits.body-bytes-in-flight", "256MiB", "Most bytes of pushes being read at the same time.")
	f.toggle(k, &f.ExactJobMatch, "api.exact-job-match", "Let GET and DELETE of /metrics/job/<job> speak of the grouping without other labels only, not of the whole job.")
	f.toggle(k, &f.ExcludeOwn, "metrics.exclude-own", "Leave the server's own metrics to /metrics/self.")
	f.text(k, &f.UndoWindow, "delete.undo-window", "24h", "Time for which a delete can be undone. 0: not at all.")
	f.text(k, &f.UndoMaxBytes, "delete.undo-max-bytes", "256MiB", "Most bytes kept for undoing deletes.")
	f.text(k, &f.StaleAfter, "ui.stale-after", "1h", "Age of the last push from which a grouping is shown as stale.")
	f.text(k, &f.OldAfter, "ui.old-after", "24h", "Age of the last push from which a grouping is shown as old.")
	f.text(k, &f.LogLevel, "log.level", "info", "Least severe level to log: debug, info, warn or error.")
	f.text(k, &f.LogFormat, "log.format", "logfmt", "Format of the log: logfmt or json.")
}

func (f *flags) defineWeb(k *kingpin.Application) {
	f.clause(k, "web.listen-address", "Address to listen on: host:port, :port or vsock://:port. Repeatable, or several with commas.").
		Default(":9091").SetValue((*list)(&f.ListenAddresses))
	f.toggle(k, &f.SystemdSocket, "web.systemd-socket", "Listen on the sockets that systemd passes instead of --web.listen-address.")
	f.text(k, &f.WebConfigFile, "web.config.file", "", "Not supported yet: TLS and users.")
	f.text(k, &f.TelemetryPath, "web.telemetry-path", "/metrics", "Path that exposes all metrics.")
	f.text(k, &f.ExternalURL, "web.external-url", "", "URL under which clients and browsers reach the server.")
	f.text(k, &f.RoutePrefix, "web.route-prefix", "", "Prefix of all paths. Default: the path of --web.external-url; / for none.")
	f.toggle(k, &f.EnableLifecycle, "web.enable-lifecycle", "Let PUT and POST of /-/quit end the server.")
	f.toggle(k, &f.EnableAdminAPI, "web.enable-admin-api", "Let PUT of /api/v1/admin/wipe delete everything.")
	f.toggle(k, &f.EnablePprof, "web.enable-pprof", "Serve profiles below /debug/pprof/.")
	f.text(k, &f.ReadTimeout, "web.read-timeout", "1m", "Longest time for a request to arrive, with its body.")
	f.text(k, &f.WriteTimeout, "web.write-timeout", "2m", "Longest time for an answer to be taken by its client.")
	f.text(k, &f.IdleTimeout, "web.idle-timeout", "2m", "Time after which an unused connection is closed.")
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

// fromEnvironment tells that the environment gave the flag its value.
func (f *flags) fromEnvironment(name string) bool {
	given, known := f.given[name]
	return known && !*given && os.Getenv(envName(name)) != ""
}

// set tells that the flag has been given in one way or the other.
func (f *flags) set(name string) bool {
	return *f.given[name] || f.fromEnvironment(name)
}

// envName is the environment variable that stands for a flag.
func envName(flag string) string {
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
