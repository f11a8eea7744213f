package groupings

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// maxPage is how many groupings an answer of the API has at most.
const maxPage = 10_000

// groupingJSON is a grouping as the list shows it.
type groupingJSON struct {
	Labels             map[string]string `json:"labels"`
	Path               string            `json:"path"`
	LastPushTime       *time.Time        `json:"last_push_time"`
	LastPushSuccessful bool              `json:"last_push_successful"`
	LastPushBy         string            `json:"last_push_by"`
	LastPushVia        string            `json:"last_push_via"`
	LastPushFrom       string            `json:"last_push_from"`
	LastFailureTime    *time.Time        `json:"last_failure_time"`
	LastFailure        string            `json:"last_failure,omitempty"`
	State              string            `json:"state"`
	Families           int               `json:"families"`
	Series             int               `json:"series"`
	Bytes              int               `json:"bytes"`
	ExpiresAt          *time.Time        `json:"expires_at"`
	Notices            []noticeJSON      `json:"notices"`
}

// listGroupings serves a page of the groupings that are asked for.
func (h *Handler) listGroupings(c *fiber.Ctx) error {
	q, err := h.listQuery(c)
	if err != nil {
		return err
	}
	if q.within, err = h.web.Scope(c); err != nil {
		return err
	}
	now := h.store.Now()
	found, _ := h.find(h.store.Snapshot(), &q, now)
	total := len(found)
	page, next := q.page(found)
	out := make([]groupingJSON, len(page))
	for i, g := range page {
		out[i] = h.groupingJSON(g, now)
		out[i].LastFailure = web.FailureWithin(q.within, g)
	}
	return web.Succeed(c, fiber.Map{"groupings": out, "total": total, "next": next})
}

// deleteGroupings deletes what a selector means, or counts it.
func (h *Handler) deleteGroupings(c *fiber.Ctx) error {
	selectors, err := store.ParseSelectors(web.Queries(c, "match[]"))
	if err != nil {
		return err
	}
	if selectors.All() {
		return web.BadRequest("a selector is required: match[]={…}")
	}
	dry, err := web.DryRun(c)
	if err != nil {
		return err
	}
	limit, err := h.web.Scope(c)
	if err != nil {
		return err
	}
	var n int
	if dry {
		n, err = countWithin(h.store.Snapshot(), selectors, limit)
	} else {
		n, err = h.store.DeleteMatching(context.Background(), selectors, limit, h.web.Origin(c))
	}
	if err != nil {
		return web.OutsideScope(c, err)
	}
	return web.Succeed(c, fiber.Map{"deleted": n})
}

// countWithin counts what a delete of what matches would delete. The error is
// store.ErrOutside if that one would be refused for it.
func countWithin(p *store.Snapshot, selectors, within store.Selectors) (int, error) {
	n := 0
	for g := range p.Matching(selectors) {
		if !within.Match(g.Key.Labels()) {
			return 0, store.ErrOutside
		}
		n++
	}
	return n, nil
}

// States are the states of groupings.
var States = []string{"fresh", "stale", "old", "failed"}

// State returns one of the States. A refused last push outweighs its age.
func (a Ages) State(g *store.Grouping, now time.Time) string {
	age := now.Sub(g.Since())
	switch {
	case !g.LastPushSuccessful():
		return "failed"
	case a.OldAfter > 0 && age >= a.OldAfter:
		return "old"
	case a.StaleAfter > 0 && age >= a.StaleAfter:
		return "stale"
	}
	return "fresh"
}

func (h *Handler) groupingJSON(g *store.Grouping, now time.Time) groupingJSON {
	return groupingJSON{
		Labels: gateway.LabelMap(g.Key.Labels()), Path: h.web.PublicPrefix + g.Key.Path(),
		LastPushTime: web.OptionalTime(g.Pushed), LastPushSuccessful: g.LastPushSuccessful(),
		LastPushBy: g.Origin.By, LastPushVia: g.Origin.Via, LastPushFrom: g.Origin.From,
		LastFailureTime: web.OptionalTime(g.Failed), LastFailure: g.Failure, State: h.State(g, now),
		Families: g.FamilyCount(), Series: g.Series, Bytes: g.Bytes, ExpiresAt: web.OptionalTime(g.Expires),
		Notices: noticesJSON(g),
	}
}

// listQuery is the query of a list.
type listQuery struct {
	selectors store.Selectors
	within    store.Selectors // the caller's scope
	words     []string        // all of which must be found
	state     string
	sort      string
	limit     int
	cursor    string
}

