package statuspage_test

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
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// rows are the flags that are shown, with what is told of each.
func flagRows(v handlertest.View) map[string]string {
	rows := map[string]string{}
	for _, tr := range handlertest.FindAll(v.Root, handlertest.HasTag("tr")) {
		if code := handlertest.FindAll(tr, handlertest.HasTag("code")); len(code) > 0 {
			rows[handlertest.WordsOf(code[0])] = handlertest.WordsOf(tr)
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

func TestTheStatusPageShowsHowTheServerIsDoing(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"), func(c handlertest.Setup) {
		c.Addresses, c.ScrapeAddresses, c.MaxGroupings, c.UndoWindow, c.Undo.UndoMaxBytes = []string{":9091", "vsock://:1"}, []string{"10.0.0.1:9092"}, 1000, 24*time.Hour, 1<<20
		c.Started, c.Flags, c.Build.Revision = time.Now().Add(-90*time.Minute), severalFlags, "abc123"
	})
	s.Put("/metrics/job/x", "a 1\nb 2\n")
	s.Put("/metrics/job/y", "a 1\n")
	s.Do("PUT", "/pg/metrics/job/y", "a{\n")
	s.Do("DELETE", "/pg/metrics/job/y", "")
	for range 3 {
		s.Get("/pg/metrics")
	}
	s.Get("/pg/metrics/job/x")
	s.Get("/pg/metrics/self")
	s.Get("/pg/metrics/job/none")
	v := s.Open("/status")
	for name, want := range map[string]string{
		"Version": "1.2.3", "Revision": "abc123", "Running for": "1 h 30 m", "Listens on": ":9091, vsock://:1", "Listens for scrapes on": "10.0.0.1:9092",
		"Route prefix": "/pg", "Metrics path": "/pg/metrics", "TLS": "off", "Address": "http://" + s.Addr + "/pg",
		"Groupings": "1 of at most 1,000", "Series": "2", "Metric families": "2", "Shadowed": "0 series", "Kept for undo": fmt.Sprintf("1 grouping, %d B of 1 MiB", s.Store.Snapshot().Stats().DeletedBytes),
		"Writes": "OK", "Queued": "0 writes", "Engine": "Pebble", "Path": "/store", "Largest body": "1 MiB",
		"Consistency check": "on: conflicts are refused", "Stale after": "1 h", "Undo": "for 1 d, up to 1 MiB", "Wipe": "off",
	} {
		if got := v.Facts()[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if h1 := handlertest.FindAll(v.Root, handlertest.HasTag("h1")); len(h1) != 1 || handlertest.WordsOf(h1[0]) != "Status: healthy" || len(handlertest.FindAll(h1[0], handlertest.HasClass("state-fresh"))) != 1 {
		t.Errorf("the page begins with %v", h1)
	}
	for i, want := range []string{"Pushes accepted per minute", "Pushes refused per minute", "Scrapes per minute"} {
		svg := handlertest.FindAll(v.Root, func(n *html.Node) bool { return n.Data == "svg" && handlertest.Attribute(n, "role") == "img" })[i]
		if label := handlertest.Attribute(svg, "aria-label"); !strings.HasPrefix(label, want) || !strings.HasSuffix(label, fmt.Sprintf(" total %d", []int{2, 1, 4}[i])) {
			t.Errorf("a strip says %q", label)
		}
	}
	if !handlertest.Contains(v.Body, `href="/pg/-/healthy"`, `href="/pg/metrics"`, `href="/pg/api/v1/status"`, `href="/pg/status" aria-current="page"`) {
		t.Errorf("a link is missing: %s", v.Body)
	}
}

func TestTheStatusPageSaysWhyNothingIsCommitted(t *testing.T) {
	s := handlertest.Start(t)
	for cause, want := range map[error]string{
		fmt.Errorf("%w: disk-of-the-test is full", store.ErrUnavailable): "The server cannot commit changes at present; try again.",
		fmt.Errorf("%w: disk-of-the-test", store.ErrBroken):              "The server cannot commit changes any more and has to be restarted.",
	} {
		s.Journal.Fail(cause)
		v := s.Open("/status")
		if h1 := handlertest.WordsOf(handlertest.FindAll(v.Root, handlertest.HasTag("h1"))[0]); h1 != "Status: cannot commit" || !handlertest.Contains(v.Text(), want) || strings.Contains(v.Body, "disk-of-the-test") {
			t.Errorf("%s: %v", h1, v.Text())
		}
	}
	handlertest.Must(t, s.Store.Close())
	s.Journal.Fail(nil)
	if v := s.Open("/status"); !handlertest.Contains(v.Text(), "Status: cannot commit", "The store is not loaded or is being closed.") {
		t.Errorf("%v", v.Text())
	}
}

func TestFlagsAreShownAndSearched(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Flags = severalFlags })
	rows := flagRows(s.Open("/status"))
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
		v := s.Open("/status" + query)
		if got := len(flagRows(v)); got != want || strings.Contains(v.Body, "<script>") {
			t.Errorf("%s: %d flags, want %d", query, got, want)
		}
		part := s.Open("/status"+query, "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#flags")
		if got := len(flagRows(part)); got != want || strings.Contains(part.Body, "<html") || strings.Contains(part.Body, `id="status"`) {
			t.Errorf("%s: the fragment has %d flags: %.200s", query, got, part.Body)
		}
	}
	if a := s.Get("/status?q="+strings.Repeat("x", web.MaxQuery+1), handlertest.BrowserHeaders...); a.Status != 400 {
		t.Errorf("%v", a)
	}
	live := s.Get("/status", append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#status"}, handlertest.BrowserHeaders...)...)
	if !strings.HasPrefix(live.Body, `<div id="status">`) || strings.Contains(live.Body, "flag-search") {
		t.Errorf("%v", live)
	}
}

func TestReadersSeeNoPlacesOnTheDisk(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)), func(c handlertest.Setup) { c.Flags = severalFlags })
	admin, reader := s.SignIn(), s.StartSession("reader", auth.Reader)
	if v := s.Open("/status", admin...); !handlertest.Contains(v.Text(), "secret-place", "Danger zone", "Wipe…") || v.Facts()["Path"] != "/store" {
		t.Errorf("an admin reads %s", v.Text())
	}
	v := s.Open("/status", reader...)
	if text := v.Text(); handlertest.Contains(text, "secret-place") || handlertest.Contains(text, "Danger zone") || v.Facts()["Path"] != "" ||
		flagRows(v)["--storage.path"] != "--storage.path Directory of the store. (for admins only) changed source: command line empty" {
		t.Errorf("a reader reads %s", text)
	}
	if v := s.Open("/status?q=secret-place", reader...); len(flagRows(v)) != 0 {
		t.Error("a reader finds out by searching")
	}
	if a := s.Get("/api/v1/status", reader...); a.Status != 200 || strings.Contains(a.Body, "secret-place") || !strings.Contains(a.Body, `"storage.path":"(for admins only)"`) {
		t.Errorf("%v", a)
	}
	if a := s.Get("/api/v1/status", admin...); !strings.Contains(a.Body, "secret-place") {
		t.Errorf("%v", a)
	}
	for _, headers := range [][]string{nil, {"X-Metrics-Key", handlertest.RightKey}, s.StartSession("nobody", auth.NoRole)} {
		if a := s.Get("/status", append(headers, handlertest.BrowserHeaders...)...); a.Status != 401 && a.Status != 403 {
			t.Errorf("%v", a)
		}
	}
}

