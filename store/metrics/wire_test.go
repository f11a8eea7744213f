package metrics

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatehouse/store/exposition"
	"gatehouse/store/record"
	"gatehouse/store/record/recordtest"
)

// rewritten decodes a record and encodes it again.
func rewritten(name string, value []byte) ([]byte, error) {
	switch kind := name[:2]; {
	case kind == kindControl:
		x, earlier, err := decodeControl(value)
		return encodeControl(x, earlier), err
	case kind == kindRefused:
		x, err := decodeRefusal(value)
		return x.encode(), err
	default:
		return rewrittenGrouping(value)
	}
}

func rewrittenGrouping(value []byte) ([]byte, error) {
	x, err := decodeGroupingRecord(value)
	if err != nil {
		return nil, err
	}
	b, err := x.body(nil)
	if err != nil {
		return nil, err
	}
	x.ages, x.packed = ageRuns(b), pack(b)
	if x.refused != nil {
		r, err := decodeRefusal(x.refused)
		if err != nil {
			return nil, err
		}
		x.refused = recordtest.InOrder(r.encode())
	}
	return x.encode(), nil
}

func TestRecordsAreWrittenAsEarlierBuildsWroteThem(t *testing.T) {
	recordtest.Codec{
		Prefixes: []string{kindGrouping, kindRefused, wipeKey, importKey},
		Rewrite:  rewritten, Sorted: withRefusedInOrder,
	}.Check(t, "../testdata/earlier/store")
}

// withRefusedInOrder puts the fields of the refusal that a deleted grouping's
// record has in order.
func withRefusedInOrder(t *testing.T, name string, value []byte) []byte {
	if !strings.HasPrefix(name, kindGrouping) {
		return value
	}
	x, err := decodeGroupingRecord(value)
	if err != nil {
		t.Fatal(err)
	}
	if x.refused == nil {
		return value
	}
	return bytes.Replace(value, x.refused, recordtest.InOrder(x.refused), 1)
}

// Whatever its bytes, a grouping's record means the same to the handwritten
// codec and to record.proto.
func FuzzGroupingRecord(f *testing.F) {
	f.Add(sampleRecord(f))
	f.Add(record.Marshal(&record.Grouping{Format: 1, Label: []*record.Label{{Name: "job", Value: "x"}}, Pace: 300}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want record.Grouping
		wantErr := record.Unmarshal(raw, &want)
		got, err := decodeGroupingRecord(raw)
		if wantErr != nil || hasUnknown(want.ProtoReflect()) {
			return // a field of another type means nothing to either, but not the same nothing
		}
		if err != nil {
			t.Fatalf("it is refused: %v", err)
		}
		if x := byProto(got); !proto.Equal(x, truncated(&want)) {
			t.Fatalf("got %v, want %v", x, &want)
		}
		var again record.Grouping
		if err := record.Unmarshal(got.encode(), &again); err != nil || !proto.Equal(&again, truncated(&want)) {
			t.Fatalf("it is written as %v (%v), want %v", &again, err, &want)
		}
		fuzzFamilies(t, &want)
	})
}

func hasUnknown(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() != nil {
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		}
		return !found
	})
	return found
}

// truncated is a record with no more of the numbers than is kept of them.
func truncated(r *record.Grouping) *record.Grouping {
	r.Format = record.Format
	r.Pace, r.NextPace, r.Agreed = uint64(uint8(r.Pace)), uint64(uint8(r.NextPace)), uint64(uint8(r.Agreed))
	return r
}

func byProto(r *groupingRecord) *record.Grouping {
	x := &record.Grouping{
		Format: record.Format, Pushed: r.pushed, Ran: r.ran, Expires: r.expires, By: r.origin.By, From: r.origin.From, Via: r.origin.Via, Base: uint64(r.base),
		DeletedAt: r.deleted.stamp, DeletedRan: r.deleted.ran, Operation: r.deleted.operation, Refused: r.refused,
		AfterAt: r.after.stamp, AfterRan: r.after.ran, After: r.after.operation, Every: int64(r.pushInterval),
		Pace: uint64(r.pace.steady), NextPace: uint64(r.pace.next), Agreed: uint64(r.pace.agreed), Packed: r.packed,
	}
	for _, l := range r.labels {
		x.Label = append(x.Label, &record.Label{Name: l.Name, Value: l.Value})
	}
	for _, a := range r.ages {
		x.Age = append(x.Age, &record.AgeRun{Count: int64(a.count), Since: a.age.since, HelpSince: a.age.helpSince, Changed: a.age.changed})
	}
	return x
}

// fuzzFamilies takes what is packed for the families themselves.
func fuzzFamilies(t *testing.T, r *record.Grouping) {
	var want record.Families
	if record.UnmarshalPart(r.Packed, &want) != nil || hasUnknown(want.ProtoReflect()) {
		return
	}
	got, err := unpack(s2.Encode(nil, r.Packed), nil)
	if err != nil {
		return // it says more than that
	}
	var again record.Families
	raw, err := s2.Decode(nil, pack(got))
	if err == nil {
		err = record.UnmarshalPart(raw, &again)
	}
	if err != nil || len(again.Family) != len(want.Family) {
		t.Fatalf("got %v, %v, want %v", &again, err, &want)
	}
	for i, f := range want.Family {
		g := again.Family[i]
		if !f.Judged || len(f.Notice) > 0 {
			continue // then it is judged now; and of notices there are only so many
		}
		f.Type, f.Loose, f.Series = uint64(exposition.Type(f.Type)), uint64(uint32(f.Loose)), int64(uint32(f.Series))
		f.UntypedIn = uint64(exposition.FormatSet(f.UntypedIn))
		if !proto.Equal(f, g) {
			t.Fatalf("got %v, want %v", g, f)
		}
	}
}
