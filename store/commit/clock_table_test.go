package commit

import (
	"testing"

	"gatehouse/store/clock"
	"gatehouse/store/record/recordtest"
)

func TestTheRecordOfTheClockIsWrittenAsEarlierBuildsWroteIt(t *testing.T) {
	recordtest.Codec{Prefixes: []string{ClockKey}, Rewrite: func(_ string, value []byte) ([]byte, error) {
		x, err := decodeClock(value)
		return encodeClock(x), err
	}}.Check(t, "../testdata/earlier/store")
}

func FuzzClockRecord(f *testing.F) {
	f.Add(encodeClock(clock.Saved{At: 1, Ran: 2, Doubt: 3}))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = decodeClock(raw) })
}
