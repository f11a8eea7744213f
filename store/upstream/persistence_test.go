package upstream

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"gatehouse/store/exposition"
)

// fixture was written by the Pushgateway 1.5.1 of Debian.
const fixture = "testdata/pushgateway-1.5.1.gob"

func fixtureContent(t testing.TB) []byte {
	t.Helper()
	content, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestAFileOfThePushgatewayIsReadWhole(t *testing.T) {
	got, err := Read(fixture)
	if err != nil {
		t.Fatal(err)
	}
	pushed := func(micro int) time.Time { return time.Date(2026, 11, 22, 20, 50, 11, micro*1000, time.UTC) }
	label := func(name, value string) string { return fmt.Sprintf("label:{name:%q value:%q}", name, value) }
	jobLabels := func(job string) string { return label("instance", "") + " " + label("job", job) }
	backup := label("instance", "a:9100") + " " + label("job", "backup")
	want := []struct {
		labels         []exposition.Label
		pushed, failed time.Time
		families       []string
	}{
		{[]exposition.Label{{Name: "instance", Value: "a:9100"}, {Name: "job", Value: "backup"}}, pushed(186267), pushed(258482), []string{
			`name:"jobs_total" help:"Jobs done." type:COUNTER metric:{label:{name:"code" value:"\"a\\\n"} ` + backup + ` counter:{value:3}}`,
			`name:"size" type:SUMMARY metric:{` + backup + ` summary:{sample_count:3 sample_sum:2 quantile:{quantile:0.5 value:1}}}`,
			`name:"took_seconds" type:HISTOGRAM metric:{` + backup + ` histogram:{sample_count:2 sample_sum:7.5 bucket:{cumulative_count:1 upper_bound:0.5} bucket:{cumulative_count:2 upper_bound:inf}}}`,
		}},
		{[]exposition.Label{{Name: "job", Value: "a/b"}, {Name: "path", Value: "/var/tmp"}}, pushed(228219), time.Time{}, []string{
			`name:"free" type:UNTYPED metric:{` + jobLabels("a/b") + label("path", "/var/tmp") + ` untyped:{value:1e6}}`,
		}},
		{[]exposition.Label{{Name: "job", Value: "native"}}, pushed(135932), time.Time{}, []string{
			`name:"native_seconds" help:"Native." type:HISTOGRAM metric:{` + jobLabels("native") +
				` histogram:{sample_count:3 sample_sum:4.5 schema:3 zero_threshold:1e-9 zero_count:1 positive_span:{offset:-1 length:2} positive_delta:1 positive_delta:0}}`,
		}},
		{[]exposition.Label{{Name: "job", Value: "never"}}, time.Time{}, pushed(270883), nil},
		{[]exposition.Label{{Name: "job", Value: "x"}, {Name: "zone", Value: ""}}, pushed(244977), time.Time{}, []string{
			`name:"free" type:UNTYPED metric:{` + jobLabels("x") + label("zone", "") + ` untyped:{value:2}}`,
		}},
		{[]exposition.Label{{Name: "job", Value: `é "q"`}}, pushed(284659), time.Time{}, []string{
			`name:"ok" type:UNTYPED metric:{` + jobLabels(`é "q"`) + ` untyped:{value:1}}`,
		}},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d groupings, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if !slices.Equal(g.Labels, w.labels) {
			t.Fatalf("grouping %d: got labels %v, want %v", i, g.Labels, w.labels)
		}
		if !g.Pushed.Truncate(time.Microsecond).Equal(w.pushed) || !g.Failed.Truncate(time.Microsecond).Equal(w.failed) {
			t.Errorf("%v: got pushed %v, failed %v, want %v, %v", g.Labels, g.Pushed, g.Failed, w.pushed, w.failed)
		}
		if g.Pushed.IsZero() != w.pushed.IsZero() || g.Failed.IsZero() != w.failed.IsZero() {
			t.Errorf("%v: pushed %v, failed %v: never is the zero time", g.Labels, g.Pushed, g.Failed)
		}
		compareFamilies(t, g.Families, w.families)
	}
}

func compareFamilies(t *testing.T, got []Family, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
		return
	}
	for i, text := range want {
		var family dto.MetricFamily
		if err := prototext.Unmarshal([]byte(text), &family); err != nil {
			t.Fatal(err)
		}
		var is dto.MetricFamily
		if err := proto.Unmarshal(got[i].Message, &is); err != nil || !proto.Equal(&is, &family) || got[i].Name != family.GetName() {
			t.Errorf("got  %v, %v\nwant %v", &is, err, &family)
		}
	}
}

func TestReadingLeavesTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics")
	before := fixtureContent(t)
	if err := os.WriteFile(path, before, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, or is gone: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the file there are %v, %v", entries, err)
	}
}

func TestAFileThatIsNoneIsAnErrorThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := fixtureContent(t)
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "missing"), "no such file"},
		{"a directory", dir, "is a directory"},
		{"a device", os.DevNull, "is not a regular file"},
		{"empty", write("empty", nil), "is empty"},
		{"text", write("text", []byte("# TYPE a gauge\na 1\n")), "is damaged or was not written by a Pushgateway"},
		{"zeroes", write("zeroes", make([]byte, 5000)), "is damaged or was not written by a Pushgateway"},
		{"truncated", write("truncated", whole[:len(whole)-1]), "is damaged or was not written by a Pushgateway"},
		{"another gob", write("gob", encodeGob(t, map[string]int{"a": 1})), "is damaged or was not written by a Pushgateway"},
		{"another gob of structs", write("structs", encodeGob(t, map[string]struct{ A, B []byte }{"a": {}})), "is damaged or was not written by a Pushgateway"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(tt.path)
			if err == nil {
				t.Fatalf("got %v, want an error", got)
			}
			if text := err.Error(); strings.Count(text, tt.path) != 1 || !strings.Contains(text, tt.want) || strings.Contains(text, "\n") {
				t.Errorf("got %q, want one line with %q and once %q", text, tt.want, tt.path)
			}
			if errors.Is(err, fs.ErrNotExist) != (tt.name == "missing") {
				t.Errorf("%v: fs.ErrNotExist is %v", err, errors.Is(err, fs.ErrNotExist))
			}
		})
	}
}

func TestAFileCutOffAnywhereIsAnError(t *testing.T) {
	whole := fixtureContent(t)
	for size := range whole {
		if got, err := read(bytes.NewReader(whole[:size]), maxSize); err == nil {
			t.Fatalf("the first %d of %d bytes are read as %v", size, len(whole), got)
		}
	}
}

func TestAFlippedByteNeverPanics(t *testing.T) {
	whole := fixtureContent(t)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] = []byte{0x7f, 0xf8, 0, 0xff}[i%4]
		_, _ = read(bytes.NewReader(damaged), maxSize)
	}
}

func TestTheSizeIsBounded(t *testing.T) {
	whole := fixtureContent(t)
	if _, err := read(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Error(err)
	}
	if _, err := read(bytes.NewReader(whole), int64(len(whole)-1)); !errors.Is(err, errTooLarge) {
		t.Errorf("one byte more than allowed: got %v", err)
	}
	sparse := filepath.Join(t.TempDir(), "sparse")
	if err := os.WriteFile(sparse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, maxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(sparse); !errors.Is(err, errTooLarge) {
		t.Errorf("got %v", err)
	}
}

func encodeGob(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The shape in which the Pushgateway writes.
type (
	testGroup struct {
		Labels  map[string]string
		Metrics map[string]testFamily
	}
	testFamily struct {
		Timestamp            time.Time
		GobbableMetricFamily testMessage
	}
	testMessage struct{ message *dto.MetricFamily }
)

func (m testMessage) GobEncode() ([]byte, error) { return proto.Marshal(m.message) }

func TestPushTimesThatMakeNoSenseAreNever(t *testing.T) {
	family := func(text string) testFamily {
		var message dto.MetricFamily
		if err := prototext.Unmarshal([]byte(text), &message); err != nil {
			t.Fatal(err)
		}
		return testFamily{GobbableMetricFamily: testMessage{&message}}
	}
	tests := []struct {
		text string
		want time.Time
	}{
		{`type:GAUGE metric:{gauge:{value:1.5}}`, time.Unix(1, 5e8)},
		{`type:GAUGE metric:{gauge:{value:0}}`, time.Time{}},
		{`type:GAUGE metric:{gauge:{value:-1}}`, time.Time{}},
		{`type:GAUGE metric:{gauge:{value:nan}}`, time.Time{}},
		{`type:GAUGE metric:{gauge:{value:inf}}`, time.Time{}},
		{`type:GAUGE metric:{gauge:{value:1e300}}`, time.Time{}},
		{`type:GAUGE metric:{gauge:{value:9e9}}`, time.Unix(9e9, 0)},
		{`type:GAUGE metric:{gauge:{value:9223372037}}`, time.Time{}}, // too large for nanoseconds
		{`type:GAUGE metric:{gauge:{value:2e11}}`, time.Time{}},
		{`type:GAUGE metric:{}`, time.Time{}},
		{`type:COUNTER metric:{counter:{value:5}}`, time.Time{}},
		{`type:GAUGE`, time.Time{}},
	}
	for _, tt := range tests {
		content := encodeGob(t, map[string]testGroup{"k": {
			Labels: map[string]string{"job": "x"},
			Metrics: map[string]testFamily{
				pushTimeFamily: family(tt.text), failureTimeFamily: family(tt.text), "a": family(`name:"a"`),
			},
		}})
		got, err := read(bytes.NewReader(content), maxSize)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: got %v, %v", tt.text, got, err)
			continue
		}
		if !got[0].Pushed.Equal(tt.want) || !got[0].Failed.Equal(tt.want) || len(got[0].Families) != 1 {
			t.Errorf("%s: got %v, want %v", tt.text, got[0], tt.want)
		}
	}
}

func TestAnEmptyPushgatewayHasNoGroupings(t *testing.T) {
	got, err := read(bytes.NewReader(encodeGob(t, map[string]testGroup{})), maxSize)
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(fixtureContent(f))
	f.Add(encodeGob(f, map[string]testGroup{}))
	f.Add(encodeGob(f, map[string]testGroup{"k": {Labels: map[string]string{"job": "x"}}}))
	f.Add(encodeGob(f, map[string]int{"a": 1}))
	f.Fuzz(func(t *testing.T, content []byte) {
		groupings, err := read(bytes.NewReader(content), 1<<20)
		if err != nil {
			if groupings != nil {
				t.Errorf("groupings beside an error: %v", groupings)
			}
			return
		}
		for _, g := range groupings {
			if !slices.IsSortedFunc(g.Labels, exposition.CompareLabels) || slices.ContainsFunc(g.Families, func(f Family) bool { return exposition.CheckProtobuf(f.Message) != nil }) {
				t.Errorf("got %v", g)
			}
		}
	})
}
