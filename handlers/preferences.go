package handlers

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"gatehouse/views/ui"
)

// settingsCookie holds what a person prefers, as a query. Scripts of the pages
// read and write it too, so it holds nothing that matters.
const settingsCookie = "gatehouse-settings"

// readSettings reads what a person prefers.
func readSettings(c *fiber.Ctx) ui.Settings { return decodeSettings(c.Cookies(settingsCookie)) }

// decodeSettings takes what makes sense in the value of the cookie.
func decodeSettings(cookie string) ui.Settings {
	raw, err := url.QueryUnescape(cookie)
	if err != nil || len(raw) > maxQuery {
		return ui.Settings{}
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return ui.Settings{}
	}
	return parseSettings(q)
}

// parseSettings takes what makes sense. What is usual is not set.
func parseSettings(q url.Values) ui.Settings {
	oneOf := func(name string, allowed ...string) string {
		if v := q.Get(name); slices.Contains(allowed, v) {
			return v
		}
		return ""
	}
	s := ui.Settings{
		Theme: oneOf("theme", "light", "dark"), Time: oneOf("time", "utc", "local"),
		Compact: q.Get("density") == "compact", Still: q.Get("live") == "off", Keyless: q.Get("keys") == "off",
		Language: oneOf("language", exampleLanguages[1:]...),
	}
	if n, err := strconv.Atoi(q.Get("rows")); err == nil && n != defaultPage && slices.Contains(pageSizes, n) {
		s.Rows = n
	}
	return s
}

// encodeSettings makes the value of the cookie; "": all is as usual.
func encodeSettings(s ui.Settings) string {
	q := url.Values{}
	set := func(on bool, name, value string) {
		if on {
			q.Set(name, value)
		}
	}
	set(s.Theme != "", "theme", s.Theme)
	set(s.Time != "", "time", s.Time)
	set(s.Compact, "density", "compact")
	set(s.Rows != 0, "rows", strconv.Itoa(s.Rows))
	set(s.Still, "live", "off")
	set(s.Keyless, "keys", "off")
	set(s.Language != "", "language", s.Language)
	return url.QueryEscape(q.Encode())
}

// exampleLanguages are those in which the documentation has examples. The first
// one is meant when nothing is said.
var exampleLanguages = []string{"curl", "go", "python", "java", "javascript", "powershell"}

// defaultPage is how many rows a page has when nothing is said.
const defaultPage = 100

// pageSizes are how many rows a page of the list may have; the first one is
// meant when nothing is said.
var pageSizes = []int{defaultPage, 50, 200}
