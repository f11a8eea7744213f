package statuspage

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	views "gatehouse/views/statuspage"
)

// flagTable shows the flags in which all words of a search are found.
func (h *Handler) flagTable(c *fiber.Ctx) (views.FlagTable, error) {
	t := views.FlagTable{Search: strings.TrimSpace(c.Query("q"))}
	wanted, err := web.Words(t.Search)
	if err != nil {
		return t, err
	}
	for _, f := range h.gateway.FlagsFor(c) {
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
