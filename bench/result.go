package main

import (
	"slices"
	"strconv"
	"time"
)

// result sums up one kind of request.
type result struct {
	Ops        int64            `json:"ops"`
	OpsPerSec  float64          `json:"ops_per_s"`
	Errors     int64            `json:"errors"`
	Statuses   map[string]int64 `json:"statuses"`
	FirstError string           `json:"first_error,omitempty"`
	MeanMs     float64          `json:"mean_ms"`
	P50Ms      float64          `json:"p50_ms"`
	P90Ms      float64          `json:"p90_ms"`
	P99Ms      float64          `json:"p99_ms"`
	MaxMs      float64          `json:"max_ms"`
	SentBps    float64          `json:"sent_bytes_per_s"`
	RecvBps    float64          `json:"received_bytes_per_s"`
	BytesPerOp float64          `json:"received_bytes_per_op"`
}

// succeeded is the number of requests answered with a 2xx status.
func (r result) succeeded() int64 { return r.Ops - r.Errors }

func summarize(ws []*worker, elapsed time.Duration) result {
	r := result{Statuses: map[string]int64{}}
	var all []time.Duration
	var sum time.Duration
	var sent, received int64
	for _, w := range ws {
		all = append(all, w.latencies...)
		r.Errors += w.errors
		sent += w.sent
		received += w.received
		for code, n := range w.statuses {
			r.Statuses[strconv.Itoa(code)] += n
		}
		if r.FirstError == "" {
			r.FirstError = w.firstErr
		}
	}
	r.Ops = int64(len(all))
	if r.Ops == 0 {
		return r
	}
	slices.Sort(all)
	for _, l := range all {
		sum += l
	}
	at := func(q float64) float64 { return ms(all[min(int(q*float64(len(all))), len(all)-1)]) }
	r.OpsPerSec = float64(r.Ops) / elapsed.Seconds()
	r.MeanMs = ms(sum / time.Duration(len(all)))
	r.P50Ms, r.P90Ms, r.P99Ms, r.MaxMs = at(0.50), at(0.90), at(0.99), ms(all[len(all)-1])
	r.SentBps = float64(sent) / elapsed.Seconds()
	r.RecvBps = float64(received) / elapsed.Seconds()
	r.BytesPerOp = float64(received) / float64(r.Ops)
	return r
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// median returns the middle of values, which it sorts; 0 for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
