package push

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

// driven is a push client in another language, driven by a program of testdata.
type driven struct {
	command []string
	// arguments returns those of one call; nil: as scripts take them.
	arguments func(s *harness.Server, action, job string, grouping map[string]string, value int) []string
	// pushed is what the program's push leaves, less what every client leaves, and
	// lacks is a line of that which this one can't send.
	pushed, lacks string
	odd           string   // what it leaves besides, which only text can surely say
	env           []string // how it signs in, or what else it is to do; nil: nothing
}

func (d driven) run(t *testing.T, s *harness.Server, action, job string, grouping map[string]string, value int) {
	t.Helper()
	if out, err := d.try(t, s, action, job, grouping, value); err != nil || out != "" {
		t.Fatalf("%s %q %v: %v\n%s", action, job, grouping, err, out)
	}
}

func (d driven) try(t *testing.T, s *harness.Server, action, job string, grouping map[string]string, value int) (string, error) {
	t.Helper()
	key, err := json.Marshal(grouping)
	harness.Must(t, err)
	args := []string{action, s.URL, job, string(key), fmt.Sprint(value)}
	if d.arguments != nil {
		args = d.arguments(s, action, job, grouping, value)
	}
	cmd := exec.CommandContext(t.Context(), d.command[0], append(slices.Clone(d.command[1:]), args...)...)
	cmd.Env = append(os.Environ(), d.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// showsThatAPushIsTooLarge pushes 17 MB, which is refused while it is sent.
func (d driven) showsThatAPushIsTooLarge(t *testing.T) {
	s := harness.Start(t)
	if out, err := d.try(t, s, "huge", "x", nil, 0); err == nil || !strings.Contains(out, "413") {
		t.Errorf("%v\n%s\nwant an error with 413", err, harness.Tail(out))
	}
	s.Holds("")
}

// groupingCase is a grouping key, and the labels that it has on the server.
type groupingCase struct {
	name, job string
	grouping  map[string]string
	want      string
}

// common is what the scripts' push leaves in a grouping; value is 7.
const common = `
backup_bytes{table="a \"b\"\n\\ü",LABELS} 7
backup_bytes{table="",LABELS} +Inf
backups_total{LABELS} 7
backup_seconds_bucket{le="0.5",LABELS} 1
backup_seconds_bucket{le="1",LABELS} 1
backup_seconds_bucket{le="10",LABELS} 2
backup_seconds_bucket{le="+Inf",LABELS} 3
backup_seconds_sum{LABELS} 66.25
backup_seconds_count{LABELS} 3
backup_wait_seconds_sum{LABELS} 66.25
backup_wait_seconds_count{LABELS} 3
`

// pushesAddsAndDeletes walks through a client's calls for one grouping.
func (d driven) pushesAddsAndDeletes(t *testing.T, g groupingCase) {
	s := harness.Start(t)
	s.Put("/metrics/job/bystander", "rest 1\n")
	const rest = "rest{instance=\"\",job=\"bystander\"} 1\n"
	labelled := func(lines string) string { return strings.ReplaceAll(lines, "LABELS", g.want) }
	all := labelled(strings.Replace(common, "\n"+d.lacks+"\n", "\n", 1)+d.pushed) + rest

	d.run(t, s, "add", g.job, g.grouping, 1)
	d.run(t, s, "push", g.job, g.grouping, 7)
	odd := harness.Samples(t, harness.AcceptText, labelled(d.odd))
	besides := func(line string) bool { return isCreated(line) || slices.Contains(odd, line) }
	s.HoldsBut(all, besides)
	held := s.Pushed()
	for _, line := range odd {
		if !slices.Contains(held, line) {
			t.Errorf("%s is missing", line)
		}
	}
	d.run(t, s, "add", g.job, g.grouping, 3)
	s.HoldsBut(all+labelled("last_success{LABELS} 3\n"), besides)
	d.run(t, s, "delete", g.job, g.grouping, 0)
	d.run(t, s, "delete", g.job, g.grouping, 0)
	s.Holds(rest)
}

// isCreated reports whether a line is the time at which the Python client made
// a metric.
func isCreated(line string) bool {
	name, _, _ := strings.Cut(line, "{")
	return strings.HasSuffix(name, "_created")
}

func pythonClient(t *testing.T) driven {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import prometheus_client").CombinedOutput(); err != nil {
		harness.Missing(t, fmt.Sprintf("Debian's python3-prometheus-client is not installed (.ci/setup installs it): %v %s", err, out))
	}
	return driven{command: []string{python, "testdata/push.py"}, pushed: `
backup_info{version="1.2",LABELS} 1
backup_state{backup_state="idle",LABELS} 0
backup_state{backup_state="busy",LABELS} 1
`}
}

func nodeClient(t *testing.T) driven {
	t.Helper()
	node := harness.Tool(t, "node")
	if _, err := os.Stat(filepath.Join(harness.Root, "node_modules", "prom-client")); err != nil {
		harness.Missing(t, "prom-client is not installed (npm ci installs it)")
	}
	return driven{command: []string{node, "testdata/push.js"}, pushed: "backup_wait_seconds{quantile=\"0.5\",LABELS} 2\n"}
}

func TestClientsShowThatAPushIsTooLarge(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]func(*testing.T) driven{"python": pythonClient, "node": nodeClient, "perl": perlClient, "c++": cppClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client(t).showsThatAPushIsTooLarge(t)
		})
	}
}

