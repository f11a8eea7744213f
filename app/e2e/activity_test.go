package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axeSource is the script that finds what keeps people out.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not installed (npm ci installs it)")
	}
	return string(source)
}

// looksRight opens a page in several sizes and colours and reports its flaws.
func (b *tab) looksRight(url, axe string) {
	b.t.Helper()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.looks(look.width, look.scheme)
		b.open(url)
		if flaws := b.flaws(axe); flaws != "" {
			b.t.Errorf("%s, %d px, %s:\n%s", url, look.width, look.scheme, flaws)
		}
		if small := b.run(`[...document.querySelectorAll("main a[href], main button, main input")].filter(e => {
			const box = (e.type === "checkbox" ? e.closest("label") : e).getBoundingClientRect();
			return e.offsetParent && getComputedStyle(e).display !== "inline" && (box.height < 24 || box.width < 24);
		}).map(e => e.outerHTML.slice(0, 200)).join("\n")`); small != "" {
			b.t.Errorf("%s, %d px: too small to be hit:\n%s", url, look.width, small)
		}
	}
}

func TestTheLogAndWhatIsGoneAreAccessible(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, nil)
	b := browser(t).strictly()
	b.looksRight(s.url+"/activity", axe)

	s.pushHostile()
	b.looks(1280, "light")
	b.open(s.url + "/")
	links := strings.Fields(b.run(`[...document.querySelectorAll("tbody a.open")].map(a => a.getAttribute("href")).join(" ")`))
	failed := b.run(`document.querySelector("tbody .state-failed").closest("tr").querySelector("a.open").getAttribute("href")`)
	for range 3 {
		s.put("/metrics/job/backup/instance/db-1/path/a%2Fb", "c 1\n")
	}
	b.looksRight(s.url+failed+"?view=history", axe)
	b.looksRight(s.url+failed+"?view=raw", axe)
	for _, job := range []string{"%3Cscript%3Ecomplaints.push(1)%3C%2Fscript%3E", "rtl", "backup"} {
		s.want(202, "DELETE", "/metrics/job/"+job, "")
	}
	for _, path := range append(links, "/activity", "/activity?kind=delete&q=script", "/activity?q=nothing-like-that&from=2026-01-01T00%3A00", "/activity?kind=x", "/groupings/nowhere") {
		b.looksRight(s.url+path, axe)
	}
}

func TestTheLogIsNarrowedAndADeleteUndoneInPlace(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	for i := range 3 {
		s.put(fmt.Sprintf("/metrics/job/x/instance/i-%d", i), "a 1\n")
		s.want(202, "DELETE", fmt.Sprintf("/metrics/job/x/instance/i-%d", i), "")
	}
	b := browser(t).strictly()
	b.open(s.url + "/activity")
	rows := func(want string) {
		t.Helper()
		until(t, want+" rows", func() string {
			if n := b.run(`String(document.querySelectorAll("#activity tbody tr").length)`); n != want {
				return n
			}
			return ""
		})
	}
	rows("3")
	b.run(`const q = document.getElementById("q"); q.focus(); q.value = "i-1"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	rows("1")
	b.arrives(s.url + "/activity?q=i-1")
	if at := b.run(`document.activeElement.id`); at != "q" {
		t.Errorf("the focus is on %q", at)
	}
	b.run(`document.querySelector("input[value=refusal]").click(); "ticked"`)
	rows("0")
	b.arrives(s.url + "/activity?kind=refusal&q=i-1")
	b.run(`history.back(); "back"`)
	b.arrives(s.url + "/activity?q=i-1")
	rows("1")
	b.run(`document.querySelector("#activity form button").click(); "undone"`)
	until(t, "the grouping to be back", func() string {
		return strings.TrimPrefix(fmt.Sprint(s.do("GET", "/metrics/job/x/instance/i-1", "").status), "200")
	})
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
