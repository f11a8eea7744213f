package targets_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/telemetry"
)

// scraperRows are the rows of the list of scrapers, as text.
func scraperRows(s *handlertest.Server, headers ...string) []string {
	s.T.Helper()
	l := s.List("targets?view=scrapers", headers...)
	var rows []string
	for _, table := range handlertest.FindAll(l.Root, handlertest.HasClass("scrapers")) {
		for _, row := range handlertest.FindAll(handlertest.FindAll(table, handlertest.HasTag("tbody"))[0], handlertest.HasTag("tr")) {
			var cells []string
			for _, cell := range handlertest.FindAll(row, func(n *html.Node) bool { return n.Data == "th" || n.Data == "td" }) {
				cells = append(cells, apart(cell))
			}
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	return rows
}

// apart is the text below a node, each part of it on its own.
func apart(n *html.Node) string {
	var parts []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			parts = append(parts, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(parts, " ")
}

// measured is what differs from time to time.
var measured = regexp.MustCompile(`\| (now|\d+ s ago) \||[\d.]+ (µs|ms|s) \||[\d.]+ k?B`)

func unmeasured(row string) string {
	return measured.ReplaceAllStringFunc(row, func(found string) string {
		switch {
		case strings.HasPrefix(found, "|"):
			return "| T |"
		case strings.HasSuffix(found, "B"):
			return "N B"
		}
		return "D |"
	})
}

func TestScrapersAreSeenWithWhatTheyGet(t *testing.T) {
	for _, test := range []struct {
		name, target string
		headers      []string
		want         string
	}{
		{"a scrape", "/metrics", nil, "192.0.2.1 Prometheus/3.5.0 | everything | T | 200 | D | N B | 1"},
		{"compressed", "/metrics", []string{"Accept-Encoding", "gzip"}, "192.0.2.1 Prometheus/3.5.0 | everything | T | 200 | D | N B gzip | 1"},
		{"its own metrics", "/metrics/self", []string{"Accept-Encoding", "zstd"}, "192.0.2.1 Prometheus/3.5.0 | own metrics | T | 200 | D | N B zstd | 1"},
		{"a shard", "/metrics?match[]={job=%22x%22}&match[]={job=~%22[a-m].*%22}", nil, `192.0.2.1 Prometheus/3.5.0 | a part {job="x"} {job=~"[a-m].*"} | T | 200 | D | N B | 1`},
		{"targets", "/api/v1/targets", nil, "192.0.2.1 Prometheus/3.5.0 | targets | T | 200 | D | N B | 1"},
		{"some targets", "/api/v1/targets?match[]={job=%22x%22}", nil, `192.0.2.1 Prometheus/3.5.0 | targets {job="x"} | T | 200 | D | N B | 1`},
		{"a grouping", "/metrics/job/x/instance/i", nil, "192.0.2.1 Prometheus/3.5.0 | single groupings | T | 200 | D | N B | 1"},
		{"a job", "/metrics/job/x", nil, "192.0.2.1 Prometheus/3.5.0 | single groupings | T | 200 | D | N B | 1"},
		{"none", "/metrics/job/nothing", nil, "192.0.2.1 Prometheus/3.5.0 ▲ The last response was 404: there is no grouping of that job | single groupings | T | 404 | D | N B | 1"},
		{"nonsense", "/metrics?match[]={", nil, `192.0.2.1 Prometheus/3.5.0 ▲ The last response was 400: bad selector "{": 1:2: parse error: unexpected end of input inside braces | a part { | T | 400 | D | N B | 1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1") })
			s.Put("/metrics/job/x/instance/i", "a 1\n")
			s.Get(test.target, append([]string{"User-Agent", "Prometheus/3.5.0", "X-Forwarded-For", "192.0.2.1"}, test.headers...)...)
			rows := scraperRows(s)
			if len(rows) != 1 || unmeasured(rows[0]) != test.want {
				t.Errorf("got %q, want %q", rows, test.want)
			}
		})
	}
}

func TestWhatIsNoScrapeMakesNoScraper(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	for _, target := range []string{"/", "/export", "/api/v1/groupings", "/api/v1/metrics", "/health", "/nowhere", "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest() + "/raw"} {
		s.Get(target, "Accept", "text/html")
	}
	s.Do("DELETE", "/metrics/job/x", "")
	s.Do("OPTIONS", "/metrics", "")
	l := s.List("targets?view=scrapers")
	if rows := scraperRows(s); len(rows) != 0 || !strings.Contains(l.Text("targets"), "/metrics has not been scraped yet") {
		t.Errorf("got %q", rows)
	}
}

func TestRefusedScrapersAreSeen(t *testing.T) {
	password := func(c handlertest.Setup) { handlertest.OneUser(c) }
	key := func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) }
	inside := func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1") }
	for _, test := range []struct {
		name    string
		change  func(handlertest.Setup)
		headers []string
		want    string
	}{
		{"without a credential", password, nil, "192.0.2.1 curl ▲ The last response was 401: authentication is required | everything | T | 401 | D | N B | 1"},
		{"with a wrong one", key, []string{"X-Metrics-Key", "wrong"}, "192.0.2.1 curl ▲ The last response was 401: the credential is not valid | everything | T | 401 | D | N B | 1"},
		{"with the right one", key, []string{"X-Metrics-Key", handlertest.RightKey}, "192.0.2.1 as scrape key curl | everything | T | 200 | D | N B | 1"},
		{"with a password", password, []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, "192.0.2.1 as admin curl | everything | T | 200 | D | N B | 1"},
		{"with two", key, []string{"X-Metrics-Key", "a", "X-Metrics-Key", "b"}, "192.0.2.1 curl ▲ The last response was 400: a credential is given twice | everything | T | 400 | D | N B | 1"},
		{
			"from elsewhere", func(c handlertest.Setup) { c.Guard.ScrapeAllowed = handlertest.Prefixes(t, "10.0.0.0/8") }, nil,
			"192.0.2.1 curl ▲ The last response was 403: this address is not allowed | everything | T | 403 | D | N B | 1",
		},
		{
			"from quite elsewhere", func(c handlertest.Setup) { c.Guard.Allowed = handlertest.Prefixes(t, "127.0.0.1") }, nil,
			"192.0.2.1 curl ▲ The last response was 403: this address is not allowed | everything | T | 403 | D | N B | 1",
		},
		{
			"at the wrong listener", func(c handlertest.Setup) { c.ScrapeInternalOnly = true }, nil,
			"192.0.2.1 curl ▲ The last response was 405: method not allowed | everything | T | 405 | D | N B | 1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, inside, test.change)
			s.Get("/metrics", append([]string{"User-Agent", "curl", "X-Forwarded-For", "192.0.2.1"}, test.headers...)...)
			var headers []string
			if s.Get("/targets").Status == 401 {
				headers = []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}
			}
			if s.Get("/targets", headers...).Status == 401 {
				headers = []string{"X-Metrics-Key", handlertest.RightKey}
			}
			rows := scraperRows(s, headers...)
			if len(rows) != 1 || unmeasured(rows[0]) != test.want {
				t.Errorf("got %q, want %q", rows, test.want)
			}
			l := s.List("targets?view=scrapers", headers...)
			if alone := strings.Contains(l.Text("targets"), "has not been scraped yet"); alone != strings.Contains(test.want, "▲") {
				t.Errorf("says %q", l.Text("targets"))
			}
		})
	}
}

func TestARefusedScraperIsTheSameWhenItIsLetIn(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) })
	s.Get("/metrics", "User-Agent", "Prometheus/3")
	s.Get("/metrics", "User-Agent", "Prometheus/3", "X-Metrics-Key", handlertest.RightKey)
	if rows := scraperRows(s, "X-Metrics-Key", handlertest.RightKey); len(rows) != 1 || unmeasured(rows[0]) != "127.0.0.1 as scrape key Prometheus/3 | everything | T | 200 | D | N B | 2" {
		t.Errorf("got %q", rows)
	}
}

func TestAHostileAgentIsText(t *testing.T) {
	s := handlertest.Start(t)
	for agent, want := range map[string]string{
		"<script>alert(1)</script>": "<script>alert(1)</script>",
		"a\u202eb":                  "a\uFFFDb",
		"\xff\xfe":                  "\uFFFD",
		"":                          "",
		strings.Repeat("é", 5000):   strings.Repeat("é", 100) + "…",
	} {
		s.Get("/metrics?match[]={agent=%22"+fmt.Sprint(len(agent))+"%22}", "User-Agent", agent)
		row := strings.TrimSpace("127.0.0.1 "+want) + " | a part {agent=\"" + fmt.Sprint(len(agent)) + "\"} |"
		if rows := scraperRows(s); !slices.ContainsFunc(rows, func(got string) bool { return strings.HasPrefix(got, row) }) {
			t.Errorf("%.40q is not among %q", agent, rows)
		}
	}
	l := s.List("targets?view=scrapers")
	if n := len(handlertest.FindAll(l.ByID("targets"), handlertest.HasTag("script"))); n > 0 {
		t.Errorf("%d scripts", n)
	}
}

func TestHEADSaysNothingOfASize(t *testing.T) {
	s := handlertest.Start(t)
	s.Do("HEAD", "/metrics", "", "User-Agent", "probe")
	if rows := scraperRows(s); len(rows) != 1 || !strings.Contains(rows[0], "| 0 B |") {
		t.Errorf("got %q", rows)
	}
}

func TestWhatHasNotChangedIsNoError(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.ExcludeOwn = true })
	etag := s.Get("/metrics").Header.Get("ETag")
	s.Get("/metrics", "If-None-Match", etag)
	if rows := scraperRows(s); len(rows) != 1 || !strings.Contains(rows[0], "| 304 |") || strings.Contains(rows[0], "▲") || !strings.HasSuffix(rows[0], "| 0 B | 2") {
		t.Errorf("got %q", rows)
	}
}

// A scraper whose time is up hangs up.
func TestAScrapeThatIsCutOffIsAWarning(t *testing.T) {
	s := handlertest.Start(t)
	var large strings.Builder // together more than the network takes unread
	for i := range 9000 {
		fmt.Fprintf(&large, "a{l=\"%0100d\"} 1\n", i)
	}
	for i := range 12 {
		s.Put(fmt.Sprintf("/metrics/job/x/instance/%d", i), large.String())
	}
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(t, err)
	handlertest.Must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nUser-Agent: hasty\r\n\r\n")
	handlertest.Must(t, err)
	_, err = io.ReadFull(conn, make([]byte, 1000))
	handlertest.Must(t, err)
	handlertest.Must(t, conn.(*net.TCPConn).SetLinger(0))
	handlertest.Must(t, conn.Close())
	s.Eventually("the scrape is seen to fail", func() bool {
		rows := scraperRows(s)
		return len(rows) == 1 && strings.Contains(rows[0], "hasty ▲ Disconnected after ")
	})
	if l := s.List("targets?view=scrapers"); !strings.Contains(l.Text("targets"), "has not been scraped yet") {
		t.Errorf("says %q", l.Text("targets"))
	}
}

func TestListenersShareTheRecord(t *testing.T) {
	shared := telemetry.NewScrapers()
	share := func(c handlertest.Setup) { c.Scrapers = shared }
	s := handlertest.Start(t, share, func(c handlertest.Setup) { c.ScrapeInternalOnly = true })
	inner := handlertest.Start(t, share, func(c handlertest.Setup) { c.OnlyScrapes() })
	inner.Get("/metrics", "User-Agent", "Prometheus/3")
	if rows := scraperRows(s); len(rows) != 1 || !strings.Contains(rows[0], "127.0.0.1 Prometheus/3 | everything") {
		t.Errorf("got %q", rows)
	}
}

func TestOnlyMetricsCountAsScraped(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.TelemetryPath = "/scrape" })
	s.Put("/metrics/job/x", "a 1\n")
	for _, step := range []struct {
		target string
		status int
		served bool
	}{{"/api/v1/targets", 200, false}, {"/metrics", 404, false}, {"/scrape", 200, true}} {
		if a := s.Get(step.target); a.Status != step.status {
			t.Fatal(a)
		}
		l := s.List("targets?view=scrapers")
		if served := !strings.Contains(l.Text("targets"), "/scrape has not been scraped yet"); served != step.served {
			t.Errorf("after %s: %s", step.target, l.Text("targets"))
		}
	}
	if rows := scraperRows(s); len(rows) != 2 || !strings.Contains(rows[0], "everything") || !strings.HasSuffix(rows[0], "| 2") {
		t.Errorf("got %q", rows)
	}
}

func TestScrapesAndPagesGoOnAtOnce(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				s.Get("/metrics", "User-Agent", fmt.Sprintf("agent-%d", j))
				if i == 0 {
					s.Get("/targets?view=scrapers", "Accept", "text/html")
				}
			}
		})
	}
	all.Wait()
	total := 0
	for _, row := range scraperRows(s) {
		var n int
		_, err := fmt.Sscan(row[strings.LastIndex(row, "|")+1:], &n)
		handlertest.Must(t, err)
		total += n
	}
	if total != 160 {
		t.Errorf("saw %d scrapes", total)
	}
}
