package handlers

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/store"
	views "gatehouse/views/groupings"
)

// wipeRoutes are there only if everything may be deleted at once.
func (h *api) wipeRoutes() []route {
	if !h.EnableAdminAPI {
		return nil
	}
	return []route{
		{path: "/api/v1/admin/wipe", kind: kindJSON, on: map[string]endpoint{"PUT": {name: "wipe", needs: auth.Administer, do: h.wipe}}},
		{path: "/wipe", kind: kindPage, on: map[string]endpoint{
			"GET":  {name: "ui/wipe", needs: auth.Administer, do: h.askWipe},
			"POST": {name: "ui/wipe", needs: auth.Administer, do: h.wipeByForm},
		}},
	}
}

// wipe deletes everything.
func (h *api) wipe(c *fiber.Ctx) error {
	d, err := h.wipeAll(c)
	if err != nil {
		return err
	}
	c.Set(headerDeleted, strconv.Itoa(d.Groupings))
	return c.Status(fiber.StatusAccepted).Send(nil)
}

func (h *api) wipeAll(c *fiber.Ctx) (store.Deleted, error) {
	d, err := h.Store.Wipe(context.Background(), h.web.origin(c))
	if err == nil {
		h.Logger.Warn("All groupings were wiped", "groupings", d.Groupings, "by", guard.Principal(c).Name, "from", h.web.clientAddress(c))
	}
	return d, err
}

// wipeWord is what one types to delete everything.
const wipeWord = "wipe"

// askWipe asks before everything is deleted.
func (h *api) askWipe(c *fiber.Ctx) error { return h.wipePage(c, fiber.StatusOK, "", "") }

func (h *api) wipePage(c *fiber.Ctx, status int, typed, problem string) error {
	stats := h.Store.Picture().Stats()
	m := views.Wipe{
		Frame: h.web.frame(c, "Delete everything", "status"), Groupings: stats.Groupings, Families: stats.Families, Series: stats.Series,
		Word: wipeWord, Typed: typed, Problem: problem,
	}
	if h.UndoWindow > 0 {
		m.Undo = inWords(h.UndoWindow)
	}
	return h.web.page(c, status, views.WipePage(m))
}

// wipeByForm deletes everything, if it still is as much as was asked about, and
// if the word was typed that one doesn't type by mistake.
func (h *api) wipeByForm(c *fiber.Ctx) error {
	form, err := readForm(c)
	if err != nil {
		return err
	}
	expected, err := strconv.Atoi(form.Get("expect"))
	if err != nil || expected < 0 {
		return badRequest("expect must be the number of groupings that was seen")
	}
	typed := shorten(strings.TrimSpace(form.Get("confirm")), maxValue)
	switch {
	case !strings.EqualFold(typed, wipeWord):
		return h.wipePage(c, fiber.StatusUnprocessableEntity, typed, "Nothing was deleted: type “"+wipeWord+"” into the field to delete everything.")
	case expected != h.Store.Picture().Stats().Groupings:
		return h.wipePage(c, fiber.StatusConflict, "", "Nothing was deleted: the number of groupings has changed in the meantime. Look once more.")
	}
	d, err := h.wipeAll(c)
	switch {
	case err != nil:
		return err
	case d.Groupings == 0:
		return c.Redirect(h.PublicPrefix+"/", fiber.StatusSeeOther)
	}
	return c.Redirect(h.PublicPrefix+"/deleted/"+d.Operation, fiber.StatusSeeOther)
}
