package webconfig

import (
	"context"
	"time"
)

// Watch reloads when the content of the file, or of one that it names, has
// changed, until ctx ends. It looks every so often, and calls changed after
// each success, also when somebody else called Reload. Only one Watch runs.
// Without a file it returns at once.
//
// It reads the content, rather than to wait for notices of the file system:
// those get lost on network file systems and when directories are swapped.
func (f *File) Watch(ctx context.Context, every time.Duration, changed func()) {
	if f.path == "" {
		return
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	known := f.opened
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		_ = f.Reload() // has logged its error
		if now := f.current.Load(); now != known {
			known = now
			changed()
		}
	}
}
