package pebble

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/store/journal"
)

// image is a store's directory as it was at one moment.
type image map[string][]byte // by path within the directory

func imageOf(t *testing.T, dir string) image {
	t.Helper()
	im := image{}
	for _, sub := range []string{"", engineName} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(sub, e.Name())
			if e.IsDir() || name == lockName { // reading it here would end the lock
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			im[name] = content
		}
	}
	return im
}

func (im image) lay(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, engineName), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range im {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// images returns a store with several tables and a log of many blocks, as a
// crash and as a clean stop leave it, and what it holds.
func images(t *testing.T) (crashed, stopped image, held map[string]string) {
	t.Helper()
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	held = map[string]string{}
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 8 { // enough for logs to be used again
		for i := range 80 {
			key := fmt.Sprintf("key %d", random.IntN(200))
			if i%10 == 9 {
				if _, err := j.Commit(t.Context(), journal.Change{Key: key}); err != nil {
					t.Fatal(err)
				}
				delete(held, key)
				continue
			}
			held[key] = strings.Repeat(fmt.Sprintf("%d %d ", round, i), 50+random.IntN(300))
			put(t, j, key, held[key])
		}
		if round < 7 {
			if err := j.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	crashed = imageOf(t, dir)
	mustClose(t, j)
	return crashed, imageOf(t, dir), held
}

func TestDamageIsNeverTakenForAStoreWithFewerRecords(t *testing.T) {
	t.Parallel()
	crashed, stopped, held := images(t)
	random := rand.New(rand.NewPCG(7, 8))
	tried, refused := 0, 0
	for when, whole := range map[string]image{"after a crash": crashed, "after a clean stop": stopped} {
		for name, content := range whole {
			for _, d := range damages(random, name, content) {
				tried++
				if !opensWhole(t, d.applied(whole, name), held, fmt.Sprintf("%s, %s: %s", when, name, d.what)) {
					refused++
				}
			}
		}
	}
	t.Logf("%d of %d damaged stores were refused, the others had lost nothing", refused, tried)
	if refused < tried/3 {
		t.Errorf("only %d of %d damaged stores were refused", refused, tried)
	}
}

type damage struct {
	what    string
	content []byte // nil: the file is gone
}

func (d damage) applied(whole image, name string) image {
	damaged := image{}
	for n, content := range whole {
		damaged[n] = content
	}
	if d.content == nil {
		delete(damaged, name)
	} else {
		damaged[name] = d.content
	}
	return damaged
}

// damages flips bits, overwrites and cuts off, mostly near the end: that is
// where damage is most like an end.
func damages(random *rand.Rand, name string, content []byte) []damage {
	all := []damage{{what: "missing"}}
	if len(content) == 0 {
		return all
	}
	places := []int{0, len(content) / 2, len(content) - 1}
	for range 2 {
		places = append(places, random.IntN(len(content)))
	}
	if strings.HasSuffix(name, ".log") || strings.Contains(name, "MANIFEST") {
		for back := 8; back < min(len(content), 1<<16); back *= 2 {
			places = append(places, len(content)-back+random.IntN(back/2))
		}
	}
	for _, at := range places {
		bit := random.IntN(8)
		flipped := append([]byte{}, content...)
		flipped[at] ^= 1 << bit
		all = append(all,
			damage{fmt.Sprintf("bit %d of byte %d flipped", bit, at), flipped},
			damage{fmt.Sprintf("cut off at %d of %d", at, len(content)), append([]byte{}, content[:at]...)})
	}
	zeroed := append([]byte{}, content...)
	from := random.IntN(len(content))
	clear(zeroed[from:min(len(content), from+4096)])
	return append(all, damage{fmt.Sprintf("zeroes from %d", from), zeroed})
}

// opensWhole reports whether the store opens; then it must have everything, else
// it must be left as it is.
func opensWhole(t *testing.T, im image, held map[string]string, what string) bool {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	im.lay(t, dir)
	before := digestTree(t, dir)
	j, err := Open(Options{Path: dir, MinFree: -1})
	if err != nil {
		if text := err.Error(); !strings.Contains(text, dir) || strings.Contains(text, "\n") {
			t.Errorf("%s: the refusal is not one line that names the directory: %s", what, text)
		}
		if digestTree(t, dir) != before {
			t.Errorf("%s: the refused store was changed (%v)", what, err)
		}
		return false
	}
	defer j.Close()
	got, err := contentsOf(t, j)
	if err != nil {
		return false
	}
	for key, want := range held {
		if got[key] != want {
			t.Errorf("%s: opened without %q", what, key)
			return true
		}
	}
	if len(got) != len(held) {
		t.Errorf("%s: opened with %d records, want %d", what, len(got), len(held))
	}
	return true
}

// TestALogDamagedInTheMiddleIsRefusedAfterLargeGroups has commits span many
// blocks of the log: the engine alone takes the damage for its end.
func TestALogDamagedInTheMiddleIsRefusedAfterLargeGroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	held := map[string]string{}
	for i := range 20 {
		key := fmt.Sprint(i)
		held[key] = strings.Repeat(key, 100<<10)
		put(t, j, key, held[key])
	}
	whole := imageOf(t, dir)
	mustClose(t, j)
	for name, content := range whole {
		if !strings.HasSuffix(name, ".log") || len(content) < 1<<20 {
			continue
		}
		for part := 1; part < 20; part += 4 {
			at := len(content) / 20 * part
			flipped := append([]byte{}, content...)
			flipped[at] ^= 1
			if opensWhole(t, damage{content: flipped}.applied(whole, name), held, fmt.Sprintf("%s: bit of byte %d flipped", name, at)) {
				t.Errorf("%s with a flipped bit at %d of %d was opened", name, at, len(content))
			}
		}
	}
}

// TestAManifestThatLostItsEndIsRefused has the first records in a table that
// only the end of the manifest names. The engine alone opens without them, as
// the log that had them too is gone.
func TestAManifestThatLostItsEndIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	put(t, j, "first", "1")
	mustClose(t, j)
	j = mustOpen(t, Options{Path: dir})
	put(t, j, "second", "2")
	held := map[string]string{"first": "1", "second": "2"}
	whole := imageOf(t, dir)
	mustClose(t, j)
	refused := 0
	for name, content := range whole {
		if !strings.Contains(name, "/MANIFEST") {
			continue
		}
		for at := 0; at < len(content); at += 3 {
			if !opensWhole(t, damage{content: content[:at]}.applied(whole, name), held, fmt.Sprintf("%s cut off at %d", name, at)) {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no store was refused")
	}
}

func TestDamageFoundWhileRunningIsReportedAndEndsCommits(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	put(t, j, "a", strings.Repeat("x", 1000))
	if err := j.db.Flush(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, engineName, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables: got %q, %v, want one", tables, err)
	}
	f, err := os.OpenFile(tables[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 100); err != nil {
		t.Fatal(err)
	}
	f.Close()
	number := strings.TrimSuffix(filepath.Base(tables[0]), ".sst")
	if r, err := j.Read(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), number) {
		t.Errorf("Read: got %d bytes and error %v, want one that names %s", len(r.Value), err, number)
	}
	if _, err := contentsOf(t, j); err == nil || !strings.Contains(err.Error(), number) {
		t.Errorf("Follow: got %v, want an error that names %s", err, number)
	}
	if err := j.Status().Err; !errors.Is(err, journal.ErrBroken) || !strings.Contains(err.Error(), tables[0]) {
		t.Errorf("Status: got %v, want ErrBroken with %s", err, tables[0])
	}
	if _, err := j.Commit(t.Context(), journal.Change{Key: "b"}); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("Commit: got %v, want ErrBroken", err)
	}
	if err := j.Close(); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("Close: got %v, want ErrBroken", err)
	}
	refusal(t, dir, "damaged", number)
}
