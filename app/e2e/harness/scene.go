package harness

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"
)

// The shape in which the Pushgateway keeps groupings, which is the one way to
// bring in old ones.
type (
	keptGroup struct {
		Labels  map[string]string
		Metrics map[string]keptFamily
	}
	keptFamily struct {
		Timestamp            time.Time
		GobbableMetricFamily keptMessage
	}
	keptMessage struct{ *dto.MetricFamily }
)

func (m keptMessage) GobEncode() ([]byte, error) { return proto.Marshal(m.MetricFamily) }

// Scene is what a company's jobs might have pushed, some of it long ago.
type Scene struct {
	t      *testing.T
	groups map[string]keptGroup
}

// NewScene makes an empty one.
func NewScene(t *testing.T) *Scene { return &Scene{t, map[string]keptGroup{}} }

// Keep adds a grouping that was pushed some time ago, with its metrics as text.
func (s *Scene) Keep(past time.Duration, metrics string, labels ...string) {
	s.t.Helper()
	g := keptGroup{Labels: map[string]string{}, Metrics: map[string]keptFamily{}}
	for i := 0; i < len(labels); i += 2 {
		g.Labels[labels[i]] = labels[i+1]
	}
	pushed := float64(time.Now().Add(-past).Unix())
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(
		fmt.Sprintf("%s# TYPE push_time_seconds gauge\npush_time_seconds %f\n", metrics, pushed)))
	Must(s.t, err)
	for name, f := range families {
		g.Metrics[name] = keptFamily{time.Now().Add(-past), keptMessage{f}}
	}
	s.groups[strings.Join(labels, "\xff")] = g
}

