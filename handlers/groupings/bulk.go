package groupings

import (
	"context"
	"encoding/binary"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
)

const (
	maxLinkedIDs     = 1_000     // groupings that an address names
	maxIDs           = 10_000    // groupings that a form names
	maxBulkFormBytes = 256 << 10 // of a form that names them

	maxUntyped = 20    // groupings that are deleted without typing how many
	maxJobs    = 10    // jobs that are counted one by one
	maxFirst   = 20    // groupings that are named before they are deleted
	maxMeant   = 1_000 // characters of what was meant, on record
)

func (h *Remover) bulkRoutes() []web.Route {
	return []web.Route{{Path: "/groupings/delete", Kind: web.Page, On: map[string]web.Endpoint{
		"GET":  {Name: "ui/delete-many", Needs: auth.Administer, Do: h.askBulkRemoval},
		"POST": {Name: "ui/delete-many", Needs: auth.Administer, Do: h.removeMany},
	}}}
}

// selection is the selection of a link or a form: groupings that it names, or those
// that a view of the list shows.
type selection struct {
	listView
	named bool // by their ids, whatever the view
	ids   []string
	idle  time.Duration // leaves out groupings pushed more recently
	// at is as of when ages count: between a question and its answer nothing
	// becomes stale.
	at time.Time
}

// readSelection reads a selection of at most so many named groupings. What makes
// no sense is refused: more would be meant without it.
func readSelection(q url.Values, most int, now time.Time) (selection, error) {
	v, err := parseListView(q, web.DefaultPage)
	if err != nil {
		return selection{}, err
	}
	s := selection{listView: v, ids: q["id"], named: q.Has("id") || q.Get("by") == "id", at: now}
	switch {
	case v.bad != "":
		return s, web.BadRequest("bad matcher: " + v.reason)
	case v.state != q.Get("state"):
		return s, web.BadRequest("state must be fresh, stale, old or failed")
	case len(s.ids) > most:
		return s, web.BadRequest("at most " + strconv.Itoa(most) + " groupings can be named")
	}
	if idle := q.Get("idle"); idle != "" {
		d, err := model.ParseDuration(idle)
		if err != nil {
			return s, web.BadRequest("idle must be a duration, such as 5m")
		}
		s.idle = time.Duration(d)
	}
	return s, nil
}

// values is the selection as a query.
func (s *selection) values() url.Values {
	q := url.Values{}
	if s.named {
		q.Set("by", "id")
		q["id"] = s.ids
	} else {
		q, _ = url.ParseQuery(s.filter()) // which was encoded just now
	}
	if s.idle > 0 {
		q.Set("idle", model.Duration(s.idle).String())
	}
	return q
}

// everything reports whether nothing narrows the selection.
func (s *selection) everything() bool { return !s.named && s.idle == 0 && !s.filtered() }

// String says what is meant, for people and for the record.
func (s *selection) String() string {
	var parts []string
	switch {
	case s.named:
		parts = append(parts, "selected groupings")
	case s.everything():
		return "all groupings"
	case len(s.matchers) > 0:
		parts = append(parts, "{"+strings.Join(s.matchers, ",")+"}")
	}
	if !s.named && s.text != "" {
		parts = append(parts, "contains "+strconv.Quote(s.text))
	}
	if !s.named && s.state != "" {
		parts = append(parts, "state "+s.state)
	}
	if s.idle > 0 {
		parts = append(parts, "not pushed for "+model.Duration(s.idle).String())
	}
	return web.Shorten(strings.Join(parts, ", "), maxMeant)
}

// selected returns the groupings that are meant, and how many of those named
// are not there.
func (h *Handler) selected(p *store.Snapshot, s *selection) (found []*store.Grouping, missing int) {
	if s.named {
		found, missing = byIDs(p, s.ids)
		s.order(found)
	} else {
		found, _ = h.find(p, &s.listQuery, s.at)
	}
	if s.idle > 0 {
		found = slices.DeleteFunc(found, func(g *store.Grouping) bool { return g.Since().After(s.at.Add(-s.idle)) })
	}
	return found, missing
}

// byIDs returns each of the groupings once, in the order of their identities.
func byIDs(p *store.Snapshot, ids []string) (found []*store.Grouping, missing int) {
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		if known[id] {
			continue
		}
		known[id] = true
		if g, ok := p.ByDigest(id); ok {
			found = append(found, g)
		} else {
			missing++
		}
	}
	slices.SortFunc(found, func(a, b *store.Grouping) int { return strings.Compare(a.Key.ID(), b.Key.ID()) })
	return found, missing
}

