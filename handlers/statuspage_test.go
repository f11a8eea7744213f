package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// viewed is a page, or a part of one, as a browser gets it.
type viewed struct {
	answered
	root *html.Node
}

// view opens the page at a path.
func (s *served) view(path string, headers ...string) viewed {
	s.t.Helper()
	a := s.get(s.prefix+path, append(headers, aBrowser...)...)
	if a.status != 200 {
		s.t.Fatalf("%v", a)
	}
	root, err := html.Parse(strings.NewReader(a.body))
	must(s.t, err)
	return viewed{a, root}
}

func (v viewed) text() string { return wordsOf(v.root) }

// facts are the lines of the status by their names.
func (v viewed) facts() map[string]string {
	facts := map[string]string{}
	for _, dt := range allBelow(v.root, tag("dt")) {
		facts[wordsOf(dt)] = wordsOf(dt.Parent.LastChild)
	}
	return facts
}

// rows are the flags that are shown, with what is told of each.
func (v viewed) flagRows() map[string]string {
	rows := map[string]string{}
	for _, tr := range allBelow(v.root, tag("tr")) {
		if code := allBelow(tr, tag("code")); len(code) > 0 {
			rows[wordsOf(code[0])] = wordsOf(tr)
		}
	}
	return rows
}

var severalFlags = []gateway.Flag{
	{Name: "web.route-prefix", Value: "/pg", From: "GATEHOUSE_WEB_ROUTE_PREFIX", Help: "Prefix of all paths."},
	{Name: "limits.series", Value: "20", Default: "20", Help: "Most series in the store."},
	{Name: "storage.path", Value: "/srv/<b>secret-place</b>", Default: "data", From: gateway.CommandLine, Help: "Directory of the store.", Place: true},
	{Name: "web.config.file", Value: "", Help: "File with TLS settings."},
}

