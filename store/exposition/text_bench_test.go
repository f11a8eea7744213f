package exposition

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// batchPush is what a batch job pushes: 50 samples in 20 families, one of them
// a histogram.
func batchPush() []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	stages := []string{"extract", "transform"}
	var b bytes.Buffer
	for i := range 19 {
		name, typ := fmt.Sprintf("batch_import_queue_depth_%d", i), "gauge"
		if i%2 == 0 {
			name, typ = fmt.Sprintf("batch_import_records_processed_%d_total", i), "counter"
		}
		fmt.Fprintf(&b, "# HELP %s Observed during the last run.\n# TYPE %s %s\n", name, name, typ)
		for s := range 1 + min(1, (i+1)%19) {
			if typ == "counter" {
				fmt.Fprintf(&b, "%s{stage=%q,zone=\"eu-1%c\"} %d\n", name, stages[s], 'a'+rune(s), rnd.IntN(10_000_000))
			} else {
				fmt.Fprintf(&b, "%s{stage=%q,zone=\"eu-1%c\"} %.6g\n", name, stages[s], 'a'+rune(s), rnd.Float64()*1e5)
			}
		}
	}
	const h = "batch_step_duration_seconds"
	fmt.Fprintf(&b, "# HELP %s Time one step of the batch took.\n# TYPE %s histogram\n", h, h)
	count := 0
	for _, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"} {
		count += rnd.IntN(500)
		fmt.Fprintf(&b, "%s_bucket{stage=\"load\",le=%q} %d\n", h, le, count)
	}
	fmt.Fprintf(&b, "%s_sum{stage=\"load\"} 4711.5\n%s_count{stage=\"load\"} %d\n", h, h, count)
	return b.Bytes()
}

var batchGrouping = []Label{{"instance", "worker-17"}, {"job", "nightly"}}

func BenchmarkDecodeText(b *testing.B) {
	body := batchPush()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeText(body, Options{Grouping: batchGrouping, MaxSeries: 100_000}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeTextByLibrary(b *testing.B) {
	body := batchPush()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		if _, err := parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeProtobuf(b *testing.B) {
	body := delimited(b, batchPush())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeProtobuf(body, Options{Grouping: batchGrouping, MaxSeries: 100_000}); err != nil {
			b.Fatal(err)
		}
	}
}

// delimited turns a text body into delimited protobuf by way of the library.
func delimited(tb testing.TB, text []byte) []byte {
	tb.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeProtoDelim).WithEscapingScheme(model.NoEscaping))
	for _, mf := range families {
		if err := encoder.Encode(mf); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}
