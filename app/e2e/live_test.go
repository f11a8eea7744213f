package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// beside opens another tab in the window of b, which is hidden then.
func (b *tab) beside() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewWindow(false))
	b.t.Cleanup(cancel)
	next := &tab{t: b.t, ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	must(b.t, chromedp.Listen(ctx, next.heard))
	return next
}

// front brings the tab to the front of its window.
func (b *tab) front() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.BringToFront, cdp.Empty{})
	must(b.t, err)
}

// Keys that have no letter.
const (
	enterKey  = "\r"
	escapeKey = "\u001b"
)

// holds waits until what a script tells about the page holds all texts.
func (b *tab) holds(script string, texts ...string) {
	b.t.Helper()
	until(b.t, fmt.Sprintf("%s to hold %q", script, texts), func() string {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
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

const (
	mainText = `document.querySelector("main").innerText.replaceAll("=\n", "=")`
	newsText = `document.getElementById("news").hidden ? "nothing" : document.getElementById("news").innerText`
	// rowText is where the keyboard is in the list.
	rowText = `document.activeElement.closest("tr.current")?.innerText.replaceAll("=\n", "=") ?? document.activeElement.outerHTML`
)

// connected waits until the page is told of changes. So many of its server are.
func (b *tab) connected(s *server, all int) {
	b.t.Helper()
	until(b.t, "the page to follow the changes", func() string {
		if text := s.want(200, "GET", "/metrics/self", "").body; !strings.Contains(text, "\ngatehouse_sse_clients "+strconv.Itoa(all)+"\n") {
			_, after, _ := strings.Cut(text, "gatehouse_sse_clients gauge\n")
			return strings.SplitN(after, "\n", 2)[0]
		}
		return ""
	})
}

// keepsPage marks the page; a reload would lose the mark.
func (b *tab) keepsPage() (kept func()) {
	b.t.Helper()
	b.run(`window.same = "the same page"`)
	return func() {
		b.t.Helper()
		if got := b.run(`window.same ?? "another page"`); got != "the same page" {
			b.t.Error("the page was loaded anew")
		}
	}
}

func TestAnOpenListShowsWhatIsPushed(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/metrics/job/first", "a 1\n")
	b := browser(t).strictly()
	b.open(s.url + "/")
	b.connected(s, 1)
	kept := b.keepsPage()
	s.put("/metrics/job/second", "a 1\n")
	b.holds(mainText, `job="second"`, "2 groupings")

	// Nothing moves while something is ticked.
	b.run(`{
		const box = document.querySelector("#results input[name=id]") ?? Object.assign(document.createElement("input"), {type: "checkbox", name: "id"});
		if (!box.isConnected) document.querySelector("#results tbody th").prepend(box);
		box.checked = true;
		"ticked"
	}`)
	before := b.run(mainText)
	s.put("/metrics/job/third", "a 1\n")
	b.holds(newsText, "change", "show")
	if after := b.run(mainText); strings.Contains(after, "third") || strings.Count(after, "\n") != strings.Count(before, "\n") {
		t.Errorf("with a tick the list became\n%s", after)
	}
	b.press("r")
	b.holds(mainText, `job="third"`, "3 groupings")
	b.holds(newsText, "nothing")

	// The same where somebody has switched it off, for this page and the next.
	b.run(`for (const box of document.querySelectorAll("#results input")) box.checked = false; "unticked"`)
	b.press("l")
	b.holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
	kept()
	b.open(s.url + "/")
	b.holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
	b.connected(s, 1)
	s.put("/metrics/job/fourth", "a 1\n")
	b.holds(newsText, "change", "show")
	b.run(`document.getElementById("news").click(); "clicked"`)
	b.holds(mainText, `job="fourth"`)
	b.press("l")
	s.put("/metrics/job/fifth", "a 1\n")
	b.holds(mainText, `job="fifth"`)
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestTheFirstPushEndsTheWelcome(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := browser(t).strictly()
	b.open(s.url + "/")
	b.holds(mainText, "No groupings yet")
	b.connected(s, 1)
	kept := b.keepsPage()
	s.put("/metrics/job/first", "a 1\n")
	b.holds(mainText, `job="first"`)
	s.want(202, "DELETE", "/metrics/job/first", "")
	b.holds(mainText, "No groupings yet")
	kept()
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestAnOpenPageOutlivesItsServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/metrics/job/first", "a 1\n")
	b := browser(t)
	b.open(s.url + "/")
	b.connected(s, 1)
	kept := b.keepsPage()
	s.stop()
	b.holds(`document.querySelector("[data-live-switch]").textContent`, "reconnecting")
	b.holds(`document.getElementById("away").textContent`, "does not respond")
	again := listening(launch(t, nil, binary, "--web.listen-address="+s.addr, "--storage.path="+s.dir), `msg=Listening address=(\S+)`)
	again.put("/metrics/job/second", "a 1\n")
	b.holds(mainText, `job="second"`)
	b.holds(`document.querySelector("[data-live-switch]").textContent + document.getElementById("away").textContent`, "live")
	kept()
}

func TestTabsThatNobodySeesDoNotFollow(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/metrics/job/first", "a 1\n")
	first := browser(t)
	first.open(s.url + "/")
	tabs := []*tab{first}
	// A browser has six connections for one server.
	for range 9 {
		next := first.beside()
		next.open(s.url + "/")
		next.holds(mainText, `job="first"`)
		tabs = append(tabs, next)
	}
	tabs[9].front()
	tabs[9].connected(s, 1)
	s.put("/metrics/job/second", "a 1\n")
	tabs[9].holds(mainText, `job="second"`)
	first.front()
	first.holds(mainText, `job="second"`)
	first.connected(s, 1)
}

func TestBackAndForwardShowWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		flags []string
		kept  string // what pageshow says on the way back
	}{
		{"from the browser's memory", nil, "true"},
		{"from the server", []string{"disable-back-forward-cache=true"}, "false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.put("/metrics/job/first", "a 1\n")
			b := browser(t, test.flags...).strictly()
			_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
				Source: `addEventListener("pageshow", e => { window.restored = String(e.persisted); });`,
			})
			must(t, err)
			b.open(s.url + "/?q=first")
			b.connected(s, 1)
			b.run(`document.querySelector("a.open").click(); "clicked"`)
			b.holds(`location.pathname`, "/groupings/")
			b.holds(mainText, "family")
			s.put("/metrics/job/first/instance/second", "a 1\n")
			b.run(`history.back(); "left"`)
			b.holds(`document.querySelector("#q")?.value ?? ""`, "first")
			b.holds(`window.restored ?? "not yet"`, test.kept)
			b.holds(mainText, `instance="second"`)
			b.connected(s, 1)
			s.put("/metrics/job/first/instance/third", "a 1\n")
			b.holds(mainText, `instance="third"`)
			b.run(`history.forward(); "left"`)
			b.holds(`location.pathname`, "/groupings/")
			b.holds(mainText, "family")

			// So it is with steps inside of a page.
			b.open(s.url + "/")
			b.connected(s, 1)
			b.run(`document.querySelector(".facets a[href*='state=failed']").click(); "clicked"`)
			b.holds(`location.search`, "state=failed")
			b.holds(mainText, "None of the")
			b.run(`history.back(); "left"`)
			b.holds(mainText, `instance="third"`)
			s.put("/metrics/job/first/instance/fourth", "a 1\n")
			b.holds(mainText, `instance="fourth"`)
			b.connected(s, 1)
			if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
				t.Error(complaints)
			}
		})
	}
}

