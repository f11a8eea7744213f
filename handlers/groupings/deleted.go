package groupings

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
)

// noGrouping answers in the place of a grouping that is not there: what has
// become of it, as far as that is known.
func (h *Handler) noGrouping(c *fiber.Ctx) error {
	part := web.FragmentOf(c)
	if !h.web.WantsPage(c) || part != "" && part != "grouping" {
		return web.NewError(fiber.StatusNotFound, "there is no such grouping")
	}
	if gone, ok := h.store.Snapshot().DeletedByDigest(c.Params("id")); ok {
		return h.deletedPage(c, gone)
	}
	return h.web.Page(c, fiber.StatusNotFound, views.NoGroupingPage(h.web.Frame(c, "No such grouping", "groupings")))
}

// deletedPage says who deleted a grouping, and offers to undo that to those who
// may.
func (h *Handler) deletedPage(c *fiber.Ctx, gone store.DeletedGrouping) error {
	e := store.Entry{Kind: store.EntryExpiry, Operation: gone.Operation}
	recorded := false
	if gone.Operation != "" {
		found, ok, err := h.store.Entry(context.Background(), gone.Operation)
		if err != nil {
			return err
		}
		if recorded = ok; ok {
			e = found
		} else {
			e.Kind = store.EntryDelete // no longer on record
		}
	}
	f := h.web.Frame(c, gone.Key.String(), "groupings")
	f.Live = "grouping"
	m := views.Deleted{Frame: f, Kind: string(e.Kind), At: gone.At, By: web.Client(e.Origin), Count: e.Count}
	for _, l := range inReadingOrder(gone.Key.Labels()) {
		m.Labels = append(m.Labels, views.Label{Name: web.Shorten(l.Name, web.MaxSubject), Value: web.Shorten(l.Value, web.MaxSubject)})
	}
	if recorded && mayTakeBack(guard.Principal(c), e) {
		m.List = f.Path("/deleted/" + e.Operation)
		if until, ok := h.store.Undoable(e.Operation); ok {
			m.Undo, m.Until = f.Path("/undo/"+e.Operation), until
		}
	}
	return h.web.Page(c, fiber.StatusNotFound, views.DeletedPage(m))
}

// mayTakeBack reports whether the principal may undo an operation: an admin
// each of them, a pusher their own.
func mayTakeBack(p auth.Principal, e store.Entry) bool {
	own := e.Origin.ID != "" && e.Origin.ID == p.ID
	return p.Role.May(auth.Administer) || own && p.Role.May(auth.Amend)
}
