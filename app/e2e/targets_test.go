package e2e

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// setting is a block of configuration that the page about scrapers shows.
func setting(s *harness.Server, id string, headers ...string) string {
	s.T.Helper()
	page := s.Want(200, "GET", "/targets?view=scrapers", "", append(headers, "Accept", "text/html")...).Body
	found := regexp.MustCompile(`(?s)<code id="` + id + `">(.*?)</code>`).FindStringSubmatch(page)
	if found == nil {
		s.T.Fatalf("the page has no %s", id)
	}
	return html.UnescapeString(found[1])
}

// What an operator copies from the page works as it is, but for the file of the
// key.
func TestPrometheusScrapesWithTheSettingsThatAreOffered(t *testing.T) {
	t.Parallel()
	key := harness.Secret("scrape-key")
	s := harness.StartEnv(t, []string{"METRICS_VERIFICATION_KEY=" + key})
	s.Put("/metrics/job/backup/instance/db-1", "backup_bytes 7\n")
	s.Want(401, "GET", "/metrics", "", "User-Agent", "forgetful/1")

	dir := t.TempDir()
	file := filepath.Join(dir, "scrape_key")
	harness.Must(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	whole, each := setting(s, "scrape-config", "X-Metrics-Key", key), setting(s, "sd-config", "X-Metrics-Key", key)
	for name, text := range map[string]string{"whole": whole, "each": each} {
		config := filepath.Join(dir, name+".yml")
		harness.Must(t, os.WriteFile(config, []byte(strings.ReplaceAll(text, "/etc/prometheus/secrets/scrape_key", file)), 0o600))
		if out, err := exec.Command(harness.Tool(t, "promtool"), "check", "config", config).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, text)
		}
	}

	// Both in one Prometheus, the first under another name and a label of its own.
	both := "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" +
		strings.Replace(strings.Replace(whole, "job_name: gatehouse", "job_name: all", 1), "    static_configs:", "    metric_relabel_configs: [{target_label: seen_by, replacement: all}]\n    static_configs:", 1) +
		strings.TrimPrefix(strings.Replace(each, "- url:", "- refresh_interval: 1s\n        url:", 1), "scrape_configs:\n")
	// Its discovery sends credentials whose type is not said without a scheme.
	both += "  - job_name: bare\n    authorization: {credentials_file: " + file + "}\n" +
		"    http_sd_configs: [{url: \"" + s.URL + "/api/v1/targets\", refresh_interval: 1s, authorization: {credentials_file: " + file + "}}]\n" +
		"    metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: .*}]\n"
	config := filepath.Join(dir, "both.yml")
	harness.Must(t, os.WriteFile(config, []byte(strings.ReplaceAll(both, "/etc/prometheus/secrets/scrape_key", file)), 0o600))
	p := harness.StartDebian(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	harness.Until(t, "the pushed series in Prometheus", func() string {
		return harness.Compare(p.Instant(`backup_bytes`), map[string]string{`__name__="backup_bytes" instance="db-1" job="backup" `: "7"})
	})
	harness.Until(t, "the target that is found without a scheme", func() string {
		found, why := p.Targets("bare")
		if g := found[harness.Selector(map[string]string{"job": "backup", "instance": "db-1"})]; why == "" && g.Health != "up" {
			why = fmt.Sprintf("%v", found)
		}
		return why
	})

	b := harness.StartBrowser(t).Strictly()
	b.Looks(1280, "light")
	b.Open(s.URL + "/")
	b.Fill(`[name="key"]`, key)
	b.Click("main .btn-primary")
	b.Says("main", "backup")
	harness.Until(t, "Prometheus among the scrapers", func() string {
		b.Open(s.URL + "/targets?view=scrapers")
		text := b.Run(`document.querySelector("#targets").innerText`)
		for _, part := range []string{"as scrape key", "Prometheus/", "everything", "every ~1 s", "own metrics", "targets", "single groupings", "forgetful/1", "401: authentication is required"} {
			if !strings.Contains(text, part) {
				return "lacks " + part + ": " + text
			}
		}
		return ""
	})
	if text := b.Run(`document.querySelector("main").innerText`); strings.Contains(text, "Nobody has scraped") {
		t.Errorf("says %s", text)
	}
}

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
		if text := b.Run(`[...document.querySelectorAll(".row-link")].map(a => a.innerText).join(" ") + " " + location.search + " " + document.activeElement.id`); text != "backup cleanup ?q=up q" {
			return text
		}
		return ""
	})
	b.Run(`document.querySelector("thead a").click(); "clicked"`)
	harness.Until(t, "the jobs sorted by name", func() string {
		if text := b.Run(`document.querySelectorAll("#targets").length + " " + document.querySelector("th[aria-sort]").innerText + " " + location.search`); !strings.HasPrefix(text, "1 Job") || !strings.HasSuffix(text, "?q=up&sort=name") {
			return text
		}
		return ""
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
