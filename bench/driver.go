package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// target is the input of a worker's request.
type target struct {
	kind        string // key in the report
	method      string
	path        func(n int64) string
	body        func(n int64) []byte
	contentType string
}

// worker keeps its own counters, so that workers share nothing while running.
type worker struct {
	latencies []time.Duration
	statuses  map[int]int64
	errors    int64
	firstErr  string
	sent      int64
	received  int64
}

type driver struct {
	cfg    loadConfig
	client *fasthttp.HostClient
	start  time.Time
	stop   time.Time
	next   atomic.Int64 // number of the next push (or other request)
}

// runLoad sends what c asks for and sums it up. When ctx ends, no new request
// starts and its error is returned.
func runLoad(ctx context.Context, c loadConfig) (*loadReport, error) {
	d, err := newDriver(c)
	if err != nil {
		return nil, err
	}
	requests, scrapes, err := d.targets()
	if err != nil {
		return nil, err
	}
	before, err := readServer(c.PID)
	if err != nil {
		return nil, err
	}
	cpuBefore := ownCPU()
	d.start = time.Now()
	d.stop = d.start.Add(c.Duration)
	workers := d.drive(ctx, requests, scrapes)
	elapsed := time.Since(d.start)
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	r := &loadReport{Config: c, Seconds: elapsed.Seconds(), Results: map[string]result{}}
	r.Client.CPUSeconds = ownCPU() - cpuBefore
	for kind, ws := range workers {
		r.Results[kind] = summarize(ws, elapsed)
	}
	after, err := readServer(c.PID)
	if err != nil {
		return nil, fmt.Errorf("the server is gone: %w", err)
	}
	r.Server = serverDelta(before, after)
	return r, nil
}

func newDriver(c loadConfig) (*driver, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	addr := u.Host
	if u.Port() == "" {
		addr += ":80"
	}
	return &driver{cfg: c, client: &fasthttp.HostClient{
		Addr:                      addr,
		MaxConns:                  c.Concurrency + c.Scrapers + 1,
		ReadBufferSize:            64 << 10,
		WriteBufferSize:           16 << 10,
		StreamResponseBody:        true,
		MaxIdemponentCallAttempts: 1,
		MaxIdleConnDuration:       time.Minute,
		NoDefaultUserAgentHeader:  true,
		DisablePathNormalizing:    true,
	}}, nil
}

// drive runs all workers to their end and returns them by kind. Scrapers end
// when the last of the others has.
func (d *driver) drive(ctx context.Context, requests, scrapes *target) map[string][]*worker {
	workers := map[string][]*worker{}
	spawn := func(wg *sync.WaitGroup, t *target, n int, run func(*worker)) {
		for range n {
			w := &worker{statuses: map[int]int64{}}
			workers[t.kind] = append(workers[t.kind], w)
			wg.Go(func() { run(w) })
		}
	}
	loop := d.closedLoop
	if d.cfg.Rate > 0 {
		loop = d.openLoop
	}
	var pushing, scraping sync.WaitGroup
	beside, done := context.WithCancel(ctx)
	defer done()
	spawn(&pushing, requests, d.cfg.Concurrency, func(w *worker) { loop(ctx, w, requests) })
	if scrapes != nil {
		spawn(&scraping, scrapes, d.cfg.Scrapers, func(w *worker) { d.periodic(beside, w, scrapes) })
	}
	pushing.Wait()
	done()
	scraping.Wait()
	d.client.CloseIdleConnections()
	return workers
}

// targets returns what the workers do and, for mixed, what the scrapers do.
func (d *driver) targets() (requests, scrapes *target, err error) {
	c := d.cfg
	paths := groupPaths(c)
	groupPath := func(n int64) string { return paths[n%int64(len(paths))] }
	scrapePath := func(int64) string { return c.ScrapePath }
	switch c.Mode {
	case "scrape":
		return &target{kind: "scrape", method: "GET", path: scrapePath}, nil, nil
	case "get-group":
		return &target{kind: "get-group", method: "GET", path: groupPath}, nil, nil
	case "delete":
		return &target{kind: "delete", method: "DELETE", path: groupPath}, nil, nil
	}
	bodies, contentType, err := payloads(c.Format, c.MetricsPerGroup, c.Variants)
	if err != nil {
		return nil, nil, err
	}
	push := &target{
		kind:        "push",
		method:      "PUT",
		path:        groupPath,
		body:        func(n int64) []byte { return bodies[n%int64(len(bodies))] },
		contentType: contentType,
	}
	if c.Mode == "push-post" {
		push.method = "POST"
	}
	if c.Mode == "mixed" {
		scrapes = &target{kind: "scrape", method: "GET", path: scrapePath}
	}
	return push, scrapes, nil
}

