package manual

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/views/docs"
	views "gatehouse/views/manual"
	"gatehouse/views/ui"
)

// maxDocQuery is the length of a search in the documentation, in bytes.
const maxDocQuery = 200

// Routes returns the routes of the documentation.
func (h *Handler) Routes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/docs", web.Endpoint{Name: "docs", Needs: auth.Read, Do: h.docs}),
		web.Get(web.Page, "/docs/search", web.Endpoint{Name: "docs/search", Needs: auth.Read, Do: h.searchDocs}),
		web.Get(web.Page, "/docs/:slug", web.Endpoint{Name: "docs/page", Needs: auth.Read, Do: h.doc}),
		{Path: "/docs/run/:example", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "docs/run", Needs: auth.Read, Do: h.exampleToRun},
			"POST": {Name: "docs/run", Needs: auth.Amend, Do: h.runExample},
		}},
		{Path: "/docs/run/:example/clean-up", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "docs/clean-up", Needs: auth.Read, Do: h.exampleToRun},
			"POST": {Name: "docs/clean-up", Needs: auth.Amend, Do: h.cleanUp},
		}},
	}
}

// docs lists the pages of the documentation.
func (h *Handler) docs(c *fiber.Ctx) error {
	f := h.web.Frame(c, "Documentation", "docs")
	return h.lastingPage(c, f, views.DocSearchPage(views.DocSearch{Frame: f}))
}

// doc shows a page of the documentation.
func (h *Handler) doc(c *fiber.Ctx) error {
	p, ok := docs.Find(c.Params("slug"))
	if !ok {
		return h.noDoc(c)
	}
	f := h.web.Frame(c, p.Title, "docs")
	previous, next := docs.Around(p)
	server := h.examplesServer(c)
	d := views.Doc{Frame: f, Page: p, Previous: previous, Next: next, Server: server}
	return h.lastingPage(c, f, views.DocPage(d), fmt.Sprintf("%+v", server))
}

// examplesServer is where the examples lead. The client names the host, and
// people paste examples into shells: what could be more than a name is none.
func (h *Handler) examplesServer(c *fiber.Ctx) docs.Server {
	scheme, target := h.web.Address(c)
	host := h.web.Reached(c).Host
	if !isPlainHost(host) {
		return docs.Server{}
	}
	return docs.Server{Scheme: scheme, Host: host, Target: target, Prefix: h.web.PublicPrefix}
}

// maxHost is the length of the longest name of a host, with a port.
const maxHost = 253 + len(":65535")

// isPlainHost reports whether a host can be in a command as it is. Browsers
// take $, ; and the like for parts of a name too.
func isPlainHost(host string) bool {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:[]", r)
	}
	return host != "" && len(host) <= maxHost && !strings.ContainsFunc(host, func(r rune) bool { return !isPlain(r) })
}

// lastingPage answers with a page that stays the same for as long as its frame
// and what else it is made of do, unless the browser has it. It does not matter
// when the frame was made.
func (h *Handler) lastingPage(c *fiber.Ctx, f ui.Frame, page templ.Component, of ...string) error {
	// What is not sent still has the headers of what is: the browser takes them,
	// the policy among them, for the page that it has.
	if err := h.web.Page(c, fiber.StatusOK, page); err != nil {
		return err
	}
	f.Now = time.Time{}
	if !h.etags.Fresh(c, append(of, web.FragmentOf(c), fmt.Sprintf("%+v", f))...) {
		return nil
	}
	c.Response().Header.Del(fiber.HeaderContentEncoding)
	return c.SendStatus(fiber.StatusNotModified)
}

// noDoc searches for the words of a name that no page has.
func (h *Handler) noDoc(c *fiber.Ctx) error {
	slug, err := url.PathUnescape(c.Params("slug"))
	if err != nil {
		return fiber.ErrNotFound
	}
	slug = strings.ToValidUTF8(slug[:min(len(slug), maxDocQuery)], "")
	words := strings.NewReplacer("-", " ", "_", " ", "/", " ").Replace(strings.TrimSuffix(slug, ".md"))
	f := h.web.Frame(c, "Page not found", "docs")
	return h.web.Page(c, fiber.StatusNotFound, views.DocSearchPage(views.DocSearch{
		Frame: f, Query: strings.TrimSpace(words), Hits: docs.Search(words), Missing: slug,
	}))
}

// searchDocs shows where the documentation has the words that are asked for.
func (h *Handler) searchDocs(c *fiber.Ctx) error {
	query := c.Query("q")
	if len(query) > maxDocQuery {
		return web.BadRequest("a search is at most 200 bytes long")
	}
	query = strings.TrimSpace(strings.ToValidUTF8(query, ""))
	d := views.DocSearch{Frame: h.web.Frame(c, "Documentation", "docs"), Query: query, Hits: docs.Search(query)}
	if p, ok := docs.Find(c.Query("at")); ok {
		d.At = p.Slug
	} else if web.FragmentOf(c) != "" {
		// The address follows what is typed, so that it can be shared.
		c.Set("HX-Replace-Url", d.Path("/docs/search?q="+url.QueryEscape(query)))
	}
	return h.web.Page(c, fiber.StatusOK, views.DocSearchPage(d))
}
