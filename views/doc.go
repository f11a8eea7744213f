package views

import (
	"strconv"

	"github.com/a-h/templ"

	"gatehouse/views/docs"
)

// Doc is a page of the manual.
type Doc struct {
	Frame
	Page           *docs.Page
	Previous, Next *docs.Page // nil: none
}

// DocSearch is the list of the manual's pages, or what a search of them finds.
type DocSearch struct {
	Frame
	Query   string // empty: the list
	Hits    []docs.Hit
	At      string // the slug of the page on which the search is shown; empty: its own
	Missing string // the slug of a page that was asked for and isn't there
}

// search is what a page shows of the search beside its own text.
func (d Doc) search() DocSearch { return DocSearch{Frame: d.Frame, At: d.Page.Slug} }

// doc is the address of a page of the manual.
func (f Frame) doc(slug string) templ.SafeURL { return templ.SafeURL(f.Path("/docs/" + slug)) }

// path is where a hit leads.
func (d DocSearch) path(hit docs.Hit) templ.SafeURL {
	if hit.Heading.Level == 1 {
		return d.doc(hit.Page.Slug)
	}
	return d.doc(hit.Page.Slug + "#" + hit.Heading.ID)
}

// found says how much a search found.
func (d DocSearch) found() string {
	switch n := len(d.Hits); n {
	case 0:
		return "Nothing in the documentation has all of these words."
	case 1:
		return "1 place"
	default:
		return strconv.Itoa(n) + " places"
	}
}
