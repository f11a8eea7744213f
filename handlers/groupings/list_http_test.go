package groupings_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

func facetsOf(l handlertest.List) string {
	var all []string
	for _, a := range handlertest.FindAll(handlertest.FindAll(l.Root, handlertest.HasClass("facets"))[0], handlertest.HasTag("a")) {
		text := handlertest.TextOf(a)
		if handlertest.Attribute(a, "aria-current") == "true" {
			text += "*"
		}
		all = append(all, strings.ReplaceAll(text, " ", ""))
	}
	return strings.Join(all, " ")
}

func matching(matchers ...string) string {
	return "?" + url.Values{"m": matchers}.Encode()
}

func TestPeopleGetTheListAndOthersAnIndex(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	if l := s.List(""); l.Keys() != `job="x"` || !strings.Contains(l.Header.Get("Vary"), "Accept") {
		t.Errorf("people get %s, Vary %q", l.Keys(), l.Header.Get("Vary"))
	}
	for _, accept := range []string{"*/*", "", "application/json"} {
		a := s.Get("/", "Accept", accept)
		if a.Status != 200 || !strings.HasPrefix(a.Body, "Gatehouse 1.2.3\n") || !strings.Contains(a.Header.Get("Vary"), "Accept") {
			t.Errorf("Accept %q: %v", accept, a)
		}
	}
}

func TestThePageFindsSortsAndCounts(t *testing.T) {
	start := time.Now().Add(-48 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.Now = func() time.Time { return *now.Load() } })
	push := func(age time.Duration, target, body string) {
		at := time.Now().Add(-age)
		now.Store(&at)
		s.Put(target, body)
	}
	push(30*time.Hour, "/metrics/job/b/env/prod/instance/1", "size 1\n")
	push(2*time.Hour, "/metrics/job/b/env/stg/instance/2", "duration_seconds 1\nother 1\n")
	push(time.Hour/2, "/metrics/job/c?ttl=2d", "")
	push(time.Minute, "/metrics/job/a", "size{l=\"1\"} 1\nsize{l=\"2\"} 1\nsize{l=\"3\"} 1\n")
	at := time.Now()
	now.Store(&at)
	s.Do("PUT", "/metrics/job/c", "?")
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
		l := s.List(test.query)
		if l.Keys() != test.want || l.Text("summary") != test.summary || facetsOf(l) != test.facets {
			t.Errorf("%s: got %s, %q, %s; want %s, %q, %s", test.query, l.Keys(), l.Text("summary"), facetsOf(l), test.want, test.summary, test.facets)
		}
	}
	row := s.List("?state=failed").Rows()[0]
	if text := handlertest.TextOf(row); !handlertest.Contains(text, "refused", "line 1", "30 m ago", "in 47 h") {
		t.Errorf("a refused push is shown as %q", text)
	}
	if a := s.Get("/?q="+strings.Repeat("x", 1025), "Accept", "text/html"); a.Status != 400 {
		t.Errorf("%v", a)
	}
}

func TestAMatcherThatIsNoneIsExplainedAndLeftOut(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/env/prod", "")
	s.Put("/metrics/job/y/env/stg", "")
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
		l := s.List(matching(test.matchers...))
		input := l.ByID("m")
		if l.Keys() != test.keys || handlertest.Attribute(input, "value") != test.bad || l.Text("m-problem") != test.reason {
			t.Errorf("%q: got %s, %q, %q", test.matchers, l.Keys(), handlertest.Attribute(input, "value"), l.Text("m-problem"))
		}
		if got := handlertest.Attribute(input, "aria-invalid"); got != strconv.FormatBool(test.bad != "") {
			t.Errorf("%q: aria-invalid is %s", test.matchers, got)
		}
	}
}

func TestLabelsAreShownAsTextWhateverTheyHold(t *testing.T) {
	s := handlertest.Start(t)
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
		handlertest.Must(t, err)
		s.Put(key.Path(), "a 1\n")
		l := s.List(matching(`job="` + job + `"`))
		chips := handlertest.FindAll(l.Rows()[0], handlertest.HasClass("chip"))
		if got := handlertest.TextOf(chips[1]); got != test.want {
			t.Errorf("%q is shown as %s", test.value, got)
		}
		if strings.Contains(l.Body, "alert(1)</script>") || strings.Contains(l.Body, "<img") || strings.Contains(l.Body, "\u202e") {
			t.Errorf("%q is in the page as it is", test.value)
		}
		if test.value == long {
			if title := handlertest.Attribute(chips[1], "title"); title != "v="+long {
				t.Errorf("the title is %q", title)
			}
			continue
		}
		again := s.List(strings.TrimPrefix(handlertest.Attribute(chips[1], "href"), "/"))
		if len(again.Rows()) != 1 || len(handlertest.FindAll(again.Root, handlertest.HasClass("matcher"))) != 2 {
			t.Errorf("%q: the link %s leads to %s", test.value, handlertest.Attribute(chips[1], "href"), again.Keys())
		}
	}
}

