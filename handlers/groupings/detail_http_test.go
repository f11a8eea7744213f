package groupings_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"golang.org/x/net/html"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// opened is the page of a grouping as a browser gets it.
type opened struct {
	handlertest.Answer
	root *html.Node
}

// openDetail shows the grouping of a path.
func openDetail(s *handlertest.Server, path, query string, headers ...string) opened {
	s.T.Helper()
	a := s.Get(s.Prefix+"/groupings/"+s.Grouping(path).Key.Digest()+query, append(headers, handlertest.BrowserHeaders...)...)
	if a.Status != 200 || len(a.Body) > 300_000 {
		s.T.Fatalf("%v, %d bytes", a, len(a.Body))
	}
	root, err := html.Parse(strings.NewReader(a.Body))
	handlertest.Must(s.T, err)
	return opened{a, root}
}

// elements returns the elements of a name; with an attribute as name and value
// only those that have it.
func (o opened) elements(name string, attribute ...string) []*html.Node {
	var found []*html.Node
	for n := range o.root.Descendants() {
		if n.Type != html.ElementNode || n.Data != name {
			continue
		}
		if len(attribute) == 0 || attributeValue(n, attribute[0]) == attribute[1] {
			found = append(found, n)
		}
	}
	return found
}

func attributeValue(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is that of the page.
func (o opened) text() string { return handlertest.WordsOf(o.elements("main")[0]) }

func (o opened) byID(t *testing.T, name, id string) string {
	t.Helper()
	found := o.elements(name, "id", id)
	if len(found) != 1 {
		t.Fatalf("%d elements %s", len(found), id)
	}
	return handlertest.WordsOf(found[0])
}

func TestAGroupingIsShownWithWhatItHolds(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	at := fmt.Sprint(time.Now().Unix() - 7200)
	s.Put("/metrics/job/backup/instance/db-1?ttl=90m", `# HELP size_bytes How large.
# TYPE size_bytes gauge
size_bytes{db="a"} 2097152
size_bytes{db="b"} NaN
took_seconds 941.3284
last_timestamp_seconds `+at+"\nplain +Inf\n")
	o := openDetail(s, "/metrics/job/backup/instance/db-1", "")
	text := o.text()
	for _, want := range []string{
		"job = backup", "instance = db-1", "fresh", "from 127.0.0.1", "expires in 1 h", "4 families · 5 series",
		"size_bytes gauge How large. 2 series", "db = a 2 MiB 2,097,152", "db = b NaN", "+2 from the grouping",
		"15 m 41 s 941.328", "UTC · 2 h ago", "plain untyped +Inf",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if n := len(o.elements("span", "title", "941.3284")); n != 1 {
		t.Errorf("the whole value stands there %d times", n)
	}
	for _, d := range o.elements("details", "class", "group") {
		if !strings.Contains(handlertest.WordsOf(d), "size_bytes") || len(d.Attr) != 2 {
			t.Errorf("not unfolded: %v", d.Attr)
		}
	}
	for _, a := range o.elements("a") {
		if href := attributeValue(a, "href"); !strings.HasPrefix(href, "/pg/") && href != "#main" {
			t.Errorf("a link to %q", href)
		}
	}
}

func TestWhatPeopleTakeAlongIsReadyToUse(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.ExternalURL, c.RoutePrefix = &url.URL{Scheme: "https", Host: "gate.test", Path: "/pg"}, "/pg"
	})
	s.Put("/metrics/job/it's/a/$(id)", "m 1\n")
	o := openDetail(s, "/metrics/job/it's/a/$(id)", "")
	target := "https://gate.test/pg/metrics/job@base64/aXQncw/a@base64/JChpZCk"
	for id, want := range map[string]string{
		"copy-link":     "https://gate.test/pg/groupings/" + s.Grouping("/metrics/job/it's/a/$(id)").Key.Digest(),
		"copy-selector": `{a="$(id)",job="it's"}`,
		"copy-push":     "curl -X PUT --data-binary @metrics.txt " + target,
		"copy-read":     "curl " + target,
		"copy-delete":   "curl -X DELETE " + target,
	} {
		if got := o.byID(t, "code", id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
		if len(o.elements("button", "data-copy", id)) == 0 {
			t.Errorf("no button copies %s", id)
		}
	}
	hostile := openDetail(s, "/metrics/job/it's/a/$(id)", "", "Host", "x';id;'")
	if got := hostile.byID(t, "code", "copy-read"); got != "curl "+target {
		t.Errorf("got %q", got)
	}
}

func TestShellWordsAreQuoted(t *testing.T) {
	for text, want := range map[string]string{
		"": "''", "http://a:1/b@base64/c=": "http://a:1/b@base64/c=", "http://[::1]:9091/x": "'http://[::1]:9091/x'",
		"a'b": `'a'\''b'`, "$(id)": "'$(id)'", "a b": "'a b'", "é": "'é'",
	} {
		if got := web.QuoteShell(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCommandsShowNoSecret(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken})
	})
	s.Put("/metrics/job/x", "m 1\n", "Authorization", "Bearer "+handlertest.RightToken)
	a := openDetail(s, "/metrics/job/x", "", "Authorization", "Bearer "+handlertest.RightToken)
	if got := a.byID(t, "code", "copy-read"); !strings.HasPrefix(got, `curl -H "Authorization: Bearer $TOKEN" `) || strings.Contains(a.Body, handlertest.RightToken) {
		t.Errorf("got %q", got)
	}
	if a := s.Get("/groupings/"+s.Grouping("/metrics/job/x").Key.Digest(), handlertest.BrowserHeaders...); a.Status != 401 || strings.Contains(a.Body, "job") && strings.Contains(a.Body, ">x<") {
		t.Errorf("%v", a)
	}
}

