package pebble

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// formatMarker is the name of the engine's marker of its format.
const formatMarker = "format-version"

// engineFormat returns the format in which the engine is to be opened: that of its
// files, so that an earlier build can go back to them, and the newest one of a new
// store. Files of a later format are refused: they are not damaged.
func (d directory) engineFormat() (pebble.FormatMajorVersion, error) {
	text, err := atomicfs.ReadMarker(d.fs, d.file(engineName), formatMarker)
	if errors.Is(err, os.ErrNotExist) || err == nil && text == "" {
		return pebble.FormatNewest, nil // what there is besides is for the engine to judge
	}
	if err != nil {
		return 0, d.unreadable(err)
	}
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, d.damaged(fmt.Errorf("the format of the engine is %q", text))
	}
	format := pebble.FormatMajorVersion(number)
	switch {
	case format > pebble.FormatNewest:
		return 0, fmt.Errorf("store %s has engine format %d, this program knows formats up to %d; start it with the newer version of Gatehouse that wrote it", d.path, format, pebble.FormatNewest)
	case format < pebble.FormatMinSupported:
		return 0, fmt.Errorf("store %s has engine format %d, this program knows formats from %d; start it once with an older version of Gatehouse that knows both", d.path, format, pebble.FormatMinSupported)
	}
	return format, nil
}
