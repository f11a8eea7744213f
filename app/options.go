package app

import (
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// Options is a complete, valid configuration of the program. Parse makes one.
type Options struct {
	ListenAddresses []string // host:port or vsock://port, each valid
	SystemdSocket   bool
	TelemetryPath   string
	ExternalURL     *url.URL // nil: from each request
	RoutePrefix     string   // "" or with a slash before it and none behind
	EnableLifecycle bool
	EnableAdminAPI  bool
	EnablePprof     bool
	ReadTimeout     time.Duration
	WriteTimeout    time.Duration
	IdleTimeout     time.Duration

	PersistenceFile string // to be imported; "": none
	StoragePath     string
	StorageTimeout  time.Duration

	CheckConsistency bool
	UTF8Names        bool
	MaxBodyBytes     int64
	DefaultTTL       time.Duration // 0: none

	MaxGroupings, MaxSeries, MaxSeriesPerPush, MaxLabelSets int // 0: no limit
	BodyBudget                                              int64

	ExactJobMatch bool
	ExcludeOwn    bool
	UndoWindow    time.Duration
	UndoMaxBytes  int64
	StaleAfter    time.Duration
	OldAfter      time.Duration

	LogLevel, LogFormat string

	// Flags holds all flags and their values as the status shows them.
	Flags map[string]string
	// Notes are remarks on the configuration for the log.
	Notes []string
}

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
	return Options{
		ListenAddresses:  f.ListenAddresses,
		SystemdSocket:    on(f.SystemdSocket),
		TelemetryPath:    f.TelemetryPath,
		ExternalURL:      external,
		RoutePrefix:      must(parseRoutePrefix(prefix)),
		EnableLifecycle:  on(f.EnableLifecycle),
		EnableAdminAPI:   on(f.EnableAdminAPI),
		EnablePprof:      on(f.EnablePprof),
		ReadTimeout:      must(parseDuration(f.ReadTimeout)),
		WriteTimeout:     must(parseDuration(f.WriteTimeout)),
		IdleTimeout:      must(parseDuration(f.IdleTimeout)),
		PersistenceFile:  f.PersistenceFile,
		StoragePath:      f.storagePath(),
		StorageTimeout:   must(parseDuration(f.StorageTimeout)),
		CheckConsistency: !on(f.DisableConsistencyCheck),
		UTF8Names:        on(f.EnableUTF8Names),
		MaxBodyBytes:     must(parseBytes(f.MaxBodyBytes)),
		DefaultTTL:       must(parseDuration(f.DefaultTTL)),
		MaxGroupings:     must(parseCount(f.MaxGroupings)),
		MaxSeries:        must(parseCount(f.MaxSeries)),
		MaxSeriesPerPush: must(parseCount(f.MaxSeriesPerPush)),
		MaxLabelSets:     must(parseCount(f.MaxLabelSets)),
		BodyBudget:       must(parseBytes(f.BodyBudget)),
		ExactJobMatch:    on(f.ExactJobMatch),
		ExcludeOwn:       on(f.ExcludeOwn),
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

// storagePath is where the store is unless told: beside the persistence file,
// which is what has a volume in an installation that is being replaced.
func (f *flags) storagePath() string {
	switch {
	case f.StoragePath != "":
		return f.StoragePath
	case f.PersistenceFile != "":
		return filepath.Join(filepath.Dir(f.PersistenceFile), "gatehouse-data")
	}
	return "data"
}

// shown lists the flags that configure the server, with their values.
func (f *flags) shown(m *kingpin.ApplicationModel) map[string]string {
	shown := make(map[string]string)
	for _, flag := range m.Flags {
		if _, ours := f.given[flag.Name]; ours {
			shown[flag.Name] = flag.Value.String()
		}
	}
	shown["storage.path"] = f.storagePath()
	return shown
}

func (f *flags) notes() []string {
	var notes []string
	if f.set("persistence.interval") {
		notes = append(notes, "--persistence.interval is ignored: every push is durable before it is answered")
	}
	if on(f.SystemdSocket) && f.set("web.listen-address") {
		notes = append(notes, "--web.listen-address is ignored: --web.systemd-socket is set")
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
