package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"
)

// peer measures upstream's Pushgateway.
func (b *bench) peer(ctx context.Context) (*figures, error) {
	path, err := b.findPeer()
	if err != nil {
		return nil, err
	}
	dir, err := b.mkdir("peer")
	if err != nil {
		return nil, err
	}
	var f figures
	file := "--persistence.file=" + filepath.Join(dir, "metrics")
	// Written only when it ends: the file must not weigh on its figures.
	interval := "--persistence.interval=24h"
	steps := []struct {
		args []string
		run  func(context.Context, *server, *figures) error
	}{
		{[]string{"--persistence.file="}, b.peerFew}, // Debian's has a default
		{[]string{file, interval, "--push.disable-consistency-check"}, b.peerUnchecked},
		{[]string{file, interval}, b.peerChecked},
	}
	for _, step := range steps {
		s, err := start(ctx, program{name: "peer", path: path, args: step.args}, dir)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(step.run(ctx, s, &f), s.stop()); err != nil {
			return nil, err
		}
	}
	f.Flatness = f.PushMany / f.PushFew
	return &f, nil
}

func (b *bench) peerFew(ctx context.Context, s *server, f *figures) error {
	o := b.options
	if err := b.preload(ctx, s, o.Few); err != nil {
		return err
	}
	b.say("peer: checked pushes at %d groupings for %s", o.Few, o.Duration)
	r, err := b.push(ctx, s, o.Few, o.Workers, 0, o.Duration)
	if err != nil {
		return err
	}
	f.PushFew = r.Results["push"].OpsPerSec
	return refused(s, r.Results["push"])
}

// peerUnchecked fills the peer, which takes hours with its check on, and
// leaves its file behind.
func (b *bench) peerUnchecked(ctx context.Context, s *server, f *figures) error {
	o := b.options
	if err := b.preload(ctx, s, o.Groupings); err != nil {
		return err
	}
	b.say("peer: unchecked pushes at %d groupings for %s", o.Groupings, o.Duration)
	r, err := b.push(ctx, s, o.Groupings, o.Workers, 0, o.Duration)
	if err != nil {
		return err
	}
	push := r.Results["push"]
	f.Unchecked, f.UncheckedCPU = push.OpsPerSec, cpuPerPush(r.Server.CPUSeconds, push)
	return refused(s, push)
}

// peerChecked goes on with the file of peerUnchecked and the check.
func (b *bench) peerChecked(ctx context.Context, s *server, f *figures) error {
	o := b.options
	f.RestartMs = ms(s.startup)
	sc := newScraper(s)
	defer sc.close()
	if err := holds(ctx, s, sc, o.Groupings); err != nil {
		return err
	}
	b.say("peer: checked pushes at %d groupings for %s", o.Groupings, o.PeerDuration)
	r, err := b.push(ctx, s, o.Groupings, o.PeerWorkers, 0, o.PeerDuration)
	if err != nil {
		return err
	}
	// Some may run into the time limit of a request: only answers count.
	push := r.Results["push"]
	f.PushMany = float64(push.succeeded()) / r.Seconds
	f.P99Ms, f.PushCPUMs = push.P99Ms, cpuPerPush(r.Server.CPUSeconds, push)
	return b.scrapes(ctx, s, f, []scrapeStep{
		{into: &f.TextMs, accept: acceptText, bytes: &f.TextBytes},
		{into: &f.GzipMs, accept: acceptText, encoding: "gzip"},
		{into: &f.ProtobufMs, accept: acceptProtobuf},
	})
}

// gatehouse measures Gatehouse: two servers, of few and of many groupings, are
// driven in turn, so that both see the same moods of the machine.
func (b *bench) gatehouse(ctx context.Context) (_ *figures, err error) {
	path, err := b.findGatehouse(ctx)
	if err != nil {
		return nil, err
	}
	run := func(name string) (*server, error) {
		dir, err := b.mkdir(name)
		if err != nil {
			return nil, err
		}
		return b.startGatehouse(ctx, path, dir)
	}
	few, err := run("few")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, few.stop()) }()
	many, err := run("many")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, many.stop()) }()
	var f figures
	if err := b.rounds(ctx, few, many, &f); err != nil {
		return nil, err
	}
	body := len(textPayload(b.options.Metrics, 0))
	if f.AppendBound, err = appendLoop(ctx, b.dir, b.options.Workers, body, b.options.Duration); err != nil {
		return nil, err
	}
	if err := b.gatehouseScrapes(ctx, many, &f); err != nil {
		return nil, err
	}
	if f.ConstantBound, err = constantScrape(ctx, b.options.Scrapes, f.TextBytes); err != nil {
		return nil, err
	}
	return &f, b.restarts(ctx, path, many, &f)
}

