package handlertest

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// FormOf returns what the form of a page with an action would send.
func FormOf(t testing.TB, page, action string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	Must(t, err)
	fields := url.Values{}
	found := false
	for n := range doc.Descendants() {
		if n.Data != "form" || Attribute(n, "action") != action {
			continue
		}
		found = true
		for field := range n.Descendants() {
			if field.Data == "input" {
				fields.Add(Attribute(field, "name"), Attribute(field, "value"))
			}
		}
	}
	if !found {
		t.Fatalf("no form with action %s in %s", action, page)
	}
	return fields
}
