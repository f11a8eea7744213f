// Package manual holds the pages of the documentation, whose texts are in
// views/docs.
package manual

import (
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"gatehouse/views/docs"
	"gatehouse/views/ui"
)

// Doc is a page of the manual.
type Doc struct {
	ui.Frame
	Page           *docs.Page
	Previous, Next *docs.Page  // nil: none
	Server         docs.Server // where its examples lead
}

// parts returns the parts of the page for its reader.
func (d Doc) parts() []docs.Part {
	return d.Page.Parts(docs.View{Server: d.Server, Language: d.Settings.Language})
}

// DocRun is the result of an example.
type DocRun struct {
	ui.Frame
	Example docs.Example
	Page    *docs.Page // which offers it
	// Status and Text are a client's answer: its body, or the message in its
	// headers.
	Status   int
	Text     string
	Grouping string // names the grouping's page; empty: there is no grouping

	Cleaned   bool   // afterwards; there is no answer then
	Deleted   int    // groupings
	Operation string // names the delete; empty: there was nothing
}

// status is the answer's status in full.
func (r DocRun) status() string { return strconv.Itoa(r.Status) + " " + http.StatusText(r.Status) }

// cleaned says what the clean-up did.
func (r DocRun) cleaned() string {
	if r.Deleted == 0 {
		return "Nothing to clean up."
	}
	return "Deleted " + ui.CountOf(r.Deleted, "grouping", "groupings") + " of the examples."
}

// refused reports whether a client would not have got what it asked for.
func (r DocRun) refused() bool { return r.Status >= http.StatusBadRequest }

// runID is the element that shows what became of an example.
func runID(example string) string { return "run-" + example }

// back is the address of the example.
func (r DocRun) back() templ.SafeURL { return docURL(r.Frame, r.Page.Slug+"#"+runID(r.Example.Name)) }

// DocSearch is the list of the manual's pages, or what a search of them finds.
type DocSearch struct {
	ui.Frame
	Query   string // empty: the list
	Hits    []docs.Hit
	At      string // the slug of the page on which the search is shown; empty: its own
	Missing string // the slug of a page that was asked for and isn't there
}

// search returns the part of the search on a page that is none of its results.
func (d Doc) search() DocSearch { return DocSearch{Frame: d.Frame, At: d.Page.Slug} }

// docURL is the address of a page of the manual.
func docURL(f ui.Frame, slug string) templ.SafeURL { return templ.SafeURL(f.Path("/docs/" + slug)) }

// path returns the address of a hit.
func (d DocSearch) path(hit docs.Hit) templ.SafeURL {
	if hit.Heading.Level == 1 {
		return docURL(d.Frame, hit.Page.Slug)
	}
	return docURL(d.Frame, hit.Page.Slug+"#"+hit.Heading.ID)
}

// found says how much a search found.
func (d DocSearch) found() string {
	switch n := len(d.Hits); n {
	case 0:
		return "No section contains all of these words."
	case 1:
		return "1 match"
	default:
		return strconv.Itoa(n) + " matches"
	}
}
