package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"io"
	"slices"
	"strings"
)

// functions writes how long the functions are, in lines.
func (p *project) functions(w io.Writer) {
	var lengths []int
	longest := ""
	for _, f := range p.files {
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := p.set.Position(fn.End()).Line - p.set.Position(fn.Pos()).Line + 1
			if len(lengths) == 0 || n > slices.Max(lengths) {
				longest = f.path + " " + fn.Name.Name
			}
			lengths = append(lengths, n)
		}
	}
	slices.Sort(lengths)
	at := func(percent int) int { return lengths[min(len(lengths)-1, len(lengths)*percent/100)] }
	fmt.Fprintf(w, "functions: %d; lines: median %d, p90 %d, p99 %d, longest %d (%s)\n",
		len(lengths), at(50), at(90), at(99), lengths[len(lengths)-1], longest)
}

// folders writes the files and lines of every package, the largest first.
func (p *project) folders(w io.Writer) {
	type folder struct {
		name         string
		files, lines int
	}
	var all []folder
	total := folder{}
	for _, pkg := range p.packages {
		one := folder{name: p.folder(pkg)}
		for _, f := range p.files {
			if f.of == pkg {
				one.files++
				one.lines += len(f.lines)
			}
		}
		total.files, total.lines = total.files+one.files, total.lines+one.lines
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b folder) int { return b.lines - a.lines })
	fmt.Fprintf(w, "files: %d with %d lines in %d packages\n", total.files, total.lines, len(all))
	for _, one := range all {
		fmt.Fprintf(w, "  %-24s %3d files %6d lines\n", one.name, one.files, one.lines)
	}
}

// types writes those with the most methods, with their fields.
func (p *project) types(w io.Writer) {
	type measured struct {
		name            string
		methods, fields int
	}
	var all []measured
	for _, pkg := range p.packages {
		scope := pkg.Types.Scope()
		for _, name := range scope.Names() {
			object, ok := scope.Lookup(name).(*types.TypeName)
			if !ok || object.IsAlias() {
				continue
			}
			named, ok := object.Type().(*types.Named)
			if !ok {
				continue
			}
			one := measured{name: p.folder(pkg) + "." + name, methods: named.NumMethods()}
			if s, ok := named.Underlying().(*types.Struct); ok {
				one.fields = s.NumFields()
			}
			all = append(all, one)
		}
	}
	over := 0
	for _, one := range all {
		if one.methods > 40 {
			over++
		}
	}
	slices.SortFunc(all, func(a, b measured) int { return b.methods - a.methods })
	fmt.Fprintf(w, "types: %d, of which %d have more than 40 methods\n", len(all), over)
	for _, one := range all[:min(8, len(all))] {
		fmt.Fprintf(w, "  %-32s %3d methods %3d fields\n", one.name, one.methods, one.fields)
	}
}

// window is the number of lines in a row that count as a repetition.
const window = 6

// duplicates writes how many lines are somewhere else too, in runs of window
// lines or more. Empty lines and lines without a letter do not count.
func (p *project) duplicates(w io.Writer) {
	type place struct {
		file  int
		lines [window]int
	}
	seen := map[string][]place{}
	for i, f := range p.files {
		var texts []string
		var numbers []int
		for n, line := range f.lines {
			if line = strings.TrimSpace(line); strings.ContainsAny(line, "abcdefghijklmnopqrstuvwxyz") && !strings.HasPrefix(line, "//") {
				texts, numbers = append(texts, line), append(numbers, n)
			}
		}
		for k := 0; k+window <= len(texts); k++ {
			key := strings.Join(texts[k:k+window], "\n")
			seen[key] = append(seen[key], place{file: i, lines: [window]int(numbers[k : k+window])})
		}
	}
	repeated := map[[2]int]bool{}
	for _, places := range seen {
		if len(places) < 2 {
			continue
		}
		for _, at := range places {
			for _, n := range at.lines {
				repeated[[2]int{at.file, n}] = true
			}
		}
	}
	fmt.Fprintf(w, "duplicates: %d lines stand somewhere else too, in runs of %d or more\n", len(repeated), window)
}
