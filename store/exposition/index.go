package exposition

import "hash/maphash"

// seriesSeed keeps clients from choosing names that collide.
var seriesSeed = maphash.MakeSeed()

// seriesIndex finds the number of a thing by the hash of its key. It keeps
// neither keys nor pointers, so that it is cheap to reuse.
type seriesIndex struct {
	slots []uint64 // upper half of the hash, then the number plus one; 0: free
	spare []uint64 // to grow into
	count int
}

const (
	seriesIndexSlots = 1 << 8  // to begin with; a power of two
	seriesIndexKept  = 1 << 12 // at most kept for the next push
)

// reset forgets everything. A push should not pay for a larger one before it,
// so the index begins small again.
func (x *seriesIndex) reset() {
	if len(x.slots) > seriesIndexKept {
		*x = seriesIndex{}
	}
	x.count = 0
	x.slots = x.slots[:min(len(x.slots), seriesIndexSlots)]
	clear(x.slots)
}

// find returns the number put under a key of that hash for which same is true,
// else -1.
func (x *seriesIndex) find(hash uint64, same func(n int) bool) int {
	if len(x.slots) == 0 {
		return -1
	}
	mask := len(x.slots) - 1
	for at := int(hash>>32) & mask; ; at = (at + 1) & mask {
		slot := x.slots[at]
		if slot == 0 {
			return -1
		}
		if slot>>32 == hash>>32 {
			if n := int(uint32(slot)) - 1; same(n) {
				return n
			}
		}
	}
}

// put adds a number that find does not find.
func (x *seriesIndex) put(hash uint64, n int) {
	if 2*(x.count+1) > len(x.slots) {
		x.grow()
	}
	x.count++
	x.place(hash&^(1<<32-1) | uint64(uint32(n+1)))
}

func (x *seriesIndex) place(slot uint64) {
	mask := len(x.slots) - 1
	at := int(slot>>32) & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = slot
}

func (x *seriesIndex) grow() {
	old, size := x.slots, max(seriesIndexSlots, 2*len(x.slots))
	if cap(x.spare) >= size {
		x.slots = x.spare[:size]
		clear(x.slots)
	} else {
		x.slots = make([]uint64, size)
	}
	x.spare = old
	for _, slot := range old {
		if slot != 0 {
			x.place(slot)
		}
	}
}