func TestTheStatusPageListsTheMethodsAndNoSecret(t *testing.T) {
	s := handlertest.Start(t, handlertest.EveryCredential(issuertest.New(t)), func(c handlertest.Setup) { c.Guard.Bypass = guard.BypassSameUser })
	session := s.SignIn()
	v := s.Open("/status", session...)
	var methods []string
	for _, li := range handlertest.FindAll(handlertest.FindAll(v.Root, handlertest.HasTag("ol"))[0], handlertest.HasTag("li")) {
		name, _, _ := strings.Cut(handlertest.WordsOf(li), " →")
		methods = append(methods, name)
	}
	if got := strings.Join(methods, ", "); got != "Bearer token of the issuer (JWT), API token, User and password, Scrape key, Session, This machine" {
		t.Errorf("lets in %s", got)
	}
	if !handlertest.Contains(v.Text(), "Processes of the server's own user on this machine need no credential.") || handlertest.Contains(v.Text(), "No authentication is configured") {
		t.Errorf("%s", v.Text())
	}
	for _, path := range []string{"/status", "/settings", "/wipe"} {
		v := s.Open(path, session...)
		_, id, _ := strings.Cut(session[1], "=")
		for _, secret := range []string{handlertest.RightPassword, handlertest.RightToken, handlertest.SecondToken, handlertest.RightKey, id} {
			if strings.Contains(v.Body, secret) {
				t.Errorf("%s shows a secret", path)
			}
		}
	}
}
