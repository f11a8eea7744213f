package groupings

import (
	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	views "gatehouse/views/groupings"
)

func (h *Handler) menuRoutes() []web.Route {
	return []web.Route{web.Get(web.Page, "/groupings/:id/menu", web.Endpoint{Name: "ui/menu", Needs: auth.Read, Do: h.menu})}
}

// menu serves what can be done with a grouping of the list, once somebody asks:
// in each row it would make the page twice as large.
func (h *Handler) menu(c *fiber.Ctx) error {
	g, ok := h.store.Snapshot().ByDigest(c.Params("id"))
	if !ok {
		return h.nothingToRemove(c)
	}
	f := h.web.Frame(c, "", "")
	m := views.Menu{Frame: f, ID: g.Key.Digest()}
	if !web.IsPartial(c) {
		return c.Redirect(f.Path("/groupings/"+m.ID), fiber.StatusSeeOther)
	}
	for _, copied := range h.copies(c, f, g) {
		if copied.Quick {
			m.Copies = append(m.Copies, copied)
		}
	}
	return h.web.Fragment(c, fiber.StatusOK, views.GroupingMenu(m), "")
}
