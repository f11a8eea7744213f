package harness

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// Returns waits until a script returns want.
func (b *Tab) Returns(script, want string) {
	b.T.Helper()
	b.Holds(`String(`+script+`)`, want)
}

// Scripts for what the list shows of a selection, and what lies over a page.
const (
	SelectedText = `document.querySelector("[data-selected]")?.checkVisibility() && document.querySelector("[data-selected]").textContent`
	DialogText   = `document.getElementById("dialog").open + " " + document.getElementById("dialog").innerText`
	ToastText    = `document.getElementById("toasts").innerText`
	Focused      = `document.activeElement.id + " " + document.activeElement.className + " in " + (document.activeElement.closest("tr")?.id ?? "no row")`
)

// Says waits until an element's text has what is wanted.
func (b *Tab) Says(selector, want string) {
	b.T.Helper()
	b.Holds(fmt.Sprintf(`document.querySelector(%q)?.innerText ?? "nothing yet"`, selector), want)
}

// Fill puts a text into an input as typing does.
func (b *Tab) Fill(selector, text string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`{
		const input = document.querySelector(%q);
		input.value = %q;
		input.dispatchEvent(new Event("input", {bubbles: true}));
	}; "filled"`, selector, text))
}

// Reads returns what a script says about the page, for conditions that are waited
// for. Between two pages that is the text of an error.
func (b *Tab) Reads(script string) string {
	got, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return err.Error()
	}
	return got
}

// Holds waits until what a script says about the page holds all texts.
func (b *Tab) Holds(script string, texts ...string) {
	b.T.Helper()
	Until(b.T, fmt.Sprintf("%s to hold %q", script, texts), func() string {
		got, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](script))
		if err != nil { // between two pages
			return err.Error()
		}
		for _, text := range texts {
			if !strings.Contains(got, text) {
				return fmt.Sprintf("%.1000q", got)
			}
		}
		return ""
	})
}

// Scripts for what the list shows.
const (
	MainText = `document.querySelector("main").innerText.replaceAll("=\n", "=")`
	NewsText = `document.getElementById("news").hidden ? "nothing" : document.getElementById("news").innerText`
	// RowText is where the keyboard is in the list.
	RowText = `document.activeElement.closest("tr.current")?.innerText.replaceAll("=\n", "=") ?? document.activeElement.outerHTML`
)

// KeepsPage marks the page; a reload would lose the mark.
func (b *Tab) KeepsPage() (kept func()) {
	b.T.Helper()
	b.Run(`window.same = "the same page"`)
	return func() {
		b.T.Helper()
		if got := b.Run(`window.same ?? "another page"`); got != "the same page" {
			b.T.Error("the page was loaded anew")
		}
	}
}

// Follows clicks on what leads to another page, and waits until this one is
// left.
func (b *Tab) Follows(selector string) {
	b.T.Helper()
	b.Holds(fmt.Sprintf(`String(document.readyState === "complete" && document.querySelector(%q) !== null)`, selector), "true")
	b.Run(`window.stays = "still here"`)
	b.Click(selector)
	b.Holds(`window.stays ?? "left"`, "left")
}

// PageStatus is the address of the page, and the status of the answer that it is.
const PageStatus = `document.readyState + " " + performance.getEntriesByType("navigation")[0]?.responseStatus + " " + location.href`

// Is waits for a page that is the answer to a request with a status.
func (b *Tab) Is(status int, url string) {
	b.T.Helper()
	b.Holds(PageStatus, fmt.Sprintf("complete %d %s", status, url))
}

// Silent fails if something on the page was forbidden or went wrong.
func (b *Tab) Silent() {
	b.T.Helper()
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		b.T.Errorf("%s: %s", b.Run(`location.href`), complaints)
	}
}
