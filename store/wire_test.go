package store

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatehouse/store/audit"
	"gatehouse/store/exposition"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/record"
)

// earlierRecords are all records of a store of an earlier build, whose encoders
// were made by hand; see earlier_test.go.
func earlierRecords(t *testing.T) []journal.Record {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS("testdata/earlier/store")); err != nil {
		t.Fatal(err)
	}
	j, err := pebble.Open(pebble.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	all, err := j.Scan(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// rewritten decodes a record and encodes it again.
func rewritten(key string, value []byte) ([]byte, error) {
	switch kind := key[:2]; {
	case key == clockKey:
		x, err := decodeClock(value)
		return encodeClock(x), err
	case key == signingKeyKey:
		e := transaction{Snapshot: newSnapshot(nil)}
		err := signingKeyTable{}.apply(&e, event{record: journal.Record{Value: value}})
		return encodeSigningKey(e.signingKey), err
	case kind == kindControl:
		x, earlier, err := decodeControl(value)
		return encodeControl(x, earlier), err
	case kind == audit.Prefix:
		x, err := audit.Decode("", value)
		return x.Encode(), err
	case kind == kindHistory:
		pushes, err := decodeHistory(value)
		var news []byte
		for i := range pushes {
			news = new(pushEncoder).append(news, &pushes[i])
		}
		again, _ := mergeHistory(nil, news)
		return again, err
	case kind == kindRefused:
		x, err := decodeRefusal(value)
		return x.encode(), err
	case kind == kindSession:
		x, err := decodeSession(value)
		return x.encode(), err
	case kind == kindToken:
		x, err := decodeToken("", value)
		if err != nil {
			return nil, err
		}
		return x.encode(), nil
	case kind == kindUse:
		x, err := decodeUse(value)
		return x.encode(), err
	default:
		return rewrittenGrouping(value)
	}
}

func rewrittenGrouping(value []byte) ([]byte, error) {
	x, err := decodeGroupRecord(value)
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
		x.refused = inOrder(r.encode())
	}
	return x.encode(), nil
}

// inOrder sorts the fields of a message by their numbers: in which order different
// ones stand means nothing to anybody who reads them.
func inOrder(message []byte) []byte {
	type field struct {
		number protowire.Number
		raw    []byte
	}
	var fields []field
	for len(message) > 0 {
		number, _, n := protowire.ConsumeField(message)
		if n < 0 {
			return nil
		}
		fields = append(fields, field{number, message[:n]})
		message = message[n:]
	}
	slices.SortStableFunc(fields, func(a, b field) int { return int(a.number) - int(b.number) })
	var sorted []byte
	for _, f := range fields {
		sorted = append(sorted, f.raw...)
	}
	return sorted
}

// What is written now is, but for the order of the fields, what earlier builds
// wrote, so that they read it as they read their own.
func TestRecordsAreWrittenAsEarlierBuildsWroteThem(t *testing.T) {
	kinds := map[string]bool{}
	for _, r := range earlierRecords(t) {
		kinds[r.Key[:2]] = true
		if strings.HasPrefix(r.Key, kindControl) {
			kinds[r.Key] = true
		}
		want := r.Value
		if strings.HasPrefix(r.Key, kindGrouping) {
			want = withRefusedInOrder(t, want)
		}
		got, err := rewritten(r.Key, r.Value)
		if err != nil || !bytes.Equal(inOrder(got), inOrder(want)) {
			t.Errorf("%s: %v\ngot  %x\nwant %x", r.Key, err, got, want)
		}
	}
	for _, kind := range []string{audit.Prefix, kindGrouping, kindHistory, kindRefused, kindSession, kindToken, kindUse, wipeKey, clockKey, importKey, signingKeyKey} {
		if !kinds[kind] {
			t.Errorf("there is no record %s to try", kind)
		}
	}
}

// withRefusedInOrder puts the fields of the refusal that a deleted grouping's
// record has in order.
func withRefusedInOrder(t *testing.T, value []byte) []byte {
	x, err := decodeGroupRecord(value)
	if err != nil {
		t.Fatal(err)
	}
	if x.refused == nil {
		return value
	}
	return bytes.Replace(value, x.refused, inOrder(x.refused), 1)
}

// Whatever stands in it, a grouping's record means to the codec made by hand what
// it means by record.proto.
func FuzzGroupingRecord(f *testing.F) {
	f.Add(sampleRecord(f))
	f.Add(record.Marshal(&record.Grouping{Format: 1, Label: []*record.Label{{Name: "job", Value: "x"}}, Pace: 300}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want record.Grouping
		wantErr := record.Unmarshal(raw, &want)
		got, err := decodeGroupRecord(raw)
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

// What later versions add to a record is no mistake, and what has a later version
// is not guessed at.
func TestNoKindOfRecordOfALaterVersionIsMisread(t *testing.T) {
	for _, r := range earlierRecords(t) {
		more := protowire.AppendBytes(protowire.AppendTag(slices.Clone(r.Value), 1000, protowire.BytesType), []byte("new"))
		want, _ := rewritten(r.Key, r.Value)
		if got, err := rewritten(r.Key, more); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s with a field more: %v", r.Key, err)
		}
		later := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), record.Format+1)
		for _, rest := range [][]byte{r.Value[2:], {0xff}} {
			if _, err := rewritten(r.Key, append(slices.Clone(later), rest...)); err == nil || !strings.Contains(err.Error(), "later version") {
				t.Errorf("%s of a later version: %v", r.Key, err)
			}
		}
		for _, bad := range [][]byte{{}, r.Value[2:]} {
			if _, err := rewritten(r.Key, bad); err == nil || !strings.Contains(err.Error(), "no version") {
				t.Errorf("%s without a version: %v", r.Key, err)
			}
		}
		if _, err := rewritten(r.Key, r.Value[:len(r.Value)-1]); err == nil || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("%s that is cut off: %v", r.Key, err)
		}
	}
}

// Addresses and browsers' names need not be UTF-8.
func TestTextsAreKeptWhateverBytesTheyHave(t *testing.T) {
	want := Session{Scheme: "basic", Name: "a\xffb", From: "\xfe", UserAgent: "\x80", Created: time.Unix(1, 0)}
	if got, err := decodeSession(want.encode()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}
