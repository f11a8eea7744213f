package handlers

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/store"
	"gatehouse/store/exposition"
)

const (
	defaultPage = 100
	maxPage     = 10_000
	maxQuery    = 1 << 10
)

// groupingJSON is a grouping as the list shows it.
type groupingJSON struct {
	Labels             map[string]string `json:"labels"`
	Path               string            `json:"path"`
	LastPushTime       *time.Time        `json:"last_push_time"`
	LastPushSuccessful bool              `json:"last_push_successful"`
	LastPushBy         string            `json:"last_push_by"`
	LastFailureTime    *time.Time        `json:"last_failure_time"`
	LastFailure        string            `json:"last_failure,omitempty"`
	State              string            `json:"state"`
	Families           int               `json:"families"`
	Series             int               `json:"series"`
	Bytes              int               `json:"bytes"`
	ExpiresAt          *time.Time        `json:"expires_at"`
}

// listGroupings serves a page of the groupings that are asked for.
func (h *api) listGroupings(c *fiber.Ctx) error {
	q, err := h.listQuery(c)
	if err != nil {
		return err
	}
	now := time.Now()
	var found []*store.Group
	for g := range h.Store.Picture().Matching(q.selectors) {
		if q.matches(g, h.state(g, now)) {
			found = append(found, g)
		}
	}
	q.order(found)
	total := len(found)
	page, next := q.page(found)
	out := make([]groupingJSON, len(page))
	for i, g := range page {
		out[i] = h.groupingJSON(g, now)
	}
	return succeed(c, fiber.Map{"groupings": out, "total": total, "next": next})
}

// deleteGroupings deletes what a selector means, or counts it.
func (h *api) deleteGroupings(c *fiber.Ctx) error {
	selectors, err := store.ParseSelectors(queries(c, "match[]"))
	if err != nil {
		return err
	}
	if selectors.All() {
		return badRequest("a selector is required: match[]={…}")
	}
	dry, err := strconv.ParseBool(c.Query("dry_run", "false"))
	if err != nil {
		return badRequest("dry_run must be true or false")
	}
	n := 0
	if dry {
		for range h.Store.Picture().Matching(selectors) {
			n++
		}
	} else if n, err = h.Store.DeleteMatching(context.Background(), selectors, h.origin(c)); err != nil {
		return err
	}
	return succeed(c, fiber.Map{"deleted": n})
}

// success is what the JSON API answers when all is well.
type success struct {
	Status string `json:"status"`
	Value  any    `json:"data"`
}

func succeed(c *fiber.Ctx, value any) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(success{"success", value})
}

// state says how a grouping is doing. A refused last push outweighs its age.
func (h *api) state(g *store.Group, now time.Time) string {
	age := now.Sub(g.Pushed)
	switch {
	case !g.LastPushSuccessful():
		return "failed"
	case h.OldAfter > 0 && age >= h.OldAfter:
		return "old"
	case h.StaleAfter > 0 && age >= h.StaleAfter:
		return "stale"
	}
	return "fresh"
}

func (h *api) groupingJSON(g *store.Group, now time.Time) groupingJSON {
	return groupingJSON{
		Labels: labelMap(g.Key.Labels()), Path: h.RoutePrefix + g.Key.Path(),
		LastPushTime: optional(g.Pushed), LastPushSuccessful: g.LastPushSuccessful(), LastPushBy: g.Origin.By,
		LastFailureTime: optional(g.Failed), LastFailure: g.Failure, State: h.state(g, now),
		Families: g.FamilyCount(), Series: g.Series, Bytes: g.Bytes, ExpiresAt: optional(g.Expires),
	}
}

