package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tree that CONTRIBUTING draws is that of the folders with Go code: each is
// named in it, and what it names is there.
func TestTheDrawnTreeIsThatOfTheFolders(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## The house\n")
	var tree []string
	for line := range strings.Lines(rest) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "    ") {
			break
		}
		tree = append(tree, line)
	}
	drawing := strings.Join(tree, "")
	if !found || len(tree) < 10 {
		t.Fatalf("no tree is drawn:\n%s", drawing)
	}
	words := regexp.MustCompile(`[a-z0-9_.-]+(?:/[a-z0-9_.-]*)*`).FindAllString(drawing, -1)
	for _, word := range words {
		if dir := strings.TrimSuffix(word, "/"); strings.Contains(word, "/") && !isFolder(dir) && !isFolder(path.Join("auth", dir)) && !isFolder(path.Join("app", dir)) {
			t.Errorf("the tree names %s, which is not there", word)
		}
	}
	for _, dir := range packageFolders(t) {
		names := func(word string) bool { return strings.HasSuffix("/"+dir, "/"+strings.TrimRight(word, "./")) }
		if !slices.ContainsFunc(words, names) {
			t.Errorf("the tree lacks %s", dir)
		}
	}
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// packageFolders returns the folders below this one that hold Go code.
func packageFolders(t *testing.T) []string {
	t.Helper()
	var folders []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go") && filepath.Dir(name) != ".":
			folders = append(folders, filepath.ToSlash(filepath.Dir(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Compact(folders)
}
