package manual_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/views/docs"
)

// elementsOf returns the elements of a page that have a name, all with "".
func elementsOf(t *testing.T, page, name string) []*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	handlertest.Must(t, err)
	var all []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			all = append(all, n)
		}
	}
	return all
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// asFragment is what htmx says when it is going to replace the results.
var asFragment = []string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#results", "Accept", "text/html"}

// hitsOf lists where the results of a page lead.
func hitsOf(t *testing.T, page string) []string {
	t.Helper()
	_, results, _ := strings.Cut(page, `<div id="results">`)
	results, _, _ = strings.Cut(results, "</div>")
	var all []string
	for _, a := range elementsOf(t, results, "a") {
		all = append(all, attributeOf(a, "href"))
	}
	return all
}

func TestEveryLinkOfTheDocumentationLeadsSomewhere(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	anchors := map[string][]string{}
	var links []string
	for _, target := range append([]string{"/pg/docs", "/pg/docs/search?q=token"}, allDocs("/pg")...) {
		a := s.Get(target, handlertest.BrowserHeaders...)
		if a.Status != 200 {
			t.Errorf("%v", a)
		}
		at, err := url.Parse(target)
		handlertest.Must(t, err)
		for _, n := range elementsOf(t, a.Body, "") {
			if id := attributeOf(n, "id"); id != "" {
				if slices.Contains(anchors[target], id) {
					t.Errorf("%s has the anchor %s twice", target, id)
				}
				anchors[target] = append(anchors[target], id)
			}
			for _, name := range []string{"href", "action", "hx-get"} {
				if link := attributeOf(n, name); link != "" {
					to, err := at.Parse(link)
					handlertest.Must(t, err)
					links = append(links, to.String())
				}
			}
		}
	}
	for _, link := range links {
		path, fragment, _ := strings.Cut(link, "#")
		switch known := anchors[path]; {
		case strings.HasPrefix(path, "https://"):
		case known == nil && s.Get(path, handlertest.BrowserHeaders...).Status >= 400:
			t.Errorf("there is no %s", path)
		case fragment != "" && !slices.Contains(known, fragment):
			t.Errorf("there is no %s", link)
		}
	}
}

func allDocs(prefix string) []string {
	var paths []string
	for _, p := range docs.Pages() {
		paths = append(paths, prefix+"/docs/"+p.Slug)
	}
	return paths
}

func TestADocumentationPageLinksItsNeighbours(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	a := s.Get("/pg/docs/tls", handlertest.BrowserHeaders...)
	titles, articles := elementsOf(t, a.Body, "h1"), elementsOf(t, a.Body, "article")
	if len(titles) != 1 || len(articles) != 1 || !handlertest.Contains(a.Body, "<title>TLS · Gatehouse</title>") {
		t.Fatalf("%v", a)
	}
	for part := range articles[0].ChildNodes() {
		if part.Type == html.ElementNode && !slices.ContainsFunc(part.Attr, func(a html.Attribute) bool { return a.Key == "hx-ignore" }) {
			t.Error("the rendered Markdown could speak to htmx")
		}
	}
	around := map[string]string{}
	var current []string
	for _, n := range elementsOf(t, a.Body, "a") {
		if rel := attributeOf(n, "rel"); rel != "" {
			around[rel] = attributeOf(n, "href")
		}
		if attributeOf(n, "aria-current") == "page" {
			current = append(current, attributeOf(n, "href"))
		}
	}
	if around["prev"] != "/pg/docs/securing-metrics" || around["next"] != "/pg/docs/secrets" {
		t.Errorf("around it are %v", around)
	}
	if !slices.Equal(current, []string{"/pg/docs", "/pg/docs/tls"}) {
		t.Errorf("marked are %v", current)
	}
	if got := hitsOf(t, a.Body); len(got) != len(docs.Pages())+1 || got[1] != "/pg/docs/quick-start" {
		t.Errorf("listed are %v", got)
	}
}

