package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// peerProgram is the name under which Debian installs upstream's Pushgateway.
const peerProgram = "prometheus-pushgateway"

type compareOptions struct {
	Gatehouse    string        `json:"-"`
	Peer         string        `json:"-"`
	Only         string        `json:"only,omitempty"`
	Dir          string        `json:"-"`
	Groupings    int           `json:"groupings"`
	Few          int           `json:"few_groupings"`
	Metrics      int           `json:"samples_per_push"`
	Workers      int           `json:"workers"`
	PeerWorkers  int           `json:"peer_workers"`
	Rounds       int           `json:"rounds"`
	Scrapes      int           `json:"scrapes"`
	Duration     time.Duration `json:"-"`
	PeerDuration time.Duration `json:"-"`
	JSON         bool          `json:"-"`
}

func parseCompareFlags(args []string, messages io.Writer) (compareOptions, error) {
	var o compareOptions
	fs := flag.NewFlagSet("bench compare", flag.ContinueOnError)
	fs.SetOutput(messages)
	fs.StringVar(&o.Gatehouse, "gatehouse", "", "gatehouse binary; empty: build it")
	fs.StringVar(&o.Peer, "peer", peerProgram, "the peer's binary, a path or a name on PATH")
	fs.StringVar(&o.Only, "only", "", "measure one side only: gatehouse or peer")
	fs.StringVar(&o.Dir, "dir", os.TempDir(), "where temporary directories are made; a real disk, or durability costs nothing")
	fs.IntVar(&o.Groupings, "groupings", 10_000, "stored groupings")
	fs.IntVar(&o.Few, "few", 100, "stored groupings of the small store it is compared with")
	fs.IntVar(&o.Metrics, "metrics", 50, "samples per push")
	fs.IntVar(&o.Workers, "workers", 64, "concurrent pushers")
	fs.IntVar(&o.PeerWorkers, "peer-workers", 2, "concurrent pushers of the checking peer at -groupings, where it does less than one push a second")
	fs.IntVar(&o.Rounds, "rounds", 3, "gatehouse's two stores are driven in turn this often; medians are shown")
	fs.IntVar(&o.Scrapes, "scrapes", 5, "scrapes per format; medians are shown")
	fs.DurationVar(&o.Duration, "duration", 4*time.Second, "one run of pushes")
	fs.DurationVar(&o.PeerDuration, "peer-duration", 20*time.Second, "the run of pushes of the checking peer at -groupings")
	fs.BoolVar(&o.JSON, "json", false, "print JSON instead of a table")
	if err := parse(fs, args); err != nil {
		return o, err
	}
	return o, o.validate()
}

func (o compareOptions) validate() error {
	switch {
	case o.Only != "" && o.Only != "gatehouse" && o.Only != "peer":
		return fmt.Errorf("%w: -only is gatehouse or peer, got %q", errUsage, o.Only)
	case min(o.Groupings, o.Few, o.Metrics, o.Workers, o.PeerWorkers, o.Rounds, o.Scrapes) < 1:
		return fmt.Errorf("%w: counts must be at least 1", errUsage)
	case min(o.Duration, o.PeerDuration) <= 0:
		return fmt.Errorf("%w: durations must be positive", errUsage)
	}
	return nil
}

// comparison is the JSON output of a compare run.
type comparison struct {
	Options   compareOptions `json:"options"`
	Cores     int            `json:"cores"` // shared by server and load
	Gatehouse *figures       `json:"gatehouse,omitempty"`
	Peer      *figures       `json:"peer,omitempty"`
	Rows      []row          `json:"rows"`
}

