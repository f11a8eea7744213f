package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"gatehouse/store/exposition"
	"gatehouse/store/upstream"
)

func gauge(name string, value float64) *dto.MetricFamily {
	kind := dto.MetricType_GAUGE
	return &dto.MetricFamily{Name: &name, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}
}

func TestAnImportTakesWhatIsValidAndLogsTheRest(t *testing.T) {
	var log strings.Builder
	a := New(options(t), slog.New(slog.NewTextHandler(&log, nil)))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	pushed := time.Unix(1_700_000_000, 0)
	n, err := a.importAll(t.Context(), []upstream.Grouping{
		{Labels: []exposition.Label{{Name: "job", Value: "good"}}, Families: []*dto.MetricFamily{gauge("a", 1)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "job", Value: "half"}}, Families: []*dto.MetricFamily{gauge("b", 2), gauge("bro\xffken", 3)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "job", Value: "twice"}}, Families: []*dto.MetricFamily{gauge("c", 4)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "instance"}, {Name: "job", Value: "twice"}}, Families: []*dto.MetricFamily{gauge("c", 5)}, Pushed: pushed.Add(time.Second)},
		{Labels: []exposition.Label{{Name: "instance", Value: "jobless"}}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "job", Value: "bad\xff"}}, Pushed: pushed},
	})
	if n != 3 || err != nil {
		t.Errorf("imported %d, %v, want 3", n, err)
	}
	_, text := do(t, "GET", "http://"+a.Addr()+"/metrics", "")
	for _, line := range []string{
		`a{instance="",job="good"} 1`,
		`b{instance="",job="half"} 2`,
		`c{instance="",job="twice"} 5`,
		`push_time_seconds{instance="",job="good"} 1.7e+09`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the scrape lacks %s:\n%s", line, text)
		}
	}
	for _, logged := range []string{`bro\xffken`, `pushed later`, `jobless`, `bad\xff`} {
		if !strings.Contains(log.String(), logged) {
			t.Errorf("nothing was logged about %q:\n%s", logged, &log)
		}
	}
}

func TestAnImportTakesTheNamesThatAPushMayHave(t *testing.T) {
	groupings := []upstream.Grouping{
		{Labels: []exposition.Label{{Name: "job", Value: "plain"}}, Families: []*dto.MetricFamily{gauge("a", 1), gauge("http.status", 2)}},
		{Labels: []exposition.Label{{Name: "job", Value: "zoned"}, {Name: "my.zone", Value: "z"}}, Families: []*dto.MetricFamily{gauge("c", 3)}},
	}
	for _, test := range []struct {
		args  []string
		count int
		held  string
	}{
		{nil, 2, "a http.status c"},
		{[]string{"--push.legacy-names"}, 1, "a"},
	} {
		a := start(t, test.args...)
		n, err := a.importAll(t.Context(), groupings)
		var held []string
		for g := range a.store.Picture().Groups() {
			for _, f := range g.Families() {
				held = append(held, f.Name)
			}
		}
		if n != test.count || err != nil || strings.Join(held, " ") != test.held {
			t.Errorf("with %q: imported %d with %q, %v; want %d with %s", test.args, n, held, err, test.count, test.held)
		}
	}
}

func TestAPersistenceFileIsImportedOnceAndNeverTouched(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics")
	content, err := os.ReadFile("../store/upstream/testdata/pushgateway-1.5.1.gob")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o400); err != nil {
		t.Fatal(err)
	}
	o := options(t, "--persistence.file="+file)
	a := startWith(t, o)
	before := a.store.Picture().Stats().Groupings
	if before == 0 {
		t.Fatal("nothing was imported")
	}
	for g := range a.store.Picture().Groups() {
		if status, _ := do(t, "DELETE", "http://"+a.Addr()+g.Key.Path(), ""); status != 202 {
			t.Fatalf("DELETE %s: %d", g.Key.Path(), status)
		}
	}
	stop(t, a)
	if again := startWith(t, o).store.Picture().Stats().Groupings; again != 0 {
		t.Errorf("%d groupings came back", again)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(content) {
		t.Errorf("the file was touched: %v", err)
	}
}

func TestAPersistenceFileThatIsAbsentIsNoError(t *testing.T) {
	start(t, "--persistence.file="+filepath.Join(t.TempDir(), "absent"))
}

func TestADamagedPersistenceFileIsAnErrorThatSaysHowToGoOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics")
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := New(options(t, "--persistence.file="+file), slog.New(slog.DiscardHandler))
	err := a.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "start without --persistence.file") {
		t.Errorf("got %v", err)
	}
}