func TestTheReasonOfARefusedPushLinksToTheOtherGrouping(t *testing.T) {
	s := handlertest.Start(t)
	s.Put(`/metrics/job/a/x/say%20%22hi%22%7D`, "# TYPE m gauge\nm 1\n")
	s.Put("/metrics/job/b", "ok 1\n")
	if a := s.Do("PUT", "/metrics/job/b", "# TYPE m counter\nm 1\n"); a.Status != 400 {
		t.Fatal(a)
	}
	o := openDetail(s, "/metrics/job/b", "")
	alerts := o.elements("div", "role", "alert")
	if len(alerts) != 1 {
		t.Fatalf("%d panels", len(alerts))
	}
	text := handlertest.WordsOf(alerts[0])
	if !handlertest.Contains(text, "The last push was refused", `is pushed as counter but is a gauge of grouping`, "UTC") || !strings.Contains(o.text(), "failed") {
		t.Errorf("got %q", text)
	}
	other := s.Grouping(`/metrics/job/a/x/say%20%22hi%22%7D`).Key
	links := o.elements("a", "href", "/groupings/"+other.Digest())
	if len(links) != 1 || handlertest.WordsOf(links[0]) != other.String() {
		t.Errorf("%d links to the other grouping", len(links))
	}
	s.Do("PUT", "/metrics/job/b", "?")
	if o := openDetail(s, "/metrics/job/b", ""); len(o.elements("div", "role", "alert")) != 1 || !strings.Contains(o.text(), "line 1") {
		t.Errorf("got %q", o.text())
	}
}

func TestKeysAreReadFromMessages(t *testing.T) {
	for text, want := range map[string]string{
		`{job="x"} already`:                `{job="x"}`,
		`{a="\"},{",job="x"},{job="y"}`:    `{a="\"},{",job="x"}`,
		`{job="x","my.label"="v"}`:         `{job="x","my.label"="v"}`,
		`{a="1"}`:                          "",
		`{job="x"`:                         "",
		`{job="x",`:                        "",
		`{job=x}`:                          "",
		`{}`:                               "",
		`job="x"}`:                         "",
		`{job="x` + strings.Repeat("é", 9): "",
	} {
		key, n, ok := web.ReadKey(text)
		if ok != (want != "") || ok && (text[:n] != want || key.String() != want) {
			t.Errorf("%s: %s %d %v", text, key, n, ok)
		}
	}
}

func FuzzReadKey(f *testing.F) {
	f.Add(`{job="x",a="\u202e"}`)
	f.Add(`{"a b"="\"",job="x"} already`)
	f.Fuzz(func(t *testing.T, text string) {
		key, n, ok := web.ReadKey(text)
		if !ok {
			return
		}
		again, _, ok := web.ReadKey(key.String())
		if n > len(text) || !ok || again.ID() != key.ID() {
			t.Errorf("%q: %s, %d bytes, again %s", text, key, n, again)
		}
	})
}

func TestHostileTextIsShownAsText(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = true })
	const script, turned = "<script>alert(1)</script>", "\u202Etxt.exe"
	long := strings.Repeat("w", 1<<10)
	name := `<img src=x onerror=alert(1)>" x="`
	body := `# HELP "` + strings.ReplaceAll(name, `"`, `\"`) + `" ` + script + turned + "\n" +
		`{"` + strings.ReplaceAll(name, `"`, `\"`) + `","<b>"="` + script + `",d="` + turned + `"} 1` + "\n"
	key, err := store.NewGroupingKey([]exposition.Label{{Name: "job", Value: script}, {Name: "a", Value: turned}, {Name: "b", Value: long}, {Name: "c", Value: "javascript:alert(1)"}})
	handlertest.Must(t, err)
	s.Put(key.Path(), body)
	for _, query := range []string{"", "?family=" + url.QueryEscape(name), "?q=" + url.QueryEscape(`"><script>alert(1)</script>`)} {
		o := openDetail(s, key.Path(), query)
		for _, e := range o.elements("script") {
			if !strings.HasPrefix(attributeValue(e, "src"), "/static/") || e.FirstChild != nil {
				t.Errorf("%s: a script %v %v", query, e.Attr, e.FirstChild)
			}
		}
		for n := range o.root.Descendants() {
			if n.Type == html.TextNode && strings.Contains(n.Data, "\u202E") && n.Parent.Data != "bdi" && n.Parent.Data != "title" {
				t.Errorf("%s: text that turns its surroundings in %s", query, n.Parent.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: %s has %s=%q", query, n.Data, a.Key, a.Val)
				}
			}
		}
		if len(o.elements("img"))+len(o.elements("b")) > 0 || !handlertest.Contains(o.text(), script, long) {
			t.Errorf("%s: the page is not what it should be", query)
		}
	}
}

