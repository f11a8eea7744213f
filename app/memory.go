package app

import (
	"os"
	"runtime/debug"
)

// gcPercent makes the heap grow by half before it is collected, instead of
// twice. What the store holds has few pointers, so collecting it is cheap, and
// pushes leave much garbage beside it.
const gcPercent = 50

// TuneMemory sets the garbage collector up for a store in memory, unless the
// operator did with GOGC. It concerns the whole process.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
