package key_test

import (
	"fmt"
	"regexp"
	"testing"

	"gatehouse/store"
	"gatehouse/store/storetest"
)

func TestADigestNamesItsGroupingAndNoOther(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	paths := []string{"/job/x", "/job/x/i/1", "/job/x/i/2", "/job@base64/w7Y", "/job/x/U__a_2e_b/1"}
	plain := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	digests := map[string]string{}
	for _, path := range paths {
		storetest.MustPush(t, s, path, "m 1\n")
		digest := storetest.Key(t, path).Digest()
		if !plain.MatchString(digest) || digests[digest] != "" {
			t.Errorf("%s: got %q", path, digest)
		}
		digests[digest] = path
	}
	all := func(missing string) {
		t.Helper()
		for digest, path := range digests {
			g, ok := s.Snapshot().ByDigest(digest)
			if ok == (path == missing) || ok && g.Key.ID() != storetest.Key(t, path).ID() {
				t.Errorf("%s: got %v, %v", path, g, ok)
			}
		}
	}
	all("")
	storetest.MustPush(t, s, "/job/x", "m 2\n")
	all("")
	if _, err := s.Delete(t.Context(), storetest.Key(t, paths[1]), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	all(paths[1])
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	all(paths[1])
	if _, err := s.Undo(t.Context(), storetest.LastOperation(t, s), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	all("")
	if _, err := s.Wipe(t.Context(), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	for digest, path := range digests {
		if _, ok := s.Snapshot().ByDigest(digest); ok {
			t.Errorf("%s is wiped", path)
		}
	}
}

func FuzzDigest(f *testing.F) {
	s, _ := storetest.Filled(f, 3)
	known := map[string]bool{}
	for g := range s.Snapshot().Groupings() {
		known[g.Key.Digest()] = true
		f.Add(g.Key.Digest())
		f.Add(g.Key.Digest() + "=")
		f.Add(fmt.Sprintf("%s\n", g.Key.Digest()[:21]))
	}
	f.Fuzz(func(t *testing.T, digest string) {
		if g, ok := s.Snapshot().ByDigest(digest); ok != known[digest] {
			t.Errorf("%q names %v: %v", digest, g, ok)
		}
	})
}
