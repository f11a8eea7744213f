package pebble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store/journal"
)

// refusal opens a directory that must be refused with one line that names it
// and has all parts, and must be left as it is.
func refusal(t *testing.T, path string, parts ...string) {
	t.Helper()
	before := digestTree(t, path)
	j, err := Open(Options{Path: path, MinFree: -1})
	if err == nil {
		j.Close()
		t.Fatalf("Open(%q): got no error", path)
	}
	for _, part := range append(parts, path) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal does not say %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the refusal has several lines: %v", err)
	}
	if after := digestTree(t, path); after != before {
		t.Errorf("the refused directory was changed\nfrom\n%s\nto\n%s", before, after)
	}
}

// closed returns the directory of a store that was closed after some commits.
func closed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	for i := range 10 {
		put(t, j, fmt.Sprint(i), "value")
	}
	mustClose(t, j)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryThatCannotBeUsedIsRefusedAndLeftAsItIs(t *testing.T) {
	const wayOut = "restore it from a backup, or move the directory away to start empty"
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		parts []string
	}{
		{"it holds something else", func(t *testing.T, dir string) {
			for _, name := range []string{markerName, waterlineName} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "notes.txt"), "mine")
		}, []string{"not empty", "choose another directory"}},
		{"its marker is missing", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, markerName)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "notes.txt"), "mine")
		}, []string{"damaged", markerName + " is missing", wayOut}},
		{"it is of a newer version", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, markerName), `{"format":2,"id":"x"}`)
		}, []string{"format 2", "newer version"}},
		{"its marker is damaged", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, markerName), `{"format":`)
		}, []string{"damaged", markerName, wayOut}},
		{"its marker has no store id", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, markerName), `{"format":1}`)
		}, []string{"damaged", markerName, wayOut}},
		{"its last revision is missing", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, waterlineName)); err != nil {
				t.Fatal(err)
			}
		}, []string{"damaged", waterlineName, wayOut}},
		{"its last revision is damaged", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, waterlineName), strings.Replace(waterlineText(10), "10", "11", 1))
		}, []string{"damaged", waterlineName, wayOut}},
		{"it ends below the last revision", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, waterlineName), waterlineText(11))
		}, []string{"ends at revision 10", "revision 11 was stored", wayOut}},
		{"the engine's files are missing", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, engineName)); err != nil {
				t.Fatal(err)
			}
		}, []string{"damaged", wayOut}},
		{"the engine's files are empty", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, engineName)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, engineName), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"damaged", wayOut}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := closed(t)
			test.spoil(t, dir)
			refusal(t, dir, test.parts...)
		})
	}
}

func TestAPathThatIsNoDirectoryIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "mine")
	for _, p := range []string{path, filepath.Join(path, "below")} {
		if _, err := Open(Options{Path: p}); err == nil || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), "choose another") {
			t.Errorf("Open(%q): got %v", p, err)
		}
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("Open without a path: got no error")
	}
}

func TestADirectoryThatCannotBeWrittenIsRefused(t *testing.T) {
	dir := closed(t)
	fs := newFaults()
	fs.set(func(verb, name string) error { return syscall.EROFS })
	for _, path := range []string{dir, filepath.Join(dir, "new")} {
		_, err := Open(Options{Path: path, FS: fs, MinFree: -1})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "read-only file system") || !strings.Contains(err.Error(), "choose another one") {
			t.Errorf("Open(%q): got %v", path, err)
		}
	}
	mustOpen(t, Options{Path: dir})
}

func TestAFullDiskAtTheStartIsSaid(t *testing.T) {
	dir := closed(t)
	fs := newFaults()
	fs.set(on("", "", syscall.ENOSPC))
	_, err := Open(Options{Path: dir, FS: fs, MinFree: -1})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open on a full disk: got %v", err)
	}
	fs.set(nil)
	j := mustOpen(t, Options{Path: dir, FS: fs})
	if held, err := contentsOf(t, j); err != nil || len(held) != 10 {
		t.Errorf("afterwards: got %d records, error %v", len(held), err)
	}
}

func TestAnEmptyDirectoryBecomesAStoreThatOnlyItsUserCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	mustClose(t, mustOpen(t, Options{Path: dir}))
	stat, err := os.Stat(dir)
	if err != nil || stat.Mode().Perm() != 0o700 {
		t.Errorf("the directory: got %v, %v, want 0700", stat.Mode(), err)
	}
}

