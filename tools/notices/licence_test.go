package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const isc = `Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`

const beerware = `"THE BEER-WARE LICENSE" (Revision 42):
<me@example.org> wrote this file. As long as you retain this notice you
can do whatever you want with this stuff. If we meet some day, and you think
this stuff is worth it, you can buy me a beer in return.
`

func TestALicenceIsKnownAndAgreedTo(t *testing.T) {
	for _, test := range []struct{ name, text, want, problem string }{
		{"an agreed one", "Copyright 2020 Somebody\n\n" + isc, "ISC", ""},
		{"none", "All rights reserved.", "", "known licence"},
		{"one that is not agreed to", beerware, "", "nobody has agreed to Beerware"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := identify([]byte(test.text))
			if strings.Join(got, " ") != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("identify(%.40q…) = %q, %v, want %q, %q", test.text, got, err, test.want, test.problem)
			}
		})
	}
}

func TestEachTextIsThereOnceWithItsOwners(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	components := []*component{
		{name: "one", version: "v1", files: []string{file("one/LICENSE", isc), file("one/NOTICE", "One, by somebody\n")}},
		{name: "two", version: "v2", files: []string{file("two/LICENSE", "\n"+isc+"\n")}},
	}
	if err := name(components); err != nil {
		t.Fatal(err)
	}
	text, err := licences(components)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one v1: ISC\n", "two v2: ISC\n", "\none\ntwo\n\n" + isc} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the licences are\n%s\nwithout %q", text, want)
		}
	}
	if n := strings.Count(string(text), "Permission to use"); n != 1 {
		t.Errorf("the text is there %d times, want once", n)
	}
	text, err = notice(components)
	if err != nil || !strings.Contains(string(text), "\none\n\nOne, by somebody\n") || strings.Contains(string(text), "Permission") {
		t.Errorf("the notice is\n%s\n%v", text, err)
	}
}

func TestTheModulesOfTheProgramAreListed(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("THIRD-PARTY-LICENSES")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*component{}
	if err := addModules(found, "amd64"); err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if line := "\n" + c.name + " " + c.version + ": "; !strings.Contains(string(text), line) {
			t.Errorf("%s %s is not listed: run 'go tool task generate'", c.name, c.version)
		}
	}
	if len(found) == 0 {
		t.Error("the program has no modules")
	}
}
