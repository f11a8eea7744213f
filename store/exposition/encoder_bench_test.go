package exposition

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// encodeManyChunks are the chunks of 10,000 groupings that push 50 samples each.
func encodeManyChunks(utf8 bool) []Chunk {
	chunks := make([]Chunk, 10_000)
	for i := range chunks {
		var b strings.Builder
		for j := range 50 {
			if utf8 {
				fmt.Fprintf(&b, "{\"bench.seconds\",\"co.de\"=\"%d\",instance=\"host-%d:9100\",job=\"batch\",path=\"/api/v1/query\"} %d.5\n", j, i, i)
			} else {
				fmt.Fprintf(&b, "bench_seconds{code=\"%d\",instance=\"host-%d:9100\",job=\"batch\",path=\"/api/v1/query\"} %d.5\n", j, i, i)
			}
		}
		chunks[i] = Chunk{Text: []byte(b.String()), UTF8: utf8, Series: 50}
	}
	return chunks
}

func BenchmarkEncoder(b *testing.B) {
	for _, bench := range []struct {
		name, accept, family string
		utf8                 bool
	}{
		{"text", "", "bench_seconds", false},
		{"openmetrics", negotiateAskOM, "bench_seconds", false},
		{"protobuf", negotiateAskProto, "bench_seconds", false},
		{"text of UTF-8 names, underscores", "", "bench.seconds", true},
		{"protobuf of UTF-8 names, underscores", negotiateAskProto, "bench.seconds", true},
	} {
		chunks := encodeManyChunks(bench.utf8)
		size := 0
		for _, c := range chunks {
			size += len(c.Text)
		}
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				e := NewEncoder(io.Discard, Negotiate(bench.accept), nil)
				if err := e.Family(bench.family, Gauge, "Help.", "", chunks); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMetrics(b *testing.B) {
	c := encodeManyChunks(false)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Metrics("bench_seconds", Gauge, c); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTextOfManyChunksCostsNoAllocationEach(t *testing.T) {
	chunks := encodeManyChunks(false)[:1000]
	for _, accept := range []string{"", negotiateAskOM} {
		format := Negotiate(accept)
		allocations := testing.AllocsPerRun(5, func() {
			e := NewEncoder(io.Discard, format, nil)
			if err := e.Family("bench_seconds", Gauge, "Help.", "", chunks); err != nil {
				t.Fatal(err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 50 {
			t.Errorf("%s: %v allocations for %d chunks", format.ContentType(), allocations, len(chunks))
		}
	}
}
