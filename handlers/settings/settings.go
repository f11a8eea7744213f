package settings

import (
	"cmp"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/handlers/web"
	views "gatehouse/views/settings"
	"gatehouse/views/ui"
)

// cookieAge is how many seconds browsers keep the cookie.
const cookieAge = 365 * 24 * 60 * 60

// Routes returns the route of the settings.
func (h *Handler) Routes() []web.Route {
	return []web.Route{{Path: "/settings", Kind: web.Page, On: map[string]web.Endpoint{
		"GET":  {Name: "ui/settings", Needs: auth.Read, Do: h.showSettings},
		"POST": {Name: "ui/settings", Needs: auth.Read, Do: h.saveSettings},
	}}}
}

// fields returns the choices, with the chosen ones marked.
func fields(s ui.Settings) []views.Field {
	field := func(name, label, help, chosen string, options ...string) views.Field {
		f := views.Field{Name: name, Label: label, Help: help}
		for i := 0; i < len(options); i += 2 {
			f.Options = append(f.Options, ui.Option{
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
	rows := strconv.Itoa(cmp.Or(s.Rows, web.DefaultPage))
	return []views.Field{
		field("theme", "Theme", "", s.Theme, "system", "system", "light", "light", "dark", "dark"),
		field("time", "Times", "The browser's time zone needs JavaScript; without it, times are in UTC.", s.Time,
			"ago", "relative", "utc", "UTC", "local", "browser's time zone"),
		field("density", "Row height", "", when(s.Compact, "compact"), "roomy", "roomy", "compact", "compact"),
		field("rows", "Rows per page", "", rows, "50", "50", "100", "100", "200", "200"),
		field("live", "Live updates", "Pages update when something is pushed or deleted.", when(s.Still, "off"), "on", "on", "off", "off"),
		field("keys", "Keyboard shortcuts", "Press ? to list them.", when(s.Keyless, "off"), "on", "on", "off", "off"),
		field("language", "Example language", "", s.Language,
			"curl", "curl", "go", "Go", "python", "Python", "java", "Java", "javascript", "JavaScript", "powershell", "PowerShell"),
	}
}

// showSettings shows what a person prefers.
func (h *Handler) showSettings(c *fiber.Ctx) error {
	f := h.web.Frame(c, "Settings", "settings")
	m := views.Form{
		Frame: f, Saved: c.Query("saved") != "", Fields: fields(f.Settings),
		StaleAfter: ui.Span(h.ages.StaleAfter), OldAfter: ui.Span(h.ages.OldAfter),
	}
	return h.web.Page(c, fiber.StatusOK, views.Page(m))
}

// saveSettings keeps what a person prefers in the browser.
func (h *Handler) saveSettings(c *fiber.Ctx) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	c.Cookie(&fiber.Cookie{
		Name: web.SettingsCookie, Value: web.EncodeSettings(web.ParseSettings(form)), Path: h.web.PublicPrefix + "/", MaxAge: cookieAge,
		Secure: h.web.Guard.Cookie.Secure || c.Context().IsTLS(), SameSite: fiber.CookieSameSiteLaxMode,
	})
	return c.Redirect(h.web.PublicPrefix+"/settings?saved=1", fiber.StatusSeeOther)
}
