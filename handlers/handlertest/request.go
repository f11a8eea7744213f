package handlertest

import "strings"

// BrowserHeaders are those of a browser that opens a page.
var BrowserHeaders = []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none"}

// PartHeaders returns the headers of htmx when it replaces the element with an id.
func PartHeaders(id string) []string {
	return []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#" + id, "Accept", "text/html", "Sec-Fetch-Site", "same-origin"}
}

// Contains reports whether text has all parts.
func Contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
