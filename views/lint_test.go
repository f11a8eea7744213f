package views

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// banned would not work under the pages' policy, or would fail silently with
// this version of htmx.
var banned = map[string]*regexp.Regexp{
	"style in the page":            regexp.MustCompile(`<style|\sstyle=`),
	"script in the page":           regexp.MustCompile(`<script(?:\s+(?:defer|async))*\s*>`),
	"an event handler":             regexp.MustCompile(`\son[a-z]+=|hx-on`),
	"what has to be evaluated":     regexp.MustCompile(`js:|javascript:|hx-vars|hx-trigger="[^"]*\[`),
	"a delete that errors do too":  regexp.MustCompile(`hx-swap="delete`),
	"what htmx 2 had":              regexp.MustCompile(`hx-ext=|sse-swap|hx-params|hx-disinherit|hx-inherit=|hx-history=|hx-boost`),
	"a path without the prefix":    regexp.MustCompile(`(?:href|action|src|hx-get|hx-post)="/`),
	"the text of a raw expression": regexp.MustCompile(`templ\.JSUnsafeFuncCall`),
}

func TestComponentsHoldNothingThatIsBanned(t *testing.T) {
	var files []string
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".templ" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, pattern := range banned {
			if found := pattern.Find(text); found != nil {
				t.Errorf("%s has %s: %q", file, what, found)
			}
		}
	}
}

func TestBannedThingsAreRecognised(t *testing.T) {
	for what, text := range map[string]string{
		"style in the page":            `<div style="color:red">`,
		"script in the page":           `<script>alert(1)</script>`,
		"an event handler":             `<a onclick="x()">`,
		"what has to be evaluated":     `hx-trigger="click[ctrlKey]"`,
		"a delete that errors do too":  `hx-swap="delete"`,
		"what htmx 2 had":              `hx-ext="sse"`,
		"a path without the prefix":    `<a href="/docs">`,
		"the text of a raw expression": `templ.JSUnsafeFuncCall("x")`,
	} {
		if !banned[what].MatchString(text) {
			t.Errorf("%s: %s passes", what, text)
		}
	}
	if banned["script in the page"].MatchString(`<script defer src={ x }></script>`) {
		t.Error("a script of ours is banned")
	}
}
