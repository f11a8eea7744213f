package groupings

import (
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
	"gatehouse/views/ui"
)

func (h *Handler) detailRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/groupings/:id", web.Endpoint{Name: "detail", Needs: auth.Read, Do: h.detail}),
		web.Get(web.Page, "/groupings/:id/raw", web.Endpoint{Name: "raw", Needs: auth.Read, Do: h.raw, Cache: web.AskAgain}),
	}
}

const (
	familiesPerPage = 100
	samplesPerPage  = 200
	// Up to openSamples samples the first openFamilies families are unfolded.
	openSamples  = 50
	openFamilies = 20
	// A grouping of more series than that shows no samples beside its families.
	withheldSeries = 1000
	// pageRoom is about how many bytes of HTML families and samples may become.
	pageRoom = 200 << 10

	maxShownLabel = 1 << 10 // characters of a label of a sample
	maxShownName  = 200     // characters of a family's name in the list
	maxShownHelp  = 200     // characters of HELP in the list
)

// detail shows a grouping, or one family of it, or its last pushes.
func (h *Handler) detail(c *fiber.Ctx) error {
	p := h.store.Snapshot()
	g, ok := p.ByDigest(c.Params("id"))
	if !ok {
		return h.noGrouping(c)
	}
	v := detailView{group: g, from: web.FromOf(c), search: c.Query("q"), family: c.Query("family")}
	if len(v.search) > web.MaxQuery {
		return web.BadRequest("q is too long")
	}
	m := h.groupingHead(c, p, g)
	m.Live = "grouping"
	var err error
	switch m.View = c.Query("view"); m.View {
	case "history":
		err = h.fillHistory(&m, p, g)
	case "raw":
		err = h.fillRaw(c, &m, p, g)
	default:
		m.View = ""
		err = v.fill(&m)
	}
	if err != nil {
		return err
	}
	return h.web.Page(c, fiber.StatusOK, views.GroupingPage(m))
}

// raw serves what a grouping holds as text, as scrapes show it.
func (h *Handler) raw(c *fiber.Ctx) error {
	p := h.store.Snapshot()
	g, ok := p.ByDigest(c.Params("id"))
	if !ok {
		return h.noGrouping(c)
	}
	s := h.gateway.NewScrape(c, p, slices.Values([]*store.Grouping{g}))
	s.Format = exposition.Negotiate(lossless)
	s.SetHeaders(c)
	return web.Stream(c, s.Write)
}

// groupingHead is the page of a grouping without what it holds.
func (h *Handler) groupingHead(c *fiber.Ctx, p *store.Snapshot, g *store.Grouping) views.Grouping {
	f := h.web.Frame(c, g.Key.String(), "groupings")
	m := views.Grouping{
		Frame: f, ID: g.Key.Digest(), State: h.State(g, f.Now), Pushed: g.Since(), Pusher: web.Client(g.Origin),
		Expires: g.Expires, PushInterval: g.PushInterval, Overdue: isOverdue(g, f.Now),
		Families: g.FamilyCount(), Series: g.Series, Bytes: g.Bytes,
	}
	for _, l := range inReadingOrder(g.Key.Labels()) {
		m.Labels = append(m.Labels, views.Label{Name: l.Name, Value: l.Value})
	}
	if !g.LastPushSuccessful() {
		m.Refusal = &views.Refusal{At: g.Failed, Reason: web.ReasonOfRefusal(f, p, g.Key.String(), g.Failure)}
	}
	m.Copies = h.copies(c, f, g)
	m.Notices = notices(g)
	return m
}

// copies are the texts that people take along: addresses and commands.
func (h *Handler) copies(c *fiber.Ctx, f ui.Frame, g *store.Grouping) []views.Copy {
	server := h.web.ServerURL(c)
	all := []views.Copy{
		{ID: "copy-link", Name: "link", Text: server + "/groupings/" + g.Key.Digest(), Quick: true},
		{ID: "copy-selector", Name: "selector", Text: g.Key.String(), Quick: true},
	}
	curl := "curl"
	if !f.Open {
		curl += ` -H "Authorization: Bearer $TOKEN"`
	}
	target := " " + web.QuoteShell(server+g.Key.Path())
	if f.User.MayPush {
		all = append(all, views.Copy{ID: "copy-push", Name: "push command", Text: curl + " -X PUT --data-binary @metrics.txt" + target})
	}
	all = append(all, views.Copy{ID: "copy-read", Name: "curl", Text: curl + target, Quick: true})
	if f.User.MayDelete {
		all = append(all, views.Copy{ID: "copy-delete", Name: "delete command", Text: curl + " -X DELETE" + target})
	}
	return all
}

// detailView is the query of a grouping's page.
type detailView struct {
	group  *store.Grouping
	search string // in the names of families
	family string // the only one; empty: all
	from   int    // the first family, or the first sample of the only one
}

