package app

import (
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"gatehouse/app/config"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/upstream"
)

func gauge(name string, value float64) upstream.Family {
	kind := dto.MetricType_GAUGE
	return family(&dto.MetricFamily{Name: &name, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}})
}

func family(mf *dto.MetricFamily) upstream.Family {
	message, err := proto.Marshal(mf)
	if err != nil {
		panic(err)
	}
	return upstream.Family{Name: mf.GetName(), Message: message}
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
		{Labels: []exposition.Label{{Name: "job", Value: "good"}}, Families: []upstream.Family{gauge("a", 1)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "job", Value: "half"}}, Families: []upstream.Family{gauge("b", 2), gauge("bro\xffken", 3)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "job", Value: "twice"}}, Families: []upstream.Family{gauge("c", 4)}, Pushed: pushed},
		{Labels: []exposition.Label{{Name: "instance"}, {Name: "job", Value: "twice"}}, Families: []upstream.Family{gauge("c", 5)}, Pushed: pushed.Add(time.Second)},
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
	for _, logged := range []string{`bro\xffken`, `pushed later`, `jobless`, `bad\\xff`} {
		if !strings.Contains(log.String(), logged) {
			t.Errorf("nothing was logged about %q:\n%s", logged, &log)
		}
	}
}

func TestAnImportHoldsAGroupingToTheRulesOfAPush(t *testing.T) {
	renamed := func(f upstream.Family, name string) upstream.Family { f.Name = name; return f }
	var many []upstream.Family
	for i := range 2 * maxRivals {
		many = append(many, renamed(gauge("m", 1), fmt.Sprint("m", i)))
	}
	count := uint64(1)
	histogram := family(&dto.MetricFamily{Name: proto.String("h"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{Histogram: &dto.Histogram{SampleCount: &count, SampleSum: proto.Float64(1)}}}})
	for name, test := range map[string]struct {
		families []upstream.Family
		held     string
		refused  string
		leftOut  string
	}{
		"not in the order of their names": {[]upstream.Family{renamed(gauge("z", 1), "a"), renamed(gauge("a", 1), "b")}, "a z", "", ""},
		"one twice":                       {[]upstream.Family{gauge("a", 1), renamed(gauge("a", 2), "b"), gauge("c", 1)}, "a c", "b: ", ""},
		"the same once escaped":           {[]upstream.Family{gauge("a.b", 1), gauge("a_b", 1), gauge("c", 1)}, "a.b c", "a_b: ", ""},
		"a histogram that overlaps":       {[]upstream.Family{histogram, gauge("h_count", 1)}, "h", "h_count: ", ""},
		"too many against others":         {many, "", "", "duplicated"},
		"the server's own":                {[]upstream.Family{gauge("push_time_seconds", 1), gauge("a", 1)}, "a", "", ""},
		"without metrics":                 {[]upstream.Family{family(&dto.MetricFamily{Name: proto.String("e")}), gauge("a", 1)}, "a", "", ""},
		"a name without end":              {[]upstream.Family{gauge(strings.Repeat("n", 1<<20), 1), gauge("a", 1)}, "a", strings.Repeat("n", maxTold) + "…: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			told, err := a.takeIn([]upstream.Grouping{{Labels: []exposition.Label{{Name: "job", Value: "x"}}, Families: test.families}},
				func(arrivals iter.Seq[store.Arrival]) ([]error, error) {
					return a.store.Import(t.Context(), arrivals, "", store.Origin{})
				})
			if err != nil || len(told) != 1 || (told[0].LeftOut == nil) != (test.leftOut == "") || told[0].LeftOut != nil && !strings.Contains(told[0].LeftOut.Error(), test.leftOut) {
				t.Fatalf("%+v, %v", told, err)
			}
			var held, refused string
			for g := range a.store.Snapshot().Groupings() {
				for _, f := range g.Families() {
					held += f.Name + " "
				}
			}
			for _, f := range told[0].Refused {
				refused += f.Family + ": "
			}
			if strings.TrimSpace(held) != test.held || refused != test.refused {
				t.Errorf("held %q, refused %q", held, refused)
			}
			if _, text := do(t, "GET", "http://"+a.Addr()+"/metrics", ""); strings.Count(text, "\na{") > 1 {
				t.Errorf("a series twice in\n%s", text)
			}
		})
	}
}

