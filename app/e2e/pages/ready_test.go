package pages

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gatehouse/app/e2e/harness"
)

// What is on a page heeds its htmx attributes as soon as it is there: a form that does
// not yet is sent like one of a browser without scripts, and another page takes the
// place of what somebody was at.
func TestWhatIsShownIsReadyAtOnce(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 3)
	b := harness.StartBrowser(t).Strictly()
	_, err := chromedp.Call(b.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.looked = 0;
		function look(when) {
			const found = [...document.querySelectorAll("[hx-get], [hx-post]")];
			for (const e of found) if (!e._htmx?.initialized) complaints.push(when + ": not ready: " + e.outerHTML.slice(0, 200));
			window.looked += found.length;
		}
		addEventListener("DOMContentLoaded", () => {
			look("after the scripts");
			// It is told of a change when the task that made it is over.
			new MutationObserver(() => look("after a change")).observe(document.body, { childList: true, subtree: true });
		});
	`})
	harness.Must(t, err)
	b.Open(s.URL + "/push")
	b.Open(s.URL + "/")
	b.Click("#pick-page")
	b.Click("#bulk-delete")
	b.Returns(harness.DialogText, "true Delete 3 groupings?")
	b.Press("2" + kb.Enter)
	b.Returns(harness.DialogText, "That is not 3")
	b.Returns(harness.Focused, "typed ")
	b.Press(kb.Backspace + "3" + kb.Enter)
	b.Returns(harness.ToastText, "Deleted 3 groupings.")
	if looked := b.Run(`String(looked > 10)`); looked != "true" {
		t.Error("hardly anything was looked at")
	}
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