// versionOf changes with the groupings and with each push to one of them.
func versionOf(groups []*store.Grouping) string {
	d := xxhash.New()
	var pushed [8]byte
	for _, g := range groups {
		binary.BigEndian.PutUint64(pushed[:], uint64(g.Pushed.UnixNano()))
		_, _ = d.WriteString(g.Key.ID()) // never fails
		_, _ = d.Write(pushed[:])
	}
	return strconv.FormatUint(d.Sum64(), 16)
}

// activeIn returns how many of the groupings were pushed so recently that they
// may come back.
func activeIn(groups []*store.Grouping, at time.Time) int {
	n := 0
	for _, g := range groups {
		if at.Sub(g.Since()) < activeWithin {
			n++
		}
	}
	return n
}

// mustType reports whether the number of the groupings has to be typed.
func (s *selection) mustType(found []*store.Grouping) bool {
	return len(found) > 0 && (len(found) > maxUntyped || s.everything() || activeIn(found, s.at) > 0)
}

// askBulkRemoval asks before groupings are deleted.
func (h *Remover) askBulkRemoval(c *fiber.Ctx) error {
	s, err := readSelection(guard.Query(c), maxLinkedIDs, h.store.Now())
	if err != nil {
		return err
	}
	return h.bulkRemovalPage(c, fiber.StatusOK, &s, views.BulkRemoval{})
}

// removeMany deletes groupings, if they are still those of the question.
func (h *Remover) removeMany(c *fiber.Ctx) error {
	form, err := web.ReadFields(c, maxBulkFormBytes, nil)
	if err != nil {
		return err
	}
	asked, expected, err := readAnswer(form, h.store.Now())
	if err != nil {
		return err
	}
	s, err := readSelection(form, maxIDs, asked)
	if err != nil {
		return err
	}
	s.sort = "labels"
	found, missing := h.list.selected(h.store.Snapshot(), &s)
	switch {
	case len(found) != expected || versionOf(found) != form.Get("version"):
		return h.askBulkAgain(c, s, found, missing, expected)
	case s.mustType(found) && !confirms(form.Get("typed"), expected):
		return h.bulkRemovalPage(c, fiber.StatusUnprocessableEntity, &s, views.BulkRemoval{Typed: web.Shorten(form.Get("typed"), web.MaxValue), Wrong: true})
	}
	deleted, err := h.store.DeleteVersions(context.Background(), seenOf(found), true, s.record(found), h.web.Origin(c))
	if changed := (*store.ChangedError)(nil); errors.As(err, &changed) {
		found, missing = h.list.selected(h.store.Snapshot(), &s)
		return h.askBulkAgain(c, s, found, missing, expected)
	}
	if err != nil {
		return err
	}
	return h.answerRemoval(c, deleted, "Deleted "+views.CountGroupings(deleted.Groupings)+".")
}

// readAnswer reads when the question was asked, and about how many groupings.
func readAnswer(form url.Values, now time.Time) (asked time.Time, expected int, err error) {
	at, err := strconv.ParseInt(form.Get("at"), 10, 64)
	if asked = time.Unix(0, at); err != nil || asked.After(now) {
		return asked, 0, web.BadRequest("at must be when the groupings were seen")
	}
	if expected, err = strconv.Atoi(form.Get("expect")); err != nil || expected < 1 {
		return asked, 0, web.BadRequest("expect must be the number of the groupings that were seen")
	}
	return asked, expected, nil
}

// confirms reports whether a person typed the number, however they group its digits.
func confirms(typed string, n int) bool {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,.'_\u00a0\u202f", r) {
			return -1
		}
		return r
	}, typed)
	return plain == strconv.Itoa(n)
}

// askBulkAgain says what has changed since the question was asked.
func (h *Remover) askBulkAgain(c *fiber.Ctx, s selection, found []*store.Grouping, missing, expected int) error {
	pushed := 0
	for _, g := range found {
		if g.Since().After(s.at) {
			pushed++
		}
	}
	m := views.BulkRemoval{Changed: true, Before: expected, PushedSince: pushed, Missing: missing}
	s.at = h.store.Now()
	return h.bulkRemovalPage(c, fiber.StatusConflict, &s, m)
}

func seenOf(groups []*store.Grouping) []store.GroupingVersion {
	seen := make([]store.GroupingVersion, len(groups))
	for i, g := range groups {
		seen[i] = store.GroupingVersion{Key: g.Key, Pushed: g.Pushed}
	}
	return seen
}

// record describes the selection for the activity log; empty: the only grouping.
func (s *selection) record(found []*store.Grouping) string {
	if len(found) == 1 {
		return ""
	}
	return s.String()
}
