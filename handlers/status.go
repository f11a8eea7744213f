package handlers

import (
	"bytes"
	_ "embed" // the API's description
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// index names the version and what there is to be found.
func (h *api) index(c *fiber.Ctx) error {
	lines := []string{"Gatehouse " + h.Build.Version, ""}
	for _, r := range h.everyRoute() {
		if r.Shown != "" {
			lines = append(lines, fmt.Sprintf("%-23s %s", r.Methods(), h.PublicPrefix+r.Shown))
		}
	}
	return c.SendString(strings.Join(append(lines, ""), "\n"))
}

type buildJSON struct {
	Branch    string `json:"branch"`
	Date      string `json:"buildDate"`
	User      string `json:"buildUser"`
	GoVersion string `json:"goVersion"`
	Revision  string `json:"revision"`
	Version   string `json:"version"`
}

// status tells how the server was built and started.
func (h *api) status(c *fiber.Ctx) error {
	b, flags := h.Build, make(map[string]string, len(h.Flags))
	for _, f := range h.flags(c) {
		flags[f.Name] = f.Value
	}
	return web.Succeed(c, fiber.Map{
		"build_information": buildJSON{b.Branch, b.Date, b.User, b.GoVersion, b.Revision, b.Version},
		"flags":             flags,
		"authentication":    h.Guard.Methods(),
		"clock":             clockOf(h.Store.Status().Clock),
		"start_time":        h.Started.UTC(),
	})
}

// clockJSON is how the clock is doing, see store.ClockStatus.
type clockJSON struct {
	Now    time.Time  `json:"now"`
	Behind float64    `json:"behind_seconds"`
	Held   *time.Time `json:"nothing_expires_until"`
	Set    float64    `json:"set_seconds"`
}

func clockOf(s store.ClockStatus) clockJSON {
	return clockJSON{s.Now.UTC().Truncate(time.Second), s.Behind.Seconds(), web.OptionalTime(s.Held), s.Set.Seconds()}
}

type healthJSON struct {
	Status    string      `json:"status"`
	Version   string      `json:"version"`
	Timestamp string      `json:"timestamp"`
	Storage   storageJSON `json:"storage"`
}

type storageJSON struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// health tells whether pushes can be committed, and why not.
func (h *api) health(c *fiber.Ctx) error {
	answer := healthJSON{"healthy", h.Build.Version, h.Store.Now().UTC().Format(time.RFC3339), storageJSON{Status: "ok"}}
	if s := h.Store.Status(); s.Err != nil || !s.Ready {
		c.Status(fiber.StatusServiceUnavailable)
		answer.Status, answer.Storage = "unhealthy", storageJSON{"error", storageReason(s)}
	}
	return c.JSON(answer)
}

// storageReason is a sentence for everybody; the cause is in the log.
func storageReason(s store.Status) string {
	switch {
	case errors.Is(s.Err, store.ErrBroken):
		return web.TextBroken
	case s.Err != nil:
		return web.TextUnavailable
	}
	return "the store is not loaded or is being closed"
}

// healthy says that the process serves.
func (h *api) healthy(c *fiber.Ctx) error { return c.SendString("OK") }

// ready says that a scrape would tell the truth. It does when nothing can be
// pushed for a while; but not when only a restart helps.
func (h *api) ready(c *fiber.Ctx) error {
	if s := h.Store.Status(); !s.Ready || errors.Is(s.Err, store.ErrBroken) {
		return web.NewError(fiber.StatusServiceUnavailable, storageReason(s))
	}
	return c.SendString("OK")
}

// quit ends the process gracefully, if that is allowed.
func (h *api) quit(c *fiber.Ctx) error {
	if !h.EnableLifecycle {
		return web.NewError(fiber.StatusForbidden, "the lifecycle API is not enabled (--web.enable-lifecycle)")
	}
	h.Logger.Info("The end of the process was asked for", "by", guard.Principal(c).Name, "from", h.web.ClientAddress(c))
	h.Quit()
	return c.SendString("Gatehouse is shutting down.")
}

//go:embed openapi.json
var openAPIDocument []byte

// openAPI describes the API to machines. Its server is relative to where it
// lies, so that no route prefix concerns it.
func (h *api) openAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(bytes.Replace(openAPIDocument, []byte(`"/metrics": {`), []byte(strconv.Quote(h.TelemetryPath)+": {"), 1))
}
