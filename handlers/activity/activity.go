package activity

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/activity"
	"gatehouse/views/ui"
)

// Routes returns the routes of the activity log.
func (h *Handler) Routes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/activity", web.Endpoint{Name: "activity", Needs: auth.Administer, Do: h.activity}),
		web.Get(web.Page, "/activity/export", web.Endpoint{Name: "activity/export", Needs: auth.Administer, Do: h.exportActivity, Cache: web.AskAgain}),
		web.Get(web.JSON, "/api/v1/activity", web.Endpoint{Name: "api/v1/activity", Needs: auth.Administer, Do: h.listActivity}),
	}
}

const (
	entriesPerPage     = 50
	defaultEntries     = 100 // of one answer of the API
	maxExportedEntries = store.MaxEntries
	maxActor           = 256  // bytes of the author searched for
	maxOperation       = 64   // bytes of an operation's name
	maxSubjectTitle    = 1000 // characters of the same in full
	// activityWait bounds how long the log is searched.
	activityWait = 10 * time.Second
)

// kindGroups are what people narrow the log to: kinds that belong together, in
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

// activity shows what people and programs did, and what was refused to them.
func (h *Handler) activity(c *fiber.Ctx) error {
	v, err := readActivityView(c)
	if err != nil {
		return err
	}
	entries, next, err := h.entries(&v, entriesPerPage)
	if err != nil {
		return err
	}
	f := h.web.Frame(c, "Activity", "activity")
	web.PushURL(c, f.Path("/activity")+v.address(v.before))
	return h.web.Page(c, fiber.StatusOK, views.Page(h.activityModel(f, &v, entries, next)))
}

// entries are those of a page of that size, and before which operation the next
// one goes on; empty: there is none. One call of the store looks at a part of the
// log only.
func (h *Handler) entries(v *activityView, size int) (entries []store.Entry, next string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), activityWait)
	defer cancel()
	for next = v.before; ; {
		var found []store.Entry
		if found, next, err = h.store.Activity(ctx, v.query(next, size-len(entries))); err != nil {
			return nil, "", err
		}
		if entries = append(entries, found...); next == "" || len(entries) == size {
			return entries, next, nil
		}
	}
}

// activityModel makes the page of a view. Only the first page follows what
// happens: under a reader of older ones the rows would move.
func (h *Handler) activityModel(f ui.Frame, v *activityView, entries []store.Entry, next string) views.Activity {
	home := f.Path("/activity")
	if v.before == "" {
		f.Live = "activity"
	}
	m := views.Activity{
		Frame: f, Search: v.text, By: v.by, From: v.from, To: v.to,
		Filtered: v.filtered(), Older: v.before != "", Clear: home, Kinds: v.picks(), Kept: Kept(h.retention),
	}
	for _, format := range []string{"csv", "json"} {
		m.Exports = append(m.Exports, ui.Choice{Text: strings.ToUpper(format), URL: f.Path(v.exportAddress(format))})
	}
	if v.before != "" {
		m.Newest = home + v.address("")
	}
	if next != "" {
		m.Next = home + v.address(next)
	}
	p := h.store.Snapshot()
	for _, e := range entries {
		row := h.entry(f, p, e)
		row.Alike = home + v.alike(e.Kind)
		m.Entries = append(m.Entries, row)
	}
	return m
}

// picks are what the log can be narrowed to: groups of kinds, and single kinds
// that it is narrowed to already.
func (v *activityView) picks() []views.Pick {
	var picks []views.Pick
	for _, g := range kindGroups {
		picks = append(picks, views.Pick{Name: g.name, Label: g.label, Picked: slices.Contains(v.named, g.name)})
	}
	for _, name := range v.named {
		if !slices.ContainsFunc(picks, func(p views.Pick) bool { return p.Name == name }) {
			picks = append(picks, views.Pick{Name: name, Picked: true})
		}
	}
	return picks
}

// alike is the view's first page with one kind of entries only.
func (v *activityView) alike(kind store.EntryKind) string {
	w := *v
	w.named = []string{string(kind)}
	return w.address("")
}

// Kept says how long entries are kept, given the retention of a store.
func Kept(retention time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case retention <= 0:
		return "the last " + ui.Number(store.MaxEntries) + " are kept"
	case retention%day == 0:
		return "kept for " + web.Counted(int(retention/day), "day", "days")
	}
	return "kept for " + ui.Span(retention)
}

