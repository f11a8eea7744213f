package groupings

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
)

// WipeRoutes returns the routes on which everything is deleted at once; none without
// the admin API.
func (h *Remover) WipeRoutes() []web.Route {
	if !h.enableAdminAPI {
		return nil
	}
	return []web.Route{
		{Path: "/api/v1/admin/wipe", Kind: web.JSON, On: map[string]web.Endpoint{"PUT": {Name: "wipe", Needs: auth.Administer, Do: h.wipe}}},
		{Path: "/wipe", Kind: web.Page, On: map[string]web.Endpoint{
			"GET":  {Name: "ui/wipe", Needs: auth.Administer, Do: h.askWipe},
			"POST": {Name: "ui/wipe", Needs: auth.Administer, Do: h.wipeByForm},
		}},
	}
}

// wipe deletes everything.
func (h *Remover) wipe(c *fiber.Ctx) error {
	d, err := h.wipeAll(c)
	if err != nil {
		return err
	}
	c.Set(gateway.HeaderDeleted, strconv.Itoa(d.Groupings))
	return c.Status(fiber.StatusAccepted).Send(nil)
}

func (h *Remover) wipeAll(c *fiber.Ctx) (store.Deleted, error) {
	d, err := h.store.Wipe(context.Background(), h.web.Origin(c))
	if err == nil {
		h.web.Logger.Warn("All groupings were wiped", "groupings", d.Groupings, "by", guard.Principal(c).Name, "from", h.web.ClientAddress(c))
	}
	return d, err
}

// wipeWord has to be typed to delete everything.
const wipeWord = "wipe"

// askWipe asks before everything is deleted.
func (h *Remover) askWipe(c *fiber.Ctx) error { return h.wipePage(c, fiber.StatusOK, "", "") }

func (h *Remover) wipePage(c *fiber.Ctx, status int, typed, problem string) error {
	stats := h.store.Snapshot().Stats()
	m := views.Wipe{
		Frame: h.web.Frame(c, "Delete everything", "status"), Groupings: stats.Groupings, Families: stats.Families, Series: stats.Series,
		Word: wipeWord, Typed: typed, Problem: problem,
	}
	if h.undoWindow > 0 {
		m.Undo = web.InWords(h.undoWindow)
	}
	return h.web.Page(c, status, views.WipePage(m))
}

// wipeByForm deletes everything, if it still is as much as was asked about, and
// if the word was typed that one doesn't type by mistake.
func (h *Remover) wipeByForm(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	expected, err := strconv.Atoi(form.Get("expect"))
	if err != nil || expected < 0 {
		return web.BadRequest("expect must be the number of groupings that was seen")
	}
	typed := web.Shorten(strings.TrimSpace(form.Get("confirm")), web.MaxValue)
	switch {
	case !strings.EqualFold(typed, wipeWord):
		return h.wipePage(c, fiber.StatusUnprocessableEntity, typed, "Nothing was deleted: type “"+wipeWord+"” into the field to delete everything.")
	case expected != h.store.Snapshot().Stats().Groupings:
		return h.wipePage(c, fiber.StatusConflict, "", "Nothing was deleted: the number of groupings has changed in the meantime. Check it again.")
	}
	d, err := h.wipeAll(c)
	switch {
	case err != nil:
		return err
	case d.Groupings == 0:
		return c.Redirect(h.web.PublicPrefix+"/", fiber.StatusSeeOther)
	}
	return c.Redirect(h.web.PublicPrefix+"/deleted/"+d.Operation, fiber.StatusSeeOther)
}
