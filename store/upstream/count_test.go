package upstream

import (
	"bytes"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

func TestCountsOfWholeFilesAreRight(t *testing.T) {
	family := testFamily{time.Unix(1, 2), testMessage{&dto.MetricFamily{Name: proto.String("a")}}}
	for name, content := range map[string][]byte{
		"a file of the Pushgateway":    fixtureContent(t),
		"no groups":                    encodeGob(t, map[string]testGroup{}),
		"a group of nothing":           encodeGob(t, map[string]testGroup{"": {}}),
		"a group without labels":       encodeGob(t, map[string]testGroup{"k": {Metrics: map[string]testFamily{"a": family}}}),
		"a family without a timestamp": encodeGob(t, map[string]testGroup{"k": {Metrics: map[string]testFamily{"a": {GobbableMetricFamily: family.GobbableMetricFamily}}}}),
	} {
		if err := checkCounts(content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The decoder would ask for the memory of all these entries first.
func TestMoreEntriesThanBytesAreRefused(t *testing.T) {
	group := testGroup{Labels: map[string]string{"job": "x"}}
	whole := encodeGob(t, map[string]testGroup{"k": group})
	// One group, its key, its first field, one label.
	at := bytes.LastIndex(whole, []byte("\x01\x01k\x01\x01\x03job"))
	if at < 0 {
		t.Fatalf("%q holds no group as expected", whole)
	}
	for _, offset := range []int{0, 4} {
		damaged := bytes.Clone(whole)
		damaged[at+offset] = 0x7f
		if err := checkCounts(damaged); err == nil {
			t.Errorf("%q is taken for whole", damaged)
		}
		huge := append(bytes.Clone(whole[:at+offset]), 0xfb, 1, 0, 0, 0, 0) // 2^32
		huge = append(huge, whole[at+offset+1:]...)
		if err := checkCounts(huge); err == nil {
			t.Errorf("%q is taken for whole", huge)
		}
	}
}
