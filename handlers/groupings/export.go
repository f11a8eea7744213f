package groupings

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// lossless is text in which every name is as it was pushed.
const lossless = "text/plain;version=1.0.0;escaping=allow-utf-8"

// export lets people download the groupings that they have chosen or that a
// view shows: what they hold as text, how they are doing as JSON or CSV, or
// their selectors.
func (h *Handler) export(c *fiber.Ctx) error {
	now := h.store.Now()
	s, err := readSelection(guard.Query(c), maxLinkedIDs, now)
	if err != nil {
		return err
	}
	p := h.store.Snapshot()
	found, _ := h.selected(p, &s)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	switch c.Query("format", "text") {
	case "text":
		s := h.gateway.NewScrape(c, p, slices.Values(found))
		s.Format = exposition.Negotiate(lossless)
		web.Download(c, "groupings.txt", s.Format.ContentType())
		return h.gateway.Stream(c, s)
	case "json":
		web.Download(c, "groupings.json", fiber.MIMEApplicationJSON)
		return web.StreamCoded(c, func(w io.Writer) error { return h.writeJSON(w, found, now) })
	case "csv":
		web.Download(c, "groupings.csv", "text/csv; charset=utf-8")
		return web.StreamCoded(c, func(w io.Writer) error { return h.writeCSV(w, found, now) })
	case "selectors":
		web.Download(c, "selectors.txt", fiber.MIMETextPlainCharsetUTF8)
		return web.StreamCoded(c, func(w io.Writer) error { return writeSelectors(w, found) })
	}
	return web.BadRequest("format must be text, json, csv or selectors")
}

// writeJSON writes an array of groupings as the JSON API has them.
func (h *Handler) writeJSON(w io.Writer, groups []*store.Grouping, now time.Time) error {
	before := "["
	for _, g := range groups {
		line, err := json.Marshal(h.groupingJSON(g, now))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, before+"\n"+string(line)); err != nil {
			return err
		}
		before = ","
	}
	_, err := io.WriteString(w, strings.TrimPrefix(before, ",")+"\n]\n")
	return err
}

var csvHead = []string{
	"grouping", "state", "last_push_time", "last_push_by", "last_push_via", "last_push_from", "last_failure_time", "last_failure",
	"families", "series", "bytes", "expires_at",
}

// writeCSV writes a line per grouping.
func (h *Handler) writeCSV(w io.Writer, groups []*store.Grouping, now time.Time) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHead); err != nil {
		return err
	}
	for _, g := range groups {
		err := out.Write([]string{
			g.Key.String(), h.State(g, now), web.Moment(g.Pushed), web.Cell(g.Origin.By), g.Origin.Via, web.Cell(g.Origin.From), web.Moment(g.Failed), web.Cell(g.Failure),
			strconv.Itoa(g.FamilyCount()), strconv.Itoa(g.Series), strconv.Itoa(g.Bytes), web.Moment(g.Expires),
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeSelectors writes a line per grouping that selects it.
func writeSelectors(w io.Writer, groups []*store.Grouping) error {
	for _, g := range groups {
		if _, err := io.WriteString(w, g.Key.String()+"\n"); err != nil {
			return err
		}
	}
	return nil
}
