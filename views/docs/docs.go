// Package docs is the manual: the Markdown pages beside it as HTML, and a
// search over their text.
package docs

import (
	"embed"
	"slices"
	"sync"
)

//go:embed *.md
var files embed.FS

// order is that of the pages, with what each is about.
var order = []struct{ slug, summary string }{
	{"quick-start", "Start the server, push, scrape and delete, in five minutes."},
	{"pushing", "Paths, replace and merge, what is refused and why, expiry, deleting."},
	{"notices", "What can be odd about an accepted push, and how it appears in scrapes."},
	{"scraping", "Settings for Prometheus: everything at once, or a target per grouping."},
	{"alerting", "Alerts for jobs that stop pushing, or whose pushes are refused."},
	{"authentication", "All credentials, the order in which they count, and who needs none."},
	{"oidc", "Let people sign in with accounts of an OpenID Connect provider."},
	{"oidc-providers", "What to configure at Keycloak, Entra ID, Google and others, one by one."},
	{"roles", "What each role may do, and how claims give roles."},
	{"tokens", "Create tokens for programs, give them a scope, rotate and revoke them."},
	{"sessions", "How long people stay signed in, and what ends that."},
	{"activity", "Who did what, how long that is kept, and how to search it."},
	{"securing-metrics", "The scrape key, and how to give it to Prometheus."},
	{"tls", "Certificates, client certificates, proxies."},
	{"secrets", "Where to keep credentials: Docker, Kubernetes, systemd."},
	{"interface", "What the pages show and do, by mouse, by keyboard, and without JavaScript."},
	{"api", "The HTTP API: selectors, listing, bulk deletion, status, health."},
	{"troubleshooting", "Symptoms, their causes, and what to do."},
	{"flags", "Every flag and environment variable."},
	{"storage", "Durability, faults, backup, undo, clocks, import."},
	{"migrating", "What works unchanged after Pushgateway, and what differs."},
	{"works-with", "The clients, scrapers and proxies that are tested, and what to know about each."},
}

// groups are the headings of the list of pages, by the page that each begins
// with.
var groups = map[string]string{"quick-start": "Metrics", "authentication": "Access", "interface": "Daily use", "flags": "Running it"}

// Page is one page of the manual. It is never modified.
type Page struct {
	Slug    string // its name in addresses, which is its file's without .md
	Title   string
	Summary string // one sentence
	Group   string // the heading of a group that begins with it; empty: it goes on
	// Contents are the headings below the title, in their order.
	Contents []Heading

	sections []section
	pieces   []string // HTML, and between each two of them a mark
	size     int      // bytes of all of them
}

// Heading is a heading that can be linked to.
type Heading struct {
	ID    string // unique on its page, and the same as in the repository's view
	Level int    // 1 is the title's
	Text  string
}

// Pages returns all pages in their order. They are rendered once and shared: the
// slice is not to be changed either. It is safe for concurrent use.
func Pages() []*Page { return rendered() }

var rendered = sync.OnceValue(func() []*Page {
	pages := make([]*Page, len(order))
	for i, o := range order {
		source, err := files.ReadFile(o.slug + ".md")
		if err != nil {
			panic(err) // the embedded files are known when we build
		}
		pages[i] = render(source)
		pages[i].Slug, pages[i].Summary, pages[i].Group = o.slug, o.summary, groups[o.slug]
	}
	return pages
})

// Find returns the page with a slug.
func Find(slug string) (*Page, bool) {
	i := slices.IndexFunc(Pages(), func(p *Page) bool { return p.Slug == slug })
	if i < 0 {
		return nil, false
	}
	return Pages()[i], true
}

// Around returns the pages before and after a page; nil: there is none.
func Around(p *Page) (previous, next *Page) {
	pages := Pages()
	i := slices.Index(pages, p)
	if i > 0 {
		previous = pages[i-1]
	}
	if i+1 < len(pages) {
		next = pages[i+1]
	}
	return previous, next
}

// Group is a stretch of the list of pages under a heading.
type Group struct {
	Name  string
	Pages []*Page // at least one
}

// ID names its heading on a page that lists the groups.
func (g Group) ID() string { return "pages-" + g.Pages[0].Slug }

// Groups returns all pages in their order, under their headings.
func Groups() []Group {
	var all []Group
	for _, p := range Pages() {
		if p.Group != "" || len(all) == 0 {
			all = append(all, Group{Name: p.Group})
		}
		last := &all[len(all)-1]
		last.Pages = append(last.Pages, p)
	}
	return all
}
