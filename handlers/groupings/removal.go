package groupings

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
	"gatehouse/views/ui"
)

// activeWithin is the age of a last push up to which a grouping may come back.
const activeWithin = 5 * time.Minute

// maxNamed is how many groupings are named one by one.
const maxNamed = 50

func (h *Remover) removalRoutes() []web.Route {
	return []web.Route{
		{Path: "/groupings/:id/delete", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "ui/delete", Needs: auth.Amend, Do: h.askRemoval},
			"POST": {Name: "ui/delete", Needs: auth.Amend, Do: h.remove},
		}},
		web.Get(web.Page, "/deleted/:operation", web.Endpoint{Name: "ui/deleted", Needs: auth.Amend, Do: h.removed}),
		{Path: "/undo/:operation", Kind: web.Page, On: map[string]web.Endpoint{"POST": {Name: "ui/undo", Needs: auth.Amend, Do: h.undo}}},
	}
}

// askRemoval asks before a grouping is deleted.
func (h *Remover) askRemoval(c *fiber.Ctx) error {
	p := h.store.Snapshot()
	g, ok := p.ByDigest(c.Params("id"))
	if !ok {
		return h.list.nothingToRemove(c)
	}
	return h.removalPage(c, fiber.StatusOK, p, g, false)
}

// nothingToRemove says that the grouping is not there, in the corner of the page
// that is open.
func (h *Handler) nothingToRemove(c *fiber.Ctx) error {
	if web.IsPartial(c) {
		return web.NewError(fiber.StatusNotFound, "the grouping no longer exists")
	}
	return h.noGrouping(c)
}

// isActive reports whether a grouping was pushed so recently, or is pushed so
// often, that it may come back.
func isActive(g *store.Grouping, now time.Time) bool {
	return now.Sub(g.Since()) < max(activeWithin, 2*g.PushInterval)
}

func (h *Remover) removalPage(c *fiber.Ctx, status int, p *store.Snapshot, g *store.Grouping, again bool) error {
	m := views.Removal{
		Grouping: h.list.groupingHead(c, p, g), Version: strconv.FormatInt(g.Pushed.UnixNano(), 10), Again: again,
		Active: isActive(g, h.store.Now()), InDialog: web.IsPartial(c),
	}
	if m.Active {
		m.PushInterval = g.PushInterval
	}
	m.Title = "Delete a grouping"
	for _, copied := range m.Copies {
		if copied.ID == "copy-delete" {
			m.Command = copied.Text
		}
	}
	if h.undoWindow > 0 {
		m.Undo = web.InWords(h.undoWindow)
	}
	return h.web.RemovalAnswer(c, status, views.RemovalPage(m))
}

// remove deletes a grouping, if it is still the one of the question.
func (h *Remover) remove(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	seen, err := strconv.ParseInt(form.Get("seen"), 10, 64)
	if err != nil {
		return web.BadRequest("seen must be the time of the push that was seen")
	}
	g, ok := h.store.Snapshot().ByDigest(c.Params("id"))
	if !ok {
		return h.list.nothingToRemove(c)
	}
	deleted, err := h.store.DeleteVersions(context.Background(), []store.GroupingVersion{{Key: g.Key, Pushed: time.Unix(0, seen)}}, true, "", h.web.Origin(c))
	if changed := (*store.ChangedError)(nil); errors.As(err, &changed) {
		return h.askAgain(c, g.Key)
	}
	if err != nil {
		return err
	}
	return h.answerRemoval(c, deleted, "Deleted "+web.Shorten(g.Key.String(), web.MaxName)+".")
}

func (h *Remover) askAgain(c *fiber.Ctx, k store.GroupingKey) error {
	p := h.store.Snapshot()
	g, ok := p.Grouping(k)
	if !ok {
		return h.list.nothingToRemove(c)
	}
	return h.removalPage(c, fiber.StatusConflict, p, g, true)
}

// removal finds a delete that the caller may see and undo: an admin all of
// them, others their own.
func (h *Remover) removal(c *fiber.Ctx) (store.Entry, error) {
	e, ok, err := h.store.Entry(context.Background(), c.Params("operation"))
	if err != nil {
		return e, err
	}
	if p := guard.Principal(c); ok && !mayTakeBack(p, e) {
		return e, &auth.DeniedError{Reason: auth.ErrForbidden, Scheme: p.Scheme}
	}
	if !ok || !e.Kind.IsRemoval() {
		return e, web.NewError(fiber.StatusNotFound, "there is no record of that delete")
	}
	return e, nil
}

