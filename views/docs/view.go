package docs

import (
	"slices"
	"strconv"
	"strings"
)

// View is the part of a page that differs between readers. The zero View shows
// a page as it is in its file.
type View struct {
	Server   Server
	Language string // of examples; empty or not there: the first one
}

// Server is the server that examples address. The zero Server leaves the
// placeholder of the files, localhost:9091.
type Server struct {
	Scheme string // http or https
	Host   string // with its port unless that is the scheme's own
	Target string // the host with its port in any case
	Prefix string // of all paths: empty, or with a leading and no trailing slash
}

// Part is a stretch of a page.
type Part struct {
	// HTML needs no escaping: what the Markdown held as HTML is left out. Its
	// links are relative to the page's own address.
	HTML string
	Run  string // the example that can be run behind it; empty: none
}

// Marks for the parts that differ between readers. They are between zero bytes,
// which nothing else in HTML made of Markdown can hold.
const (
	marker = "\x00"

	markURL      = "url"      // http://localhost:9091
	markCommand  = "command"  // the same for curl, which needs no http://
	markTarget   = "target"   // localhost:9091 as a target of Prometheus
	markPrefix   = "prefix"   // of a path
	markJava     = "java"     // .address("localhost:9091")
	markSettings = "settings" // lines of a scrape job that the target needs
	markTab      = "tab"      // whether a tab is the chosen one
	markPanel    = "panel"    // whether a block is the chosen one
	markRun      = "run"      // ends a part
)

func mark(words ...string) string { return marker + strings.Join(words, " ") + marker }

// Parts is the page as a reader sees it, title included.
func (p *Page) Parts(v View) []Part {
	var parts []Part
	var b strings.Builder
	b.Grow(p.size + 1<<10)
	for i, piece := range p.pieces {
		words := strings.Split(piece, " ")
		switch {
		case i%2 == 0:
			b.WriteString(piece)
		case words[0] == markRun:
			parts = append(parts, Part{b.String(), words[1]})
			b = strings.Builder{}
		default:
			b.WriteString(v.fill(words))
		}
	}
	return append(parts, Part{HTML: b.String()})
}

// HTML is the page as a reader sees it, without anything to run.
func (p *Page) HTML(v View) string {
	var b strings.Builder
	for _, part := range p.Parts(v) {
		b.WriteString(part.HTML)
	}
	return b.String()
}

// fill returns the text for a mark.
func (v View) fill(words []string) string {
	switch words[0] {
	case markTab:
		if v.chosen(words[1], words[2]) {
			return ` aria-selected="true" tabindex="0"`
		}
		return ` aria-selected="false" tabindex="-1"`
	case markPanel:
		if v.chosen(words[1], words[2]) {
			return ` data-chosen`
		}
		return ""
	case markSettings:
		return escape(v.Server.settings(words[1], words[2]))
	}
	return escape(v.Server.address(words[0]))
}

// chosen reports whether a language is the one to be shown of several.
func (v View) chosen(language, all string) bool {
	names := strings.Split(all, ",")
	if slices.Contains(names, v.Language) {
		return language == v.Language
	}
	return language == names[0]
}

func (s Server) address(kind string) string {
	if s == (Server{}) {
		s = Server{Scheme: "http", Host: placeholder, Target: placeholder}
	}
	url := s.Scheme + "://" + s.Host + s.Prefix
	switch kind {
	case markURL:
		return url
	case markCommand:
		return strings.TrimPrefix(url, "http://")
	case markTarget:
		if strings.HasPrefix(s.Target, "[") { // a list, to YAML
			return "'" + s.Target + "'"
		}
		return s.Target
	case markJava:
		call := `.address("` + s.Host + s.Prefix + `")`
		if s.Scheme == "https" {
			call += ".scheme(Scheme.HTTPS)"
		}
		return call
	}
	return s.Prefix
}

// settings are the lines of a scrape job that the address of a target does not
// hold.
func (s Server) settings(indent, path string) string {
	n, _ := strconv.Atoi(indent) // we wrote it
	spaces := strings.Repeat(" ", n)
	lines := ""
	if s.Scheme == "https" {
		lines += spaces + "scheme: https\n"
	}
	if s.Prefix != "" && path == "path" {
		lines += spaces + "metrics_path: " + s.Prefix + "/metrics\n"
	}
	return lines
}
