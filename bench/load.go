package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"time"
)

// loadConfig says what a load run sends.
//
// Closed loop (Rate 0): Concurrency workers each send the next request as soon
// as the previous one is answered. Open loop: requests are due at fixed times
// and a request's latency counts from the moment it was due, so that a stalled
// server cannot hide its stall.
type loadConfig struct {
	URL             string        `json:"url"`
	Mode            string        `json:"mode"`
	Format          string        `json:"format"`
	Groups          int           `json:"groups"`
	FirstGroup      int           `json:"first_group"`
	MetricsPerGroup int           `json:"metrics_per_group"`
	Jobs            int           `json:"jobs"`
	Concurrency     int           `json:"concurrency"`
	Scrapers        int           `json:"scrapers,omitempty"`
	Rate            float64       `json:"rate,omitempty"`
	Ops             int64         `json:"ops,omitempty"`
	Variants        int           `json:"variants"`
	Duration        time.Duration `json:"-"`
	ScrapeInterval  time.Duration `json:"-"`
	Timeout         time.Duration `json:"-"`
	ScrapePath      string        `json:"scrape_path"`
	PushPath        string        `json:"push_path"`
	Headers         headerList    `json:"headers,omitempty"`
	PID             int           `json:"pid,omitempty"`
	Label           string        `json:"label,omitempty"`
}

// defaultLoad holds the defaults of the load command's flags.
func defaultLoad() loadConfig {
	return loadConfig{
		URL:             "http://127.0.0.1:9091",
		Mode:            "push-put",
		Format:          "text",
		Groups:          1000,
		MetricsPerGroup: 50,
		Jobs:            10,
		Concurrency:     8,
		Scrapers:        1,
		Variants:        64,
		Duration:        10 * time.Second,
		ScrapeInterval:  time.Second,
		Timeout:         2 * time.Minute,
		ScrapePath:      "/metrics",
		PushPath:        "/metrics/job/{job}/instance/{instance}",
	}
}

// headerList collects the values of a repeatable 'Name: value' flag.
type headerList []string

func (h *headerList) String() string { return strings.Join(*h, "; ") }

func (h *headerList) Set(v string) error {
	if !strings.Contains(v, ":") {
		return fmt.Errorf("want 'Name: value', got %q", v)
	}
	*h = append(*h, v)
	return nil
}

func (c *loadConfig) register(fs *flag.FlagSet) {
	fs.StringVar(&c.URL, "url", c.URL, "server base URL")
	fs.StringVar(&c.Mode, "mode", c.Mode, "push-put, push-post, scrape, mixed, get-group or delete")
	fs.StringVar(&c.Format, "format", c.Format, "push body format: text or protobuf")
	fs.IntVar(&c.Groups, "groups", c.Groups, "number of distinct groups addressed, round robin")
	fs.IntVar(&c.FirstGroup, "first-group", c.FirstGroup, "number of the first group")
	fs.IntVar(&c.MetricsPerGroup, "metrics-per-group", c.MetricsPerGroup, "samples per push; below 20 all are gauges, otherwise counters, gauges and one histogram")
	fs.IntVar(&c.Jobs, "jobs", c.Jobs, "distinct job names the groups are spread over")
	fs.IntVar(&c.Concurrency, "concurrency", c.Concurrency, "concurrent pushers (or requesters)")
	fs.IntVar(&c.Scrapers, "scrapers", c.Scrapers, "mixed: concurrent scrapers")
	fs.DurationVar(&c.ScrapeInterval, "scrape-interval", c.ScrapeInterval, "mixed: time between the starts of a scraper's scrapes")
	fs.Float64Var(&c.Rate, "rate", c.Rate, "requests per second over all workers, open loop; 0: closed loop")
	fs.Int64Var(&c.Ops, "ops", c.Ops, "stop after this many requests; 0: run for -duration")
	fs.DurationVar(&c.Duration, "duration", c.Duration, "time after which no new request starts")
	fs.DurationVar(&c.Timeout, "timeout", c.Timeout, "time limit of one request")
	fs.IntVar(&c.Variants, "variants", c.Variants, "distinct push bodies prepared in advance (values differ)")
	fs.StringVar(&c.ScrapePath, "scrape-path", c.ScrapePath, "path scraped")
	fs.StringVar(&c.PushPath, "push-path", c.PushPath, "path of a group; {job} and {instance} are filled in")
	fs.Var(&c.Headers, "header", "additional request header 'Name: value'; repeatable")
	fs.IntVar(&c.PID, "pid", c.PID, "server's process id: report its CPU time and memory (Linux)")
	fs.StringVar(&c.Label, "label", c.Label, "copied into the output")
}

func (c loadConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.Mode {
	case "push-put", "push-post", "scrape", "mixed", "get-group", "delete":
	default:
		bad("unknown -mode %q", c.Mode)
	}
	if c.Format != "text" && c.Format != "protobuf" {
		bad("unknown -format %q", c.Format)
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" || u.Host == "" {
		bad("-url must be an http:// address, got %q", c.URL)
	}
	if min(c.Groups, c.Concurrency, c.Jobs, c.Variants, c.MetricsPerGroup) < 1 {
		bad("-groups, -concurrency, -jobs, -variants and -metrics-per-group must be at least 1")
	}
	if min(c.Duration, c.ScrapeInterval, c.Timeout) <= 0 {
		bad("durations must be positive")
	}
	if c.Rate < 0 || c.Ops < 0 || c.Scrapers < 0 || c.FirstGroup < 0 {
		bad("-rate, -ops, -scrapers and -first-group must not be negative")
	}
	return errors.Join(errs...)
}

// loadReport is the output of a load run.
type loadReport struct {
	Config  loadConfig        `json:"config"`
	Seconds float64           `json:"seconds"`
	Results map[string]result `json:"results"`
	Client  clientUsage       `json:"client"`
	Server  *serverUsage      `json:"server,omitempty"`
}

type clientUsage struct {
	CPUSeconds float64 `json:"cpu_s"`
	GOMAXPROCS int     `json:"gomaxprocs"`
}

// load is the load command. It fails when every request of one kind failed.
func load(ctx context.Context, args []string, out, messages io.Writer) error {
	c := defaultLoad()
	fs := flag.NewFlagSet("bench load", flag.ContinueOnError)
	fs.SetOutput(messages)
	c.register(fs)
	dump := fs.Bool("print-payload", false, "print one push body and exit")
	if err := parse(fs, args); err != nil {
		return err
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if err := c.validate(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *dump {
		_, err := out.Write(textPayload(c.MetricsPerGroup, 0))
		return err
	}
	r, err := runLoad(ctx, c)
	if err != nil {
		return err
	}
	r.Client.GOMAXPROCS = runtime.GOMAXPROCS(0)
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	for kind, res := range r.Results {
		if res.Ops > 0 && res.Errors == res.Ops {
			return fmt.Errorf("every %s failed: %s", kind, res.FirstError)
		}
	}
	return nil
}
