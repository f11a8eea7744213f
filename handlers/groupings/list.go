package groupings

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
	"gatehouse/views/ui"
)

func (h *Handler) listRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/", web.Endpoint{Name: "index", Needs: auth.Read, Do: h.home}),
		web.Get(web.Page, "/export", web.Endpoint{Name: "export", Needs: auth.Read, Do: h.export, Cache: web.AskAgain}),
		web.Get(web.Page, "/ui/suggest", web.Endpoint{Name: "ui/suggest", Needs: auth.Read, Do: h.suggest}),
	}
}

// home shows the groupings to people, and to others what there is to be found.
func (h *Handler) home(c *fiber.Ctx) error {
	c.Vary(fiber.HeaderAccept)
	if !web.AcceptsPage(c) {
		return h.web.Index(c)
	}
	f := h.web.Frame(c, "Groupings", "groupings")
	f.Live = "results"
	v, err := parseListView(guard.Query(c), cmp.Or(f.Settings.Rows, web.DefaultPage))
	if err != nil {
		return err
	}
	web.PushURL(c, f.Path("/")+v.query())
	return h.web.Page(c, fiber.StatusOK, views.ListPage(h.groupings(c, f, &v)))
}

const (
	maxMatchers = 32
	maxLinked   = 256 // bytes of a label that can be clicked
	maxChips    = 12  // labels of a grouping in the list
)

// listView is the query of a person, as it is in the page's address.
type listView struct {
	listQuery
	text        string   // of the search
	matchers    []string // all of which a grouping must satisfy
	bad, reason string   // a matcher that is none, and why
	usual       int      // rows on a page when nothing is said
}

// parseListView parses the query of a page; usual is how many rows a page has if the
// query does not say so. Addresses are typed and shared by people, so what makes no
// sense is left out; only a matcher is answered, since it was meant to narrow the list.
func parseListView(q url.Values, usual int) (listView, error) {
	v := listView{listQuery: listQuery{state: q.Get("state"), sort: q.Get("sort"), cursor: q.Get("after")}, usual: usual}
	var err error
	v.text = strings.TrimSpace(q.Get("q"))
	if v.words, err = web.Words(v.text); err != nil {
		return v, err
	}
	if !slices.Contains(States, v.state) {
		v.state = ""
	}
	if !isOrder(v.sort) {
		v.sort = "labels"
	}
	if v.limit, err = strconv.Atoi(q.Get("rows")); err != nil || !slices.Contains(web.PageSizes, v.limit) {
		v.limit = usual
	}
	if _, err := v.after(); err != nil {
		v.cursor = ""
	}
	v.readMatchers(q["m"])
	return v, nil
}

// readMatchers takes the matchers that can be parsed, and the first other one.
func (v *listView) readMatchers(raw []string) {
	for _, m := range raw {
		m = strings.TrimSpace(m)
		if m == "" || slices.Contains(v.matchers, m) {
			continue
		}
		if len(v.matchers) == maxMatchers {
			v.bad, v.reason = m, "at most "+strconv.Itoa(maxMatchers)+" matchers are allowed"
			return
		}
		with := append(slices.Clip(v.matchers), m)
		selectors, err := parseMatchers(with)
		if err != nil && v.bad == "" {
			v.bad, v.reason = m, web.MatcherProblem(err, m, len(prefixOf(v.matchers)))
		}
		if err == nil {
			v.selectors, v.matchers = selectors, with
		}
	}
}

// prefixOf is a selector up to where one more matcher goes. Every grouping has
// a job; to say so allows selectors that only exclude.
func prefixOf(matchers []string) string {
	return `{job!="",` + strings.Join(append(slices.Clip(matchers), ""), ",")
}

func parseMatchers(matchers []string) (store.Selectors, error) {
	return store.ParseSelectors([]string{strings.TrimSuffix(prefixOf(matchers), ",") + "}"})
}