// entry is an entry of the log as the page shows it.
func (h *Handler) entry(f ui.Frame, p *store.Snapshot, e store.Entry) views.Entry {
	row := views.Entry{
		Operation: e.Operation, Kind: string(e.Kind), At: e.At, Count: e.Count,
		Client: web.Client(e.Origin),
	}
	switch e.Kind {
	case store.EntryRefusal:
		row.Why = web.Brief(web.ReasonOfRefusal(f, p, e.What, e.Message))
	case store.EntryDenial:
		row.Why.Before = cmp.Or(string(e.Reason), e.Message)
		e.What = web.Printable(e.What, web.MaxSubject)
	case store.EntrySignIn, store.EntrySignOut:
		row.Detail = web.Printable(e.Message, web.MaxSubject)
		if e.What = web.Printable(e.What, web.MaxClient); e.What == row.By {
			e.What = "" // is beside it
		}
	default:
		row.Detail, e.What = web.Printable(e.Message, web.MaxReason), web.Visible(e.What)
	}
	if e.Kind == store.EntryExpiry && e.What == "" {
		if keys, _ := h.store.DeletedBy(e.Operation, 1); len(keys) > 0 {
			e.What, row.First = keys[0].String(), true
		}
	}
	if row.What = web.Shorten(e.What, web.MaxSubject); row.What != e.What {
		row.Title = web.Shorten(e.What, maxSubjectTitle)
	}
	if key, n, ok := web.ReadKey(e.What); ok && n == len(e.What) {
		if _, held := p.Grouping(key); held {
			row.URL = f.Path("/groupings/" + key.Digest())
		}
	}
	if e.Kind.IsRemoval() {
		row.List = f.Path("/deleted/" + e.Operation)
		if until, ok := h.store.Undoable(e.Operation); ok {
			row.Undo, row.Until = f.Path("/undo/"+e.Operation), until
		}
	}
	return row
}

// exportActivity lets admins download all that a view shows, newest first.
func (h *Handler) exportActivity(c *fiber.Ctx) error {
	v, err := readActivityView(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	switch c.Query("format", "json") {
	case "json":
		web.Download(c, "activity.json", fiber.MIMEApplicationJSON)
		return web.StreamCoded(c, func(w io.Writer) error { return h.writeActivityJSON(w, v) })
	case "csv":
		web.Download(c, "activity.csv", "text/csv; charset=utf-8")
		return web.StreamCoded(c, func(w io.Writer) error { return h.writeActivityCSV(w, v) })
	}
	return web.BadRequest("format must be json or csv")
}

// eachEntry passes the entries of a view to do, newest first, until there are no
// more of them or too many.
func (h *Handler) eachEntry(v activityView, do func(store.Entry) error) error {
	for left := maxExportedEntries; left > 0; {
		ctx, cancel := context.WithTimeout(context.Background(), activityWait)
		entries, next, err := h.store.Activity(ctx, v.query(v.before, min(left, store.MaxActivity)))
		cancel()
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := do(e); err != nil {
				return err
			}
		}
		if left -= len(entries); next == "" {
			return nil
		}
		v.before = next
	}
	return nil
}

// entryJSON is an entry of the log as it is exported.
type entryJSON struct {
	Operation string    `json:"operation"`
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	By        string    `json:"by"`
	From      string    `json:"from"`
	Via       string    `json:"via"`
	ID        string    `json:"id"`
	What      string    `json:"what"`
	Count     int       `json:"count"`
	Undoes    string    `json:"undoes,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Message   string    `json:"message,omitempty"`
}

func asJSON(e store.Entry) entryJSON {
	return entryJSON{
		e.Operation, e.At.UTC(), string(e.Kind), e.Origin.By, e.Origin.From, e.Origin.Via, e.Origin.ID,
		e.What, e.Count, e.Undoes, string(e.Reason), e.Message,
	}
}

// listActivity serves a page of the log to programs.
func (h *Handler) listActivity(c *fiber.Ctx) error {
	v, err := readActivityView(c)
	if err != nil {
		return err
	}
	limit, err := strconv.Atoi(c.Query("limit", strconv.Itoa(defaultEntries)))
	if err != nil || limit < 1 || limit > store.MaxActivity {
		return web.BadRequest("limit must be a number from 1 to " + strconv.Itoa(store.MaxActivity))
	}
	entries, next, err := h.entries(&v, limit)
	if err != nil {
		return err
	}
	out := make([]entryJSON, len(entries))
	for i, e := range entries {
		out[i] = asJSON(e)
	}
	return web.Succeed(c, fiber.Map{"entries": out, "next": next})
}

// writeActivityJSON writes an array with a line per entry.
func (h *Handler) writeActivityJSON(w io.Writer, v activityView) error {
	before := "["
	err := h.eachEntry(v, func(e store.Entry) error {
		line, err := json.Marshal(asJSON(e))
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, before+"\n"+string(line))
		before = ","
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.TrimPrefix(before, ",")+"\n]\n")
	return err
}

var activityHead = []string{"operation", "time", "kind", "by", "from", "via", "id", "what", "count", "undoes", "reason", "message"}

// writeActivityCSV writes a line per entry.
func (h *Handler) writeActivityCSV(w io.Writer, v activityView) error {
	out := csv.NewWriter(w)
	if err := out.Write(activityHead); err != nil {
		return err
	}
	err := h.eachEntry(v, func(e store.Entry) error {
		return out.Write([]string{
			e.Operation, web.Moment(e.At), string(e.Kind), web.Cell(e.Origin.By), web.Cell(e.Origin.From), e.Origin.Via, web.Cell(e.Origin.ID), web.Cell(e.What),
			strconv.Itoa(e.Count), e.Undoes, string(e.Reason), web.Cell(e.Message),
		})
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}
