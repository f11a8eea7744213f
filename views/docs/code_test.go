package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// shown is a page's first block of code as a reader sees it.
func shown(t *testing.T, source string, v View) string {
	t.Helper()
	for _, n := range parse(t, render([]byte("# T\n\n"+source)).HTML(v)) {
		if n.Data == "pre" {
			return content(n)
		}
	}
	t.Fatalf("%s has no code", source)
	return ""
}

func TestExamplesShowTheAddressOfTheReadersServer(t *testing.T) {
	plain := Server{Scheme: "http", Host: "gate:9091", Target: "gate:9091"}
	below := Server{Scheme: "https", Host: "example.org", Target: "example.org:443", Prefix: "/pg"}
	const job = "  - job_name: a\n    static_configs:\n      - targets: [localhost:9091]\n"
	for _, test := range []struct{ code, plain, below string }{
		{"curl localhost:9091/metrics\n", "curl gate:9091/metrics\n", "curl https://example.org/pg/metrics\n"},
		{"curl 'http://localhost:9091/a?b'\n", "curl 'http://gate:9091/a?b'\n", "curl 'https://example.org/pg/a?b'\n"},
		{"push.New(\"http://localhost:9091\", \"x\")\n", "push.New(\"http://gate:9091\", \"x\")\n", "push.New(\"https://example.org/pg\", \"x\")\n"},
		{".address(\"localhost:9091\")\n", ".address(\"gate:9091\")\n", ".address(\"example.org/pg\").scheme(Scheme.HTTPS)\n"},
		{job, "  - job_name: a\n    static_configs:\n      - targets: [gate:9091]\n", "  - job_name: a\n    scheme: https\n    metrics_path: /pg/metrics\n    static_configs:\n      - targets: [example.org:443]\n"},
		{"job_name: a\nmetrics_path: /metrics/self\nstatic_configs:\n- targets: [localhost:9091]\n", "job_name: a\nmetrics_path: /metrics/self\nstatic_configs:\n- targets: [gate:9091]\n", "job_name: a\nmetrics_path: /pg/metrics/self\nscheme: https\nstatic_configs:\n- targets: [example.org:443]\n"},
		{job + job, strings.ReplaceAll(job+job, placeholder, "gate:9091"), strings.Repeat("  - job_name: a\n    scheme: https\n    metrics_path: /pg/metrics\n    static_configs:\n      - targets: [example.org:443]\n", 2)},
		{"[\"localhost:9091\"]\n", "[\"localhost:9091\"]\n", "[\"localhost:9091\"]\n"},
		{"curl gatehouse.example:9091/metrics\n", "curl gatehouse.example:9091/metrics\n", "curl gatehouse.example:9091/metrics\n"},
	} {
		for _, as := range []struct {
			server Server
			want   string
		}{{Server{}, test.code}, {plain, test.plain}, {below, test.below}} {
			if got := shown(t, "```\n"+test.code+"```\n", View{Server: as.server}); got != as.want {
				t.Errorf("for %+v:\n%s\nwant\n%s", as.server, got, as.want)
			}
		}
	}
}

func TestOnlyCodeShowsTheAddressOfTheReadersServer(t *testing.T) {
	got := render([]byte("# T\n\nat `localhost:9091/x` or localhost:9091/x\n")).HTML(View{Server: Server{Scheme: "http", Host: "gate", Target: "gate:80"}})
	if strings.Contains(got, "gate") || strings.Count(got, "localhost:9091/x") != 2 {
		t.Errorf("%s", got)
	}
}

func TestAnAddressIsText(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	v := View{Server: Server{Scheme: "http", Host: evil, Target: evil, Prefix: "/" + evil}, Language: evil}
	for _, p := range Pages() {
		for _, n := range parse(t, p.HTML(v)) {
			if n.Data == "script" {
				t.Errorf("%s has a script", p.Slug)
			}
		}
	}
}

func TestNothingOfTheMarksIsLeft(t *testing.T) {
	forged := render([]byte("# a\x00b\n\nc\x00url\x00d\n\n```\nx\x00command\x00y\n```\n"))
	if got := forged.HTML(View{}); !strings.Contains(got, "<p>curld</p>") || !strings.Contains(got, "xcommandy") {
		t.Errorf("%q", got)
	}
	pages := append(Pages(), forged)
	for _, p := range pages {
		for _, v := range []View{{}, {Language: "go", Server: Server{Scheme: "https", Host: "h", Target: "h:443", Prefix: "/p"}}} {
			if got := p.HTML(v); strings.Contains(got, marker) || !utf8.ValidString(got) {
				t.Errorf("%s: %q", p.Slug, got)
			}
		}
	}
}

// tabsOf lists the groups of a page: the languages of the tabs, of the blocks
// and of what is shown.
func tabsOf(t *testing.T, p *Page, v View) (groups []string) {
	t.Helper()
	for _, n := range parse(t, p.HTML(v)) {
		if class, _ := attribute(n, "class"); class != "tabs" {
			continue
		}
		var tabs, panels, chosen []string
		for d := range n.Descendants() {
			if d.Type != html.ElementNode {
				continue
			}
			language, _ := attribute(d, "data-language")
			_, is := attribute(d, "data-chosen")
			switch role, _ := attribute(d, "role"); {
			case role == "tab":
				tabs = append(tabs, language)
				if selected, _ := attribute(d, "aria-selected"); selected == "true" {
					chosen = append(chosen, language)
				}
			case d.Data == "figure":
				panels = append(panels, language)
				if is {
					chosen = append(chosen, language)
				}
			}
		}
		groups = append(groups, strings.Join(tabs, ",")+" "+strings.Join(panels, ",")+" "+strings.Join(chosen, ","))
	}
	return groups
}

