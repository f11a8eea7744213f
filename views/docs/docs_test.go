package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// parse returns the elements of a page's HTML.
func parse(t *testing.T, source string) []*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// content is the text of an element, but for its buttons.
func content(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		if c.Data != "button" {
			b.WriteString(content(c))
		}
	}
	return b.String()
}

// ids lists the anchors of a page.
func ids(t *testing.T, p *Page) []string {
	var all []string
	for _, n := range parse(t, p.HTML(View{})) {
		if id, ok := attribute(n, "id"); ok {
			all = append(all, id)
		}
	}
	return all
}

func TestEveryFileIsAPage(t *testing.T) {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, p := range Pages() {
		slugs = append(slugs, p.Slug+".md")
		if p.Title == "" || !strings.HasSuffix(p.Summary, ".") {
			t.Errorf("%s has the title %q and the summary %q", p.Slug, p.Title, p.Summary)
		}
		if found, ok := Find(p.Slug); !ok || found != p {
			t.Errorf("Find(%q) is another page", p.Slug)
		}
	}
	slices.Sort(slugs)
	if !slices.Equal(slugs, names) {
		t.Errorf("pages %q, files %q", slugs, names)
	}
	if p, ok := Find("no-such-page"); ok {
		t.Errorf("found %s", p.Slug)
	}
}

func TestPagesHaveNeighbours(t *testing.T) {
	pages := Pages()
	for i, p := range pages {
		previous, next := Around(p)
		if (i > 0) != (previous != nil) || i > 0 && previous != pages[i-1] {
			t.Errorf("before %s is %v", p.Slug, previous)
		}
		if (i < len(pages)-1) != (next != nil) || next != nil && next != pages[i+1] {
			t.Errorf("after %s is %v", p.Slug, next)
		}
	}
}

func TestEveryLinkOfAPageLeadsSomewhere(t *testing.T) {
	links := 0
	for _, p := range Pages() {
		for _, n := range parse(t, p.HTML(View{})) {
			href, ok := attribute(n, "href")
			if !ok {
				continue
			}
			links++
			u, err := url.Parse(href)
			if err != nil {
				t.Errorf("%s: %v", p.Slug, err)
				continue
			}
			if u.Scheme == "https" || u.Scheme == "http" {
				continue
			}
			target := p
			if u.Path != "" {
				target, ok = Find(u.Path)
			}
			switch {
			case !ok:
				t.Errorf("%s links to %q, which is no page", p.Slug, href)
			case u.Fragment != "" && !slices.Contains(ids(t, target), u.Fragment):
				t.Errorf("%s links to %q, which is no heading", p.Slug, href)
			}
		}
	}
	if links < 100 {
		t.Errorf("looked at %d links only", links)
	}
}

