package pebble

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store/journal"
)

// A waterline is a file with one line, the last revision that was reported to
// anybody as durable. It is written after the change itself, so a store that
// ends below it has lost something. It isn't synced with every change: after a
// power cut it may be too low, never too high.
type waterline struct{ f vfs.File }

const waterlineFormat = "revision %020d checksum %08x\n"

var waterlineBytes = len(waterlineText(0))

func waterlineText(r journal.Revision) string {
	return fmt.Sprintf(waterlineFormat, uint64(r), crc32.ChecksumIEEE(strconv.AppendUint(nil, uint64(r), 10)))
}

func parseWaterline(text string) (journal.Revision, error) {
	fields := strings.Fields(text)
	if len(fields) != 4 {
		return 0, errors.New("unreadable line")
	}
	n, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil || waterlineText(journal.Revision(n)) != text {
		return 0, errors.New("unreadable line")
	}
	return journal.Revision(n), nil
}

func readWaterline(fs vfs.FS, path string) (journal.Revision, error) {
	f, err := fs.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(waterlineBytes)+1))
	if err != nil {
		return 0, err
	}
	return parseWaterline(string(text))
}

func openWaterline(fs vfs.FS, path string) (*waterline, error) {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &waterline{f: f}, nil
}

func (w *waterline) raise(r journal.Revision) error {
	_, err := w.f.WriteAt([]byte(waterlineText(r)), 0)
	return err
}

func (w *waterline) sync() error { return w.f.Sync() }

func (w *waterline) close() error { return w.f.Close() }
