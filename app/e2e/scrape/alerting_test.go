package scrape

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// documentedRules writes the rules of the manual into files, and returns their
// names.
func documentedRules(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root, "views", "docs", "alerting.md"))
	harness.Must(t, err)
	var files []string
	for i, block := range regexp.MustCompile("(?ms)^```yaml\n(groups:.*?)^```$").FindAllSubmatch(text, -1) {
		file := filepath.Join(dir, fmt.Sprintf("rules-%d.yml", i))
		harness.Must(t, os.WriteFile(file, block[1], 0o600))
		files = append(files, file)
	}
	if len(files) < 4 {
		t.Fatalf("found %d blocks of rules only", len(files))
	}
	return files
}

// Times are seconds since the start. A job that is well pushes each minute.
const rulesTest = `
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="gatehouse"}', values: '1x1700 0x300'}
      - {series: 'push_time_seconds{job="backup",instance="well"}', values: '0+60x1700'}
      - {series: 'push_time_seconds{job="backup",instance="gone"}', values: '0x1700'}
      - {series: 'push_time_seconds{job="etl",instance="a"}', values: '0x1700'}
      - {series: 'push_failure_time_seconds{job="backup",instance="well"}', values: '0+60x10 600x1690'}
      - {series: 'push_failure_time_seconds{job="etl",instance="a"}', values: '0 60x1699'}
      - {series: 'job_interval_seconds{job="etl",instance="a"}', values: '3600x1700'}
      - {series: 'job_interval_seconds{job="backup",instance="well"}', values: '60x1700'}
    promql_expr_test:
      - {expr: 'count by (alertname, job, instance) (ALERTS{alertstate="firing"})', eval_time: 10m, exp_samples: []}
      - expr: 'count by (alertname, job, instance) (ALERTS{alertstate="firing"})'
        eval_time: 80m
        exp_samples:
          - {labels: '{alertname="PushRefused",job="etl",instance="a"}', value: 1}
      - expr: 'count by (alertname, job, instance) (ALERTS{alertstate="firing"})'
        eval_time: 1561m
        exp_samples:
          - {labels: '{alertname="PushRefused",job="etl",instance="a"}', value: 1}
          - {labels: '{alertname="PushMissing",job="etl",instance="a"}', value: 1}
          - {labels: '{alertname="BackupMissing",job="backup",instance="gone"}', value: 1}
      - expr: 'count by (alertname) (ALERTS{alertstate="firing"})'
        eval_time: 1750m
        exp_samples:
          - {labels: '{alertname="GatehouseDown"}', value: 1}
          - {labels: '{alertname="BackupAbsent"}', value: 1}
`

func TestTheDocumentedAlertsAreValidAndFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := documentedRules(t, dir)
	if out, err := exec.Command(harness.Tool(t, "promtool"), append([]string{"check", "rules"}, files...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cases := filepath.Join(dir, "test.yml")
	harness.Must(t, os.WriteFile(cases, []byte("rule_files: [\""+strings.Join(files, `", "`)+"\"]\n"+rulesTest), 0o600))
	if out, err := exec.Command(harness.Tool(t, "promtool"), "test", "rules", cases).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