func TestASearchWorksWithoutAndWithAScript(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	whole := s.Get("/pg/docs/search?q=localhost+bypass", handlertest.BrowserHeaders...)
	if whole.Status != 200 || !handlertest.Contains(whole.Body, "<html", `value="localhost bypass"`) {
		t.Fatalf("%v", whole)
	}
	want := hitsOf(t, whole.Body)
	if len(want) == 0 || want[0] != "/pg/docs/authentication#the-localhost-bypass" {
		t.Errorf("found %q", want)
	}
	part := s.Get("/pg/docs/search?q=localhost+bypass", asFragment...)
	if got := hitsOf(t, part.Body); !strings.HasPrefix(part.Body, `<div id="results">`) || !slices.Equal(got, want) {
		t.Errorf("%v", part)
	}
	if got := part.Header.Get("HX-Replace-Url"); got != "/pg/docs/search?q=localhost+bypass" {
		t.Errorf("the address becomes %q", got)
	}
	// Beside a page the address stays the page's.
	beside := s.Get("/pg/docs/search?q=tls&at=tls", asFragment...)
	if beside.Header.Get("HX-Replace-Url") != "" || len(hitsOf(t, beside.Body)) == 0 {
		t.Errorf("%v %v", beside, beside.Header)
	}
}

func TestASearchForNothingListsThePages(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{"/docs", "/docs/search", "/docs/search?q=", "/docs/search?q=+++"} {
		a := s.Get(target, handlertest.BrowserHeaders...)
		if got := hitsOf(t, a.Body); a.Status != 200 || !slices.Equal(got, allDocs("")) {
			t.Errorf("%s: %d %q", target, a.Status, got)
		}
	}
	a := s.Get("/docs/search?q=&at=tls", asFragment...)
	if got := hitsOf(t, a.Body); !slices.Equal(got, append([]string{"/docs"}, allDocs("")...)) || !strings.Contains(a.Body, `href="/docs/tls" aria-current="page"`) {
		t.Errorf("%v", a)
	}
}

func TestASearchThatFindsNothingSaysSo(t *testing.T) {
	s := handlertest.Start(t)
	a := s.Get("/docs/search?q=xyzzy", handlertest.BrowserHeaders...)
	if a.Status != 200 || len(hitsOf(t, a.Body)) != 0 || !handlertest.Contains(a.Body, "No section contains all of these words") {
		t.Errorf("%v", a)
	}
}

func TestWhatIsSearchedForIsShownAsText(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{
		"/docs/search?q=" + url.QueryEscape(`"><script>alert(1)</script>`),
		"/docs/" + url.PathEscape(`"><script>alert(1)</script>`),
		"/docs/search?q=&at=" + url.QueryEscape(`"><script>alert(1)</script>`),
	} {
		a := s.Get(target, handlertest.BrowserHeaders...)
		for _, n := range elementsOf(t, a.Body, "script") {
			if attributeOf(n, "src") == "" {
				t.Errorf("%v", a)
			}
		}
	}
	if a := s.Get("/docs/search?q=%ff%00a", handlertest.BrowserHeaders...); a.Status != 200 || strings.Contains(a.Body, "\xff") {
		t.Errorf("%v", a)
	}
}

func TestASearchIsBounded(t *testing.T) {
	s := handlertest.Start(t)
	if a := s.Get("/docs/search?q=" + strings.Repeat("a", maxDocQuery)); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/docs/search?q=" + strings.Repeat("a", maxDocQuery+1)); a.Status != 400 || !handlertest.Contains(a.Body, "200 bytes") {
		t.Errorf("%v", a)
	}
}

func TestAPageThatIsNotThereIsSearchedFor(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix = "/pg" })
	for slug, query := range map[string]string{
		"scrape-key":                   "scrape key",
		"the_localhost-bypass.md":      "the localhost bypass",
		"scrape%2Dkey":                 "scrape key",
		strings.Repeat("ä", 150):       strings.Repeat("ä", 100),
		"a" + strings.Repeat("ä", 150): "a" + strings.Repeat("ä", 99),
	} {
		a := s.Get("/pg/docs/"+slug, handlertest.BrowserHeaders...)
		inputs := elementsOf(t, a.Body, "input")
		if a.Status != 404 || len(inputs) != 1 || attributeOf(inputs[0], "value") != query {
			t.Errorf("%.30s: %v", slug, a)
		}
		if a.Header.Get("ETag") != "" {
			t.Errorf("%s has an ETag", slug)
		}
	}
	if got := hitsOf(t, s.Get("/pg/docs/scrape-key", handlertest.BrowserHeaders...).Body); !slices.Contains(got, "/pg/docs/authentication#the-scrape-key") {
		t.Errorf("found %q", got)
	}
	if a := s.Get("/pg/docs/tls/", handlertest.BrowserHeaders...); a.Status != 404 {
		t.Errorf("%v", a)
	}
}

