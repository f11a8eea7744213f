package harness

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Checksums returns the checksum of every file below dir by its name, without lock
// files.
func Checksums(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := make(map[string]string)
	Must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "LOCK" {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		sums[name] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	}))
	return sums
}

// Unchanged fails the test if files below dir are not as Checksums saw them before.
func Unchanged(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	if why := Compare(Checksums(t, dir), before); why != "" {
		t.Errorf("files were changed:\n%s", why)
	}
}
