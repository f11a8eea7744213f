package history

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/key"
	"gatehouse/store/record/recordtest"
)

func TestAHistoryIsReadAsItWasWritten(t *testing.T) {
	want := []Summary{
		{At: time.Unix(1, 5), Mode: Merge, Bytes: 1 << 20, Families: 300, Series: 70_000, Refused: strings.Repeat("why ", 100), Origin: audit.Origin{By: "me", From: "127.0.0.1", Via: "basic"}},
		{At: time.Unix(2, 0)},
		{At: time.Unix(3, 0), Bytes: 1},
	}
	var news []byte
	for i := range want {
		news = new(pushEncoder).append(news, &want[i])
	}
	record, err := mergeHistory(nil, news)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeHistory(record); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if again, err := mergeHistory(record, news); err != nil || !bytes.Equal(again, record) {
		t.Errorf("what is there already was put in again: %v", err)
	}
}

func TestWhatWaitsForTheJournalIsBounded(t *testing.T) {
	h := New(commit.New(nil, commit.Options{Clock: clock.New(clock.Source{})}), nil)
	push := func(i int) {
		k, err := key.NewGroupingKey([]exposition.Label{{Name: key.JobLabel, Value: strconv.Itoa(i)}})
		if err != nil {
			t.Fatal(err)
		}
		h.note([]Noted{{Key: k, Begins: i%7 == 0, Summary: Summary{At: time.Unix(int64(i), 0), Refused: strings.Repeat("x", MaxWhy)}}})
	}
	for i := range 100_000 {
		push(i % 60_000)
		if h.bytes > maxUnwritten {
			t.Fatalf("%d bytes after %d pushes", h.bytes, i+1)
		}
	}
	if h.lost == 0 || len(h.of) == 0 {
		t.Errorf("%d pushes are lost, %d groupings wait: the test tries too little", h.lost, len(h.of))
	}
	for range 5000 {
		push(1)
	}
	if p := h.of["1"]; len(p.news) > 2*maxPushes*(MaxWhy+32) {
		t.Errorf("%d bytes wait of one grouping", len(p.news))
	}
	// One write fails, the others don't.
	h.done(h.take(time.Now(), true), false)
	for {
		taken := h.take(time.Now(), true)
		if len(taken) == 0 {
			break
		}
		h.done(taken, true)
	}
	if len(h.of) != 0 || len(h.queue) != 0 || h.bytes != 0 {
		t.Errorf("%d groupings, %d queued, %d bytes are left", len(h.of), len(h.queue), h.bytes)
	}
}

func FuzzRecord(f *testing.F) {
	history, _ := mergeHistory(nil, new(pushEncoder).append(new(pushEncoder).append(nil, &Summary{At: time.Unix(1, 0), Refused: "m"}), &Summary{At: time.Unix(2, 0)}))
	f.Add(history)
	f.Fuzz(fuzzHistory)
}

// fuzzHistory puts a push behind any record that can be read.
func fuzzHistory(t *testing.T, raw []byte) {
	pushes, err := decodeHistory(raw)
	if err != nil {
		return
	}
	last := Summary{At: time.Unix(1<<33, 7), Bytes: 1}
	record, err := mergeHistory(raw, new(pushEncoder).append(nil, &last))
	if err != nil {
		t.Fatalf("it can be read, but not be gone on with: %v", err)
	}
	want := append(pushes, last)
	want = want[max(0, len(want)-maxPushes):]
	if got, err := decodeHistory(record); err != nil || !slices.Equal(got, want) && !slices.Contains(pushes, last) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// rewritten decodes a record and encodes it again.
func rewritten(_ string, value []byte) ([]byte, error) {
	pushes, err := decodeHistory(value)
	var news []byte
	for i := range pushes {
		news = new(pushEncoder).append(news, &pushes[i])
	}
	again, _ := mergeHistory(nil, news)
	return again, err
}

func TestRecordsAreWrittenAsEarlierBuildsWroteThem(t *testing.T) {
	recordtest.Codec{Prefixes: []string{Prefix}, Rewrite: rewritten}.Check(t, "../testdata/earlier/store")
}
