package activity

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
)

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
