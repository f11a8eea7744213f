package upstream

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestAFileThatDescribesAnotherShapeIsRefusedBeforeItIsDecoded(t *testing.T) {
	type group struct {
		X      string
		Labels map[string]string
	}
	content := encodeGob(t, map[string]group{"1": {X: "q", Labels: map[string]string{"abcdefgh": strings.Repeat("\x00", 102)}}})
	at := bytes.Index(content, []byte("\x01q\x01\x01\x08abcdefgh"))
	if at < 0 {
		t.Fatalf("%q", content)
	}
	// 2^32 labels: a reader that expects other fields takes it for the first
	// one's value.
	copy(content[at+3:], "\xfb\x01\x00\x00\x00\x00")
	if err := checkCounts(content); !errors.Is(err, errCounts) {
		t.Fatal(err)
	}
	if groupings, err := read(bytes.NewReader(content), maxSize); !errors.Is(err, errDamaged) {
		t.Errorf("%v, %v", groupings, err)
	}
}

// rawMessage encodes itself as any bytes.
type rawMessage []byte

func (m rawMessage) GobEncode() ([]byte, error) { return m, nil }

func TestAFamilyOfMoreMessagesThanAPushMayHaveTakesLittleMemory(t *testing.T) {
	type family struct {
		Timestamp            time.Time
		GobbableMetricFamily rawMessage
	}
	type group struct {
		Labels  map[string]string
		Metrics map[string]family
	}
	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "m")
	message = append(message, bytes.Repeat([]byte{0x22, 0}, 2<<20)...) // each an object of a hundred bytes
	content := encodeGob(t, map[string]group{"1": {map[string]string{"job": "x"}, map[string]family{"m": {GobbableMetricFamily: message}, pushTimeFamily: {GobbableMetricFamily: message}}}})
	got := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if groupings, err := Parse(content); err != nil || len(groupings) != 1 || len(groupings[0].Families) != 1 {
				t.Fatalf("%v, %v", groupings, err)
			}
		}
	}).AllocedBytesPerOp()
	if most := int64(8 * len(content)); got > most {
		t.Errorf("%d bytes take %d of memory, more than %d", len(content), got, most)
	}
}

func TestAGroupingWithoutPushTimesIsAsOldAsItsNewestFamily(t *testing.T) {
	a := testMessage{&dto.MetricFamily{Name: proto.String("a")}}
	content := encodeGob(t, map[string]testGroup{"1": {Labels: map[string]string{"job": "x"}, Metrics: map[string]testFamily{
		"a": {time.Unix(5, 0), a}, "b": {time.Unix(7, 0), a}, "c": {GobbableMetricFamily: a},
	}}})
	got, err := Parse(content)
	if err != nil || len(got) != 1 || !got[0].Pushed.Equal(time.Unix(7, 0)) {
		t.Errorf("%v, %v", got, err)
	}
}
