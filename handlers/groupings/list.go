package groupings

import (
	"cmp"
	"slices"
	"strconv"
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
