package targets

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/targets"
	"gatehouse/views/ui"
)

// Routes returns the route of the targets.
func (h *Handler) Routes() []web.Route {
	return []web.Route{web.Get(web.Page, "/targets", web.Endpoint{Name: "targets", Needs: auth.Read, Do: h.targetsPage})}
}

const (
	jobsPerPage = 100
	// shownClients are those of a job that are named; the others are counted.
	shownClients = 5
	// maxStateLinked is the length of a job in bytes up to which each state has a
	// link of its own, all of which hold the job.
	maxStateLinked = 64
)

// targetsPage shows the server's clients: those that push, or those that
// scrape.
func (h *Handler) targetsPage(c *fiber.Ctx) error {
	v, err := readPushersView(c)
	if err != nil {
		return err
	}
	f := h.web.Frame(c, "Targets", "targets")
	f.Live = "targets"
	jobs := h.pushers(h.store.Snapshot(), f.Now)
	seen, served := h.Scrapers.List(f.Now)
	t := views.Targets{
		Frame: f, Jobs: len(jobs), Scrapers: len(seen), Served: served, Started: h.Started,
		PushersURL: f.Path("/targets"), ScrapersURL: f.Path("/targets?view=scrapers"),
	}
	for i := range seen {
		if seen[i].Amiss() {
			t.Amiss++
		}
	}
	if c.Query("view") == "scrapers" {
		return h.web.Page(c, fiber.StatusOK, views.ScrapersPage(h.scrapersList(c, t, seen)))
	}
	web.PushURL(c, t.PushersURL+v.query())
	return h.web.Page(c, fiber.StatusOK, views.PushersPage(pushersList(t, &v, jobs)))
}

// pushersView is the query of a person, as it is in the page's address.
type pushersView struct {
	text  string // of the search
	words []string
	sort  string
	from  int
}

// readPushersView leaves out what makes no sense.
func readPushersView(c *fiber.Ctx) (pushersView, error) {
	v := pushersView{text: strings.TrimSpace(c.Query("q")), sort: c.Query("sort"), from: web.FromOf(c)}
	if _, ok := jobOrders[strings.TrimPrefix(v.sort, "-")]; !ok {
		v.sort = "worst"
	}
	var err error
	v.words, err = web.Words(v.text)
	return v, err
}

