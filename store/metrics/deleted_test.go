package metrics

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gatehouse/store/clock"
	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// heap returns the live bytes of the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestDeletedGroupingsCountWithWhatTheyTake(t *testing.T) {
	for _, test := range []struct {
		name          string
		n             int
		labels, bytes int // per grouping, beside the job; of each label
	}{
		{"small", 50_000, 1, 8},
		{"with many labels", 10_000, 10, 20},
		{"with large labels", 1_000, 28, 1000},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := heap()
			p := newState(nil)
			p.clock = clock.New(clock.Source{})
			e := transaction{State: p, id: 1}
			for i := range test.n {
				labels := []exposition.Label{{Name: "job", Value: fmt.Sprintf("job-%d", i)}}
				for l := range test.labels {
					labels = append(labels, exposition.Label{Name: fmt.Sprintf("label_%d", l), Value: strings.Repeat("x", test.bytes)})
				}
				k, err := key.NewGroupingKey(labels)
				if err != nil {
					t.Fatal(err)
				}
				e.addDeleted(deletedGrouping{key: k, tombstone: tombstone{stamp: int64(i), ran: int64(i), operation: "an operation"}})
			}
			grown := heap() - before
			if counted := p.stats.DeletedBytes; counted < grown*4/5 || counted > grown*5/4 {
				t.Errorf("they take %d bytes each and count %d", grown/int64(test.n), counted/int64(test.n))
			}
			for _, id := range treesOf(p).deleted.Keys() {
				e.dropDeleted(id)
			}
			if p.stats.DeletedBytes != 0 || p.stats.Deleted != 0 {
				t.Errorf("when all are gone, %d bytes of %d are left", p.stats.DeletedBytes, p.stats.Deleted)
			}
		})
	}
}
