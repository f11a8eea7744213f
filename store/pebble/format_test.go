package pebble

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// engineFormatOf returns the engine's own note of its format.
func engineFormatOf(t *testing.T, dir string) string {
	t.Helper()
	text, err := atomicfs.ReadMarker(vfs.Default, filepath.Join(dir, engineName), formatMarker)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAStoreKeepsTheFormatOfItsEngine(t *testing.T) {
	dir := t.TempDir()
	mustClose(t, mustOpen(t, Options{Path: dir}))
	if got := engineFormatOf(t, dir); got != pebble.FormatNewest.String() {
		t.Errorf("a new store has format %s, the newest one is %s", got, pebble.FormatNewest)
	}
	engine := filepath.Join(dir, engineName)
	if err := os.RemoveAll(engine); err != nil {
		t.Fatal(err)
	}
	old, err := pebble.Open(engine, &pebble.Options{FormatMajorVersion: pebble.FormatMinSupported, Logger: &listener{log: slog.New(slog.DiscardHandler), health: newHealth()}})
	if err == nil {
		err = old.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		j := mustOpen(t, Options{Path: dir})
		put(t, j, "k", string(rune('a'+i)))
		if r, err := j.Read(t.Context(), "k"); err != nil || string(r.Value) != string(rune('a'+i)) {
			t.Errorf("%v, %v", r, err)
		}
		mustClose(t, j)
		if got := engineFormatOf(t, dir); got != pebble.FormatMinSupported.String() {
			t.Errorf("its format is %s now, it was %s", got, pebble.FormatMinSupported)
		}
	}
}

func TestAnEngineOfAnotherVersionIsNotTakenForDamaged(t *testing.T) {
	for _, test := range []struct{ name, format, want string }{
		{"a newer one", (pebble.FormatNewest + 1).String(), "start it with the newer version of Gatehouse that wrote it"},
		{"a much newer one", "999", "start it with the newer version of Gatehouse that wrote it"},
		{"one that is no longer known", (pebble.FormatMinSupported - 1).String(), "start it once with an older version of Gatehouse"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			j := mustOpen(t, Options{Path: dir})
			put(t, j, "k", "v")
			mustClose(t, j)
			m, was, err := atomicfs.LocateMarker(vfs.Default, filepath.Join(dir, engineName), formatMarker)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Move(test.format); err != nil {
				t.Fatal(err)
			}
			j, err = Open(Options{Path: dir})
			if err == nil {
				mustClose(t, j)
				t.Fatal("it opens")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "\n") {
				t.Error(err)
			}
			// It is as it was.
			if err := m.Move(was); err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			j = mustOpen(t, Options{Path: dir})
			if r, err := j.Read(t.Context(), "k"); err != nil || string(r.Value) != "v" {
				t.Errorf("%v, %v", r, err)
			}
			mustClose(t, j)
		})
	}
}
