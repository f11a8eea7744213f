package handlers

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"gatehouse/views"
)

// settingsCookie holds what a person prefers, as a query. Scripts of the pages
// read and write it too, so it holds nothing that matters.
const settingsCookie = "gatehouse-settings"

// readSettings reads what a person prefers; what makes no sense is left out.
func readSettings(c *fiber.Ctx) views.Settings {
	raw, err := url.QueryUnescape(c.Cookies(settingsCookie))
	if err != nil || len(raw) > maxQuery {
		return views.Settings{}
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return views.Settings{}
	}
	return parseSettings(q)
}

// parseSettings takes what makes sense.
func parseSettings(q url.Values) views.Settings {
	oneOf := func(name string, allowed ...string) string {
		if v := q.Get(name); slices.Contains(allowed, v) {
			return v
		}
		return ""
	}
	s := views.Settings{
		Theme: oneOf("theme", "light", "dark"), Time: oneOf("time", "utc", "local"),
		Compact: q.Get("density") == "compact", Still: q.Get("live") == "off", Keyless: q.Get("keys") == "off",
		Language: oneOf("language", exampleLanguages...),
	}
	if n, err := strconv.Atoi(q.Get("rows")); err == nil && slices.Contains(pageSizes, n) {
		s.Rows = n
	}
	return s
}

// exampleLanguages are those in which the documentation has examples.
var exampleLanguages = []string{"curl", "go", "python", "java", "javascript", "powershell"}