// figures are the measurements of one side. Zero: not measured there.
type figures struct {
	PushFew      float64 `json:"push_few_per_s"`
	PushMany     float64 `json:"push_many_per_s"`
	Flatness     float64 `json:"push_many_to_few"`
	P99Ms        float64 `json:"push_many_p99_ms"`
	PushCPUMs    float64 `json:"push_many_cpu_ms"`
	Unchecked    float64 `json:"unchecked_push_many_per_s,omitempty"`
	UncheckedCPU float64 `json:"unchecked_push_many_cpu_ms,omitempty"`

	TextMs            float64 `json:"scrape_text_ms"`
	GzipMs            float64 `json:"scrape_gzip_ms"`
	OpenMetricsMs     float64 `json:"scrape_openmetrics_ms,omitempty"`
	OpenMetricsGzipMs float64 `json:"scrape_openmetrics_gzip_ms,omitempty"`
	ProtobufMs        float64 `json:"scrape_protobuf_ms"`
	TextChangedMs     float64 `json:"scrape_text_after_push_ms,omitempty"`
	GzipChangedMs     float64 `json:"scrape_gzip_after_push_ms,omitempty"`
	TextBytes         int64   `json:"scrape_text_bytes"`

	RSSMiB    float64 `json:"rss_after_load_mib"`
	PeakMiB   float64 `json:"rss_peak_while_scraped_mib"`
	RestartMs float64 `json:"restart_ms"`

	// Of the machine, measured beside Gatehouse: see bound.go.
	AppendBound   float64 `json:"append_bound_per_s,omitempty"`
	ConstantBound float64 `json:"constant_body_ms,omitempty"`
}

// compare is the compare command.
func compare(ctx context.Context, o compareOptions, out, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.Dir, "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, progress: progress}
	c := comparison{Options: o, Cores: runtime.NumCPU()}
	if o.Only != "gatehouse" {
		if c.Peer, err = b.peer(ctx); err != nil {
			return err
		}
	}
	if o.Only != "peer" {
		if c.Gatehouse, err = b.gatehouse(ctx); err != nil {
			return err
		}
	}
	c.Rows = rows(o, c.Gatehouse, c.Peer)
	if o.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(c)
	}
	return writeTable(out, c)
}

// bench runs the servers of one comparison, one side after the other.
type bench struct {
	options  compareOptions
	dir      string
	progress io.Writer
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, format+"\n", args...)
}

// mkdir makes a directory of its own for one server.
func (b *bench) mkdir(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.Mkdir(dir, 0o700)
}

// push drives s with PUTs to `groupings` groupings: `ops` of them, or, with
// ops 0, as many as go in `duration`.
func (b *bench) push(ctx context.Context, s *server, groupings, workers int, ops int64, duration time.Duration) (*loadReport, error) {
	c := defaultLoad()
	c.URL, c.PID = s.url, s.pid
	c.Groups, c.Concurrency, c.MetricsPerGroup = groupings, workers, b.options.Metrics
	c.Ops, c.Duration = ops, duration
	return runLoad(ctx, c)
}

// preload pushes once to each of the groupings; every push has to succeed.
func (b *bench) preload(ctx context.Context, s *server, groupings int) error {
	b.say("%s: pushing %d groupings", s.name, groupings)
	r, err := b.push(ctx, s, groupings, b.options.Workers, int64(groupings), time.Hour)
	if err != nil {
		return err
	}
	return refused(s, r.Results["push"])
}

// refused makes an error of pushes that failed: figures with such pushes in
// them would say nothing.
func refused(s *server, r result) error {
	if r.Errors == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d of %d pushes failed, the first: %s", s.name, r.Errors, r.Ops, r.FirstError)
}

// holds checks that the server shows as many groupings as it was given.
func holds(ctx context.Context, s *server, sc *scraper, want int) error {
	n, err := sc.groupings(ctx)
	if err == nil && n != want {
		err = fmt.Errorf("%s shows %d groupings, want %d", s.name, n, want)
	}
	return err
}

func (b *bench) findPeer() (string, error) {
	path, err := exec.LookPath(b.options.Peer)
	if err != nil {
		return "", fmt.Errorf("the peer is missing (Debian's package prometheus-pushgateway): %w", err)
	}
	return filepath.Abs(path)
}

// findGatehouse returns the binary that was named, or builds one.
func (b *bench) findGatehouse(ctx context.Context) (string, error) {
	if b.options.Gatehouse != "" {
		return filepath.Abs(b.options.Gatehouse)
	}
	b.say("gatehouse: building")
	path := filepath.Join(b.dir, "gatehouse")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "gatehouse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build gatehouse: %w\n%s", err, out)
	}
	return path, nil
}
