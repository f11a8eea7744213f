package metrics_test

import (
	"bytes"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/prototext"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/storetest"
)

func TestWhatIsLeftOfShadowedNativeHistogramsIsNeverTakenForARegularOne(t *testing.T) {
	unchecked := storetest.Options
	unchecked.CheckConsistency = false
	s, _ := storetest.OpenDir(t, t.TempDir(), unchecked)
	storetest.MustPush(t, s, "/job/a/x/1", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n")
	var mf dto.MetricFamily
	err := prototext.Unmarshal([]byte(`name:"h" type:HISTOGRAM
		metric:{label:{name:"x" value:"1"} histogram:{sample_count:1}}
		metric:{label:{name:"x" value:"2"} histogram:{sample_count:1 schema:1 positive_span:{offset:0 length:1} positive_delta:1
			bucket:{upper_bound:1 cumulative_count:5} bucket:{upper_bound:2 cumulative_count:2}}}`), &mf)
	if err != nil {
		t.Fatal(err)
	}
	k := storetest.Key(t, "/job/a")
	f, err := exposition.FromDTO(&mf, exposition.Options{Grouping: k.Labels()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Push(t.Context(), store.Push{Key: k, Families: []exposition.Family{f}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	p := s.Snapshot()
	e := exposition.NewEncoder(&b, exposition.Negotiate("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"), p.IsTaken)
	for x := range p.Exposed(p.Groupings(), 2) {
		if err := e.Family(x.Name, x.Type, x.Help, x.Unit, x.Chunks); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	types := map[string]dto.MetricType{}
	metrics := 0
	for r := bytes.NewReader(b.Bytes()); r.Len() > 0; {
		var got dto.MetricFamily
		if err := protodelim.UnmarshalFrom(r, &got); err != nil {
			t.Fatal(err)
		}
		types[got.GetName()] = got.GetType()
		if got.GetName() == "h" {
			metrics = len(got.Metric)
		}
	}
	if types["h"] != dto.MetricType_HISTOGRAM || metrics != 1 || types["h_bucket"] != dto.MetricType_UNTYPED || types["h_count"] != dto.MetricType_UNTYPED {
		t.Errorf("got %d metrics of h and the types %v", metrics, types)
	}
}
