package static

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

func TestEveryFileIsCompressedWithoutLoss(t *testing.T) {
	if len(files) < 5 {
		t.Fatalf("%d files", len(files))
	}
	for path, f := range files {
		z, err := gzip.NewReader(bytes.NewReader(f.Gzip))
		if err != nil {
			t.Fatal(err)
		}
		for coding, r := range map[string]io.Reader{"gzip": z, "brotli": brotli.NewReader(bytes.NewReader(f.Brotli))} {
			plain, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(plain, f.Plain) {
				t.Errorf("%s as %s is something else: %v", path, coding, err)
			}
		}
		if len(f.Plain) == 0 || f.Type == "" || len(f.Brotli) >= len(f.Plain) {
			t.Errorf("%s: %d bytes of type %q, %d compressed", path, len(f.Plain), f.Type, len(f.Brotli))
		}
	}
}

func TestAnAddressNamesTheContent(t *testing.T) {
	for name, path := range paths {
		base, ext, _ := strings.Cut(name, ".")
		if !strings.HasPrefix(path, "/static/"+base+".") || !strings.HasSuffix(path, "."+ext) || len(path) != len("/static/.")+len(name)+12 {
			t.Errorf("%s is at %s", name, path)
		}
		if f, ok := Find(Path(name)); !ok || len(f.Plain) == 0 {
			t.Errorf("%s is not found where it is", name)
		}
	}
	for _, path := range []string{"", "/static/", "/static/app.css", "/static/app.000000000000.css", "app.css", "/static/../dist/app.css"} {
		if _, ok := Find(path); ok {
			t.Errorf("there is a file at %q", path)
		}
	}
}
