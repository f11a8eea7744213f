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
)

// setting is a block of configuration that the page about scrapers shows.
func (s *server) setting(id string, headers ...string) string {
	s.t.Helper()
	page := s.want(200, "GET", "/targets?view=scrapers", "", append(headers, "Accept", "text/html")...).body
	found := regexp.MustCompile(`(?s)<code id="` + id + `">(.*?)</code>`).FindStringSubmatch(page)
	if found == nil {
		s.t.Fatalf("the page has no %s", id)
	}
	return html.UnescapeString(found[1])
}

// What an operator copies from the page works as it is, but for the file of the
// key.
func TestPrometheusScrapesWithTheSettingsThatAreOffered(t *testing.T) {
	t.Parallel()
	key := secret("scrape-key")
	s := startEnv(t, []string{"METRICS_VERIFICATION_KEY=" + key})
	s.put("/metrics/job/backup/instance/db-1", "backup_bytes 7\n")
	s.want(401, "GET", "/metrics", "", "User-Agent", "forgetful/1")

	dir := t.TempDir()
	file := filepath.Join(dir, "scrape_key")
	must(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	whole, each := s.setting("scrape-config", "X-Metrics-Key", key), s.setting("sd-config", "X-Metrics-Key", key)
	for name, text := range map[string]string{"whole": whole, "each": each} {
		config := filepath.Join(dir, name+".yml")
		must(t, os.WriteFile(config, []byte(strings.ReplaceAll(text, "/etc/prometheus/secrets/scrape_key", file)), 0o600))
		if out, err := exec.Command(tool(t, "promtool"), "check", "config", config).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, text)
		}
	}

	// Both in one Prometheus, the first under another name and a label of its own.
	both := "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" +
		strings.Replace(strings.Replace(whole, "job_name: gatehouse", "job_name: all", 1), "    static_configs:", "    metric_relabel_configs: [{target_label: seen_by, replacement: all}]\n    static_configs:", 1) +
		strings.TrimPrefix(strings.Replace(each, "- url:", "- refresh_interval: 1s\n        url:", 1), "scrape_configs:\n")
	// Its discovery sends credentials whose type is not said without a scheme.
	both += "  - job_name: bare\n    authorization: {credentials_file: " + file + "}\n" +
		"    http_sd_configs: [{url: \"" + s.url + "/api/v1/targets\", refresh_interval: 1s, authorization: {credentials_file: " + file + "}}]\n" +
		"    metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: .*}]\n"
	config := filepath.Join(dir, "both.yml")
	must(t, os.WriteFile(config, []byte(strings.ReplaceAll(both, "/etc/prometheus/secrets/scrape_key", file)), 0o600))
	p := startDebian(t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	until(t, "the pushed series in Prometheus", func() string {
		return compare(p.instant(`backup_bytes`), map[string]string{`__name__="backup_bytes" instance="db-1" job="backup" `: "7"})
	})
	until(t, "the target that is found without a scheme", func() string {
		found, why := p.targets("bare")
		if g := found[selector(map[string]string{"job": "backup", "instance": "db-1"})]; why == "" && g.Health != "up" {
			why = fmt.Sprintf("%v", found)
		}
		return why
	})

	b := browser(t).strictly()
	b.looks(1280, "light")
	b.open(s.url + "/")
	b.fill(`[name="key"]`, key)
	b.click("main .btn-primary")
	b.says("main", "backup")
	until(t, "Prometheus among the scrapers", func() string {
		b.open(s.url + "/targets?view=scrapers")
		text := b.run(`document.querySelector("#targets").innerText`)
		for _, part := range []string{"as scrape key", "Prometheus/", "everything", "interval ~1 s", "own metrics", "targets", "single groupings", "forgetful/1", "401: authentication is required"} {
			if !strings.Contains(text, part) {
				return "lacks " + part + ": " + text
			}
		}
		return ""
	})
	if text := b.run(`document.querySelector("main").innerText`); strings.Contains(text, "has not been scraped yet") {
		t.Errorf("says %s", text)
	}
}

func TestThePagesOfClientsAreAccessible(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	b := browser(t).strictly()
	check := func(url string) { t.Helper(); b.looksRight(url, axe) }

	empty := startEnv(t, nil)
	check(empty.url + "/targets")
	check(empty.url + "/targets?view=scrapers")

	s := startEnv(t, []string{"METRICS_VERIFICATION_KEY=" + secret("scrape-key")}, "--ui.stale-after=1ns")
	s.pushHostile()
	s.put("/metrics/job/"+strings.Repeat("x", 1000), "a 1\n")
	for _, userAgent := range []string{"Prometheus/3.5.0", "<script>complaints.push(3)</script>", strings.Repeat("x", 300)} {
		s.do("GET", "/metrics?match[]={job=%22"+strings.Repeat("y", 300)+"%22}", "", "User-Agent", userAgent)
	}
	check(s.url + "/targets")
	check(s.url + "/targets?q=nothing-like-that")
	check(s.url + "/targets?view=scrapers")
}

func TestTypingNarrowsTheJobsAndKeepsTheAddress(t *testing.T) {
	t.Parallel()
	s := startEnv(t, nil)
	for _, job := range []string{"backup", "etl", "cleanup"} {
		s.put("/metrics/job/"+job, "a 1\n")
	}
	b := browser(t).strictly()
	b.looks(1280, "light")
	b.open(s.url + "/targets")
	b.run(`const q = document.querySelector("#q"); q.focus(); q.value = "up"; q.dispatchEvent(new Event("input", {bubbles: true})); "typed"`)
	until(t, "the jobs that match", func() string {
		if text := b.run(`[...document.querySelectorAll(".row-link")].map(a => a.innerText).join(" ") + " " + location.search + " " + document.activeElement.id`); text != "backup cleanup ?q=up q" {
			return text
		}
		return ""
	})
	b.run(`document.querySelector("thead a").click(); "clicked"`)
	until(t, "the jobs sorted by name", func() string {
		if text := b.run(`document.querySelectorAll("#targets").length + " " + document.querySelector("th[aria-sort]").innerText + " " + location.search`); !strings.HasPrefix(text, "1 Job") || !strings.HasSuffix(text, "?q=up&sort=name") {
			return text
		}
		return ""
	})
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