func TestAKeyOfManyLabelsIsCut(t *testing.T) {
	s := handlertest.Start(t)
	var path strings.Builder
	for i := range 30 {
		fmt.Fprintf(&path, "/l%d/v", i)
	}
	s.Put("/metrics/job/x"+path.String(), "")
	row := s.List("").Rows()[0]
	if n := len(handlertest.FindAll(row, handlertest.HasClass("chip"))); n != maxChips || !strings.Contains(handlertest.TextOf(row), "+19 more") {
		t.Errorf("%d labels: %s", n, handlertest.TextOf(row))
	}
}

func TestThePagesLeadThroughTheListAndBack(t *testing.T) {
	s := handlertest.Start(t)
	s.Fill(130)
	for _, query := range []string{"?rows=50", "?rows=50&sort=-series", "?rows=50&sort=last_push&q=job"} {
		var there, back []string
		l := s.List(query)
		for range 3 {
			there = append(there, l.Keys())
			if len(there) < 3 {
				l = s.List(l.Link(t, "Next ›"))
			}
		}
		if n := strings.Count(strings.Join(there, " "), "job="); n != 130 {
			t.Errorf("%s: %d rows on 3 pages", query, n)
		}
		if text := handlertest.TextOf(l.Root); !strings.Contains(text, "101–130 of 130") {
			t.Errorf("%s: the last page says %q", query, text)
		}
		for range 3 {
			back = append([]string{l.Keys()}, back...)
			if len(back) < 3 {
				l = s.List(l.Link(t, "‹ Previous"))
			}
		}
		if !slices.Equal(there, back) {
			t.Errorf("%s: there\n%q\nand back\n%q", query, there, back)
		}
	}
	last := s.List("?rows=50").Link(t, "Next ›")
	if a := s.Do("DELETE", "/api/v1/groupings?match[]={job=~%22job-[1-6]%22}", ""); a.Status != 200 {
		t.Fatal(a)
	}
	if l := s.List(last); len(l.Rows()) == 0 {
		t.Error("a page that is gone has no rows")
	}
}

func TestHtmxGetsTheResultsAndTheAddress(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	s.Put("/metrics/job/x", "")
	partial := []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results"}
	l := s.List("?q=&m=&m=job%3D%22x%22&m=job%3D%22x%22&state=&sort=labels&rows=100", partial...)
	if l.ByID("filter") != nil || l.ByID("results") != nil || l.Keys() != `job="x"` {
		t.Errorf("the fragment is %s", l.Body)
	}
	if got := l.Header.Get("HX-Push-Url"); got != "/pg/?m=job%3D%22x%22" {
		t.Errorf("the address is %q", got)
	}
	l = s.List("?m=job%3D%22x%22", append(partial, "HX-Current-URL", "http://h/pg/?m=job%3D%22x%22")...)
	if got := l.Header.Get("HX-Push-Url"); got != "" {
		t.Errorf("the same address comes again: %q", got)
	}
	l = s.List("?m=job%3D%22x%22", append(partial, "HX-History-Restore-Request", "true")...)
	if l.ByID("filter") == nil || l.Header.Get("HX-Push-Url") != "" {
		t.Errorf("going back gets a part, or an address %q", l.Header.Get("HX-Push-Url"))
	}
	for _, a := range handlertest.FindAll(l.Root, func(n *html.Node) bool { return n.Data == "a" || n.Data == "form" }) {
		for _, name := range []string{"href", "action", "hx-get"} {
			if at := handlertest.Attribute(a, name); at != "" && !strings.HasPrefix(at, "/pg/") && at != "#main" {
				t.Errorf("leads to %s", at)
			}
		}
	}
}

func TestTheFormSendsTheWholeView(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "")
	const query = "?m=job%3D%22x%22&m=env%3D%22%22&q=x&rows=50&sort=-series&state=fresh"
	sent := url.Values{}
	l := s.List(query)
	inside := handlertest.FindAll(l.ByID("filter"), handlertest.HasTag("input"))
	for _, input := range handlertest.FindAll(l.Root, handlertest.HasTag("input")) {
		if v := handlertest.Attribute(input, "value"); v != "" && (handlertest.Attribute(input, "form") == "filter" || slices.Contains(inside, input)) {
			sent.Add(handlertest.Attribute(input, "name"), v)
		}
	}
	if got := "?" + sent.Encode(); got != query {
		t.Errorf("sends %s, want %s", got, query)
	}
}

