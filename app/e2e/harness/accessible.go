package harness

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// IsAccessible checks the page in its present state, wide and narrow, light and
// dark.
func (b *Tab) IsAccessible(axe, state string) {
	b.T.Helper()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.Looks(look.width, look.scheme)
		// So high that what sticks to the window covers no row by half.
		_, err := chromedp.Call(b.Ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: look.width, Height: 2000, DeviceScaleFactor: 1})
		Must(b.T, err)
		if flaws := b.Flaws(axe); flaws != "" {
			b.T.Errorf("%s, %d px:\n%s", state, look.width, flaws)
		}
	}
	b.Looks(1280, "light")
}

// Flaws returns what is wrong with the page that is open, a line each.
func (b *Tab) Flaws(axe string) string {
	b.T.Helper()
	return b.Run(axe + `;
		axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(({violations}) => [
			...violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200))),
			...window.complaints,
			...(document.documentElement.scrollWidth > innerWidth ? ["scrolls sideways: " + document.documentElement.scrollWidth] : []),
		].join("\n"))`)
}

// AxeSource returns the script that finds what keeps people out.
func AxeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(Root, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		Missing(t, "axe-core is not installed (npm ci installs it)")
	}
	return string(source)
}

// LooksRight opens a page in several sizes and colours and reports its flaws.
func (b *Tab) LooksRight(url, axe string) {
	b.T.Helper()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.Looks(look.width, look.scheme)
		b.Open(url)
		if flaws := b.Flaws(axe); flaws != "" {
			b.T.Errorf("%s, %d px, %s:\n%s", url, look.width, look.scheme, flaws)
		}
		if small := b.Run(`[...document.querySelectorAll("main a[href], main button, main input")].filter(e => {
			const box = (["checkbox", "radio"].includes(e.type) ? e.closest("label") ?? e : e).getBoundingClientRect();
			return e.offsetParent && !e.matches(".open, .row-link") && getComputedStyle(e).display !== "inline" && (box.height < 24 || box.width < 24);
		}).map(e => e.outerHTML.slice(0, 200)).join("\n")`); small != "" {
			b.T.Errorf("%s, %d px: too small to be hit:\n%s", url, look.width, small)
		}
	}
}