func groupPaths(c loadConfig) []string {
	paths := make([]string, c.Groups)
	for i := range paths {
		g := c.FirstGroup + i
		paths[i] = strings.NewReplacer(
			"{job}", "batch-"+strconv.Itoa(g%c.Jobs),
			"{instance}", "host-"+strconv.Itoa(g),
		).Replace(c.PushPath)
	}
	return paths
}

// take returns the number of the next request, or false when there is none.
func (d *driver) take(ctx context.Context) (int64, bool) {
	n := d.next.Add(1) - 1
	return n, ctx.Err() == nil && (d.cfg.Ops == 0 || n < d.cfg.Ops)
}

func (d *driver) closedLoop(ctx context.Context, w *worker, t *target) {
	for {
		n, ok := d.take(ctx)
		begin := time.Now()
		if !ok || begin.After(d.stop) {
			return
		}
		d.do(w, t, n, begin)
	}
}

func (d *driver) openLoop(ctx context.Context, w *worker, t *target) {
	for {
		n, ok := d.take(ctx)
		due := d.start.Add(time.Duration(float64(n) / d.cfg.Rate * float64(time.Second)))
		if !ok || due.After(d.stop) || time.Now().After(d.stop) || !waitUntil(ctx, due) {
			return
		}
		d.do(w, t, n, due)
	}
}

// periodic skips the turns it missed, as Prometheus does.
func (d *driver) periodic(ctx context.Context, w *worker, t *target) {
	for n := int64(0); ; n++ {
		due := d.start.Add(time.Duration(n) * d.cfg.ScrapeInterval)
		if due.After(d.stop) {
			return
		}
		if time.Since(due) >= d.cfg.ScrapeInterval {
			continue
		}
		if !waitUntil(ctx, due) {
			return
		}
		d.do(w, t, n, time.Now())
	}
}

// waitUntil reports whether due came before ctx ended.
func waitUntil(ctx context.Context, due time.Time) bool {
	if !time.Now().Before(due) {
		return true
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// do sends request n and records its latency from `begin` on.
func (d *driver) do(w *worker, t *target, n int64, begin time.Time) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(t.method)
	req.SetRequestURI(d.cfg.URL + t.path(n))
	for _, h := range d.cfg.Headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if t.body != nil {
		body := t.body(n)
		req.Header.SetContentType(t.contentType)
		req.SetBodyRaw(body)
		w.sent += int64(len(body))
	}
	err := d.client.DoTimeout(req, resp, d.cfg.Timeout)
	var text []byte
	if err == nil {
		var received int64
		received, text, err = drain(resp)
		w.received += received
	}
	w.latencies = append(w.latencies, time.Since(begin))
	if err != nil {
		w.fail(err.Error())
		return
	}
	code := resp.StatusCode()
	w.statuses[code]++
	if code < 200 || code > 299 {
		w.fail(fmt.Sprintf("%s %s: %d: %s", t.method, t.path(n), code, text))
	}
}

func (w *worker) fail(msg string) {
	w.errors++
	if w.firstErr == "" {
		w.firstErr = msg
	}
}

// drain reads the whole body and returns its length and its first bytes.
func drain(resp *fasthttp.Response) (int64, []byte, error) {
	stream := resp.BodyStream()
	if stream == nil {
		b := resp.Body()
		return int64(len(b)), head(b), nil
	}
	bufp := drainBuffers.Get().(*[]byte)
	defer drainBuffers.Put(bufp)
	var total int64
	var first []byte
	for {
		n, err := stream.Read(*bufp)
		if total == 0 && n > 0 {
			first = head((*bufp)[:n])
		}
		total += int64(n)
		if err == io.EOF {
			return total, first, resp.CloseBodyStream()
		}
		if err != nil {
			return total, first, err
		}
	}
}

func head(b []byte) []byte { return slices.Clone(b[:min(len(b), 200)]) }

var drainBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}
