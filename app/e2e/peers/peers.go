// Package peers has the programs that speak to Gatehouse in the end-to-end tests,
// and writes the page of the documentation that lists them.
package peers

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gatehouse/app/e2e/harness"
)

// Peer is a program that speaks to Gatehouse in a test, and a row of a page of
// the documentation.
type Peer struct {
	tests string // the package whose tests run it
	table string // the heading that its table has
	name  string
	know  string // notes for its users, in Markdown
	// version reports the one that is installed.
	version func() (string, error)
	apart   bool // only go tool task clients runs it
}

// Their order is that of the page.
var peers = []*Peer{Curl, Go, VictoriaMetrics, Hashicorp, Python, Node, Cpp, Perl, Java, Prometheus, Parser, Reference, Nginx, HAProxy}

const (
	pushClients = "Push clients"
	scrapers    = "Scrapers"
	proxies     = "Proxies"
)

// The packages that run peers, each with Settle at its end.
const (
	InPush   = "push"
	InScrape = "scrape"
)

// A test says with Runs whose it is.
var (
	Curl = &Peer{
		tests: InPush, table: pushClients, name: "curl", version: printed(`curl (\S+)`, "curl", "--version"),
		know: "Push files with `--data-binary @file`: `-d @file` joins the lines, which is refused.",
	}
	Go = &Peer{
		tests: InPush, table: pushClients, name: "Go, client_golang", version: module("github.com/prometheus/client_golang"),
		know: "Protobuf by default; text and OpenMetrics by `Format`, the latter without `# EOF`. Names with dots and the like are sent with `_`, unless the format has `WithEscapingScheme(model.NoEscaping)`. A space in a label of the path arrives as `+`.",
	}
	VictoriaMetrics = &Peer{
		tests: InPush, table: pushClients, name: "Go, VictoriaMetrics/metrics", version: module("github.com/VictoriaMetrics/metrics"),
		know: "Pushes with GET by default, which is refused: set `PushOptions.Method` to `PUT` or `POST`. Its own histograms have `vmrange` instead of `le`, so `histogram_quantile` can't read them: use `NewPrometheusHistogram`. It sends no types unless `metrics.ExposeMetadata(true)` was called; a family without a type is refused while another grouping holds it with one.",
	}
	Hashicorp = &Peer{
		tests: InPush, table: pushClients, name: "Go, hashicorp/go-metrics", version: module("github.com/hashicorp/go-metrics"),
		know: "`NewPrometheusPushSink` replaces the grouping of its job at each interval and on `Shutdown`. It can't set other labels of the path.",
	}
	Python = &Peer{
		tests: InPush, table: pushClients, name: "Python, prometheus_client", version: debian("python3-prometheus-client"),
		know: "Text. OpenMetrics can be rendered with `prometheus_client.openmetrics.exposition` and sent by hand. Older versions send a space in a label of the path as `+`. Its `_created` series are kept as gauges.",
	}
	Node = &Peer{
		tests: InPush, table: pushClients, name: "Node.js, prom-client", version: npm("prom-client"),
		know: "Sends no content type. A push of an OpenMetrics registry is recognised by its `# EOF`.",
	}
	Cpp = &Peer{
		tests: InPush, table: pushClients, name: "C++, prometheus-cpp", version: debian("prometheus-cpp-dev"),
		know: "`Push` sends POST, which merges, and `PushAdd` sends PUT, which replaces. Labels of the path are sent as they are: percent-encode spaces, `/`, `?`, `#` and `%` yourself. A HELP text must not have line ends.",
	}
	Perl = &Peer{
		tests: InPush, table: pushClients, name: "Perl, Net::Prometheus", version: debian("libnet-prometheus-perl"),
		know: "Renders text and can't push: send it with HTTP::Tiny, encoded as UTF-8. It refuses label values that are empty.",
	}
	Java = &Peer{
		tests: InPush, table: pushClients, name: "Java, as its clients send", version: printed(`"([^"]+)"`, "java", "-version"), apart: true,
		know: "Not the libraries themselves: a program on `HttpURLConnection` sends the requests that prometheus-metrics-exporter-pushgateway (protobuf and text) and simpleclient_pushgateway send, and bodies like those of Micrometer. The version is Java's.",
	}

	Prometheus = &Peer{
		tests: InScrape, table: scrapers, name: "Prometheus", version: printed(`version (\S+)`, "prometheus", "--version"),
		know: "Set `honor_labels: true`. It scrapes everything at once, and each grouping that `http_sd_configs` finds at `/api/v1/targets`.",
	}
	Parser = &Peer{
		tests: InPush, table: scrapers, name: "Prometheus 3, its parsers", version: module("github.com/prometheus/prometheus"),
		know: "As a Go library: 0.316 is Prometheus 3.16. Every push test reads text and OpenMetrics with it.",
	}
	Reference = &Peer{
		tests: InPush, table: scrapers, name: "OpenMetrics reference parser", version: debian("python3-prometheus-client"),
		know: "The one of Python's prometheus_client, which is stricter than Prometheus.",
	}

	Nginx = &Peer{
		tests: InScrape, table: proxies, name: "nginx", version: printed(`nginx/(\S+)`, "/usr/sbin/nginx", "-v"),
		know: "Works with a bare `proxy_pass http://HOST:PORT;` without a path, which speaks HTTP/1.0 to Gatehouse. It refuses pushes above 1 MB until `client_max_body_size` is raised. Targets have its upstream's address unless it passes on the `Host`.",
	}
	HAProxy = &Peer{
		tests: InScrape, table: proxies, name: "HAProxy", version: printed(`version (\S+)`, "/usr/sbin/haproxy", "-v"),
		know: "Works with `mode http` and timeouts. It passes on `Host` and `Expect: 100-continue`.",
	}
)

