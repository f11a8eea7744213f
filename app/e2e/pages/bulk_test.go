package pages

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gatehouse/app/e2e/harness"
)

// refreshes has the list follow what has happened, without a reload.
func refreshes(b *harness.Tab, rows int) {
	b.T.Helper()
	b.Run(`htmx.ajax("GET", location.pathname + location.search, {target: "#results", swap: "innerMorph", headers: {"HX-Target": "div#results"}}).then(() => "")`)
	b.Returns(`document.querySelectorAll("tbody tr").length`, strconv.Itoa(rows))
}

// box is the selector of the tick box of a row, counted from 1.
func box(row int) string { return fmt.Sprintf("tbody tr:nth-child(%d) .pick input", row) }

func pushJob(s *harness.Server, job string, n int) {
	s.T.Helper()
	for i := range n {
		s.Put(fmt.Sprintf("/metrics/job/%s/n/%02d", job, i), "a 1\n")
	}
}

func TestRowsAreTickedDeletedInADialogAndBroughtBack(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 8)
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	b.Looks(1280, "light")
	b.Open(s.URL + "/?m=job%3D%22x%22")
	if shown := b.Run(`String(document.getElementById("bulk").checkVisibility())`); shown != "false" {
		t.Error("the bar is there before anything is ticked")
	}
	b.Click(box(2))
	b.Returns(harness.SelectedText, "1 selected")
	b.Returns(`document.getElementById("bulk-status").textContent`, "1 selected")
	b.Click(box(6), chromedp.ButtonModifiers(chromedp.ModifierShift))
	b.Returns(harness.SelectedText, "5 selected")
	b.Returns(`document.getElementById("pick-page").indeterminate`, "true")

	// A row that goes leaves the selection, the others stay ticked.
	s.Do("DELETE", "/metrics/job/x/n/03", "")
	refreshes(b, 7)
	b.Returns(harness.SelectedText, "4 selected")
	b.Returns(`[...document.querySelectorAll("tbody tr")].map(r => Number(r.querySelector(".pick input").checked)).join("")`, "0111100")
	b.IsAccessible(axe, "with rows ticked")

	b.Click("#bulk-delete")
	b.Returns(harness.DialogText, "true Delete 4 groupings?")
	b.Returns(harness.Focused, "typed ")
	b.IsAccessible(axe, "in the dialog")
	b.Press("3" + kb.Enter)
	b.Returns(harness.DialogText, "That is not 4")
	b.Returns(harness.Focused, "typed ")
	s.Want(200, "GET", "/metrics/job/x/n/01", "")
	b.Press(kb.Backspace + "4" + kb.Enter)
	b.Returns(harness.ToastText, "Deleted 4 groupings.")
	b.Returns(harness.DialogText, "false")
	s.Want(404, "GET", "/metrics/job/x/n/01", "")
	refreshes(b, 3)
	b.Returns(harness.SelectedText, "false")
	b.Returns(harness.Focused, "summary")

	b.Click("#toasts form button")
	b.Returns(harness.ToastText, "4 groupings restored.")
	s.Want(200, "GET", "/metrics/job/x/n/01", "")
	refreshes(b, 7)
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestAllThatMatchAreDeletedAtOnce(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 60)
	s.Put("/metrics/job/y", "b 1\n")
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/?rows=50&q=job%3Dx")
	b.Click("#pick-page")
	b.Returns(harness.SelectedText, "50 selected")
	b.Click("#bulk-all")
	b.Returns(harness.SelectedText, "All 60 matching selected")
	b.Click("#bulk-delete")
	b.Returns(harness.DialogText, "true Delete 60 groupings?")
	b.Returns(harness.DialogText, `contains "job=x"`)
	b.Press("60" + kb.Enter)
	b.Returns(harness.ToastText, "Deleted 60 groupings.")
	s.Want(404, "GET", "/metrics/job/x/n/59", "")
	s.Want(200, "GET", "/metrics/job/y", "")
}

func TestAWindowThatLagsBehindIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 3)
	one, other := harness.StartBrowser(t).Strictly(), harness.StartBrowser(t).Strictly()
	for _, b := range []*harness.Tab{one, other} {
		b.Open(s.URL + "/")
		b.Click("#pick-page")
		b.Click("#bulk-delete")
		b.Returns(harness.DialogText, "true Delete 3 groupings?")
		b.Press("3")
	}
	s.Put("/metrics/job/x/n/01", "a 2\n")
	one.Press(kb.Enter)
	one.Returns(harness.DialogText, "1 of the groupings was pushed again")
	one.Returns(`document.activeElement.getAttribute("role")`, "alert")
	s.Want(200, "GET", "/metrics/job/x/n/00", "")
	one.Click("#typed")
	one.Press("3" + kb.Enter)
	one.Returns(harness.ToastText, "Deleted 3 groupings.")
	other.Press(kb.Enter)
	other.Returns(harness.DialogText, "it had 3 groupings and now has 0")
	other.Click("#dialog [data-close]")
	other.Returns(harness.DialogText, "false")
}