func labelMap(labels []exposition.Label) map[string]string {
	m := make(map[string]string, len(labels))
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	return m
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// listQuery is what a client asks of the list.
type listQuery struct {
	selectors store.Selectors
	words     []string // all of which must be found
	state     string
	sort      string
	limit     int
	cursor    string
}

func (h *api) listQuery(c *fiber.Ctx) (listQuery, error) {
	q := listQuery{state: c.Query("state"), sort: c.Query("sort", "labels"), cursor: c.Query("cursor")}
	var err error
	if q.selectors, err = store.ParseSelectors(queries(c, "match[]")); err != nil {
		return q, err
	}
	text := c.Query("q")
	if len(text) > maxQuery {
		return q, badRequest("q is too long")
	}
	q.words = strings.Fields(strings.ToLower(text))
	if !slices.Contains([]string{"", "fresh", "stale", "old", "failed"}, q.state) {
		return q, badRequest("state must be fresh, stale, old or failed")
	}
	if _, ok := orders[strings.TrimPrefix(q.sort, "-")]; !ok {
		return q, badRequest("sort must be labels, last_push, families, series, bytes or expires, with a - in front for the reverse")
	}
	if q.limit, err = strconv.Atoi(c.Query("limit", strconv.Itoa(defaultPage))); err != nil || q.limit < 1 || q.limit > maxPage {
		return q, badRequest("limit must be a number from 1 to " + strconv.Itoa(maxPage))
	}
	if _, _, err := q.after(); err != nil {
		return q, badRequest("bad cursor")
	}
	return q, nil
}

func (q *listQuery) matches(g *store.Group, state string) bool {
	if q.state != "" && state != q.state {
		return false
	}
	for _, w := range q.words {
		if !mentions(g, w) {
			return false
		}
	}
	return true
}

func mentions(g *store.Group, word string) bool {
	for _, l := range g.Key.Labels() {
		if strings.Contains(strings.ToLower(l.Name+"="+l.Value), word) {
			return true
		}
	}
	return g.HasFamily(func(name string) bool { return strings.Contains(strings.ToLower(name), word) })
}

// orders are what the list can be sorted by; equal ones come in the order of
// their labels.
var orders = map[string]func(g *store.Group) int64{
	"labels":    func(*store.Group) int64 { return 0 },
	"last_push": func(g *store.Group) int64 { return g.Pushed.UnixNano() },
	"families":  func(g *store.Group) int64 { return int64(g.FamilyCount()) },
	"series":    func(g *store.Group) int64 { return int64(g.Series) },
	"bytes":     func(g *store.Group) int64 { return int64(g.Bytes) },
	"expires": func(g *store.Group) int64 {
		if g.Expires.IsZero() {
			return 1<<63 - 1
		}
		return g.Expires.UnixNano()
	},
}

func (q *listQuery) rank(g *store.Group) int64 { return orders[strings.TrimPrefix(q.sort, "-")](g) }

func (q *listQuery) compare(rank int64, id string, otherRank int64, otherID string) int {
	c := cmp.Or(cmp.Compare(rank, otherRank), strings.Compare(id, otherID))
	if strings.HasPrefix(q.sort, "-") {
		return -c
	}
	return c
}

func (q *listQuery) order(groups []*store.Group) {
	slices.SortFunc(groups, func(a, b *store.Group) int { return q.compare(q.rank(a), a.Key.ID(), q.rank(b), b.Key.ID()) })
}

// page cuts a page out of the sorted list. A cursor names the last grouping of
// the page before, so that nothing is told twice when others come or go.
func (q *listQuery) page(groups []*store.Group) (page []*store.Group, next string) {
	if rank, id, err := q.after(); err == nil && q.cursor != "" {
		i, found := slices.BinarySearchFunc(groups, id, func(g *store.Group, id string) int {
			return q.compare(q.rank(g), g.Key.ID(), rank, id)
		})
		if found {
			i++
		}
		groups = groups[i:]
	}
	if len(groups) <= q.limit {
		return groups, ""
	}
	page = groups[:q.limit]
	last := page[len(page)-1]
	return page, base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(q.rank(last), 10) + " " + last.Key.ID()))
}

func (q *listQuery) after() (rank int64, id string, err error) {
	if q.cursor == "" {
		return 0, "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil {
		return 0, "", err
	}
	number, id, _ := strings.Cut(string(raw), " ")
	rank, err = strconv.ParseInt(number, 10, 64)
	return rank, id, err
}
