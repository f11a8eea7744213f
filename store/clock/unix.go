package clock

import (
	"encoding/binary"
	"time"
)

// Nanos returns a time as records have it: in Unix nanoseconds, 0 for none.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// FromNanos returns the time that a record has.
func FromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// Key orders identities by a time, which may be before 1970 where the clock begins
// there.
func Key(unixNano int64, id string) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(unixNano)^1<<63)) + id
}