func TestTheHeadsSort(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x?ttl=1d", "")
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
		l := s.List(test.query)
		if got := l.Link(t, test.column); got != test.next {
			t.Errorf("%s: %s leads to %q", test.query, test.column, got)
		}
		for _, th := range handlertest.FindAll(l.Root, handlertest.HasTag("th")) {
			if handlertest.TextOf(th) == test.column && handlertest.Attribute(th, "aria-sort") != test.sort {
				t.Errorf("%s: %s is sorted %q", test.query, test.column, handlertest.Attribute(th, "aria-sort"))
			}
		}
	}
}

func TestAnEmptyListHelps(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.ExternalURL, _ = url.Parse("https://push.example.org/pg")
		c.RoutePrefix = "/pg"
	})
	l := s.List("")
	if text := l.Text("example"); !strings.HasSuffix(text, "--data-binary @- https://push.example.org/pg/metrics/job/backup") || l.ByID("summary") != nil {
		t.Errorf("the example is %s", text)
	}
	s.Put("/metrics/job/x", "")
	if l := s.List(""); l.Text("summary") != "1 grouping" {
		t.Errorf("one is %q", l.Text("summary"))
	}
	l = s.List("?m=env%3D%22prdo%22&q=x&state=fresh")
	for text, want := range map[string]string{
		`Remove env="prdo"`: "pg/?q=x&state=fresh",
		`Remove “x”`:        "pg/?m=env%3D%22prdo%22&state=fresh",
		`Show all states`:   "pg/?m=env%3D%22prdo%22&q=x",
	} {
		if got := l.Link(t, text); got != want {
			t.Errorf("%s leads to %s", text, got)
		}
	}
}

