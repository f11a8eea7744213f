package scrape

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

// settingOnPage is a block of configuration that the page about scrapers shows.
func settingOnPage(s *harness.Server, id string, headers ...string) string {
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
	whole, each := settingOnPage(s, "scrape-config", "X-Metrics-Key", key), settingOnPage(s, "sd-config", "X-Metrics-Key", key)
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
		text := b.Reads(`document.querySelector("#targets").innerText`)
		for _, part := range []string{"as scrape key", "Prometheus/", "everything", "interval ~1 s", "own metrics", "targets", "single groupings", "forgetful/1", "401: authentication is required"} {
			if !strings.Contains(text, part) {
				return "lacks " + part + ": " + text
			}
		}
		return ""
	})
	if text := b.Run(`document.querySelector("main").innerText`); strings.Contains(text, "has not been scraped yet") {
		t.Errorf("says %s", text)
	}
}
