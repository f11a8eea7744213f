package e2e

import (
	"fmt"
	"strings"
	"testing"
)

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
