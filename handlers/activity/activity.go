package activity

import (
	"cmp"
	"context"
	"slices"
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

// picks are the choices that narrow the log: groups of kinds, and single kinds
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
