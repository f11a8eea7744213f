package audit

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSumsOfRefusalsAreBounded(t *testing.T) {
	x := NewRefusals(make(chan struct{}, 1))
	count := 0
	for i := range 30_000 {
		id := strconv.Itoa(i) + strings.Repeat("y", 900)
		at := time.Unix(int64(i), 0) // 500 minutes
		x.Add(at, at, id, "path", Origin{}, func() Entry { return Entry{What: id, Message: "no"} })
		count++
		if len(x.sums) > maxSums+1 || x.bytes > maxSumBytes {
			t.Fatalf("%d sums of %d bytes after %d", len(x.sums), x.bytes, i+1)
		}
	}
	if at, ok := x.Due(); !ok || at.After(time.Unix(60, 0)) {
		t.Errorf("due %v, %v", at, ok)
	}
	for _, e := range x.Take(time.Unix(1<<30, 0), false) {
		count -= e.Count
	}
	if _, ok := x.Due(); count != 0 || ok || x.bytes != 0 {
		t.Errorf("%d are missing, %d bytes are left, more are due: %v", count, x.bytes, ok)
	}
}
