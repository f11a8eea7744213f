package docs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// Language is one in which there are examples.
type Language struct{ Name, Label string }

// languages are those that blocks may be in, by the name behind tab= and in the
// order of the tabs.
var languages = []Language{
	{"curl", "curl"}, {"go", "Go"}, {"python", "Python"}, {"java", "Java"}, {"javascript", "JavaScript"}, {"powershell", "PowerShell"},
}

// languageOf returns the language of that name.
func languageOf(name string) (Language, bool) {
	i := slices.IndexFunc(languages, func(l Language) bool { return l.Name == name })
	if i < 0 {
		return Language{}, false
	}
	return languages[i], true
}

// Blocks of code say more about themselves behind the name of their syntax:
//
//	```go tab=go        the same in several languages: blocks that follow each
//	```python tab=python  other are one group, of which a reader sees one
//	```bash run=replace what can be run against the server
//
// option returns what a block says by a name; empty: nothing.
func option(n ast.Node, source []byte, name string) string {
	block, ok := n.(*ast.FencedCodeBlock)
	if !ok || block.Info == nil {
		return ""
	}
	for _, word := range strings.Fields(string(block.Info.Segment.Value(source))) {
		if value, found := strings.CutPrefix(word, name+"="); found {
			return value
		}
	}
	return ""
}

// tab returns the language of a block that is one of several; not ok if it is a
// block of its own.
func tab(n ast.Node, source []byte) (Language, bool) {
	if n == nil {
		return Language{}, false
	}
	return languageOf(option(n, source, "tab"))
}

func code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	var open, end strings.Builder
	language, tabbed := tab(n, source)
	if tabbed {
		g := groupOf(n, source)
		if g.languages[0] == language {
			open.WriteString(`<div class="tabs">` + g.list())
		}
		open.WriteString(g.panel(language))
		end.WriteString("</figure>\n")
		if g.languages[len(g.languages)-1] == language {
			end.WriteString("</div>\n")
		}
	}
	// A block that scrolls must be in reach of the keyboard.
	open.WriteString(`<div class="code"><button type="button" class="copy btn btn-small needs-js" data-copy>Copy</button>` +
		`<pre tabindex="0"><code>` + addressed(string(n.Lines().Value(source))))
	if example := option(n, source, "run"); example != "" {
		end.WriteString(mark(markRun, example))
	}
	return write(w, entering, open.String(), "</code></pre></div>\n"+end.String())
}

// group is the same example in several languages.
type group struct {
	id        string // unique on its page
	languages []Language
}

// groupOf returns the group that a block is in.
func groupOf(n ast.Node, source []byte) group {
	first := n
	for p := n.PreviousSibling(); isTab(p, source); p = p.PreviousSibling() {
		first = p
	}
	var g group
	for b := first; isTab(b, source); b = b.NextSibling() {
		l, _ := tab(b, source)
		g.languages = append(g.languages, l)
	}
	number := 1
	for p := first.PreviousSibling(); p != nil; p = p.PreviousSibling() {
		if isTab(p, source) && !isTab(p.PreviousSibling(), source) {
			number++
		}
	}
	g.id = "example-" + strconv.Itoa(number)
	return g
}

func isTab(n ast.Node, source []byte) bool {
	_, ok := tab(n, source)
	return ok
}

// list is the row of tabs, which needs a script.
func (g group) list() string {
	var b strings.Builder
	b.WriteString(`<div class="tab-list needs-js" role="tablist" aria-label="Language">`)
	for _, l := range g.languages {
		b.WriteString(`<button type="button" class="tab" role="tab" id="` + g.id + "-" + l.Name + `-tab" aria-controls="` + g.id + "-" + l.Name +
			`" data-language="` + l.Name + `"` + mark(markTab, l.Name, g.names()) + `>` + l.Label + `</button>`)
	}
	b.WriteString("</div>\n")
	return b.String()
}

// panel begins a block of the group. Without a script all are seen, each below
// the name of its language.
func (g group) panel(l Language) string {
	return `<figure id="` + g.id + "-" + l.Name + `" data-language="` + l.Name + `"` + mark(markPanel, l.Name, g.names()) + `><figcaption class="without-js">` + l.Label + "</figcaption>\n"
}

func (g group) names() string {
	names := make([]string, len(g.languages))
	for i, l := range g.languages {
		names[i] = l.Name
	}
	return strings.Join(names, ",")
}

// placeholder is where this server is in the examples of the Markdown files.
const placeholder = "localhost:9091"

// addresses are the places in an example that depend on where the server is.
var addresses = regexp.MustCompile(`http://localhost:9091|localhost:9091/|targets: \[localhost:9091\]|\.address\("localhost:9091"\)` +
	`|metrics_path: /|(?m:^( *)static_configs:\n *- targets: \[localhost:9091\])`)

// addressed is an example as HTML, with marks where the address goes.
func addressed(example string) string {
	var b strings.Builder
	at := 0
	for _, m := range addresses.FindAllStringSubmatchIndex(example, -1) {
		b.WriteString(escape(example[at:m[0]]))
		found := example[m[0]:m[1]]
		switch at = m[1]; {
		case found == "http://"+placeholder:
			b.WriteString(mark(markURL))
		case found == placeholder+"/":
			b.WriteString(mark(markCommand) + "/")
		case strings.HasPrefix(found, "metrics_path"):
			b.WriteString("metrics_path: " + mark(markPrefix) + "/")
		case strings.HasPrefix(found, ".address"):
			b.WriteString(mark(markJava))
		default:
			if m[2] >= 0 {
				b.WriteString(settings(example[:m[0]], m[3]-m[2]))
			}
			b.WriteString(strings.TrimSuffix(found, placeholder+"]") + mark(markTarget) + "]")
		}
	}
	b.WriteString(escape(example[at:]))
	return b.String()
}

// settings marks where a scrape job says what its target does not: the scheme,
// and the path unless the job has one before.
func settings(before string, indent int) string {
	job := before[max(0, strings.LastIndex(before, "job_name:")):]
	path := "path"
	if strings.Contains(job, "metrics_path:") {
		path = "-"
	}
	return mark(markSettings, strconv.Itoa(indent), path)
}

func escape(s string) string { return string(util.EscapeHTML([]byte(s))) }
