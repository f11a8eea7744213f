package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestASmallComparisonMeasuresBothSides(t *testing.T) {
	if _, err := exec.LookPath(peerProgram); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("Debian's package prometheus-pushgateway is not installed")
	}
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{
		"compare", "-json", "-dir", t.TempDir(), "-groupings", "200", "-few", "20", "-workers", "8",
		"-duration", "200ms", "-peer-duration", "200ms", "-rounds", "1", "-scrapes", "1",
	}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.Bytes())
	}
	var c comparison
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	for side, f := range map[string]*figures{"gatehouse": c.Gatehouse, "peer": c.Peer} {
		if f == nil {
			t.Fatalf("nothing of %s in %s", side, out.Bytes())
		}
		for name, v := range map[string]float64{
			"pushes at few": f.PushFew, "pushes at many": f.PushMany, "text": f.TextMs, "gzip": f.GzipMs,
			"protobuf": f.ProtobufMs, "bytes": float64(f.TextBytes), "memory": f.RSSMiB, "peak": f.PeakMiB, "restart": f.RestartMs,
		} {
			if v <= 0 {
				t.Errorf("%s: %s was not measured", side, name)
			}
		}
	}
	var table bytes.Buffer
	if err := writeTable(&table, c); err != nil || !strings.Contains(table.String(), "checked pushes, 200 groupings") {
		t.Errorf("%v in the table\n%s", err, table.Bytes())
	}
}

func TestRowsSayHowManyTimesBetterGatehouseIs(t *testing.T) {
	g, p := &figures{PushFew: 1000, PushMany: 900, TextMs: 10}, &figures{PushFew: 100, PushMany: 0.45, TextMs: 400}
	want := map[string]row{
		"checked pushes, 7 groupings":   {Unit: "1/s", Gatehouse: 1000, Peer: 100, Better: 10},
		"checked pushes, 900 groupings": {Unit: "1/s", Gatehouse: 900, Peer: 0.45, Better: 2000},
		"scrape, text":                  {Unit: "ms", Gatehouse: 10, Peer: 400, Better: 40},
		"scrape, gzip":                  {Unit: "ms"},
	}
	for _, r := range rows(compareOptions{Few: 7, Groupings: 900}, g, p) {
		w, ok := want[r.Name]
		if w.Name = r.Name; ok && r != w {
			t.Errorf("want %+v, got %+v", w, r)
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, r := range rows(compareOptions{}, nil, p) {
		if r.Gatehouse != 0 || r.Better != 0 {
			t.Errorf("one side alone has no ratio: %+v", r)
		}
	}
}

func TestNumbersShowThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "-", 0.4417: "0.442", 12.345: "12.3", 99.96: "100", 54321.6: "54322", 0.00012345: "0.000123"} {
		if got := number(v); got != want {
			t.Errorf("%v: want %s, got %s", v, want, got)
		}
	}
}

func TestAScrapeCountsTheBytesOnTheWire(t *testing.T) {
	text := strings.Repeat("m 1\n", 1000) + "push_time_seconds{job=\"a\"} 1\npush_time_seconds{job=\"b\"} 2\n"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			_, _ = io.WriteString(w, text)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
	}))
	defer srv.Close()
	s := newScraper(&server{url: srv.URL})
	defer s.close()
	pushes := 0
	plain, err := s.scrape(t.Context(), 2, acceptText, "identity", func() error { pushes++; return nil })
	if err != nil || plain.bytes != int64(len(text)) || pushes != 3 {
		t.Errorf("want %d bytes after 3 pushes, got %+v after %d, %v", len(text), plain, pushes, err)
	}
	packed, err := s.scrape(t.Context(), 1, acceptText, "gzip", nil)
	if err != nil || packed.bytes >= plain.bytes/10 {
		t.Errorf("want few bytes, got %+v, %v", packed, err)
	}
	if n, err := s.groupings(t.Context()); n != 2 || err != nil {
		t.Errorf("want 2 groupings, got %d, %v", n, err)
	}
}

func TestAScrapeThatIsNotAsAskedIsAnError(t *testing.T) {
	for want, h := range map[string]http.HandlerFunc{
		"500":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"Content-Encoding": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "m 1\n") },
	} {
		srv := httptest.NewServer(h)
		s := newScraper(&server{url: srv.URL})
		if _, err := s.scrape(t.Context(), 1, acceptText, "gzip", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
		s.close()
		srv.Close()
	}
}

func TestAServerThatEndsAtOnceShowsItsLog(t *testing.T) {
	// A shell refuses the flag that servers are started with.
	_, err := start(t.Context(), program{name: "shell", path: "/bin/sh"}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "before it was ready") || !strings.Contains(err.Error(), "option") {
		t.Errorf("want an error with the shell's complaint, got %v", err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	err := run(t.Context(), []string{"compare", "-peer", "no-such-program", "-dir", t.TempDir()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("got %v", err)
	}
}
