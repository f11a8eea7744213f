package pages

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestThePagesOfClientsAreAccessible(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	b := harness.StartBrowser(t).Strictly()
	check := func(url string) { t.Helper(); b.LooksRight(url, axe) }

	empty := harness.StartEnv(t, nil)
	check(empty.URL + "/targets")
	check(empty.URL + "/targets?view=scrapers")

	s := harness.StartEnv(t, []string{"METRICS_VERIFICATION_KEY=" + harness.Secret("scrape-key")}, "--ui.stale-after=1ns")
	s.PushHostile()
	s.Put("/metrics/job/"+strings.Repeat("x", 1000), "a 1\n")
	for _, userAgent := range []string{"Prometheus/3.5.0", "<script>complaints.push(3)</script>", strings.Repeat("x", 300)} {
		s.Do("GET", "/metrics?match[]={job=%22"+strings.Repeat("y", 300)+"%22}", "", "User-Agent", userAgent)
	}
	check(s.URL + "/targets")
	check(s.URL + "/targets?q=nothing-like-that")
	check(s.URL + "/targets?view=scrapers")
}

func TestTypingNarrowsTheJobsAndKeepsTheAddress(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, nil)
	for _, job := range []string{"backup", "etl", "cleanup"} {
		s.Put("/metrics/job/"+job, "a 1\n")
	}
	b := harness.StartBrowser(t).Strictly()
	b.Looks(1280, "light")
	b.Open(s.URL + "/targets")
	b.Run(`const q = document.querySelector("#q"); q.focus(); q.value = "up"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	harness.Until(t, "the jobs that match", func() string {
		if text := b.Reads(`[...document.querySelectorAll(".row-link")].map(a => a.innerText).join(" ") + " " + location.search + " " + document.activeElement.id`); text != "backup cleanup ?q=up q" {
			return text
		}
		return ""
	})
	b.Run(`document.querySelector("thead a").click(); "clicked"`)
	harness.Until(t, "the jobs sorted by name", func() string {
		if text := b.Reads(`document.querySelectorAll("#targets").length + " " + document.querySelector("th[aria-sort]").innerText + " " + location.search`); !strings.HasPrefix(text, "1 Job") || !strings.HasSuffix(text, "?q=up&sort=name") {
			return text
		}
		return ""
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
