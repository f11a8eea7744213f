package handlers

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/views"
)

// settingsCookie holds what a person prefers, as a query. Scripts of the pages
// read and write it too, so it holds nothing that matters.
const settingsCookie = "gatehouse-settings"

// settingsAge is how many seconds browsers keep the cookie.
const settingsAge = 365 * 24 * 60 * 60

func (h *api) settingsRoutes() []route {
	return []route{{path: "/settings", kind: kindPage, on: map[string]endpoint{
		"GET":  {name: "ui/settings", needs: auth.Read, do: h.showSettings},
		"POST": {name: "ui/settings", needs: auth.Read, do: h.saveSettings},
	}}}
}

// readSettings reads what a person prefers.
func readSettings(c *fiber.Ctx) views.Settings { return decodeSettings(c.Cookies(settingsCookie)) }

// decodeSettings takes what makes sense in the value of the cookie.
func decodeSettings(cookie string) views.Settings {
	raw, err := url.QueryUnescape(cookie)
	if err != nil || len(raw) > maxQuery {
		return views.Settings{}
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return views.Settings{}
	}
	return parseSettings(q)
}

// parseSettings takes what makes sense. What is usual is not set.
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
		Language: oneOf("language", exampleLanguages[1:]...),
	}
	if n, err := strconv.Atoi(q.Get("rows")); err == nil && n != defaultPage && slices.Contains(pageSizes, n) {
		s.Rows = n
	}
	return s
}

// encodeSettings makes the value of the cookie; "": all is as usual.
func encodeSettings(s views.Settings) string {
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

// settingsFields are what can be chosen, with what is chosen.
func settingsFields(s views.Settings) []views.Field {
	field := func(name, label, help, chosen string, options ...string) views.Field {
		f := views.Field{Name: name, Label: label, Help: help}
		for i := 0; i < len(options); i += 2 {
			f.Options = append(f.Options, views.Option{
				Value: options[i], Label: options[i+1], Chosen: options[i] == chosen || chosen == "" && i == 0,
			})
		}
		return f
	}
	when := func(is bool, value string) string {
		if is {
			return value
		}
		return ""
	}
	rows := strconv.Itoa(cmp.Or(s.Rows, defaultPage))
	return []views.Field{
		field("theme", "Theme", "", s.Theme, "system", "as the system", "light", "light", "dark", "dark"),
		field("time", "Times", "The browser's time zone needs JavaScript; without it UTC is shown.", s.Time,
			"ago", "how long ago", "utc", "UTC", "local", "in this browser's time zone"),
		field("density", "Height of rows", "", when(s.Compact, "compact"), "roomy", "roomy", "compact", "compact"),
		field("rows", "Rows on a page", "", rows, "50", "50", "100", "100", "200", "200"),
		field("live", "Live updates", "Pages follow what is pushed and deleted by themselves.", when(s.Still, "off"), "on", "on", "off", "off"),
		field("keys", "Shortcuts on single keys", "The key ? lists them.", when(s.Keyless, "off"), "on", "on", "off", "off"),
		field("language", "Language of examples", "", s.Language,
			"curl", "curl", "go", "Go", "python", "Python", "java", "Java", "javascript", "JavaScript", "powershell", "PowerShell"),
	}
}

// showSettings shows what a person prefers.
func (h *api) showSettings(c *fiber.Ctx) error {
	f := h.frame(c, "Settings", "settings")
	m := views.SettingsForm{
		Frame: f, Saved: c.Query("saved") != "", Fields: settingsFields(f.Settings),
		StaleAfter: views.Span(h.StaleAfter), OldAfter: views.Span(h.OldAfter),
	}
	return h.page(c, fiber.StatusOK, views.SettingsPage(m))
}

// saveSettings keeps what a person prefers in the browser.
func (h *api) saveSettings(c *fiber.Ctx) error {
	form, err := readForm(c)
	if err != nil {
		return err
	}
	c.Cookie(&fiber.Cookie{
		Name: settingsCookie, Value: encodeSettings(parseSettings(form)), Path: h.PublicPrefix + "/", MaxAge: settingsAge,
		Secure: h.Guard.Cookie.Secure || c.Context().IsTLS(), SameSite: fiber.CookieSameSiteLaxMode,
	})
	return c.Redirect(h.PublicPrefix+"/settings?saved=1", fiber.StatusSeeOther)
}
