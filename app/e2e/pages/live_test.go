package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"gatehouse/app/e2e/harness"
)

// connected waits until the page receives changes, as do so many pages of its
// server.
func connected(b *harness.Tab, s *harness.Server, all int) {
	b.T.Helper()
	harness.Until(b.T, "the page to follow the changes", func() string {
		if text := s.Want(200, "GET", "/metrics/self", "").Body; !strings.Contains(text, "\ngatehouse_sse_clients "+strconv.Itoa(all)+"\n") {
			_, after, _ := strings.Cut(text, "gatehouse_sse_clients gauge\n")
			return strings.SplitN(after, "\n", 2)[0]
		}
		return ""
	})
}

func TestAnOpenListShowsWhatIsPushed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/first", "a 1\n")
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/")
	connected(b, s, 1)
	kept := b.KeepsPage()
	s.Put("/metrics/job/second", "a 1\n")
	b.Holds(harness.MainText, `job="second"`, "2 groupings")

	// Nothing moves while something is ticked.
	b.Run(`{
		const box = document.querySelector("#results input[name=id]") ?? Object.assign(document.createElement("input"), {type: "checkbox", name: "id"});
		if (!box.isConnected) document.querySelector("#results tbody th").prepend(box);
		box.checked = true;
		"ticked"
	}`)
	before := b.Run(harness.MainText)
	s.Put("/metrics/job/third", "a 1\n")
	b.Holds(harness.NewsText, "change", "show")
	if after := b.Run(harness.MainText); strings.Contains(after, "third") || strings.Count(after, "\n") != strings.Count(before, "\n") {
		t.Errorf("with a tick the list became\n%s", after)
	}
	b.Press("r")
	b.Holds(harness.MainText, `job="third"`, "3 groupings")
	b.Holds(harness.NewsText, "nothing")

	// The same where somebody has switched it off, for this page and the next.
	b.Run(`for (const box of document.querySelectorAll("#results input")) box.checked = false; "unticked"`)
	b.Press("l")
	b.Holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
	kept()
	b.Open(s.URL + "/")
	b.Holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
	connected(b, s, 1)
	s.Put("/metrics/job/fourth", "a 1\n")
	b.Holds(harness.NewsText, "change", "show")
	b.Run(`document.getElementById("news").click(); "clicked"`)
	b.Holds(harness.MainText, `job="fourth"`)
	b.Press("l")
	s.Put("/metrics/job/fifth", "a 1\n")
	b.Holds(harness.MainText, `job="fifth"`)
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestTheFirstPushEndsTheWelcome(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/")
	b.Holds(harness.MainText, "No groupings yet")
	connected(b, s, 1)
	kept := b.KeepsPage()
	s.Put("/metrics/job/first", "a 1\n")
	b.Holds(harness.MainText, `job="first"`)
	s.Want(202, "DELETE", "/metrics/job/first", "")
	b.Holds(harness.MainText, "No groupings yet")
	kept()
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestAnOpenPageOutlivesItsServer(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/first", "a 1\n")
	b := harness.StartBrowser(t)
	b.Open(s.URL + "/")
	connected(b, s, 1)
	kept := b.KeepsPage()
	s.Stop()
	b.Holds(`document.querySelector("[data-live-switch]").textContent`, "reconnecting")
	b.Holds(`document.getElementById("away").textContent`, "does not respond")
	again := harness.Listening(harness.Launch(t, nil, harness.Binary, "--web.listen-address="+s.Addr, "--storage.path="+s.Dir), `msg=Listening address=(\S+)`)
	again.Put("/metrics/job/second", "a 1\n")
	b.Holds(harness.MainText, `job="second"`)
	b.Holds(`document.querySelector("[data-live-switch]").textContent + document.getElementById("away").textContent`, "live")
	kept()
}

func TestTabsThatNobodySeesDoNotFollow(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/first", "a 1\n")
	first := harness.StartWholeBrowser(t)
	first.Open(s.URL + "/")
	tabs := []*harness.Tab{first}
	// A browser has six connections for one server.
	for range 9 {
		next := first.Beside()
		next.Open(s.URL + "/")
		next.Holds(harness.MainText, `job="first"`)
		tabs = append(tabs, next)
	}
	tabs[9].Front()
	connected(tabs[9], s, 1)
	s.Put("/metrics/job/second", "a 1\n")
	tabs[9].Holds(harness.MainText, `job="second"`)
	first.Front()
	first.Holds(harness.MainText, `job="second"`)
	connected(first, s, 1)
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
			s := harness.Start(t)
			s.Put("/metrics/job/first", "a 1\n")
			b := harness.StartWholeBrowser(t, test.flags...).Strictly()
			_, err := chromedp.Call(b.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
				Source: `addEventListener("pageshow", e => { window.restored = String(e.persisted); });`,
			})
			harness.Must(t, err)
			b.Open(s.URL + "/?q=first")
			connected(b, s, 1)
			b.Run(`document.querySelector("a.open").click(); "clicked"`)
			b.Holds(`location.pathname`, "/groupings/")
			b.Holds(harness.MainText, "family")
			s.Put("/metrics/job/first/instance/second", "a 1\n")
			b.Run(`history.back(); "left"`)
			b.Holds(`document.querySelector("#q")?.value ?? ""`, "first")
			b.Holds(`window.restored ?? "not yet"`, test.kept)
			b.Holds(harness.MainText, `instance="second"`)
			connected(b, s, 1)
			s.Put("/metrics/job/first/instance/third", "a 1\n")
			b.Holds(harness.MainText, `instance="third"`)
			b.Run(`history.forward(); "left"`)
			b.Holds(`location.pathname`, "/groupings/")
			b.Holds(harness.MainText, "family")

			// So it is with steps inside of a page.
			b.Open(s.URL + "/")
			connected(b, s, 1)
			b.Run(`document.querySelector(".facets a[href*='state=failed']").click(); "clicked"`)
			b.Holds(`location.search`, "state=failed")
			b.Holds(harness.MainText, "None of the")
			b.Run(`history.back(); "left"`)
			b.Holds(harness.MainText, `instance="third"`)
			s.Put("/metrics/job/first/instance/fourth", "a 1\n")
			b.Holds(harness.MainText, `instance="fourth"`)
			connected(b, s, 1)
			if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
				t.Error(complaints)
			}
		})
	}
}

