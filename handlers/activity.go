package handlers

import (
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
	"gatehouse/store"
	"gatehouse/views"
)

func (h *api) activityRoutes() []route {
	return []route{
		page("/activity", "activity", auth.Administer, h.activity),
		page("/activity/export", "activity/export", auth.Administer, h.exportActivity),
	}
}

const (
	entriesPerPage     = 50
	maxExportedEntries = 100_000
	maxActor           = 256  // bytes of who is looked for
	maxOperation       = 64   // bytes of an operation's name
	maxSubject         = 200  // characters of what an entry is about
	maxSubjectTitle    = 1000 // characters of the same where it stands in full
	// activityWait bounds how long the log is searched.
	activityWait = 10 * time.Second
)

// entryKinds are what the log can be narrowed to, in the order of the page.
var entryKinds = []store.EntryKind{store.EntryDelete, store.EntryWipe, store.EntryExpiry, store.EntryUndo, store.EntryRefusal}

// activityView is what a person asks of the log, as it stands in the page's
// address.
type activityView struct {
	text, by string
	kinds    []store.EntryKind
	from, to string // as they were typed
	since    time.Time
	until    time.Time
	before   string // the operation whose page is over; empty: the newest page
}

// readActivityView reads the query of a page. What cannot be understood is an
// error: whoever looks into the log must not be shown other than what was asked
// for.
func readActivityView(c *fiber.Ctx) (v activityView, err error) {
	v = activityView{
		text: strings.TrimSpace(c.Query("q")), by: strings.TrimSpace(c.Query("by")),
		from: strings.TrimSpace(c.Query("from")), to: strings.TrimSpace(c.Query("to")), before: c.Query("before"),
	}
	if len(v.text) > maxQuery {
		return v, badRequest("q is too long")
	}
	if len(v.by) > maxActor {
		return v, badRequest("by is too long")
	}
	for _, name := range queries(c, "kind") {
		kind := store.EntryKind(name)
		if !slices.Contains(entryKinds, kind) {
			return v, badRequest("kind must be delete, wipe, expiry, undo or refusal")
		}
		if !slices.Contains(v.kinds, kind) {
			v.kinds = append(v.kinds, kind)
		}
	}
	if v.since, _, err = parseMoment(v.from); err != nil {
		return v, badRequest("from " + err.Error())
	}
	var length time.Duration
	if v.until, length, err = parseMoment(v.to); err != nil {
		return v, badRequest("to " + err.Error())
	}
	if !v.until.IsZero() {
		v.until = v.until.Add(length) // with all of the minute that was named
	}
	if len(v.before) > maxOperation {
		return v, badRequest("before is too long")
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

// parseMoment reads a point in time, in UTC unless it says otherwise, and how
// much time its name stands for: a day, a minute, a second. Empty is the zero
// time.
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

// filtered tells that not everything is asked for.
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
	for _, kind := range v.kinds {
		q.Add("kind", string(kind))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// exportAddress is where all pages of the view are downloaded.
func (v *activityView) exportAddress(format string) string {
	return "/activity/export?format=" + format + strings.Replace(v.address(""), "?", "&", 1)
}

// activity shows what was deleted, undone and refused, and what has expired.
func (h *api) activity(c *fiber.Ctx) error {
	v, err := readActivityView(c)
	if err != nil {
		return err
	}
	entries, next, err := h.entries(&v)
	if err != nil {
		return err
	}
	f := h.frame(c, "Activity", "activity")
	if address := f.Path("/activity") + v.address(v.before); fragmentOf(c) != "" && !isCurrent(c, address) {
		c.Set("HX-Push-Url", address)
	}
	return h.page(c, fiber.StatusOK, views.ActivityPage(h.activityModel(f, &v, entries, next)))
}

// entries are those of a page, and before which operation the next one goes on;
// empty: there is none. One call of the store looks at a part of the log only.
func (h *api) entries(v *activityView) (entries []store.Entry, next string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), activityWait)
	defer cancel()
	for next = v.before; ; {
		var found []store.Entry
		if found, next, err = h.Store.Activity(ctx, v.query(next, entriesPerPage-len(entries))); err != nil {
			return nil, "", err
		}
		if entries = append(entries, found...); next == "" || len(entries) == entriesPerPage {
			return entries, next, nil
		}
	}
}

// activityModel makes the page of a view. Only the first page follows what
// happens: under a reader of older ones the rows would move.
func (h *api) activityModel(f views.Frame, v *activityView, entries []store.Entry, next string) views.Activity {
	home := f.Path("/activity")
	if v.before == "" {
		f.Live = "activity"
	}
	m := views.Activity{
		Frame: f, Search: v.text, By: v.by, From: v.from, To: v.to,
		Filtered: v.filtered(), Older: v.before != "", Clear: home,
	}
	for _, kind := range entryKinds {
		m.Kinds = append(m.Kinds, views.Pick{Name: string(kind), Picked: slices.Contains(v.kinds, kind)})
	}
	for _, format := range []string{"csv", "json"} {
		m.Exports = append(m.Exports, views.Choice{Text: strings.ToUpper(format), URL: f.Path(v.exportAddress(format))})
	}
	if v.before != "" {
		m.Newest = home + v.address("")
	}
	if next != "" {
		m.Next = home + v.address(next)
	}
	p := h.Store.Picture()
	for _, e := range entries {
		m.Entries = append(m.Entries, h.entry(f, p, e))
	}
	return m
}

// entry is an entry of the log as the page shows it.
func (h *api) entry(f views.Frame, p *store.Picture, e store.Entry) views.Entry {
	row := views.Entry{
		Operation: e.Operation, Kind: string(e.Kind), At: e.At, By: e.Origin.By, From: e.Origin.From,
		Count: e.Count, Why: brief(reasonOfRefusal(f, p, e.What, e.Message)),
	}
	if e.Kind == store.EntryExpiry && e.What == "" {
		if keys, _ := h.Store.DeletedBy(e.Operation, 1); len(keys) > 0 {
			e.What, row.First = keys[0].String(), true
		}
	}
	if row.What = shorten(e.What, maxSubject); row.What != e.What {
		row.Title = shorten(e.What, maxSubjectTitle)
	}
	if key, n, ok := readKey(e.What); ok && n == len(e.What) {
		if _, held := p.Group(key); held {
			row.URL = f.Path("/groupings/" + key.Digest())
		}
	}
	switch e.Kind {
	case store.EntryDelete, store.EntryWipe, store.EntryExpiry:
		row.List = f.Path("/deleted/" + e.Operation)
		if until, ok := h.Store.Undoable(e.Operation); ok {
			row.Undo, row.Until = f.Path("/undo/"+e.Operation), until
		}
	}
	return row
}

// exportActivity lets admins download all that a view shows, newest first.
func (h *api) exportActivity(c *fiber.Ctx) error {
	v, err := readActivityView(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	switch c.Query("format", "json") {
	case "json":
		download(c, "activity.json", fiber.MIMEApplicationJSON)
		return streamCoded(c, func(w io.Writer) error { return h.writeActivityJSON(w, v) })
	case "csv":
		download(c, "activity.csv", "text/csv; charset=utf-8")
		return streamCoded(c, func(w io.Writer) error { return h.writeActivityCSV(w, v) })
	}
	return badRequest("format must be json or csv")
}

// eachEntry passes the entries of a view to do, newest first, until there are no
// more of them or too many.
func (h *api) eachEntry(v activityView, do func(store.Entry) error) error {
	for left := maxExportedEntries; left > 0; {
		ctx, cancel := context.WithTimeout(context.Background(), activityWait)
		entries, next, err := h.Store.Activity(ctx, v.query(v.before, min(left, store.MaxActivity)))
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
	What      string    `json:"what"`
	Count     int       `json:"count"`
	Undoes    string    `json:"undoes,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Message   string    `json:"message,omitempty"`
}

// writeActivityJSON writes an array with a line per entry.
func (h *api) writeActivityJSON(w io.Writer, v activityView) error {
	before := "["
	err := h.eachEntry(v, func(e store.Entry) error {
		line, err := json.Marshal(entryJSON{
			e.Operation, e.At.UTC(), string(e.Kind), e.Origin.By, e.Origin.From, e.What, e.Count, e.Undoes, string(e.Reason), e.Message,
		})
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

var activityHead = []string{"operation", "time", "kind", "by", "from", "what", "count", "undoes", "reason", "message"}

// writeActivityCSV writes a line per entry.
func (h *api) writeActivityCSV(w io.Writer, v activityView) error {
	out := csv.NewWriter(w)
	if err := out.Write(activityHead); err != nil {
		return err
	}
	err := h.eachEntry(v, func(e store.Entry) error {
		return out.Write([]string{
			e.Operation, moment(e.At), string(e.Kind), cell(e.Origin.By), cell(e.Origin.From), cell(e.What),
			strconv.Itoa(e.Count), e.Undoes, string(e.Reason), cell(e.Message),
		})
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}