// fill puts the families into the page.
func (v *detailView) fill(m *views.Grouping) error {
	families := v.group.Families()
	if v.family != "" {
		i := slices.IndexFunc(families, func(f store.GroupingFamily) bool { return f.Name == v.family })
		if i < 0 {
			return web.NewError(fiber.StatusNotFound, "the grouping has no such family")
		}
		return v.fillOne(m, families[i])
	}
	if m.Search = v.search; v.search != "" {
		word := strings.ToLower(strings.TrimSpace(v.search))
		families = slices.DeleteFunc(families, func(f store.GroupingFamily) bool { return !strings.Contains(strings.ToLower(f.Name), word) })
	}
	return v.fillList(m, families)
}

func (v *detailView) url(m *views.Grouping, family string, from int) string {
	q := url.Values{}
	if family != "" {
		q.Set("family", family)
	} else if v.search != "" {
		q.Set("q", v.search)
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	address := m.Path("/groupings/" + m.ID)
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address
}

// fillOne shows a page of one family's samples.
func (v *detailView) fillOne(m *views.Grouping, f store.GroupingFamily) error {
	m.Alone = true
	part, total := cutMetrics(f, v.from, samplesPerPage)
	v.from = min(v.from, total)
	samples, err := v.samples(f, part)
	if err != nil {
		return err
	}
	// What is too large for a page goes to the next, but for the first of it.
	room := pageRoom
	n := 0
	for n < len(samples) && (n == 0 || room-costOf(samples[n]) >= 0) {
		room -= costOf(samples[n])
		n++
	}
	one := v.listed(m, f)
	one.Name, one.Help, one.Samples = f.Name, f.Help, samples[:n]
	m.List = []views.Family{one}
	m.Pages = v.pages(m, f.Name, n, total, samplesPerPage)
	return nil
}

// pages are the links to the rest of a page that shows n of a total.
func (v *detailView) pages(m *views.Grouping, family string, n, total, size int) ui.Pages {
	p := ui.Pages{From: v.from + 1, To: v.from + n, Total: total}
	if n == 0 {
		p.From = v.from
	}
	if v.from > 0 {
		p.Previous = v.url(m, family, max(0, v.from-size))
	}
	if p.To < total {
		p.Next = v.url(m, family, p.To)
	}
	return p
}

// fillList shows a page of the families, and as many of their samples as there
// is room for.
func (v *detailView) fillList(m *views.Grouping, families []store.GroupingFamily) error {
	total := len(families)
	v.from = min(v.from, total)
	families = families[v.from:min(v.from+familiesPerPage, total)]
	room := pageRoom
	for i, f := range families {
		listed := v.listed(m, f)
		if room -= costOfFamily(listed); room < 0 && i > 0 {
			families = families[:i]
			break
		}
		m.List = append(m.List, listed)
	}
	shown := 0
	for i, f := range families {
		samples, err := v.beside(f, room)
		if err != nil {
			return err
		}
		for _, s := range samples {
			room -= costOf(s)
		}
		m.List[i].Samples = samples
		m.Withheld = m.Withheld || samples == nil
		shown += len(samples)
	}
	for i := range m.List[:min(len(m.List), openFamilies)] {
		m.List[i].Open = shown <= openSamples && !m.Withheld
	}
	m.Pages = v.pages(m, "", len(families), total, familiesPerPage)
	return nil
}

// beside returns the samples of a family in the list, if there is room for all
// of them.
func (v *detailView) beside(f store.GroupingFamily, room int) ([]views.Sample, error) {
	if v.group.Series > withheldSeries || f.Series > samplesPerPage || len(f.Text)+len(f.Proto) > room {
		return nil, nil
	}
	samples, err := v.samples(f, f.Chunk)
	if err != nil {
		return nil, err
	}
	for _, s := range samples {
		if room -= costOf(s); room < 0 {
			return nil, nil
		}
	}
	return samples, nil
}

// listed is a family without its samples.
func (v *detailView) listed(m *views.Grouping, f store.GroupingFamily) views.Family {
	out := views.Family{
		Name: web.Shorten(f.Name, maxShownName), Type: f.Type.String(), Help: web.Shorten(f.Help, maxShownHelp),
		Series: f.Series, Hidden: f.Hidden, Changed: f.Changed, URL: v.url(m, f.Name, 0),
	}
	for _, l := range v.group.Key.Labels() {
		out.FromKey = append(out.FromKey, views.Label{Name: l.Name, Value: web.Shorten(l.Value, 40)})
	}
	return out
}

// costOfFamily is about how many bytes of HTML a line of the list takes.
func costOfFamily(f views.Family) int {
	cost := 900 + escapedLen(f.Name) + 2*escapedLen(f.Help) + len(f.URL)
	for _, l := range f.FromKey {
		cost += 8 + escapedLen(l.Name) + escapedLen(l.Value)
	}
	return cost
}

// costOf is about how many bytes of HTML a sample takes.
func costOf(s views.Sample) int {
	cost := 450
	for _, l := range s.Labels {
		cost += 130 + escapedLen(l.Name) + escapedLen(l.Value)
	}
	switch {
	case s.Summary != nil:
		cost += 900 + 200*len(s.Summary.Quantiles)
	case s.Histogram != nil:
		cost += 1900 + min(len(s.Histogram.Buckets), 300)*290
	}
	return cost
}

func escapedLen(s string) int { return len(html.EscapeString(s)) }