func TestAGroupingWithManySeriesShowsItsFamilies(t *testing.T) {
	s := handlertest.Start(t)
	var body strings.Builder
	for f := range 10 {
		for i := range 1000 {
			fmt.Fprintf(&body, "m%d{i=\"%04d\"} %d\n", f, i, i)
		}
	}
	s.Put("/metrics/job/big", body.String())
	o := openDetail(s, "/metrics/job/big", "")
	if len(o.elements("td")) != 0 || !handlertest.Contains(o.text(), "10 families · 10,000 series", "m7 untyped 1,000 series") {
		t.Errorf("%s", o.text())
	}
	address := attributeValue(o.elements("a", "href", "/groupings/"+s.Grouping("/metrics/job/big").Key.Digest()+"?family=m7")[0], "href")
	query := address[strings.Index(address, "?"):]
	seen := map[string]bool{}
	for range 10 {
		p := openDetail(s, "/metrics/job/big", query)
		for _, row := range p.elements("tr")[1:] {
			seen[handlertest.WordsOf(row)] = true
		}
		next := p.elements("a", "rel", "next")
		if len(next) == 0 {
			break
		}
		href := attributeValue(next[0], "href")
		query = href[strings.Index(href, "?"):]
	}
	if len(seen) != 1000 || !seen["i = 0999 999"] {
		t.Errorf("%d samples on all pages", len(seen))
	}
	if p := openDetail(s, "/metrics/job/big", "?family=m7&from=200"); !strings.Contains(p.text(), "201–400 of 1,000") {
		t.Errorf("%.200s", p.text())
	}
	for _, from := range []string{"x", "-1", "99999999", "9223372036854775807"} {
		openDetail(s, "/metrics/job/big", "?from="+from)
		openDetail(s, "/metrics/job/big", "?family=m7&from="+from)
	}
	if o := openDetail(s, "/metrics/job/big", "?q=M7"); !strings.Contains(o.text(), "1 of 10 families") || strings.Contains(o.text(), "m6") {
		t.Errorf("%.300s", o.text())
	}
}

func TestPagesOfManyFamiliesStaySmall(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.MaxBodyBytes = 16 << 20 })
	var body strings.Builder
	long := strings.Repeat("n", 900)
	for f := range 500 {
		fmt.Fprintf(&body, "# HELP m%04d%s %s\nm%04d%s{i=\"%s\"} 1\n", f, long, strings.Repeat("<&>", 200), f, long, strings.Repeat("<", 900))
	}
	s.Put("/metrics/job/wide", body.String())
	query, families := "", 0
	for range 500 {
		o := openDetail(s, "/metrics/job/wide", query)
		families += strings.Count(o.text(), " untyped ")
		next := o.elements("a", "rel", "next")
		if len(next) == 0 {
			break
		}
		href := attributeValue(next[0], "href")
		query = href[strings.Index(href, "?"):]
	}
	if families != 500 {
		t.Errorf("%d families on all pages", families)
	}
}

func TestPagesOfLargeSamplesStaySmall(t *testing.T) {
	s := handlertest.Start(t)
	var body strings.Builder
	for i := range 300 {
		fmt.Fprintf(&body, "m{i=\"%03d%s\"} 1\n", i, strings.Repeat("<", 900))
	}
	s.Put("/metrics/job/x", body.String())
	query, samples := "?family=m", 0
	for range 300 {
		o := openDetail(s, "/metrics/job/x", query)
		samples += len(o.elements("tr")) - 1
		next := o.elements("a", "rel", "next")
		if len(next) == 0 {
			break
		}
		href := attributeValue(next[0], "href")
		query = href[strings.Index(href, "?"):]
	}
	if samples != 300 {
		t.Errorf("%d samples on all pages", samples)
	}
}

func TestLabelsThatSayNothingAreNotShown(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "m{a=\"\",b=\"c\"} 1\n") // instance="" is added
	if o := openDetail(s, "/metrics/job/x", ""); handlertest.WordsOf(o.elements("td")[0]) != "b = c" {
		t.Errorf("%s", o.text())
	}
}

