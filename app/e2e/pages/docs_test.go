package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"gatehouse/app/e2e/harness"
)

func TestTheDocumentationIsAccessible(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.Start(t)
	b := harness.StartBrowser(t).Strictly()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.Looks(look.width, look.scheme)
		for _, path := range []string{"/docs/quick-start", "/docs/interface", "/docs/troubleshooting", "/docs/oidc", "/docs/oidc-providers", "/docs/pushing"} {
			b.Open(s.URL + path)
			if path == "/docs/pushing" {
				runsExample(b, "refused", "400 Bad Request")
				runsExample(b, "replace", "200 OK")
			}
			if flaws := b.Flaws(axe); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", path, look.width, look.scheme, flaws)
			}
		}
	}
}

// runsExample presses the button of an example and waits for the result below.
func runsExample(b *harness.Tab, name, want string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`document.querySelector("form[action$='/docs/run/%s'] button").click(); "clicked"`, name))
	harness.Until(b.T, name+" to be run", func() string {
		text := b.Reads(fmt.Sprintf(`document.getElementById("run-%s").innerText`, name))
		if strings.Contains(text, want) {
			return ""
		}
		return fmt.Sprintf("%q", text)
	})
}

func TestAReaderChoosesALanguageByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b := harness.StartBrowser(t).Strictly()
	b.Looks(1280, "light")
	b.Open(s.URL + "/docs/pushing")
	const shown = `[...document.querySelectorAll("figure")].filter(f => f.checkVisibility()).map(f => f.dataset.language).join()`
	if got := b.Run(shown); got != "curl,curl,curl" {
		t.Errorf("shown at first is %q", got)
	}
	focus := func() string { return b.Run(`document.activeElement.id`) }
	b.Run(`document.querySelector("[role=tab][aria-selected=true]").focus(); ""`)
	for _, step := range []struct{ key, at, shown string }{
		{kb.ArrowRight, "example-1-go-tab", "go,go,go"},
		{kb.End, "example-1-powershell-tab", "powershell,powershell,powershell"},
		{kb.ArrowRight, "example-1-curl-tab", "curl,curl,curl"},
		{kb.ArrowLeft, "example-1-powershell-tab", "powershell,powershell,powershell"},
		{kb.Home, "example-1-curl-tab", "curl,curl,curl"},
		{kb.ArrowRight, "example-1-go-tab", "go,go,go"},
	} {
		b.Press(step.key)
		if at, got := focus(), b.Run(shown); at != step.at || got != step.shown {
			t.Errorf("%q leads to %s and shows %s, want %s and %s", step.key, at, got, step.at, step.shown)
		}
	}
	if names := b.Run(`[...document.querySelectorAll("[role=tabpanel]")].map(p => document.getElementById(p.getAttribute("aria-labelledby"))?.textContent ?? "nothing").join()`); strings.Contains(names, "nothing") {
		t.Errorf("panels are called %q", names)
	}
	b.Open(s.URL + "/docs/quick-start")
	if got := b.Run(shown); got != "go" {
		t.Errorf("another page shows %q", got)
	}
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
