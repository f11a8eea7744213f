package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// The machine's limits, measured in the same minutes: figures of Gatehouse mean
// something beside them only.

// constantScrape is the time of a scrape of size bytes from a server that does
// nothing but send them.
func constantScrape(ctx context.Context, n int, size int64) (ms float64, err error) {
	body := bytes.Repeat([]byte{'\n'}, int(size))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	srv := &fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) { c.Response.SetBodyRaw(body) }}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() { err = errors.Join(err, srv.Shutdown(), <-served) }()
	sc := newScraper(&server{url: "http://" + l.Addr().String()})
	defer sc.close()
	got, err := sc.scrape(ctx, n, acceptText, "identity", nil)
	return got.ms, err
}

// appendLoop returns how many records of size bytes a second `workers`
// goroutines get onto the disk in dir when those that come together share a
// sync.
func appendLoop(ctx context.Context, dir string, workers, size int, duration time.Duration) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "append"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	record := bytes.Repeat([]byte{'r'}, size)
	waiting := make(chan chan struct{}, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			done := make(chan struct{})
			for ctx.Err() == nil {
				waiting <- done
				<-done
			}
		})
	}
	go func() { wg.Wait(); close(waiting) }()
	begin := time.Now()
	written, err := commitGroups(f, waiting, record)
	return float64(written) / time.Since(begin).Seconds(), err
}

// commitGroups writes a record for every waiting goroutine and syncs once for
// all of them, until none comes any more.
func commitGroups(f *os.File, waiting <-chan chan struct{}, record []byte) (written int, err error) {
	var group []chan struct{}
	var batch []byte
	for first := range waiting {
		group, batch = append(group[:0], first), append(batch[:0], record...)
		for range len(waiting) {
			group, batch = append(group, <-waiting), append(batch, record...)
		}
		if err == nil {
			if _, err = f.Write(batch); err == nil {
				err = syscall.Fdatasync(int(f.Fd()))
			}
			written += len(group)
		}
		for _, done := range group {
			done <- struct{}{}
		}
	}
	return written, err
}