func TestWhatTheRootOfAVolumeHasIsNoObstacle(t *testing.T) {
	mounted := t.TempDir()
	for _, name := range []string{"lost+found", ".snapshot", ".Trash-1000", "..data"} {
		if err := os.Mkdir(filepath.Join(mounted, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("x", 1<<20)
	write(t, filepath.Join(mounted, ".hidden"), large)
	write(t, filepath.Join(mounted, ".snapshot", "mine"), "mine")
	j := mustOpen(t, Options{Path: mounted})
	put(t, j, "a", "1")
	if taken := j.Status().Bytes; taken >= int64(len(large)) {
		t.Errorf("the store takes %d bytes, with what is not its own", taken)
	}
	mustClose(t, j)
	mustClose(t, mustOpen(t, Options{Path: mounted}))
	for _, name := range []string{".hidden", ".snapshot/mine"} {
		if _, err := os.Stat(filepath.Join(mounted, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"data", "lost", "a.b", "gatehouse-data"} {
		other := t.TempDir()
		write(t, filepath.Join(other, name), "mine")
		refusal(t, other, "not empty", name)
	}
}

func TestAStoreIsFoundWhereOneIsOrWas(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  bool
	}{
		{"nothing", nil, false},
		{"something else", []string{"pushgateway.data", "pebble"}, false},
		{"a first start that ended early", []string{lockName, waterlineName, markerTemp}, false},
		{"a store", []string{lockName, waterlineName, markerName, engineName}, true},
		{"a store whose engine was not begun", []string{lockName, waterlineName, markerName}, true},
		{"a store that has lost its marker", []string{lockName, waterlineName, engineName}, true},
	} {
		dir := t.TempDir()
		for _, name := range test.files {
			write(t, filepath.Join(dir, name), "")
		}
		if got, err := Holds(dir); got != test.want || err != nil {
			t.Errorf("%s: got %v, %v", test.name, got, err)
		}
	}
	if got, err := Holds(filepath.Join(t.TempDir(), "none")); got || err != nil {
		t.Errorf("no directory: got %v, %v", got, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := Holds(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file: got %v", err)
	}
}

func TestAFirstStartThatEndedAnywhereIsBegunAnew(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{lockName, ""}, {waterlineName, ""}, {waterlineName, waterlineText(0)}, {markerTemp, `{"for`},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, test.name), test.text)
		j := mustOpen(t, Options{Path: dir})
		put(t, j, "a", "1")
		mustClose(t, j)
	}
	for _, left := range []string{"nothing", "an empty directory"} {
		dir := t.TempDir()
		d, err := newDirectory(nil, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.found(); err != nil {
			t.Fatal(err)
		}
		if left != "nothing" {
			if err := os.Mkdir(d.file(engineName), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, mustOpen(t, Options{Path: dir}))
	}
}

func TestAStoreIsKnownUnderAllItsNames(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, Options{Path: dir})
	t.Chdir(dir)
	for _, path := range []string{dir, link, ".", dir + "/", filepath.Join(dir, "..", filepath.Base(dir))} {
		_, err := Open(Options{Path: path})
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("Open(%q) while it is open: got %v", path, err)
		}
	}
	put(t, j, "a", "1")
}

// opener is set in the environment of a second process: the directory it opens.
const opener = "GATEHOUSE_TEST_OPEN"

func TestASecondProcessFailsAndNamesTheFirst(t *testing.T) {
	if dir := os.Getenv(opener); dir != "" {
		_, err := Open(Options{Path: dir})
		fmt.Print(err)
		os.Exit(0)
	}
	dir := t.TempDir()
	j := mustOpen(t, Options{Path: dir})
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), opener+"="+dir)
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, part := range []string{dir, "in use by another program", fmt.Sprintf("(pid %d)", os.Getpid())} {
		if !strings.Contains(string(said), part) {
			t.Errorf("the second process did not say %q but: %s", part, said)
		}
	}
	put(t, j, "a", "1")
	mustClose(t, j)
	mustClose(t, mustOpen(t, Options{Path: dir}))
}

func TestNothingRunsOnAfterClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		j := mustOpen(t, Options{Path: t.TempDir()})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- j.Follow(ctx, &copyOf{}) }()
		}
		for i := range 5 {
			put(t, j, fmt.Sprint(i), strings.Repeat("x", 1<<20))
		}
		if _, err := j.Scan(t.Context(), "", "", 5); err != nil {
			t.Fatal(err)
		}
		mustClose(t, j)
		<-ended
		<-ended
		cancel()
	}
	until(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestEveryLastRevisionReadsAsItWasWritten(t *testing.T) {
	for _, r := range []journal.Revision{0, 1, 10, 1<<63 + 7, 1<<64 - 1} {
		text := waterlineText(r)
		if got, err := parseWaterline(text); err != nil || got != r || len(text) != waterlineBytes {
			t.Errorf("parseWaterline(%q): got %d, %v, want %d", text, got, err, r)
		}
		for i := range text {
			for bit := range 8 {
				flipped := []byte(text)
				flipped[i] ^= 1 << bit
				if got, err := parseWaterline(string(flipped)); err == nil {
					t.Errorf("parseWaterline(%q): got %d and no error", flipped, got)
				}
			}
		}
	}
}

func FuzzWaterline(f *testing.F) {
	f.Add(waterlineText(0))
	f.Add(waterlineText(1<<64 - 1))
	f.Add("revision -1 checksum x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseWaterline(text); err == nil && waterlineText(r) != text {
			t.Errorf("parseWaterline(%q): got %d", text, r)
		}
	})
}

func FuzzMarker(f *testing.F) {
	f.Add([]byte(`{"format":1,"store":"x"}`))
	f.Add([]byte(`{"format":-1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := parseMarker(text); err == nil && m.Format < 1 {
			t.Errorf("parseMarker(%q): got %+v", text, m)
		}
	})
}

func TestANewDirectoryOutlastsACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	j := mustOpen(t, Options{Path: "/var/lib/gatehouse", FS: disk, MinFree: -1})
	put(t, j, "a", "value")
	after := disk.CrashClone(vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(1, 2))})
	mustClose(t, j)
	again := mustOpen(t, Options{Path: "/var/lib/gatehouse", FS: after, MinFree: -1})
	held := follow(t, again)
	until(t, "what was committed", func() bool { return held.has("a", "value") })
}
