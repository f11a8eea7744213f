package handlertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// WordsOf returns what a person reads in an element, with single spaces.
func WordsOf(n *html.Node) string {
	var words []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "title" {
			words = append(words, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(words, " ")
}

// List is the list of groupings as a browser gets it.
type List struct {
	Answer
	Root *html.Node
}

// List opens the list of groupings with a query, which begins with a question mark if
// it is not empty.
func (s *Server) List(query string, headers ...string) List {
	s.T.Helper()
	a := s.Get(s.Prefix+"/"+query, append([]string{"Accept", "text/html,*/*;q=0.8"}, headers...)...)
	if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		s.T.Fatalf("%v %v", a, a.Header)
	}
	root, err := html.Parse(strings.NewReader(a.Body))
	Must(s.T, err)
	return List{a, root}
}

// FindAll returns the elements below a node that satisfy f.
func FindAll(n *html.Node, f func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && f(d) {
			found = append(found, d)
		}
	}
	return found
}

// HasTag matches elements by name.
func HasTag(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

// HasClass matches elements that have a class.
func HasClass(class string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(strings.Fields(Attribute(n, "class")), class) }
}

// Attribute returns the value of an attribute; empty: there is none.
func Attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// TextOf returns the text below a node, with single spaces.
func TextOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// ByID returns the only element with an id; nil: there is none, or several.
func (l List) ByID(id string) *html.Node {
	found := FindAll(l.Root, func(n *html.Node) bool { return Attribute(n, "id") == id })
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// Text returns the text of the only element with an id.
func (l List) Text(id string) string {
	if n := l.ByID(id); n != nil {
		return TextOf(n)
	}
	return "(there is no " + id + ")"
}

// Rows returns the rows of groupings.
func (l List) Rows() []*html.Node {
	return FindAll(l.Root, func(n *html.Node) bool { return n.Data == "tr" && strings.HasPrefix(Attribute(n, "id"), "g-") })
}

// Keys returns the labels of the rows.
func (l List) Keys() string {
	var keys []string
	for _, row := range l.Rows() {
		var labels []string
		for _, chip := range FindAll(row, HasClass("chip")) {
			labels = append(labels, TextOf(chip))
		}
		keys = append(keys, strings.Join(labels, ","))
	}
	return strings.Join(keys, " ")
}

// Link returns the address of the only link with a text, below the prefix.
func (l List) Link(t testing.TB, text string) string {
	t.Helper()
	found := FindAll(l.Root, func(n *html.Node) bool { return n.Data == "a" && TextOf(n) == text })
	if len(found) != 1 {
		t.Fatalf("%d links %q", len(found), text)
	}
	return strings.TrimPrefix(Attribute(found[0], "href"), "/")
}

// Fill pushes n groupings of three labels.
func (s *Server) Fill(n int) {
	s.T.Helper()
	var pushes sync.WaitGroup
	for worker := range 16 {
		pushes.Go(func() {
			for i := worker; i < n; i += 16 {
				s.Put(fmt.Sprintf("/metrics/job/job-%d/instance/host-%d:9100/env/%s", i%7, i, []string{"prod", "stg", "dev"}[i%3]), ManySeries(1+i%9))
			}
		})
	}
	pushes.Wait()
}

// View is a page, or a part of one, as a browser gets it.
type View struct {
	Answer
	Root *html.Node
}

// Open opens the page at a path.
func (s *Server) Open(path string, headers ...string) View {
	s.T.Helper()
	a := s.Get(s.Prefix+path, append(headers, BrowserHeaders...)...)
	if a.Status != 200 {
		s.T.Fatalf("%v", a)
	}
	root, err := html.Parse(strings.NewReader(a.Body))
	Must(s.T, err)
	return View{a, root}
}

// Text returns what a person reads.
func (v View) Text() string { return WordsOf(v.Root) }

// Facts returns the descriptions of the page's lists by their terms.
func (v View) Facts() map[string]string {
	facts := map[string]string{}
	for _, dt := range FindAll(v.Root, HasTag("dt")) {
		facts[WordsOf(dt)] = WordsOf(dt.Parent.LastChild)
	}
	return facts
}
