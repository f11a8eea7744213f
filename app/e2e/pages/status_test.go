package pages

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"gatehouse/app/e2e/harness"
)

func TestStatusAndSettingsAreAccessible(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil, "--web.enable-admin-api", "--limits.groupings=1000", "--web.trusted-proxies="+strings.Repeat("10.0.0.1,", 40))
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	for _, path := range []string{"/status", "/status?q=changed", "/status?q=nothing-like-that", "/settings", "/settings?saved=1", "/wipe"} {
		b.LooksRight(s.URL+path, axe)
	}
}

// chosen is a script that saves settings by the form on their page.
func chosen(settings ...string) string {
	var script strings.Builder
	for i := 0; i < len(settings); i += 2 {
		script.WriteString(`document.querySelector("input[name=` + settings[i] + `][value=` + settings[i+1] + `]").click();`)
	}
	return script.String() + `document.querySelector("main form button").click(); "sent"`
}

func TestSettingsChangeHowPagesLook(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	_, err := chromedp.Call(b.Ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	harness.Must(t, err)
	b.Looks(1280, "light")
	const (
		height = `String(document.querySelector("tbody tr").offsetHeight)`
		colour = `getComputedStyle(document.documentElement).backgroundColor`
		moment = `(time => time.textContent + "|" + time.title)(document.querySelector("tbody td time"))`
	)
	b.Open(s.URL + "/")
	roomy, light := b.Run(height), b.Run(colour)
	if text := b.Run(moment); !strings.Contains(text, " ago|20") && !strings.HasPrefix(text, "now|20") {
		t.Errorf("at first a moment is %q", text)
	}

	b.Open(s.URL + "/settings")
	b.Run(chosen("theme", "dark", "density", "compact", "time", "utc"))
	b.Arrives(s.URL + "/settings?saved=1")
	b.Open(s.URL + "/")
	if compact, dark := b.Run(height), b.Run(colour); compact == roomy || dark == light {
		t.Errorf("rows of %s px instead of %s, colour %s instead of %s", compact, roomy, dark, light)
	}
	inUTC := b.Run(moment)
	if text, title, _ := strings.Cut(inUTC, "|"); len(text) != len("2006-01-02 15:04:05") || !strings.Contains(title, " ago") && title != "now" {
		t.Errorf("in UTC a moment is %q", inUTC)
	}

	b.Open(s.URL + "/settings")
	b.Run(chosen("theme", "system", "time", "local"))
	b.Arrives(s.URL + "/settings?saved=1")
	b.Open(s.URL + "/")
	want := b.Run(`new Date(document.querySelector("tbody td time").dateTime).toLocaleString("sv-SE", {timeZone: "Asia/Tokyo"})`)
	text, title, _ := strings.Cut(b.Run(moment), "|")
	if text != want || !strings.HasPrefix(title, "Asia/Tokyo, 20") || !strings.HasSuffix(title, " UTC") {
		t.Errorf("in the browser's zone a moment is %q with title %q, want %q", text, title, want)
	}
	if again := b.Run(colour); again != light {
		t.Errorf("the colour is %s again, want %s", again, light)
	}
	// What htmx brings is in the browser's time zone too.
	b.Run(`const q = document.getElementById("q"); q.value = "backup"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	harness.Until(t, "one row in the browser's time zone", func() string {
		return strings.TrimPrefix(b.Reads(`[...document.querySelectorAll("tbody td time")].map(time => /^\d.{18}$/.test(time.textContent)).join(" ")`), "true")
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestFlagsAreFoundWhileTyping(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil, "--ui.stale-after=2h")
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/status")
	b.Run(`const q = document.getElementById("flag-search"); q.value = "stale"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	harness.Until(t, "one flag", func() string {
		return strings.TrimPrefix(b.Reads(`[...document.querySelectorAll("#flags tbody code")].map(c => c.textContent).join(" ")`), "--ui.stale-after")
	})
	if text := b.Run(`document.querySelector("#flags tbody").innerText`); !strings.Contains(text, "2h") || !strings.Contains(text, "changed") {
		t.Errorf("shows %q", text)
	}
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
