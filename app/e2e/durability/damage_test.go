package durability

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// damages are what may happen to a file.
var damages = map[string]func(b []byte) []byte{
	"a bit flipped at the start":      func(b []byte) []byte { return flipped(b, 0) },
	"a bit flipped in the middle":     func(b []byte) []byte { return flipped(b, len(b)/2) },
	"a bit flipped at the end":        func(b []byte) []byte { return flipped(b, len(b)-1) },
	"cut in half":                     func(b []byte) []byte { return b[:len(b)/2] },
	"emptied":                         func([]byte) []byte { return []byte{} },
	"removed":                         func([]byte) []byte { return nil },
	"overwritten with zeros":          func(b []byte) []byte { return make([]byte, len(b)) },
	"replaced by a page of something": func([]byte) []byte { return bytes.Repeat([]byte("something "), 400) },
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 4
	return b
}

func TestADamagedStoreIsRefusedUnchangedOrHoldsEverything(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	var want strings.Builder
	for round := range 2 { // the second start moves the first log into tables
		s := harness.StartOn(t, dir)
		for i := range 20 {
			s.Put(fmt.Sprintf("/metrics/job/x/instance/%d-%d", round, i), fmt.Sprintf("m %d\n", i))
			fmt.Fprintf(&want, "m{instance=\"%d-%d\",job=\"x\"} %d\n", round, i, i)
		}
		s.Stop()
	}
	vital := []string{"gatehouse.json", newest(t, dir, "pebble/*.log"), newest(t, dir, "pebble/*.sst"), newest(t, dir, "pebble/MANIFEST-*")}
	for _, name := range slices.Sorted(maps.Keys(harness.Checksums(t, dir))) {
		original, err := os.ReadFile(filepath.Join(dir, name))
		harness.Must(t, err)
		for what, damage := range damages {
			if len(original) == 0 && what != "removed" {
				continue
			}
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				// Most of these can't be survived; a flipped bit may be in a
				// place without meaning.
				mustRefuse := slices.Contains(vital, name) && !strings.HasPrefix(what, "a bit")
				damaged(t, dir, name, damage(original), want.String(), mustRefuse)
			})
		}
	}
}

// newest is the file of a kind that was made last.
func newest(t *testing.T, dir, pattern string) string {
	t.Helper()
	matching, err := filepath.Glob(filepath.Join(dir, pattern))
	harness.Must(t, err)
	name, err := filepath.Rel(dir, slices.Max(matching))
	harness.Must(t, err)
	return name
}

// damaged starts the program on a copy of a store that has one file with other
// content, or without it.
func damaged(t *testing.T, dir, name string, b []byte, want string, mustRefuse bool) {
	copied := filepath.Join(t.TempDir(), "store")
	harness.Must(t, os.CopyFS(copied, os.DirFS(dir)))
	file := filepath.Join(copied, name)
	harness.Must(t, os.Remove(file))
	if b != nil {
		harness.Must(t, os.WriteFile(file, b, 0o600))
	}
	before := harness.Checksums(t, copied)
	c := harness.Launch(t, nil, harness.Binary, harness.Loopback, "--storage.path="+copied)
	var s *harness.Server
	harness.Until(t, "a start or a refusal", func() string {
		if strings.Contains(c.Log.String(), "msg=Listening") {
			s = harness.Listening(c, `msg=Listening address=(\S+)`)
			return ""
		}
		select {
		case <-c.Ended:
			return ""
		default:
			return "neither yet"
		}
	})
	if s != nil {
		if mustRefuse {
			t.Error("it started")
		}
		s.Holds(want)
		return
	}
	if code := c.Exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wayOut := regexp.MustCompile(regexp.QuoteMeta(copied) + `.*; (restore it from a backup, or move the directory away|choose another directory, or move what is in it away)`)
	if !wayOut.MatchString(c.Log.String()) {
		t.Errorf("it does not name the store and a way out:\n%s", harness.Tail(c.Log.String()))
	}
	if strings.Contains(c.Log.String(), "goroutine ") {
		t.Errorf("it shows a stack trace:\n%s", harness.Tail(c.Log.String()))
	}
	harness.Unchanged(t, copied, before)
}
