// Package static holds what browsers load beside the pages. Every file has an
// address with a digest of its content in it, so that it can be kept for ever.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// File is a file as it is sent. It is not to be changed.
type File struct {
	Type         string // media type
	Plain        []byte
	Gzip, Brotli []byte // the same, compressed
}

// types are those of our files. The machine's own table may differ.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// paths are the addresses by name, files the contents by address.
var paths, files = load()

func load() (paths map[string]string, files map[string]File) {
	paths, files = make(map[string]string), make(map[string]File)
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		name := e.Name()
		ext := path.Ext(name)
		if _, ours := types[ext]; !ours {
			continue
		}
		f := File{Type: types[ext], Plain: read(name), Gzip: read(name + ".gz"), Brotli: read(name + ".br")}
		sum := sha256.Sum256(f.Plain)
		paths[name] = "/static/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		files[paths[name]] = f
	}
	return paths, files
}

func read(name string) []byte {
	b, err := dist.ReadFile("dist/" + name)
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// Path is the address of a file, below the route prefix. The name must be that
// of a file of dist.
func Path(name string) string {
	p, ok := paths[name]
	if !ok {
		panic("static: no file " + name)
	}
	return p
}

// Find returns the file at an address.
func Find(path string) (File, bool) {
	f, ok := files[path]
	return f, ok
}
