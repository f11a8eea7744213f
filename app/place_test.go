package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/app/config"
	"gatehouse/store/pebble"
)

// stored makes a store in dir.
func stored(t *testing.T, dir string) {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: dir})
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheStoreIsWhereAVolumeHasItOrBesideThePersistenceFile(t *testing.T) {
	const root, beside = "", config.BesideName
	for _, test := range []struct {
		name        string
		stores      []string // below the volume
		persistence string   // the same; "": none
		want        string
		problem     []string // instead
	}{
		{"nothing to take over", nil, "", root, nil},
		{"a store, nothing to take over", []string{root}, "", root, nil},
		{"a store in both places, nothing to take over", []string{root, beside}, "", root, nil},
		{"a volume to take over", nil, "pushgateway.data", beside, nil},
		{"one that was taken over", []string{beside}, "pushgateway.data", beside, nil},
		{"one that has been ours before", []string{root}, "pushgateway.data", root, nil},
		{"a store in both places", []string{root, beside}, "pushgateway.data", "", []string{"there are two stores"}},
		{"taken over, and the flag is gone", []string{beside}, "", "", []string{"there is no store in", "but one in"}},
		{"taken over, and the file is elsewhere", []string{beside}, "below/pushgateway.data", "", []string{"there is no store in"}},
		{"a file deeper down", nil, "below/pushgateway.data", root, nil},
		{"a file above", nil, "../pushgateway.data", root, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			volume := filepath.Join(t.TempDir(), "volume")
			for _, store := range test.stores {
				stored(t, filepath.Join(volume, store))
			}
			o := config.Options{Disk: pebble.Options{Path: volume}}
			if test.persistence != "" {
				o.PersistenceFile = filepath.Join(volume, test.persistence)
			}
			got, err := (&App{options: o}).storePlace()
			for _, part := range append(test.problem, volume, filepath.Join(volume, config.BesideName)) {
				if test.problem != nil && (err == nil || !strings.Contains(err.Error(), part)) {
					t.Errorf("got %q, %v, want %q in the error", got, err, part)
				}
			}
			if want := filepath.Join(volume, test.want); test.problem == nil && (got != want || err != nil) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestADirectoryIsTheSameHoweverItIsWritten(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(dir, link), os.Mkdir(filepath.Join(dir, "sub"), 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, same := range []string{dir, dir + "/", ".", "./", link, "sub/..", link + "/."} {
		if !sameDirectory(dir, same) || !sameDirectory(same, dir) {
			t.Errorf("%s is not %s", same, dir)
		}
	}
	for _, other := range []string{"sub", "..", "new", dir + "2"} {
		if sameDirectory(dir, other) {
			t.Errorf("%s is %s", other, dir)
		}
	}
	if !sameDirectory("new", "./new/") || !sameDirectory("new", filepath.Join(dir, "new")) {
		t.Error("a directory that is not there yet is another one")
	}
}