func (b *bench) startGatehouse(ctx context.Context, path, dir string) (*server, error) {
	args := []string{"--storage.path=" + filepath.Join(dir, "data"), "--log.level=warn"}
	return start(ctx, program{name: "gatehouse", path: path, args: args}, dir)
}

// rounds pushes to both servers in turn. The first round warms up and does not
// count.
func (b *bench) rounds(ctx context.Context, few, many *server, f *figures) error {
	o := b.options
	if err := errors.Join(b.preload(ctx, few, o.Few), b.preload(ctx, many, o.Groupings)); err != nil {
		return err
	}
	var fewRates, manyRates, ratios, cpu, p99 []float64
	for i := range o.Rounds + 1 {
		b.say("gatehouse: checked, durable pushes at %d and %d groupings for %s each, round %d", o.Few, o.Groupings, o.Duration, i)
		small, err := b.round(ctx, few, o.Few)
		if err != nil {
			return err
		}
		large, err := b.round(ctx, many, o.Groupings)
		if err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		push := large.Results["push"]
		fewRates = append(fewRates, small.Results["push"].OpsPerSec)
		manyRates = append(manyRates, push.OpsPerSec)
		ratios = append(ratios, push.OpsPerSec/small.Results["push"].OpsPerSec)
		cpu = append(cpu, cpuPerPush(large.Server.CPUSeconds, push))
		p99 = append(p99, push.P99Ms)
	}
	f.PushFew, f.PushMany, f.Flatness = median(fewRates), median(manyRates), median(ratios)
	f.PushCPUMs, f.P99Ms = median(cpu), median(p99)
	return nil
}

func (b *bench) round(ctx context.Context, s *server, groupings int) (*loadReport, error) {
	r, err := b.push(ctx, s, groupings, b.options.Workers, 0, b.options.Duration)
	if err != nil {
		return nil, err
	}
	return r, refused(s, r.Results["push"])
}

func (b *bench) gatehouseScrapes(ctx context.Context, s *server, f *figures) error {
	change := func() error {
		r, err := b.push(ctx, s, 1, 1, 1, time.Hour)
		if err != nil {
			return err
		}
		return refused(s, r.Results["push"])
	}
	return b.scrapes(ctx, s, f, []scrapeStep{
		{into: &f.TextChangedMs, accept: acceptText, before: change},
		{into: &f.GzipChangedMs, accept: acceptText, encoding: "gzip", before: change},
		{into: &f.TextMs, accept: acceptText, bytes: &f.TextBytes},
		{into: &f.GzipMs, accept: acceptText, encoding: "gzip"},
		{into: &f.OpenMetricsMs, accept: acceptOpenMetrics},
		{into: &f.OpenMetricsGzipMs, accept: acceptOpenMetrics, encoding: "gzip"},
		{into: &f.ProtobufMs, accept: acceptProtobuf},
	})
}

// restarts ends the server and starts it on what it has stored, three times.
func (b *bench) restarts(ctx context.Context, path string, s *server, f *figures) error {
	b.say("gatehouse: restarting")
	var times []float64
	for range 3 {
		if err := s.stop(); err != nil {
			return err
		}
		next, err := b.startGatehouse(ctx, path, s.cmd.Dir)
		if err != nil {
			return err
		}
		times = append(times, ms(next.startup))
		sc := newScraper(next)
		err = holds(ctx, next, sc, b.options.Groupings)
		sc.close()
		if err = errors.Join(err, next.stop()); err != nil {
			return err
		}
	}
	f.RestartMs = median(times)
	return nil
}

// scrapeStep is one format to be scraped and where its figures go.
type scrapeStep struct {
	into             *float64
	bytes            *int64 // nil: not kept
	accept, encoding string // encoding "": identity
	before           func() error
}

// scrapes notes the memory after the load, then scrapes in every format and
// notes the peak of that.
func (b *bench) scrapes(ctx context.Context, s *server, f *figures, steps []scrapeStep) error {
	b.say("%s: scraping", s.name)
	usage, err := readServer(s.pid)
	if err != nil {
		return err
	}
	f.RSSMiB = usage.rss
	if err := resetPeak(s.pid); err != nil {
		return err
	}
	sc := newScraper(s)
	defer sc.close()
	for _, step := range steps {
		encoding := step.encoding
		if encoding == "" {
			encoding = "identity"
		}
		got, err := sc.scrape(ctx, b.options.Scrapes, step.accept, encoding, step.before)
		if err != nil {
			return err
		}
		*step.into = got.ms
		if step.bytes != nil {
			*step.bytes = got.bytes
		}
	}
	usage, err = readServer(s.pid)
	if err != nil {
		return err
	}
	f.PeakMiB = usage.peak
	return nil
}

// cpuPerPush is the server's CPU time in milliseconds for a push that
// succeeded.
func cpuPerPush(seconds float64, push result) float64 {
	if push.succeeded() == 0 {
		return 0
	}
	return seconds * 1000 / float64(push.succeeded())
}
