package docs

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown leaves out HTML and dangerous links, as it does by default.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(blocks{html.NewRenderer()}, 1))),
)

// render makes a page without slug and summary.
func render(source []byte) *Page {
	source = bytes.ReplaceAll(source, []byte(marker), nil)
	context := parser.NewContext(parser.WithIDs(anchors{}))
	doc := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(context))
	relink(doc)
	var b bytes.Buffer
	_ = markdown.Renderer().Render(&b, source, doc) // a buffer takes everything
	p := &Page{pieces: strings.Split(b.String(), marker), size: b.Len(), sections: sections(doc, source)}
	for i, s := range p.sections {
		if i == 0 {
			p.Title = s.heading.Text
			continue
		}
		p.Contents = append(p.Contents, s.heading)
	}
	return p
}

// relink turns links to files into links to pages. What is a file of the
// repository only is named and not linked.
func relink(doc ast.Node) {
	var links []*ast.Link
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering {
			links = append(links, l)
		}
		return ast.WalkContinue, nil
	})
	for _, l := range links {
		target, linked := address(string(l.Destination))
		if linked {
			l.Destination = []byte(target)
			continue
		}
		for n := l.FirstChild(); n != nil; n = l.FirstChild() {
			l.Parent().InsertBefore(l.Parent(), l, n)
		}
		l.Parent().RemoveChild(l.Parent(), l)
	}
}

// address returns the target of a Markdown file's link when the file is a page.
func address(link string) (target string, linked bool) {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "#") {
		return link, true
	}
	file, fragment, fragmented := strings.Cut(link, "#")
	slug, ok := strings.CutSuffix(path.Clean(file), ".md")
	if !ok || strings.Contains(slug, "/") {
		return "", false
	}
	if fragmented {
		slug += "#" + fragment
	}
	return slug, true
}

// anchors gives headings the identifiers that they have in the repository's
// view, so that a link works in both.
type anchors map[string]bool

// Generate makes an identifier of a heading's text.
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	base := anchor(string(heading))
	id := base
	for i := 1; a[id]; i++ {
		id = base + "-" + strconv.Itoa(i)
	}
	a[id] = true
	return []byte(id)
}

// Put takes note of an identifier that is given by hand.
func (a anchors) Put(id []byte) { a[string(id)] = true }

func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(heading))
}

// blocks renders what looks different from plain HTML: headings link to
// themselves, code can be copied, and what is wide scrolls by itself.
type blocks struct{ renderer.NodeRenderer }

// RegisterFuncs has these nodes rendered here.
func (b blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, heading)
	r.Register(ast.KindCodeBlock, code)
	r.Register(ast.KindFencedCodeBlock, code)
	r.Register(tables.KindTable, table)
	r.Register(tables.KindTableCell, cell)
}

func heading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Heading)
	level, id := strconv.Itoa(n.Level), headingID(n)
	open, end := `<h`+level+` id="`+id+`">`, `</h`+level+">\n"
	if n.Level > 1 {
		open, end = open+`<a href="#`+id+`">`, `</a>`+end
	}
	return write(w, entering, open, end)
}

func headingID(n *ast.Heading) string {
	id, _ := n.AttributeString("id")
	b, _ := id.([]byte)
	return string(b)
}

func table(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	return write(w, entering, "<div class=\"scroll\" tabindex=\"0\"><table>\n", "</table></div>\n")
}

// cell leaves out the alignment, which would be a style and which the policy of
// our pages forbids. A header without text is none.
func cell(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := "td"
	if n.Parent().Kind() == tables.KindTableHeader && n.HasChildren() {
		tag = "th"
	}
	return write(w, entering, "<"+tag+">", "</"+tag+">\n")
}

// write writes what a node begins and ends with.
func write(w util.BufWriter, entering bool, open, end string) (ast.WalkStatus, error) {
	s := end
	if entering {
		s = open
	}
	_, err := w.WriteString(s)
	return ast.WalkContinue, err
}
