package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The Accept headers of the formats that are scraped.
const (
	acceptText        = "text/plain; version=0.0.4"
	acceptOpenMetrics = "application/openmetrics-text; version=1.0.0"
	acceptProtobuf    = protobufContentType
)

const scrapeLimit = 5 * time.Minute

// pushTimeLine begins the one line that every grouping adds to a text scrape.
var pushTimeLine = []byte("\npush_time_seconds{")

// scraper asks one server for all its metrics, over one connection.
type scraper struct {
	client *http.Client
	url    string
}

func newScraper(s *server) *scraper {
	// Bytes are counted as they come: nothing is inflated on the way.
	t := &http.Transport{DisableCompression: true}
	return &scraper{client: &http.Client{Transport: t, Timeout: scrapeLimit}, url: s.url + "/metrics"}
}

// scraped holds the times and sizes of repeated scrapes.
type scraped struct {
	ms    float64 // median
	bytes int64   // of the last body, as it was sent
}

// scrape asks n times, with `before` done ahead of each (nil: nothing), and
// takes the median. The first scrape, which warms up, is not counted.
func (s *scraper) scrape(ctx context.Context, n int, accept, encoding string, before func() error) (scraped, error) {
	var r scraped
	var times []float64
	for i := range n + 1 {
		if before != nil {
			if err := before(); err != nil {
				return r, err
			}
		}
		begin := time.Now()
		size, err := s.read(ctx, accept, encoding, io.Discard)
		if err != nil {
			return r, err
		}
		if i > 0 {
			times = append(times, ms(time.Since(begin)))
		}
		r.bytes = size
	}
	r.ms = median(times)
	return r, nil
}

// groupings counts the groupings that a scrape shows.
func (s *scraper) groupings(ctx context.Context) (int, error) {
	var body bytes.Buffer
	if _, err := s.read(ctx, acceptText, "identity", &body); err != nil {
		return 0, err
	}
	return bytes.Count(body.Bytes(), pushTimeLine), nil
}

func (s *scraper) read(ctx context.Context, accept, encoding string, to io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	size, err := io.Copy(to, resp.Body)
	switch {
	case err != nil:
		return size, err
	case resp.StatusCode != http.StatusOK:
		return size, fmt.Errorf("GET %s: %s", s.url, resp.Status)
	case resp.Header.Get("Content-Encoding") != "gzip" && encoding == "gzip":
		return size, fmt.Errorf("GET %s: asked for gzip, got Content-Encoding %q", s.url, resp.Header.Get("Content-Encoding"))
	}
	return size, nil
}

func (s *scraper) close() { s.client.CloseIdleConnections() }