func TestARowIsDeletedByKeyboard(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 4)
	b := harness.StartBrowser(t).Strictly()
	b.Looks(1280, "dark")
	b.Open(s.URL + "/")
	rows := strings.Fields(b.Run(`[...document.querySelectorAll("tbody tr")].map(r => r.id).join(" ")`))
	ask := func() {
		t.Helper()
		b.Run(fmt.Sprintf(`document.querySelector("#%s .more").focus(); ""`, rows[1]))
		b.Press(kb.Enter)
		b.Returns(`document.activeElement.textContent`, "Open")
		if flaws := b.Flaws(axe); flaws != "" {
			t.Errorf("with the menu open:\n%s", flaws)
		}
		b.Press(kb.ArrowUp)
		b.Returns(`document.activeElement.textContent`, "Delete…")
		b.Press(kb.Enter)
		b.Returns(harness.DialogText, "true Delete this grouping?")
		b.Returns(`document.activeElement.textContent`, "Cancel")
	}
	ask()
	b.Press(kb.Escape)
	b.Returns(harness.DialogText, "false")
	b.Returns(harness.Focused, "more needs-js in "+rows[1])
	ask()
	b.Press(kb.Tab + kb.Enter)
	b.Returns(harness.ToastText, `Deleted {job="x",n="01"}`)
	b.Returns(harness.DialogText, "false")
	refreshes(b, 3)
	b.Returns(harness.Focused, "open in "+rows[2])
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestADeleteOnItsOwnPageLeadsToTheDeleted(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 1)
	b := harness.StartBrowser(t).Strictly().Calm()
	b.Open(s.URL + "/")
	b.Click("tbody a.open")
	b.Returns(`location.pathname`, "/groupings/")
	b.Returns(`document.readyState`, "complete")
	b.Click("main a[href$='/delete']")
	b.Returns(harness.DialogText, "true Delete this grouping?")
	b.Click("#dialog .btn-danger")
	b.Returns(`location.pathname`, "/deleted/")
	b.Returns(`document.readyState + document.querySelector("main")?.innerText`, `{job="x",n="00"}`)
	s.Want(404, "GET", "/metrics/job/x/n/00", "")
}

func TestPagesSayThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 2)
	b := harness.StartBrowser(t)
	b.Open(s.URL + "/")
	offline := func(is bool) {
		t.Helper()
		b.Run(map[bool]string{
			true:  `window.online ??= fetch; window.fetch = () => Promise.reject(new TypeError("Failed to fetch")); ""`,
			false: `window.fetch = window.online; ""`,
		}[is])
	}
	b.Click("#pick-page")
	offline(true)
	b.Click("#bulk-delete")
	b.Returns(harness.ToastText, "The server cannot be reached.")
	offline(false)
	b.Click("#toasts .toast-problem button")
	b.Returns(harness.DialogText, "true Delete 2 groupings?")
	if text := b.Run(harness.ToastText); strings.Contains(text, "reached") {
		t.Errorf("it is still told that %s", text)
	}

	// Behind a dialog nobody could press anything.
	offline(true)
	b.Press("2" + kb.Enter)
	b.Returns(harness.DialogText, "The server cannot be reached.")
	offline(false)
	b.Click("#dialog .toast-problem button")
	b.Returns(harness.ToastText, "Deleted 2 groupings.")
}

func TestWhatIsTickedIsTakenAlong(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	pushJob(s, "x", 3)
	b := harness.StartBrowser(t).Strictly().Calm()
	b.Open(s.URL + "/")
	b.Click(box(1))
	b.Click(box(3))
	b.Click("#bulk-copy")
	b.Returns(harness.ToastText, "Copied the selectors.")
	sent := b.Run(`{ const f = new FormData(document.getElementById("bulk"), document.getElementById("bulk-export")); fetch("/export?" + new URLSearchParams(f)).then(r => r.json()).then(all => all.map(g => g.labels.n).join()) }`)
	if sent != "00,02" {
		t.Errorf("exported are %q", sent)
	}
	// With the Alt key a label leaves out what has it.
	b.Click("tbody tr:nth-child(2) a.chip:nth-of-type(2)", chromedp.ButtonModifiers(chromedp.ModifierAlt))
	b.Returns(`decodeURIComponent(location.search)`, `m=n!="01"`)
	b.Returns(`document.readyState + document.querySelectorAll("tbody tr").length`, "complete2")
}
