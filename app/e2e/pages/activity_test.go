package pages

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestTheLogAndTheDeletedAreAccessible(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil)
	b := harness.StartBrowser(t).Strictly()
	b.LooksRight(s.URL+"/activity", axe)

	s.PushHostile()
	b.Looks(1280, "light")
	b.Open(s.URL + "/")
	links := strings.Fields(b.Run(`[...document.querySelectorAll("tbody a.open")].map(a => a.getAttribute("href")).join(" ")`))
	failed := b.Run(`document.querySelector("tbody .state-failed").closest("tr").querySelector("a.open").getAttribute("href")`)
	for range 3 {
		s.Put("/metrics/job/backup/instance/db-1/path/a%2Fb", "c 1\n")
	}
	b.LooksRight(s.URL+failed+"?view=history", axe)
	b.LooksRight(s.URL+failed+"?view=raw", axe)
	for _, job := range []string{"%3Cscript%3Ecomplaints.push(1)%3C%2Fscript%3E", "rtl", "backup"} {
		s.Want(202, "DELETE", "/metrics/job/"+job, "")
	}
	for _, path := range append(links, "/activity", "/activity?kind=delete&q=script", "/activity?q=nothing-like-that&from=2026-01-01T00%3A00", "/activity?kind=x", "/groupings/nowhere") {
		b.LooksRight(s.URL+path, axe)
	}
}

func TestTheLogIsNarrowedAndADeleteUndoneInPlace(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	for i := range 3 {
		s.Put(fmt.Sprintf("/metrics/job/x/instance/i-%d", i), "a 1\n")
		s.Want(202, "DELETE", fmt.Sprintf("/metrics/job/x/instance/i-%d", i), "")
	}
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/activity")
	rows := func(want string) {
		t.Helper()
		harness.Until(t, want+" rows", func() string {
			if n := b.Reads(`String(document.querySelectorAll("#activity tbody tr").length)`); n != want {
				return n
			}
			return ""
		})
	}
	rows("3")
	b.Run(`const q = document.getElementById("q"); q.focus(); q.value = "i-1"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	rows("1")
	b.Arrives(s.URL + "/activity?q=i-1")
	if at := b.Run(`document.activeElement.id`); at != "q" {
		t.Errorf("the focus is on %q", at)
	}
	b.Run(`document.querySelector("input[value=refusal]").click(); "ticked"`)
	rows("0")
	b.Arrives(s.URL + "/activity?kind=refusal&q=i-1")
	b.Run(`history.back(); "back"`)
	b.Arrives(s.URL + "/activity?q=i-1")
	rows("1")
	b.Run(`document.querySelector("#activity form button").click(); "undone"`)
	harness.Until(t, "the grouping to be back", func() string {
		return strings.TrimPrefix(fmt.Sprint(s.Do("GET", "/metrics/job/x/instance/i-1", "").Status), "200")
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