// query is the view as the query of an address: nothing in it is empty or as
// it is anyway.
func (v *listView) query() string {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("q", v.text, "")
	set("state", v.state, "")
	set("sort", v.sort, "labels")
	set("rows", strconv.Itoa(v.limit), strconv.Itoa(v.usual))
	set("after", v.cursor, "")
	if len(v.matchers) > 0 {
		q["m"] = v.matchers
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// but is the query of the view's first page with a change.
func (v *listView) but(change func(*listView)) string {
	w := *v
	w.cursor = ""
	change(&w)
	return w.query()
}

func (v *listView) at(cursor string) string {
	return v.but(func(w *listView) { w.cursor = cursor })
}

func (v *listView) with(matcher string) string {
	return v.but(func(w *listView) {
		if !slices.Contains(v.matchers, matcher) {
			w.matchers = append(slices.Clip(v.matchers), matcher)
		}
	})
}

func (v *listView) without(matcher string) string {
	return v.but(func(w *listView) {
		w.matchers = slices.DeleteFunc(slices.Clone(v.matchers), func(m string) bool { return m == matcher })
	})
}

// JobQuery returns the query of the list's address that shows the groupings of a job
// that are in a state; empty: in any.
func JobQuery(job, state string) string {
	v := listView{listQuery: listQuery{sort: "labels", limit: web.DefaultPage, state: state}}
	v.matchers = []string{matcher(model.JobLabel, job)}
	return v.query()
}

// filter is what narrows the view, as the query of an address without its
// question mark.
func (v *listView) filter() string {
	return strings.TrimPrefix(v.but(func(w *listView) { w.limit, w.sort = w.usual, "labels" }), "?")
}

// exportQuery is the query that exports what a view shows, on all pages.
func (v *listView) exportQuery(format string) string {
	filter := v.but(func(w *listView) { w.limit = w.usual })
	return "?format=" + format + strings.Replace(filter, "?", "&", 1)
}

// filtered reports whether not all groupings are asked for.
func (v *listView) filtered() bool { return v.state != "" || v.text != "" || len(v.matchers) > 0 }

// groupings makes the page of a view.
func (h *Handler) groupings(c *fiber.Ctx, f ui.Frame, v *listView) views.Groupings {
	p := h.store.Snapshot()
	found, byState := h.find(p, &v.listQuery, f.Now)
	start := v.start(found)
	home := f.Path("/")
	m := views.Groupings{
		Frame: f, Total: p.Stats().Groupings, Matching: len(found), Filtered: v.filtered(),
		Search: v.text, Bad: v.bad, BadReason: v.reason, Hidden: v.hidden(),
		Clear: home + v.but(func(w *listView) { w.text, w.state, w.matchers = "", "", nil }),
	}
	if m.Total == 0 {
		m.Server = h.web.ServerURL(c)
		return m
	}
	m.Filter = v.filter()
	for _, matcher := range v.matchers {
		m.Matchers = append(m.Matchers, views.Filter{Text: matcher, Without: home + v.without(matcher)})
	}
	if v.text != "" {
		m.SearchWithout = home + v.but(func(w *listView) { w.text = "" })
	}
	m.Facets = facets(home, v, byState)
	m.Columns = tableColumns(home, v)
	for _, format := range []string{"text", "json", "csv"} {
		m.Exports = append(m.Exports, ui.Choice{Text: format, URL: f.Path("/export") + v.exportQuery(format)})
	}
	if m.Matching == 0 {
		m.Meant = meant(home, v, p)
	}
	h.cut(&m, v, found, start)
	return m
}

// cut puts the rows of the page that begins at start into the model, and the links to
// other pages.
func (h *Handler) cut(m *views.Groupings, v *listView, found []*store.Grouping, start int) {
	home := m.Path("/")
	if start == len(found) {
		start = max(0, len(found)-v.limit) // what was there is gone
	}
	end := min(start+v.limit, len(found))
	for _, g := range found[start:end] {
		m.Rows = append(m.Rows, h.row(home, v, g, m.Now))
		m.Expiring = m.Expiring || !g.Expires.IsZero()
	}
	m.From, m.To = start+1, end
	if start > v.limit {
		m.Previous = home + v.at(v.cursorAt(found[start-v.limit-1]))
	} else if start > 0 {
		m.Previous = home + v.at("")
	}
	if end < len(found) && end > 0 {
		m.Next = home + v.at(v.cursorAt(found[end-1]))
	}
	for _, size := range slices.Sorted(slices.Values(web.PageSizes)) {
		url := home + v.but(func(w *listView) { w.limit = size })
		m.Sizes = append(m.Sizes, ui.Choice{Text: strconv.Itoa(size), URL: url, Current: size == v.limit})
	}
}

// hidden is what of the view has no input of its own.
func (v *listView) hidden() []ui.Parameter {
	var all []ui.Parameter
	for _, m := range v.matchers {
		all = append(all, ui.Parameter{Name: "m", Value: m})
	}
	if v.state != "" {
		all = append(all, ui.Parameter{Name: "state", Value: v.state})
	}
	if v.sort != "labels" {
		all = append(all, ui.Parameter{Name: "sort", Value: v.sort})
	}
	if v.limit != v.usual {
		all = append(all, ui.Parameter{Name: "rows", Value: strconv.Itoa(v.limit)})
	}
	return all
}

// facets are the states to choose from, with what is there of each.
func facets(home string, v *listView, byState map[string]int) []ui.Facet {
	all := 0
	for _, n := range byState {
		all += n
	}
	of := func(state string, n int) ui.Facet {
		return ui.Facet{State: state, Count: n, Current: v.state == state, URL: home + v.but(func(w *listView) { w.state = state })}
	}
	list := []ui.Facet{of("", all)}
	for _, state := range States {
		list = append(list, of(state, byState[state]))
	}
	return list
}

// tableColumns are the heads of the table. Clicked for the first time they bring
// what is newest and largest to the top.
func tableColumns(home string, v *listView) []ui.Column {
	column := func(name, label, class string, first string) ui.Column {
		c := ui.Column{Label: label, Class: class}
		next := first + name
		switch v.sort {
		case name:
			c.Sort, next = "ascending", "-"+name
		case "-" + name:
			c.Sort, next = "descending", name
		}
		c.URL = home + v.but(func(w *listView) { w.sort = next })
		return c
	}
	return []ui.Column{
		column("labels", "Grouping", "", ""),
		{Label: "State"},
		column("last_push", "Last push", "", "-"),
		column("families", "Families", "number", "-"),
		column("series", "Series", "number", "-"),
		column("bytes", "Size", "number", "-"),
		column("expires", "Expires", "", ""),
	}
}

// row is a grouping as the list shows it.
func (h *Handler) row(home string, v *listView, g *store.Grouping, now time.Time) views.Row {
	r := views.Row{
		ID: g.Key.Digest(), State: h.State(g, now), Pushed: g.Since(), Expires: g.Expires,
		Families: g.FamilyCount(), Series: g.Series, Bytes: g.Bytes, Pusher: web.Client(g.Origin),
	}
	if !g.LastPushSuccessful() {
		r.Refused, r.Reason = g.Failed, web.Shorten(g.Failure, web.MaxReason)
	}
	r.Name = web.Shorten(g.Key.String(), web.MaxName)
	labels := inReadingOrder(g.Key.Labels())
	if len(labels) > maxChips {
		r.More = len(labels) - maxChips
		labels = labels[:maxChips]
	}
	for _, l := range labels {
		r.Chips = append(r.Chips, chip(home, v, l))
	}
	return r
}

func chip(home string, v *listView, l exposition.Label) views.Chip {
	c := views.Chip{Name: web.Shorten(l.Name, web.MaxValue), Value: strconv.Quote(web.Shorten(l.Value, web.MaxValue))}
	if c.Name != l.Name || len(c.Value) != len(strconv.Quote(l.Value)) {
		c.Title = l.Name + "=" + l.Value
	}
	if len(l.Name)+len(l.Value) <= maxLinked {
		c.URL = home + v.with(matcher(l.Name, l.Value))
	}
	return c
}

// inReadingOrder puts the labels first that say most.
func inReadingOrder(labels []exposition.Label) []exposition.Label {
	weight := func(l exposition.Label) int {
		switch l.Name {
		case model.JobLabel:
			return 0
		case model.InstanceLabel:
			return 1
		}
		return 2
	}
	labels = slices.Clone(labels)
	slices.SortStableFunc(labels, func(a, b exposition.Label) int { return weight(a) - weight(b) })
	return labels
}

// labelName returns a label's name as selectors have it.
func labelName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}

// matcher returns the matcher of a label's value.
func matcher(name, value string) string { return labelName(name) + "=" + strconv.Quote(value) }
