package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// row is one line of the table. Zero: not measured.
type row struct {
	Name      string  `json:"name"`
	Unit      string  `json:"unit"`
	Gatehouse float64 `json:"gatehouse,omitempty"`
	Peer      float64 `json:"peer,omitempty"`
	// Better is how many times better Gatehouse does.
	Better float64 `json:"times_better,omitempty"`
}

// rows sets the figures of both sides beside each other; either may be nil.
func rows(o compareOptions, g, p *figures) []row {
	if g == nil {
		g = &figures{}
	}
	if p == nil {
		p = &figures{}
	}
	var all []row
	more := func(name, unit string, g, p float64) { all = append(all, row{name, unit, g, p, ratio(g, p)}) }
	less := func(name, unit string, g, p float64) { all = append(all, row{name, unit, g, p, ratio(p, g)}) }
	at := func(what string, n int) string { return fmt.Sprintf("%s, %d groupings", what, n) }

	more(at("checked pushes", o.Few), "1/s", g.PushFew, p.PushFew)
	more(at("checked pushes", o.Groupings), "1/s", g.PushMany, p.PushMany)
	more(fmt.Sprintf("rate at %d / rate at %d", o.Groupings, o.Few), "", g.Flatness, p.Flatness)
	// The peer is driven with fewer workers: its latency is not comparable.
	less("99th percentile of these pushes", "ms", g.P99Ms, 0)
	less("server CPU per checked push", "ms", g.PushCPUMs, p.PushCPUMs)
	more(at("same, but the peer unchecked", o.Groupings), "1/s", g.PushMany, p.Unchecked)
	less("server CPU per push, peer unchecked", "ms", g.PushCPUMs, p.UncheckedCPU)

	less("scrape, text", "ms", g.TextMs, p.TextMs)
	less("scrape, text after a push", "ms", g.TextChangedMs, p.TextMs)
	less("scrape, gzip", "ms", g.GzipMs, p.GzipMs)
	less("scrape, gzip after a push", "ms", g.GzipChangedMs, p.GzipMs)
	less("scrape, OpenMetrics", "ms", g.OpenMetricsMs, 0)
	less("scrape, OpenMetrics, gzip", "ms", g.OpenMetricsGzipMs, 0)
	less("scrape, protobuf", "ms", g.ProtobufMs, p.ProtobufMs)
	less("bytes of a text scrape", "MB", float64(g.TextBytes)/1e6, float64(p.TextBytes)/1e6)

	less("memory after load", "MiB", g.RSSMiB, p.RSSMiB)
	less("peak while scraped", "MiB", g.PeakMiB, p.PeakMiB)
	less("restart until ready", "ms", g.RestartMs, p.RestartMs)
	more("bound: bare append loop with group commit", "1/s", g.AppendBound, 0)
	less("bound: scrape of a constant body", "ms", g.ConstantBound, 0)
	return all
}

// ratio is 0 where one side was not measured.
func ratio(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a / b
}

func writeTable(w io.Writer, c comparison) error {
	o := c.Options
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%d samples per push, %d workers, load and server on the same %d cores\n\n", o.Metrics, o.Workers, c.Cores)
	fmt.Fprintln(tw, "what\tunit\tgatehouse\tpeer\ttimes better")
	for _, r := range c.Rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Unit, number(r.Gatehouse), number(r.Peer), number(r.Better))
	}
	return tw.Flush()
}

// number shows three significant digits, and "-" for no measurement.
func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
