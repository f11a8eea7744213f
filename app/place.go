package app

import (
	"fmt"
	"os"
	"path/filepath"

	"gatehouse/app/config"
	"gatehouse/store/pebble"
)

// storePlace returns the directory of the store. That is --storage.path, unless a
// Pushgateway has its file right there, as in a volume that is taken over: then it
// is a directory beside the file, but for a store that is in the root already.
func (a *App) storePlace() (string, error) {
	path, file := a.options.Disk.Path, a.options.PersistenceFile
	takenOver := file != "" && sameDirectory(path, filepath.Dir(file))
	inRoot, err := pebble.Holds(path)
	if err != nil || inRoot && !takenOver {
		return path, err
	}
	beside := filepath.Join(path, config.BesideName)
	isBeside, err := pebble.Holds(beside)
	switch {
	case err != nil:
		return "", err
	case inRoot && isBeside:
		return "", fmt.Errorf("there are two stores, %s and %s; use the second one with --storage.path=%[2]s, or move it away to use the first", path, beside)
	case inRoot:
		return path, nil
	case takenOver:
		return beside, nil
	case isBeside:
		return "", fmt.Errorf("there is no store in %s, but one in %s; use that with --storage.path=%[2]s, or move it away", path, beside)
	}
	return path, nil
}

// sameDirectory reports whether both are the same, however they are written.
func sameDirectory(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