// removed says what was deleted, and offers to take it back.
func (h *Remover) removed(c *fiber.Ctx) error {
	e, err := h.removal(c)
	if err != nil {
		return err
	}
	return h.removedPage(c, e, nil)
}

func (h *Remover) removedPage(c *fiber.Ctx, e store.Entry, undone *views.Undone) error {
	m := views.Removed{
		Frame: h.web.Frame(c, "Deleted", "groupings"), Operation: e.Operation, Kind: string(e.Kind), What: e.What, Count: e.Count,
		By: web.Printable(e.Origin.By, web.MaxClient), At: e.At, Undone: undone,
	}
	if n, err := strconv.Atoi(c.Query("kept")); err == nil && n > 0 {
		m.Kept = n
	}
	if until, ok := h.store.Undoable(e.Operation); ok {
		m.Until = until
		h.nameRemoved(&m)
	}
	return h.web.Page(c, fiber.StatusOK, views.RemovedPage(m))
}

// nameRemoved names what an undo would bring back.
func (h *Remover) nameRemoved(m *views.Removed) {
	keys, total := h.store.DeletedBy(m.Operation, maxNamed)
	for _, k := range keys {
		m.Named = append(m.Named, ui.Choice{Text: web.Shorten(k.String(), web.MaxReason), URL: m.Path("/groupings/" + k.Digest())})
	}
	m.Unnamed = total - len(keys)
}

// undo takes a delete back.
func (h *Remover) undo(c *fiber.Ctx) error {
	e, err := h.removal(c)
	if err != nil {
		return err
	}
	done, err := h.store.Undo(context.Background(), e.Operation, h.web.Origin(c))
	switch {
	case errors.Is(err, store.ErrTooLate), errors.Is(err, store.ErrNoOperation):
		return h.undoRefused(c)
	case err != nil:
		return err
	case web.IsPartial(c):
		return h.undoneToast(c, done)
	}
	u := &views.Undone{Restored: done.Restored}
	for _, k := range done.Kept[:min(len(done.Kept), maxNamed)] {
		u.Kept = append(u.Kept, k.String())
	}
	for _, x := range done.Conflicting[:min(len(done.Conflicting), maxNamed)] {
		u.Refused = append(u.Refused, views.Left{Grouping: x.Key.String(), Why: x.Err.Error()})
	}
	return h.removedPage(c, e, u)
}

// undoRefused takes the offer away that came too late.
func (h *Remover) undoRefused(c *fiber.Ctx) error {
	late := web.NewError(fiber.StatusGone, "it is too late to undo that")
	if !web.IsPartial(c) {
		return late
	}
	return h.web.Fragment(c, late.Status, ui.ToastPart(ui.Toast{Text: web.Sentence(late.Text), Problem: true}), "")
}

// restoredText says how many groupings came back, and how many were kept because
// they had been pushed again.
func restoredText(restored, kept int) string {
	text := views.CountGroupings(restored) + " restored"
	if restored == 0 {
		text = "Nothing restored"
	}
	switch {
	case kept == 0:
		return text + "."
	case restored == 0 && kept == 1:
		return text + ": it was pushed again."
	}
	return text + "; " + ui.CountOf(kept, "was", "were") + " pushed again and kept."
}

// undoneToast says what came of an undo in the place of what offered it.
func (h *Remover) undoneToast(c *fiber.Ctx, done store.Undone) error {
	t := ui.Toast{Text: restoredText(done.Restored, len(done.Kept))}
	if n := len(done.Conflicting); n > 0 {
		first := done.Conflicting[0]
		t.Problem = true
		t.Text += " Could not be restored: " + views.CountGroupings(n) + ", such as " + web.Shorten(first.Key.String(), web.MaxName) + ": " + web.Shorten(first.Err.Error(), web.MaxReason) + "."
	}
	c.Set("HX-Trigger", "changed")
	return h.web.Fragment(c, fiber.StatusOK, ui.ToastPart(t), "")
}