func (h *Handler) listQuery(c *fiber.Ctx) (listQuery, error) {
	q := listQuery{state: c.Query("state"), sort: c.Query("sort", "labels"), cursor: c.Query("cursor")}
	var err error
	if q.selectors, err = store.ParseSelectors(web.Queries(c, "match[]")); err != nil {
		return q, err
	}
	if q.words, err = web.Words(c.Query("q")); err != nil {
		return q, err
	}
	if q.state != "" && !slices.Contains(States, q.state) {
		return q, web.BadRequest("state must be fresh, stale, old or failed")
	}
	if !isOrder(q.sort) {
		return q, web.BadRequest(badOrder)
	}
	if q.limit, err = strconv.Atoi(c.Query("limit", strconv.Itoa(web.DefaultPage))); err != nil || q.limit < 1 || q.limit > maxPage {
		return q, web.BadRequest("limit must be a number from 1 to " + strconv.Itoa(maxPage))
	}
	if _, err := q.after(); err != nil {
		return q, web.BadRequest("bad cursor")
	}
	return q, nil
}

// find returns the groupings that are asked for, sorted, and how many there
// would be of each state.
func (h *Handler) find(p *store.Snapshot, q *listQuery, now time.Time) (found []*store.Grouping, byState map[string]int) {
	byState = make(map[string]int, len(States))
	for g := range web.GroupingsWithin(p, q.selectors, q.within) {
		if slices.ContainsFunc(q.words, func(word string) bool { return !mentions(g, word) }) {
			continue
		}
		state := h.State(g, now)
		byState[state]++
		if q.state == "" || q.state == state {
			found = append(found, g)
		}
	}
	q.order(found)
	return found, byState
}

func mentions(g *store.Grouping, word string) bool {
	for _, l := range g.Key.Labels() {
		if strings.Contains(strings.ToLower(l.Name+"="+l.Value), word) {
			return true
		}
	}
	return g.HasFamily(func(name string) bool { return strings.Contains(strings.ToLower(name), word) })
}

// orders are the keys by which the list can be sorted; equal ones come in the order of
// their labels.
var orders = map[string]func(g *store.Grouping) int64{
	"labels":    func(*store.Grouping) int64 { return 0 },
	"last_push": func(g *store.Grouping) int64 { return g.Since().UnixNano() },
	"families":  func(g *store.Grouping) int64 { return int64(g.FamilyCount()) },
	"series":    func(g *store.Grouping) int64 { return int64(g.Series) },
	"bytes":     func(g *store.Grouping) int64 { return int64(g.Bytes) },
	"expires": func(g *store.Grouping) int64 {
		if g.Expires.IsZero() {
			return 1<<63 - 1
		}
		return g.Expires.UnixNano()
	},
}

// badOrder is the answer to a sort that is none of the orders.
const badOrder = "sort must be labels, last_push, families, series, bytes or expires, with a - in front for the reverse"

// isOrder reports whether the list can be sorted so: by one of the orders, with a -
// in front for the reverse.
func isOrder(sort string) bool {
	_, ok := orders[strings.TrimPrefix(sort, "-")]
	return ok
}

// place is the position of a grouping in the sorted list.
type place struct {
	rank int64
	id   string
}

// places returns the function that finds a grouping's place.
func (q *listQuery) places() func(*store.Grouping) place {
	rank := orders[strings.TrimPrefix(q.sort, "-")]
	return func(g *store.Grouping) place { return place{rank(g), g.Key.ID()} }
}

func (q *listQuery) compare(a, b place) int {
	c := cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.id, b.id))
	if strings.HasPrefix(q.sort, "-") {
		return -c
	}
	return c
}

func (q *listQuery) order(groups []*store.Grouping) {
	if q.sort == "labels" {
		return // as they come from the store
	}
	at := q.places()
	slices.SortFunc(groups, func(a, b *store.Grouping) int { return q.compare(at(a), at(b)) })
}

// page cuts a page out of the sorted list.
func (q *listQuery) page(groups []*store.Grouping) (page []*store.Grouping, next string) {
	groups = groups[q.start(groups):]
	if len(groups) <= q.limit {
		return groups, ""
	}
	return groups[:q.limit], q.cursorAt(groups[q.limit-1])
}

// start returns where in the sorted list the page begins. A cursor names the
// last grouping of the page before, so that nothing is shown twice when others
// come or go.
func (q *listQuery) start(groups []*store.Grouping) int {
	after, err := q.after()
	if err != nil || q.cursor == "" {
		return 0
	}
	at := q.places()
	i, found := slices.BinarySearchFunc(groups, after, func(g *store.Grouping, p place) int { return q.compare(at(g), p) })
	if found {
		i++
	}
	return i
}

// cursorAt is the cursor of what follows a grouping.
func (q *listQuery) cursorAt(g *store.Grouping) string {
	p := q.places()(g)
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.rank, 10) + " " + p.id))
}

func (q *listQuery) after() (place, error) {
	if q.cursor == "" {
		return place{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil {
		return place{}, err
	}
	number, id, _ := strings.Cut(string(raw), " ")
	rank, err := strconv.ParseInt(number, 10, 64)
	return place{rank, id}, err
}