func TestTheStatusPageTellsHowTheServerIsDoing(t *testing.T) {
	s := serve(t, below("/pg"), func(c setup) {
		c.Addresses, c.ScrapeAddresses, c.MaxGroupings, c.UndoWindow = []string{":9091", "vsock://:1"}, []string{"10.0.0.1:9092"}, 1000, 24*time.Hour
		c.Started, c.Flags, c.Build.Revision = time.Now().Add(-90*time.Minute), severalFlags, "abc123"
	})
	s.put("/metrics/job/x", "a 1\nb 2\n")
	s.put("/metrics/job/y", "a 1\n")
	s.do("PUT", "/pg/metrics/job/y", "a{\n")
	s.do("DELETE", "/pg/metrics/job/y", "")
	for range 3 {
		s.get("/pg/metrics")
	}
	s.get("/pg/metrics/job/x")
	s.get("/pg/metrics/self")
	s.get("/pg/metrics/job/none")
	v := s.view("/status")
	for name, want := range map[string]string{
		"Version": "1.2.3", "Revision": "abc123", "Running for": "1 h 30 m", "Listens on": ":9091, vsock://:1", "Listens for scrapes on": "10.0.0.1:9092",
		"Route prefix": "/pg", "Metrics path": "/pg/metrics", "TLS": "off", "Address": "http://" + s.addr + "/pg",
		"Groupings": "1 of at most 1,000", "Series": "2", "Metric families": "2", "Shadowed": "0 series", "Kept for undo": "1 grouping",
		"Writes": "OK", "Queued": "0 writes", "Engine": "Pebble", "Path": "/store", "Largest body": "1 MiB",
		"Consistency check": "on: conflicts are refused", "Stale after": "1 h", "Undo": "for 1 d, up to 0 B", "Wipe": "off",
	} {
		if got := v.facts()[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if h1 := allBelow(v.root, tag("h1")); len(h1) != 1 || wordsOf(h1[0]) != "Status: healthy" || len(allBelow(h1[0], classed("state-fresh"))) != 1 {
		t.Errorf("the page begins with %v", h1)
	}
	for i, want := range []string{"Pushes accepted per minute", "Pushes refused per minute", "Scrapes per minute"} {
		svg := allBelow(v.root, func(n *html.Node) bool { return n.Data == "svg" && attribute(n, "role") == "img" })[i]
		if label := attribute(svg, "aria-label"); !strings.HasPrefix(label, want) || !strings.HasSuffix(label, fmt.Sprintf(" total %d", []int{2, 1, 4}[i])) {
			t.Errorf("a strip says %q", label)
		}
	}
	if !contains(v.body, `href="/pg/-/healthy"`, `href="/pg/metrics"`, `href="/pg/api/v1/status"`, `href="/pg/status" aria-current="page"`) {
		t.Errorf("a link is missing: %s", v.body)
	}
}

func TestTheStatusPageSaysWhyNothingIsCommitted(t *testing.T) {
	s := serve(t)
	for cause, want := range map[error]string{
		fmt.Errorf("%w: disk-of-the-test is full", store.ErrUnavailable): "The server cannot commit changes at present; try again.",
		fmt.Errorf("%w: disk-of-the-test", store.ErrBroken):              "The server cannot commit changes any more and has to be restarted.",
	} {
		s.journal.fail(cause)
		v := s.view("/status")
		if h1 := wordsOf(allBelow(v.root, tag("h1"))[0]); h1 != "Status: cannot commit" || !contains(v.text(), want) || strings.Contains(v.body, "disk-of-the-test") {
			t.Errorf("%s: %v", h1, v.text())
		}
	}
	must(t, s.store.Close())
	s.journal.fail(nil)
	if v := s.view("/status"); !contains(v.text(), "Status: cannot commit", "The store is not loaded or is being closed.") {
		t.Errorf("%v", v.text())
	}
}

func TestFlagsAreShownAndSearched(t *testing.T) {
	s := serve(t, func(c setup) { c.Flags = severalFlags })
	rows := s.view("/status").flagRows()
	for name, want := range map[string]string{
		"--web.route-prefix": "--web.route-prefix Prefix of all paths. /pg changed source: GATEHOUSE_WEB_ROUTE_PREFIX empty",
		"--limits.series":    "--limits.series Most series in the store. 20",
		"--storage.path":     "--storage.path Directory of the store. /srv/<b>secret-place</b> changed source: command line data",
		"--web.config.file":  "--web.config.file File with TLS settings. empty",
	} {
		if rows[name] != want {
			t.Errorf("got  %q\nwant %q", rows[name], want)
		}
	}
	for query, want := range map[string]int{
		"": 4, "?q=WEB.": 2, "?q=series+store": 1, "?q=changed": 2, "?q=--web.config": 1, "?q=command+line": 1, "?q=%3Cscript%3E": 0,
	} {
		v := s.view("/status" + query)
		if got := len(v.flagRows()); got != want || strings.Contains(v.body, "<script>") {
			t.Errorf("%s: %d flags, want %d", query, got, want)
		}
		part := s.view("/status"+query, "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#flags")
		if got := len(part.flagRows()); got != want || strings.Contains(part.body, "<html") || strings.Contains(part.body, `id="status"`) {
			t.Errorf("%s: the fragment has %d flags: %.200s", query, got, part.body)
		}
	}
	if a := s.get("/status?q="+strings.Repeat("x", web.MaxQuery+1), aBrowser...); a.status != 400 {
		t.Errorf("%v", a)
	}
	live := s.get("/status", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#status"}, aBrowser...)...)
	if !strings.HasPrefix(live.body, `<div id="status">`) || strings.Contains(live.body, "flag-search") {
		t.Errorf("%v", live)
	}
}

func TestReadersAreNotToldPlacesOnTheDisk(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)), func(c setup) { c.Flags = severalFlags })
	admin, reader := s.signedIn(), s.begun("reader", auth.Reader)
	if v := s.view("/status", admin...); !contains(v.text(), "secret-place", "Danger zone", "Wipe…") || v.facts()["Path"] != "/store" {
		t.Errorf("an admin reads %s", v.text())
	}
	v := s.view("/status", reader...)
	if text := v.text(); contains(text, "secret-place") || contains(text, "Danger zone") || v.facts()["Path"] != "" ||
		v.flagRows()["--storage.path"] != "--storage.path Directory of the store. (for admins only) changed source: command line empty" {
		t.Errorf("a reader reads %s", text)
	}
	if v := s.view("/status?q=secret-place", reader...); len(v.flagRows()) != 0 {
		t.Error("a reader finds out by searching")
	}
	if a := s.get("/api/v1/status", reader...); a.status != 200 || strings.Contains(a.body, "secret-place") || !strings.Contains(a.body, `"storage.path":"(for admins only)"`) {
		t.Errorf("%v", a)
	}
	if a := s.get("/api/v1/status", admin...); !strings.Contains(a.body, "secret-place") {
		t.Errorf("%v", a)
	}
	for _, headers := range [][]string{nil, {"X-Metrics-Key", rightKey}, s.begun("nobody", auth.NoRole)} {
		if a := s.get("/status", append(headers, aBrowser...)...); a.status != 401 && a.status != 403 {
			t.Errorf("%v", a)
		}
	}
}

func TestTheStatusPageTellsWhoIsLetInAndNoSecret(t *testing.T) {
	s := serve(t, everything(issuertest.New(t)), func(c setup) { c.Guard.Bypass = guard.BypassSameUser })
	session := s.signedIn()
	v := s.view("/status", session...)
	var methods []string
	for _, li := range allBelow(allBelow(v.root, tag("ol"))[0], tag("li")) {
		name, _, _ := strings.Cut(wordsOf(li), " →")
		methods = append(methods, name)
	}
	if got := strings.Join(methods, ", "); got != "Bearer token of the issuer (JWT), API token, User and password, Scrape key, Session, This machine" {
		t.Errorf("lets in %s", got)
	}
	if !contains(v.text(), "Processes of the server's own user on this machine need no credential.") || contains(v.text(), "No authentication is configured") {
		t.Errorf("%s", v.text())
	}
	for _, path := range []string{"/status", "/settings", "/wipe"} {
		v := s.view(path, session...)
		_, id, _ := strings.Cut(session[1], "=")
		for _, secret := range []string{rightPassword, rightToken, secondToken, rightKey, id} {
			if strings.Contains(v.body, secret) {
				t.Errorf("%s shows a secret", path)
			}
		}
	}
}
