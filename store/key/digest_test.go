package key_test

import (
	"testing"

	"gatehouse/store/key"
)

func TestADigestIsTheSameForEver(t *testing.T) {
	p, err := key.ParsePath("/job/backup/instance/db1", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Key.Digest(); got != "shAxwarguKQM81pXUjUSQA" {
		t.Errorf("got %q: links that people have kept lead nowhere", got)
	}
}

func FuzzParseDigest(f *testing.F) {
	for _, text := range []string{"shAxwarguKQM81pXUjUSQA", "shAxwarguKQM81pXUjUSQA=", "shAxwarguKQM81pXUjUSQB", "shAxwarguKQM81pXUjUS\nQ", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := key.ParseDigest(text); ok && d.String() != text {
			t.Errorf("%q is taken for %q", text, d)
		}
	})
}
