package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder answers pushes and scrapes and remembers what came.
type recorder struct {
	mu     sync.Mutex
	seen   map[string]int // by method and path
	refuse bool
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[req.Method+" "+req.URL.Path]++
	switch {
	case r.refuse:
		http.Error(w, "no", http.StatusTooManyRequests)
	case req.Method == http.MethodGet:
		_, _ = w.Write(make([]byte, 1000))
	}
}

func record(t *testing.T) (*recorder, loadConfig) {
	t.Helper()
	r := &recorder{seen: map[string]int{}}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	c := defaultLoad()
	c.URL, c.Duration, c.ScrapeInterval = srv.URL, time.Hour, time.Hour
	return r, c
}

func TestEveryModeSendsTheNumberOfRequestsAskedFor(t *testing.T) {
	for _, tt := range []struct{ mode, kind, request string }{
		{"push-put", "push", "PUT /metrics/job/batch-1/instance/host-1"},
		{"push-post", "push", "POST /metrics/job/batch-1/instance/host-1"},
		{"delete", "delete", "DELETE /metrics/job/batch-1/instance/host-1"},
		{"get-group", "get-group", "GET /metrics/job/batch-1/instance/host-1"},
	} {
		r, c := record(t)
		c.Mode, c.Groups, c.Ops, c.Concurrency = tt.mode, 3, 30, 4
		report, err := runLoad(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Results[tt.kind]; got.Ops != 30 || got.Errors != 0 || got.Statuses["200"] != 30 {
			t.Errorf("%s: want 30 successes, got %+v", tt.mode, got)
		}
		if r.seen[tt.request] != 10 || len(r.seen) != 3 {
			t.Errorf("%s: want 10 of %s and of two others, got %v", tt.mode, tt.request, r.seen)
		}
	}
}

func TestMixedScrapesBesideAnOpenLoopOfPushes(t *testing.T) {
	r, c := record(t)
	c.Mode, c.Format, c.Rate, c.Ops = "mixed", "protobuf", 10_000, 20
	report, err := runLoad(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if push := report.Results["push"]; push.Ops != 20 || push.Errors != 0 {
		t.Errorf("push: %+v", push)
	}
	if scrape := report.Results["scrape"]; scrape.Ops != 1 || scrape.BytesPerOp != 1000 || r.seen["GET /metrics"] != 1 {
		t.Errorf("want one scrape of 1000 bytes, got %+v, the server saw %v", scrape, r.seen)
	}
}

func TestAServerThatRefusesIsAnErrorOfTheLoadCommand(t *testing.T) {
	r, c := record(t)
	r.refuse = true
	var out bytes.Buffer
	err := run(t.Context(), []string{"load", "-url", c.URL, "-ops", "3"}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("want an error that names the status, got %v", err)
	}
	var report loadReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || report.Results["push"].Errors != 3 {
		t.Errorf("want a report with 3 errors, got %s (%v)", out.Bytes(), err)
	}
}

func TestAnInterruptedRunReportsNothing(t *testing.T) {
	_, c := record(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := runLoad(ctx, c); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("want no report and the context's error, got %v, %v", r, err)
	}
}

func TestTheServersUsageIsReadFromItsProcessID(t *testing.T) {
	_, c := record(t)
	c.Ops, c.PID = 10, os.Getpid()
	r, err := runLoad(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Server; s == nil || s.RSSAfterMiB <= 0 || s.RSSPeakMiB < s.RSSBeforeMiB/2 {
		t.Errorf("unlikely usage: %+v", s)
	}
}

func TestBadFlagsAreReportedTogether(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown command", []string{"walk"}, []string{"walk"}},
		{
			"several mistakes",
			[]string{"load", "-mode", "x", "-format", "y", "-url", "ftp://z", "-groups", "0", "-rate", "-1", "-timeout", "0s"},
			[]string{`"x"`, `"y"`, `"ftp://z"`, "-groups", "-rate", "durations"},
		},
		{"an argument too many", []string{"load", "more"}, []string{`"more"`}},
		{"an unknown flag", []string{"-nonsense"}, []string{"nonsense"}},
		{"only neither side", []string{"compare", "-only", "both"}, []string{"-only"}},
		{"no groupings", []string{"-groupings", "0"}, []string{"at least 1"}},
		{"no time", []string{"-duration", "0s"}, []string{"positive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t.Context(), tt.args, io.Discard, io.Discard)
			if !errors.Is(err, errUsage) {
				t.Fatalf("%q: want a usage error, got %v", tt.args, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q: want %s in %q", tt.args, part, err)
				}
			}
		})
	}
}
