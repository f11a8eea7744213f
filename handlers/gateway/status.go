package gateway

import (
	"bytes"
	"cmp"
	_ "embed" // the API's description
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

type buildJSON struct {
	Branch    string `json:"branch"`
	Date      string `json:"buildDate"`
	User      string `json:"buildUser"`
	GoVersion string `json:"goVersion"`
	Revision  string `json:"revision"`
	Version   string `json:"version"`
}

// status serves how the server was built and started.
func (h *Handler) status(c *fiber.Ctx) error {
	b, flags := h.Build, make(map[string]string, len(h.Flags))
	for _, f := range h.FlagsFor(c) {
		flags[f.Name] = f.Value
	}
	return web.Succeed(c, fiber.Map{
		"build_information": buildJSON{b.Branch, b.Date, b.User, b.GoVersion, b.Revision, b.Version},
		"flags":             flags,
		"authentication":    h.web.Guard.Methods(),
		"clock":             clockOf(h.store.Status().Clock),
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
	Version   string      `json:"version,omitempty"` // for those who may read
	Timestamp string      `json:"timestamp"`
	Storage   storageJSON `json:"storage"`
}

type storageJSON struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Housekeeping is "failing" or not there.
	Housekeeping string `json:"housekeeping,omitempty"`
}

// health reports whether pushes can be committed, and why not. That housekeeping fails
// makes no server unhealthy: a restart or another replica would not help.
func (h *Handler) health(c *fiber.Ctx) error {
	answer := healthJSON{"healthy", "", h.store.Now().UTC().Format(time.RFC3339), storageJSON{Status: "ok"}}
	if h.web.Guard.MayRead(c) {
		answer.Version = h.Build.Version
	}
	s := h.store.Status()
	if s.Err != nil || !s.Ready {
		c.Status(fiber.StatusServiceUnavailable)
		answer.Status, answer.Storage = "unhealthy", storageJSON{Status: "error", Reason: StorageReason(s)}
	}
	if s.Housekeeping != nil {
		answer.Storage.Housekeeping = "failing"
	}
	return c.JSON(answer)
}

// StorageReason is a sentence for everybody; the cause is in the log.
func StorageReason(s store.Status) string {
	switch {
	case errors.Is(s.Err, store.ErrBroken):
		return web.TextBroken
	case s.Err != nil:
		return web.TextUnavailable
	}
	return "the store is not loaded or is being closed"
}

// healthy says that the process serves.
func (h *Handler) healthy(c *fiber.Ctx) error { return c.SendString("OK") }

// ready says that a scrape would be true. It does when nothing can be
// pushed for a while; but not when only a restart helps.
func (h *Handler) ready(c *fiber.Ctx) error {
	if s := h.store.Status(); !s.Ready || errors.Is(s.Err, store.ErrBroken) {
		return web.NewError(fiber.StatusServiceUnavailable, StorageReason(s))
	}
	return c.SendString("OK")
}

// quit ends the process gracefully, if that is allowed.
func (h *Handler) quit(c *fiber.Ctx) error {
	if !h.EnableLifecycle {
		return web.NewError(fiber.StatusForbidden, "the lifecycle API is not enabled (--web.enable-lifecycle)")
	}
	h.web.Logger.Info("The end of the process was asked for", "by", guard.Principal(c).Name, "from", h.web.ClientAddress(c))
	h.Quit()
	return c.SendString("Gatehouse is shutting down.")
}

// Description describes the API as OpenAPI, with the usual telemetry path.
//
//go:embed openapi.json
var Description []byte

// openAPI describes the API to machines. Its server is relative to where it
// lies, so that no route prefix concerns it.
func (h *Handler) openAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(bytes.Replace(Description, []byte(`"/metrics": {`), []byte(strconv.Quote(h.web.TelemetryPath)+": {"), 1))
}

// Build says what was built from what.
type Build struct{ Version, Revision, Branch, User, Date, GoVersion string }

// Flag is a flag of the program as the status shows it. It holds no secret.
type Flag struct {
	Name, Value string
	Default     string // the value when nothing is said
	// From is where the value comes from: CommandLine, or the name of a
	// variable of the environment; empty: it is the default.
	From string
	Help string
	// Place says that the value names a place on the server's disk, which only
	// admins see.
	Place bool
}

// CommandLine is where the value of a Flag may come from.
const CommandLine = "command line"

// forAdmins replaces a value that only admins see.
const forAdmins = "(for admins only)"

// FlagsFor returns those of the program as the caller may see them, sorted by
// name.
func (h *Handler) FlagsFor(c *fiber.Ctx) []Flag {
	shown := slices.SortedFunc(slices.Values(h.Flags), func(a, b Flag) int { return cmp.Compare(a.Name, b.Name) })
	if guard.Principal(c).Role.May(auth.Administer) {
		return shown
	}
	for i, f := range shown {
		if f.Value == "" || !f.Place {
			continue
		}
		shown[i].Value, shown[i].Default = forAdmins, ""
		if f.Value == f.Default {
			shown[i].Default = forAdmins
		}
	}
	return shown
}
