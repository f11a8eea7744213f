package groupings

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/pebble"
	views "gatehouse/views/groupings"
)

func TestBucketsAreCountedApart(t *testing.T) {
	inf := math.Inf(1)
	bucket := func(le float64, n uint64) *dto.Bucket {
		return &dto.Bucket{UpperBound: proto.Float64(le), CumulativeCount: proto.Uint64(n)}
	}
	for _, test := range []struct {
		name     string
		buckets  []*dto.Bucket
		observed float64
		want     []views.Bucket
	}{
		{"positive", []*dto.Bucket{bucket(1, 2), bucket(2, 5), bucket(inf, 6)}, 6, []views.Bucket{{Upper: 1, Count: 2}, {Lower: 1, Upper: 2, Count: 3}, {Lower: 2, Upper: inf, Count: 1}}},
		{"without the last", []*dto.Bucket{bucket(1, 2)}, 6, []views.Bucket{{Upper: 1, Count: 2}, {Lower: 1, Upper: inf, Count: 4}}},
		{"negative", []*dto.Bucket{bucket(-1, 2), bucket(inf, 3)}, 3, []views.Bucket{{Lower: -inf, Upper: -1, Count: 2}, {Lower: -1, Upper: inf, Count: 1}}},
		{"going down", []*dto.Bucket{bucket(1, 5), bucket(2, 3), bucket(inf, 6)}, 6, []views.Bucket{{Upper: 1, Count: 5}, {Lower: 1, Upper: 2}, {Lower: 2, Upper: inf, Count: 1}}},
		{"none", nil, 3, []views.Bucket{{Lower: -inf, Upper: inf, Count: 3}}},
	} {
		if got := classicBuckets(test.buckets, test.observed); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestMetricsAreCutOutOfChunks(t *testing.T) {
	var body strings.Builder
	body.WriteString("# TYPE s_count summary\n# TYPE \"h.o\\\"_count\" histogram\n")
	for i := range 5 {
		fmt.Fprintf(&body, "g{i=\"%d\"} %d\n", i, i)
		fmt.Fprintf(&body, "s_count{i=\"%d\",quantile=\"0.5\"} 1\ns_count_sum{i=\"%d\"} 1\ns_count_count{i=\"%d\"} %d\n", i, i, i, i)
		for _, line := range []string{`_bucket",i="%d",le="+Inf"`, `_sum",i="%d"`, `_count",i="%d"`, `",quantile="0.5",i="%d"`} {
			fmt.Fprintf(&body, `{"h.o\"_count`+line+"} 1\n", i)
		}
		fmt.Fprintf(&body, "# TYPE odd histogram\nodd_bucket{le=\"1\",i=\"%d\"} 5\n", i)
	}
	for _, f := range pushed(t, body.String()) {
		all := samplesOf(t, f, f.Chunk)
		for from := range len(all) + 2 {
			part, total := cutMetrics(f, from, 2)
			want := all[min(from, len(all)):min(from+2, len(all))]
			if got := samplesOf(t, f, part); total != len(all) || !slices.Equal(got, want) {
				t.Errorf("%s from %d: %q of %d, want %q of %d", f.Name, from, got, total, want, len(all))
			}
		}
	}
}

// samplesOf returns the metrics of a chunk and its loose lines as text.
func samplesOf(t *testing.T, f store.GroupingFamily, c exposition.Chunk) []string {
	t.Helper()
	metrics, err := exposition.Metrics(f.Name, f.Type, c)
	must(t, err)
	var all []string
	for _, m := range metrics {
		text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		must(t, err)
		all = append(all, string(text))
	}
	for l := range c.LooseLines() {
		all = append(all, string(l.Series)+" "+string(l.Value))
	}
	return all
}

func TestBucketsOfNativeHistogramsAreExpanded(t *testing.T) {
	h := &dto.Histogram{
		SampleCount: proto.Uint64(12), SampleSum: proto.Float64(5), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.5), ZeroCount: proto.Uint64(2),
		PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(1), Length: proto.Uint32(2)}}, PositiveDelta: []int64{3, 2},
		NegativeSpan: []*dto.BucketSpan{{Offset: proto.Int32(1), Length: proto.Uint32(1)}}, NegativeDelta: []int64{2},
	}
	want := []views.Bucket{{Lower: -2, Upper: -1, Count: 2}, {Lower: -0.5, Upper: 0.5, Count: 2, Zero: true}, {Lower: 1, Upper: 2, Count: 3}, {Lower: 2, Upper: 4, Count: 5}}
	if got := distribution(h); !got.Native || got.Count != 12 || !reflect.DeepEqual(got.Buckets, want) {
		t.Errorf("got %+v", got)
	}
}

// pushed returns the families of a grouping to which a body was pushed.
func pushed(t *testing.T, body string) []store.GroupingFamily {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: "/store", FS: vfs.NewMem(), MinFree: -1})
	must(t, err)
	s, err := store.Open(t.Context(), j, store.Options{Limits: store.Limits{CheckConsistency: true}})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(s.Close(), j.Close())) })
	path, err := store.ParsePath("/job/x", true)
	must(t, err)
	p := store.Push{Key: path.Key}
	p.Families, err = exposition.Decode("", []byte(body), exposition.Options{Grouping: path.Key.Labels(), UTF8Names: true})
	must(t, err)
	_, err = s.Push(t.Context(), p)
	must(t, err)
	g, _ := s.Snapshot().Grouping(path.Key)
	return g.Families()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
