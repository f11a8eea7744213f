package docs

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
)

const (
	maxWords = 16  // of a search
	maxHits  = 30  // of a search
	maxLead  = 60  // bytes of an excerpt before its first hit
	maxShown = 200 // bytes of an excerpt
)

// Hit is a place where a search found something.
type Hit struct {
	Page    *Page
	Heading Heading // of the section; the page's title when it is its beginning
	Excerpt []Span  // some text of the section; empty: it has none
}

// Span is a part of an excerpt.
type Span struct {
	Text  string
	Match bool // it is one of the words searched for
}

// Search finds the sections that hold all words of a query, in any case and
// order: first those that have them in the title or the heading, then those that
// have them in the text, in the order of the pages. A page that has them only in
// different sections is found once, by its first section with one of them.
// Only the first words of a very long query count, and there are at most 30 hits.
// No words find nothing. It is safe for concurrent use.
func Search(query string) []Hit {
	words := strings.Fields(fold(query))
	words = words[:min(len(words), maxWords)]
	if len(words) == 0 {
		return nil
	}
	var found []ranked
	for _, p := range Pages() {
		found = append(found, p.search(words)...)
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	hits := make([]Hit, min(len(found), maxHits))
	for i := range hits {
		f := found[i]
		hits[i] = Hit{f.page, f.section.heading, f.section.excerpt(words)}
	}
	return hits
}

// Ranks of hits, best first.
const (
	byTitle = iota
	byHeading
	byText
	scattered // over sections of a page
)

type ranked struct {
	page    *Page
	section section
	rank    int
}

// search returns the hits on a page.
func (p *Page) search(words []string) []ranked {
	var hits []ranked
	title := p.sections[0].foldedHeading
	missing := slices.Clone(words)
	first := -1
	for i, s := range p.sections {
		here := func(w string) bool { return strings.Contains(s.foldedHeading, w) || strings.Contains(s.folded, w) }
		switch {
		case i == 0 && all(words, title):
			hits = append(hits, ranked{p, s, byTitle})
		case i > 0 && all(words, title+" "+s.foldedHeading) && some(words, s.foldedHeading):
			hits = append(hits, ranked{p, s, byHeading})
		case every(words, here):
			hits = append(hits, ranked{p, s, byText})
		}
		if first < 0 && slices.ContainsFunc(words, here) {
			first = i
		}
		missing = slices.DeleteFunc(missing, here)
	}
	if len(hits) == 0 && len(missing) == 0 {
		return []ranked{{p, p.sections[first], scattered}}
	}
	return hits
}

func every(words []string, holds func(string) bool) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !holds(w) })
}

func all(words []string, text string) bool {
	return every(words, func(w string) bool { return strings.Contains(text, w) })
}

func some(words []string, text string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// fold makes text comparable whatever its case. Each byte stays where it is.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r
	}, s)
}

// excerpt returns the text around the first of the words in it, cut between
// words where there are any.
func (s section) excerpt(words []string) []Span {
	text := s.text
	at, _ := firstOf(s.folded, words)
	from, to := max(0, at-maxLead), len(text)
	if from > 0 {
		from += 1 + strings.IndexByte(text[from:at], ' ')
	}
	if from+maxShown < to {
		to = from + maxShown
		if i := strings.LastIndexByte(text[at:to], ' '); i > 0 {
			to = at + i
		}
	}
	spans := highlight(strings.ToValidUTF8(text[from:to], ""), words)
	if from > 0 {
		spans = append([]Span{{Text: "… "}}, spans...)
	}
	if to < len(text) {
		spans = append(spans, Span{Text: " …"})
	}
	return spans
}

// highlight splits text into words that are searched for and what is between.
func highlight(text string, words []string) []Span {
	var spans []Span
	for folded := fold(text); text != ""; {
		at, n := firstOf(folded, words)
		if at > 0 {
			spans = append(spans, Span{Text: text[:at]})
		}
		if n > 0 {
			spans = append(spans, Span{text[at : at+n], true})
		}
		text, folded = text[at+n:], folded[at+n:]
	}
	return spans
}

// firstOf returns where the first of the words begins and how long it is; the
// longest one counts when several begin there. Without any it is the end.
func firstOf(folded string, words []string) (at, length int) {
	at = len(folded)
	for _, w := range words {
		i := strings.Index(folded, w)
		if i >= 0 && (i < at || i == at && len(w) > length) {
			at, length = i, len(w)
		}
	}
	return at, length
}

// section is a heading and the text up to the next one.
type section struct {
	heading Heading
	text    string // words between single spaces

	foldedHeading, folded string // what is searched
}

// sections splits a page, whose first heading is its title.
func sections(doc ast.Node, source []byte) []section {
	var all []section
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			all = append(all, section{heading: Heading{headingID(h), h.Level, plain(n, source)}})
			continue
		}
		s := &all[len(all)-1]
		s.text = strings.TrimSpace(s.text + " " + plain(n, source))
	}
	for i, s := range all {
		all[i].foldedHeading, all[i].folded = fold(s.heading.Text), fold(s.text)
	}
	return all
}

// plain is the text of a node without its marks, its words between single
// spaces.
func plain(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(source))
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if entering {
				if l, ok := tab(n, source); ok {
					b.WriteString(l.Label + " ")
				}
				b.Write(n.Lines().Value(source))
			}
		}
		if n.Type() == ast.TypeBlock {
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}
