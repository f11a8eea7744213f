package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tells waits until a script says what is wanted.
func (b *tab) tells(script, want string) {
	b.t.Helper()
	until(b.t, script+" to say "+want, func() string {
		if got := b.run(`String(` + script + `)`); !strings.Contains(got, want) {
			return "it says " + strconv.Quote(got)
		}
		return ""
	})
}

// refreshes has the list follow what has happened, without a reload.
func (b *tab) refreshes(rows int) {
	b.t.Helper()
	b.run(`htmx.ajax("GET", location.pathname + location.search, {target: "#results", swap: "innerMorph", headers: {"HX-Target": "div#results"}}).then(() => "")`)
	b.tells(`document.querySelectorAll("tbody tr").length`, strconv.Itoa(rows))
}

// calm has pages change at once: while one fades into the next, clicks are lost.
func (b *tab) calm() *tab {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	must(b.t, err)
	return b
}

// isAccessible checks the page as it stands, wide and narrow, light and dark.
func (b *tab) isAccessible(axe, state string) {
	b.t.Helper()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.looks(look.width, look.scheme)
		// So high that what sticks to the window covers no row by half.
		_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: look.width, Height: 2000, DeviceScaleFactor: 1})
		must(b.t, err)
		if flaws := b.flaws(axe); flaws != "" {
			b.t.Errorf("%s, %d px:\n%s", state, look.width, flaws)
		}
	}
	b.looks(1280, "light")
}

const (
	selectedText = `document.querySelector("[data-selected]")?.checkVisibility() && document.querySelector("[data-selected]").textContent`
	dialogText   = `document.getElementById("dialog").open + " " + document.getElementById("dialog").innerText`
	toastText    = `document.getElementById("toasts").innerText`
	focused      = `document.activeElement.id + " " + document.activeElement.className + " in " + (document.activeElement.closest("tr")?.id ?? "no row")`
)

// box is the selector of the tick box of a row, counted from 1.
func box(row int) string { return fmt.Sprintf("tbody tr:nth-child(%d) .pick input", row) }

func (s *server) pushJob(job string, n int) {
	s.t.Helper()
	for i := range n {
		s.put(fmt.Sprintf("/metrics/job/%s/n/%02d", job, i), "a 1\n")
	}
}

func TestRowsAreTickedDeletedInADialogAndBroughtBack(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, nil)
	s.pushJob("x", 8)
	s.pushHostile()
	b := browser(t).strictly()
	b.looks(1280, "light")
	b.open(s.url + "/?m=job%3D%22x%22")
	if shown := b.run(`String(document.getElementById("bulk").checkVisibility())`); shown != "false" {
		t.Error("the bar is there before anything is ticked")
	}
	b.click(box(2))
	b.tells(selectedText, "1 selected")
	b.tells(`document.getElementById("bulk-status").textContent`, "1 selected")
	b.click(box(6), chromedp.ButtonModifiers(chromedp.ModifierShift))
	b.tells(selectedText, "5 selected")
	b.tells(`document.getElementById("pick-page").indeterminate`, "true")

	// A row that goes leaves the selection, the others stay ticked.
	s.do("DELETE", "/metrics/job/x/n/03", "")
	b.refreshes(7)
	b.tells(selectedText, "4 selected")
	b.tells(`[...document.querySelectorAll("tbody tr")].map(r => Number(r.querySelector(".pick input").checked)).join("")`, "0111100")
	b.isAccessible(axe, "with rows ticked")

	b.click("#bulk-delete")
	b.tells(dialogText, "true Delete 4 groupings?")
	b.tells(focused, "typed ")
	b.isAccessible(axe, "in the dialog")
	b.press("3" + kb.Enter)
	b.tells(dialogText, "That is not 4")
	b.tells(focused, "typed ")
	s.want(200, "GET", "/metrics/job/x/n/01", "")
	b.press(kb.Backspace + "4" + kb.Enter)
	b.tells(toastText, "Deleted 4 groupings.")
	b.tells(dialogText, "false")
	s.want(404, "GET", "/metrics/job/x/n/01", "")
	b.refreshes(3)
	b.tells(selectedText, "false")
	b.tells(focused, "summary")

	b.click("#toasts form button")
	b.tells(toastText, "4 groupings restored.")
	s.want(200, "GET", "/metrics/job/x/n/01", "")
	b.refreshes(7)
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestAllThatMatchAreDeletedAtOnce(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	s.pushJob("x", 60)
	s.put("/metrics/job/y", "b 1\n")
	b := browser(t).strictly()
	b.open(s.url + "/?rows=50&q=job%3Dx")
	b.click("#pick-page")
	b.tells(selectedText, "50 selected")
	b.click("#bulk-all")
	b.tells(selectedText, "All 60 matching selected")
	b.click("#bulk-delete")
	b.tells(dialogText, "true Delete 60 groupings?")
	b.tells(dialogText, `contains "job=x"`)
	b.press("60" + kb.Enter)
	b.tells(toastText, "Deleted 60 groupings.")
	s.want(404, "GET", "/metrics/job/x/n/59", "")
	s.want(200, "GET", "/metrics/job/y", "")
}

func TestAWindowThatLagsBehindIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	s.pushJob("x", 3)
	one, other := browser(t).strictly(), browser(t).strictly()
	for _, b := range []*tab{one, other} {
		b.open(s.url + "/")
		b.click("#pick-page")
		b.click("#bulk-delete")
		b.tells(dialogText, "true Delete 3 groupings?")
		b.press("3")
	}
	s.put("/metrics/job/x/n/01", "a 2\n")
	one.press(kb.Enter)
	one.tells(dialogText, "1 of the groupings was pushed again")
	one.tells(`document.activeElement.getAttribute("role")`, "alert")
	s.want(200, "GET", "/metrics/job/x/n/00", "")
	one.click("#typed")
	one.press("3" + kb.Enter)
	one.tells(toastText, "Deleted 3 groupings.")
	other.press(kb.Enter)
	other.tells(dialogText, "it had 3 groupings and now has 0")
	other.click("#dialog [data-close]")
	other.tells(dialogText, "false")
}

func TestARowIsDeletedByKeyboard(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, nil)
	s.pushJob("x", 4)
	b := browser(t).strictly()
	b.looks(1280, "dark")
	b.open(s.url + "/")
	rows := strings.Fields(b.run(`[...document.querySelectorAll("tbody tr")].map(r => r.id).join(" ")`))
	ask := func() {
		t.Helper()
		b.run(fmt.Sprintf(`document.querySelector("#%s .more").focus(); ""`, rows[1]))
		b.press(kb.Enter)
		b.tells(`document.activeElement.textContent`, "Open")
		if flaws := b.flaws(axe); flaws != "" {
			t.Errorf("with the menu open:\n%s", flaws)
		}
		b.press(kb.ArrowUp)
		b.tells(`document.activeElement.textContent`, "Delete…")
		b.press(kb.Enter)
		b.tells(dialogText, "true Delete this grouping?")
		b.tells(`document.activeElement.textContent`, "Cancel")
	}
	ask()
	b.press(kb.Escape)
	b.tells(dialogText, "false")
	b.tells(focused, "more needs-js in "+rows[1])
	ask()
	b.press(kb.Tab + kb.Enter)
	b.tells(toastText, `Deleted {job="x",n="01"}`)
	b.tells(dialogText, "false")
	b.refreshes(3)
	b.tells(focused, "open in "+rows[2])
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestADeleteOnItsOwnPageLeadsToWhatIsGone(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	s.pushJob("x", 1)
	b := browser(t).strictly().calm()
	b.open(s.url + "/")
	b.click("tbody a.open")
	b.tells(`location.pathname`, "/groupings/")
	b.tells(`document.readyState`, "complete")
	b.click("main a[href$='/delete']")
	b.tells(dialogText, "true Delete this grouping?")
	b.click("#dialog .btn-danger")
	b.tells(`location.pathname`, "/deleted/")
	b.tells(`document.readyState + document.querySelector("main")?.innerText`, `{job="x",n="00"}`)
	s.want(404, "GET", "/metrics/job/x/n/00", "")
}

func TestAServerThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	s.pushJob("x", 2)
	b := browser(t)
	b.open(s.url + "/")
	offline := func(is bool) {
		t.Helper()
		b.run(map[bool]string{
			true:  `window.online ??= fetch; window.fetch = () => Promise.reject(new TypeError("Failed to fetch")); ""`,
			false: `window.fetch = window.online; ""`,
		}[is])
	}
	b.click("#pick-page")
	offline(true)
	b.click("#bulk-delete")
	b.tells(toastText, "The server cannot be reached.")
	offline(false)
	b.click("#toasts .toast-problem button")
	b.tells(dialogText, "true Delete 2 groupings?")
	if text := b.run(toastText); strings.Contains(text, "reached") {
		t.Errorf("it is still told that %s", text)
	}

	// Behind a dialog nobody could press anything.
	offline(true)
	b.press("2" + kb.Enter)
	b.tells(dialogText, "The server cannot be reached.")
	offline(false)
	b.click("#dialog .toast-problem button")
	b.tells(toastText, "Deleted 2 groupings.")
}

func TestWhatIsTickedIsTakenAlong(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	s.pushJob("x", 3)
	b := browser(t).strictly().calm()
	b.open(s.url + "/")
	b.click(box(1))
	b.click(box(3))
	b.click("#bulk-copy")
	b.tells(toastText, "Copied the selectors.")
	sent := b.run(`{ const f = new FormData(document.getElementById("bulk"), document.getElementById("bulk-export")); fetch("/export?" + new URLSearchParams(f)).then(r => r.json()).then(all => all.map(g => g.labels.n).join()) }`)
	if sent != "00,02" {
		t.Errorf("exported are %q", sent)
	}
	// With the Alt key a label leaves out what has it.
	b.click("tbody tr:nth-child(2) a.chip:nth-of-type(2)", chromedp.ButtonModifiers(chromedp.ModifierAlt))
	b.tells(`decodeURIComponent(location.search)`, `m=n!="01"`)
	b.tells(`document.readyState + document.querySelectorAll("tbody tr").length`, "complete2")
}