func TestAPageThatTheBrowserHasIsNotSentAgain(t *testing.T) {
	another := "another-" + handlertest.RightToken
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken, another})
	})
	as := func(target, token string, headers ...string) handlertest.Answer {
		return s.Get(target, append([]string{"Authorization", "Bearer " + token}, headers...)...)
	}
	for _, target := range []string{"/docs", "/docs/tls"} {
		first := as(target, handlertest.RightToken)
		tag := first.Header.Get("ETag")
		again := as(target, handlertest.RightToken, "If-None-Match", tag)
		if tag == "" || again.Status != 304 || again.Body != "" {
			t.Errorf("%v with %q", again, tag)
		}
		// A browser takes these for the page that it has.
		for _, name := range []string{"Content-Security-Policy", "Referrer-Policy", "Cache-Control", "Vary", "ETag"} {
			if got, want := again.Header.Get(name), first.Header.Get(name); got != want || want == "" {
				t.Errorf("%s: %s becomes %q, was %q", target, name, got, want)
			}
		}
		if cached := first.Header.Get("Cache-Control"); cached != "private, no-cache" {
			t.Errorf("%s: Cache-Control %q", target, cached)
		}
		if zipped := as(target, handlertest.RightToken, "If-None-Match", tag, "Accept-Encoding", "gzip"); zipped.Status != 304 || zipped.Header.Get("Content-Encoding") != "" {
			t.Errorf("%v", zipped)
		}
		for what, other := range map[string]handlertest.Answer{
			"another page":  as("/docs/api", handlertest.RightToken, "If-None-Match", tag),
			"another user":  as(target, another, "If-None-Match", tag),
			"a part of it":  as(target, handlertest.RightToken, append([]string{"If-None-Match", tag}, asFragment...)...),
			"an older page": as(target, handlertest.RightToken, "If-None-Match", `W/"0"`),
		} {
			if other.Status != 200 {
				t.Errorf("%s is taken for %s: %v", target, what, other)
			}
		}
	}
}

func TestTheDocumentationIsForReaders(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	for _, target := range []string{"/docs", "/docs/tls", "/docs/search?q=tls", "/docs/none"} {
		if a := s.Get(target); a.Status != 401 {
			t.Errorf("%v", a)
		}
	}
}

func TestPagesOfTheDocumentationAreSmall(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range append(allDocs(""), "/docs", "/docs/search?q=e") {
		if a := s.Get(target, handlertest.BrowserHeaders...); a.Status != 200 || len(a.Body) > 64<<10 {
			t.Errorf("%s: %d, %d bytes", target, a.Status, len(a.Body))
		}
	}
}

