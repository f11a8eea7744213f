package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store/exposition"
)

// Arrival is the outcome of an import for a grouping of a Pushgateway's file.
type Arrival struct {
	Grouping string // a selector, made from whatever labels it has
	Families int    // that came with it
	Refused  []RefusedFamily
	LeftOut  error // why it is left out; nil: it came in
}

// RefusedFamily is a metric family that is left out of its grouping.
type RefusedFamily struct {
	Family string `json:"family"`
	Reason string `json:"reason"`
}

// maxImportBytes bounds a file that is imported by request. It takes several times
// the memory, so there is one at a time.
const maxImportBytes = 256 << 20

// ImportRoutes are there only where everything may be deleted at once, too.
func (h *Handler) ImportRoutes() []web.Route {
	if !h.EnableAdminAPI {
		return nil
	}
	return []web.Route{{
		Path: "/api/v1/admin/import",
		Kind: web.JSON,
		On:   map[string]web.Endpoint{"POST": {Name: "import", Needs: auth.Administer, Do: h.importFile, Query: []string{web.QueryDryRun}}},
	}}
}

// arrivalJSON is an Arrival as the API returns it.
type arrivalJSON struct {
	Grouping string          `json:"grouping"`
	Families int             `json:"families"`
	Imported bool            `json:"imported"`
	Reason   string          `json:"reason"`
	Refused  []RefusedFamily `json:"families_refused"`
}

// importFile takes in the groupings of a Pushgateway's file that are new here.
func (h *Handler) importFile(c *fiber.Ctx) error {
	dry, err := web.DryRun(c)
	if err != nil {
		return err
	}
	if !h.importing.TryLock() {
		return web.ErrImporting
	}
	defer h.importing.Unlock()
	var content []byte
	if stream := c.Context().RequestBodyStream(); stream != nil {
		content, err = exposition.ReadBody(stream, web.Coding(c), maxImportBytes, nil)
	}
	if errors.Is(err, exposition.ErrTooLarge) {
		return web.NewError(fiber.StatusRequestEntityTooLarge, fmt.Sprintf("the file is larger than %d MiB", maxImportBytes>>20))
	}
	if err != nil {
		return err
	}
	// Not the request's context: what has begun goes on though its client has left.
	arrivals, err := h.Import(context.Background(), content, dry, h.web.Origin(c))
	if err != nil {
		return err
	}
	list, imported := make([]arrivalJSON, len(arrivals)), 0
	for i, a := range arrivals {
		list[i] = arrivalJSON{Grouping: a.Grouping, Families: a.Families, Imported: a.LeftOut == nil, Refused: a.Refused}
		if list[i].Refused == nil {
			list[i].Refused = []RefusedFamily{}
		}
		if a.LeftOut == nil {
			imported++
		} else {
			list[i].Reason = a.LeftOut.Error()
		}
	}
	if !dry {
		h.web.Logger.Warn("A persistence file was imported by request", "groupings", imported, "left_out", len(arrivals)-imported,
			"by", guard.Principal(c).Name, "from", h.web.ClientAddress(c))
	}
	return web.Succeed(c, fiber.Map{"dry_run": dry, "imported": imported, "left_out": len(arrivals) - imported, "groupings": list})
}
