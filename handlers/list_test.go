package handlers

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// listed is the list of groupings as a browser gets it.
type listed struct {
	answered
	root *html.Node
}

func (s *served) browse(query string, headers ...string) listed {
	s.t.Helper()
	a := s.get(s.prefix+"/"+query, append([]string{"Accept", "text/html,*/*;q=0.8"}, headers...)...)
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		s.t.Fatalf("%v %v", a, a.header)
	}
	root, err := html.Parse(strings.NewReader(a.body))
	must(s.t, err)
	return listed{a, root}
}

// all returns the elements below a node that satisfy f.
func allBelow(n *html.Node, f func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && f(d) {
			found = append(found, d)
		}
	}
	return found
}

func tag(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

func classed(class string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(strings.Fields(attribute(n, "class")), class) }
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// spokenOf is the text below a node, with single spaces.
func spokenOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (l listed) id(id string) *html.Node {
	found := allBelow(l.root, func(n *html.Node) bool { return attribute(n, "id") == id })
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

func (l listed) text(id string) string {
	if n := l.id(id); n != nil {
		return spokenOf(n)
	}
	return "(there is no " + id + ")"
}

func (l listed) rows() []*html.Node {
	return allBelow(l.root, func(n *html.Node) bool { return n.Data == "tr" && strings.HasPrefix(attribute(n, "id"), "g-") })
}

// keys are the labels of the rows.
func (l listed) keys() string {
	var keys []string
	for _, row := range l.rows() {
		var labels []string
		for _, chip := range allBelow(row, classed("chip")) {
			labels = append(labels, spokenOf(chip))
		}
		keys = append(keys, strings.Join(labels, ","))
	}
	return strings.Join(keys, " ")
}

func (l listed) facets() string {
	var all []string
	for _, a := range allBelow(allBelow(l.root, classed("facets"))[0], tag("a")) {
		text := spokenOf(a)
		if attribute(a, "aria-current") == "true" {
			text += "*"
		}
		all = append(all, strings.ReplaceAll(text, " ", ""))
	}
	return strings.Join(all, " ")
}

// link is where the only link with that text leads.
func (l listed) link(t testing.TB, text string) string {
	t.Helper()
	found := allBelow(l.root, func(n *html.Node) bool { return n.Data == "a" && spokenOf(n) == text })
	if len(found) != 1 {
		t.Fatalf("%d links %q", len(found), text)
	}
	return strings.TrimPrefix(attribute(found[0], "href"), "/")
}

func matching(matchers ...string) string {
	return "?" + url.Values{"m": matchers}.Encode()
}

func TestPeopleGetTheListAndOthersAnIndex(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "a 1\n")
	if l := s.browse(""); l.keys() != `job="x"` || !strings.Contains(l.header.Get("Vary"), "Accept") {
		t.Errorf("people get %s, Vary %q", l.keys(), l.header.Get("Vary"))
	}
	for _, accept := range []string{"*/*", "", "application/json"} {
		a := s.get("/", "Accept", accept)
		if a.status != 200 || !strings.HasPrefix(a.body, "Gatehouse 1.2.3\n") || !strings.Contains(a.header.Get("Vary"), "Accept") {
			t.Errorf("Accept %q: %v", accept, a)
		}
	}
}

func TestThePageFindsSortsAndCounts(t *testing.T) {
	start := time.Now().Add(-48 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := serve(t, func(c setup) { c.Store.Now = func() time.Time { return *now.Load() } })
	push := func(age time.Duration, target, body string) {
		at := time.Now().Add(-age)
		now.Store(&at)
		s.put(target, body)
	}
	push(30*time.Hour, "/metrics/job/b/env/prod/instance/1", "size 1\n")
	push(2*time.Hour, "/metrics/job/b/env/stg/instance/2", "duration_seconds 1\nother 1\n")
	push(time.Hour/2, "/metrics/job/c?ttl=2d", "")
	push(time.Minute, "/metrics/job/a", "size{l=\"1\"} 1\nsize{l=\"2\"} 1\nsize{l=\"3\"} 1\n")
	at := time.Now()
	now.Store(&at)
	s.do("PUT", "/metrics/job/c", "?")
	const (
		a, c   = `job="a"`, `job="c"`
		b1, b2 = `job="b",instance="1",env="prod"`, `job="b",instance="2",env="stg"`
	)
	all := func(list ...string) string { return strings.Join(list, " ") }
	tests := []struct{ query, want, summary, facets string }{
		{"", all(a, b1, b2, c), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?sort=-labels", all(c, b2, b1, a), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?sort=last_push", all(b1, b2, c, a), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?sort=-series", all(a, b2, b1, c), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?sort=expires", all(c, a, b1, b2), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?sort=colour&state=good&rows=7&after=%25", all(a, b1, b2, c), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?m=&q=&state=", all(a, b1, b2, c), "4 groupings", "all4* fresh1 stale1 old1 failed1"},
		{"?state=old", b1, "1 of 4 matches", "all4 fresh1 stale1 old1* failed1"},
		{"?q=SIZE", all(a, b1), "2 of 4 match", "all2* fresh1 stale0 old1 failed0"},
		{"?q=size+prod&state=old", b1, "1 of 4 matches", "all1 fresh0 stale0 old1* failed0"},
		{matching(`job="b"`), all(b1, b2), "2 of 4 match", "all2* fresh0 stale1 old1 failed0"},
		{matching(`job="b"`, `env=~"pr.*"`), b1, "1 of 4 matches", "all1* fresh0 stale0 old1 failed0"},
		{matching(`job="b",env="stg"`), b2, "1 of 4 matches", "all1* fresh0 stale1 old0 failed0"},
		{matching(`job!="b"`), all(a, c), "2 of 4 match", "all2* fresh1 stale0 old0 failed1"},
		{matching(`env=""`, `env=""`), all(a, c), "2 of 4 match", "all2* fresh1 stale0 old0 failed1"},
		{matching(`job="b"`) + "&state=failed", "", "0 of 4 match", "all2 fresh0 stale1 old1 failed0*"},
	}
	for _, test := range tests {
		l := s.browse(test.query)
		if l.keys() != test.want || l.text("summary") != test.summary || l.facets() != test.facets {
			t.Errorf("%s: got %s, %q, %s; want %s, %q, %s", test.query, l.keys(), l.text("summary"), l.facets(), test.want, test.summary, test.facets)
		}
	}
	row := s.browse("?state=failed").rows()[0]
	if text := spokenOf(row); !contains(text, "refused", "line 1", "30 m ago", "in 47 h") {
		t.Errorf("a refused push is shown as %q", text)
	}
	if a := s.get("/?q="+strings.Repeat("x", 1025), "Accept", "text/html"); a.status != 400 {
		t.Errorf("%v", a)
	}
}

func TestAMatcherThatIsNoneIsExplainedAndLeftOut(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x/env/prod", "")
	s.put("/metrics/job/y/env/stg", "")
	many := make([]string, maxMatchers+1)
	for i := range many {
		many[i] = fmt.Sprintf(`job!="%d"`, i)
	}
	const both = `job="x",env="prod" job="y",env="stg"`
	tests := []struct {
		matchers          []string
		keys, bad, reason string
	}{
		{[]string{`env=`}, both, `env=`, "unexpected end in label matching, expected string at 5"},
		{[]string{`env="prod`}, both, `env="prod`, "unterminated quoted string at 5"},
		{[]string{`env`}, both, `env`, "unexpected end in label matching, expected label matching operator at 4"},
		{[]string{`env=~"("`}, both, `env=~"("`, "error parsing regexp: missing closing ): `(` at 1"},
		{[]string{`"name"`}, both, `"name"`, "it selects groupings by their labels and can't name a metric"},
		{[]string{`job="x"} or {job="y"`}, both, `job="x"} or {job="y"`, "unexpected <op:or> at 10"},
		{[]string{`job="x"`, `env=`}, `job="x",env="prod"`, `env=`, "unexpected end in label matching, expected string at 5"},
		{[]string{`a=`, `job="x"`, `b`}, `job="x",env="prod"`, `a=`, "unexpected end in label matching, expected string at 3"},
		{many, both, `job!="32"`, "at most 32 matchers are allowed"},
		{[]string{`job="x"`}, `job="x",env="prod"`, "", ""},
	}
	for _, test := range tests {
		l := s.browse(matching(test.matchers...))
		input := l.id("m")
		if l.keys() != test.keys || attribute(input, "value") != test.bad || l.text("m-problem") != test.reason {
			t.Errorf("%q: got %s, %q, %q", test.matchers, l.keys(), attribute(input, "value"), l.text("m-problem"))
		}
		if got := attribute(input, "aria-invalid"); got != strconv.FormatBool(test.bad != "") {
			t.Errorf("%q: aria-invalid is %s", test.matchers, got)
		}
	}
}

func TestLabelsAreShownAsTextWhateverTheyHold(t *testing.T) {
	s := serve(t)
	long := strings.Repeat("x", 1000)
	tests := []struct{ value, want string }{
		{"<script>alert(1)</script>", `v="<script>alert(1)</script>"`},
		{"\"><img src=x>", `v="\"><img src=x>"`},
		{"a\u202eb", `v="a\u202eb"`},
		{"a/b?c#d&e", `v="a/b?c#d&e"`},
		{"line\nbreak", `v="line\nbreak"`},
		{"日本語", `v="日本語"`},
		{long, `v="` + long[:80] + `…"`},
	}
	for i, test := range tests {
		job := strconv.Itoa(i)
		key, err := store.NewGroupingKey([]exposition.Label{{Name: "job", Value: job}, {Name: "v", Value: test.value}})
		must(t, err)
		s.put(key.Path(), "a 1\n")
		l := s.browse(matching(`job="` + job + `"`))
		chips := allBelow(l.rows()[0], classed("chip"))
		if got := spokenOf(chips[1]); got != test.want {
			t.Errorf("%q is shown as %s", test.value, got)
		}
		if strings.Contains(l.body, "alert(1)</script>") || strings.Contains(l.body, "<img") || strings.Contains(l.body, "\u202e") {
			t.Errorf("%q is in the page as it is", test.value)
		}
		if test.value == long {
			if title := attribute(chips[1], "title"); title != "v="+long {
				t.Errorf("the title is %q", title)
			}
			continue
		}
		again := s.browse(strings.TrimPrefix(attribute(chips[1], "href"), "/"))
		if len(again.rows()) != 1 || len(allBelow(again.root, classed("matcher"))) != 2 {
			t.Errorf("%q: the link %s leads to %s", test.value, attribute(chips[1], "href"), again.keys())
		}
	}
}

func TestAKeyOfManyLabelsIsCut(t *testing.T) {
	s := serve(t)
	var path strings.Builder
	for i := range 30 {
		fmt.Fprintf(&path, "/l%d/v", i)
	}
	s.put("/metrics/job/x"+path.String(), "")
	row := s.browse("").rows()[0]
	if n := len(allBelow(row, classed("chip"))); n != maxChips || !strings.Contains(spokenOf(row), "+19 more") {
		t.Errorf("%d labels: %s", n, spokenOf(row))
	}
}

func TestThePagesLeadThroughTheListAndBack(t *testing.T) {
	s := serve(t)
	s.fill(130)
	for _, query := range []string{"?rows=50", "?rows=50&sort=-series", "?rows=50&sort=last_push&q=job"} {
		var there, back []string
		l := s.browse(query)
		for range 3 {
			there = append(there, l.keys())
			if len(there) < 3 {
				l = s.browse(l.link(t, "Next ›"))
			}
		}
		if n := strings.Count(strings.Join(there, " "), "job="); n != 130 {
			t.Errorf("%s: %d rows on 3 pages", query, n)
		}
		if text := spokenOf(l.root); !strings.Contains(text, "101–130 of 130") {
			t.Errorf("%s: the last page says %q", query, text)
		}
		for range 3 {
			back = append([]string{l.keys()}, back...)
			if len(back) < 3 {
				l = s.browse(l.link(t, "‹ Previous"))
			}
		}
		if !slices.Equal(there, back) {
			t.Errorf("%s: there\n%q\nand back\n%q", query, there, back)
		}
	}
	last := s.browse("?rows=50").link(t, "Next ›")
	if a := s.do("DELETE", "/api/v1/groupings?match[]={job=~%22job-[1-6]%22}", ""); a.status != 200 {
		t.Fatal(a)
	}
	if l := s.browse(last); len(l.rows()) == 0 {
		t.Error("a page that is gone has no rows")
	}
}

func TestHtmxGetsTheResultsAndTheAddress(t *testing.T) {
	s := serve(t, func(c setup) { c.RoutePrefix = "/pg" })
	s.put("/metrics/job/x", "")
	partial := []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results"}
	l := s.browse("?q=&m=&m=job%3D%22x%22&m=job%3D%22x%22&state=&sort=labels&rows=100", partial...)
	if l.id("filter") != nil || l.id("results") != nil || l.keys() != `job="x"` {
		t.Errorf("the fragment is %s", l.body)
	}
	if got := l.header.Get("HX-Push-Url"); got != "/pg/?m=job%3D%22x%22" {
		t.Errorf("the address is %q", got)
	}
	l = s.browse("?m=job%3D%22x%22", append(partial, "HX-Current-URL", "http://h/pg/?m=job%3D%22x%22")...)
	if got := l.header.Get("HX-Push-Url"); got != "" {
		t.Errorf("the same address comes again: %q", got)
	}
	l = s.browse("?m=job%3D%22x%22", append(partial, "HX-History-Restore-Request", "true")...)
	if l.id("filter") == nil || l.header.Get("HX-Push-Url") != "" {
		t.Errorf("going back gets a part, or an address %q", l.header.Get("HX-Push-Url"))
	}
	for _, a := range allBelow(l.root, func(n *html.Node) bool { return n.Data == "a" || n.Data == "form" }) {
		for _, name := range []string{"href", "action", "hx-get"} {
			if at := attribute(a, name); at != "" && !strings.HasPrefix(at, "/pg/") && at != "#main" {
				t.Errorf("leads to %s", at)
			}
		}
	}
}

func TestTheFormSendsTheWholeView(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x", "")
	const query = "?m=job%3D%22x%22&m=env%3D%22%22&q=x&rows=50&sort=-series&state=fresh"
	sent := url.Values{}
	l := s.browse(query)
	inside := allBelow(l.id("filter"), tag("input"))
	for _, input := range allBelow(l.root, tag("input")) {
		if v := attribute(input, "value"); v != "" && (attribute(input, "form") == "filter" || slices.Contains(inside, input)) {
			sent.Add(attribute(input, "name"), v)
		}
	}
	if got := "?" + sent.Encode(); got != query {
		t.Errorf("sends %s, want %s", got, query)
	}
}

func TestTheHeadsSort(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x?ttl=1d", "")
	tests := []struct{ query, column, sort, next string }{
		{"", "Grouping", "ascending", "?sort=-labels"},
		{"?sort=-labels", "Grouping", "descending", ""},
		{"", "Series", "", "?sort=-series"},
		{"?sort=-series", "Series", "descending", "?sort=series"},
		{"?sort=series", "Series", "ascending", "?sort=-series"},
		{"?sort=series&q=x&rows=50", "Last push", "", "?q=x&rows=50&sort=-last_push"},
		{"", "Expires", "", "?sort=expires"},
	}
	for _, test := range tests {
		l := s.browse(test.query)
		if got := l.link(t, test.column); got != test.next {
			t.Errorf("%s: %s leads to %q", test.query, test.column, got)
		}
		for _, th := range allBelow(l.root, tag("th")) {
			if spokenOf(th) == test.column && attribute(th, "aria-sort") != test.sort {
				t.Errorf("%s: %s is sorted %q", test.query, test.column, attribute(th, "aria-sort"))
			}
		}
	}
}

func TestAnEmptyListHelps(t *testing.T) {
	s := serve(t, func(c setup) { c.ExternalURL, _ = url.Parse("https://push.example.org/pg"); c.RoutePrefix = "/pg" })
	l := s.browse("")
	if text := l.text("example"); !strings.HasSuffix(text, "--data-binary @- https://push.example.org/pg/metrics/job/backup") || l.id("summary") != nil {
		t.Errorf("the example is %s", text)
	}
	s.put("/metrics/job/x", "")
	if l := s.browse(""); l.text("summary") != "1 grouping" {
		t.Errorf("one is %q", l.text("summary"))
	}
	l = s.browse("?m=env%3D%22prdo%22&q=x&state=fresh")
	for text, want := range map[string]string{
		`Remove env="prdo"`: "pg/?q=x&state=fresh",
		`Remove “x”`:        "pg/?m=env%3D%22prdo%22&state=fresh",
		`Show all states`:   "pg/?m=env%3D%22prdo%22&q=x",
	} {
		if got := l.link(t, text); got != want {
			t.Errorf("%s leads to %s", text, got)
		}
	}
}

func TestAnEmptyListKnowsWhatMayHaveBeenMeant(t *testing.T) {
	s := serve(t)
	for i := range 3 {
		s.put(fmt.Sprintf("/metrics/job/x/instance/%d/env/prod", i), "")
	}
	s.put("/metrics/job/x/env/production", "")
	s.put("/metrics/job/y/env/pod", "")
	for query, want := range map[string]string{
		matching(`env="prdo"`):                `env="prod" (3) env="pod" (1)`,
		matching(`env="PROD"`, `job="x"`):     `env="prod" (3) env="pod" (1) env="production" (1)`,
		matching(`env="pro"`):                 `env="prod" (3) env="pod" (1) env="production" (1)`,
		matching(`env="something-else"`):      "",
		matching(`env="prod"`, `job="y"`):     "",
		matching(`env=~"prdo"`):               "",
		matching(`job="z"`, `env="prodd"`):    `env="prod" (3) env="pod" (1)`,
		matching(`env="prdo"`) + "&q=nothing": `env="prod" (3) env="pod" (1)`,
	} {
		var got []string
		l := s.browse(query)
		for _, a := range allBelow(l.root, func(n *html.Node) bool { return n.Data == "a" && strings.HasSuffix(spokenOf(n), ")") }) {
			got = append(got, spokenOf(a))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	l := s.browse(matching(`env="prdo"`, `job="x"`) + "&state=fresh")
	if to := l.link(t, `env="prod" (3)`); to != "?m=env%3D%22prod%22&m=job%3D%22x%22&state=fresh" {
		t.Errorf("leads to %s", to)
	}
}

func TestAPageHasAsManyRowsAsThePersonLikes(t *testing.T) {
	s := serve(t)
	s.fill(60)
	cookie := []string{"Cookie", web.SettingsCookie + "=" + url.QueryEscape("rows=50")}
	for query, want := range map[string]int{"": 50, "?rows=100": 60, "?rows=7": 50} {
		l := s.browse(query, cookie...)
		if len(l.rows()) != want {
			t.Errorf("%s: %d rows, want %d", query, len(l.rows()), want)
		}
	}
	l := s.browse("", cookie...)
	if to := l.link(t, "100"); to != "?rows=100" {
		t.Errorf("100 rows are at %s", to)
	}
	if to := l.link(t, "50"); to != "" {
		t.Errorf("the usual page is at %s", to)
	}
}

func TestTheListFollowsWhatHappens(t *testing.T) {
	s := serve(t)
	part := []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results"}
	if l := s.browse("", part...); !strings.Contains(l.body, "No groupings yet") || strings.Contains(l.body, "<html") {
		t.Errorf("an empty list is %s", l.body)
	}
	s.put("/metrics/job/x", "")
	if l := s.browse("", part...); len(l.rows()) != 1 || l.id("bulk") == nil {
		t.Errorf("a list of one is %s", l.body)
	}
}

func TestWhatIsListedCanBeDownloaded(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x/env/a", "one 1\n")
	s.put("/metrics/job/x/env/b", "one 2\n")
	s.put("/metrics/job/y", "two 2\n")
	s.do("PUT", "/metrics/job/y", "?")
	export := func(query, name string) string {
		t.Helper()
		a := s.get("/export" + query)
		if a.status != 200 || a.header.Get("Content-Disposition") != `attachment; filename="`+name+`"` {
			t.Fatalf("%v %v", a, a.header)
		}
		return a.body
	}
	text := export("?format=text&m=job%3D%22x%22", "groupings.txt")
	if !contains(text, `one{env="a",instance="",job="x"} 1`, `one{env="b",instance="",job="x"} 2`) || strings.Contains(text, "two") {
		t.Errorf("the text is %s", text)
	}
	var groupings []groupingJSON
	must(t, json.Unmarshal([]byte(export("?format=json&sort=-labels", "groupings.json")), &groupings))
	if len(groupings) != 3 || groupings[0].Labels["job"] != "y" || groupings[0].State != "failed" {
		t.Errorf("the JSON is %v", groupings)
	}
	must(t, json.Unmarshal([]byte(export("?format=json&q=nothing", "groupings.json")), &groupings))
	if len(groupings) != 0 {
		t.Errorf("nothing is %v", groupings)
	}
	lines, err := csv.NewReader(strings.NewReader(export("?format=csv&state=failed", "groupings.csv"))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][0] != `{job="y"}` || lines[1][1] != "failed" || len(lines[0]) != len(lines[1]) {
		t.Errorf("the CSV is %q, %v", lines, err)
	}
	for _, bad := range []string{"?format=xml", "?m=env%3D", "?q=" + strings.Repeat("x", 1025)} {
		if a := s.get("/export" + bad); a.status != 400 || a.header.Get("Content-Disposition") != "" {
			t.Errorf("%v %v", a, a.header)
		}
	}
	l := s.browse("?m=job%3D%22x%22&state=fresh&rows=50")
	if got := l.link(t, "csv"); got != "export?format=csv&m=job%3D%22x%22&state=fresh" {
		t.Errorf("the link is %s", got)
	}
}

func TestSpreadsheetsGetNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ana": "ana", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "a=b": "a=b",
	} {
		if got := web.Cell(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestMatchersAreCompleted(t *testing.T) {
	s := serve(t)
	for i := range 60 {
		s.put(fmt.Sprintf("/metrics/job/x/n/%02d/env/%s", i, []string{"prod", "prod", "stg"}[i%3]), "")
	}
	options := func(query string) (values []string) {
		a := s.get("/ui/suggest"+query, "Accept", "text/html")
		if a.status != 200 {
			t.Fatal(a)
		}
		root, err := html.Parse(strings.NewReader("<datalist>" + a.body + "</datalist>"))
		must(t, err)
		for _, o := range allBelow(root, tag("option")) {
			values = append(values, attribute(o, "value"))
		}
		return values
	}
	for query, want := range map[string][]string{
		"":                    {"env=", "job=", "n="},
		"?q=E":                {"env="},
		"?m=jo":               {"job="},
		"?name=env":           {`env="prod"`, `env="stg"`},
		"?name=env&q=ST":      {`env="stg"`},
		"?name=nothing":       nil,
		"?m=env%3D":           {`env="prod"`, `env="stg"`},
		"?m=env+!~+%22pr":     {`env!~"prod"`},
		"?m=env%3D%22prod%22": {`env="prod"`},
	} {
		if got := options(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if n := len(options("?name=n")); n != maxSuggestions {
		t.Errorf("%d suggestions", n)
	}
	a := s.get("/ui/suggest?m=env%3D", "HX-Request-Type", "partial", "HX-Target", "datalist#suggestions", "Accept", "text/html")
	if !strings.Contains(a.body, "<option") {
		t.Errorf("htmx gets %v", a)
	}
	if a := s.get("/ui/suggest?q=" + strings.Repeat("x", 1025)); a.status != 400 {
		t.Errorf("%v", a)
	}
}

// fill pushes n groupings of three labels.
func (s *served) fill(n int) {
	s.t.Helper()
	var pushes sync.WaitGroup
	for worker := range 16 {
		pushes.Go(func() {
			for i := worker; i < n; i += 16 {
				s.put(fmt.Sprintf("/metrics/job/job-%d/instance/host-%d:9100/env/%s", i%7, i, []string{"prod", "stg", "dev"}[i%3]), manySeries(1+i%9))
			}
		})
	}
	pushes.Wait()
}

func TestThePageOfALargeListIsSmall(t *testing.T) {
	s := serve(t)
	s.fill(1030)
	l := s.browse("")
	packed := s.get("/", "Accept", "text/html", "Accept-Encoding", "gzip")
	elements := len(allBelow(l.root, func(*html.Node) bool { return true }))
	t.Logf("%d bytes, %d packed, %d elements", len(l.body), len(packed.body), elements)
	if len(l.rows()) != 100 || len(l.body) > 150_000 || len(packed.body) > 15_000 || elements > 3000 {
		t.Errorf("%d rows, %d bytes, %d packed, %d elements", len(l.rows()), len(l.body), len(packed.body), elements)
	}
	if l.text("summary") != "1,030 groupings" {
		t.Errorf("says %q", l.text("summary"))
	}
}

func BenchmarkTheListOfTenThousandGroupings(b *testing.B) {
	s := serve(b)
	s.fill(10_000)
	for _, query := range []string{"", "?sort=-last_push", "?q=host-1+prod", "?q=nothing", matching(`env=~"prod|stg"`, `job!="job-1"`) + "&sort=-series"} {
		b.Run(strings.TrimPrefix(query, "?"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				s.get("/"+query, "Accept", "text/html")
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
		})
	}
}
