package handlers

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	views "gatehouse/views/statuspage"
)

// Flag is a flag of the program as the status shows it. It holds no secret.
type Flag struct {
	Name, Value string
	Default     string // the value when nothing is said
	// From is where the value comes from: CommandLine, or the name of a
	// variable of the environment; empty: it is the default.
	From string
	Help string
}

// CommandLine is where the value of a Flag may come from.
const CommandLine = "command line"

// placeFlags name places on the server's disk, which only admins are told.
var placeFlags = []string{"oidc.ca-file", "persistence.file", "storage.path", "web.config.file"}

// forAdmins stands where others don't get to see a value.
const forAdmins = "(for admins only)"

// flags are those of the program as whoever asks may see them, sorted by name.
func (h *api) flags(c *fiber.Ctx) []Flag {
	shown := slices.SortedFunc(slices.Values(h.Flags), func(a, b Flag) int { return cmp.Compare(a.Name, b.Name) })
	if guard.Principal(c).Role.May(auth.Administer) {
		return shown
	}
	for i, f := range shown {
		if f.Value == "" || !slices.Contains(placeFlags, f.Name) {
			continue
		}
		shown[i].Value, shown[i].Default = forAdmins, ""
		if f.Value == f.Default {
			shown[i].Default = forAdmins
		}
	}
	return shown
}

// flagTable shows the flags in which all words of a search are found.
func (h *api) flagTable(c *fiber.Ctx) (views.FlagTable, error) {
	t := views.FlagTable{Search: strings.TrimSpace(c.Query("q"))}
	wanted, err := web.Words(t.Search)
	if err != nil {
		return t, err
	}
	for _, f := range h.flags(c) {
		t.Total++
		text := strings.ToLower(strings.Join([]string{"--" + f.Name, f.Value, f.From, f.Help}, " "))
		changed := f.Value != f.Default
		if changed {
			text += " changed"
		}
		if slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(text, word) }) {
			continue
		}
		t.Flags = append(t.Flags, views.Flag{
			Name: f.Name, Value: f.Value, Default: f.Default, From: f.From, Help: f.Help, Changed: changed,
		})
	}
	return t, nil
}