func TestBlocksThatFollowEachOtherAreOneGroup(t *testing.T) {
	p := render([]byte("# T\n\n```bash tab=curl\na\n```\n\n```go tab=go\nb\n```\n\nthen\n\n```go tab=go\nc\n```\n```python tab=python\nd\n```\n\n```\nalone\n```\n\n```go tab=cobol\ne\n```\n"))
	for language, want := range map[string][]string{
		"":       {"curl,go curl,go curl,curl", "go,python go,python go,go"},
		"go":     {"curl,go curl,go go,go", "go,python go,python go,go"},
		"python": {"curl,go curl,go curl,curl", "go,python go,python python,python"},
		"java":   {"curl,go curl,go curl,curl", "go,python go,python go,go"},
	} {
		if got := tabsOf(t, p, View{Language: language}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	all := ids(t, p)
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("anchors %q", all)
	}
}

func TestEveryGroupHasAllLanguages(t *testing.T) {
	var names []string
	for _, l := range languages {
		names = append(names, l.Name)
	}
	all, groups := strings.Join(names, ","), 0
	for _, p := range Pages() {
		for _, got := range tabsOf(t, p, View{Language: "python"}) {
			groups++
			if want := all + " " + all + " python,python"; got != want {
				t.Errorf("%s: %q, want %q", p.Slug, got, want)
			}
		}
	}
	if groups < 4 {
		t.Errorf("%d groups only", groups)
	}
}

func TestALanguageIsFound(t *testing.T) {
	hits := places(Search("powershell"))
	if !slices.Contains(hits, "pushing#from-a-program") {
		t.Errorf("found %q", hits)
	}
}

func TestEveryExampleIsOfferedOnce(t *testing.T) {
	offered := map[string]int{}
	for _, p := range Pages() {
		for _, part := range p.Parts(View{}) {
			if part.Run == "" {
				continue
			}
			offered[part.Run]++
			e, ok := FindExample(part.Run)
			if !ok || PageOf(e) != p {
				t.Errorf("%s offers %q, which there is not or elsewhere", p.Slug, part.Run)
			}
			// What the server does is what the page shows.
			if want := "-X " + e.Method; !strings.Contains(part.HTML, want) || !strings.Contains(part.HTML, placeholder+e.Path) {
				t.Errorf("%s shows something else than %+v", p.Slug, e)
			}
			for line := range strings.Lines(e.Body) {
				if !strings.Contains(part.HTML, escape(line)) {
					t.Errorf("%s: the body of %s lacks %q", p.Slug, e.Name, line)
				}
			}
		}
	}
	for _, e := range Examples() {
		if offered[e.Name] != 1 {
			t.Errorf("%s is offered %d times", e.Name, offered[e.Name])
		}
		if !strings.HasPrefix(e.Path, "/metrics/job/"+ExampleJob+"/") {
			t.Errorf("%s is about %s", e.Name, e.Path)
		}
	}
}

// Parts are put between elements of their own.
func TestPartsAreWholeElements(t *testing.T) {
	tag := regexp.MustCompile(`</?(div|figure|ul|ol|li|table|pre|blockquote|p)[ >]`)
	for _, p := range Pages() {
		for i, part := range p.Parts(View{}) {
			open := map[string]int{}
			for _, m := range tag.FindAllStringSubmatch(part.HTML, -1) {
				if strings.HasPrefix(m[0], "</") {
					open[m[1]]--
				} else {
					open[m[1]]++
				}
			}
			for name, n := range open {
				if n != 0 {
					t.Errorf("part %d of %s: %d %s", i, p.Slug, n, name)
				}
			}
		}
	}
}

func TestPagesAreListedUnderHeadings(t *testing.T) {
	var slugs, names []string
	for _, g := range Groups() {
		names = append(names, g.Name)
		for _, p := range g.Pages {
			slugs = append(slugs, p.Slug)
		}
	}
	if len(names) != len(groups) || slices.Contains(names, "") {
		t.Errorf("headings %q", names)
	}
	for i, p := range Pages() {
		if slugs[i] != p.Slug {
			t.Errorf("the groups have %q", slugs)
		}
	}
}

func FuzzAddressed(f *testing.F) {
	for _, p := range order {
		source, _ := files.ReadFile(p.slug + ".md")
		f.Add(string(source), "gate:9091", "/pg")
	}
	f.Add("static_configs:\n- targets: [localhost:9091]", "[::1]", "")
	f.Fuzz(func(t *testing.T, code, host, prefix string) {
		if !utf8.ValidString(code) || strings.ContainsAny(code, "\x00\r") {
			return
		}
		// Without a server code is as it was, with one it stays text.
		fence := strings.Repeat("`", 3+strings.Count(code, "`"))
		source := "# T\n\n" + fence + "\n" + code + "\n" + fence + "\n"
		p := &Page{pieces: strings.Split(addressed(code), marker)}
		if got := html.UnescapeString(p.HTML(View{})); got != html.UnescapeString(escape(code)) {
			t.Errorf("%q becomes %q", code, got)
		}
		got := render([]byte(source)).HTML(View{Server: Server{Scheme: "https", Host: host, Target: host, Prefix: prefix}})
		if strings.Contains(got, "<script") {
			t.Errorf("%q", got)
		}
	})
}

func BenchmarkParts(b *testing.B) {
	p, _ := Find("pushing")
	v := View{Server: Server{Scheme: "http", Host: "gate:9091", Target: "gate:9091"}, Language: "go"}
	for b.Loop() {
		p.Parts(v)
	}
}
