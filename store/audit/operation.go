package audit

import (
	"fmt"
	"hash/maphash"
	"math"
	"regexp"
	"strconv"
	"time"
)

var operationSeed = maphash.MakeSeed()

// NewOperation names the operation of a moment so that later ones sort after
// it; apart distinguishes it from others of that moment.
func NewOperation(at time.Time, apart ...any) string {
	var h maphash.Hash
	h.SetSeed(operationSeed)
	fmt.Fprint(&h, apart...)
	return fmt.Sprintf("%s-%08x", operationTime(at), uint32(h.Sum64()))
}

// IsOperation reports whether a text is the name of an operation.
func IsOperation(name string) bool { return isOperation(name) }

var isOperation = regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]{8}$`).MatchString

// OldestKey returns a bound: not above the keys of records of that moment or
// later, and above those of earlier ones.
func OldestKey(at time.Time) string { return Prefix + operationTime(at) }

// operationTime returns the beginning of the names of operations of a moment.
// It sorts before them.
func operationTime(t time.Time) string {
	n := t.UnixNano()
	switch {
	case t.Unix() < 0:
		n = 0
	case t.Unix() > math.MaxInt64/int64(time.Second)-1:
		n = math.MaxInt64
	}
	return fmt.Sprintf("%016x", n)
}

// OperationStamp returns the time that an operation has in its name; 0: it has none.
func OperationStamp(operation string) int64 {
	if !IsOperation(operation) {
		return 0
	}
	n, _ := strconv.ParseInt(operation[:16], 16, 64) // 0 beyond all times
	return n
}
