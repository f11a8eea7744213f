package web

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"gatehouse/views/ui"
)

// SettingsCookie holds what a person prefers, as a query. Scripts of the pages
// read and write it too, so it holds nothing that matters.
const SettingsCookie = "gatehouse-settings"

// settingsLocal is where a request keeps its settings once they are read.
type settingsLocal struct{}

// ReadSettings returns what a person prefers. The cookie is read once a request.
func ReadSettings(c *fiber.Ctx) ui.Settings {
	if s, ok := c.Locals(settingsLocal{}).(ui.Settings); ok {
		return s
	}
	s := decodeSettings(c.Cookies(SettingsCookie))
	c.Locals(settingsLocal{}, s)
	return s
}

// decodeSettings takes what makes sense in the value of the cookie.
func decodeSettings(cookie string) ui.Settings {
	raw, err := url.QueryUnescape(cookie)
	if err != nil || len(raw) > MaxQuery {
		return ui.Settings{}
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return ui.Settings{}
	}
	return ParseSettings(q)
}

// ParseSettings takes what makes sense. What is usual is not set.
func ParseSettings(q url.Values) ui.Settings {
	oneOf := func(name string, allowed ...string) string {
		if v := q.Get(name); slices.Contains(allowed, v) {
			return v
		}
		return ""
	}
	s := ui.Settings{
		Theme: oneOf("theme", "light", "dark"), Time: oneOf("time", "utc", "local"),
		Compact: q.Get("density") == "compact", Still: q.Get("live") == "off", Keyless: q.Get("keys") == "off",
		Language: oneOf("language", ExampleLanguages[1:]...),
	}
	if n, err := strconv.Atoi(q.Get("rows")); err == nil && n != DefaultPage && slices.Contains(PageSizes, n) {
		s.Rows = n
	}
	return s
}

// EncodeSettings makes the value of the cookie; "": all is as usual.
func EncodeSettings(s ui.Settings) string {
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

// ExampleLanguages are those in which the documentation has examples. The first
// one is meant when nothing is said.
var ExampleLanguages = []string{"curl", "go", "python", "java", "javascript", "powershell"}

// DefaultPage is how many rows a page has when nothing is said.
const DefaultPage = 100

// PageSizes are how many rows a page of the list may have; the first one is
// meant when nothing is said.
var PageSizes = []int{DefaultPage, 50, 200}