// printed reports what a program writes about its version.
func printed(pattern, program string, args ...string) func() (string, error) {
	return func() (string, error) {
		out, err := exec.Command(program, args...).CombinedOutput()
		found := regexp.MustCompile(pattern).FindSubmatch(out)
		if err != nil {
			return "", fmt.Errorf("%s: %w", program, err)
		}
		if found == nil {
			return "", fmt.Errorf("%s names no version: %.200s", program, out)
		}
		return upstream(string(found[1])), nil
	}
}

func module(path string) func() (string, error) {
	return printed(`v(\S+)`, "go", "list", "-m", "-f", "{{.Version}}", path)
}

func debian(name string) func() (string, error) {
	return printed(`(\S+)`, "dpkg-query", "-W", "-f", "${Version}", name)
}

func npm(name string) func() (string, error) {
	return func() (string, error) {
		var of struct{ Version string }
		b, err := os.ReadFile(filepath.Join(harness.Root, "node_modules", name, "package.json"))
		if err == nil {
			err = json.Unmarshal(b, &of)
		}
		return of.Version, err
	}
}

// upstream returns a version without what Debian adds to it.
func upstream(version string) string {
	version, _, _ = strings.Cut(version, "-")
	version, _, _ = strings.Cut(version, "+")
	return version
}

// met holds the peers that have passed a test.
var met sync.Map

// Runs notes that a test is one of a peer, once the test has passed.
func Runs(t *testing.T, p *Peer) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() && !t.Skipped() {
			met.Store(p, true)
		}
	})
}

// unmet lists the peers that no test of their package has run.
func unmet(tests string, apart bool) (names []string) {
	for _, p := range peers {
		if _, ok := met.Load(p); !ok && p.tests == tests && (apart || !p.apart) {
			names = append(names, p.name)
		}
	}
	return names
}

var worksWith = filepath.Join(harness.Root, "views", "docs", "works-with.md")

// Rewriting reports that go tool task clients runs the tests.
func Rewriting() bool { return os.Getenv("WRITE_WORKS_WITH") != "" }

// Settle returns what a package has to do after its tests, with their exit code: it
// holds its peers against the tests that ran, and writes the page when it is to be
// written. A run of some tests proves nothing.
func Settle(tests string) func(code int) error {
	return func(code int) error {
		all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
		switch {
		case code != 0:
			return nil
		case Rewriting():
			return rewriteWorksWith(tests)
		case all && os.Getenv("CI") == "true" && len(unmet(tests, false)) > 0:
			return fmt.Errorf("the page Works with lists what no test runs: %s", strings.Join(unmet(tests, false), ", "))
		default:
			return nil
		}
	}
}

// rewriteWorksWith writes the page's tables anew. Peers of other packages keep the
// version that the page has, which is why no two packages may write at a time.
func rewriteWorksWith(tests string) error {
	if names := unmet(tests, true); len(names) > 0 {
		return fmt.Errorf("no test has run %s", strings.Join(names, ", "))
	}
	page, err := os.ReadFile(worksWith)
	if err != nil {
		return err
	}
	for _, heading := range []string{pushClients, scrapers, proxies} {
		rows, err := table(heading, func(p *Peer) (string, error) {
			if p.tests != tests {
				return listedVersion(page, p), nil
			}
			return p.version()
		})
		if err != nil {
			return err
		}
		at := tableBelow(heading).FindSubmatchIndex(page)
		if at == nil {
			return fmt.Errorf("%s has no table below %q", worksWith, heading)
		}
		page = append(page[:at[2]:at[2]], append([]byte(rows), page[at[3]:]...)...)
	}
	return os.WriteFile(worksWith, page, 0o600)
}

// listedVersion is the version that the page has for a peer, "" if it does not list
// it yet.
func listedVersion(page []byte, p *Peer) string {
	row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(p.name) + ` \| (.*?) \|`).FindSubmatch(page)
	if row == nil {
		return ""
	}
	return string(row[1])
}

func tableBelow(heading string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^## ` + heading + `\n\n((?:\|.*\n)+)`)
}

func table(heading string, version func(*Peer) (string, error)) (string, error) {
	var b strings.Builder
	b.WriteString("| what | version | what to know |\n| --- | --- | --- |\n")
	for _, p := range peers {
		if p.table != heading {
			continue
		}
		v, err := version(p)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.name, v, p.know)
	}
	return b.String(), nil
}