// Write writes the scene into a file that the server imports.
func (s *Scene) Write() (file string) {
	s.t.Helper()
	var b bytes.Buffer
	Must(s.t, gob.NewEncoder(&b).Encode(s.groups))
	file = filepath.Join(s.t.TempDir(), "metrics")
	Must(s.t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

// StartScene runs a server that holds a scene: 37 groupings of ten jobs, of
// every state.
func StartScene(t *testing.T, args ...string) *Server {
	t.Helper()
	s := NewScene(t)
	for i, host := range []string{"db-1:9100", "db-2:9100", "db-3:9100", "db-4:9100"} {
		for j, env := range []string{"prod", "staging"} {
			past := time.Duration(7+13*i+40*j) * time.Minute
			s.Keep(past, backupMetrics(past, 40+7*i), "job", "backup", "instance", host, "env", env)
		}
	}
	for i, region := range []string{"eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-south-1", "ap-northeast-1"} {
		for j, table := range []string{"orders", "customers", "events"} {
			past := time.Duration(3+11*i+29*j) * time.Minute
			if j == 2 {
				past += 2 * time.Hour
			}
			s.Keep(past, etlMetrics(1000*(i+2)*(j+3)), "job", "etl", "region", region, "table", table)
		}
	}
	for i, domain := range []string{"shop.example", "api.example", "mail.example", "old.example"} {
		past := time.Duration(1+i*i*9) * time.Hour
		s.Keep(past, fmt.Sprintf("# HELP certificate_not_after_timestamp_seconds When the certificate ends.\n# TYPE certificate_not_after_timestamp_seconds gauge\ncertificate_not_after_timestamp_seconds %d\n", time.Now().Add(time.Duration(60-20*i)*24*time.Hour).Unix()),
			"job", "certificate-renewal", "domain", domain)
	}
	s.Keep(41*24*time.Hour, "# TYPE migrated_rows_total counter\nmigrated_rows_total 1.2e+07\n", "job", "billing-migration", "step", "copy")
	s.Keep(41*24*time.Hour, "# TYPE migrated_rows_verified_total counter\nmigrated_rows_verified_total 1.2e+07\n", "job", "billing-migration", "step", "verify")
	s.Keep(9*time.Hour, "# TYPE report_rows gauge\nreport_rows 18234\n", "job", "nightly-report")
	s.Keep(26*time.Hour, "# TYPE reindex_duration_seconds gauge\nreindex_duration_seconds 1834.2\n", "job", "search-reindex", "index", "products")
	s.Keep(2*time.Minute, "# TYPE training_loss gauge\ntraining_loss{epoch=\"17\"} 0.0831\n# TYPE training_accuracy gauge\ntraining_accuracy{epoch=\"17\"} 0.971\n", "job", "ml-training", "model", "recommender-v4", "instance", "gpu-7")
	s.Keep(31*time.Minute, "# TYPE vacuumed_bytes_total counter\nvacuumed_bytes_total 8.81e+09\n", "job", "db-vacuum", "instance", "db-1:9100")
	s.Keep(50*time.Second, "# TYPE invoices_sent_total counter\ninvoices_sent_total{currency=\"EUR\"} 1281\ninvoices_sent_total{currency=\"USD\"} 402\n", "job", "invoice-run")
	server := Start(t, append([]string{"--persistence.file=" + s.Write()}, args...)...)
	// What was good yesterday is refused today.
	server.Want(400, "PUT", "/metrics/job/nightly-report", "report_rows 18234\nreport_rows 18235\n")
	server.Want(400, "PUT", "/metrics/job/backup/instance/db-3:9100/env/prod", "# TYPE backup_size_bytes counter\nbackup_size_bytes 3\n")
	server.Put("/metrics/job/invoice-run", "# TYPE invoices_sent_total counter\ninvoices_sent_total{currency=\"EUR\"} 1282\ninvoices_sent_total{currency=\"USD\"} 402\n")
	return server
}

// backupMetrics are those of a backup that ended so long ago.
func backupMetrics(past time.Duration, scale int) string {
	var b strings.Builder
	b.WriteString("# HELP backup_duration_seconds How long the parts of a backup took.\n# TYPE backup_duration_seconds histogram\n")
	total := 0
	for i, bound := range []string{"0.5", "1", "2.5", "5", "10", "30", "60", "120", "+Inf"} {
		total += int(float64(scale) * math.Exp(-math.Pow(float64(i)-3.4, 2)/4))
		fmt.Fprintf(&b, "backup_duration_seconds_bucket{le=%q} %d\n", bound, total)
	}
	fmt.Fprintf(&b, "backup_duration_seconds_sum %.1f\nbackup_duration_seconds_count %d\n", 6.3*float64(total), total)
	fmt.Fprintf(&b, "# HELP backup_last_success_timestamp_seconds When a backup last ended well.\n# TYPE backup_last_success_timestamp_seconds gauge\nbackup_last_success_timestamp_seconds %d\n", time.Now().Add(-past-time.Minute).Unix())
	fmt.Fprintf(&b, "# HELP backup_size_bytes What a backup takes.\n# TYPE backup_size_bytes gauge\nbackup_size_bytes{kind=\"full\"} %d\nbackup_size_bytes{kind=\"incremental\"} %d\n", scale*97_341_211, scale*1_203_977)
	fmt.Fprintf(&b, "# HELP backup_files_total Files that were looked at.\n# TYPE backup_files_total counter\nbackup_files_total{result=\"copied\"} %d\nbackup_files_total{result=\"unchanged\"} %d\nbackup_files_total{result=\"failed\"} 0\n", scale*311, scale*90_114)
	fmt.Fprintf(&b, "# HELP backup_request_duration_seconds Requests to the object store.\n# TYPE backup_request_duration_seconds summary\nbackup_request_duration_seconds{quantile=\"0.5\"} 0.031\nbackup_request_duration_seconds{quantile=\"0.9\"} 0.094\nbackup_request_duration_seconds{quantile=\"0.99\"} 0.71\nbackup_request_duration_seconds_sum %d\nbackup_request_duration_seconds_count %d\n", scale*12, scale*311)
	return b.String()
}

func etlMetrics(rows int) string {
	return fmt.Sprintf("# HELP etl_rows_total Rows that were moved.\n# TYPE etl_rows_total counter\netl_rows_total{result=\"ok\"} %d\netl_rows_total{result=\"rejected\"} %d\n"+
		"# HELP etl_duration_seconds How long the last run took.\n# TYPE etl_duration_seconds gauge\netl_duration_seconds %.2f\n", rows, rows/713, float64(rows)/917)
}