func TestAnEmptyListKnowsWhatMayHaveBeenMeant(t *testing.T) {
	s := handlertest.Start(t)
	for i := range 3 {
		s.Put(fmt.Sprintf("/metrics/job/x/instance/%d/env/prod", i), "")
	}
	s.Put("/metrics/job/x/env/production", "")
	s.Put("/metrics/job/y/env/pod", "")
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
		l := s.List(query)
		for _, a := range handlertest.FindAll(l.Root, func(n *html.Node) bool { return n.Data == "a" && strings.HasSuffix(handlertest.TextOf(n), ")") }) {
			got = append(got, handlertest.TextOf(a))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	l := s.List(matching(`env="prdo"`, `job="x"`) + "&state=fresh")
	if to := l.Link(t, `env="prod" (3)`); to != "?m=env%3D%22prod%22&m=job%3D%22x%22&state=fresh" {
		t.Errorf("leads to %s", to)
	}
}

func TestAPageHasAsManyRowsAsThePersonLikes(t *testing.T) {
	s := handlertest.Start(t)
	s.Fill(60)
	cookie := []string{"Cookie", web.SettingsCookie + "=" + url.QueryEscape("rows=50")}
	for query, want := range map[string]int{"": 50, "?rows=100": 60, "?rows=7": 50} {
		l := s.List(query, cookie...)
		if len(l.Rows()) != want {
			t.Errorf("%s: %d rows, want %d", query, len(l.Rows()), want)
		}
	}
	l := s.List("", cookie...)
	if to := l.Link(t, "100"); to != "?rows=100" {
		t.Errorf("100 rows are at %s", to)
	}
	if to := l.Link(t, "50"); to != "" {
		t.Errorf("the usual page is at %s", to)
	}
}

func TestTheListFollowsWhatHappens(t *testing.T) {
	s := handlertest.Start(t)
	part := []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results"}
	if l := s.List("", part...); !strings.Contains(l.Body, "No groupings yet") || strings.Contains(l.Body, "<html") {
		t.Errorf("an empty list is %s", l.Body)
	}
	s.Put("/metrics/job/x", "")
	if l := s.List("", part...); len(l.Rows()) != 1 || l.ByID("bulk") == nil {
		t.Errorf("a list of one is %s", l.Body)
	}
}

func TestWhatIsListedCanBeDownloaded(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/env/a", "one 1\n")
	s.Put("/metrics/job/x/env/b", "one 2\n")
	s.Put("/metrics/job/y", "two 2\n")
	s.Do("PUT", "/metrics/job/y", "?")
	export := func(query, name string) string {
		t.Helper()
		a := s.Get("/export" + query)
		if a.Status != 200 || a.Header.Get("Content-Disposition") != `attachment; filename="`+name+`"` {
			t.Fatalf("%v %v", a, a.Header)
		}
		return a.Body
	}
	text := export("?format=text&m=job%3D%22x%22", "groupings.txt")
	if !handlertest.Contains(text, `one{env="a",instance="",job="x"} 1`, `one{env="b",instance="",job="x"} 2`) || strings.Contains(text, "two") {
		t.Errorf("the text is %s", text)
	}
	var groupings []handlertest.Grouping
	handlertest.Must(t, json.Unmarshal([]byte(export("?format=json&sort=-labels", "groupings.json")), &groupings))
	if len(groupings) != 3 || groupings[0].Labels["job"] != "y" || groupings[0].State != "failed" {
		t.Errorf("the JSON is %v", groupings)
	}
	handlertest.Must(t, json.Unmarshal([]byte(export("?format=json&q=nothing", "groupings.json")), &groupings))
	if len(groupings) != 0 {
		t.Errorf("nothing is %v", groupings)
	}
	lines, err := csv.NewReader(strings.NewReader(export("?format=csv&state=failed", "groupings.csv"))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][0] != `{job="y"}` || lines[1][1] != "failed" || len(lines[0]) != len(lines[1]) {
		t.Errorf("the CSV is %q, %v", lines, err)
	}
	for _, bad := range []string{"?format=xml", "?m=env%3D", "?q=" + strings.Repeat("x", 1025)} {
		if a := s.Get("/export" + bad); a.Status != 400 || a.Header.Get("Content-Disposition") != "" {
			t.Errorf("%v %v", a, a.Header)
		}
	}
	l := s.List("?m=job%3D%22x%22&state=fresh&rows=50")
	if got := l.Link(t, "csv"); got != "export?format=csv&m=job%3D%22x%22&state=fresh" {
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
	s := handlertest.Start(t)
	for i := range 60 {
		s.Put(fmt.Sprintf("/metrics/job/x/n/%02d/env/%s", i, []string{"prod", "prod", "stg"}[i%3]), "")
	}
	options := func(query string) (values []string) {
		a := s.Get("/ui/suggest"+query, "Accept", "text/html")
		if a.Status != 200 {
			t.Fatal(a)
		}
		root, err := html.Parse(strings.NewReader("<datalist>" + a.Body + "</datalist>"))
		handlertest.Must(t, err)
		for _, o := range handlertest.FindAll(root, handlertest.HasTag("option")) {
			values = append(values, handlertest.Attribute(o, "value"))
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
	a := s.Get("/ui/suggest?m=env%3D", "HX-Request-Type", "partial", "HX-Target", "datalist#suggestions", "Accept", "text/html")
	if !strings.Contains(a.Body, "<option") {
		t.Errorf("htmx gets %v", a)
	}
	if a := s.Get("/ui/suggest?q=" + strings.Repeat("x", 1025)); a.Status != 400 {
		t.Errorf("%v", a)
	}
}

func TestThePageOfALargeListIsSmall(t *testing.T) {
	s := handlertest.Start(t)
	s.Fill(1030)
	l := s.List("")
	packed := s.Get("/", "Accept", "text/html", "Accept-Encoding", "gzip")
	elements := len(handlertest.FindAll(l.Root, func(*html.Node) bool { return true }))
	t.Logf("%d bytes, %d packed, %d elements", len(l.Body), len(packed.Body), elements)
	if len(l.Rows()) != 100 || len(l.Body) > 150_000 || len(packed.Body) > 15_000 || elements > 3000 {
		t.Errorf("%d rows, %d bytes, %d packed, %d elements", len(l.Rows()), len(l.Body), len(packed.Body), elements)
	}
	if l.Text("summary") != "1,030 groupings" {
		t.Errorf("says %q", l.Text("summary"))
	}
}

func BenchmarkTheListOfTenThousandGroupings(b *testing.B) {
	s := handlertest.Start(b)
	s.Fill(10_000)
	for _, query := range []string{"", "?sort=-last_push", "?q=host-1+prod", "?q=nothing", matching(`env=~"prod|stg"`, `job!="job-1"`) + "&sort=-series"} {
		b.Run(strings.TrimPrefix(query, "?"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				s.Get("/"+query, "Accept", "text/html")
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
		})
	}
}

const (
	maxMatchers = 32

	maxChips = 12

	maxSuggestions = 50
)
