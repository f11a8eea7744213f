package handlertest

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/net/html"
)

// HeaderBytes returns the size of an answer's headers on the wire.
func HeaderBytes(t testing.TB, a Answer) int {
	t.Helper()
	var b bytes.Buffer
	Must(t, (&http.Response{StatusCode: a.Status, ProtoMajor: 1, ProtoMinor: 1, Header: a.Header}).Write(&b))
	return b.Len()
}

// SignOutAddress returns where the page leads that signs a person out. No header may
// have that address.
func SignOutAddress(t testing.TB, a Answer) *url.URL {
	t.Helper()
	if n := HeaderBytes(t, a); a.Status != 200 || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Clear-Site-Data") != `"cache", "storage"` || n > 2<<10 {
		t.Fatalf("%v, %d bytes of headers: %v", a, n, a.Header)
	}
	link := Attribute(FindOne(t, a, HasID("leave")), "href")
	refresh := Attribute(FindOne(t, a, func(n *html.Node) bool { return Attribute(n, "http-equiv") == "refresh" }), "content")
	if refresh != "0; url="+link {
		t.Errorf("the link leads to %q, the page by itself to %q", link, refresh)
	}
	if forms := FindAll(ParsePage(t, a).Root, func(n *html.Node) bool { return n.Data == "form" }); len(forms) > 0 {
		t.Errorf("there are %d forms", len(forms))
	}
	u, err := url.Parse(link)
	Must(t, err)
	return u
}
