package activity

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
)

// kindGroups are choices that narrow the log: kinds that belong together, in
// the order of the page. A group of one has that kind's name.
var kindGroups = []struct {
	name, label string
	kinds       []store.EntryKind
}{
	{"deletions", "Deletes and undos", []store.EntryKind{store.EntryDelete, store.EntryWipe, store.EntryExpiry, store.EntryUndo}},
	{"import", "Imports", []store.EntryKind{store.EntryImport}},
	{"refusal", "Refused pushes", []store.EntryKind{store.EntryRefusal}},
	{"sessions", "Sign-ins", []store.EntryKind{store.EntrySignIn, store.EntrySignOut}},
	{"tokens", "Tokens", []store.EntryKind{store.EntryTokenCreate, store.EntryTokenRotate, store.EntryTokenRevoke}},
	{"denial", "Denied requests", []store.EntryKind{store.EntryDenial}},
}

// kindsNamed returns the kinds that a name means: a kind's own, or that of a
// group.
func kindsNamed(name string) []store.EntryKind {
	for _, g := range kindGroups {
		if g.name == name {
			return g.kinds
		}
		if slices.Contains(g.kinds, store.EntryKind(name)) {
			return []store.EntryKind{store.EntryKind(name)}
		}
	}
	return nil
}

// kindNames lists the names that kindsNamed knows, for errors.
func kindNames() string {
	var names []string
	for _, g := range kindGroups {
		for _, kind := range g.kinds {
			names = append(names, string(kind))
		}
		if len(g.kinds) > 1 {
			names = append(names, g.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// activityView is the query of a person, as it is in the page's address.
type activityView struct {
	text, by string
	named    []string          // kinds and groups of them
	kinds    []store.EntryKind // that these mean
	from, to string            // as they were typed
	since    time.Time
	until    time.Time
	before   string // the operation whose page is over; empty: the newest page
}

// readActivityView reads the query of a page. A wrong value is an error: a
// reader of the log must not be shown other entries than those asked for.
func readActivityView(c *fiber.Ctx) (v activityView, err error) {
	v = activityView{
		text: strings.TrimSpace(c.Query("q")), by: strings.TrimSpace(c.Query("by")),
		from: strings.TrimSpace(c.Query("from")), to: strings.TrimSpace(c.Query("to")), before: c.Query("before"),
	}
	if len(v.text) > web.MaxQuery {
		return v, web.BadRequest("q is too long")
	}
	if len(v.by) > maxActor {
		return v, web.BadRequest("by is too long")
	}
	for _, name := range web.Queries(c, "kind") {
		kinds := kindsNamed(name)
		if kinds == nil {
			return v, web.BadRequest("kind must be " + kindNames())
		}
		if !slices.Contains(v.named, name) {
			v.named, v.kinds = append(v.named, name), append(v.kinds, kinds...)
		}
	}
	if v.since, _, err = parseMoment(v.from); err != nil {
		return v, web.BadRequest("from " + err.Error())
	}
	var length time.Duration
	if v.until, length, err = parseMoment(v.to); err != nil {
		return v, web.BadRequest("to " + err.Error())
	}
	if !v.until.IsZero() {
		v.until = v.until.Add(length) // with all of the minute that was named
	}
	if len(v.before) > maxOperation {
		return v, web.BadRequest("before is too long")
	}
	return v, nil
}

// momentLayouts are how points in time can be written, and how long each of
// them is.
var momentLayouts = []struct {
	layout string
	length time.Duration
}{
	{"2006-01-02T15:04", time.Minute}, {"2006-01-02T15:04:05", time.Second}, {"2006-01-02", 24 * time.Hour}, {time.RFC3339, time.Second},
}

var errMoment = errors.New("must be a time like 2026-01-31T18:40, in UTC")

// parseMoment parses a point in time, in UTC unless it says otherwise, and
// returns the length that it covers: a day, a minute, a second. Empty is the
// zero time.
func parseMoment(text string) (at time.Time, length time.Duration, err error) {
	if text == "" {
		return time.Time{}, 0, nil
	}
	if len(text) <= len(time.RFC3339) {
		for _, l := range momentLayouts {
			// The log counts nanoseconds since 1970, in which years are bounded.
			if at, err := time.Parse(l.layout, text); err == nil && at.Year() >= 1970 && at.Year() < 2200 {
				return at.UTC(), l.length, nil
			}
		}
	}
	return time.Time{}, 0, errMoment
}

// query asks the store for entries that the view shows.
func (v *activityView) query(before string, limit int) store.ActivityQuery {
	return store.ActivityQuery{
		Kinds: v.kinds, By: v.by, Text: v.text, Since: v.since, Until: v.until, Before: before, Limit: limit,
	}
}

// filtered reports whether not everything is asked for.
func (v *activityView) filtered() bool {
	return v.text != "" || v.by != "" || len(v.kinds) > 0 || v.from != "" || v.to != ""
}

// address is the view as the query of an address, in which nothing is empty,
// after the given entry; empty: from the newest on.
func (v *activityView) address(before string) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": v.text, "by": v.by, "from": v.from, "to": v.to, "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for _, name := range v.named {
		q.Add("kind", name)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// exportAddress returns the address that downloads all pages of the view.
func (v *activityView) exportAddress(format string) string {
	return "/activity/export?format=" + format + strings.Replace(v.address(""), "?", "&", 1)
}