func TestThePythonClientPushesAddsAndDeletes(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Python)
	client := pythonClient(t)
	// The client sends a space as a plus.
	for _, g := range []groupingCase{
		{"no labels but the job", "py", nil, `instance="",job="py"`},
		{"spaces", "my job", map[string]string{"instance": "db 1"}, `instance="db+1",job="my+job"`},
		{"slashes", "a/b", map[string]string{"instance": "", "path": "/var/tmp/"}, `instance="",job="a/b",path="/var/tmp/"`},
		{"empty values", "py", map[string]string{"instance": "i", "zone": ""}, `instance="i",job="py"`},
		{"signs", "50%", map[string]string{"instance": "10.0.0.1:9100", "e": "a=b&c?d#e"}, `e="a=b&c?d#e",instance="10.0.0.1:9100",job="50%"`},
		{"unicode", "größe", map[string]string{"instance": "日本/"}, `instance="日本/",job="größe"`},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			client.pushesAddsAndDeletes(t, g)
		})
	}
}

func TestTheNodeClientPushesAddsAndDeletes(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Node)
	client := nodeClient(t)
	for _, g := range []groupingCase{
		{"no labels but the job", "js", nil, `instance="",job="js"`},
		{"spaces", "my job", map[string]string{"instance": "db 1"}, `instance="db 1",job="my job"`},
		{"slashes, sent as %2F", "a/b", map[string]string{"path": "/var/tmp/"}, `instance="",job="a/b",path="/var/tmp/"`},
		{"an empty value in the middle, sent as //", "js", map[string]string{"zone": "", "instance": "i"}, `instance="i",job="js"`},
		{"an empty value at the end, sent as a slash", "js", map[string]string{"instance": "i", "zone": ""}, `instance="i",job="js"`},
		{"signs", "50%", map[string]string{"instance": "10.0.0.1:9100", "e": "a=b&c?d#e+f"}, `e="a=b&c?d#e+f",instance="10.0.0.1:9100",job="50%"`},
		{"dots", "js", map[string]string{"instance": "a..b"}, `instance="a..b",job="js"`},
		{"unicode", "größe", map[string]string{"instance": "日本/"}, `instance="日本/",job="größe"`},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			client.pushesAddsAndDeletes(t, g)
		})
	}
}