func TestExamplesShowTheAddressOfTheServer(t *testing.T) {
	https := func(prefix string) func(handlertest.Setup) {
		return func(c handlertest.Setup) {
			c.ExternalURL, c.RoutePrefix = &url.URL{Scheme: "https", Host: "metrics.example.org"}, prefix
		}
	}
	for name, test := range map[string]struct {
		change func(handlertest.Setup)
		host   string
		want   []string
	}{
		"as it is asked for": {func(handlertest.Setup) {}, "gate:9091", []string{"&#39;cpu_usage 0.85&#39; gate:9091/metrics/job/my_job", "push.New(&#34;http://gate:9091&#34;", "- targets: [gate:9091]", "address(&#34;gate:9091&#34;)"}},
		"on the usual port":  {func(handlertest.Setup) {}, "gate", []string{" gate/metrics/job/my_job", "targets: [gate:80]"}},
		"IPv6":               {func(handlertest.Setup) {}, "[::1]:9091", []string{" [::1]:9091/metrics/job/my_job", "targets: [&#39;[::1]:9091&#39;]"}},
		"below a prefix":     {handlertest.Below("/pg"), "gate:9091", []string{" gate:9091/pg/metrics/job/my_job", "push.New(&#34;http://gate:9091/pg&#34;", "    metrics_path: /pg/metrics\n    static_configs:\n      - targets: [gate:9091]"}},
		"outside it is another": {https("/pg"), "inside:9091", []string{
			" https://metrics.example.org/pg/metrics/job/my_job", "push.New(&#34;https://metrics.example.org/pg&#34;",
			"    scheme: https\n    metrics_path: /pg/metrics\n    static_configs:\n      - targets: [metrics.example.org:443]",
			"address(&#34;metrics.example.org/pg&#34;).scheme(Scheme.HTTPS)",
		}},
		"it could be more than a name": {func(handlertest.Setup) {}, "$(reboot).example", []string{" localhost:9091/metrics/job/my_job", "targets: [localhost:9091]"}},
		"it would end a quote":         {func(handlertest.Setup) {}, "a';x.example", []string{" localhost:9091/metrics/job/my_job"}},
		"it is too long":               {func(handlertest.Setup) {}, strings.Repeat("a", maxHost+1), []string{" localhost:9091/metrics/job/my_job"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := handlertest.Start(t, test.change)
			a := s.Get(s.Prefix+"/docs/quick-start", append([]string{"Host", test.host}, handlertest.BrowserHeaders...)...)
			got := strings.ReplaceAll(strings.ReplaceAll(a.Body, "&quot;", "&#34;"), "'", "&#39;")
			if a.Status != 200 || !handlertest.Contains(got, test.want...) {
				t.Errorf("%d, not all of %q in\n%s", a.Status, test.want, got)
			}
			if strings.Contains(a.Body, "reboot") {
				t.Error("the host is on the page")
			}
		})
	}
}

func TestAPathOfAJobIsBelowThePrefixOnce(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	a := s.Get("/pg/docs/scraping", append([]string{"Host", "gate:9091"}, handlertest.BrowserHeaders...)...)
	if !handlertest.Contains(a.Body, "http://gate:9091/pg/api/v1/targets", "metrics_path: /pg/metrics/self\n    static_configs:\n      - targets: [gate:9091]") || strings.Contains(a.Body, "localhost:9091") {
		t.Errorf("%s", a.Body)
	}
}

func TestAnotherAddressIsAnotherPage(t *testing.T) {
	s := handlertest.Start(t)
	first := s.Get("/docs/quick-start", "Host", "one:9091")
	for host, want := range map[string]int{"one:9091": 304, "two:9091": 200} {
		if a := s.Get("/docs/quick-start", "Host", host, "If-None-Match", first.Header.Get("ETag")); a.Status != want {
			t.Errorf("%s: %v", host, a)
		}
	}
	if a := s.Get("/docs/quick-start", "Host", "one:9091", "Cookie", web.SettingsCookie+"=language%3Dgo", "If-None-Match", first.Header.Get("ETag")); a.Status != 200 {
		t.Errorf("in another language: %v", a)
	}
}

// shownIn lists the languages of the examples that a page shows.
func shownIn(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, n := range elementsOf(t, page, "figure") {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-chosen" }) {
			all = append(all, attributeOf(n, "data-language"))
		}
	}
	for _, n := range elementsOf(t, page, "button") {
		if selected := attributeOf(n, "aria-selected"); selected != "" && (selected == "true") != slices.Contains(all, attributeOf(n, "data-language")) {
			t.Errorf("the tab %s does not say what is shown", attributeOf(n, "id"))
		}
	}
	return all
}

func TestExamplesComeInTheLanguageOfThePerson(t *testing.T) {
	s := handlertest.Start(t)
	for language, want := range map[string]string{"": "curl", "go": "go", "powershell": "powershell", "cobol": "curl"} {
		a := s.Get("/docs/pushing", append([]string{"Cookie", web.SettingsCookie + "=language%3D" + language}, handlertest.BrowserHeaders...)...)
		if got := shownIn(t, a.Body); len(got) != 3 || slices.ContainsFunc(got, func(l string) bool { return l != want }) {
			t.Errorf("%s: shown are %q", language, got)
		}
	}
	page := s.Get("/docs/pushing", handlertest.BrowserHeaders...).Body
	for _, l := range web.ExampleLanguages {
		if !strings.Contains(page, `<figure id="example-1-`+l+`" data-language="`+l+`"`) {
			t.Errorf("no example in %s can be chosen", l)
		}
	}
}

const (
	maxDocQuery = 200

	maxHost = 259
)
