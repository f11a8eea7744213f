package durability

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestOnlyItsUserCanReadTheStore(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "027", "777"} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "above", "store")
			c := harness.Launch(t, nil, "/bin/sh", "-c", `umask "$0"; exec "$@"`, umask, harness.Binary, harness.Loopback, "--storage.path="+dir)
			s := harness.Listening(c, `msg=Listening address=(\S+)`)
			s.Put("/metrics/job/a", "m 1\n")
			s.Stop()
			seen := 0
			harness.Must(t, filepath.WalkDir(filepath.Dir(dir), func(path string, e fs.DirEntry, err error) error {
				harness.Must(t, err)
				want := fs.FileMode(0o600)
				if e.IsDir() {
					want = 0o700
				}
				info, err := e.Info()
				if harness.Must(t, err); info.Mode().Perm() != want {
					t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
				}
				seen++
				return nil
			}))
			if seen < 5 {
				t.Errorf("%d files were looked at: the store is elsewhere", seen)
			}
		})
	}
}

func TestADirectoryThatOthersCanReadIsMentioned(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	harness.Must(t, os.Mkdir(dir, 0o700))
	for mode, mentioned := range map[fs.FileMode]bool{0o700: false, 0o750: true, 0o755: true, 0o777: true} {
		harness.Must(t, os.Chmod(dir, mode)) //nolint:gosec // that is what it is about
		s := harness.StartOn(t, dir)
		s.Stop()
		said := fmt.Sprintf("open to other users; chmod 700 closes it\" path=%s mode=%v", dir, fs.ModeDir|mode)
		if got := strings.Contains(s.Log.String(), said); got != mentioned {
			t.Errorf("%v: mentioned: %v, want %v", mode, got, mentioned)
		}
	}
}