func TestTheListWorksByKeyboard(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, name := range []string{"backup", "etl", "etl-2", "report"} {
		s.put("/metrics/job/"+name, "a 1\n")
	}
	b := browser(t).strictly()
	b.open(s.url + "/")
	b.connected(s, 1)

	// Letters are letters where one writes.
	b.press("/", "e", "t", "l")
	b.holds(`document.activeElement.value`, "etl")
	b.press(enterKey)
	b.holds(mainText, "2 of 4")
	b.press(escapeKey, "j")
	b.holds(rowText, `job="etl"`)
	b.press("j", "j")
	b.holds(rowText, `job="etl-2"`)

	// What is new waits until it is asked for; the row stays the current one.
	s.put("/metrics/job/etl/instance/new", "a 1\n")
	b.holds(newsText, "change")
	b.press("r")
	b.holds(mainText, `instance="new"`)
	b.holds(rowText, `job="etl-2"`)
	b.press("k")
	b.holds(rowText, `job="etl"`)

	b.press("?")
	b.holds(`String(document.getElementById("help").open)`, "true")
	b.press("j", escapeKey)
	b.holds(`String(document.getElementById("help").open)`, "false")
	b.holds(rowText, `job="etl"`)

	grouping := b.run(`document.activeElement.getAttribute("href")`)
	b.press("d")
	until(t, "the question", func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, request := range b.requests {
			if request == "GET "+s.url+grouping+"/delete" {
				return ""
			}
		}
		return fmt.Sprint(b.requests)
	})
	if b.run(`String(document.querySelector("#results input[name=id]") !== null)`) == "true" {
		b.holds(`String(document.getElementById("dialog").open)`, "true")
		b.press(escapeKey)
		b.holds(`String(document.getElementById("dialog").open)`, "false")
		b.press("x")
		b.holds(`String(document.querySelectorAll("#results input[name=id]:checked").length)`, "1")
		b.press("d")
		b.holds(`String(document.getElementById("dialog").open)`, "true")
		b.press(escapeKey, escapeKey)
		b.holds(`String(document.querySelectorAll("#results input[name=id]:checked").length)`, "0")
	}

	b.run(`document.querySelector("tr.current a.open").focus(); "focused"`)
	b.press(enterKey)
	b.arrives(s.url + grouping)
	b.press("g", "d")
	b.arrives(s.url + "/docs")
	b.press("g", "g")
	b.arrives(s.url + "/")
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}

	// Who does not want them has none.
	b.run(`document.cookie = "gatehouse-settings=keys%3Doff; path=/"`)
	b.open(s.url + "/")
	b.press("j", "?", "l")
	if got := b.run(rowText + ` + document.getElementById("help").open + document.querySelector("[data-live-switch]").textContent`); !strings.HasSuffix(got, "falselive") {
		t.Errorf("keys still work: %q", got)
	}
}

func TestWhatLiesOverThePageIsAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(filepath.Join(root, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not installed (npm ci installs it)")
	}
	s := start(t)
	s.pushHostile()
	b := browser(t).strictly()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {320, "dark"}} {
		b.looks(look.width, look.scheme)
		b.open(s.url + "/")
		check := func(what string) {
			t.Helper()
			if flaws := b.flaws(string(axe)); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", what, look.width, look.scheme, flaws)
			}
		}
		b.press("l")
		b.holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
		s.put("/metrics/job/new", "a_new_one 1\n")
		b.holds(newsText, "change")
		b.press("j")
		check("news and a current row")
		b.press("?")
		check("the help")
		b.press("?", "l")
	}
}