func TestTheListWorksByKeyboard(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, name := range []string{"backup", "etl", "etl-2", "report"} {
		s.Put("/metrics/job/"+name, "a 1\n")
	}
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/")
	connected(b, s, 1)

	// Letters are letters where one writes.
	b.Press("/", "e", "t", "l")
	b.Holds(`document.activeElement.value`, "etl")
	b.Press(harness.EnterKey)
	b.Holds(harness.MainText, "2 of 4")
	b.Press(harness.EscapeKey, "j")
	b.Holds(harness.RowText, `job="etl"`)
	b.Press("j", "j")
	b.Holds(harness.RowText, `job="etl-2"`)

	// What is new waits until it is asked for; the row stays the current one.
	s.Put("/metrics/job/etl/instance/new", "a 1\n")
	b.Holds(harness.NewsText, "change")
	b.Press("r")
	b.Holds(harness.MainText, `instance="new"`)
	b.Holds(harness.RowText, `job="etl-2"`)
	b.Press("k")
	b.Holds(harness.RowText, `job="etl"`)

	b.Press("?")
	b.Holds(`String(document.getElementById("help").open)`, "true")
	b.Press("j", harness.EscapeKey)
	b.Holds(`String(document.getElementById("help").open)`, "false")
	b.Holds(harness.RowText, `job="etl"`)

	grouping := b.Run(`document.activeElement.getAttribute("href")`)
	b.Press("d")
	harness.Until(t, "the question", func() string {
		sent := b.Sent()
		if slices.Contains(sent, "GET "+s.URL+grouping+"/delete") {
			return ""
		}
		return fmt.Sprint(sent)
	})
	if b.Run(`String(document.querySelector("#results input[name=id]") !== null)`) == "true" {
		b.Holds(`String(document.getElementById("dialog").open)`, "true")
		b.Press(harness.EscapeKey)
		b.Holds(`String(document.getElementById("dialog").open)`, "false")
		b.Press("x")
		b.Holds(`String(document.querySelectorAll("#results input[name=id]:checked").length)`, "1")
		b.Press("d")
		b.Holds(`String(document.getElementById("dialog").open)`, "true")
		b.Press(harness.EscapeKey, harness.EscapeKey)
		b.Holds(`String(document.querySelectorAll("#results input[name=id]:checked").length)`, "0")
	}

	b.Run(`document.querySelector("tr.current a.open").focus(); "focused"`)
	b.Press(harness.EnterKey)
	b.Arrives(s.URL + grouping)
	b.Press("g", "d")
	b.Arrives(s.URL + "/docs")
	b.Press("g", "g")
	b.Arrives(s.URL + "/")
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}

	// Who does not want them has none.
	b.Run(`document.cookie = "gatehouse-settings=keys%3Doff; path=/"`)
	b.Open(s.URL + "/")
	b.Press("j", "?", "l")
	if got := b.Run(harness.RowText + ` + document.getElementById("help").open + document.querySelector("[data-live-switch]").textContent`); !strings.HasSuffix(got, "falselive") {
		t.Errorf("keys still work: %q", got)
	}
}

func TestWhatLiesOverThePageIsAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(filepath.Join(harness.Root, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		harness.Missing(t, "axe-core is not installed (npm ci installs it)")
	}
	s := harness.Start(t)
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {320, "dark"}} {
		b.Looks(look.width, look.scheme)
		b.Open(s.URL + "/")
		check := func(what string) {
			t.Helper()
			if flaws := b.Flaws(string(axe)); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", what, look.width, look.scheme, flaws)
			}
		}
		b.Press("l")
		b.Holds(`document.querySelector("[data-live-switch]").textContent`, "paused")
		s.Put("/metrics/job/new", "a_new_one 1\n")
		b.Holds(harness.NewsText, "change")
		b.Press("j")
		check("news and a current row")
		b.Press("?")
		check("the help")
		b.Press("?", "l")
	}
}