// A reader of the repository follows the same links from file to file.
func TestEveryLinkOfAFileLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]*)\)`)
	for _, p := range Pages() {
		source, err := files.ReadFile(p.Slug + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(source), -1) {
			file, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			if file == "" {
				file = p.Slug + ".md"
			}
			if _, err := os.Stat(filepath.FromSlash(file)); err != nil {
				t.Errorf("%s.md: %v", p.Slug, err)
			}
			if fragment == "" {
				continue
			}
			target, ok := Find(strings.TrimSuffix(file, ".md"))
			if !ok || !slices.Contains(ids(t, target), fragment) {
				t.Errorf("%s.md links to %q, which is no heading", p.Slug, m[1])
			}
		}
	}
}

func TestHeadingsAreListedAndLinkToThemselves(t *testing.T) {
	for _, p := range Pages() {
		var got []Heading
		for _, n := range parse(t, p.HTML(View{})) {
			level := slices.Index([]string{"", "h1", "h2", "h3", "h4", "h5", "h6"}, n.Data)
			if level < 1 {
				continue
			}
			id, _ := attribute(n, "id")
			got = append(got, Heading{id, level, content(n)})
			if level == 1 {
				continue
			}
			if href, _ := attribute(n.FirstChild, "href"); href != "#"+id {
				t.Errorf("%s: the heading %q links to %q", p.Slug, content(n), href)
			}
		}
		want := append([]Heading{{anchor(p.Title), 1, p.Title}}, p.Contents...)
		if !slices.Equal(got, want) {
			t.Errorf("%s has the headings %v, lists %v", p.Slug, got, want)
		}
	}
}

func TestNoAnchorIsThereTwice(t *testing.T) {
	for _, p := range append(Pages(), render([]byte("# A\n## A\n## A-1\n## A\n"))) {
		all := ids(t, p)
		slices.Sort(all)
		if len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("%s has the anchors %q", p.Slug, all)
		}
	}
}

// The repository's view makes anchors like this.
func TestAnchorsAreThoseOfTheRepository(t *testing.T) {
	for heading, want := range map[string]string{
		"Roles":                          "roles",
		"The localhost bypass":           "the-localhost-bypass",
		"http_headers":                   "http_headers",
		"`http_headers`":                 "http_headers",
		"PUT, POST /-/quit":              "put-post--quit",
		"GET /api/v1/groupings":          "get-apiv1groupings",
		"HSTS and the localhost bypass ": "hsts-and-the-localhost-bypass",
		"Is it closed?":                  "is-it-closed",
		"Größe 2":                        "größe-2",
	} {
		if got := anchor(heading); got != want {
			t.Errorf("%q: %q, want %q", heading, got, want)
		}
	}
}

func TestLinksToFilesBecomeLinksToPages(t *testing.T) {
	for link, want := range map[string]string{
		"tls.md":                  `<a href="tls">x</a>`,
		"./tls.md":                `<a href="tls">x</a>`,
		"tls.md#users":            `<a href="tls#users">x</a>`,
		"#users":                  `<a href="#users">x</a>`,
		"https://example.org/a":   `<a href="https://example.org/a">x</a>`,
		"../../compose.yaml":      `x`,
		"../../README.md#speed":   `x`,
		"picture.png":             `x`,
		"javascript:alert(1)":     `x`,
		"javascript://%0aalert()": `<a href="">x</a>`,
	} {
		if got := render([]byte("# T\n\n[x](" + link + ")\n")).HTML(View{}); !strings.HasSuffix(got, "<p>"+want+"</p>\n") {
			t.Errorf("%s: %s", link, got)
		}
	}
}

func TestUnlinkedWordsKeepTheirMarks(t *testing.T) {
	got := render([]byte("# T\n\nsee [`a` *b*](../a.go), then\n")).HTML(View{})
	if want := "<p>see <code>a</code> <em>b</em>, then</p>\n"; !strings.HasSuffix(got, want) {
		t.Errorf("%s", got)
	}
}

func TestHTMLOfAPageIsLeftOut(t *testing.T) {
	p := render([]byte("# T <b>x</b>\n\n<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b\n\n    <code> & more\n\n|a|\n|-:|\n|1|\n"))
	for _, n := range parse(t, p.HTML(View{})) {
		if slices.Contains([]string{"script", "img", "b"}, n.Data) {
			t.Errorf("has %s: %s", n.Data, p.HTML(View{}))
		}
		if n.Data == "pre" && content(n) != "<code> & more\n" {
			t.Errorf("the code is %q", content(n))
		}
	}
}

func TestAColumnWithoutANameHasNoHeader(t *testing.T) {
	p := render([]byte("# T\n\n| a | |\n| --- | --- |\n| 1 | 2 |\n"))
	var cells []string
	for _, n := range parse(t, p.HTML(View{})) {
		if n.Data == "th" || n.Data == "td" {
			cells = append(cells, n.Data+content(n))
		}
	}
	if want := []string{"tha", "td", "td1", "td2"}; !slices.Equal(cells, want) {
		t.Errorf("%q", cells)
	}
}

// The policy of pages forbids inline styles and scripts.
func TestPagesHaveNeitherStylesNorScripts(t *testing.T) {
	aligned := render([]byte("# T\n\n|a|\n|-:|\n|1|\n"))
	for _, p := range append(Pages(), aligned) {
		for _, n := range parse(t, p.HTML(View{})) {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-") {
					t.Errorf("%s: %s has %s", p.Slug, n.Data, a.Key)
				}
			}
			if n.Data == "script" || n.Data == "style" {
				t.Errorf("%s has %s", p.Slug, n.Data)
			}
		}
	}
}

func TestCodeCanBeCopiedAndWideThingsScroll(t *testing.T) {
	blocks, tables := 0, 0
	for _, p := range Pages() {
		for _, n := range parse(t, p.HTML(View{})) {
			class, _ := attribute(n.Parent, "class")
			_, reachable := attribute(n, "tabindex")
			switch n.Data {
			case "pre":
				blocks++
				if _, copies := attribute(n.PrevSibling, "data-copy"); !copies || n.PrevSibling.Data != "button" || class != "code" || !reachable {
					t.Errorf("%s: code without a button: %.80s", p.Slug, content(n))
				}
			case "table":
				tables++
				if _, reachable = attribute(n.Parent, "tabindex"); class != "scroll" || !reachable {
					t.Errorf("%s: a table that does not scroll", p.Slug)
				}
			}
		}
	}
	if blocks < 50 || tables < 20 {
		t.Errorf("looked at %d blocks and %d tables only", blocks, tables)
	}
}

func TestTheTextForTheSearchIsThatOfThePage(t *testing.T) {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, p := range Pages() {
		var all []string
		for _, s := range p.sections {
			all = append(all, s.heading.Text, s.text)
		}
		got, want := words(strings.Join(all, " ")), words(content(parse(t, p.HTML(View{}))[0]))
		if got != want {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("%s: after %q comes %.60q, want %.60q", p.Slug, got[max(0, i-40):i], got[i:], want[i:])
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for b.Loop() {
		for _, p := range order {
			source, _ := files.ReadFile(p.slug + ".md")
			render(source)
		}
	}
}