// query is the view as the query of an address: nothing in it is empty or as it
// is anyway.
func (v *pushersView) query() string {
	q := url.Values{}
	if v.text != "" {
		q.Set("q", v.text)
	}
	if v.sort != "worst" {
		q.Set("sort", v.sort)
	}
	if v.from > 0 {
		q.Set("from", strconv.Itoa(v.from))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// but is the query of the view's first page with a change.
func (v *pushersView) but(change func(*pushersView)) string {
	w := *v
	w.from = 0
	change(&w)
	return w.query()
}

// pusher is a job with all its groupings.
type pusher struct {
	job               string
	groupings, series int
	byState           []int // as states
	last              time.Time
	every             []time.Duration      // of the groupings of which it is known
	clients           map[store.Origin]int // of the last pushes, by the number of groupings
}

// pushers goes through the groupings once and sums them up by job.
func (h *Handler) pushers(p *store.Snapshot, now time.Time) map[string]*pusher {
	jobs := map[string]*pusher{}
	for g := range p.Groupings() {
		job := g.Key.Job()
		j, known := jobs[job]
		if !known {
			j = &pusher{job: job, byState: make([]int, len(groupings.States)), clients: map[store.Origin]int{}}
			jobs[job] = j
		}
		j.groupings++
		j.series += g.Series
		j.byState[slices.Index(groupings.States, h.State(g, now))]++
		if g.Since().After(j.last) {
			j.last = g.Since()
		}
		if g.PushInterval > 0 {
			j.every = append(j.every, g.PushInterval)
		}
		o := g.Origin
		if o.ID = ""; o != (store.Origin{}) { // not all that are alike have it still
			j.clients[o]++
		}
	}
	return jobs
}

// median is 0 of nothing.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// in is the number of groupings in a state.
func (j *pusher) in(state string) int { return j.byState[slices.Index(groupings.States, state)] }

// late is the share of groupings that were not pushed for long.
func (j *pusher) late() float64 { return float64(j.in("stale")+j.in("old")) / float64(j.groupings) }

// jobOrders are the keys by which jobs can be sorted; equal ones come by name.
var jobOrders = map[string]func(a, b *pusher) int{
	"worst": func(a, b *pusher) int {
		return cmp.Or(cmp.Compare(b.in("failed"), a.in("failed")), cmp.Compare(b.late(), a.late()))
	},
	"name":      func(a, b *pusher) int { return strings.Compare(a.job, b.job) },
	"last_push": func(a, b *pusher) int { return a.last.Compare(b.last) },
	"groupings": func(a, b *pusher) int { return cmp.Compare(a.groupings, b.groupings) },
	"series":    func(a, b *pusher) int { return cmp.Compare(a.series, b.series) },
}

// find returns the jobs that are asked for, sorted.
func (v *pushersView) find(jobs map[string]*pusher) []*pusher {
	var found []*pusher
	for _, j := range jobs {
		lower := strings.ToLower(j.job)
		if !slices.ContainsFunc(v.words, func(word string) bool { return !strings.Contains(lower, word) }) {
			found = append(found, j)
		}
	}
	name, descending := strings.CutPrefix(v.sort, "-")
	order := jobOrders[name]
	slices.SortFunc(found, func(a, b *pusher) int {
		c := order(a, b)
		if descending {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.job, b.job))
	})
	return found
}

// pushersList makes the page of a view.
func pushersList(t views.Targets, v *pushersView, jobs map[string]*pusher) views.Pushers {
	m := views.Pushers{Targets: t, Search: v.text, Clear: t.PushersURL + v.but(func(w *pushersView) { w.text = "" })}
	if v.sort != "worst" {
		m.Hidden = []ui.Parameter{{Name: "sort", Value: v.sort}}
	}
	for _, j := range jobs {
		m.Groupings += j.groupings
	}
	found := v.find(jobs)
	m.Matching = len(found)
	m.Columns = jobColumns(t.PushersURL, v)
	start := v.from
	if start >= len(found) {
		start = max(0, (len(found)-1)/jobsPerPage*jobsPerPage)
	}
	end := min(start+jobsPerPage, len(found))
	for _, j := range found[start:end] {
		m.Rows = append(m.Rows, pusherRow(t.Path("/"), j))
	}
	at := func(from int) string { return t.PushersURL + v.but(func(w *pushersView) { w.from = from }) }
	m.Pages = ui.Pages{From: start + 1, To: end, Total: len(found)}
	if start > 0 {
		m.Pages.Previous = at(max(0, start-jobsPerPage))
	}
	if end < len(found) {
		m.Pages.Next = at(end)
	}
	return m
}

// jobColumns are the heads of the table. Clicked for the first time they bring to
// the top what is newest and largest.
func jobColumns(page string, v *pushersView) []ui.Column {
	column := func(name, label, class, first string) ui.Column {
		c := ui.Column{Label: label, Class: class}
		next := first + name
		switch v.sort {
		case name:
			c.Sort, next = "ascending", "-"+name
		case "-" + name:
			c.Sort, next = "descending", name
		}
		c.URL = page + v.but(func(w *pushersView) { w.sort = next })
		return c
	}
	worst := ui.Column{Label: "State", URL: page + v.but(func(w *pushersView) { w.sort = "worst" })}
	if v.sort == "worst" {
		worst.Sort = "descending"
	}
	return []ui.Column{
		column("name", "Job", "", ""),
		column("groupings", "Groupings", "number", "-"),
		worst,
		column("last_push", "Last push", "", "-"),
		column("series", "Series", "number", "-"),
	}
}

// pusherRow is a job as the page shows it.
func pusherRow(home string, j *pusher) views.Pusher {
	r := views.Pusher{
		ID: strconv.FormatUint(xxhash.Sum64String(j.job), 36), Job: web.Shorten(j.job, web.MaxValue), URL: home + groupings.JobQuery(j.job, ""),
		Groupings: j.groupings, Series: j.series, Last: j.last, PushInterval: median(j.every),
	}
	if r.Job != j.job {
		r.Title = j.job
	}
	for i, state := range groupings.States {
		f := ui.Facet{State: state, Count: j.byState[i]}
		if f.Count > 0 && len(j.job) <= maxStateLinked {
			f.URL = home + groupings.JobQuery(j.job, state)
		}
		r.States = append(r.States, f)
	}
	r.Clients, r.More = j.named()
	return r
}

// named are the clients with most of the groupings, and how many others there
// are.
func (j *pusher) named() (clients []ui.Client, more int) {
	var most []store.Origin
	for o := range j.clients {
		if i, _ := slices.BinarySearchFunc(most, o, j.compareClients); i < shownClients {
			most = slices.Insert(most, i, o)
			most = most[:min(len(most), shownClients)]
		}
	}
	for _, o := range most {
		clients = append(clients, web.Client(o))
	}
	return clients, len(j.clients) - len(clients)
}

// compareClients puts those with more groupings first.
func (j *pusher) compareClients(a, b store.Origin) int {
	if c := cmp.Compare(j.clients[b], j.clients[a]); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.By, b.By), strings.Compare(a.From, b.From), strings.Compare(a.Via, b.Via))
}

// scrapersList makes the page of the scrapers.
func (h *Handler) scrapersList(c *fiber.Ctx, t views.Targets, seen []telemetry.Scraper) views.Scrapers {
	m := views.Scrapers{Targets: t, Metrics: h.web.PublicPrefix + h.web.TelemetryPath, Snippets: h.snippets(c)}
	for i := range seen {
		s := &seen[i]
		m.Rows = append(m.Rows, views.Scraper{
			By: s.By, Address: s.Address, UserAgent: s.UserAgent, Fetches: s.Fetches, Part: s.Part,
			Visits: s.Visits, Last: s.At, Interval: s.Interval, Overdue: s.Overdue,
			Status: s.Status, Problem: s.Problem, Cut: s.Cut,
			Took: s.Took, Bytes: int(s.Bytes), Coding: s.Coding,
		})
	}
	return m
}