func TestAnAnswerAboutAnImportIsBounded(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	got := selector(upstream.Grouping{Labels: []exposition.Label{{Name: long, Value: long}, {Name: "job", Value: long}}})
	if len(got) > 2*maxTold || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestAnImportTakesTheNamesThatAPushMayHave(t *testing.T) {
	groupings := []upstream.Grouping{
		{Labels: []exposition.Label{{Name: "job", Value: "plain"}}, Families: []upstream.Family{gauge("a", 1), gauge("http.status", 2)}},
		{Labels: []exposition.Label{{Name: "job", Value: "zoned"}, {Name: "my.zone", Value: "z"}}, Families: []upstream.Family{gauge("c", 3)}},
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
		for g := range a.store.Snapshot().Groupings() {
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
	content, err := os.ReadFile(debianFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o400); err != nil {
		t.Fatal(err)
	}
	o := options(t, "--persistence.file="+file)
	a := startWith(t, o)
	before := a.store.Snapshot().Stats().Groupings
	if before == 0 {
		t.Fatal("nothing was imported")
	}
	for g := range a.store.Snapshot().Groupings() {
		if status, _ := do(t, "DELETE", "http://"+a.Addr()+g.Key.Path(), ""); status != 202 {
			t.Fatalf("DELETE %s: %d", g.Key.Path(), status)
		}
	}
	stop(t, a)
	if again := startWith(t, o).store.Snapshot().Stats().Groupings; again != 0 {
		t.Errorf("%d groupings came back", again)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(content) {
		t.Errorf("the file was touched: %v", err)
	}
}

// logged starts a server and returns it with what it logged.
func logged(t *testing.T, o config.Options) (*App, string) {
	t.Helper()
	var log strings.Builder
	a := New(o, slog.New(slog.NewTextHandler(&log, nil)))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a, log.String()
}

// late has a server that was in use find a persistence file, and returns what it
// logs then and holds.
func late(t *testing.T, use func(a *App), file string) (log string, held []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "metrics")
	o := options(t, "--persistence.file="+path)
	a := startWith(t, o)
	use(a)
	stop(t, a)
	content, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a, log = logged(t, o)
	for g := range a.store.Snapshot().Groupings() {
		held = append(held, g.Key.String())
	}
	return log, held
}

// warnings counts those about a persistence file.
func warnings(log string) int {
	return strings.Count(log, "level=WARN msg=\"The persistence file") + strings.Count(log, "level=WARN msg=\"There is no persistence file")
}

const debianFile = "../store/upstream/testdata/pushgateway-1.5.1.gob"

func TestAFileThatComesLateReplacesNoPush(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.WriteFile(damaged, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	push := func(paths ...string) func(*App) {
		return func(a *App) {
			for _, path := range paths {
				if status, text := do(t, "PUT", "http://"+a.Addr()+path, "mine 1\n"); status != 200 {
					t.Fatalf("%d %s", status, text)
				}
			}
		}
	}
	const backup = "/metrics/job/backup/instance/a:9100"
	for name, test := range map[string]struct {
		use  func(*App)
		file string
		log  string
		held int
	}{
		"nothing was pushed": {func(*App) {}, debianFile, "Imported the persistence file", 6},
		"another grouping":   {push("/metrics/job/mine"), debianFile, "6 groupings of the file are not held", 1},
		"the same grouping":  {push(backup), debianFile, "5 groupings of the file are not held", 1},
		"what was deleted again": {func(a *App) {
			push(backup)(a)
			do(t, "DELETE", "http://"+a.Addr()+backup, "")
		}, debianFile, "6 groupings of the file are not held", 0},
		"a damaged file": {push(backup), damaged, "cannot be compared", 1},
	} {
		t.Run(name, func(t *testing.T) {
			log, held := late(t, test.use, test.file)
			if !strings.Contains(log, test.log) || len(held) != test.held || warnings(log) > 1 {
				t.Errorf("holds %q, and logged\n%s\nwant %d and %s", held, log, test.held, test.log)
			}
		})
	}
}

func TestAnImportThatWasCutShortGoesOnUnlessTheStoreWasServed(t *testing.T) {
	for name, test := range map[string]struct {
		between bool // the store was served
		file    string
		log     string
		held    int
	}{
		"at once":           {false, "", "Imported the persistence file", 6},
		"without the flag":  {true, "", "6 groupings of the file are not held", 0},
		"with a file amiss": {true, "/nowhere/metrics", "6 groupings of the file are not held", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			a := New(o, slog.New(slog.DiscardHandler))
			if err := a.openStore(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.store.BeginImport(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.closeStore(); err != nil {
				t.Fatal(err)
			}
			if o.PersistenceFile = test.file; test.between {
				stop(t, startWith(t, o))
			}
			o.PersistenceFile = debianFile
			a, log := logged(t, o)
			if n := a.store.Snapshot().Stats().Groupings; n != test.held || !strings.Contains(log, test.log) {
				t.Errorf("holds %d, and logged\n%s\nwant %d and %s", n, log, test.held, test.log)
			}
		})
	}
}

func TestAnImportedFileIsLoggedAgainOnlyIfItHasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics")
	content, err := os.ReadFile(debianFile)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	o := options(t, "--persistence.file="+path)
	a := startWith(t, o)
	do(t, "DELETE", "http://"+a.Addr()+"/metrics/job/backup/instance/a:9100", "")
	stop(t, a)
	a, log := logged(t, o)
	stop(t, a)
	if warnings(log) > 0 || !strings.Contains(log, "was imported earlier") {
		t.Errorf("of the same file it logged\n%s", log)
	}
	write(append(content, 0)) // which is not read
	a, log = logged(t, o)
	stop(t, a)
	if !strings.Contains(log, "1 grouping of the file is not held") {
		t.Errorf("of another file it logged\n%s", log)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, log = logged(t, o); warnings(log) > 0 {
		t.Errorf("of the file that is gone it logged\n%s", log)
	}
}

func TestAnImportKeepsWhenFamiliesWerePushed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics")
	content, err := os.ReadFile(debianFile)
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a := startWith(t, options(t, "--persistence.file="+file))
	_, text := do(t, "GET", "http://"+a.Addr()+"/api/v1/metrics", "")
	for _, family := range []string{`"jobs_total":{"time_stamp":"2026-11-22T20:50:11.186267339Z"`, `"ok":{"time_stamp":"2026-11-22T20:50:11.284659902Z"`} {
		if !strings.Contains(text, family) {
			t.Errorf("%s is not in\n%s", family, text)
		}
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