func TestBesideManySeriesFewAreNotShownEither(t *testing.T) {
	s := handlertest.Start(t)
	body := strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(&body, "m{i=\"%d\"} 1\n", i)
	}
	s.Put("/metrics/job/x", body.String()+"few NaN\n")
	if o := openDetail(s, "/metrics/job/x", ""); strings.Contains(o.text(), "NaN") || !strings.Contains(o.text(), "Too many samples") {
		t.Errorf("%s", o.text())
	}
}

func TestAnUnknownGroupingHasAPageThatSaysSo(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "m 1\n")
	for _, path := range []string{"/groupings/nope", "/groupings/AAAAAAAAAAAAAAAAAAAAAA", "/groupings/AAAAAAAAAAAAAAAAAAAAAA/raw", "/groupings/%2e%2e%2f"} {
		a := s.Get(path, handlertest.BrowserHeaders...)
		if a.Status != 404 || !handlertest.Contains(a.Body, "No such grouping", `href="/"`) {
			t.Errorf("%v", a)
		}
		if a := s.Get(path); a.Status != 404 || strings.Contains(a.Body, "<") {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/groupings/"+s.Grouping("/metrics/job/x").Key.Digest()+"?family=other", handlertest.BrowserHeaders...); a.Status != 404 {
		t.Errorf("%v", a)
	}
}

func TestAnEmptyGroupingSaysSo(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "")
	if o := openDetail(s, "/metrics/job/x", ""); !strings.Contains(o.text(), "This grouping contains no metrics") {
		t.Errorf("%s", o.text())
	}
}

func TestTheRawTextIsWhatScrapesShow(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = true })
	s.Put("/metrics/job/x", "# HELP m Help.\nm{a=\"b\"} 1\n{\"n.o\"} 2\n")
	s.Put("/metrics/job/y", "other 1\n")
	a := s.Get("/groupings/"+s.Grouping("/metrics/job/x").Key.Digest()+"/raw", handlertest.BrowserHeaders...)
	if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain;") || strings.Contains(a.Body, "other") ||
		!handlertest.Contains(a.Body, "# HELP m Help.\n", "m{a=\"b\",instance=\"\",job=\"x\"} 1\n", "{\"n.o\",instance=\"\",job=\"x\"} 2\n", "push_time_seconds") {
		t.Errorf("%v\n%s", a, a.Body)
	}
}

func TestHistogramsAreDrawn(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", `# TYPE h_seconds histogram
h_seconds_bucket{le="0.1"} 2
h_seconds_bucket{le="0.2"} 8
h_seconds_bucket{le="0.4"} 9
h_seconds_bucket{le="+Inf"} 10
h_seconds_sum 2
h_seconds_count 10
# TYPE q_seconds summary
q_seconds{quantile="0.5"} 0.25
q_seconds_sum 3
q_seconds_count 4
`)
	o := openDetail(s, "/metrics/job/x", "")
	charts := o.elements("svg", "role", "img")
	want := "Distribution of 10 observations over 4 buckets; the fullest, 100 ms to 200 ms, holds 6."
	if len(charts) != 1 || attributeValue(charts[0], "aria-label") != want || len(o.elements("rect")) != 4 {
		t.Fatalf("%d charts", len(charts))
	}
	if text := o.text(); !handlertest.Contains(text, "count 10", "sum 2", "average 200 ms", "p50 ≈ 150 ms", "p99 > 400 ms", "0.2 6 8", "+Inf 1 10", "0.5 0.25 250 ms", "count 4") {
		t.Errorf("%s", text)
	}
}

func TestNativeHistogramsAreExpanded(t *testing.T) {
	s := handlertest.Start(t)
	mf := &dto.MetricFamily{Name: proto.String("n"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{Histogram: &dto.Histogram{
		SampleCount: proto.Uint64(12), SampleSum: proto.Float64(5), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.5), ZeroCount: proto.Uint64(2),
		PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(1), Length: proto.Uint32(2)}}, PositiveDelta: []int64{3, 2},
		NegativeSpan: []*dto.BucketSpan{{Offset: proto.Int32(1), Length: proto.Uint32(1)}}, NegativeDelta: []int64{2},
	}}}}
	var body bytes.Buffer
	_, err := protodelim.MarshalTo(&body, mf)
	handlertest.Must(t, err)
	s.Put("/metrics/job/x", body.String(), "Content-Type", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
	if o := openDetail(s, "/metrics/job/x", ""); len(o.elements("rect")) != 4 || !handlertest.Contains(o.text(), "4 buckets, native", "[-2, -1)", "±0.5 zero", "(2, 4]") {
		t.Errorf("%s", o.text())
	}
}
