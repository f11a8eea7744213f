package audit

import (
	"testing"
	"time"

	"gatehouse/store/record/recordtest"
)

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	want := Entry{
		Operation: "op", Kind: Refusal, At: time.Unix(1, 5), Origin: Origin{"me", "::1", "session", "user:me"}, What: "{}", Count: 3, Undoes: "other",
		Reason: "path", Message: "why",
	}
	if got, err := Decode("op", want.Encode()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEntriesAreWrittenAsEarlierBuildsWroteThem(t *testing.T) {
	recordtest.Codec{Prefixes: []string{Prefix}, Rewrite: func(_ string, value []byte) ([]byte, error) {
		x, err := Decode("", value)
		return x.Encode(), err
	}}.Check(t, "../testdata/earlier/store")
}

func FuzzEntry(f *testing.F) {
	f.Add(Entry{Kind: Delete, At: time.Unix(1, 0), What: "{}", Count: 3}.Encode())
	f.Add(Entry{Kind: Refusal, Reason: "path", Message: "m"}.Encode())
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = Decode("op", raw) })
}