func perlClient(t *testing.T) driven {
	t.Helper()
	const perl = "/usr/bin/perl" // Debian's, which has Debian's packages
	if out, err := exec.CommandContext(t.Context(), perl, "-MNet::Prometheus", "-e", "1").CombinedOutput(); err != nil {
		harness.Missing(t, fmt.Sprintf("Debian's libnet-prometheus-perl is not installed (.ci/setup installs it): %v %s", err, out))
	}
	return driven{
		command: []string{perl, "testdata/push.pl"},
		lacks:   `backup_bytes{table="",LABELS} +Inf`,
		pushed:  "backup_bytes{table=\"all\",LABELS} +Inf\n",
	}
}

// compiled is the program that drives the C++ client.
var compiled = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(harness.Binary), "push-cpp")
	out, err := exec.Command("g++", "-o", program, "testdata/push.cpp", "-lprometheus-cpp-push", "-lprometheus-cpp-core").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return program, err
})

func cppClient(t *testing.T) driven {
	t.Helper()
	if _, err := os.Stat("/usr/include/prometheus/gateway.h"); err != nil {
		harness.Missing(t, "prometheus-cpp-dev is not installed (.ci/setup installs it)")
	}
	harness.Tool(t, "g++")
	program, err := compiled()
	harness.Must(t, err)
	return driven{command: []string{program}, arguments: func(s *harness.Server, action, job string, grouping map[string]string, value int) []string {
		host, port, _ := strings.Cut(s.Addr, ":")
		args := []string{action, host, port, job, fmt.Sprint(value)}
		for name, value := range grouping {
			args = append(args, name, value)
		}
		return args
	}}
}

func TestThePerlClientsMetricsArePushedAddedAndDeleted(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Perl)
	client := perlClient(t)
	for _, g := range []groupingCase{
		{"no labels but the job", "pl", nil, `instance="",job="pl"`},
		{"signs", "50% a/b", map[string]string{"instance": "日本/", "e": ""}, `instance="日本/",job="50% a/b"`},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			client.pushesAddsAndDeletes(t, g)
		})
	}
}

func TestTheCppClientPushesAddsAndDeletes(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Cpp)
	client := cppClient(t)
	// The client encodes nothing but what is not ASCII.
	for _, g := range []groupingCase{
		{"no labels but the job", "cpp", nil, `instance="",job="cpp"`},
		{"signs and unicode", "größe", map[string]string{"instance": "10.0.0.1:9100", "e": "a=b&c+d"}, `e="a=b&c+d",instance="10.0.0.1:9100",job="größe"`},
		{"encoded by hand", "my%20job", map[string]string{"path": "%2Fvar%2Ftmp%2F"}, `instance="",job="my job",path="/var/tmp/"`},
		{"an empty value at the end, sent as a slash", "cpp", map[string]string{"instance": "i", "zone": ""}, `instance="i",job="cpp"`},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			client.pushesAddsAndDeletes(t, g)
		})
	}
}

func TestClientsPushOpenMetrics(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]func(*testing.T) driven{"python, by hand": pythonClient, "node, without a content type": nodeClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := client(t)
			d.env = []string{"PUSH_FORMAT=openmetrics"}
			d.pushesAddsAndDeletes(t, groupingCase{name, "om", map[string]string{"instance": "i"}, `instance="i",job="om"`})

			s := harness.Start(t)
			d.run(t, s, "push", "om", nil, 7)
			text := s.Want(200, "GET", "/metrics", "", "Accept", harness.AcceptText).Body
			for _, line := range []string{
				"# TYPE backup_bytes gauge\n", "# TYPE backups_total counter\n", "# HELP backups_total Backups so far.\n",
				"# TYPE backup_seconds histogram\n", "# TYPE backup_wait_seconds summary\n",
			} {
				if !strings.Contains(text, line) {
					t.Errorf("%q is not in the scrape", line)
				}
			}
		})
	}
}
