package main

import (
	"reflect"
	"testing"
	"time"
)

func TestMedianIsTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
	} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("%v: want %v, got %v", tt.in, tt.want, got)
		}
	}
}

func TestAResultSumsUpAllWorkers(t *testing.T) {
	r := summarize([]*worker{
		{latencies: []time.Duration{time.Millisecond, 3 * time.Millisecond}, statuses: map[int]int64{200: 2}, sent: 10},
		{latencies: []time.Duration{8 * time.Millisecond, 4 * time.Millisecond}, statuses: map[int]int64{200: 1, 400: 1}, errors: 1, firstErr: "no", received: 6},
	}, 2*time.Second)
	want := result{
		Ops: 4, OpsPerSec: 2, Errors: 1, FirstError: "no", Statuses: map[string]int64{"200": 3, "400": 1},
		MeanMs: 4, P50Ms: 4, P90Ms: 8, P99Ms: 8, MaxMs: 8, SentBps: 5, RecvBps: 3, BytesPerOp: 1.5,
	}
	if !reflect.DeepEqual(r, want) || r.succeeded() != 3 {
		t.Errorf("want %+v, got %+v", want, r)
	}
}

func TestAResultOfNothingIsZero(t *testing.T) {
	if r := summarize(nil, time.Second); r.Ops != 0 || r.OpsPerSec != 0 || r.MaxMs != 0 {
		t.Errorf("got %+v", r)
	}
}
